"""The system call filter, judged by a small BPF machine and by the headers of this system."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from codalab_worker import seccomp

_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def _verdict(machine: str, number: int, *arguments: int, arch: int | None = None) -> int:
    """0 for allowed, else the errno, as the kernel would compute it."""
    memory = {0: number, 4: _ARCH[machine] if arch is None else arch}
    for index, value in enumerate(arguments):
        memory[16 + 8 * index] = value & 0xFFFFFFFF
    code = seccomp.program(machine)
    accumulator = position = 0
    while True:
        opcode, if_true, if_false, operand = code[position]
        position += 1
        if opcode == 0x20:
            accumulator = memory.get(operand, 0)
        elif opcode == 0x06:
            return 0 if operand == 0x7FFF0000 else operand - 0x00050000
        else:
            tests = {0x15: accumulator == operand, 0x35: accumulator >= operand, 0x45: bool(accumulator & operand)}
            position += if_true if tests[opcode] else if_false


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_denied_and_allowed(machine: str) -> None:
    """Every listed call is refused, the everyday ones are not."""
    column = list(_ARCH).index(machine)
    for name, numbers in seccomp._DENIED.items():
        if numbers[column] is not None:
            assert _verdict(machine, numbers[column] or 0) == errno.EPERM, name
    for number in {"x86_64": (0, 1, 9, 59, 231, 317), "aarch64": (63, 64, 222, 221, 94, 277)}[machine]:
        assert _verdict(machine, number) == 0


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_calls_with_arguments(machine: str) -> None:
    """Threads and processes may be made, namespaces not; ordinary sockets and terminal calls pass."""
    facts = seccomp.MACHINES[machine]
    assert _verdict(machine, facts.clone, 0x003D0F00) == 0  # a thread
    assert _verdict(machine, facts.clone, 17) == 0  # fork
    for flag in (0x10000000, 0x20000000, 0x40000000, 0x00020000, 0x02000000, 0x04000000, 0x08000000):
        assert _verdict(machine, facts.clone, flag | 17) == errno.EPERM
    assert _verdict(machine, facts.clone3) == errno.ENOSYS
    assert [_verdict(machine, facts.socket, family) for family in (1, 2, 10, 16)] == [0] * 4
    assert {_verdict(machine, facts.socket, family) for family in (0, 17, 38, 40)} == {errno.EAFNOSUPPORT}
    assert _verdict(machine, facts.ioctl, 0, 0x5401) == 0
    assert {_verdict(machine, facts.ioctl, 0, request) for request in (0x5412, 0x541C)} == {errno.EPERM}


def test_other_numberings_are_closed() -> None:
    """32-bit and x32 calls would slip past the list by other numbers."""
    assert _verdict("x86_64", 0, arch=0x40000003) == errno.ENOSYS
    assert _verdict("x86_64", 0x40000000 | 101) == errno.ENOSYS
    assert _verdict("x86_64", 0x40000000) == errno.ENOSYS


def test_jumps_stay_inside() -> None:
    """A jump past the end would make the kernel refuse the whole filter."""
    for machine in seccomp.MACHINES:
        code = seccomp.program(machine)
        for position, (_, if_true, if_false, _) in enumerate(code):
            assert position + 1 + max(if_true, if_false) < len(code) or code[position][0] == 0x06
            assert max(if_true, if_false) < 256


@pytest.mark.parametrize(
    ("header", "column"),
    [("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", 0), ("/usr/include/asm-generic/unistd.h", 1)],
)
def test_numbers_are_the_kernels(header: str, column: int) -> None:
    """A wrong number would deny the wrong call; compared with the kernel's own headers where they are installed."""
    if not Path(header).exists():
        pytest.skip(f"{header} is not installed")
    known = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", Path(header).read_text()))
    for name, numbers in seccomp._DENIED.items():
        if name in known and numbers[column] is not None:
            assert numbers[column] == int(known[name]), name
    facts = list(seccomp.MACHINES.values())[column]
    for name in ("clone", "clone3", "ioctl", "socket"):
        if name in known:
            assert getattr(facts, name) == int(known[name])
