"""Make samples comparable: size factors, counts per million, quantile normalisation, logarithms."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from codalab_nb.analysis.expression import AnalysisError

Floats = npt.NDArray[np.float64]


def size_factors(counts: pd.DataFrame) -> pd.Series:
    """One factor per sample, by which its counts are divided: the median of their ratios to a typical sample.

    Anders S, Huber W (2010), Differential expression analysis for sequence count data, Genome Biology 11:R106,
    doi:10.1186/gb-2010-11-10-r106, equation 5. The typical sample is the geometric mean over samples of each gene that
    was seen in all of them. Where no gene was, zeros are left out of the means (`poscounts` of DESeq2) and the
    factors are brought to a geometric mean of 1. counts: genes × samples, ≥ 0, nothing missing. Raises AnalysisError.
    """
    matrix = counts.to_numpy(np.float64)
    empty = [str(counts.columns[int(place)]) for place in np.flatnonzero(matrix.max(axis=0, initial=0) <= 0)]
    if empty:
        raise AnalysisError(f"No gene was counted in {', '.join(empty[:5])}. Leave such samples out.")
    with np.errstate(divide="ignore"):
        logs = np.log(matrix)
    everywhere = np.isfinite(logs).all(axis=1)
    if everywhere.any():
        logs = logs[everywhere]
        factors = np.exp(np.median(logs - logs.mean(axis=1, keepdims=True), axis=0))
    else:
        typical = np.where(np.isfinite(logs), logs, 0).mean(axis=1)
        ratios = np.where(np.isfinite(logs), logs - typical[:, None], np.nan)[typical > 0]
        middle = np.nanmedian(ratios, axis=0) if len(ratios) else np.full(matrix.shape[1], np.nan)
        if not np.isfinite(middle).all():
            raise AnalysisError("Hardly any gene was counted in more than one sample; there is nothing to compare by.")
        factors = np.exp(middle - middle.mean())
    return pd.Series(factors, counts.columns, name="size_factor")
