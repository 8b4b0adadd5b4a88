"""The result bundle of a task: found, its files by the names in the manifest and no others, what it says of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from codalab_nb.errors import InputError
from codalab_nb.frontends.server import task_lines
from codalab_nb.frontends.server.context import Context
from codalab_nb.model.base import JsonObject
from codalab_nb.model.bundle import FileRef, Manifest
from codalab_nb.report import REPORT_TYPE
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.tasks import Task

_LARGEST = 60 << 20  # of an executed notebook; workers keep to 50 MB
_MOST = 2_000  # figures and tables that are looked at
_LONGEST = 2_000  # characters of a title


@dataclass(frozen=True)
class Bundle:
    """`folder` holds what `manifest` lists, and it alone counts: a file that is not listed is not there."""

    task: Task
    row: TaskRow
    manifest: Manifest
    folder: Path

    def file(self, name: str) -> tuple[FileRef, Path]:
        """Raises InputError(file_unknown, result_damaged)."""
        ref = next((one for one in self.manifest.files if one.path == name), None)
        if ref is None:
            raise InputError("file_unknown", f"The result has no file {name}.", "Look at the list of its files.")
        path = self.folder / ref.path
        if path.is_symlink() or not path.is_file() or path.stat().st_size != ref.size:
            told = f"{name} was changed or lost since the task ended."
            raise InputError("result_damaged", told, "Run the task again: its Retry button does that.")
        return ref, path

    def notebook(self) -> JsonObject:
        """The executed notebook. Raises InputError(result_damaged)."""
        ref, path = self.file(self.manifest.notebook)
        try:
            read = json.loads(path.read_bytes()) if ref.size <= _LARGEST else None
        except (ValueError, RecursionError):
            read = None
        if not isinstance(read, dict) or not isinstance(read.get("cells"), list):
            raise InputError("result_damaged", "The executed notebook cannot be read.", "Run the task again.")
        return read


@dataclass(frozen=True)
class Reported:
    """A figure or table that the notebook handed over, in one or several files."""

    kind: str  # figure | table
    name: str
    title: str
    alt: str | None
    files: tuple[str, ...]
    rows: int | None = None


def bundle_of(context: Context, task: str) -> Bundle:
    """Raises InputError: task_unknown; task_open; no_result where it ended without one."""
    row = task_lines.row_of(context.site, task)
    if row.is_open:
        raise InputError("task_open", "This task has not ended, so it has no result yet.", "Wait for it.")
    one = Task(context.site, task)
    manifest, folder = one.manifest, one.folder
    if manifest is None or folder is None:
        why = "its result is damaged" if row.manifest_sha256 else "left no files"
        raise InputError("no_result", f"This task ended {row.state}, and {why}.", "Retry it.")
    return Bundle(one, row, manifest, folder)


def reported(bundle: Bundle) -> tuple[Reported, ...]:
    """In the order in which they were shown. What a notebook says is believed only as far as it fits the manifest."""
    _, path = bundle.file(bundle.manifest.notebook)
    return _reported(path, frozenset(ref.path for ref in bundle.manifest.files))


@lru_cache(maxsize=256)  # a result never changes
def _reported(path: Path, known: frozenset[str]) -> tuple[Reported, ...]:
    try:
        notebook = json.loads(path.read_bytes()) if path.stat().st_size <= _LARGEST else {}
    except (OSError, ValueError, RecursionError):
        return ()
    found: dict[tuple[str, str], Reported] = {}
    for output in outputs(notebook):
        data = output.get("data")
        told = data.get(REPORT_TYPE) if isinstance(data, Mapping) else None
        one = _one(told, known) if isinstance(told, Mapping) else None
        if one is not None and len(found) < _MOST:
            found[one.kind, one.name] = one
    return tuple(found.values())


def outputs(notebook: Any) -> Iterator[Mapping[str, Any]]:
    """The outputs of a notebook that may hold anything."""
    cells = notebook.get("cells") if isinstance(notebook, Mapping) else None
    for cell in cells if isinstance(cells, list) else ():
        held = cell.get("outputs") if isinstance(cell, Mapping) else None
        yield from (output for output in (held if isinstance(held, list) else ()) if isinstance(output, Mapping))


def _one(told: Mapping[str, Any], known: frozenset[str]) -> Reported | None:
    kind = next((kind for kind in ("figure", "table") if isinstance(told.get(kind), str)), None)
    files = told.get("files")
    if kind is None or not isinstance(files, list):
        return None
    there = tuple(name for name in files if isinstance(name, str) and name in known)
    if not there:
        return None
    title, alt, rows = told.get("title"), told.get("alt"), told.get("rows")
    return Reported(
        kind,
        told[kind][:_LONGEST],
        title[:_LONGEST] if isinstance(title, str) else told[kind][:_LONGEST],
        alt[:_LONGEST] if isinstance(alt, str) else None,
        there,
        rows if type(rows) is int and rows >= 0 else None,
    )
