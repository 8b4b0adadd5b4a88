"""A folder as a store: one machine, one user, a local or network disk.

create-if-absent is `tmp/<uuid>` + fsync + `link` + fsync of the folder: a name appears whole or not at
all, and of two creators exactly one wins (`link` fails with EEXIST). `O_EXCL` + write would leave an
empty winner after a crash.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from codalab_nb import failpoints
from codalab_nb.bells import Bell, Listener
from codalab_nb.durable import make_folder, sync_folder
from codalab_nb.errors import CodalabError, InputError, UnavailableError
from codalab_nb.model import names
from codalab_nb.stores.ports import Forbidden, Look, NotFound, UncertainWrite

_CHUNK = 1 << 20
_ALL = "all"  # the bell of who watches every task


@contextlib.contextmanager
def _faults(root: Path, name: str) -> Iterator[None]:
    """Maps what the operating system says, once, here."""
    try:
        yield
    except (CodalabError, FileNotFoundError):
        raise
    except failpoints.DroppedReply as error:
        raise UncertainWrite(name) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UnavailableError(
                "disk_full",
                f"The disk that holds {root} is full.",
                "Free some space (`codalab-nb clean`), then repeat.",
            ) from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise UnavailableError(
                "home_not_writable",
                f"{root} cannot be written ({error.strerror}).",
                "Set CODALAB_NB_HOME to a folder that you may write.",
            ) from error
        raise UnavailableError(
            "store_error", f"{name} in {root}: {error.strerror}.", "See `codalab-nb doctor`."
        ) from error


class LocalStore:
    """The site's view of the folder `root`; `attempt` makes a worker's narrow one. Both may be used by many threads."""

    def __init__(self, root: Path, runtime: Path) -> None:
        self.root = root
        self._bells = runtime / "t"
        with _faults(root, "tmp"):
            for folder in (root / "tmp", root / "tasks", root / "blobs" / "sha256"):
                make_folder(folder)

    # --- create-if-absent

    def create(self, name: str, data: bytes) -> bool:
        with self._half_made(name) as temporary:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(fd, view) :]
                os.fsync(fd)
            finally:
                os.close(fd)
            return self._appear(temporary, name)

    def create_file(self, name: str, source: Path) -> bool:
        with self._half_made(name) as temporary:
            # The source may be what a stranger's notebook left: never follow a link, never open a pipe.
            fd = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(fd, "rb") as reader, temporary.open("xb") as writer:
                shutil.copyfileobj(reader, writer, _CHUNK)
                os.fchmod(writer.fileno(), 0o400)
                writer.flush()
                os.fsync(writer.fileno())
            return self._appear(temporary, name)

    @contextlib.contextmanager
    def _half_made(self, name: str) -> Iterator[Path]:
        temporary = self.root / "tmp" / uuid.uuid4().hex
        with _faults(self.root, name):
            try:
                yield temporary
            finally:
                temporary.unlink(missing_ok=True)

    def _appear(self, temporary: Path, name: str) -> bool:
        """Gives the finished file its name. The folder is synced also by the loser: what it read back is durable."""
        final = self.path(name)
        make_folder(final.parent)
        try:
            os.link(temporary, final)
            won = True
        except FileExistsError:
            won = False
        failpoints.hit("commit.after_link")
        sync_folder(final.parent)
        if won and name.endswith("result.json"):
            failpoints.hit("commit.drop_reply")
        self._ring(name)
        return won

    # --- reading

    def path(self, name: str) -> Path:
        path = self.root / name
        if ".." in name.split("/") or name.startswith("/") or not path.is_relative_to(self.root):
            raise Forbidden(name)
        return path

    def read(self, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        try:
            with _faults(self.root, name), self.path(name).open("rb") as file:
                if offset:
                    file.seek(offset)
                return file.read(limit)
        except FileNotFoundError as error:
            raise NotFound(name) from error

    def look(self, name: str) -> Look | None:
        try:
            with _faults(self.root, name):
                stat = self.path(name).stat()
        except FileNotFoundError:
            return None
        age = max(0.0, time.time() - stat.st_mtime)
        return Look(size=stat.st_size, version=_version(stat), age_s=age)

    def list(self, prefix: str) -> Iterator[str]:
        base = self.path(prefix)
        for folder, _, files in os.walk(base):
            relative = Path(folder).relative_to(self.root).as_posix()
            for file in files:
                yield f"{relative}/{file}"

    def folder(self, prefix: str) -> Path:
        return self.path(prefix)

    # --- the rest

    def delete(self, name: str, *, version: str | None = None) -> bool:
        path = self.path(name)
        # Out of the way first, then looked at: nobody can change it unseen between the look and the end.
        aside = self.root / "tmp" / uuid.uuid4().hex
        with _faults(self.root, name):
            try:
                path.rename(aside)
            except FileNotFoundError:
                return False
            stat = aside.stat()
            if version is not None and _version(stat) != version:
                with contextlib.suppress(FileExistsError):
                    os.link(aside, path)
                aside.unlink()
                return False
            aside.unlink()
            # Empty folders tell nothing; the roots stay.
            with contextlib.suppress(OSError):
                for parent in path.parents:
                    if parent == self.root or parent.parent == self.root:
                        break
                    parent.rmdir()
        return True

    def touch_blob(self, sha256: str) -> bool:
        name = names.blob(sha256)
        with _faults(self.root, name):
            try:
                os.utime(self.path(name))
            except FileNotFoundError:
                return False
        return True

    def put_blob(self, source: Path | bytes, sha256: str) -> bool:
        if self.touch_blob(sha256):
            return False
        name = names.blob(sha256)
        with self._half_made(name) as temporary:
            with temporary.open("xb") as writer:
                digest = hashlib.sha256()
                for chunk in _chunks(source):
                    digest.update(chunk)
                    writer.write(chunk)
                    failpoints.hit("submit.blob.mid")
                os.fchmod(writer.fileno(), 0o444)
                writer.flush()
                os.fsync(writer.fileno())
            if digest.hexdigest() != sha256:
                raise InputError(
                    "changed_while_reading", f"{source!s:.200} changed while it was being packed.", "Submit again."
                )
            return self._appear(temporary, name)

    def changes(self, task: str | None) -> Listener:
        return Bell(self._bells / (_ALL if task is None else task[-12:])).listen()

    def _ring(self, name: str) -> None:
        parts = name.split("/", 2)
        if parts[0] == "tasks":
            Bell(self._bells / parts[1][-12:]).ring()
            Bell(self._bells / _ALL).ring()

    def attempt(self, task: str, n: int) -> LocalAttemptStore:
        return LocalAttemptStore(self, task, n)


def _version(stat: os.stat_result) -> str:
    return f"{stat.st_size}-{stat.st_mtime_ns}"


def _chunks(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as reader:
        while chunk := reader.read(_CHUNK):
            yield chunk


class LocalAttemptStore:
    """A worker's rights for attempt `n` of `task`: the same names that a cloud grant would cover, and no other."""

    append_limit = None
    append_interval_s = 0.0

    def __init__(self, store: LocalStore, task: str, n: int) -> None:
        self._store = store
        self._names = names.TaskNames(task)
        self._n = n
        self._readable = {self._names.document, self._names.result, self._names.claim(n)}

    def _check_create(self, name: str) -> None:
        inside = name.startswith(self._names.attempt(self._n)) and ".." not in name.split("/")
        if not inside and name != self._names.result:
            raise Forbidden(name)

    def create(self, name: str, data: bytes) -> bool:
        self._check_create(name)
        return self._store.create(name, data)

    def create_file(self, name: str, source: Path) -> bool:
        self._check_create(name)
        return self._store.create_file(name, source)

    def append(self, name: str, position: int, data: bytes) -> int:
        if not name.startswith(self._names.events(self._n).removesuffix("000.jsonl")):
            raise Forbidden(name)
        path = self._store.path(name)
        with _faults(self._store.root, name):
            try:
                fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except FileNotFoundError as error:
                raise NotFound(name) from error  # the task was removed
            try:
                os.ftruncate(fd, position)
                half = position + os.pwrite(fd, data[: len(data) // 2], position)
                failpoints.hit("events.mid_append")
                with open(fd, "wb", closefd=False) as file:
                    file.seek(half)
                    file.write(data[half - position :])
            finally:
                os.close(fd)
        self._store._ring(name)
        return position + len(data)

    def read(self, name: str) -> bytes:
        if name not in self._readable:
            raise Forbidden(name)
        return self._store.read(name)

    def blob(self, sha256: str, size: int) -> Path:
        path = self._store.path(names.blob(sha256))
        if not path.is_file() or path.stat().st_size != size:
            raise NotFound(names.blob(sha256))  # cut short is not there either
        return path

    def close(self) -> None:
        pass  # inputs are the store's own files
