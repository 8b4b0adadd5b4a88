"""Which files belong to a data set, what they are called in it, and which are the matrix and the sample table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from codalab_nb.datasets.tables import SPREADSHEETS, check_file, is_readable_name, is_regular
from codalab_nb.errors import InputError, Problems
from codalab_nb.model.bundle import check_relative
from codalab_nb.model.dataset import AS_READ, PROFILE_FILE, Note, Profile

MATRIX_WORDS = ("expression", "counts", "matrix")
SAMPLE_WORDS = (
    "samples",
    "sample_table",
    "samplesheet",
    "sample_sheet",
    "cells",
    "metadata",
    "coldata",
    "pheno",
    "phenotype",
    "phenotypes",
    "design",
)


@dataclass
class Chosen:
    """The files with their names in the data set. `strict`: a person pointed at the matrix, so it must be one."""

    files: list[tuple[Path, str]] = field(default_factory=list)
    matrix: Path | None = None
    samples: Path | None = None
    strict: bool = False
    warnings: list[Note] = field(default_factory=list)

    def name_of(self, path: Path) -> str:
        return next(name for known, name in self.files if known == path)


def choose_files(paths: Sequence[Path], samples: Path | None, problems: Problems) -> Chosen:
    """Collects the files.

    Problems: missing_file, unreadable_file, empty_folder, duplicate_file, bad_file_name, reserved_name.
    """
    chosen = Chosen()
    for path in paths:
        if _is_folder(path):
            _take_folder(path, chosen, problems)
        elif _checked(path, "file or folder", problems):
            _take(path, path.name, chosen, problems)
    if samples is not None and _checked(samples, "sample table", problems):
        same = [path for path, _ in chosen.files if path.samefile(samples)]
        if not same:
            _take(samples, samples.name, chosen, problems)
        chosen.samples = same[0] if same else samples
    _check_distinct(chosen, problems)
    _choose(chosen, {path for path in paths if is_regular(path)})
    return chosen


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # too long a name, or a folder above it is closed to us: check_file says which
        return False


def _checked(path: Path, what: str, problems: Problems) -> bool:
    try:
        check_file(path, what)
    except InputError as error:
        problems.take(error)
        return False
    return True


def _take_folder(folder: Path, chosen: Chosen, problems: Problems) -> None:
    taken = False
    staged = _is_our_profile(folder / PROFILE_FILE)
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if any(part.startswith(".") for part in relative.parts) or path.is_dir():
            continue
        if not is_regular(path) or not path.resolve().is_relative_to(folder.resolve()):
            text = f"{relative} is left out: it is a link that leads out of the folder, or no ordinary file."
            chosen.warnings.append(Note(code="file_left_out", text=text))
            continue
        if staged and (relative.as_posix() == PROFILE_FILE or relative.parts[0] == AS_READ):
            continue  # the folder was staged for a method before; profile and clean copies are made anew
        _take(path, relative.as_posix(), chosen, problems)
        taken = True
    if not taken:
        problems.add("empty_folder", f"There is no file in {folder}.", "Name the folder that holds the table.")


def _take(path: Path, name: str, chosen: Chosen, problems: Problems) -> None:
    try:
        check_relative(name)
    except ValueError as error:
        problems.add("bad_file_name", f"The file name cannot be kept: {error}.", "Rename the file.")
        return
    if name == PROFILE_FILE or name.startswith(f"{AS_READ}/"):
        problems.add("reserved_name", f"A file of a data set cannot be called {name}: ours is.", "Rename the file.")
        return
    chosen.files.append((path, name))


def _is_our_profile(path: Path) -> bool:
    """Written by `staged_files`, and not some other file of that name."""
    try:
        content = json.loads(path.read_bytes())
        Profile.model_validate({key: value for key, value in content.items() if key != "dataset"})
    except (OSError, ValidationError, ValueError, AttributeError):
        return False
    return True


def _check_distinct(chosen: Chosen, problems: Problems) -> None:
    names = [name for _, name in chosen.files]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        problems.add(
            "duplicate_file", f"Two of the files are called {name!r}.", "Rename one, or add the folder that holds both."
        )


def _choose(chosen: Chosen, named: set[Path]) -> None:
    tables = [path for path, _ in chosen.files if is_readable_name(path) and path != chosen.samples]
    if chosen.samples is None and len(tables) > 1:
        called_so = [path for path in tables if _stem(path) in SAMPLE_WORDS]
        chosen.samples = min(called_so, key=lambda path: (SAMPLE_WORDS.index(_stem(path)), str(path)), default=None)
        tables = [path for path in tables if path != chosen.samples]
    called_matrix = [path for path in tables if _stem(path).startswith(MATRIX_WORDS)]
    if not called_matrix:
        # Notes and the like are text files too: a .txt is taken as a table only where a person pointed at it.
        tables = [path for path in tables if path in named or ".txt" not in path.name.lower()]
    candidates = called_matrix or tables
    if candidates:
        chosen.matrix = max(candidates, key=lambda path: (path.stat().st_size, str(path)))
        chosen.strict = chosen.matrix in named or bool(called_matrix)
        if len(candidates) > 1:
            others = ", ".join(chosen.name_of(path) for path in candidates if path != chosen.matrix)
            text = f"{chosen.name_of(chosen.matrix)} was read, being the largest table; {others} only came along."
            chosen.warnings.append(Note(code="several_tables", text=text))
        return
    spreadsheets = [path for path, _ in chosen.files if path.suffix.lower() in SPREADSHEETS]
    if spreadsheets and (len(chosen.files) == 1 or chosen.samples is not None):
        chosen.matrix, chosen.strict = spreadsheets[0], True  # .ods: read as a table, and refused with the way out
    if chosen.samples is not None and chosen.matrix is None:
        chosen.matrix, chosen.samples, chosen.strict = chosen.samples, None, True


def _stem(path: Path) -> str:
    return path.name.lower().split(".")[0]
