"""Result of a comparison of counts in plain words, as Markdown: answer, meaning, limits, methods."""

from __future__ import annotations

import pandas as pd

from codalab_nb.analysis import cautions
from codalab_nb.analysis.counts import DEPTHS_APART, CountComparison, looks_normalised
from codalab_nb.analysis.expression import ExpressionSet
from codalab_nb.analysis.markdown import safe


def count_words(data: ExpressionSet, comparison: CountComparison, alpha: float, labels: pd.Series) -> str:
    lines = ["## What was found", "", _answer(comparison, alpha, labels)]
    lines += ["", "## What this means, and what it does not", ""]
    told = [*warnings(data, comparison), *_meaning(comparison, alpha), *_left_out(comparison)]
    lines += [f"* {text}" for text in told]
    lines += ["", "## Methods paragraph", "", _methods(comparison, alpha)]
    return "\n".join(lines)


def warnings(data: ExpressionSet, comparison: CountComparison) -> list[str]:
    """What the design, or what the counts are, does not allow to be answered; the gravest first."""
    told = []
    if looks_normalised(comparison.counts):
        total = comparison.counts.sum().mean()
        told.append(
            f"**All samples have the same total ({total:,.0f} reads): were these counts normalised before?** Then the "
            "p values are wrong; take the raw counts."
        )
    told += cautions.of_comparison(data, comparison)
    factors = comparison.fit.size_factors
    if factors.max() > DEPTHS_APART * factors.min():
        told.append(
            f"**{safe(str(factors.idxmin()))} has {factors.max() / factors.min():.0f} times fewer reads than "
            f"{safe(str(factors.idxmax()))}.** Dividing cannot make up for reads that are not there: look at this "
            "sample, and compare again without it."
        )
    if comparison.reference_proposed:
        told.append(
            f"**{safe(comparison.reference)} as the reference was proposed, not confirmed.** Set `reference` to turn "
            "the direction round."
        )
    if comparison.n_unknown:
        were = "sample was" if comparison.n_unknown == 1 else "samples were"
        told.append(f"{comparison.n_unknown} {were} left out: {safe(comparison.adjusted_for)} is not known there.")
    return told


def _answer(comparison: CountComparison, alpha: float, labels: pd.Series) -> str:
    table = comparison.fit.table.dropna(subset=["p"])
    found = table[table["p_adjusted"] < alpha]
    treated, reference = safe(comparison.treated), safe(comparison.reference)
    if found.empty:
        smallest = f" The smallest adjusted p is {table['p_adjusted'].min():.2g}." if len(table) else ""
        return (
            f"**No gene differs clearly enough between {treated} and {reference}** to rule out chance, out of "
            f"{len(table):,} tested.{smallest} With few samples, real differences can stay hidden."
        )
    best = found.nsmallest(5, "p")
    names = ", ".join(
        f"{safe(str(label))} ({_fold(float(change))} in {treated})"
        for label, change in zip(labels.loc[best.index], best["difference"], strict=True)
    )
    n_up = int((found["difference"] > 0).sum())
    return (
        f"**{len(found):,} of {len(table):,} {'gene differs' if len(found) == 1 else 'genes differ'} between {treated} "
        f"and {reference}**: {n_up:,} higher and {len(found) - n_up:,} lower in {treated}. The surest: {names}."
    )


def _fold(change: float) -> str:
    amount = f"{2 ** abs(change):.1f}-fold" if abs(change) <= 10 else "more than 1,000-fold"
    return f"{amount} {'higher' if change > 0 else 'lower'}"


def _meaning(comparison: CountComparison, alpha: float) -> list[str]:
    table = comparison.fit.table
    n_found = int((table["p_adjusted"] < alpha).sum())
    treated, reference = safe(comparison.treated), safe(comparison.reference)
    lines = [
        f"Up means higher in {treated} than in {reference}. A log2 fold change of 1 is twofold, of 2 fourfold, of −1 "
        "half."
    ]
    if n_found:
        lines.append(
            f"About {alpha:.0%} of the genes in the list may be there by chance ({round(alpha * n_found):,} of "
            f"{n_found:,})."
        )
    lines += [
        "A small p says that a difference is hardly chance. It does not say that the difference is large, or that it "
        "matters.",
        "A gene that is not in the list is not shown to be unchanged.",
        "The share of a gene among all reads is compared. Where the total amount of RNA per cell changes, that is not "
        "seen.",
        "If the groups also differ in something else (age, sex, day, laboratory), the difference may come from that.",
    ]
    return lines


def _left_out(comparison: CountComparison) -> list[str]:
    fit, lines = comparison.fit, []
    low = int(((fit.table["mean"] < fit.threshold) & ~fit.table["outlier"]).sum())
    n_outliers, n_replaced = int(fit.table["outlier"].sum()), int((fit.table["n_replaced"] > 0).sum())
    if comparison.n_few:
        lines.append(
            f"Left out: {_genes(comparison.n_few)} with fewer than {comparison.least_count} reads in all these samples "
            "together."
        )
    if low:
        lines.append(
            f"Not judged (no adjusted p): {_genes(low)} with a mean under {fit.threshold:.1f} reads. So few reads show "
            "no difference, and judging them would hide others."
        )
    if n_outliers:
        lines.append(
            f"Not judged: {_genes(n_outliers)} about which one sample alone decides (Cook's distance; “one sample "
            "decides” in the table). If it is always the same sample, look at that."
        )
    if n_replaced:
        lines.append(f"In {_genes(n_replaced)}, an outlying count was replaced by what is usual for the gene.")
    if comparison.n_incomplete:
        lines.append(f"Left out: {_genes(comparison.n_incomplete)} with a missing count.")
    if fit.trend.coefficients is None:
        lines.append(
            "The scatter of the genes did not follow the usual curve over their means, so a curve was drawn through "
            "it. R's DESeq2 draws it a little differently; its list may differ in a few genes."
        )
    return lines


def _genes(n: int) -> str:
    return f"{n:,} {'gene' if n == 1 else 'genes'}"


def _methods(comparison: CountComparison, alpha: float) -> str:
    fit = comparison.fit
    adjusted = f"{safe(comparison.adjusted_for)} + " if comparison.adjusted_for else ""
    trend = "a local regression"
    if fit.trend.coefficients is not None:
        trend = f"{fit.trend.coefficients[0]:.3g} + {fit.trend.coefficients[1]:.3g} / mean"
    n_tested = int(fit.table["p"].notna().sum())
    return (
        f"Read counts of {n_tested:,} genes ({safe(comparison.sizes)}) were compared by the method of DESeq2 (Love, "
        "Huber and Anders 2014, doi:10.1186/s13059-014-0550-8), implemented in codalab_nb to agree with R's DESeq2 "
        f"1.38. {safe(comparison.prepared)} A negative binomial model (~ {adjusted}{safe(comparison.column)}) was "
        f"fitted to each gene; dispersions were moderated towards their trend over the mean ({trend}; prior variance "
        f"{fit.trend.prior_variance:.3g}, {fit.residual_df} residual degrees of freedom). Two-sided Wald tests were "
        "adjusted by Benjamini and Hochberg (1995) after independent filtering of genes with a mean under "
        f"{fit.threshold:.3g} normalised counts; genes with an adjusted p below {alpha:g} are reported."
    )
