"""The map of samples or cells, and the genes that mark its groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from codalab_nb.analysis.markers import threshold, top_markers
from codalab_nb.analysis.sample_map import SampleMap
from codalab_nb.analysis.style import (
    GREY,
    INK,
    LIGHT,
    OTHER,
    Look,
    Picture,
    cut,
    cut_middle,
    finish,
    group_label,
    looks,
    name_axes,
    new_figure,
)

MOST_GROUPS = 12  # more cannot be told apart even by colour and shape together


def map_picture(found: SampleMap, groups: pd.Series, title: str) -> Picture:
    """Samples on the map, coloured by group, each group's number at its middle."""
    figure, (axes,) = new_figure(9.6, 6.4)
    shown, order = _groups(groups)
    n = len(found.places)
    style = looks(order)
    for group in order:
        mine = found.places[(shown == group).to_numpy()]
        axes.scatter(
            mine["x"], mine["y"], s=34 if n <= 150 else 16 if n <= 1500 else 5, color=style[group].colour,
            marker=style[group].marker, linewidth=0, alpha=0.8, rasterized=n > 2000,
        )  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_aspect("equal", adjustable="datalim")
    name_axes(axes, "t-SNE 1 (no unit)", "t-SNE 2 (no unit)")
    _side_legend(figure, shown, order, style, str(groups.name))
    under = f"Each dot is one of {n:,} samples; neighbours have similar values ({found.n_genes:,} genes). "
    under += "Distances between far groups mean nothing."
    finish(figure, title, under, top=0.88, bottom=0.07, left=0.05, right=0.68)
    _number_groups(figure, axes, found.places, shown, order)
    sizes = ", ".join(f"{group} {int((shown == group).sum())}" for group in order)
    return Picture(figure, title, f"{title}. Map of {n:,} samples by t-SNE. Groups: {sizes}.")


def _number_groups(figure: Figure, axes: Axes, places: pd.DataFrame, shown: pd.Series, order: Sequence[str]) -> None:
    """Each group's number at the sample in its midst, or near it, joined by a line, where another number stands."""
    figure.draw_without_rendering()  # places are final only once the aspect is applied
    step = figure.dpi * 0.27
    taken: list[tuple[float, float]] = []
    ring = [(0.0, 0.0)] + [
        (radius * np.cos(turn), radius * np.sin(turn))
        for radius in (1.0, 1.6, 2.4, 3.4)
        for turn in np.pi * (np.arange(8) / 4 + 0.25)
    ]
    for number, group in enumerate(order, start=1):
        mine = places[(shown == group).to_numpy()]
        if group == OTHER:
            continue
        middle = mine.iloc[int((mine - mine.median()).pow(2).sum(axis=1).to_numpy().argmin())]
        x, y = axes.transData.transform((float(middle["x"]), float(middle["y"])))
        free = [
            (x + dx * step, y + dy * step)
            for dx, dy in ring[0 if len(mine) >= 30 else 1 :]  # a number must not hide a small group
            if all(max(abs(x + dx * step - a), abs(y + dy * step - b)) >= 0.95 * step for a, b in taken)
        ]
        spot = free[0] if free else (x, y)
        taken.append(spot)
        axes.annotate(
            str(number), (float(middle["x"]), float(middle["y"])), xytext=((spot[0] - x) * 72 / figure.dpi,
            (spot[1] - y) * 72 / figure.dpi), textcoords="offset points", fontsize=10, fontweight="bold", ha="center",
            va="center", arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.8},
            bbox={"facecolor": "white", "edgecolor": GREY, "alpha": 0.9, "boxstyle": "round,pad=0.15"},
        )  # fmt: skip


def map_title(groups: pd.Series, same: float, chance: float, *, searched: bool, silhouette: float | None = None) -> str:
    """Whether the groups lie together on the map."""
    name = cut_middle(str(groups.name), 18)
    if searched and silhouette is not None:
        n = groups.nunique()
        how = "clearly" if silhouette >= 0.5 else "loosely" if silhouette >= 0.25 else "hardly"
        return f"The samples can be divided into {n} groups, {how} apart (silhouette {silhouette:.2f})"
    beyond = (same - chance) / max(1 - chance, 1e-9)
    how = "lie together" if beyond >= 0.6 else "overlap in part" if beyond >= 0.2 else "are mixed"
    return f"Groups of “{name}” {how}: {same:.0%} of neighbours are alike ({chance:.0%} by chance)"


