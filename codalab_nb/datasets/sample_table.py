"""The sample table of a data set as a person sees and edits it: one row per sample, cells as text.

`shown` makes it from what is stored; `described_anew` takes what a person made of it and says what it means.
"""

from __future__ import annotations

import csv
import difflib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from codalab_nb.datasets.columns import describe, level_name
from codalab_nb.datasets.meaning import judged
from codalab_nb.datasets.samples import as_name
from codalab_nb.datasets.sources import read_sample_file
from codalab_nb.datasets.tables import read_header, read_small
from codalab_nb.errors import InputError, Problems
from codalab_nb.model.alike import matching
from codalab_nb.model.dataset import AS_READ, Column, Note, Profile, TableFile, counted
from codalab_nb.model.design import propose_roles, revise

FILE = TableFile(path=f"{AS_READ}/samples.csv", separator=",")
_TOLD = 20  # so many samples are told one by one
_FROM_BEFORE = frozenset({"samples_unused", "header_disagrees", "sheet_unused"})  # warnings about another sample table

PlaceOf = Callable[[str], Path]  # of a file of the data set, by its name


class Table(NamedTuple):
    """`columns`: the first names the samples. Cells are text; "" is missing."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def from_file(path: Path) -> Table:
    """A sample table as a person has it: any file that `dataset add --samples` takes. Raises InputError."""
    problems = Problems()
    found = read_sample_file(path, path.name, problems)
    problems.raise_if_any()
    assert found is not None
    return Table(tuple(map(str, found.frame.columns)), _rows(found.frame))


def why_not(profile: Profile) -> str:
    """Why such a data set has no sample table of its own; empty where it has one, or could have."""
    if profile.orientation == "table":
        return (
            "This is a general table: each row is one case, and the groups stand beside the measurements. "
            "Change them in the file, then add it again."
        )
    return "" if profile.is_matrix else "No file of this data set was read as a table, so no samples are known."


def shown(profile: Profile, place_of: PlaceOf) -> Table:
    """A row per sample in the order of the matrix, the groups under the names that a person gave them.

    Where nothing is known of the samples there is a column `group`, to be filled in.
    """
    names = matrix_samples(profile, place_of)
    final = [profile.renamed.get(name, name) for name in names]
    frame = _known(profile, names, final, place_of)
    if frame.columns.empty:
        frame = pd.DataFrame({"group": [""] * len(final)})
    for column in profile.columns:
        if column.recoded and column.name in frame.columns:
            frame[column.name] = frame[column.name].map(
                lambda one, known=column.recoded: known.get(level_name(one), one)
            )
    id_column = profile.sample_id_column or "sample"
    columns = tuple(map(str, frame.columns))
    return Table((id_column, *columns), tuple((name, *row) for name, row in zip(final, _rows(frame), strict=True)))


def matrix_samples(profile: Profile, place_of: PlaceOf) -> list[str]:
    """The names of the samples as the matrix spells them."""
    file = profile.matrix
    assert file is not None
    path = place_of(file.path)
    header = read_header(path, file)
    if profile.orientation == "genes_in_rows":
        beside = {*profile.annotations, profile.id_column}
        names = [name for place, name in enumerate(header) if name not in beside and name != f"column {place + 1}"]
        if len(names) != profile.n_samples:  # a sample may really be called `column 3`
            names = [name for name in header if name not in beside]
        return names
    if profile.id_column is None:
        return [str(row) for row in range(profile.n_samples)]
    return [as_name(value) for value in read_small(path, file, only=[header.index(profile.id_column)]).iloc[:, 0]]


def _known(profile: Profile, names: list[str], final: list[str], place_of: PlaceOf) -> pd.DataFrame:
    if profile.samples is not None:
        table = read_small(place_of(profile.samples.path), profile.samples)
        ids = [as_name(value) for value in table[profile.sample_id_column]]
        rows = table.drop(columns=profile.sample_id_column).set_axis(pd.Index(ids))
        return rows[~rows.index.duplicated()].reindex(final).reset_index(drop=True)
    if profile.groups_from_names:
        return pd.DataFrame({profile.columns[0].name: list(profile.groups_from_names)})
    if profile.orientation == "samples_in_rows" and profile.annotations:
        assert profile.matrix is not None
        path = place_of(profile.matrix.path)
        header = read_header(path, profile.matrix)
        frame = read_small(path, profile.matrix, only=sorted(header.index(name) for name in profile.annotations))
        return frame[list(profile.annotations)]
    return pd.DataFrame(index=range(len(names)))


def _rows(frame: pd.DataFrame) -> tuple[tuple[str, ...], ...]:
    columns = [
        ["" if pd.isna(value) else level_name(value) for value in frame.iloc[:, at]] for at in range(frame.shape[1])
    ]
    return tuple(zip(*columns, strict=True)) if columns else tuple(() for _ in range(len(frame)))


def described_anew(profile: Profile, table: Table, place_of: PlaceOf, folder: Path) -> Profile:
    """The profile with this sample table, which is written into `folder` as FILE. What a person has confirmed stays
    where the column is still there and still allows it.

    Raises InputError with every problem, `at` the sample, row or column: samples_table, duplicate_samples,
    samples_mismatch.
    """
    told = why_not(profile)
    if told:
        raise InputError("samples_table", told)
    names = matrix_samples(profile, place_of)
    table, renamed, unused = _checked(names, table)
    frame = _written(table, [renamed.get(name, name) for name in names], folder)
    known = renamed == profile.renamed and not profile.renamed_proposed
    notes = [note for note in profile.warnings if note.code not in _FROM_BEFORE]
    if unused:
        some = ", ".join(map(repr, unused[:_TOLD])) + (", …" if len(unused) > _TOLD else "")
        text = f"{counted(len(unused), 'row')} of the sample table {'is' if len(unused) == 1 else 'are'} of no sample "
        notes.append(Note(code="samples_unused", text=f"{text}of the matrix: {some}."))
    fresh = profile.model_copy(
        update={
            "samples": FILE,
            "sample_id_column": table.columns[0],
            "columns": _roles_kept(profile, describe(frame, source="user")),
            "groups_from_names": (),
            "renamed": renamed,
            "renamed_proposed": bool(renamed) and not known,
            "reference": None,
            "warnings": tuple(notes),
        }
    )
    return judged(_confirmed(profile, fresh), frame)


def _checked(names: list[str], table: Table) -> tuple[Table, dict[str, str], list[str]]:
    """The table without empty columns, which sample is spelled differently in it, and rows of no sample."""
    problems = Problems()
    _check_shape(table, problems)
    problems.raise_if_any()
    columns = tuple(name.strip() for name in table.columns)
    rows = [tuple(cell.strip() for cell in row) for row in table.rows]
    rows = [row for row in rows if any(row)]
    kept = [at for at in range(len(columns)) if at == 0 or any(row[at] for row in rows)]
    _check_columns(columns, kept, problems)
    ids = [row[0] for row in rows]
    for number, row in enumerate(rows, start=1):
        if not row[0]:
            problems.add(
                "samples_table",
                f"Row {number} names no sample.",
                "Write its name, or clear the row.",
                at=f"row {number}",
            )
    for name, n in Counter(filter(None, ids)).items():
        if n > 1:
            told = f"There are {n} rows for the sample {name!r}."
            problems.add("duplicate_samples", told, "Keep one row per sample.", at=name)
    known = set(ids)
    absent = [name for name in names if name not in known]
    unused = [name for name in dict.fromkeys(filter(None, ids)) if name not in set(names)]
    renamed = matching(absent, unused)
    _check_absent([name for name in absent if name not in renamed], unused, problems)
    problems.raise_if_any()
    taken = set(renamed.values())
    made = Table(tuple(columns[at] for at in kept), tuple(tuple(row[at] for at in kept) for row in rows))
    return made, renamed, [name for name in unused if name not in taken]


def _check_shape(table: Table, problems: Problems) -> None:
    if len(table.columns) < 2:
        told = "The table has no column besides the names of the samples, so it says nothing about them."
        problems.add("samples_table", told, "Add a column, as `group`, and fill it in.")
    for number, row in enumerate(table.rows, start=1):
        if len(row) != len(table.columns):
            told = f"Row {number} has {counted(len(row), 'cell')}; there are {counted(len(table.columns), 'column')}."
            problems.add(
                "samples_table", told, "Copy whole rows, the line of the column names too.", at=f"row {number}"
            )


def _check_columns(columns: Sequence[str], kept: Sequence[int], problems: Problems) -> None:
    named = [columns[at] for at in kept]
    if len(kept) == 1:
        told = "Every column besides the names of the samples is empty."
        problems.add("samples_table", told, "Write at least the group of each sample.")
    for at in kept[1:]:
        if not columns[at]:
            problems.add("samples_table", f"Column {at + 1} has no name.", "Give it one.", at=f"column {at + 1}")
    for name, n in Counter(filter(None, named)).items():
        if n > 1:
            problems.add("samples_table", f"{n} columns are called {name!r}.", "Give each a name of its own.", at=name)


def _check_absent(absent: Sequence[str], unused: Sequence[str], problems: Problems) -> None:
    for name in absent[:_TOLD]:
        near = difflib.get_close_matches(name, unused, n=1, cutoff=0.7)
        fix = f"Is it the {near[0]!r} of the table? Then spell it so." if near else "Add a row for it."
        problems.add("samples_mismatch", f"The sample {name!r} of the matrix has no row.", fix, at=name)
    if len(absent) > _TOLD:
        told = f"{counted(len(absent) - _TOLD, 'more sample')} of the matrix have no row."
        problems.add("samples_mismatch", told, "The first column must hold the names of the matrix, one row each.")


def _written(table: Table, final: list[str], folder: Path) -> pd.DataFrame:
    """Writes the table; what methods will read of it, a row per sample in the order of the matrix."""
    path = folder / FILE.path
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([table.columns, *table.rows])
    frame = read_small(path, FILE)
    ids = [as_name(value) for value in frame[table.columns[0]]]
    return frame.drop(columns=table.columns[0]).set_axis(pd.Index(ids)).reindex(final)


def _roles_kept(profile: Profile, columns: Sequence[Column]) -> tuple[Column, ...]:
    """With proposed roles, but none where the same column had none before: a person may have taken it away."""
    found = []
    for column in propose_roles(columns):
        before = profile.column(column.name)
        same = before is not None and before.role is None and set(before.levels) == set(column.levels)
        found.append(column.model_copy(update={"role": None, "role_proposed": False}) if same else column)
    return tuple(found)


def _confirmed(before: Profile, fresh: Profile) -> Profile:
    """With the roles and the reference that a person confirmed, one by one: each may not hold any more."""
    for column in before.columns:
        if column.role and not column.role_proposed and fresh.column(column.name) is not None:
            fresh = _revised(fresh, roles={column.name: column.role})
    fresh = revise(fresh)  # proposes a reference
    reference = before.reference
    if reference and not reference.proposed and (now := fresh.by_role("condition")) and now.name == reference.column:
        fresh = _revised(fresh, reference=reference.level)
    return fresh


def _revised(profile: Profile, *, roles: dict[str, str] | None = None, reference: str | None = None) -> Profile:
    try:
        return revise(profile, roles=roles, reference=reference)
    except InputError:
        return profile
