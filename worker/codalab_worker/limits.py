"""The limits of one task, and how the kernel is told of them."""

from __future__ import annotations

import contextlib
import resource
import sys
from dataclasses import dataclass, fields
from typing import Any

_MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """`processes` counts threads too; `file_bytes` is the largest single file and also the whole folder;
    `memory_bytes` is for all processes of the box together, with what lies in its /tmp."""

    processes: int = 256
    file_bytes: int = 10 << 30
    memory_bytes: int = 4 << 30
    files: int = 100_000

    @classmethod
    def from_job(cls, values: dict[str, Any]) -> Limits:
        """Unknown names are left to newer workers."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: int(value) for name, value in values.items() if name in known and value is not None})


def address_space(limits: Limits) -> int:
    """A far backstop in bytes: programs reserve much more address space than they use, so this is not the limit itself.

    Between two looks of the watchdog a program can take a gigabyte or so; this bounds what one process can.
    """
    return 4 * limits.memory_bytes + 16 * 1024 * _MIB


def apply(pid: int, limits: Limits, *, count_processes: bool) -> None:
    """Sets the resource limits of a process of the same user; they are inherited and can only be lowered.

    `count_processes` only where the user belongs to this box alone: the kernel counts per user.
    """
    if sys.platform != "linux":
        return  # macOS cannot limit another process; the watchdog is all there is
    wanted = {resource.RLIMIT_FSIZE: limits.file_bytes, resource.RLIMIT_AS: address_space(limits)}
    if count_processes:
        wanted[resource.RLIMIT_NPROC] = limits.processes
    for which, value in wanted.items():
        with contextlib.suppress(ProcessLookupError):
            _, hard = resource.prlimit(pid, which)
            lowered = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.prlimit(pid, which, (lowered, lowered))
