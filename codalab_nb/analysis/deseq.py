"""Which genes differ between two groups, from counts: the story of DESeq2 on one page.

Love MI, Huber W, Anders S (2014), Moderated estimation of fold change and dispersion for RNA-seq data with DESeq2,
Genome Biology 15:550, doi:10.1186/s13059-014-0550-8. Written from the paper and the documented behaviour, and compared
stage by stage with the numbers of R's DESeq2 1.38 (docs/decisions/0010-counts-by-an-engine-of-our-own.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from codalab_nb.analysis import deseq_dispersion, deseq_fit, deseq_outliers
from codalab_nb.analysis.deseq_filter import independent_filter
from codalab_nb.analysis.deseq_fit import Floats
from codalab_nb.analysis.deseq_trend import Trend, fit_trend
from codalab_nb.analysis.normalise_methods import size_factors

OWN_WAY = 2.0  # so many standard deviations above the trend, a gene keeps its own dispersion
CELLS_AT_ONCE = 2**20  # bounds memory: each working array of a block has 8 MB

Say = Callable[[str], None]


@dataclass(frozen=True)
class Deseq:
    """Result of a comparison of counts.

    table: one row per gene in the order given: mean (of normalised counts), difference (log2 fold change), error (of
    the difference), stat, p, p_adjusted, dispersion, n_replaced (outliers among the counts), outlier (whether p is
    unknown because of one count). NaN where a gene was never seen; p_adjusted also below `threshold`, a mean count.
    size_factors: one per sample.
    """

    table: pd.DataFrame
    size_factors: pd.Series
    trend: Trend
    threshold: float
    residual_df: int


def deseq(
    counts: pd.DataFrame, design: Floats, *, alpha: float = 0.05, coefficient: int = 1, say: Say = lambda _: None
) -> Deseq:
    """Tests one coefficient of `design` (samples × coefficients, full rank, more samples than coefficients).

    counts: genes × samples, whole numbers ≥ 0, nothing missing. alpha: the false discovery rate for which the filter
    of low counts is chosen. `say` is told how far it is. Raises AnalysisError.
    """
    factors = size_factors(counts)
    model = _Model(design, factors.to_numpy(np.float64), coefficient, say)
    y = counts.to_numpy(np.float64)
    seen = np.asarray((y > 0).any(axis=1))
    y = y[seen]

    own = model.own_dispersion(y)
    trend = fit_trend(model.mean(y), own.dispersion, model.residual_df)
    tested, distance = model.test(y, own, trend)

    replaced, concerned = deseq_outliers.replace(y, distance, design, model.factors)
    if concerned.any():
        left = concerned & (replaced > 0).any(axis=1)
        tested[concerned] = [0, 0, 0, 0, 1, np.nan]  # where nothing is left without the outlier
        tested[left], _ = model.test(replaced[left], model.own_dispersion(replaced[left]), trend)
    outlier = deseq_outliers.flagged(distance, y, design)
    tested[outlier, COLUMNS.index("p")] = np.nan

    table = pd.DataFrame(tested, counts.index[seen], COLUMNS)
    table = table.assign(n_replaced=(replaced != y).sum(axis=1), outlier=outlier)
    return _filtered(_with_unseen(table, counts.index), factors, trend, model.residual_df, alpha)


COLUMNS = ["mean", "difference", "error", "stat", "p", "dispersion"]


@dataclass(frozen=True)
class _Own:
    """Dispersion of each gene by itself, around the means mu (genes × samples)."""

    dispersion: Floats
    mu: Floats


class _Model:
    """What all genes share: the design, and how deep each sample was sequenced."""

    def __init__(self, design: Floats, factors: Floats, coefficient: int, say: Say) -> None:
        self.design, self.factors, self.coefficient, self.say = design, factors, coefficient, say
        self.residual_df = design.shape[0] - design.shape[1]

    def mean(self, counts: Floats) -> Floats:
        return np.asarray((counts / self.factors).mean(axis=1))

    def own_dispersion(self, counts: Floats) -> _Own:
        own = _Own(np.empty(len(counts)), np.empty_like(counts))
        for part in self._blocks(counts, "scatter of each gene"):
            own.dispersion[part], own.mu[part] = deseq_dispersion.gene_wise(counts[part], self.design, self.factors)
        return own

    def test(self, counts: Floats, own: _Own, trend: Trend) -> tuple[Floats, Floats]:
        """genes × COLUMNS, and Cook's distances (genes × samples)."""
        rows, distance = np.empty((len(counts), len(COLUMNS))), np.empty_like(counts)
        for part in self._blocks(counts, "difference of each gene"):
            y, alone, mean = counts[part], own.dispersion[part], self.mean(counts[part])
            expected = trend.at(mean)
            shared = deseq_dispersion.posterior_mode(
                y, own.mu[part], self.design, alone, expected, trend.prior_variance
            )
            far = np.log(alone) > np.log(expected) + OWN_WAY * np.sqrt(trend.residual_variance)
            dispersion = np.where(far, alone, shared)
            fit = deseq_fit.fit_means(y, self.design, self.factors, dispersion)
            estimate = fit.coefficients[:, self.coefficient] / np.log(2)
            error = deseq_fit.standard_errors(fit.mu, self.design, dispersion)[:, self.coefficient] / np.log(2)
            stat = estimate / error  # Wald's
            rows[part] = np.column_stack([mean, estimate, error, stat, 2 * stats.norm.sf(np.abs(stat)), dispersion])
            distance[part] = deseq_outliers.cooks_distance(y, fit.mu, self.design, self.factors, dispersion)
        return rows, distance

    def _blocks(self, counts: Floats, doing: str) -> Iterator[slice]:
        size = max(1, CELLS_AT_ONCE // counts.shape[1])
        for first in range(0, len(counts), size):
            self.say(f"{doing}: {first:,} of {len(counts):,} genes")
            yield slice(first, first + size)


def _with_unseen(table: pd.DataFrame, genes: pd.Index) -> pd.DataFrame:
    whole = table.reindex(genes)
    return whole.assign(
        mean=whole["mean"].fillna(0.0),
        n_replaced=whole["n_replaced"].fillna(0).astype(int),
        outlier=whole["outlier"].eq(True),
    )


def _filtered(table: pd.DataFrame, factors: pd.Series, trend: Trend, residual_df: int, alpha: float) -> Deseq:
    chosen = independent_filter(table["mean"].to_numpy(), table["p"].to_numpy(), alpha)
    table.insert(COLUMNS.index("p") + 1, "p_adjusted", chosen.p_adjusted)
    return Deseq(table, factors, trend, chosen.threshold, residual_df)
