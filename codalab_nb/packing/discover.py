"""Which files belong to a notebook: what it mentions, what its modules mention, what the user adds.

Only files in the notebook's own folder can travel. A path that works on this machine alone is named with the fix,
because in the sandbox it would fail after the wait.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codalab_nb.errors import InputError, Problem
from codalab_nb.model.base import JsonObject
from codalab_nb.model.cell_source import CellSource, split_cell
from codalab_nb.model.declared import parameters_cell
from codalab_nb.model.notebook import read_notebook
from codalab_nb.packing.collected import Collected, FoundFile
from codalab_nb.packing.folder import Folder, TooManyEntries
from codalab_nb.packing.mentions import Kind, Reference, literal
from codalab_nb.packing.modules import find_module
from codalab_nb.packing.outside import capital, outside_problem
from codalab_nb.packing.references import cell_references, file_references

_MAX_SCRIPT_BYTES = 5_000_000  # a larger .py file is data


@dataclass(frozen=True)
class Discovery:
    """The files, ordered by path. `problems` forbid the submit; `warnings` are told and kept with the task."""

    files: tuple[FoundFile, ...]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def discover(
    notebook: JsonObject,
    folder: Path,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    parameters: Mapping[str, Any] | None = None,
) -> Discovery:
    """The files `notebook`, which lies in `folder`, needs beside itself. `notebook` is one `read_notebook` returned.

    `include`: patterns relative to `folder`; what they match may be hidden and does not count against the size
    limit. `exclude`: paths of files that may be found and are not to travel. `parameters`: the values of this run; the
    defaults they replace are not looked at, their texts are.
    """
    search = _Search(Folder(folder), dict(parameters or {}), exclude)
    try:
        for pattern in include:
            search.include(pattern)
        search.notebook(notebook)
    except TooManyEntries:
        search.collected.too_many()
    return Discovery(*search.collected.result())


class _Search:
    def __init__(self, folder: Folder, parameters: dict[str, Any], exclude: Sequence[str]) -> None:
        self.folder = folder
        self.parameters = parameters
        self.collected = Collected(folder, exclude)
        self.searched = [""]  # where modules are looked for: the notebook's folder, then what it adds to sys.path
        self._scanned: set[str] = set()
        self._to_scan: list[str] = []

    def include(self, pattern: str) -> None:
        why = f"--include {pattern}"
        if not pattern or pattern.startswith(("/", "~")) or ".." in pattern.split("/"):
            fix = "Give a pattern relative to the notebook's folder, such as 'data/*.csv'."
            self.collected.problem("path", f"--include {pattern!r} leads out of the notebook's folder.", fix)
            return
        matches = list(self.folder.expand(pattern, named=True))
        if not matches:
            fix = f"Look for it in {self.folder.root}; `*` stays inside a name, `**` is any number of folders."
            self.collected.problem("missing_file", f"--include {pattern!r} matches no file.", fix)
        for path in matches:
            self.collected.add(path, why, asked=True)

    def notebook(self, notebook: JsonObject) -> None:
        for name, value in self.parameters.items():
            for text in _texts(value):
                self._follow(literal(text, word=True), f"parameter {name}")
        index = parameters_cell(notebook)
        skip = {} if index is None else {index: frozenset(self.parameters)}
        self._cells(notebook, skip, "")
        while self._to_scan:  # a list, not recursion: modules may import each other in a chain of any length
            self._scan(self._to_scan.pop())

    def _cells(self, notebook: JsonObject, skip: Mapping[int, frozenset[str]], prefix: str) -> None:
        metadata = notebook["metadata"]
        language = metadata.get("language_info", {}).get("name") or metadata["kernelspec"].get("language", "python")
        cells = [
            CellSource("", None)
            if cell["cell_type"] != "code"
            else split_cell(cell["source"])
            if str(language).lower() in ("python", "ipython")
            else CellSource(cell["source"], None)
            for cell in notebook["cells"]
        ]
        found = list(cell_references(cells, skip))
        self._look_in(reference for _, reference in found)
        for index, reference in found:
            self._follow([reference], f"{prefix}cell {index + 1}")

    def _look_in(self, references: Iterable[Reference]) -> None:
        for reference in references:
            if reference.kind is Kind.SEARCHED:
                path = posixpath.normpath(reference.text)
                if not path.startswith(("/", "~", "..")) and path not in self.searched:
                    self.searched.append("" if path == "." else path)

    def _follow(self, references: Iterable[Reference], where: str, file: str = "") -> None:
        """Adds what the references name; `where` is for people, `file` the Python file they stand in."""
        for found in references:
            if found.kind is Kind.MODULE:
                roots = [*self.searched, posixpath.dirname(file)]
                if found.level:
                    roots = [posixpath.normpath(posixpath.join(posixpath.dirname(file), *[".."] * (found.level - 1)))]
                for path in find_module(self.folder, found.text, roots):
                    self._add(path, f"{where}: import {found.text}")
            elif found.kind is not Kind.SEARCHED:
                self._path(found, where)

    def _path(self, found: Reference, where: str) -> None:
        path = posixpath.normpath(found.text)
        if path.startswith(("/", "~", "../")) or path == "..":
            problem = outside_problem(self.folder, found, path, where)
            if problem:
                self.collected.problem(problem.code, problem.message, problem.fix)
        elif path == ".":
            if found.kind is Kind.LISTED:
                fix = "Name the files it needs with --include, for instance --include '*.csv'."
                message = f"{capital(where)} lists the notebook's whole folder, of which only named files are packed."
                self.collected.warning("whole_folder", message, fix)
        elif found.kind is Kind.PATTERN:
            for match in self.folder.expand(path):
                if not (found.word and self.folder.at(match).is_dir()):
                    self._add(match, f"{where}: {_shown(found.text)}")
        elif found.kind is not Kind.WRITTEN and not (found.word and self.folder.is_dir(path)):
            self._add(path, f"{where}: {_shown(found.text)}")

    def _add(self, path: str, why: str) -> None:
        for file in self.collected.add(path, why):
            if file.endswith((".py", ".ipynb")) and file not in self._scanned:
                self._scanned.add(file)
                self._to_scan.append(file)

    def _scan(self, file: str) -> None:
        """Looks for what a packed module, script or notebook needs in turn."""
        try:
            path = self.folder.at(file)
            data = path.read_bytes() if path.stat().st_size <= _MAX_SCRIPT_BYTES else b""
            if file.endswith(".ipynb"):
                self._cells(read_notebook(data, name=file).notebook, {}, f"{file}, ")
                return
        except (OSError, InputError):  # whoever packs the file says why it cannot be read
            return
        references = file_references(data.decode("utf-8", "replace"), file)
        self._look_in(references)
        self._follow(references, file, file)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _texts(member)


def _shown(text: str) -> str:
    return text if text.isprintable() else ascii(text)
