"""The clean copy of a table that was read: plain CSV, which every method and every other program reads alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from codalab_nb.datasets.reading import Reading, ReadTable, TidyCopies

_ROWS = 2000  # written at a time, so that the text of a large table is never in memory as a whole


def write(reading: Reading, folder: Path) -> TidyCopies:
    """See `reading.write_tidy`."""
    table = reading.table
    assert table is not None, "a clean text table needs no copy"
    matrix = folder / "matrix.csv"
    _write(_ordered(table), matrix)
    samples = sample_frame(reading)
    if samples is None:
        return TidyCopies(matrix, None)
    _write(samples, folder / "samples.csv")
    return TidyCopies(matrix, folder / "samples.csv")


def sample_frame(reading: Reading) -> pd.DataFrame | None:
    """What the file says about its samples: the table which the format carries, else the sheet that names the same
    samples, else the header rows above the matrix (first column: `sample`); None: nothing."""
    table = reading.table
    assert table is not None
    if table.samples is not None:
        return table.samples
    if reading.samples is not None:
        return reading.samples.frame
    if len(table.attributes.columns) == 0:
        return None
    return table.attributes.rename_axis("sample").reset_index()


def _ordered(table: ReadTable) -> pd.DataFrame:
    """id column, annotations, measurements; whole numbers without a point where no value is missing."""
    first = [] if table.id_place is None else [table.id_place]
    about = [at for at in range(table.frame.shape[1]) if at not in {*first, *table.values}]
    return table.frame.iloc[:, [*first, *about, *table.values]]


def _write(frame: pd.DataFrame, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as text:
        for start in range(0, max(len(frame), 1), _ROWS):
            piece = frame.iloc[start : start + _ROWS].copy()
            piece.columns = pd.RangeIndex(piece.shape[1])  # names may repeat
            for at in piece.columns:
                values = piece[at]
                if (
                    values.dtype == np.float64
                    and bool((np.abs(values) < 2**53).all())
                    and bool((values % 1 == 0).all())
                ):
                    piece[at] = values.astype(np.int64)
            if start == 0:
                pd.DataFrame(columns=frame.columns).to_csv(text, index=False)
            piece.to_csv(text, index=False, header=False)
