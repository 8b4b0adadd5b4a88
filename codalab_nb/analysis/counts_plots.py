"""The figure of a comparison of counts that other comparisons have not; volcano and strips are in gene_plots."""

from __future__ import annotations

import pandas as pd

from codalab_nb.analysis.counts import CountComparison
from codalab_nb.analysis.style import BLUE, GREY, INK, LIGHT, RED, Picture, finish, legend, name_axes, new_figure

FARTHEST = 10.0  # log2 fold changes beyond this are drawn at the edge


def ma_plot(comparison: CountComparison, alpha: float) -> Picture:
    """Each gene: how many reads it has, how much it changes."""
    table = comparison.fit.table.dropna(subset=["p"])
    found = table["p_adjusted"] < alpha
    edge = min(FARTHEST, 1.15 * max(float(table["difference"].abs().max()), 1.2))
    x, y = table["mean"], table["difference"].clip(-0.98 * edge, 0.98 * edge)
    title = _title(table[found])
    treated = comparison.short_treated
    figure, (axes,) = new_figure(7.6, 5.0)
    for mine, colour, marker, size, label in (
        (~found, LIGHT, "o", 7, "no clear difference"),
        (found & (y < 0), BLUE, "v", 12, f"lower in {treated}"),
        (found & (y > 0), RED, "^", 12, f"higher in {treated}"),
    ):
        axes.scatter(
            x[mine], y[mine], s=size, color=colour, marker=marker, linewidth=0,
            label=f"{label} ({int(mine.sum()):,})", rasterized=len(table) > 2000,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_ylim(-edge, edge)
    axes.axhline(0, color=INK, linewidth=0.9)
    for fold, text in ((1, "double"), (-1, "half")):
        axes.axhline(fold, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.annotate(
            text, (1, fold), xycoords=("axes fraction", "data"), xytext=(3, 0), textcoords="offset points",
            fontsize=8, color=INK, va="center", annotation_clip=False,
        )  # fmt: skip
    name_axes(axes, "reads per sample (mean of normalised counts)", "log2 fold change")
    below = legend(figure, axes)
    under = (
        f"Each dot is a gene: to the right those with many reads, up those higher in {treated}.\n"
        f"{comparison.short_sizes}. With few reads, only a large change can be told from chance."
    )
    finish(figure, title, under, bottom=(below + 0.5) / 5.0, top=0.83, right=0.92)
    up, down = int((found & (y > 0)).sum()), int((found & (y < 0)).sum())
    alt = f"{title}. Change of each of {len(table):,} genes against its mean number of reads: {up:,} up, {down:,} down."
    return Picture(figure, title, alt)


def _title(found: pd.DataFrame) -> str:
    if found.empty:
        return "No gene changes clearly, whatever its number of reads"
    twofold = int((found["difference"].abs() >= 1).sum())
    if len(found) == 1:
        return f"The gene that differs changes {2 ** float(found['difference'].abs().iloc[0]):.1f}-fold"
    return f"{twofold:,} of the {len(found):,} genes that differ change twofold or more"
