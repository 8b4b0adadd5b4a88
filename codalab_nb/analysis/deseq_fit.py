"""One negative binomial linear model per gene, all genes at once: means, errors, and which counts weigh too much.

Formulas: Love MI, Huber W, Anders S (2014), Moderated estimation of fold change and dispersion for RNA-seq data with
DESeq2, Genome Biology 15:550, doi:10.1186/s13059-014-0550-8, Methods; limits that it leaves open (a fitted count of
one half at least, ridge 1e-6) are those documented for DESeq2's `nbinomWaldTest`.

Everywhere: counts and mu are genes × samples, float64; design is samples × coefficients of full rank; dispersion has
one value per gene; coefficients are natural logarithms.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LEAST_MEAN = 0.5  # no fitted count is taken as smaller
RIDGE = 1e-6 / np.log(2) ** 2  # holds coefficients that the counts leave open, as of a group of zeros
FARTHEST = 30.0  # a coefficient beyond this does not converge


class Fit(NamedTuple):
    """coefficients: genes × coefficients, natural logarithms; mu: fitted counts, LEAST_MEAN or more."""

    coefficients: Floats
    mu: Floats


def log_likelihood(counts: Floats, mu: Floats, dispersion: Floats) -> Floats:
    """Per gene, without the terms that the dispersion does not enter, y·log(mu) − log(y!)."""
    size = 1 / dispersion[:, None]
    terms = special.gammaln(counts + size) - special.gammaln(size)
    return np.asarray((terms - counts * np.log(mu + size) - size * np.log1p(mu / size)).sum(axis=1))


def information(weights: Floats, design: Floats) -> Floats:
    """X'WX for each gene: genes × coefficients × coefficients."""
    n, p = design.shape
    products = (design[:, :, None] * design[:, None, :]).reshape(n, p * p)
    return np.asarray((weights @ products).reshape(-1, p, p))


def fit_means(counts: Floats, design: Floats, size_factors: Floats, dispersion: Floats, most: int = 100) -> Fit:
    """Iteratively reweighted least squares with a logarithmic link, until the deviance stays."""
    p = design.shape[1]
    ridge = RIDGE * np.eye(p)
    beta: Floats = np.asarray(np.log(counts / size_factors + 0.1) @ np.linalg.pinv(design).T, np.float64)
    mu = _means(beta, design, size_factors)
    deviance = np.full(len(counts), np.inf)
    active, lost = np.arange(len(counts)), np.zeros(len(counts), np.bool_)
    for _ in range(most):
        part, alpha, y = mu[active], dispersion[active], counts[active]
        weights = part / (1 + alpha[:, None] * part)
        working = np.log(part / size_factors) + (y - part) / part
        right = (weights * working) @ design
        new = np.linalg.solve(information(weights, design) + ridge, right[:, :, None])[:, :, 0]
        beta[active] = new
        lost[active] = (np.abs(new) > FARTHEST).any(axis=1)
        mu[active] = _means(new, design, size_factors)
        before = deviance[active]
        rest = (y * np.log(mu[active]) - special.gammaln(y + 1)).sum(axis=1)
        deviance[active] = after = -2 * (log_likelihood(y, mu[active], alpha) + rest)
        with np.errstate(invalid="ignore"):
            moving = ~(np.abs(after - before) / (np.abs(after) + 0.1) < 1e-8)
        active = active[moving & ~lost[active]]
        if not len(active):
            break
    lost[active] = True
    for gene in np.flatnonzero(lost):
        beta[gene] = _climb(counts[gene], design, size_factors, float(dispersion[gene]), beta[gene])
        mu[gene] = _means(beta[gene : gene + 1], design, size_factors)[0]
    return Fit(beta, mu)


def linear_means(counts: Floats, design: Floats, size_factors: Floats) -> Floats:
    """Means of normalised counts by least squares, times the size factors; exact where the design is groups alone."""
    hat = design @ np.linalg.pinv(design)
    return np.maximum((counts / size_factors) @ hat.T * size_factors, LEAST_MEAN)


def standard_errors(mu: Floats, design: Floats, dispersion: Floats) -> Floats:
    """Of the coefficients, in natural logarithms: genes × coefficients. The ridge shrinks them as it does the fit."""
    inner = information(mu / (1 + dispersion[:, None] * mu), design)
    outer = np.linalg.inv(inner + RIDGE * np.eye(design.shape[1]))
    covariance = outer @ inner @ outer
    return np.sqrt(np.maximum(np.diagonal(covariance, axis1=1, axis2=2), 0))


def leverage(mu: Floats, design: Floats, dispersion: Floats) -> Floats:
    """Diagonal of the hat matrix of the weighted fit: genes × samples."""
    weights = mu / (1 + dispersion[:, None] * mu)
    inverse = np.linalg.inv(information(weights, design) + RIDGE * np.eye(design.shape[1]))
    return np.asarray(weights * np.einsum("sp,gpq,sq->gs", design, inverse, design, optimize=True))


def _means(beta: Floats, design: Floats, size_factors: Floats) -> Floats:
    return np.maximum(size_factors * np.exp(np.clip(beta @ design.T, -700, 700)), LEAST_MEAN)


def _climb(counts: Floats, design: Floats, size_factors: Floats, dispersion: float, start: Floats) -> Floats:
    """The same maximum by a bounded quasi-Newton search, for the rare gene whose fit did not converge."""
    bound = FARTHEST * np.log(2)

    def loss(beta: Floats) -> tuple[float, Floats]:
        mu = size_factors * np.exp(np.clip(design @ beta, -700, 700))
        value = np.sum((counts + 1 / dispersion) * np.log1p(dispersion * mu) - counts * np.log(np.maximum(mu, 1e-300)))
        slope = design.T @ ((mu - counts) / (1 + dispersion * mu))
        return float(value + 0.5 * RIDGE * beta @ beta), slope + RIDGE * beta

    found = optimize.minimize(
        loss, np.clip(start, -bound, bound), jac=True, method="L-BFGS-B", bounds=[(-bound, bound)] * len(start)
    )
    return np.asarray(found.x, np.float64)
