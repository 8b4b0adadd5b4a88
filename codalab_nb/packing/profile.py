"""From a person's files to a profile: which is the matrix, which the sample table, what is in them.

`profile_files` is the way in; `staged_files` is what a method finds beside the files when it runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from codalab_nb.errors import InputError, Problems
from codalab_nb.model.dataset import PROFILE_FILE, Column, Note, Profile, TableFile
from codalab_nb.model.design import check_words, groups_from_names, propose_roles, revise
from codalab_nb.packing import checks
from codalab_nb.packing.columns import describe
from codalab_nb.packing.files import Chosen, choose_files
from codalab_nb.packing.orientation import ANNOTATION_WORDS, kind_of_values, orientation
from codalab_nb.packing.scan import Scan, scan
from codalab_nb.packing.tables import read_header, read_small, sniff

ID_WORDS = (
    "id",
    "gene",
    "gene_id",
    "geneid",
    "probe",
    "probe_id",
    "symbol",
    "entrez",
    "entrezid",
    "entrez_id",
    "sample",
    "sample_id",
    "cell",
    "name",
)


def profile_files(
    paths: Sequence[Path],
    *,
    samples: Path | None = None,
    roles: Mapping[str, str] | None = None,
    kind: str | None = None,
) -> tuple[Profile, list[tuple[Path, str]]]:
    """The profile of the files, and which file gets which name in the data set.

    `paths` are files, or one or more folders (taken whole, hidden files left out); `samples` is the sample table,
    one row per sample; `roles` (column → role) and `kind` are the user's word and overrule what was read.
    Raises InputError with every problem that can be known at once.
    """
    problems = Problems()
    words = dict(roles or {})
    chosen = choose_files(paths, samples, problems)
    matrix = _sniffed(chosen.matrix, chosen, problems)
    table = _sniffed(chosen.samples, chosen, problems)
    design = _Design.read(chosen.samples, table, problems) if chosen.samples and table else None
    known = [str(name) for name in design.frame.columns] if design else None
    if problems.found or chosen.matrix is None or matrix is None:
        check_words(problems, words, kind, known)
        problems.raise_if_any()
        profile = Profile(
            orientation="files", orientation_why="no file in it is a table", warnings=tuple(chosen.warnings)
        )
        return revise(profile, roles=roles, kind=kind), chosen.files
    try:
        profile = _profile_table(chosen, chosen.matrix, matrix, design)
    except InputError as error:
        problems.take(error)
        check_words(problems, words, kind, known)
        problems.raise_if_any()
        raise
    return revise(profile, roles=roles, kind=kind), chosen.files


def staged_files(profile: Profile, dataset: str | None = None) -> dict[str, bytes]:
    """What is written beside the files of a data set when a method runs on it: file name → content.

    `dataset` is what the results call the data, as `golub@1`; it is no part of the profile itself.
    """
    content = profile.model_dump(mode="json") | ({"dataset": dataset} if dataset else {})
    return {PROFILE_FILE: (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()}


@dataclass
class _Design:
    """A sample table: its rows, and which of its columns names the samples (found when the matrix is known)."""

    file: TableFile
    frame: pd.DataFrame

    @classmethod
    def read(cls, path: Path, file: TableFile, problems: Problems) -> _Design | None:
        header = read_header(path, file)
        if _duplicates(problems, path.name, header):
            return None
        return cls(file, read_small(path, file))

    def ids(self, column: str) -> list[str]:
        return [_as_name(value) for value in self.frame[column]]

    def id_column(self, names: set[str]) -> str:
        """The column that holds most of the matrix' names; the first one if none does."""
        shared = [len(names & set(self.ids(column))) for column in self.frame.columns]
        return str(self.frame.columns[shared.index(max(shared))])


def _sniffed(path: Path | None, chosen: Chosen, problems: Problems) -> TableFile | None:
    if path is None:
        return None
    try:
        return sniff(path, chosen.name_of(path))
    except InputError as error:
        problems.take(error)
        return None


def _duplicates(problems: Problems, file_name: str, header: Sequence[str]) -> bool:
    doubled = (
        [name for name in dict.fromkeys(header) if header.count(name) > 1] if len(set(header)) < len(header) else []
    )
    if doubled:
        listed = ", ".join(map(repr, doubled[: checks.NAMED])) + (", …" if len(doubled) > checks.NAMED else "")
        problems.add(
            "duplicate_columns",
            f"{file_name} has more than one column called {listed}.",
            "Give every column a name of its own.",
        )
    return bool(doubled)


