"""Uploads: a file comes through the browser to disk, piece by piece, and waits there until it becomes a data set.

Each has a folder of its own below `uploads` in the home, called by the id that the page made. A file in it is either
whole and has its name, or is hidden and somebody writes it. Nothing of an upload that was broken off stays;
what nobody wanted for a day is collected when the next one comes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
import unicodedata
import uuid
from pathlib import Path

from codalab_nb.errors import InputError, UnavailableError
from codalab_nb.frontends.choosing.words import plain_name
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import operation
from codalab_nb.frontends.server.wire import common, datasets
from codalab_nb.model.base import is_id
from codalab_nb.model.bundle import check_relative
from codalab_nb.model.dataset import AS_READ, PROFILE_FILE
from codalab_nb.site.site import Site

KEPT_S = 24 * 3600.0
_PART = ".part-"  # and something random: a page that lost its connection may send the same upload again
_SPARE = 64 << 20  # bytes that an upload leaves free on the disk: the ledger must still be written
_BUFFER = 1 << 20


class Uploads:
    """All uploads of a home. Its methods may be called by several threads, and several servers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, site: Site) -> Uploads:
        return cls(site.places.home / "uploads")

    def start(self, upload: str, name: str) -> Incoming:
        """Raises InputError (upload_name), UnavailableError (disk_full, home_not_writable)."""
        self.collect()
        return Incoming(self.folder / upload, upload, checked_name(name))

    def path(self, upload: str) -> Path:
        """The whole file. Raises InputError (upload_unknown, upload_open)."""
        folder = self.folder / upload
        names = [entry.name for entry in folder.iterdir()] if is_id(upload) and folder.is_dir() else []
        whole = [name for name in names if not name.startswith(_PART)]
        if whole:
            return folder / whole[0]
        if names:
            raise InputError("upload_open", "A file is still being uploaded.", "Wait until it is there.", at=upload)
        told = "An uploaded file is not there any more: it was never finished, or waited for more than a day."
        raise InputError("upload_unknown", told, "Upload it again.", at=upload)

    def forget(self, upload: str) -> None:
        if is_id(upload):
            shutil.rmtree(self.folder / upload, ignore_errors=True)

    def collect(self, *, older_than_s: float = KEPT_S) -> None:
        """Removes what was last written before so many seconds."""
        with contextlib.suppress(OSError):
            for folder in list(self.folder.iterdir()):
                newest = max((entry.stat().st_mtime for entry in (folder, *folder.iterdir())), default=0.0)
                if time.time() - newest > older_than_s:
                    shutil.rmtree(folder, ignore_errors=True)


class Incoming:
    """One file on its way in: what the handler of the Jupyter server writes to, in threads."""

    def __init__(self, folder: Path, upload: str, name: str) -> None:
        self._folder, self._upload, self._name = folder, upload, name
        self._size = 0
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._part = folder / f"{_PART}{uuid.uuid4().hex}"
            self._file = self._part.open("xb", buffering=_BUFFER)
        except OSError as error:
            raise _unavailable(folder, error) from error

    def write(self, chunk: bytes) -> None:
        """Raises UnavailableError(disk_full) while there is still room for everything else."""
        before, self._size = self._size, self._size + len(chunk)
        if before // (8 << 20) != self._size // (8 << 20) and shutil.disk_usage(self._folder).free < _SPARE:
            raise _full(self._folder)
        try:
            self._file.write(chunk)
        except OSError as error:
            raise _unavailable(self._folder, error) from error

    def finish(self) -> datasets.Upload:
        try:
            self._file.close()
            self._part.replace(self._folder / self._name)
            for entry in list(self._folder.iterdir()):  # another file that was sent under this id before
                if entry.name != self._name and not entry.name.startswith(_PART):
                    entry.unlink()
        except FileNotFoundError as error:  # forgotten while it came
            told = f"The upload of {self._name} was broken off."
            raise InputError("upload_conflict", told, "Upload it again.", at=self._upload) from error
        except OSError as error:
            self.abort()
            raise _unavailable(self._folder, error) from error
        return datasets.Upload(id=self._upload, name=self._name, size=self._size)

    def abort(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._part.unlink()
        with contextlib.suppress(OSError):
            self._folder.rmdir()  # unless it holds what came before


def checked_name(name: str) -> str:
    """The last part of the name as a file of a data set may have it. Raises InputError(upload_name)."""
    last = unicodedata.normalize("NFC", plain_name(name))  # macOS sends é as e and an accent
    fix = "Rename the file on your computer, then upload it again."
    if any(unicodedata.category(char) in ("Cc", "Cs") or unicodedata.bidirectional(char) in _TURNING for char in last):
        told = f"The file name {last!a} holds characters that are not seen, or turn the text round."
        raise InputError("upload_name", told, fix, at="name")
    try:
        check_relative(last)
    except ValueError as error:
        raise InputError("upload_name", f"The file name cannot be kept: {error}.", fix, at="name") from error
    if last in (PROFILE_FILE, AS_READ) or last.startswith("."):
        raise InputError("upload_name", f"A file of a data set cannot be called {last}.", fix, at="name")
    return last


_TURNING = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}  # https://unicode.org/reports/tr9/


def _unavailable(folder: Path, error: OSError) -> UnavailableError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full(folder)
    told = f"{folder.parent} cannot be written: {error.strerror or os.strerror(error.errno or 0)}."
    return UnavailableError("home_not_writable", told, "Whoever runs this Jupyter server can put that right.")


def _full(folder: Path) -> UnavailableError:
    told = f"The disk that holds {folder.parent} is full: there is no room for this file."
    return UnavailableError("disk_full", told, "Free some space (`codalab-nb clean` removes old results), then repeat.")


@operation("upload")
def upload_file(context: Context, upload: str, name: str | None) -> Incoming:
    return Uploads.of(context.site).start(upload, name or "table.csv")


@operation("dropUpload")
def drop_upload(context: Context, upload: str) -> common.Done:
    Uploads.of(context.site).forget(upload)
    return common.Done()
