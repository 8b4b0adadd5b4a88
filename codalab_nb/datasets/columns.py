"""What the columns of a sample table (or of a general table) hold: groups, numbers or text."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from codalab_nb.model.dataset import Column, Level, Source

MOST_LEVELS = 50  # more different values than this are no groups


def describe(frame: pd.DataFrame, *, source: Source = "file") -> tuple[Column, ...]:
    """One Column per column of `frame`, without roles. Levels keep the order of first appearance."""
    return tuple(_column(str(name), frame[name], source) for name in frame.columns)


def level_name(value: object) -> str:
    """How a value is spelled as the name of a group: text stripped, 2.0 as `2`."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _column(name: str, values: pd.Series, source: Source) -> Column:
    known = values.dropna()
    spelled = known.map(level_name)
    counts = spelled.value_counts(sort=False)  # in order of first appearance
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    repeated = 1 <= len(counts) <= MOST_LEVELS and (len(counts) < len(known) or len(known) <= 2)
    if numeric:
        # Measurements also repeat by chance; groups written as numbers are few, and most have several members.
        repeated = repeated and len(counts) <= max(2, min(20, len(known) // 2))
    levels = tuple(Level(name=str(level), n=int(n)) for level, n in counts.items()) if repeated else ()
    kind: Literal["groups", "numbers", "text"] = "numbers" if numeric else "groups" if levels else "text"
    return Column(name=name, type=kind, source=source, levels=levels, missing=int(values.isna().sum()))
