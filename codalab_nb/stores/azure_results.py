"""Result files in a local folder: fetched once, each whole and verified, because what was committed never changes."""

from __future__ import annotations

import contextlib
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

from codalab_nb.model.bundle import Manifest
from codalab_nb.model.names import TaskNames
from codalab_nb.stores.azure_fetch import Progress, fetch, local_faults
from codalab_nb.stores.azure_parts import PART_BYTES, part_name, parts_of
from codalab_nb.stores.ports import Damaged, Forbidden, Look, NotFound

log = logging.getLogger(__name__)

_FILES = re.compile(r"tasks/([0-9a-f-]{36})/attempts/(\d+)/files/")
_MANIFEST = "manifest.json"


class _Store(Protocol):
    def read(self, name: str) -> bytes: ...
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
        whole = {name.removeprefix(of.files(n)) for name in self._store.list(of.files(n))}
        parts: dict[str, int] = {}
        for name in self._store.list(of.parts(n)):
            path, _, index = name.removeprefix(of.parts(n)).rpartition("/")
            parts[path] = max(parts.get(path, 0), int(index) if index.isdecimal() else 0)
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
                data = self._store.read(of.manifest(n))
            except NotFound:
                return None
            half_made = place / f"{_MANIFEST}.{os.getpid()}"
            half_made.write_bytes(data)
            half_made.rename(kept)
        try:
            return Manifest.model_validate_json(data)
        except ValidationError:
            return None

    def _bring(self, of: TaskNames, n: int, files: Path, path: str, size: int, sha256: str | None) -> None:
        target = files / path
        if not target.resolve().is_relative_to(files.resolve()):
            raise Forbidden(path)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if target.stat().st_size == size:
                return
        name = of.files(n) + path
        read = partial(self._store.read_range, name) if size <= PART_BYTES else partial(self._in_parts, of, n, path)
        try:
            fetch(target, name, size, sha256, read, self._progress)
        except (NotFound, Damaged) as error:
            log.warning("result file left out: %s", error)

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
