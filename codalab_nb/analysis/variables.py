"""What was measured, one number per sample: a column of a general table, or a gene of a matrix."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from codalab_nb.analysis.expression import AnalysisError, ExpressionSet
from codalab_nb.analysis.qc import log_view
from codalab_nb.analysis.style import cut

_ROW_NUMBERS = ("id", "index", "nr", "no", "row", "number", "#")
_NAMES_ROWS = re.compile(r"(?i:[_\s.-](id|nr)s?)$|[a-z](ID|Id|Nr)$")  # patient_id, Sample Nr, PatientID; not `fluid`
MANY_ROWS = 10  # from which on running whole numbers are hardly a measurement


@dataclass(frozen=True)
class Measured:
    """One variable. values: float64 per sample, NaN where missing; label: how it is called in figures; unit: of its
    values (`log2 intensity`), empty where the file does not say."""

    name: str
    label: str
    values: pd.Series
    unit: str

    @property
    def axis(self) -> str:
        return f"{self.label} ({self.unit})" if self.unit else self.label


@dataclass(frozen=True)
class Candidates:
    """All variables that could be meant. table: variables × samples; labels: one per variable."""

    table: pd.DataFrame
    labels: pd.Series
    unit: str
    left_out: tuple[str, ...] = ()  # columns that number or name the rows

    def one(self, name: str) -> Measured:
        """By row name, or by label where only one has it (capitals do not count). Raises AnalysisError."""
        known = self.table.index
        if name not in known:
            same = known[(self.labels.str.casefold() == name.casefold()) | (known.str.casefold() == name.casefold())]
            if len(same) != 1:
                near = ", ".join(map(str, known[:8])) + (", …" if len(known) > 8 else "")
                found = f"{len(same)} are called so" if len(same) else "none is called so"
                raise AnalysisError(f"There is no single measurement {name!r} ({found}). There are: {near}.")
            name = str(same[0])
        values = pd.Series(self.table.loc[name].to_numpy(np.float64), index=self.table.columns, name=name)
        return Measured(name, str(self.labels[name]), values, self.unit)


def candidates(data: ExpressionSet, leave_out: Iterable[str] = (), asked: str = "") -> Candidates:
    """The genes of a matrix, on a log scale; of a table the columns of numbers except `leave_out` and those that
    number the rows (`patient_id`, 1000, 1001, 1002 …), unless such a one is `asked` for by name.

    Raises AnalysisError when there is none.
    """
    values, scale = log_view(data)
    if data.is_matrix:
        return Candidates(values, data.labels().astype(str), scale)
    out = {str(name) for name in leave_out}
    usable = [str(name) for name in values.index if name not in out]
    named = [name for name in usable if name != asked and _is_number_of_row(name)]
    rest = [name for name in usable if name not in named]
    running = [name for name in rest if name != asked and _is_running(values.loc[[name]].to_numpy(np.float64))]
    if len(running) == len(rest):
        running = []  # nothing else was measured
    kept = values.loc[[name for name in rest if name not in running]]
    if not len(kept):
        used = ", ".join(sorted(filter(None, out)))
        raise AnalysisError(f"No column of numbers is left to analyze (already used: {used or 'none'}).")
    return Candidates(
        kept,
        pd.Series(kept.index.astype(str), index=kept.index),
        "",
        tuple(name for name in usable if name in (*named, *running)),
    )


def _is_number_of_row(name: str) -> bool:
    return name.casefold() in _ROW_NUMBERS or _NAMES_ROWS.search(name) is not None


def _is_running(values: npt.NDArray[np.float64]) -> bool:
    """Running whole numbers, in whatever order."""
    ordered = np.sort(values.ravel())
    return len(ordered) >= MANY_ROWS and bool((np.diff(ordered) == 1).all() and (ordered == np.round(ordered)).all())


def numbers(data: ExpressionSet, column: str, role: str) -> pd.Series:
    """A column of numbers from the sample table (or of a general table), as float64. Raises AnalysisError."""
    name = column or data.column_with_role(role) or ""
    if not name:
        raise AnalysisError(
            f"Say which column holds the {role}: set `{role}`, or add the data with --role NAME={role}."
        )
    if name not in data.samples.columns:
        known = ", ".join(map(str, data.samples.columns)) or "none"
        raise AnalysisError(f"There is no column {name!r} in the sample table. Columns: {known}.")
    values = pd.to_numeric(data.samples[name], errors="coerce").astype(np.float64)
    lost = data.samples[name].notna() & values.isna()
    if lost.any():
        example = data.samples[name][lost].iloc[0]
        raise AnalysisError(f"Column {name!r} should hold numbers, but {str(example)!r} is none. Correct the file.")
    if values.notna().sum() == 0:
        raise AnalysisError(f"Column {name!r} holds no number.")
    return values.rename(name)


def natural_order(levels: Iterable[str]) -> list[str]:
    """Groups that are all numbers by size, others as they come."""
    listed = list(levels)
    try:
        return sorted(listed, key=float)
    except ValueError:
        return listed


def short_names(names: Iterable[str], longest: int) -> list[str]:
    """Cut at the end, or in the middle where only the ends tell them apart."""
    listed = list(names)
    shortened = [cut(name, longest) for name in listed]
    if len(set(shortened)) == len(set(listed)):
        return shortened
    half = (longest - 1) // 2
    return [name if len(name) <= longest else f"{name[:half].rstrip()}…{name[-half:].lstrip()}" for name in listed]


def p_words(p: float) -> str:
    """`p = 0.0159`, `p < 0.0001`."""
    if p != p:
        return "p not known"
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.3g}"
