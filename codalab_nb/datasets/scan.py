"""One pass over a table of numbers: what each column holds, and how rows and columns differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from codalab_nb.datasets.tables import chunks, read_header
from codalab_nb.model.dataset import TableFile

MOSTLY = 0.5  # a column with at least this share of numbers among its values is meant as numbers


@dataclass
class Scan:
    """What one pass saw. Arrays have one entry per column of the file; `row_means` one per row (NaN: no number)."""

    header: list[str]
    n_rows: int = 0
    numbers: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    texts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    missing: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    lowest: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    highest: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    total: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    whole: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    infinite: int = 0
    stray: dict[int, tuple[int, str]] = field(default_factory=dict)  # column → (row, text) of its first text cell
    not_count: dict[int, tuple[int, float]] = field(default_factory=dict)  # column → (row, number): first that is none
    row_means: list[npt.NDArray[np.float64]] = field(default_factory=list)

    def is_number(self, place: int) -> bool:
        """Meant as numbers: most values are, or there is no value at all."""
        values = self.numbers[place] + self.texts[place]
        return bool(values == 0 or self.numbers[place] >= MOSTLY * values)

    def is_measured(self, place: int) -> bool:
        return bool(self.numbers[place]) and self.is_number(place)

    @property
    def number_columns(self) -> list[int]:
        return [place for place in range(len(self.header)) if self.is_number(place)]

    @property
    def empty_columns(self) -> list[int]:
        return [place for place in range(len(self.header)) if self.missing[place] == self.n_rows]


def scan(path: Path, table: TableFile) -> Scan:
    """Reads the whole file in pieces. Memory: about 16 bytes per cell of one piece, plus one number per row."""
    header = read_header(path, table)
    width = len(header)
    found = Scan(
        header,
        numbers=np.zeros(width, np.int64),
        texts=np.zeros(width, np.int64),
        missing=np.zeros(width, np.int64),
        lowest=np.full(width, np.inf),
        highest=np.full(width, -np.inf),
        total=np.zeros(width),
        whole=np.ones(width, np.bool_),
    )
    for chunk in chunks(path, table):
        _take(found, chunk)
        found.n_rows += len(chunk)
    return found


def _take(found: Scan, chunk: pd.DataFrame) -> None:
    text_places = [place for place, dtype in enumerate(chunk.dtypes) if not pd.api.types.is_numeric_dtype(dtype)]
    text_places += [place for place, dtype in enumerate(chunk.dtypes) if pd.api.types.is_bool_dtype(dtype)]
    for place in text_places:
        column = chunk[place]
        as_numbers = pd.to_numeric(column, errors="coerce") if not pd.api.types.is_bool_dtype(column.dtype) else None
        is_text = column.notna() & (as_numbers.isna() if as_numbers is not None else True)
        count = int(is_text.sum())
        if count and place not in found.stray:
            row = int(np.flatnonzero(is_text.to_numpy())[0])
            found.stray[place] = (found.n_rows + row, str(column.iloc[row]))
        found.texts[place] += count
        found.missing[place] += int(column.isna().sum())
        found.numbers[place] += len(column) - count - int(column.isna().sum())
    places = [place for place in range(chunk.shape[1]) if place not in set(text_places)]
    if not places:
        return
    values = chunk[places].to_numpy(dtype=np.float64)
    infinite = np.isinf(values)
    found.infinite += int(infinite.sum())
    values = np.where(infinite, np.nan, values)
    absent = np.isnan(values)
    found.missing[places] += absent.sum(axis=0)
    found.numbers[places] += (~absent).sum(axis=0)
    found.lowest[places] = np.minimum(found.lowest[places], np.where(absent, np.inf, values).min(axis=0))
    found.highest[places] = np.maximum(found.highest[places], np.where(absent, -np.inf, values).max(axis=0))
    known = np.where(absent, 0.0, values)
    found.total[places] += known.sum(axis=0)
    whole = known == np.floor(known)
    found.whole[places] &= whole.all(axis=0)
    no_count = ~whole | (known < 0)
    for at in np.flatnonzero(no_count.any(axis=0)):
        row = int(no_count[:, at].argmax())
        found.not_count.setdefault(places[at], (found.n_rows + row, float(known[row, at])))
    counted = (~absent).sum(axis=1)
    found.row_means.append(np.where(counted > 0, known.sum(axis=1) / np.maximum(counted, 1), np.nan))
