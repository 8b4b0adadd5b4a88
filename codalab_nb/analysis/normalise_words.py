"""Result of a normalisation in plain words, as Markdown: answer, meaning, limits, methods."""

from __future__ import annotations

from codalab_nb.analysis.counts import DEPTHS_APART, looks_normalised
from codalab_nb.analysis.expression import ExpressionSet
from codalab_nb.analysis.markdown import safe
from codalab_nb.analysis.normalise import Normalised
from codalab_nb.analysis.normalise_plots import spread_title

_CITED = {
    "median-of-ratios": "Counts were normalised by the median of ratios to the geometric mean sample (Anders and Huber "
    "2010, doi:10.1186/gb-2010-11-10-r106; size factors {factors}).",
    "cpm": "Counts were divided by the total count of the sample in millions ({factors}).",
    "quantile": "Samples were quantile-normalised (Bolstad et al. 2003, doi:10.1093/bioinformatics/19.2.185).",
    "log2": "Values were not normalised beyond the logarithm.",
}
_LIMITS = {
    "median-of-ratios": "It assumes that most genes do not change, or that as many rise as fall. If one group has far "
    "more RNA per cell, that difference is taken away.",
    "cpm": "Few genes with very many reads can take a large share of the total; then all others look lower. "
    "median-of-ratios does not have this weakness.",
    "quantile": "It gives all samples the same distribution. If the groups truly differ in most genes (another tissue, "
    "for example), that difference is taken away.",
    "log2": "Differences between samples in depth or brightness stay. Compare with median-of-ratios (counts) or "
    "quantile.",
}


def normalise_words(data: ExpressionSet, normalised: Normalised) -> str:
    lines = ["## What was found", "", f"**{spread_title(normalised)}.** {normalised.done}"]
    lines += ["", "## What this means, and what it does not", ""]
    lines += [f"* {text}" for text in (*_warnings(data, normalised), *_meaning(data, normalised))]
    factors = ""
    if normalised.factors is not None:
        factors = f"{normalised.factors.min():.3g} to {normalised.factors.max():.3g}"
    method = _CITED[normalised.method].format(factors=factors)
    return "\n".join([*lines, "", "## Methods paragraph", "", f"{method} Values are given as {normalised.unit}."])


def _meaning(data: ExpressionSet, normalised: Normalised) -> list[str]:
    lines = [_LIMITS[normalised.method]]
    if data.kind == "counts":
        lines.append(
            "**Do not test these values for differences.** “Differential expression (counts)” takes the raw counts and "
            "normalises them itself; these values are for maps, heat maps and figures."
        )
    lines.append(
        "Normalising brings samples to one level. It does not take out a batch, nor can it repair a damaged sample."
    )
    return lines


def _warnings(data: ExpressionSet, normalised: Normalised) -> list[str]:
    told = []
    if data.kind == "counts" and looks_normalised(data.values):
        told.append("**All samples have the same total: were these counts normalised before?** Take the raw counts.")
    factors = normalised.factors
    if factors is not None and factors.max() > DEPTHS_APART * factors.min():
        told.append(
            f"**{safe(str(factors.idxmin()))} has {factors.max() / factors.min():.0f} times fewer reads than "
            f"{safe(str(factors.idxmax()))}.** Its low genes are mostly noise, which no normalising can change."
        )
    missing = int(data.values.isna().to_numpy().sum())
    if missing:
        told.append(f"{missing:,} missing {'value' if missing == 1 else 'values'} stayed missing.")
    return told
