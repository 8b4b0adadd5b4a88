"""Figures of genes that differ between two groups. Each returns a Picture whose title says what one sees."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from codalab_nb.analysis.compare import Comparison
from codalab_nb.analysis.style import (
    BLUE,
    GREY,
    INK,
    LIGHT,
    RED,
    Picture,
    cut,
    finish,
    group_label,
    legend,
    looks,
    name_axes,
    new_figure,
    spread_out,
)


def volcano(comparison: Comparison, alpha: float, labels: pd.Series) -> Picture:
    """Each gene: how large the difference, how sure. Up to seven gene names on each side."""
    table = comparison.result.table
    known = table.dropna(subset=["p"])
    found = known["p_adjusted"] < alpha
    x, y = known["difference"], -np.log10(known["p"].clip(lower=1e-300))
    title = found_title(int(found.sum()), len(known), comparison)
    figure, (axes,) = new_figure(7.6, 5.6)
    up, down = found & (x > 0), found & (x < 0)
    dense = len(known) > 2000
    for mine, colour, size, label in (
        (~found, LIGHT, 7, f"no clear difference ({int((~found).sum()):,})"),
        (down, BLUE, 12, f"lower in {comparison.short_treated} ({int(down.sum()):,})"),
        (up, RED, 12, f"higher in {comparison.short_treated} ({int(up.sum()):,})"),
    ):
        marker = {LIGHT: "o", BLUE: "v", RED: "^"}[colour]
        axes.scatter(x[mine], y[mine], s=size, color=colour, marker=marker, linewidth=0, label=label, rasterized=dense)
    left, right = max(float(-x.min()), 1e-9), max(float(x.max()), 1e-9)
    top = max(float(y.max()), 1.0)
    room = 0.4 * (left + right) if found.any() else 0.05 * (left + right)  # for the names at both sides
    axes.set_xlim(-left - room, right + room)
    axes.set_ylim(0, top * 1.04)
    axes.axvline(0, color=GREY, linewidth=0.8)
    if found.any():
        line = float(y[found].min())
        axes.axhline(line, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.annotate(
            f"above: BH-adjusted p < {alpha:g}",
            (0.995, line),
            xycoords=("axes fraction", "data"),
            fontsize=8,
            color=INK,
            ha="right",
            va="bottom",
        )
    for side, mine in ((1, up), (-1, down)):
        _name_dots(axes, known[mine].nsmallest(7, "p"), labels, 1.05 * (right if side > 0 else -left), top)
    name_axes(axes, comparison.unit, "certainty (−log10 p)")
    for text, shift, side_aligned in (
        (f"← lower in {comparison.short_treated}", -6, "right"),
        (f"higher in {comparison.short_treated} →", 6, "left"),
    ):
        axes.annotate(
            text, (0, 1), xycoords=("data", "axes fraction"), xytext=(shift, 4), textcoords="offset points",
            ha=side_aligned, fontsize=9, color=INK,
        )  # fmt: skip
    below = legend(figure, axes)
    finish(
        figure,
        title,
        f"Each dot is a gene. Up = higher in {comparison.short_treated} than in {comparison.short_reference}. "
        f"{comparison.short_sizes}."
        + (f"\nAdjusted for {cut(comparison.adjusted_for, 20)}." if comparison.adjusted_for else ""),
        bottom=(below + 0.55) / 5.6,
        top=0.84,
    )
    alt = (
        f"{title}. {int(up.sum()):,} genes are higher and {int(down.sum()):,} lower in {comparison.treated} than "
        f"in {comparison.reference} (BH-adjusted p < {alpha:g}; {comparison.sizes})."
    )
    best = ", ".join(labels.loc[known.nsmallest(3, "p").index])
    return Picture(figure, title, f"{alt} Surest: {best}." if found.any() else alt)


def gene_strips(
    comparison: Comparison, labels: pd.Series, alpha: float, most: int = 12, noun: str = "genes"
) -> Picture:
    """The surest genes (or what `noun` says), one row each: every sample a dot, the mean of each group a line."""
    table = comparison.result.table.dropna(subset=["p"])
    best = table.nsmallest(most, "p")
    names = labels.to_dict()
    n_found = int((best["p_adjusted"] < alpha).sum())
    title = f"The {len(best)} surest {noun}, sample by sample"
    if n_found < len(best):
        title = (
            f"The {len(best)} top {noun}, of which {n_found or 'none'} clearly "
            f"{'differs' if n_found == 1 else 'differ'}"
        )
    height = 1.65 + 0.36 * len(best)
    figure, (axes,) = new_figure(7.6, height)
    row = np.arange(len(best))
    axes.hlines(row[1:] - 0.5, 0, 1, transform=axes.get_yaxis_transform(), color=LIGHT, linewidth=0.7)
    values = comparison.values.loc[best.index].to_numpy()
    for lane, (group, look) in zip((-0.2, 0.2), looks([comparison.reference, comparison.treated]).items(), strict=True):
        mine = (comparison.groups == group).to_numpy()
        heights = np.repeat(row + lane, int(mine.sum()))
        axes.scatter(
            values[:, mine].ravel(), heights, s=15, color=look.colour, marker=look.marker, alpha=0.6, linewidth=0,
            label=group_label(group, int(mine.sum())),
        )  # fmt: skip
        means = np.nanmean(values[:, mine], axis=1)
        axes.vlines(means, row + lane - 0.2, row + lane + 0.2, color="black", linewidth=2)
    axes.set_yticks(row, [cut(names[gene], 30) for gene in best.index], fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(best) - 0.4, -0.6)
    name_axes(axes, comparison.value_unit, "")
    below = legend(figure, axes)
    under = (
        f"Each dot is a sample, the black line the mean of its group. Further right: higher. {comparison.short_sizes}."
    )
    finish(figure, title, under, top=1 - 0.75 / height, bottom=(below + 0.5) / height, left=0.31)
    listed = "; ".join(f"{names[gene]} {row['difference']:+.2f}" for gene, row in best.head(5).iterrows())
    return Picture(
        figure, title, f"{title}. Difference {comparison.treated} minus {comparison.reference}, first five: {listed}."
    )


def found_title(n_found: int, n_tested: int, comparison: Comparison) -> str:
    if n_found == 0:
        return f"No gene clearly differs between {comparison.treated} and {comparison.reference}"
    genes = "gene differs" if n_found == 1 else "genes differ"
    return f"{n_found:,} of {n_tested:,} {genes} between {comparison.treated} and {comparison.reference}"


def _name_dots(axes: Axes, genes: pd.DataFrame, labels: pd.Series, edge: float, top: float) -> None:
    """Names in a column beyond `edge`, each joined to its dot by a thin line, so that none covers another."""
    ordered = genes.sort_values("p")
    names = labels.to_dict()
    heights = [-float(np.log10(max(p, 1e-300))) for p in ordered["p"]]
    places = spread_out(heights, top * 0.05, top * 0.05, top)
    for gene, difference, height, place in zip(ordered.index, ordered["difference"], heights, places, strict=True):
        axes.annotate(
            cut(names[gene], 18),
            (float(difference), height),
            xytext=(edge, place),
            fontsize=7.5,
            va="center",
            ha="left" if edge > 0 else "right",
            color=INK,
            arrowprops={
                "arrowstyle": "-",
                "color": GREY,
                "linewidth": 0.5,
                "shrinkA": 2,
                "relpos": (float(edge < 0), 0.5),
            },
        )
