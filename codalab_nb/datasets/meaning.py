"""What the sample table says about the question: can the groups be told from the batches, do the pairs pair up?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from codalab_nb.datasets.columns import level_name
from codalab_nb.datasets.tables import read_header, read_small
from codalab_nb.model.alike import one_spelling
from codalab_nb.model.dataset import Column, Note, Profile, TableFile, counted

TOGETHER = 0.5  # from this Cramér's V on, condition and batch are said to go together
SAME = 0.999
_NAMED = 6
_CODES = frozenset({"confounded", "pairs_apart", "pairs_incomplete"})


def judged(profile: Profile, samples: pd.DataFrame) -> Profile:
    """The profile with fresh notes on its design; `samples`: one row per sample, the columns of the profile."""
    notes = [note for note in profile.warnings if note.code not in _CODES]
    condition, batch, pair = map(profile.by_role, ("condition", "batch", "pair"))
    if condition and batch:
        notes += _confounded(condition, batch, _crossed(samples, condition, batch))
    if condition and pair:
        notes += _pairs(condition, pair, _crossed(samples, condition, pair))
    return profile.model_copy(update={"warnings": tuple(notes)})


def sample_frame(profile: Profile, place_of: Callable[[str], Path]) -> pd.DataFrame:
    """The columns of the profile with a row per sample, from the stored files (`place_of` a name in the data set)."""
    if profile.groups_from_names:
        return pd.DataFrame({profile.columns[0].name: list(profile.groups_from_names)})
    file = profile.samples or profile.matrix
    if file is None or not profile.columns:
        return pd.DataFrame()
    path = place_of(file.path)
    frame = read_small(path, file, only=_places(path, file, profile))
    return frame[[column.name for column in profile.columns]]


def _places(path: Path, file: TableFile, profile: Profile) -> list[int]:
    wanted = {column.name for column in profile.columns}
    return [place for place, name in enumerate(read_header(path, file)) if name in wanted]


def group_of(values: pd.Series, column: Column) -> pd.Series:
    """The group of each sample as text, under the name a person gave it; NaN where it is not known.

    Groups that differ in spelling only are one here: that slip is told elsewhere.
    """
    names = {**one_spelling(column.levels)}
    names |= {old: names.get(new, new) for old, new in column.recoded.items()}
    return values.map(lambda value: np.nan if pd.isna(value) else names.get(level_name(value), level_name(value)))


def cramers_v(table: npt.NDArray[np.float64]) -> float:
    """How far two groupings go together: 0 independent, 1 the same; `table`: counts (groups × groups).

    sqrt(chi² / (n · (min(rows, columns) - 1))), without correction: Cramér (1946), Mathematical Methods of
    Statistics, p. 282. NaN if either has one group only.
    """
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    least = min(table.shape) - 1
    if least < 1:
        return float("nan")
    n = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    return float(np.sqrt(((table - expected) ** 2 / expected).sum() / (n * least)))


def _crossed(samples: pd.DataFrame, condition: Column, other: Column) -> pd.DataFrame:
    """Counts: one row per group of `other`, one column per group of the condition."""
    groups, others = group_of(samples[condition.name], condition), group_of(samples[other.name], other)
    return pd.crosstab(others.to_numpy(), groups.to_numpy())


def _confounded(condition: Column, batch: Column, table: pd.DataFrame) -> list[Note]:
    v = cramers_v(table.to_numpy(np.float64))
    if not v >= TOGETHER:
        return []
    alone = [
        f"{name} only {table.columns[int(row.to_numpy().argmax())]} ({int(row.sum())})"
        for name, row in table.iterrows()
        if (row > 0).sum() == 1
    ]
    listed = f" Batch {'; batch '.join(alone[:_NAMED])}{'; …' if len(alone) > _NAMED else ''}." if alone else ""
    both = f"Condition {condition.name!r} and batch {batch.name!r}"
    if v >= SAME:
        told = "every batch holds one group" if len(alone) == len(table) else "every group stands in one batch only"
        text = f"{both} cannot be told apart: {told}.{listed} No method can say whether a difference comes from the "
        text += "groups or from the batches; only samples of several groups in the same batch can."
    else:
        text = f"{both} go together (Cramér's V {v:.2f}; 0 means independent, 1 the same).{listed} Part of any "
        text += "difference between the groups may come from the batches."
    return [Note(code="confounded", text=text)]


def _pairs(condition: Column, pair: Column, table: pd.DataFrame) -> list[Note]:
    if table.shape[1] < 2:
        return []
    paired = (table > 0).sum(axis=1) > 1
    if not paired.any():
        text = f"No {pair.name!r} has samples in two groups of {condition.name!r}, so nothing can be compared within "
        return [Note(code="pairs_apart", text=text + "pairs.")]
    lonely = [str(name) for name in table.index[~paired]]
    if not lonely:
        return []
    listed = ", ".join(map(repr, lonely[:_NAMED])) + (", …" if len(lonely) > _NAMED else "")
    have = "has" if len(lonely) == 1 else "have"
    text = f"{counted(len(lonely), 'value')} of {pair.name!r} ({listed}) {have} samples in one group of "
    text += f"{condition.name!r} only and cannot help a comparison within pairs."
    return [Note(code="pairs_incomplete", text=text)]
