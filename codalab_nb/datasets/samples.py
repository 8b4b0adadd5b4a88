"""The sample table: where it comes from, which row is which sample of the matrix, and what else the header says."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from codalab_nb.datasets import checks
from codalab_nb.datasets.columns import describe, level_name
from codalab_nb.errors import Problems
from codalab_nb.model.alike import group_key, matching
from codalab_nb.model.dataset import Column, Note, TableFile


@dataclass(frozen=True)
class SampleTable:
    """label: what it is called in messages. file: how to read it as it stands; None if it must be written anew.

    chosen: a person named it, so it must describe the matrix; else it was found, and may be left aside.
    """

    label: str
    frame: pd.DataFrame
    file: TableFile | None = None
    chosen: bool = True

    def ids(self, column: str) -> list[str]:
        return [as_name(value) for value in self.frame[column]]

    def id_column(self, names: Sequence[str]) -> str:
        """The column that holds most of the matrix' names; the first one if none does."""
        known = set(names)
        shared = []
        for column in self.frame.columns:
            ids = self.ids(column)
            found = known & set(ids)
            near = matching([name for name in names if name not in found], _others(ids, found))
            shared.append((len(found) + len(near), len(found)))
        return str(self.frame.columns[shared.index(max(shared))])


@dataclass
class Described:
    """What is known about the samples, in the order of the matrix.

    frame: one row per sample, named as in the sample table. renamed: name in the matrix → name in the sample table.
    own: the frame says more than the sample table's file, or there is no such file: it has to be written.
    reading: what was done, to be told with how the files were read.
    """

    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    columns: tuple[Column, ...] = ()
    id_column: str | None = None
    renamed: dict[str, str] = field(default_factory=dict)
    own: bool = False
    reading: tuple[Note, ...] = ()


def names_known_to(table: SampleTable, id_column: str, names: Sequence[str]) -> set[str]:
    """The names of the sample table, and those of `names` that are probably spelled differently there."""
    ids = table.ids(id_column)
    known = set(ids)
    return known | set(matching([name for name in names if name not in known], _others(ids, set(names))))


def describe_samples(
    names: list[str],
    table: SampleTable | None,
    attributes: pd.DataFrame,
    matrix_label: str,
    notes: list[Note],
    problems: Problems,
) -> Described:
    """`names`: the samples of the matrix; `attributes`: what rows above it say, a row per sample in that order.

    Problems: duplicate_samples, samples_mismatch.
    """
    described = Described(frame=pd.DataFrame(index=pd.Index(names, name="sample")), id_column="sample")
    if table is not None:
        described = _from_table(names, table, matrix_label, notes, problems)
    described.columns = describe(described.frame)
    if len(attributes.columns):
        _add_attributes(described, attributes, table.label if table else "", notes)
    return described


def _from_table(
    names: list[str], table: SampleTable, matrix_label: str, notes: list[Note], problems: Problems
) -> Described:
    id_column = table.id_column(names)
    ids = table.ids(id_column)
    doubled = [name for name, n in Counter(ids).items() if n > 1]
    if doubled:
        listed = ", ".join(map(repr, doubled[: checks.NAMED]))
        problems.add(
            "duplicate_samples", f"{table.label} has more than one row for {listed}.", "Keep one row per sample."
        )
    known = set(ids)
    renamed = matching([name for name in names if name not in known], _others(ids, set(names)))
    final = [renamed.get(name, name) for name in names]
    wanted = set(final)
    undescribed = [name for name in final if name not in known]
    unused = [name for name in ids if name not in wanted]
    if undescribed:
        told = checks.absent(undescribed, matrix_label, table.label)
        if unused:
            told += f", and {checks.absent(unused, table.label, matrix_label)}"
        fix = _near(undescribed, unused) + "Name every sample of the matrix in the sample table, spelled alike."
        if set(undescribed) & set(map(str, table.frame.columns)):
            fix = f"The first line of {table.label} names a sample: add a line above it that names the columns."
        problems.add("samples_mismatch", told + ".", fix)
    elif unused:
        notes.append(Note(code="samples_unused", text=f"{checks.absent(unused, table.label, matrix_label)}."))
    rows = table.frame.drop(columns=id_column).set_axis(pd.Index(ids, name=id_column))
    rows = rows[~rows.index.duplicated()].reindex(pd.Index(final, name=id_column))
    return Described(rows, id_column=id_column, renamed=renamed, own=table.file is None)


def _others(ids: Sequence[str], names: set[str]) -> list[str]:
    return [name for name in dict.fromkeys(ids) if name not in names]


def _near(names: Sequence[str], others: Sequence[str]) -> str:
    """ "Is 'kd2' the 'kd02' of the other? " for names that are close, but not surely the same."""
    pairs = [
        f"{name!r} the {close[0]!r}"
        for name in names[: checks.NAMED]
        if (close := difflib.get_close_matches(name, others, n=1, cutoff=0.7))
    ]
    return f"Is {', '.join(pairs)} of the sample table? " if pairs else ""


def _add_attributes(described: Described, attributes: pd.DataFrame, label: str, notes: list[Note]) -> None:
    """Adds what the rows above the matrix say, unless a column of the sample table says the same."""
    for name in map(str, attributes.columns):
        values = pd.Series(attributes[name].to_numpy(), index=described.frame.index, dtype="object")
        if values.isna().all():
            continue
        twin = next((c for c in described.frame.columns if _differing(described.frame[c], values) == []), None)
        if twin is not None:
            told = f"The row {name!r} above the matrix says the same as column {twin!r} of {label}; the latter is used."
            described.reading += (Note(code="header_agrees", text=told),)
            continue
        called = name
        if name in described.frame.columns:
            called = f"{name} (above the matrix)"
            differing = _differing(described.frame[name], values)
            listed = ", ".join(map(repr, differing[: checks.NAMED])) + (", …" if len(differing) > checks.NAMED else "")
            text = f"The row {name!r} above the matrix and the column {name!r} of {label} do not agree for "
            text += f"{len(differing)} of {len(values)} samples ({listed}); both are kept. Find out which is right."
            notes.append(Note(code="header_disagrees", text=text))
        described.frame = described.frame.assign(**{called: values})
        described.columns += describe(described.frame[[called]], source="header")
        described.own = True


def _differing(one: pd.Series, other: pd.Series) -> list[str]:
    """Samples for which two columns say different things, whatever the spelling; what is missing differs from all."""
    return [str(name) for name, a, b in zip(one.index, one, other, strict=True) if _key(a) != _key(b)]


def _key(value: object) -> object:
    return np.nan if pd.isna(value) else group_key(level_name(value))  # type: ignore[call-overload]


def as_name(value: object) -> str:
    """Names are text: 7.0, which pandas makes of 7 beside an empty cell, is `7` again."""
    if isinstance(value, float):
        return "" if value != value else str(int(value)) if value.is_integer() else str(value)
    return str(value).strip()
