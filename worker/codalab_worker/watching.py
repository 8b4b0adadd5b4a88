"""The watchdog's look at a box: memory, disk and processes, from outside, cheap enough for ten times a second."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from codalab_worker.limits import Limits

_PAGE = os.sysconf("SC_PAGE_SIZE")
_DISK_SHARE = 0.1  # of the time may go into walking the folder


@dataclass(frozen=True)
class Usage:
    """Bytes and numbers of one folder. Blocks, not lengths: a sparse file takes what it takes."""

    disk_bytes: int
    files: int


def resident_bytes(process: Path) -> int:
    """Of a process given by its /proc folder, shared pages included: an upper bound, and quick. 0 if it is gone."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int((process / "statm").read_text().split()[1]) * _PAGE
    return 0


@dataclass(frozen=True)
class Shares:
    """Bytes of a process. `proportional` divides each shared page by the number of its sharers; `private` has none of
    them; `anonymous` is resident and of no file, shared or not; `shared_memory` is proportional too."""

    proportional: int = 0
    private: int = 0
    anonymous: int = 0
    shared_memory: int = 0


_PRIVATE = ("Private_Clean", "Private_Dirty", "Private_Hugetlb")


def shares(process: Path) -> Shares | None:
    """None where the process hides them (it made itself undumpable), or is gone."""
    found: dict[str, int] = {}
    try:
        for line in (process / "smaps_rollup").read_text().splitlines()[1:]:
            name, _, rest = line.partition(":")
            found[name] = int(rest.split()[0]) * 1024
    except (PermissionError, FileNotFoundError, ProcessLookupError):
        return None
    private = sum(found.get(name, 0) for name in _PRIVATE)
    return Shares(found.get("Pss", 0), private, found.get("Anonymous", 0), found.get("Pss_Shmem", 0))


def memory_bytes(processes: list[Path], zygote_bytes: int, at_least: int, zygote: Path | None = None) -> int:
    """Memory that the box's processes added to what they inherited from the zygote.

    The exact figure costs a walk through page tables, so it is taken only when the quick upper bound exceeds
    `at_least`. Pages shared inside the box count once; the zygote's pages, shared by all boxes, do not count:
    all their shares together are at most `zygote_bytes`. The more boxes there are, the smaller their shares are in
    truth, so what one process alone has beyond its `zygote` (a /proc folder) is looked at, too.
    """
    quick = [resident_bytes(process) for process in processes]
    if sum(quick) <= at_least:
        return sum(quick)
    known: list[Shares] = []
    for process, resident in zip(processes, quick, strict=True):
        found = shares(process)
        if found is None:
            found = Shares(resident, max(0, resident - zygote_bytes)) if process.exists() else Shares()
        known.append(found)
    ours = shares(zygote) if zygote is not None else None
    inherited = zygote_bytes if ours is None else ours.anonymous
    largest = max((one.anonymous for one in known), default=0) - inherited
    return max(
        sum(one.private for one in known),
        sum(one.proportional for one in known) - zygote_bytes,
        sum(one.shared_memory for one in known) + max(0, largest),
    )


def folder_usage(folder: Path, stop: Callable[[Usage], bool]) -> Usage:
    """Walks without following links, with one open folder at a time; ends early when `stop` says so.

    A folder that the task closed to us (mode 000) is opened up: it would be a hiding place.
    """
    disk = files = 0
    waiting = [os.fsencode(folder)]
    while waiting:
        here = waiting.pop()
        try:
            if not os.access(here, os.R_OK | os.X_OK):
                _open_up(folder, here)
            with os.scandir(here) as entries:
                for entry in entries:
                    with contextlib.suppress(OSError):
                        found = entry.stat(follow_symlinks=False)
                        disk += found.st_blocks * 512
                        files += 1
                        if stat.S_ISDIR(found.st_mode):
                            waiting.append(entry.path)
        except OSError:
            continue  # deleted or locked in the meantime
        if stop(Usage(disk, files)):
            break
    return Usage(disk, files)


def _open_up(top: Path, path: bytes) -> None:
    """chmod 700 of a folder below `top`, never through a link (the task may swap names meanwhile). Raises OSError."""
    here = os.open(top, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        for part in path[len(os.fsencode(top)) :].split(b"/"):
            if part:
                inner = os.open(part, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
                os.close(here)
                here = inner
        Path(f"/proc/self/fd/{here}").chmod(0o700)  # an O_PATH descriptor has no fchmod
    finally:
        os.close(here)


def deleted_bytes(processes: list[Path], device: int) -> int:
    """Disk space of files that were deleted while a process keeps them open, on the folder's device."""
    seen: dict[int, int] = {}
    for process in processes:
        with contextlib.suppress(OSError):
            for entry in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    found = entry.stat()
                    if stat.S_ISREG(found.st_mode) and found.st_nlink == 0 and found.st_dev == device:
                        seen[found.st_ino] = found.st_blocks * 512
    return sum(seen.values())


@dataclass
class Watch:
    """Looks at one box. `init`: process 1 of its pid namespace, or the runner where there is none."""

    folder: Path
    init: int
    walled: bool
    zygote_bytes: int
    limits: Limits = field(default_factory=Limits)
    zygote: Path | None = None  # its /proc folder
    placed_bytes: int = 0  # copied inputs are not the task's doing
    placed_files: int = 0
    _next_disk_look: float = 0.0

    def overstep(self) -> str | None:
        """`oom`, `pids_limit`, `disk_limit`, or None."""
        processes = list(self._processes())
        if len(processes) > self.limits.processes:
            return "pids_limit"
        in_files = self._memory_files()
        room = self.limits.memory_bytes - in_files
        if room < 0 or memory_bytes(processes, self.zygote_bytes, room, self.zygote) > room:
            return "oom"
        now = time.monotonic()
        if now >= self._next_disk_look:
            used = folder_usage(self.folder, self._too_much)
            with contextlib.suppress(OSError):
                hidden = deleted_bytes(processes, self.folder.stat().st_dev)
                used = Usage(used.disk_bytes + hidden, used.files)
            took = time.monotonic() - now
            self._next_disk_look = now + took / _DISK_SHARE
            if self._too_much(used):
                return "disk_limit"
        return None

    def _too_much(self, used: Usage) -> bool:
        return (
            used.disk_bytes - self.placed_bytes > self.limits.file_bytes
            or used.files - self.placed_files > self.limits.files
        )

    def _processes(self) -> Iterator[Path]:
        """/proc folders of the box's processes. A walled box has a /proc of its own that lists just them."""
        if self.walled:
            proc = Path(f"/proc/{self.init}/root/proc")
            with contextlib.suppress(OSError):
                yield from [entry for entry in proc.iterdir() if entry.name.isdigit()]
            return
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(self.init)
            for process in (root, *root.children(recursive=True)):
                yield Path(f"/proc/{process.pid}")

    def _memory_files(self) -> int:
        """Bytes in the box's memory file systems: memory that belongs to no process."""
        if not self.walled:
            return 0
        total = 0
        for name in ("tmp", "dev/shm"):
            with contextlib.suppress(OSError):
                found = os.statvfs(f"/proc/{self.init}/root/{name}")
                total += (found.f_blocks - found.f_bfree) * found.f_frsize
        return total
