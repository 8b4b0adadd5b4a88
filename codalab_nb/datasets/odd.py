"""Samples that stand apart, and values that were worked on before: what a pass over the matrix shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from codalab_nb.datasets.orientation import MOST_COUNTED
from codalab_nb.datasets.tables import chunks
from codalab_nb.model.dataset import Kind, Note, TableFile, counted

MOST_SAMPLES = 2_000  # above, samples are cells, and one that stands apart is no news
MOST_CELLS = 30_000_000
FLOOR = 20.0  # linear intensities under it are noise; the same as in codalab_nb.analysis.qc
FAR = 5.0  # robust standard deviations, as there
LEAST_SCALE = 0.005
EQUAL = 0.005  # totals that differ by less than half a percent were made equal
FEW = 10  # fewer features than this say nothing about a sample
FAR_FROM_ZERO = 1_000.0  # nothing that is measured falls from here to exactly 0
_NAMED = 5

Matrix = npt.NDArray[np.float64]


def odd_notes(
    path: Path, table: TableFile, values: Sequence[int], names: Sequence[str], kind: Kind, *, samples_in_rows: bool
) -> list[Note]:
    """`values`: places of the columns of measurements; `names`: of the samples, in order. Empty for very large data."""
    n = len(names)
    if not 3 <= n <= MOST_SAMPLES:
        return []
    parts, cells = [], 0
    for chunk in chunks(path, table, only=values):
        part = chunk.to_numpy(np.float64)
        cells += part.size
        if cells > MOST_CELLS:
            return []
        parts.append(part)
    matrix = np.concatenate(parts)
    matrix = matrix.T if samples_in_rows else matrix
    matrix = np.where(np.isfinite(matrix), matrix, np.nan)
    return [
        *_worked_on(matrix, kind),
        *_intensities(matrix, kind),
        *_twins(matrix, names),
        *_apart(matrix, names, kind),
    ]


def _worked_on(matrix: Matrix, kind: Kind) -> list[Note]:
    """Counts that somebody normalised: equal totals, or broken numbers with many exact zeros."""
    if kind not in ("counts", "linear") or len(matrix) < FEW or not np.nanmin(matrix) >= 0:
        return []
    totals = np.nansum(matrix, axis=0)
    middle = float(np.median(totals))
    if middle > 0 and float(np.ptp(totals)) < EQUAL * middle:
        what = ", as CPM and TPM do" if abs(middle / 1e6 - 1) < 0.05 else ""
        text = f"Every sample adds up to about {middle:,.0f}{what}: these are counts that were already normalised. "
        return [Note(code="normalised_counts", text=text + _RAW)]
    zeros = float((matrix == 0).mean())
    broken = bool((np.floor(matrix) != matrix)[~np.isnan(matrix)].any())
    if kind == "linear" and broken and zeros > 0.05:
        text = f"{zeros:.0%} of the values are exactly 0 and the others are no whole numbers, as in FPKM, TPM or other "
        return [Note(code="normalised_counts", text=f"{text}normalised counts. {_RAW}")]
    return []


def _intensities(matrix: Matrix, kind: Kind) -> list[Note]:
    """Whole numbers too large for counts, and zeros so far under all other values that they are hardly measured."""
    measured = matrix[~np.isnan(matrix)]
    if kind != "linear" or not measured.size or not measured.min() >= 0 or not measured.max() > 0:
        return []
    notes = []
    if measured.max() > MOST_COUNTED and bool((np.floor(measured) == measured).all()):
        text = (
            f"These are whole numbers up to {measured.max():.2g}, more than reads are counted for one gene: they are "
        )
        text += "taken as linear intensities, as of proteins, not as counts. --kind counts overrules it."
        notes.append(Note(code="large_whole_numbers", text=text))
    zeros, lowest = float((measured == 0).mean()), float(measured[measured > 0].min())
    if zeros > 0 and lowest >= FAR_FROM_ZERO:
        text = f"{zeros:.1%} of the values are exactly 0, and the smallest other value is {lowest:,.0f}: 0 may mean "
        text += "“not measured”. Methods take it as a very low value, which makes large false differences; if it means "
        text += "“not measured”, leave these cells empty in the file and add it again."
        notes.append(Note(code="zeros_not_measured", text=text))
    return notes


_RAW = "Methods for counts need the raw ones; look for them if you have a choice."


def _twins(matrix: Matrix, names: Sequence[str]) -> list[Note]:
    by_content: dict[bytes, str] = {}
    twins = []
    for place, name in enumerate(names):
        content = np.ascontiguousarray(matrix[:, place]).tobytes()
        if by_content.setdefault(content, name) != name:
            twins.append(f"{by_content[content]!r} and {name!r}")
    if not twins:
        return []
    listed = "; ".join(twins[:_NAMED]) + ("; …" if len(twins) > _NAMED else "")
    text = f"Samples with exactly the same values: {listed}. Was one file copied twice?"
    return [Note(code="identical_samples", text=text)]


def _apart(matrix: Matrix, names: Sequence[str], kind: Kind) -> list[Note]:
    """Samples whose mean correlation with the others lies far under the usual one."""
    whole = matrix[~np.isnan(matrix).any(axis=1)]
    if len(whole) < FEW:
        return []
    if kind == "counts":
        totals = whole.sum(axis=0)
        whole = np.log2(np.maximum(whole, 0) / np.where(totals > 0, totals, 1) * 1e6 + 1)
    elif kind == "linear":
        whole = np.log2(np.maximum(whole, FLOOR))
    whole = whole - whole.mean(axis=0)
    length = np.sqrt((whole**2).sum(axis=0))
    constant = length == 0
    whole = whole / np.where(constant, 1, length)
    correlation = whole.T @ whole
    agreement = (correlation.sum(axis=0) - np.diag(correlation)) / max(1, len(names) - 1)
    usual = float(np.median(agreement))
    scale = max(LEAST_SCALE, 1.4826 * float(np.median(np.abs(agreement - usual))))
    far = [place for place in range(len(names)) if agreement[place] < usual - FAR * scale or constant[place]]
    if not far or len(far) > len(names) / 4:
        return []
    listed = ", ".join(f"{names[place]!r} ({agreement[place]:.2f})" for place in far[:_NAMED])
    text = f"{counted(len(far), 'sample')} {'agrees' if len(far) == 1 else 'agree'} far less with the others than "
    text += f"usual (mean correlation {usual:.2f}): {listed}{', …' if len(far) > _NAMED else ''}. Look at it "
    return [Note(code="outlier_sample", text=text + "before groups are compared; check-my-data draws it.")]
