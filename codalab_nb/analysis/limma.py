"""Moderated t statistics: one linear model per gene, variances shared across genes.

Written from the formulas of Smyth GK (2004), Linear models and empirical Bayes methods for assessing differential
expression in microarray experiments, Stat Appl Genet Mol Biol 3(1):3, doi:10.2202/1544-6115.1027 (section numbers
below), and Benjamini Y, Hochberg Y (1995), J R Stat Soc B 57:289-300. The tests compare with R's limma.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from codalab_nb.analysis.expression import AnalysisError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Moderated:
    """Result of a two-group comparison.

    table: one row per gene in the order given, columns difference (treated minus reference, in the units of the
    values), mean, t, p, p_adjusted (Benjamini-Hochberg) and n (samples with a value); NaN where a gene cannot be
    tested. prior_df may be infinite (all genes share one variance). prior_variance is in squared units.
    """

    table: pd.DataFrame
    prior_df: float
    prior_variance: float
    residual_df: int


def design_matrix(treated: npt.NDArray[np.bool_], adjust: pd.Series | None = None) -> Floats:
    """samples × coefficients: 1, treated, then one column per further level of `adjust` (a batch or a pair).

    Raises AnalysisError if the comparison cannot be told apart from `adjust`, or no degree of freedom is left.
    """
    columns = [np.ones(len(treated)), treated.astype(np.float64)]
    if adjust is not None:
        levels = list(dict.fromkeys(adjust))
        columns += [(adjust == level).to_numpy(np.float64) for level in levels[1:]]
    design = np.column_stack(columns)
    if np.linalg.matrix_rank(design) < design.shape[1]:
        other = repr(adjust.name) if adjust is not None else "the design"
        raise AnalysisError(
            f"The compared groups cannot be told apart from {other}: every one of its groups holds samples of one kind "
            "only. Compare without adjusting, and mind that a difference may come from either."
        )
    if len(treated) <= design.shape[1]:
        raise AnalysisError("There are too few samples for this comparison: none is left to judge the scatter by.")
    return design


def moderated_t(values: pd.DataFrame, design: Floats, coefficient: int = 1) -> Moderated:
    """Tests one coefficient of `design` (samples × coefficients, the first an intercept) for each row of `values`."""
    matrix = values.to_numpy(np.float64)
    estimate, unscaled, variance, df = _fit(matrix, design, coefficient)
    prior_df, prior_variance, posterior = squeeze(variance, df)
    testable = np.isfinite(estimate) & (df > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(testable, estimate / (unscaled * np.sqrt(posterior)), np.nan)
    # Section 3: the prior adds its degrees of freedom, but never more than all genes together have.
    total_df = np.minimum(df + prior_df, df[testable].sum())
    p = 2 * stats.t.sf(np.abs(t), total_df)
    with np.errstate(invalid="ignore"):
        n = np.isfinite(matrix).sum(axis=1)
        mean = np.where(n > 0, np.nansum(matrix, axis=1) / np.maximum(n, 1), np.nan)
    table = pd.DataFrame(
        {"difference": estimate, "mean": mean, "t": t, "p": p, "p_adjusted": benjamini_hochberg(p), "n": n},
        index=values.index,
    )
    return Moderated(table, prior_df, prior_variance, int(design.shape[0] - design.shape[1]))


def benjamini_hochberg(p: Floats) -> Floats:
    """Adjusted p values: min over j ≥ i of p(j)·m/j, at most 1. NaN stays NaN and is not counted in m."""
    adjusted = np.full_like(p, np.nan)
    known = np.flatnonzero(np.isfinite(p))
    if len(known) == 0:
        return adjusted
    order = known[np.argsort(p[known], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted


def squeeze(variance: Floats, df: Floats) -> tuple[float, float, Floats]:
    """Prior degrees of freedom d0, prior variance s0², and each gene's posterior variance (section 6.2).

    The moments of log s² under a scaled F distribution give d0 and s0². Where the variances differ no more than
    chance makes them, d0 is infinite and s0² the pooled variance.
    """
    used = (df > 0) & np.isfinite(variance)
    if not used.any():
        return np.nan, np.nan, variance
    s2, d = variance[used], df[used]
    middle = float(np.median(s2))
    if middle <= 0:
        raise AnalysisError("More than half of the genes do not vary at all within the groups; check the values.")
    s2 = np.maximum(s2, 1e-5 * middle)  # the logarithm of an exact zero, as of a constant gene, would swamp all others
    centred = np.log(s2) - special.digamma(d / 2) + np.log(d / 2)
    mean = float(centred.mean())
    spread = float(np.sum((centred - mean) ** 2) / max(len(centred) - 1, 1) - special.polygamma(1, d / 2).mean())
    if len(centred) < 2 or spread <= 0:
        pooled = float(np.sum(d * s2) / np.sum(d))
        return np.inf, pooled, np.where(used, pooled, np.nan)
    prior_df = 2 * trigamma_inverse(spread)
    prior = float(np.exp(mean + special.digamma(prior_df / 2) - np.log(prior_df / 2)))
    with np.errstate(invalid="ignore"):
        posterior = np.where(used, (prior_df * prior + df * np.where(used, variance, 0)) / (prior_df + df), np.nan)
    return prior_df, prior, posterior


def trigamma_inverse(x: float) -> float:
    """The y > 0 with trigamma(y) = x, by Newton steps on 1/trigamma, which is convex (appendix of the paper)."""
    if x > 1e7:
        return float(1 / np.sqrt(x))
    if x < 1e-6:
        return 1 / x
    y = 0.5 + 1 / x
    for _ in range(50):
        trigamma = float(special.polygamma(1, y))
        step = trigamma * (1 - trigamma / x) / float(special.polygamma(2, y))
        y += step
        if -step / y < 1e-10:
            break
    return y


def _fit(matrix: Floats, design: Floats, coefficient: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Least squares per gene on the samples that have a value: estimate, unscaled error, variance, residual df."""
    n_genes = len(matrix)
    estimate, unscaled, variance = (np.full(n_genes, np.nan) for _ in range(3))
    df = np.zeros(n_genes)
    for present, genes in _by_pattern(np.isfinite(matrix)):
        part = design[present]
        if len(part) == 0 or np.linalg.matrix_rank(part) < design.shape[1]:
            continue  # one of the groups has no value left
        inverse = np.linalg.inv(part.T @ part)
        y = matrix[genes][:, present]
        y = y - y[:, :1]  # the intercept takes it up; a constant gene then gives exactly 0, not a rounding error
        beta = y @ part @ inverse
        residual = y - beta @ part.T
        estimate[genes] = beta[:, coefficient]
        unscaled[genes] = np.sqrt(inverse[coefficient, coefficient])
        df[genes] = len(part) - design.shape[1]
        if len(part) > design.shape[1]:
            variance[genes] = np.sum(residual**2, axis=1) / (len(part) - design.shape[1])
    return estimate, unscaled, variance, df


def _by_pattern(finite: npt.NDArray[np.bool_]) -> Iterator[tuple[npt.NDArray[np.bool_], npt.NDArray[np.intp]]]:
    """Samples that have a value, and the genes of which this is so. Genes without a gap, mostly all, come first."""
    complete = finite.all(axis=1)
    if complete.any():
        yield np.ones(finite.shape[1], np.bool_), np.flatnonzero(complete)
    gaps = np.flatnonzero(~complete)
    if len(gaps):
        patterns, which = np.unique(finite[gaps], axis=0, return_inverse=True)
        for number, present in enumerate(patterns):
            yield present, gaps[which.reshape(-1) == number]
