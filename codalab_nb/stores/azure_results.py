"""Result files in a local folder: fetched once, each whole and verified, because what was committed never changes."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from codalab_nb.model.bundle import LONGEST_MANIFEST, Manifest
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import TaskDocument
from codalab_nb.stores.azure_fetch import Progress, fetch, local_faults, part_of
from codalab_nb.stores.azure_parts import PART_BYTES, part_name, parts_of
from codalab_nb.stores.ports import Damaged, Forbidden, Look, NotFound

log = logging.getLogger(__name__)

_FILES = re.compile(r"tasks/([0-9a-f-]{36})/attempts/(\d+)/files/")
_INDEX = re.compile(r"[0-9]{1,5}")
_MANIFEST = "manifest.json"
_INCOMING = "incoming"
_OURS = 16  # files beside those that a notebook left: itself as executed, its environment
_OURS_BYTES = 16 << 20


class _Store(Protocol):
    def read(self, name: str, offset: int = 0, limit: int | None = None) -> bytes: ...
    def read_range(self, name: str, offset: int, length: int) -> bytes: ...
    def look(self, name: str) -> Look | None: ...
    def list(self, prefix: str) -> Iterator[str]: ...


class Results:
    """`folder` keeps the files of an attempt at `<task>/<n>/files/`; the least recently used go above `limit_bytes`."""

    def __init__(self, store: _Store, folder: Path, *, limit_bytes: int, spare_s: float, progress: Progress) -> None:
        self._store = store
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._spare_s = spare_s
        self._progress = progress

    def folder(self, prefix: str) -> Path:
        """A folder with what is stored below `prefix`, which is `TaskNames.files(n)`. What is damaged is left out."""
        match = _FILES.fullmatch(prefix)
        if match is None:
            raise Forbidden(prefix)
        task, n = match[1], int(match[2])
        place = self._folder / task / str(n)
        files = place / "files"
        with local_faults(self._folder):
            files.mkdir(parents=True, exist_ok=True, mode=0o700)
            for path, size, sha256 in self._contents(TaskNames(task), n, place):
                self._bring(TaskNames(task), n, files, path, size, sha256)
            os.utime(place)
            self._clean()
        return files

    def forget(self, task: str) -> None:
        shutil.rmtree(self._folder / task, ignore_errors=True)

    def _contents(self, of: TaskNames, n: int, place: Path) -> Iterator[tuple[str, int, str | None]]:
        """(path, size, digest) of each file; without a manifest, which comes last, what is there by now, undigested."""
        manifest = self._manifest(of, n, place)
        if manifest is not None:
            for ref in manifest.files:
                yield ref.path, ref.size, ref.sha256
            return
        if self._store.look(of.manifest(n)) is not None:  # it is nonsense: there is nothing to go by
            return
        whole = {name.removeprefix(of.files(n)) for name in self._store.list(of.files(n))}
        parts: dict[str, int] = {}
        for name in self._store.list(of.parts(n)):
            path, _, index = name.removeprefix(of.parts(n)).rpartition("/")
            if _INDEX.fullmatch(index):
                parts[path] = max(parts.get(path, 0), int(index))
        for path in sorted(whole | parts.keys()):
            last = part_name(of, n, path, parts[path]) if path in parts else of.files(n) + path
            if (look := self._store.look(last)) is not None:
                yield path, parts.get(path, 0) * PART_BYTES + look.size, None

    def _manifest(self, of: TaskNames, n: int, place: Path) -> Manifest | None:
        kept = place / _MANIFEST
        try:
            data = kept.read_bytes()
        except FileNotFoundError:
            try:
                data = self._store.read(of.manifest(n), limit=LONGEST_MANIFEST)
                if not self._is_allowed(of, data):
                    return None
            except (NotFound, Damaged):
                return None
            half_made = place / f"{_MANIFEST}.{os.getpid()}"
            half_made.write_bytes(data)
            half_made.rename(kept)
        try:
            return Manifest.model_validate_json(data)
        except ValidationError:
            return None

    def _is_allowed(self, of: TaskNames, data: bytes) -> bool:
        """Whether the files of a manifest are as few and as small as its task allows: nothing more is fetched."""
        try:
            manifest = Manifest.model_validate_json(data)
            limits = TaskDocument.model_validate_json(self._store.read(of.document)).limits
        except ValidationError:
            return False
        most = limits.files_bytes + limits.notebook_bytes + _OURS_BYTES
        size = sum(ref.size for ref in manifest.files)
        if len(manifest.files) <= limits.files + _OURS and size <= most:
            return True
        log.warning(
            "the result of task %s is not fetched: it names %d files of %d bytes, and its limits are %d files of %d",
            of.task, len(manifest.files), size, limits.files, limits.files_bytes,
        )  # fmt: skip
        return False

    def _bring(self, of: TaskNames, n: int, files: Path, path: str, size: int, sha256: str | None) -> None:
        target = files / path
        if not target.resolve().is_relative_to(files.resolve()):
            raise Forbidden(path)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if target.stat().st_size == size:
                return
        name = of.files(n) + path
        read = partial(self._store.read_range, name) if size <= PART_BYTES else partial(self._in_parts, of, n, path)
        # Not beside it: a notebook may have left a file of the very name that a half-made one has.
        incoming = files.parent / _INCOMING / hashlib.sha256(path.encode()).hexdigest()
        try:
            fetch(incoming, name, size, sha256, read, self._progress, again=True)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with contextlib.suppress(FileNotFoundError):  # another process fetched it, too, and gave it its name
                incoming.rename(target)
        except (NotFound, Damaged) as error:
            part_of(incoming).unlink(missing_ok=True)
            log.warning("result file left out: %s", error)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            log.warning("result file left out: %s is named as a file and as a folder", name)

    def _in_parts(self, of: TaskNames, n: int, path: str, offset: int, length: int) -> bytes:
        """The bytes from `offset` on, from the one or two parts that hold them."""
        data = b""
        for index, start, count in parts_of(offset, length):
            data += self._store.read_range(part_name(of, n, path, index), start, count)
        return data

    def _clean(self) -> None:
        """Removes whole results, the least recently used first, until what is left is within the limit."""
        places = []
        for place in self._folder.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):
                size = sum(one.stat().st_blocks * 512 for one in place.rglob("*") if one.is_file())
                places.append((place.stat().st_mtime, size, place))
        over = sum(size for _, size, _ in places) - self._limit_bytes
        for used_at, size, place in sorted(places):
            if over <= 0 or time.time() - used_at < self._spare_s:
                return
            shutil.rmtree(place, ignore_errors=True)
            over -= size
