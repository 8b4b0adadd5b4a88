"""A folder of files named by their digests, with a limit: what is not in use and was used longest ago goes first.

Several processes may share it. Who uses a file holds a *lease*: a shared lock on the file `<digest>.use` beside it,
which the kernel takes back when the process dies, however it dies. Cleaning takes the same lock exclusively and without
waiting, so it never removes what somebody uses or is fetching. The time of that file tells when it was last used.

Give each pool a cache of its own: a file that is here is handed out without asking the store again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from codalab_nb.stores.azure_fetch import Progress, ReadRange, fetch, local_faults, no_progress, part_of

DEFAULT_BYTES = 20 << 30


@dataclass
class Lease:
    """Keeps `path` in the cache until `close`."""

    path: Path
    _fd: int

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Cache:
    """`limit_bytes` may be passed while all of it is in use. `spare_s`: what was used more recently stays anyway."""

    def __init__(self, folder: Path, *, limit_bytes: int = DEFAULT_BYTES, spare_s: float = 0.0) -> None:
        self.folder = folder
        self._limit_bytes = limit_bytes
        self._spare_s = spare_s

    def lease(
        self,
        sha256: str,
        size: int,
        read_range: ReadRange,
        name: str,
        progress: Progress = no_progress,
        *,
        check: bool = False,
    ) -> Lease:
        """The file of that digest, fetched if it is not here.

        With `check` a file that is here is read in full and, if it is damaged, fetched anew.
        Raises NotFound, Damaged, UnavailableError.
        """
        path = self.path(sha256)
        with local_faults(self.folder):
            fd = self._use(path)
            try:
                here = path.is_file() and path.stat().st_size == size
                if not here or (check and not _sound(path, sha256)):
                    fetch(path, name, size, sha256, read_range, progress, again=here)
                    self.clean()
                os.utime(fd)
            except BaseException:
                os.close(fd)
                raise
        return Lease(path, fd)

    def path(self, sha256: str) -> Path:
        """Where the file of that digest is, or would be."""
        return self.folder / sha256[:2] / sha256

    def _use(self, path: Path) -> int:
        """A shared lock on the file that stands for the use of `path`; a removed one does not count."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        use = _use_file(path)
        while True:
            fd = os.open(use, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(fd, fcntl.LOCK_SH)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(fd), use.stat()):
                    return fd
            os.close(fd)

    def clean(self) -> int:
        """Removes what is over the limit; the bytes freed."""
        entries = sorted(self._entries())
        over = sum(size for _, size, _ in entries) - self._limit_bytes
        freed = 0
        for used_at, size, path in entries:
            if freed >= over:
                break
            if time.time() - used_at >= self._spare_s and _remove(path):
                freed += size
        return freed

    def _entries(self) -> Iterator[tuple[float, int, Path]]:
        """(last used, bytes on disk, path) of every file, half-fetched ones too."""
        for use in self.folder.glob("??/*.use"):
            path = use.with_suffix("")
            with contextlib.suppress(FileNotFoundError):
                size = 0
                for one in (path, part_of(path)):
                    with contextlib.suppress(FileNotFoundError):
                        size += one.stat().st_blocks * 512
                yield use.stat().st_mtime, size, path


def _use_file(path: Path) -> Path:
    return path.with_name(path.name + ".use")


def _sound(path: Path, sha256: str) -> bool:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def _remove(path: Path) -> bool:
    """False if somebody uses it."""
    use = _use_file(path)
    try:
        fd = os.open(use, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for one in (path, part_of(path), path.with_name(path.name + ".parts"), use):  # the lock's own file last
            one.unlink(missing_ok=True)
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