def marker_dots(
    values: pd.DataFrame, groups: pd.Series, table: pd.DataFrame, labels: pd.Series, per_group: int, q: float = 0.05
) -> Picture | None:
    """Groups × their best markers. Size: share of samples in which the gene is present; darker: higher mean.

    None where no gene marks any group.
    """
    _, order = _groups(groups)
    order = [group for group in order if group != OTHER and group in set(table["group"])]
    best = top_markers(table[table["group"].isin(order)], per_group, q)
    if not len(best):
        return None
    first = best.groupby("group", sort=False)["gene"].agg(list)
    genes = list(dict.fromkeys(gene for group in order if group in first for gene in first[group]))[:60]
    limit, present = threshold(values)
    part = values.loc[genes]
    mean = pd.DataFrame({group: part.loc[:, (groups == group).to_numpy()].mean(axis=1) for group in order})
    above = part.gt(limit.loc[genes], axis=0).where(part.notna())
    share = pd.DataFrame({group: above.loc[:, (groups == group).to_numpy()].mean(axis=1) for group in order})
    span = (mean.max(axis=1) - mean.min(axis=1)).replace(0, 1)
    relative = mean.sub(mean.min(axis=1), axis=0).div(span, axis=0)
    names = {str(gene): cut_middle(str(labels[gene]), 20) for gene in genes}
    foot = 0.5 + 0.085 * max(map(len, names.values()))  # names of genes and sizes of dots, in inches
    width, height = max(7.6, 3.4 + 0.27 * len(genes)), 1.0 + foot + 0.36 * len(order)
    figure, (axes,) = new_figure(width, height)
    x, y = np.meshgrid(np.arange(len(genes)), np.arange(len(order)))
    dots = axes.scatter(
        x.ravel(), y.ravel(), s=4 + 150 * share.T.to_numpy().astype(np.float64).ravel(),
        c=relative.T.to_numpy().ravel(), cmap="viridis_r", vmin=0, vmax=1, linewidth=0.4, edgecolor=GREY,
    )  # fmt: skip
    for row, group in enumerate(order):
        mine = [genes.index(gene) for gene in first.get(group, []) if gene in genes]
        if mine:  # the markers of this group are framed
            axes.scatter(mine, [row] * len(mine), s=230, marker="s", facecolor="none", edgecolor=INK, linewidth=0.8)
    axes.set_xticks(np.arange(len(genes)), list(names.values()), rotation=90, fontsize=8)
    axes.set_yticks(np.arange(len(order)), [group_label(group, int((groups == group).sum())) for group in order])
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_xlim(-0.7, len(genes) - 0.3)
    axes.tick_params(length=0)
    left = 2.3 / width
    title = _marker_title(first, order, labels)
    under = "Columns: genes. Framed: markers of the group at the left. Larger: present in more of its samples."
    _sizes(figure, present)
    finish(figure, title, under, top=1 - 0.9 / height, bottom=foot / height, left=left, right=1 - 1.15 / width)
    bar = figure.colorbar(
        dots, cax=figure.add_axes((1 - 1.0 / width, foot / height, 0.15 / width, 1 - (foot + 0.9) / height))
    )
    bar.set_ticks([0, 1], labels=["lowest\ngroup", "highest\ngroup"], fontsize=8)
    listed = "; ".join(
        f"{group}: {', '.join(names[gene] for gene in first[group][:3] if gene in names)}"
        for group in order
        if group in first
    )
    return Picture(figure, title, f"{title}. Markers: {listed}.")


def _marker_title(first: pd.Series, order: Sequence[str], labels: pd.Series) -> str:
    marked = [group for group in order if group in first]
    shown = " and ".join(
        f"{cut(str(labels[first[group][0]]), 16)} marks {cut_middle(group, 16)}" for group in marked[:2]
    )
    rest = f", and {_more(len(marked) - 2)}" if len(marked) > 2 else ""
    return f"{shown}{rest}"


def _more(n: int) -> str:
    return f"{n} more groups have markers" if n > 1 else "one more group has markers"


def _groups(groups: pd.Series) -> tuple[pd.Series, list[str]]:
    """The largest groups, in order of size; smaller and unknown ones become `other groups`, the last."""
    largest = [str(name) for name in groups.value_counts().index[:MOST_GROUPS]]
    shown = groups.where(groups.isin(largest), OTHER)
    return shown, largest + [OTHER] * bool((shown == OTHER).any())


def _side_legend(figure: Figure, shown: pd.Series, order: Sequence[str], style: dict[str, Look], name: str) -> None:
    handles = []
    for number, group in enumerate(order, start=1):
        label = group_label(group, int((shown == group).sum()))
        label = f"{number}  {label}" if group != OTHER else label
        look = style[group]
        handles.append(Line2D([], [], color=look.colour, marker=look.marker, linestyle="", label=label))
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.69, 0.87), frameon=False, fontsize=9,
        title=cut_middle(name, 30), title_fontsize=9, alignment="left", handletextpad=0.2, labelspacing=0.6,
    )  # fmt: skip


def _sizes(figure: Figure, present: str) -> None:
    handles = [
        Line2D([], [], color=LIGHT, markeredgecolor=GREY, marker="o", linestyle="", label=f"{share:.0%}",
               markersize=float(np.sqrt(4 + 150 * share)))
        for share in (0.1, 0.5, 1.0)
    ]  # fmt: skip
    handles.insert(0, Line2D([], [], linestyle="", label=f"share of samples with a value {present}:"))
    figure.legend(handles=handles, loc="lower left", ncols=4, frameon=False, fontsize=8.5, handletextpad=0.3)
