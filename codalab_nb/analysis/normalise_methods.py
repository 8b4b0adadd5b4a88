"""Factors and distributions by which samples are made comparable."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from codalab_nb.analysis.expression import AnalysisError


def size_factors(counts: pd.DataFrame) -> pd.Series:
    """One factor per sample, by which its counts are divided: the median of their ratios to a typical sample.

    Anders S, Huber W (2010), Differential expression analysis for sequence count data, Genome Biology 11:R106,
    doi:10.1186/gb-2010-11-10-r106, equation 5. The typical sample is the geometric mean over samples of each gene that
    was seen in all of them. Where no gene was, zeros are left out of the means (`poscounts` of DESeq2) and the
    factors are brought to a geometric mean of 1. counts: genes × samples, ≥ 0, nothing missing. Raises AnalysisError.
    """
    refuse_empty(counts)
    matrix = counts.to_numpy(np.float64)
    with np.errstate(divide="ignore"):
        logs = np.log(matrix)
    everywhere = np.isfinite(logs).all(axis=1)
    if everywhere.any():
        logs = logs[everywhere]
        factors = np.exp(np.median(logs - logs.mean(axis=1, keepdims=True), axis=0))
    else:
        seen = np.isfinite(logs)
        typical = np.where(seen, logs, 0).mean(axis=1)
        middle = np.array([np.median((logs[:, one] - typical)[seen[:, one]]) for one in range(logs.shape[1])])
        factors = np.exp(middle - middle.mean())
    return pd.Series(factors, counts.columns, name="size_factor")


def refuse_empty(counts: pd.DataFrame) -> None:
    """Raises AnalysisError that names the samples without any read."""
    empty = [str(name) for name, total in counts.sum().items() if not total > 0]
    if empty:
        raise AnalysisError(f"No gene was counted in {', '.join(empty[:5])}. Leave such samples out.")


def quantile(values: pd.DataFrame) -> pd.DataFrame:
    """Every sample gets the same distribution: the mean over samples of their sorted values.

    Bolstad BM et al. (2003), Bioinformatics 19:185-193, doi:10.1093/bioinformatics/19.2.185. Equal values of a sample
    stay equal (they get the mean of their places). Missing values stay missing; the others of that sample are spread
    over the whole distribution. A sample without any value stays so.
    """
    matrix = values.to_numpy(np.float64)
    n = len(matrix)
    place = (np.arange(n) + 0.5) / max(n, 1)
    known = np.isfinite(matrix)
    total, n_used = np.zeros(n), 0
    for sample in range(matrix.shape[1]):
        present = np.sort(matrix[known[:, sample], sample])
        if len(present):
            total += np.interp(place, (np.arange(len(present)) + 0.5) / len(present), present)
            n_used += 1
    if not n_used:
        raise AnalysisError("There is no value at all in these data.")
    reference = total / n_used
    after = np.full_like(matrix, np.nan)
    for sample in range(matrix.shape[1]):
        mine = known[:, sample]
        rank = stats.rankdata(matrix[mine, sample])  # ties: the mean of their ranks
        after[mine, sample] = np.interp((rank - 0.5) / max(int(mine.sum()), 1), place, reference)
    return pd.DataFrame(after, values.index, values.columns)
