"""The files below a notebook's folder: listing, patterns, and which of them may travel.

Links are followed only inside the folder. Hidden files, caches and virtual environments are passed over. A folder
that links to itself, or holds millions of files, ends the search in time.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator
from pathlib import Path

MAX_ENTRIES = 200_000  # seen while listing, wanted or not

_NEVER = frozenset({"__pycache__", "node_modules", "__pypackages__"})
_MAGIC = re.compile(r"[*?\[]")


class TooManyEntries(Exception):
    """More than MAX_ENTRIES files and folders were looked at."""


class Folder:
    """A notebook's folder. Paths are relative to it, with `/`; `""` is the folder itself."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.abspath(root))  # noqa: PTH100 (links are kept: names are what the notebook uses)
        self.real = self.root.resolve()
        self._seen = 0
        self._hidden: dict[str, bool] = {}
        self._listed: dict[str, list[tuple[str, bool, bool]]] = {}

    def at(self, path: str) -> Path:
        return self.root / path

    def is_dir(self, path: str) -> bool:
        return os.path.isdir(self.at(path))  # noqa: PTH112 (unlike Path.is_dir it never raises)

    def holds(self, path: str) -> bool:
        """True if `path`, all links followed, still lies in the folder."""
        return self.at(path).resolve().is_relative_to(self.real)

    def is_hidden(self, path: str) -> bool:
        """True if `path` is, or lies in, something that is packed only when it is asked for by name."""
        parts = path.split("/")
        return any(self._is_hidden_name("/".join(parts[: index + 1]), part) for index, part in enumerate(parts))

    def walk(self, path: str) -> Iterator[str]:
        """All files below a folder, in order. Links out of the folder are given as they are, not entered."""
        yield from self._walk(path, (self.at(path).resolve(),))

    def expand(self, pattern: str, *, named: bool = False) -> Iterator[str]:
        """The files and folders that match. `*` and `?` stay inside a name, `**` is any number of folders.

        Wildcards pass over hidden names; `named` allows a pattern part that begins with a dot to match them.
        """
        parts = [part for part in pattern.split("/") if part not in ("", ".")]
        yield from dict.fromkeys(self._expand("", parts, named))

    def _walk(self, path: str, above: tuple[Path, ...]) -> Iterator[str]:
        for name, is_folder, is_link in self._entries(path):
            inner = f"{path}/{name}" if path else name
            if self._is_hidden_name(inner, name):
                continue
            if not is_folder or (is_link and not self.holds(inner)):
                yield inner
                continue
            real = self.at(inner).resolve() if is_link else above[-1] / name
            if real not in above:  # a link to a folder we are in has no end
                yield from self._walk(inner, (*above, real))

    def _expand(self, path: str, parts: list[str], named: bool) -> Iterator[str]:
        if not parts:
            yield path
            return
        first, rest = parts[0], parts[1:]
        prefix = f"{path}/" if path else ""
        if first == "**":
            yield from self._expand(path, rest, named) if rest else ()
            folders = self.walk(path)
            if not rest:
                yield from folders
                return
            below = {folder for file in folders for folder in _parents(file, path)}
            for folder in sorted(below):
                yield from self._expand(folder, rest, named)
        elif not _MAGIC.search(first):
            if os.path.lexists(self.at(prefix + first)):
                yield from self._expand(prefix + first, rest, named)
        else:
            for name, is_folder, _ in self._entries(path):
                hidden = self._is_hidden_name(prefix + name, name) and not (named and first.startswith("."))
                if not hidden and (is_folder or not rest) and fnmatch.fnmatchcase(name, first):
                    yield from self._expand(prefix + name, rest, named)

    def _entries(self, path: str) -> list[tuple[str, bool, bool]]:
        """Name, is a folder, is a link; sorted. Empty for what cannot be listed."""
        if path not in self._listed:
            found = []
            try:
                with os.scandir(self.at(path)) as entries:
                    for entry in entries:
                        self._seen += 1
                        if self._seen > MAX_ENTRIES:
                            raise TooManyEntries(path)
                        inner = f"{path}/{entry.name}" if path else entry.name
                        found.append((entry.name, self.is_dir(inner), entry.is_symlink()))
            except OSError:
                found = []
            self._listed[path] = sorted(found)
        return self._listed[path]

    def _is_hidden_name(self, path: str, name: str) -> bool:
        if path not in self._hidden:
            environment = (self.at(path) / "pyvenv.cfg").exists()
            self._hidden[path] = name.startswith(".") or name in _NEVER or name.endswith(".pyc") or environment
        return self._hidden[path]


def _parents(file: str, top: str) -> Iterator[str]:
    """The folders between `top` and `file`, `top` not included."""
    folder = file.rpartition("/")[0]
    while len(folder) > len(top):
        yield folder
        folder = folder.rpartition("/")[0]
