"""The few Linux system calls that the standard library lacks (Python 3.11), as plain functions.

All raise OSError with the errno of the kernel. Only functions that change the calling process or a mount
are here; nothing decides anything.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import sys

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4

_NS_GET_USERNS = 0xB701  # ioctl_ns(2): the user namespace that owns this namespace
_CAPABILITY_VERSION_3 = 0x20080522

# These three have the same number on every architecture (they are younger than the common table).
_SYS_OPEN_TREE = 428
_SYS_MOVE_MOUNT = 429
_SYS_MOUNT_SETATTR = 442

_AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
_OPEN_TREE_CLONE = 1
_MOVE_MOUNT_F_EMPTY_PATH = 0x04
_MOVE_MOUNT_T_EMPTY_PATH = 0x40
_MOUNT_ATTR_RDONLY, _MOUNT_ATTR_NOSUID, _MOUNT_ATTR_NODEV, _MOUNT_ATTR_NOEXEC = 1, 2, 4, 8


class _MountAttributes(ctypes.Structure):
    _fields_ = [
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    ]


class _CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapabilityData(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _call(name: str, *arguments: object) -> int:
    if _libc is None:
        raise OSError(f"{name} needs Linux")
    result = int(getattr(_libc, name)(*arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def _prctl(option: int, value: int = 0, third: int = 0) -> None:
    # The kernel refuses some options unless the unused arguments are zero at full width.
    _call("prctl", option, ctypes.c_ulong(value), ctypes.c_ulong(third), ctypes.c_ulong(0), ctypes.c_ulong(0))


def setns(fd: int) -> None:
    _call("setns", fd, 0)


def unshare(flags: int) -> None:
    _call("unshare", flags)


def owner_of(namespace: int) -> int:
    """A new descriptor of the user namespace that owns the given namespace descriptor."""
    return fcntl.ioctl(namespace, _NS_GET_USERNS)


def die_with_parent() -> None:
    """SIGKILL for this process when the thread that made it ends. Lost by a change of user: call it after."""
    _prctl(_PR_SET_PDEATHSIG, 9)


def adopt_orphans() -> None:
    """From now on, orphaned descendants become children of this process, which must reap them."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def set_dumpable(dumpable: bool) -> None:
    """False: /proc/<this process> belongs to root, so that a neighbour of the same user cannot open its memory."""
    _prctl(_PR_SET_DUMPABLE, int(dumpable))


def no_new_privileges() -> None:
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def drop_bounding_set() -> None:
    """Empties the capability bounding set. Needs CAP_SETPCAP, so it comes before `drop_capabilities`."""
    for capability in range(64):
        try:
            _prctl(_PR_CAPBSET_DROP, capability)
        except OSError:
            if capability == 0:  # the first one always exists: a real refusal
                raise
            return  # past the last capability this system knows


def drop_capabilities() -> None:
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = _CapabilityHeader(_CAPABILITY_VERSION_3, 0)
    _call("capset", ctypes.byref(header), ctypes.byref((_CapabilityData * 2)()))


def clone_mount_read_only(path: str) -> int:
    """A descriptor of a detached, read-only, nosuid, nodev, noexec mount of a host file. Follows no final link."""
    tree = _call(
        "syscall",
        _SYS_OPEN_TREE,
        _AT_FDCWD,
        os.fsencode(path),
        ctypes.c_uint(_OPEN_TREE_CLONE | os.O_CLOEXEC | 0x100),  # 0x100: AT_SYMLINK_NOFOLLOW
    )
    try:
        flags = _MOUNT_ATTR_RDONLY | _MOUNT_ATTR_NOSUID | _MOUNT_ATTR_NODEV | _MOUNT_ATTR_NOEXEC
        attributes = _MountAttributes(flags, 0, 0, 0)
        size = ctypes.c_size_t(ctypes.sizeof(attributes))
        _call("syscall", _SYS_MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH, ctypes.byref(attributes), size)
    except OSError:
        os.close(tree)
        raise
    return tree


def attach_mount(tree: int, target: int) -> None:
    """Puts a detached mount onto the file behind `target`, an O_PATH descriptor in the current mount namespace."""
    _call(
        "syscall",
        _SYS_MOVE_MOUNT,
        tree,
        b"",
        target,
        b"",
        ctypes.c_uint(_MOVE_MOUNT_F_EMPTY_PATH | _MOVE_MOUNT_T_EMPTY_PATH),
    )