def _profile_table(chosen: Chosen, path: Path, file: TableFile, design: _Design | None) -> Profile:
    problems = Problems()
    found = scan(path, file)
    notes = list(chosen.warnings)
    if file.encoding in ("cp1252", "latin-1"):
        notes.append(
            Note(
                code="encoding_guessed",
                text=f"{path.name} is not UTF-8; it was read as Western European text ({file.encoding}).",
            )
        )
    unnamed = [place for place in found.empty_columns if found.header[place] == f"column {place + 1}"]
    if unnamed:
        notes.append(
            Note(
                code="empty_columns",
                text=f"Columns of {path.name} with neither a name nor a value: {len(unnamed)}; left out.",
            )
        )
    numbers = [place for place in found.number_columns if place not in unnamed]
    id_place = _id_place(found, numbers)
    ids = (
        [_as_name(value) for value in read_small(path, file, only=[id_place]).iloc[:, 0]]
        if id_place is not None
        else None
    )
    values = [p for p in numbers if p != id_place and found.header[p].casefold() not in ANNOTATION_WORDS]
    if not any(found.numbers[place] for place in numbers if place != id_place):
        if chosen.strict:
            fix = "Check the separator and the decimal mark; the first line must name the columns."
            problems.add(
                "no_numeric_column",
                f"{path.name} has no column of numbers (columns: {', '.join(found.header[:8])}).",
                fix,
            )
            problems.raise_if_any()
        return Profile(
            orientation="files", orientation_why="no table in it has a column of numbers", warnings=tuple(notes)
        )
    column_names = [found.header[place] for place in values]
    sample_ids = None
    id_column = None
    if design is not None:
        id_column = design.id_column(set(column_names) | set(ids or ()))
        sample_ids = design.ids(id_column)
    if not checks.has_header(path, file, found, [p for p in values if p != id_place], ids, sample_ids, notes, problems):
        if chosen.strict:
            problems.raise_if_any()
        return Profile(orientation="files", orientation_why="the table in it has no header line", warnings=tuple(notes))
    _duplicates(problems, path.name, found.header)
    problems.raise_if_any()
    side, why = orientation(found, ids, column_names, sample_ids)
    if design is not None and side == "table":
        side, why = "genes_in_rows", "a sample table came with it"
    if side == "table":
        return _general_table(path, file, found, unnamed, why, notes)
    checks.check_numbers(path, file, found, values, problems)
    features, names = (ids or [], column_names) if side == "genes_in_rows" else (column_names, ids or [])
    checks.check_names(path, features, names, notes, problems)
    notes += checks.dates_among(features)
    annotations = [
        found.header[p] for p in range(len(found.header)) if p not in values and p != id_place and p not in unnamed
    ]
    columns: tuple[Column, ...] = ()
    groups: tuple[str, ...] = ()
    if design is not None and id_column is not None:
        columns = _design_columns(design, id_column, names, path, notes, problems)
    elif side == "samples_in_rows" and annotations:
        frame = read_small(path, file, only=[found.header.index(name) for name in annotations])
        columns = propose_roles(describe(frame))
    else:
        groups = groups_from_names(names)
        columns = propose_roles(describe(pd.DataFrame({"group": list(groups)}), source="names")) if groups else ()
    problems.raise_if_any()
    kind = kind_of_values(found, values)
    profile = Profile(
        orientation=side,
        orientation_why=why,
        kind=kind,
        matrix=file,
        samples=design.file if design else None,
        id_column=found.header[id_place] if id_place is not None else None,
        sample_id_column=id_column,
        annotations=tuple(annotations),
        n_samples=len(names),
        n_features=len(features),
        missing=int(found.missing[values].sum()),
        value_min=float(found.lowest[values].min()),
        value_max=float(found.highest[values].max()),
        not_count=checks.not_count(found, values, ids),
        columns=columns,
        groups_from_names=groups,
    )
    return profile.model_copy(update={"warnings": (*notes, *checks.value_notes(found, profile))})


def _general_table(
    path: Path, file: TableFile, found: Scan, unnamed: list[int], why: str, notes: list[Note]
) -> Profile:
    kept = [place for place in range(len(found.header)) if place not in unnamed]
    columns = describe(read_small(path, file, only=kept))
    for place in kept:
        if found.is_number(place) and place in found.stray:
            row, text = found.stray[place]
            told = f"Column {found.header[place]!r} holds numbers, but {text!r} in row {row + 1}; it is taken as text."
            notes.append(Note(code="text_in_numbers", text=told))
    missing = int(found.missing[kept].sum())
    if missing:
        notes.append(
            Note(code="missing_values", text=f"Cells without a value: {missing:,} of {found.n_rows * len(kept):,}.")
        )
    return Profile(
        orientation="table",
        orientation_why=why,
        matrix=file,
        n_samples=found.n_rows,
        n_features=len(kept),
        missing=missing,
        columns=propose_roles(columns),
        warnings=tuple(notes),
    )


def _id_place(found: Scan, numbers: list[int]) -> int | None:
    """The column that names the rows: the first one, if it is text, has no name of its own, or is called like ids."""
    if 0 not in numbers or found.header[0].casefold() in ID_WORDS:
        return 0
    return None


def _design_columns(
    design: _Design, id_column: str, names: list[str], path: Path, notes: list[Note], problems: Problems
) -> tuple[Column, ...]:
    ids = design.ids(id_column)
    doubled = [name for name in dict.fromkeys(ids) if ids.count(name) > 1] if len(set(ids)) < len(ids) else []
    if doubled:
        listed = ", ".join(map(repr, doubled[: checks.NAMED]))
        problems.add(
            "duplicate_samples", f"{design.file.path} has more than one row for {listed}.", "Keep one row per sample."
        )
    known, wanted = set(ids), set(names)
    undescribed = [name for name in names if name not in known]
    unused = [name for name in ids if name not in wanted]
    if undescribed:
        told = checks.absent(undescribed, path.name, design.file.path)
        if unused:
            told += f", and {checks.absent(unused, design.file.path, path.name)}"
        fix = "Spell the samples alike in both files (capitals and spaces count)."
        if set(undescribed) & set(map(str, design.frame.columns)):
            fix = f"The first line of {design.file.path} names a sample: add a line above it that names the columns."
        problems.add("samples_mismatch", told + ".", fix)
    elif unused:
        notes.append(
            Note(
                code="samples_unused",
                text=f"{checks.absent(unused, design.file.path, path.name)}.",
            )
        )
    rows = design.frame[[name in wanted for name in ids]].drop(columns=id_column)
    return propose_roles(describe(rows))


def _as_name(value: object) -> str:
    """Names are text: 7.0, which pandas makes of 7 beside an empty cell, is `7` again."""
    if isinstance(value, float):
        return "" if value != value else str(int(value)) if value.is_integer() else str(value)
    return str(value).strip()
