"""Where definitions of pools are kept: a private file each, since they hold the keys of the pool's queues.

Not in the ledger, which can be rebuilt from the stores: what opens the stores cannot.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import ValidationError

from codalab_nb.durable import make_folder, sync_folder
from codalab_nb.errors import InputError, UnavailableError
from codalab_nb.model.pool import AzurePool, is_pool_name


class PoolFiles:
    """`folder` is made, private, with the first pool."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        return sorted(path.stem for path in self._folder.glob("*.json") if is_pool_name(path.stem))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def stamp(self, name: str) -> str:
        """Changes whenever the definition does; empty when there is none."""
        try:
            found = self._path(name).stat()
        except (FileNotFoundError, NotADirectoryError):
            return ""
        return f"{found.st_ino}-{found.st_mtime_ns}-{found.st_size}"

    def read(self, name: str) -> AzurePool | None:
        """Raises UnavailableError(pool_damaged, pool_readable)."""
        path = self._path(name)
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                data = file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnavailableError(
                "pool_damaged", f"{path} cannot be read: {error.strerror}.", "Check its permissions."
            ) from error
        if mode & 0o077:
            raise UnavailableError(
                "pool_readable",
                f"{path} holds the keys of the pool {name}, and others on this machine may read it.",
                f"chmod 600 {path}; and if anybody may have seen them: codalab-nb pool revoke {name}",
            )
        try:
            return AzurePool.model_validate_json(data)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "the file"
            raise UnavailableError(
                "pool_damaged",
                f"{path} is no definition of a pool this version understands ({where}).",
                f"A newer version may have written it: upgrade. Else move it away, and codalab-nb pool create {name}",
            ) from None  # the cause would show the keys

    def create(self, pool: AzurePool) -> None:
        """Raises InputError(pool_exists)."""
        with self._locked():
            if self._path(pool.name).exists():
                raise InputError(
                    "pool_exists",
                    f"There is a pool {pool.name!r} already.",
                    f"Choose another name, or first: codalab-nb pool rm {pool.name}",
                )
            self._write(pool)

    def change(self, name: str, change: Callable[[AzurePool], AzurePool]) -> AzurePool:
        """The new definition, durable. Of two at once, one waits for the other. Raises InputError(pool_unknown)."""
        with self._locked():
            pool = self.read(name)
            if pool is None:
                raise InputError("pool_unknown", f"There is no pool {name!r}.", "codalab-nb pool list")
            changed = change(pool)
            self._write(changed)
        return changed

    def remove(self, name: str) -> None:
        with self._locked():
            self._path(name).unlink(missing_ok=True)
            sync_folder(self._folder)

    def _write(self, pool: AzurePool) -> None:
        temporary = self._folder / f".{uuid.uuid4().hex}"
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(pool.model_dump_json(indent=1).encode())
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path(pool.name))
            sync_folder(self._folder)
        finally:
            temporary.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        make_folder(self._folder)
        fd = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)
