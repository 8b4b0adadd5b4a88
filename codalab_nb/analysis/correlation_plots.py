"""One gene and those that go with it: ranked bars, and the samples behind them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from codalab_nb.analysis.correlation import Partners
from codalab_nb.analysis.style import (
    BLUE,
    GREY,
    INK,
    RED,
    Picture,
    cut,
    finish,
    group_label,
    legend,
    looks,
    name_axes,
    new_figure,
    shown_groups,
)


def partners_picture(found: Partners, labels: pd.Series, most: int = 12) -> Picture:
    """The strongest genes in both directions as bars with 95 % confidence; pale ones do not pass."""
    names = labels.to_dict()
    table = found.table
    shown = pd.concat([table[table["r"] > 0].head(most), table[table["r"] <= 0].head(most).iloc[::-1]])
    passing = shown.index.isin(found.found.index)
    title = partners_title(found, names[found.seed])
    height = 1.75 + 0.27 * len(shown)
    figure, (axes,) = new_figure(8.6, height)
    row = np.arange(len(shown))
    r = shown["r"].to_numpy()
    for rising, colour, word in ((True, RED, "rises with it"), (False, BLUE, "falls when it rises")):
        for strong in (True, False):
            mine = ((r > 0) == rising) & (passing == strong)
            if mine.any():
                label = f"{word}{'' if strong else ', but too weak or unsure'} ({int(mine.sum())} shown)"
                axes.barh(row[mine], r[mine], height=0.66, color=colour, alpha=0.85 if strong else 0.25, label=label)
    axes.hlines(row, shown["lower"], shown["upper"], color=INK, linewidth=1)
    for place in (-found.min_r, found.min_r):
        axes.axvline(place, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(row, [cut(str(names[gene]), 32) for gene in shown.index], fontsize=8.5)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlim(-1, 1)
    kind = "Spearman's r" if found.method == "spearman" else "Pearson's r"
    name_axes(axes, f"{kind}: −1 opposite, 0 unrelated, 1 together", "")
    below = legend(figure, axes)
    where = f", within the groups of {cut(found.within, 20)}" if found.within else ""
    under = (
        f"Strongest of {len(table):,} genes, {samples(found)} samples{where}. Black: 95 % confidence. Dashed: |r| = "
    )
    finish(figure, title, f"{under}{found.min_r:g}.", top=1 - 0.75 / height, bottom=(below + 0.5) / height, left=0.31)
    listed = "; ".join(f"{names[gene]} {value:+.2f}" for gene, value in table["r"].head(5).items())
    return Picture(figure, title, f"{title}. Strongest: {listed}.")


def partners_title(found: Partners, name: str) -> str:
    passing = found.found
    if not len(passing):
        return f"No gene surely goes with {cut(name, 30)} (|r| > {found.min_r:g})"
    up = int((passing["r"] > 0).sum())
    genes = "gene rises" if up == 1 else "genes rise"
    return f"{up:,} {genes} with {cut(name, 30)}, {len(passing) - up:,} fall when it rises"


def samples(found: Partners) -> int:
    """How many samples a gene without a gap has."""
    return int(found.table["n"].max()) if len(found.table) else 0


def scatter_picture(
    found: Partners, values: pd.DataFrame, labels: pd.Series, groups: pd.Series | None, scale: str
) -> Picture:
    """The samples behind the two strongest genes of each direction, coloured by group."""
    names = labels.to_dict()
    table = found.table
    best = [*table.index[table["r"] > 0][:2], *table.index[table["r"] < 0][:2]]
    figure, axes = new_figure(3.1 * max(len(best), 2), 4.3, 1, max(len(best), 1))
    shown, order = shown_groups(groups) if groups is not None else (pd.Series("", index=values.columns), [""])
    x = values.loc[found.seed]
    for one, gene in zip(axes, best, strict=False):
        for group, look in looks(order).items():
            mine = (shown == group).to_numpy()
            label = group_label(group, int(mine.sum())) if groups is not None else None
            one.scatter(
                x[mine], values.loc[gene][mine], s=24 if len(x) <= 200 else 9, color=look.colour, marker=look.marker,
                alpha=0.8, linewidth=0, label=label, rasterized=len(x) > 2000,
            )  # fmt: skip
        inside = table["r_within"].get(gene) if "r_within" in table else None
        left = f", within groups {inside:.2f}" if inside is not None and inside == inside else ""
        one.set_title(
            f"{cut(str(names[gene]), 26)}\nr = {table['r'][gene]:.2f}{left}", fontsize=9, color=INK, loc="left"
        )
        name_axes(one, cut(str(names[found.seed]), 24), "")
    axes[0].set_ylabel(cut(scale, 34), fontsize=10, color=INK)
    title = scatter_title(found)
    below = legend(figure, axes[0])
    under = "Each dot is a sample. A cloud along a slope inside each group is more than a difference between groups."
    under = under if groups is not None else "Each dot is a sample. Look for slopes that a single sample makes."
    finish(figure, title, under, top=0.74, bottom=(below + 0.55) / 4.3, left=0.07, wspace=0.28)
    return Picture(
        figure, title, f"{title}. {cut(str(names[found.seed]), 40)} against {len(best)} genes, one panel each."
    )


def scatter_title(found: Partners) -> str:
    """Whether the passing genes still go with the seed inside the groups."""
    passing = found.found
    if "r_within" not in found.table or not len(passing):
        return "The samples behind the strongest genes"
    left = int((passing["r_within"].abs() > found.min_r).sum())
    only = "only " if left < 0.5 * len(passing) else ""
    stay = "stays" if left == 1 else "stay"
    return f"Within the groups, {only}{left:,} of {len(passing):,} genes {stay} beyond |r| = {found.min_r:g}"
