"""SHA-256 of files, remembered: a data set of 1 GB is read once, not at every submit."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from types import TracebackType

from codalab_nb.errors import InputError

# A file changed twice within one tick of the file system's clock keeps its times (2 s on FAT, 1 s on old NFS).
CLOCK_GRAIN_NS = 2_000_000_000
PROGRESS_FROM = 64 * (1 << 20)  # bytes; smaller files are done before a bar could be drawn

Progress = Callable[[Path, int, int], None]  # the file, bytes read, bytes in all

_SCHEMA = """
CREATE TABLE IF NOT EXISTS digests (
    path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, inode TEXT, sha256 TEXT
) WITHOUT ROWID
"""


class DigestCache:
    """Digests by path, size, times and inode, in an SQLite file that may be deleted at any time.

    Safe for several processes and threads. A damaged or unwritable cache file costs time, never an error.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._database = self._open()

    def __enter__(self) -> DigestCache:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    def digest(self, path: Path, progress: Progress | None = None) -> tuple[str, int]:
        """SHA-256 in lower-case hex, and the size in bytes, of a regular file; a link is followed.

        Raises InputError: `missing_file`, `unreadable_file`, `changed_while_reading`.
        """
        try:
            # Not blocking: opening a named pipe would wait for a writer that never comes.
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InputError("missing_file", f"There is no file {path}.", "Check the path.") from error
        except (OSError, ValueError) as error:
            raise _unreadable(path, getattr(error, "strerror", None) or str(error)) from error
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            os.close(handle)
            raise _unreadable(path, "it is not a regular file")
        with FileIO(handle) as file:
            key = os.fsencode(os.path.abspath(path))  # noqa: PTH100 (links are kept: the inode tells where they lead)
            known = self._find(key, before)
            if known:
                return known, before.st_size
            started = time.time_ns()
            sha256, count = _read(file, path, before.st_size, progress)
            after = os.fstat(handle)
        if _identity(before) != _identity(after) or count != after.st_size:
            raise InputError(
                "changed_while_reading",
                f"{path} changed while it was read.",
                "Wait until whatever writes it is done, then try again.",
            )
        if max(after.st_mtime_ns, after.st_ctime_ns) < started - CLOCK_GRAIN_NS:
            self._remember(key, after, sha256)
        return sha256, count

    def _find(self, key: bytes, status: os.stat_result) -> str | None:
        query = "SELECT sha256 FROM digests WHERE path=? AND size=? AND mtime_ns=? AND ctime_ns=? AND inode=?"
        with self._lock, contextlib.suppress(sqlite3.Error):
            row = self._database.execute(query, (key, *_identity(status))).fetchone()
            return str(row[0]) if row else None
        return None

    def _remember(self, key: bytes, status: os.stat_result, sha256: str) -> None:
        # A cache that cannot be written is no reason to stop; the file is simply read again next time.
        with self._lock, contextlib.suppress(sqlite3.Error), self._database:
            values = (key, *_identity(status), sha256)
            self._database.execute("INSERT OR REPLACE INTO digests VALUES (?,?,?,?,?,?)", values)

    def _open(self) -> sqlite3.Connection:
        for attempt in ("as it is", "anew"):
            if attempt == "anew":
                for ending in ("", "-journal", "-wal", "-shm"):
                    with contextlib.suppress(OSError):
                        Path(f"{self.path}{ending}").unlink()
            with contextlib.suppress(OSError):
                self.path.parent.mkdir(parents=True, exist_ok=True)
            database = None
            try:
                database = sqlite3.connect(self.path, timeout=5, check_same_thread=False)
                database.execute(_SCHEMA)
                database.execute("SELECT path, size, mtime_ns, ctime_ns, inode, sha256 FROM digests LIMIT 1").fetchone()
                return database
            except sqlite3.Error as error:
                if database is not None:
                    database.close()
                # Locked or unwritable: the file may be good, and in use. Damaged, or of another shape: away with it.
                busy = isinstance(error, sqlite3.OperationalError) and "no such column" not in str(error)
                if busy:
                    break
        memory = sqlite3.connect(":memory:", check_same_thread=False)
        memory.execute(_SCHEMA)
        return memory


class _Counted:
    """A file that counts what is read of it and tells `progress`; what hashlib.file_digest asks of a file."""

    def __init__(self, file: FileIO, path: Path, size: int, progress: Progress | None) -> None:
        self.file = file
        self.path = path
        self.size = size
        self.progress = progress if size > PROGRESS_FROM else None
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray, /) -> int:
        got = self.file.readinto(buffer) or 0
        self.count += got
        if self.progress is not None and got:
            self.progress(self.path, self.count, self.size)
        return got


def _read(file: FileIO, path: Path, size: int, progress: Progress | None) -> tuple[str, int]:
    counted = _Counted(file, path, size, progress)
    try:
        return hashlib.file_digest(counted, "sha256").hexdigest(), counted.count
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error


def _identity(status: os.stat_result) -> tuple[int, int, int, str]:
    """What changes when a file's content may have changed. Inode numbers can exceed SQLite's 63 bits: kept as text."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, f"{status.st_dev}:{status.st_ino}"


def _unreadable(path: Path, why: str) -> InputError:
    return InputError("unreadable_file", f"{path} cannot be read: {why}.", "Make it readable, or choose another file.")
