"""The files found so far, judged one by one: may this travel, under which name, and how much is it in all?"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codalab_nb.errors import Problem
from codalab_nb.model.bundle import check_relative
from codalab_nb.packing.folder import Folder, TooManyEntries

MAX_BYTES = 10**9  # found without --include; what is asked for by name may be larger
MAX_FILES = 10_000

_INCLUDE = "Name what it needs with --include GLOB"


@dataclass(frozen=True)
class FoundFile:
    """One file to pack: its path in the bundle, where it is now, its size in bytes, and who asked for it.

    Not `packed`: it was found, and a person does not want it to travel.
    """

    path: str
    absolute: Path
    size: int
    why: str
    asked: bool = False  # named by --include, so it does not count against the size limit
    packed: bool = True


class Collected:
    def __init__(self, folder: Folder, exclude: Sequence[str] = ()) -> None:
        self.folder = folder
        self._exclude = frozenset(exclude)
        self.files: dict[str, FoundFile] = {}
        self._problems: dict[Problem, None] = {}
        self._warnings: dict[Problem, None] = {}

    def problem(self, code: str, message: str, fix: str) -> None:
        self._problems[Problem(code, message, fix)] = None

    def warning(self, code: str, message: str, fix: str) -> None:
        self._warnings[Problem(code, message, fix)] = None

    def add(self, path: str, why: str, *, asked: bool = False) -> list[str]:
        """Adds a file, or all files of a folder, if there is one; returns the files that are new."""
        try:
            is_folder = self.folder.is_dir(path)
            if not is_folder and not self.folder.at(path).exists():
                return []
        except (OSError, ValueError):  # not a path of this file system: too long, a NUL in it
            return []
        if not asked and self.folder.is_hidden(path):
            fix = f"If the notebook needs it, add --include {path!r}."
            self.warning("hidden_file", f"{path!r} ({why}) is hidden or a cache and is not packed.", fix)
            return []
        if not self.folder.holds(path):
            self._refuse_link(path, why)
            return []
        paths = self.folder.walk(path) if is_folder else [path]
        return [found for found in paths if self._add_file(found, why, asked)]

    def too_many(self) -> None:
        message = f"The notebook's folder holds too many files to look through, or it would pack over {MAX_FILES:,}."
        fix = "Put them into one file (an archive, a table), or name a smaller folder in the notebook."
        self.problem("bundle_files", message, fix)

    def result(self) -> tuple[tuple[FoundFile, ...], tuple[Problem, ...], tuple[Problem, ...]]:
        files = tuple(self.files[path] for path in sorted(self.files))
        counted = [file for file in files if file.packed and not file.asked]
        total = sum(file.size for file in counted)
        if total > MAX_BYTES:
            largest = sorted(counted, key=lambda file: -file.size)[:5]
            named = ", ".join(f"{file.path} ({file.size / 1e6:,.0f} MB; {file.why})" for file in largest)
            message = f"The files found beside the notebook have {total / 1e9:.2f} GB; 1 GB is packed unasked: {named}."
            self.problem("bundle_size", message, f"{_INCLUDE} to pack it all the same, or pass large data with -i.")
        return files, tuple(self._problems), tuple(self._warnings)

    def _add_file(self, path: str, why: str, asked: bool) -> bool:
        known = self.files.get(path)
        if known is not None:
            if asked:
                self.files[path] = replace(known, asked=True)
            return False
        absolute = self.folder.at(path)
        try:
            status = absolute.stat()
        except OSError:  # a link to nothing; the notebook cannot read it here either
            return False
        if not self.folder.holds(path):
            self._refuse_link(path, why)
            return False
        if not stat.S_ISREG(status.st_mode):
            return False
        try:
            check_relative(path)
        except ValueError as error:
            self.problem("path", f"A file cannot be packed under its name ({why}): {error}.", "Rename it.")
            return False
        if len(self.files) >= MAX_FILES:
            raise TooManyEntries(path)
        self.files[path] = FoundFile(path, absolute, status.st_size, why, asked, path not in self._exclude)
        return True

    def _refuse_link(self, path: str, why: str) -> None:
        target = self.folder.at(path).resolve()
        message = f"{path!r} ({why}) is a link to {target}, outside the notebook's folder."
        self.problem("outside_link", message, f"Pass it with -i PARAM={target}, or put a copy in place of the link.")
