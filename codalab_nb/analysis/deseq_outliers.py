"""Single counts that decide a gene by themselves: Cook's distance, and what is done about them.

Love, Huber and Anders (2014), Genome Biology 15:550, doi:10.1186/s13059-014-0550-8, Methods, "Detection of count
outliers"; the help pages of DESeq2's `results` and `replaceOutliers`. Groups are sets of samples with equal rows of
the design: with 3 or more such samples an outlier makes the gene's p unknown, with 7 or more it is replaced.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

from codalab_nb.analysis.deseq_fit import Flags, Floats, leverage

JUDGED, REPLACED = 3, 7  # equal samples that it takes


def replicates(design: Floats) -> npt.NDArray[np.intp]:
    """For each sample: how many there are with the same row of the design."""
    _, which, sizes = np.unique(design, axis=0, return_inverse=True, return_counts=True)
    return np.asarray(sizes[which.reshape(-1)])


def cutoff(design: Floats) -> float:
    n, p = design.shape
    return float(stats.f.ppf(0.99, p, n - p))


def cooks_distance(counts: Floats, mu: Floats, design: Floats, size_factors: Floats, dispersion: Floats) -> Floats:
    """genes × samples. Squared Pearson residual under a robust dispersion, times what the sample's leverage adds."""
    hat = leverage(mu, design, dispersion)
    robust = _robust_dispersion(counts / size_factors, design)
    variance = mu + robust[:, None] * mu**2
    return np.asarray((counts - mu) ** 2 / variance / design.shape[1] * hat / (1 - hat) ** 2)


def flagged(distance: Floats, counts: Floats, design: Floats) -> Flags:
    """Genes whose p is not to be trusted. Samples with so many equals that their outliers are replaced do not count.

    In a comparison of two groups and nothing else, an outlier to which three or more counts of the gene are larger
    does no harm, and its gene stays.
    """
    equals = replicates(design)
    judged = (equals >= JUDGED) & (equals < REPLACED)
    if not judged.any():
        return np.zeros(len(counts), np.bool_)
    distance = np.where(judged, distance, -1)
    flags = distance.max(axis=1) > cutoff(design)
    if design.shape[1] == 2:
        worst = counts[np.arange(len(counts)), distance.argmax(axis=1)]
        flags &= (counts > worst[:, None]).sum(axis=1) < 3
    return np.asarray(flags)


def replace(counts: Floats, distance: Floats, design: Floats, size_factors: Floats) -> tuple[Floats, Flags]:
    """Outliers among many equal samples become what is usual for the gene, a trimmed mean; and the genes concerned."""
    large = (distance > cutoff(design)) & (replicates(design) >= REPLACED)
    usual = stats.trim_mean(counts / size_factors, 0.2, axis=1)
    return np.where(large, np.floor(usual[:, None] * size_factors), counts), np.asarray(large.any(axis=1))


def _robust_dispersion(normalised: Floats, design: Floats) -> Floats:
    """By moments, with trimmed variances: the largest of those within groups of three or more, or of all samples."""
    _, which = np.unique(design, axis=0, return_inverse=True)
    which = which.reshape(-1)
    groups = [which == level for level in range(which.max() + 1)]
    large = [members for members in groups if members.sum() >= JUDGED]
    if large:
        variance = np.max([_trimmed_variance(normalised[:, members]) for members in large], axis=0)
    else:
        variance = _trimmed_variance(normalised, least_trim=True)
    mean = normalised.mean(axis=1)
    return np.asarray(np.maximum((variance - mean) / mean**2, 0.04))


def _trimmed_variance(values: Floats, *, least_trim: bool = False) -> Floats:
    """Trimmed mean of squared distances from the trimmed mean, scaled to be right for normal values.

    Shares cut off at each end: a third of 3 values, a quarter of up to 23, an eighth of more; scaled by 2.04, 1.86
    and 1.51.
    """
    n = values.shape[1]
    place = 2 if least_trim or n >= 24 else 1 if n > 3 else 0
    share, scale = ((1 / 3, 2.04), (1 / 4, 1.86), (1 / 8, 1.51))[place]
    middle = stats.trim_mean(values, share, axis=1)
    return np.asarray(scale * stats.trim_mean((values - middle[:, None]) ** 2, share, axis=1))
