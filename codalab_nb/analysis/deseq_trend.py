"""What the genes have in common: how the dispersion falls with the mean, and how widely genes lie around that.

Love, Huber and Anders (2014), Genome Biology 15:550, doi:10.1186/s13059-014-0550-8, Methods, "Estimation of
dispersions", from "Dispersion trend" to "Dispersion prior". What the paper leaves open was found by comparing with R.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import special

from codalab_nb.analysis.deseq_dispersion import SMALLEST
from codalab_nb.analysis.deseq_fit import Flags, Floats
from codalab_nb.analysis.deseq_smooth import loess
from codalab_nb.analysis.expression import AnalysisError

SIMULATED = Path(__file__).with_name("deseq_simulated.txt.gz")
LEAST_PRIOR_VARIANCE = 0.25
FEW_DEGREES = 3


class Trend(NamedTuple):
    """at: dispersion expected at a mean. coefficients: (a0, a1) if that is a0 + a1 / mean, None if a curve was drawn
    instead. residual_variance: robust, of log dispersions around it. prior_variance: what is left of that without
    the error of estimation."""

    at: Callable[[Floats], Floats]
    coefficients: tuple[float, float] | None
    residual_variance: float
    prior_variance: float


def fit_trend(mean: Floats, dispersion: Floats, residual_df: int) -> Trend:
    """mean, dispersion: of each gene, mean > 0. Raises AnalysisError where no gene scatters more than counting does."""
    used = dispersion >= 100 * SMALLEST
    if not used.any():
        raise AnalysisError(
            "Samples of a group differ no more than counting by itself makes them. That is so for one library "
            "sequenced several times, or for simulated counts; this method needs samples of different individuals."
        )
    coefficients = _curve_of_means(mean[used], dispersion[used])
    at = partial(_hyperbola, *coefficients) if coefficients else _local_curve(mean[used], dispersion[used])
    residuals = np.log(dispersion[used]) - np.log(at(mean[used]))
    return Trend(at, coefficients, _robust_variance(residuals), prior_variance(residuals, residual_df))


def prior_variance(residuals: Floats, residual_df: int) -> float:
    """How widely the true log dispersions lie around the trend, from the residuals of the estimated ones."""
    if residual_df <= FEW_DEGREES:
        return max(_matched_variance(residuals, residual_df), LEAST_PRIOR_VARIANCE)
    by_estimation = float(special.polygamma(1, residual_df / 2))  # variance of the log of a chi-square
    return max(_robust_variance(residuals) - by_estimation, LEAST_PRIOR_VARIANCE)


def _robust_variance(residuals: Floats) -> float:
    return float((1.4826 * np.median(np.abs(residuals - np.median(residuals)))) ** 2)


def _hyperbola(a0: float, a1: float, mean: Floats) -> Floats:
    return a0 + a1 / mean


def _curve_of_means(mean: Floats, dispersion: Floats) -> tuple[float, float] | None:
    """a0 + a1 / mean by gamma regression, again and again without the genes far from it; None if that fails."""
    design = np.column_stack([np.ones_like(mean), 1 / mean])
    old = np.array([0.1, 1.0])
    for _ in range(10):
        ratio = dispersion / (design @ old)
        near: Flags = (ratio > 1e-4) & (ratio < 15)
        if near.sum() < 3:
            return None
        new = _gamma_regression(dispersion[near], design[near], old)
        if new is None:
            return None
        if np.sum(np.log(new / old) ** 2) < 1e-6:
            return float(new[0]), float(new[1])
        old = new
    return None


def _gamma_regression(y: Floats, design: Floats, start: Floats) -> Floats | None:
    """Identity link, least squares weighted by 1 / mu²; None where a coefficient is not positive or nothing settles."""
    mu, deviance = design @ start, np.inf
    for _ in range(25):
        weights = 1 / mu**2
        try:
            beta = np.linalg.solve((design.T * weights) @ design, design.T @ (weights * y))
        except np.linalg.LinAlgError:  # all genes have one mean
            return None
        if not (beta > 0).all():
            return None
        mu, before = design @ beta, deviance
        deviance = -2 * float(np.sum(np.log(y / mu) - (y - mu) / mu))
        if abs(deviance - before) / (abs(deviance) + 0.1) < 1e-8:
            return np.asarray(beta)
    return None


def _local_curve(mean: Floats, dispersion: Floats, n_points: int = 60) -> Callable[[Floats], Floats]:
    """Where a0 + a1 / mean does not fit: local straight lines through log dispersion over log mean.

    Tricube weights over the nearest 70 % of the genes, times the mean. R's DESeq2 takes the package locfit here, so
    this is the one stage that agrees with R only about.
    """
    x, y = np.log(mean), np.log(dispersion)
    points = np.linspace(x.min(), x.max(), n_points)
    nearest = max(int(0.7 * len(x)), min(len(x), 3))
    curve = np.empty(n_points)
    for number, point in enumerate(points):
        distance = np.abs(x - point)
        width = max(float(np.partition(distance, nearest - 1)[nearest - 1]), 1e-12) * 1.0001
        weights = np.clip(1 - (distance / width) ** 3, 0, None) ** 3 * mean
        centre = np.average(x, weights=weights)
        scatter = np.average((x - centre) ** 2, weights=weights)
        tilt = np.average((x - centre) * y, weights=weights) / scatter if scatter > 1e-12 else 0.0
        curve[number] = np.average(y, weights=weights) + tilt * (point - centre)
    return lambda at: np.asarray(np.exp(np.interp(np.log(at), points, curve)))


def _matched_variance(residuals: Floats, residual_df: int) -> float:
    """With three degrees of freedom or fewer: the variance whose simulated residuals look most like these.

    Simulated are sums of log(chi-square / df) and a normal variable, and the Kullback-Leibler divergence of the
    histograms is made smallest (the paper). R's answer holds the noise of its own 10,000 draws (always the same, it
    sets the seed) and of the smoothing over the grid; without them airway has 4,846 genes instead of R's 4,834. So
    its draws are kept in SIMULATED, made by tests/data/deseq_replicates/simulate.R, and it is smoothed alike.
    """
    grid, edges = np.linspace(0, 8, 200), np.arange(-10, 10.5, 0.5)
    observed = _density(np.histogram(residuals[np.abs(residuals) < 10], edges)[0])
    divergence = []
    for simulated in _density(_simulated()[residual_df - 1]):
        both = np.concatenate([observed, simulated])
        small = both[both > 0].min()
        divergence.append(np.sum(observed * (np.log(observed + small) - np.log(simulated + small))))
    fine = np.linspace(0, 8, 1000)
    return float(fine[loess(grid, np.array(divergence), fine, span=0.2).argmin()])


def _density(counts: Floats) -> Floats:
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True) / 0.5)


@cache
def _simulated() -> Floats:
    """Degrees of freedom 1 to 3 × 200 prior variances from 0 to 8 × 40 bins of log residuals from -10 to 10."""
    with gzip.open(SIMULATED, "rt", encoding="ascii") as text:
        return np.loadtxt(text).reshape(3, 200, 40)
