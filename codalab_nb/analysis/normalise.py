"""Make samples comparable: which method suits the values, the values before and after, and how far apart they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from codalab_nb.analysis.expression import AnalysisError, ExpressionSet, floor_for
from codalab_nb.analysis.normalise_methods import quantile, refuse_empty, size_factors

METHODS = ("auto", "median-of-ratios", "cpm", "quantile", "log2")


@dataclass(frozen=True)
class Normalised:
    """before and after: genes × samples on one scale, for comparing by eye. table: what to take along, genes × samples,
    in `unit`. factors: by which the values of each sample were divided, None for a method without. done: one sentence.
    """

    method: str
    before: pd.DataFrame
    after: pd.DataFrame
    table: pd.DataFrame
    unit: str
    scale: str
    factors: pd.Series | None
    done: str


def normalise(data: ExpressionSet, *, method: str = "auto", floor: float = 20.0, take_log: bool = True) -> Normalised:
    """Makes the samples comparable. Raises AnalysisError for a method that the values do not allow.

    `auto`: median-of-ratios for counts, log2 and quantile for linear intensities, quantile for logarithms. `floor`:
    linear intensities under it are raised to it before the logarithm. `take_log`: whether the table of normalised
    counts holds log2(value + 1).
    """
    if not data.is_matrix:
        raise AnalysisError("This is a general table; normalising needs genes and samples.")
    if method not in METHODS:
        raise AnalysisError(f"There is no method {method!r}. Methods: {', '.join(METHODS)}.")
    if data.kind == "counts":
        return _of_counts(data.values, "median-of-ratios" if method == "auto" else method, take_log)
    if method in ("median-of-ratios", "cpm"):
        raise AnalysisError(f"{method} is for counts; these values are no counts. Use quantile, or auto.")
    if data.kind == "linear":
        return _of_intensities(data.values, "quantile" if method == "auto" else method, floor_for(data, floor))
    if method == "log2":
        raise AnalysisError("These values are logarithms already; another logarithm would distort them. Use quantile.")
    after = quantile(data.values)
    done = "The samples were given one and the same distribution of values (quantile normalisation)."
    unit = "value as in the file, on the common distribution"
    return Normalised("quantile", data.values, after, after, unit, "value as in the file", None, done)


def _of_counts(counts: pd.DataFrame, method: str, take_log: bool) -> Normalised:
    if bool((counts < 0).any(axis=None)):
        raise AnalysisError("Some counts are below zero, which a count cannot be. Take the raw counts.")
    before = pd.DataFrame(np.log2(counts + 1))
    factors = None
    if method == "median-of-ratios":
        factors = size_factors(counts.dropna())
        table = counts / factors
        done = (
            f"Counts were divided by size factors from {factors.min():.2f} to {factors.max():.2f} (median of ratios)."
        )
        unit = "normalised count"
    elif method == "cpm":
        refuse_empty(counts)
        factors = (counts.sum() / 1e6).rename("millions_of_reads")
        table = counts / factors
        done = (
            f"Counts were divided by the millions of reads of each sample ({factors.min():.2g} to {factors.max():.2g})."
        )
        unit = "count per million"
    elif method == "quantile":
        table = quantile(counts)
        done = "The samples were given one and the same distribution of counts (quantile normalisation)."
        unit = "quantile-normalised count"
    else:
        done = "Only the logarithm was taken; differences in sequencing depth stay."
        return Normalised(method, before, before, before, "log2(count + 1)", "log2(count + 1)", None, done)
    after = pd.DataFrame(np.log2(table + 1))
    scale = f"log2({unit} + 1)"
    return Normalised(
        method, before, after, after if take_log else table, scale if take_log else unit, scale, factors, done
    )


def _of_intensities(values: pd.DataFrame, method: str, floor: float) -> Normalised:
    before = pd.DataFrame(np.log2(values.clip(lower=floor)))
    low = float((values < floor).to_numpy().mean())
    done = f"Values under {floor:g} were raised to it ({low:.1%} of all) and log2 was taken"
    if method == "log2":
        done += "; differences in level between samples stay."
        return Normalised(method, before, before, before, "log2 intensity", "log2 intensity", None, done)
    after = quantile(before)
    done += "; then the samples were given one and the same distribution (quantile normalisation)."
    return Normalised(method, before, after, after, "log2 intensity, quantile-normalised", "log2 intensity", None, done)


def level_spread(values: pd.DataFrame) -> float:
    """How far the samples' levels lie apart, in units of the values: highest minus lowest.

    The level of a sample is the median over genes of its difference from the gene's mean; genes with a missing value
    and genes that are the lowest value everywhere, as never counted, are left out. NaN if none is left.
    """
    complete = values.dropna()
    seen = complete[(complete > complete.min(axis=None)).any(axis=1)]
    if seen.empty:
        return float("nan")
    levels = seen.sub(seen.mean(axis=1), axis=0).median()
    return float(levels.max() - levels.min())


def value_table(data: ExpressionSet, normalised: Normalised) -> pd.DataFrame:
    """Annotation and normalised values, genes in rows, as in the file."""
    whole = pd.concat([data.features, normalised.table], axis=1)
    return whole.rename_axis(data.profile["id_column"] or "feature")
