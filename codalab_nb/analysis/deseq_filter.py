"""Adjusted p values over the genes that have a chance, chosen by their mean count and not by their p.

Bourgon R, Gentleman R, Huber W (2010), Independent filtering increases detection power for high-throughput
experiments, PNAS 107:9546, doi:10.1073/pnas.0914005107; the choice of the threshold as documented for DESeq2's
`results`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from codalab_nb.analysis.deseq_fit import Flags, Floats
from codalab_nb.analysis.deseq_smooth import lowess
from codalab_nb.analysis.limma import benjamini_hochberg


class Filtered(NamedTuple):
    """p_adjusted: NaN for genes left out. threshold: the mean count under which genes were left out."""

    p_adjusted: Floats
    threshold: float


def independent_filter(mean: Floats, p: Floats, alpha: float) -> Filtered:
    """Of 50 thresholds on the mean, the first whose number of discoveries comes near the top of a smooth curve.

    Near: within one residual standard deviation. mean: of all genes, those never seen with 0. p: NaN where unknown.
    """
    lowest = float((mean == 0).mean())
    shares = np.linspace(lowest, 0.95 if lowest < 0.95 else 1.0, 50)
    thresholds = np.quantile(mean, shares)
    found = np.array([np.nansum(_adjusted(p, mean >= threshold) < alpha) for threshold in thresholds], np.float64)
    chosen = 0
    if found.max() > 10:
        curve = lowess(shares, found, span=0.2)
        scatter = np.sqrt(np.mean((found - curve)[found > 0] ** 2))
        near = [
            np.flatnonzero(found > limit) for limit in (curve.max() - scatter, 0.9 * curve.max(), 0.8 * curve.max())
        ]
        chosen = next((int(places[0]) for places in near if len(places)), 0)
    threshold = float(thresholds[chosen])
    return Filtered(_adjusted(p, mean >= threshold), threshold)


def _adjusted(p: Floats, kept: Flags) -> Floats:
    return benjamini_hochberg(np.where(kept, p, np.nan))
