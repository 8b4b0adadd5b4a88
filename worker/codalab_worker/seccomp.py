"""The system calls a sandboxed process may not make, as a classic BPF program assembled here.

A deny-list: numerical code, compilers and plotting use the rest. Namespaces, dropped capabilities and
`no_new_privs` are the wall; this closes the doors in the kernel that a notebook never needs (seccomp(2)).

AF_INET stays allowed even without network: libzmq aborts the kernel when it is refused.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from dataclasses import dataclass

# Name -> number on (x86_64, aarch64); None where the architecture has no such call.
_DENIED: dict[str, tuple[int | None, int | None]] = {
    # other processes' memory and descriptors
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    # the kernel itself
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "create_module": (174, None),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "syslog": (103, 116),
    "acct": (163, 89),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "personality": (135, 92),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    # mounts and namespaces
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "setns": (308, 268),
    "unshare": (272, 97),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    # large kernel surfaces without use in a notebook
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "vmsplice": (278, 75),
    "memfd_secret": (447, 447),  # memory that the watchdog could not see
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "lookup_dcookie": (212, 18),
    "nfsservctl": (180, 42),
    "uselib": (134, None),
    "_sysctl": (156, None),
}
_ALLOWED_FAMILIES = (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK (getifaddrs)
_CLONE_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: typing into the terminal that started us


@dataclass(frozen=True)
class _Machine:
    audit_arch: int
    column: int  # into the table above
    clone: int
    clone3: int
    ioctl: int
    socket: int
    x32: bool  # has a second numbering (bit 30) which would slip past the list


MACHINES = {
    "x86_64": _Machine(0xC000003E, 0, clone=56, clone3=435, ioctl=16, socket=41, x32=True),
    "aarch64": _Machine(0xC00000B7, 1, clone=220, clone3=435, ioctl=29, socket=198, x32=False),
}

# Classic BPF opcodes (linux/bpf_common.h) and seccomp return values (linux/seccomp.h).
_LOAD_WORD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_AT_NUMBER, _AT_ARCH = 0, 4  # offsets in struct seccomp_data

_Instruction = tuple[int, int, int, int]  # opcode, jump if true, jump if false, operand


def _argument(index: int) -> int:
    return 16 + 8 * index  # its low 32 bits; both machines are little-endian


def _refuse(number: int) -> _Instruction:
    return (_RETURN, 0, 0, _ERRNO | number)


_PERMIT: _Instruction = (_RETURN, 0, 0, _ALLOW)


def _for_call(number: int, body: list[_Instruction]) -> list[_Instruction]:
    """`body` for one system call (it must end in a return), else on to the next rule."""
    return [(_IF_EQUAL, 0, len(body), number), *body]


def program(machine_name: str) -> list[_Instruction]:
    """The filter for a machine of `MACHINES`. Raises KeyError for any other."""
    machine = MACHINES[machine_name]
    rules: list[_Instruction] = [
        (_LOAD_WORD, 0, 0, _AT_ARCH),
        (_IF_EQUAL, 1, 0, machine.audit_arch),
        _refuse(errno.ENOSYS),  # 32-bit programs have other numbers: all or nothing
        (_LOAD_WORD, 0, 0, _AT_NUMBER),
    ]
    if machine.x32:
        rules += [(_IF_AT_LEAST, 0, 1, 0x40000000), _refuse(errno.ENOSYS)]
    for numbers in _DENIED.values():
        number = numbers[machine.column]
        if number is not None:
            rules += _for_call(number, [_refuse(errno.EPERM)])
    # clone3 hides its flags behind a pointer: glibc falls back to clone when told it does not exist.
    rules += _for_call(machine.clone3, [_refuse(errno.ENOSYS)])
    rules += _for_call(
        machine.clone,
        [(_LOAD_WORD, 0, 0, _argument(0)), (_IF_ANY_BIT, 0, 1, _CLONE_NAMESPACES), _refuse(errno.EPERM), _PERMIT],
    )
    injection: list[_Instruction] = [(_LOAD_WORD, 0, 0, _argument(1))]
    for request in _TERMINAL_INJECTION:
        injection += [(_IF_EQUAL, 0, 1, request), _refuse(errno.EPERM)]
    rules += _for_call(machine.ioctl, [*injection, _PERMIT])
    families: list[_Instruction] = [(_LOAD_WORD, 0, 0, _argument(0))]
    for family in _ALLOWED_FAMILIES:
        families += [(_IF_EQUAL, 0, 1, family), _PERMIT]
    rules += _for_call(machine.socket, [*families, _refuse(errno.EAFNOSUPPORT)])
    return [*rules, _PERMIT]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def supported() -> bool:
    return platform.machine() in MACHINES


def install() -> None:
    """Applies the filter to this thread and everything it will start; for ever. Needs `no_new_privs`."""
    instructions = program(platform.machine())
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in instructions))
    filter_program = _Program(len(instructions), ctypes.cast(code, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    set_seccomp, mode_filter = 22, ctypes.c_ulong(2)
    if libc.prctl(set_seccomp, mode_filter, ctypes.byref(filter_program), ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp filter refused: errno {number}")
