"""Large files over the network: fetched in parts, several at a time, taken up where a killed process left off.

`final` appears whole and verified or not at all. While it is fetched it stands beside as `final.part`, locked by
whoever fetches it, with a list of the parts that are there.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from codalab_nb import failpoints
from codalab_nb.errors import UnavailableError
from codalab_nb.stores.ports import Damaged, NotFound

PART_BYTES = 8 << 20
_AT_A_TIME = 4

ReadRange = Callable[[int, int], bytes]  # (offset, length) → the bytes there, fewer at the end of the blob
Progress = Callable[[str, int, int], None]  # name, bytes done, bytes in all; called from several threads


def no_progress(_name: str, _done: int, _total: int) -> None:
    """For whom nobody looks on."""


@contextlib.contextmanager
def local_faults(where: Path) -> Iterator[None]:
    """What the local disk says while something is fetched to it."""
    try:
        yield
    except (FileNotFoundError, NotFound):
        raise
    except OSError as error:
        full = error.errno in (28, 122)  # ENOSPC, EDQUOT
        raise UnavailableError(
            "disk_full" if full else "cache_not_writable",
            f"The disk that holds {where} is full." if full else f"{where} cannot be written ({error.strerror}).",
            "Free some space there, or give the cache another folder.",
        ) from error


def fetch(
    final: Path,
    name: str,
    size: int,
    sha256: str | None,
    read_range: ReadRange,
    progress: Progress = no_progress,
    *,
    again: bool = False,
) -> None:
    """Makes `final` from the `size` bytes that `read_range` gives, unless it is there; `again`: also if it is.

    Raises NotFound (nothing there, or less than `size`), Damaged, UnavailableError (disk_full, …).
    """
    with local_faults(final.parent):
        final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _half_made(final) as fd:
            if not again and final.is_file() and final.stat().st_size == size:
                return  # whoever held the lock before us has made it
            journal = _Journal(final, usable=sha256 is not None)
            os.ftruncate(fd, size)
            _fill(fd, name, size, read_range, journal, progress)
            if sha256 is not None and _digest(fd) != sha256:
                journal.remove()
                os.ftruncate(fd, 0)
                raise Damaged(name)
            os.fchmod(fd, 0o400)
            part_of(final).rename(final)
            journal.remove()


def part_of(final: Path) -> Path:
    return final.with_name(final.name + ".part")


@contextlib.contextmanager
def _half_made(final: Path) -> Iterator[int]:
    """The open, locked `final.part`. Another process that makes the same file is waited for."""
    while True:
        fd = os.open(part_of(final), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            try:
                same = os.path.samestat(os.fstat(fd), part_of(final).stat())
            except FileNotFoundError:
                same = False
            if same:  # else it was renamed or removed by whoever held the lock before us
                yield fd
                return
        finally:
            os.close(fd)


class _Journal:
    """Which parts `final.part` holds; lines are added by several threads."""

    def __init__(self, final: Path, *, usable: bool) -> None:
        self._path = final.with_name(final.name + ".parts")
        self._lock = threading.Lock()
        self.done: set[int] = set()
        if not usable:  # what cannot be verified in the end is not taken up
            self.remove()
            return
        with contextlib.suppress(FileNotFoundError):
            lines = self._path.read_text().split()
            # The first line tells the size of the parts; of a line that was cut short the full stop is missing.
            if lines and lines[0] == f"size={PART_BYTES}":
                self.done = {
                    int(line.rstrip(".")) for line in lines[1:] if line.endswith(".") and line[:-1].isdecimal()
                }
                return
        self._path.write_text(f"size={PART_BYTES}\n")

    def add(self, index: int) -> None:
        with self._lock, self._path.open("a") as file:
            file.write(f"{index}.\n")

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


def _fill(fd: int, name: str, size: int, read_range: ReadRange, journal: _Journal, progress: Progress) -> None:
    indexes = [index for index in range(-(-size // PART_BYTES)) if index not in journal.done]
    done = sum(_length(index, size) for index in journal.done)
    lock = threading.Lock()
    stop = threading.Event()

    def one(index: int) -> None:
        nonlocal done
        if stop.is_set():
            return
        length = _length(index, size)
        data = read_range(index * PART_BYTES, length)
        if len(data) != length:
            raise NotFound(name)  # cut short is not there either
        os.pwrite(fd, data, index * PART_BYTES)
        journal.add(index)
        failpoints.hit("worker.stage.mid")
        with lock:
            done += length
            progress(name, done, size)

    if len(indexes) == 1:
        one(indexes[0])
        return
    with concurrent.futures.ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="fetch") as pool:
        futures = [pool.submit(one, index) for index in indexes]
        try:
            for future in concurrent.futures.as_completed(futures):
                future.result()
        finally:
            stop.set()


def _length(index: int, size: int) -> int:
    return min(PART_BYTES, size - index * PART_BYTES)


def _digest(fd: int) -> str:
    os.lseek(fd, 0, os.SEEK_SET)
    with open(fd, "rb", closefd=False) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
