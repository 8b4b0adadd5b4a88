"""The clustered heat map: trees, bars of what is known about the samples, and names where there is room for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from codalab_nb.analysis.clustering import Clustering, Tree, adjusted_rand
from codalab_nb.analysis.style import (
    BLACK,
    INK,
    LIGHT,
    Picture,
    cut,
    cut_middle,
    group_label,
    left_out_words,
    looks,
    shown_groups,
)

NAMED = 60  # more rows or columns than this get no names: they could not be read
BRIGHTEST = 2.5  # standard deviations at which the colours end


@dataclass(frozen=True)
class Page:
    """Where things are, in inches from the lower left corner."""

    figure: Figure
    width: float
    height: float

    def axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        place = (left / self.width, bottom / self.height, width / self.width, height / self.height)
        axes: Axes = self.figure.add_axes(place)
        axes.spines[:].set_visible(False)
        axes.set_xticks([])
        axes.set_yticks([])
        return axes


def heat_map(
    found: Clustering, known: Sequence[pd.Series], labels: pd.Series, *, z_score: bool = True, scale: str = "value"
) -> Picture:
    """Genes × samples in the order of their trees. `known`: groupings of the samples (condition first) drawn as bars
    beside the groups cut from the tree; `labels`: names of the genes; `scale`: what a value is, if not z-scored."""
    n_genes, n_samples = found.values.shape
    names = [cut(str(labels[gene]), 22) for gene in found.values.index[found.genes.order]]
    columns = [cut_middle(str(name), 18) for name in found.values.columns[found.samples.order]]
    name_genes, name_samples = n_genes <= NAMED, n_samples <= NAMED
    legends = [_legend(grouping) for grouping in known]
    tall = max(2.6, 0.155 * n_genes) if name_genes else 5.2
    bars = 0.22 * (len(known) + 1) + 0.08
    left, right = 1.35, (0.25 + 0.085 * max(map(len, names)) if name_genes else 1.2)
    wide = max(6.2, min(9.0, 0.16 * n_samples))
    across = [_columns(handles, left + wide + max(right, 1.2)) for handles in legends]
    legend_lines = [-(-len(handles) // n) for handles, n in zip(legends, across, strict=True)]
    foot = 0.25 + 0.22 * sum(legend_lines) + (0.078 * max(map(len, columns)) + 0.1 if name_samples else 0.1)
    title = cluster_title(found, known[0] if known else None)
    page_height = 0.95 + 0.22 * title.count("\n") + 0.8 + bars + tall + foot
    figure = Figure(figsize=(left + wide + max(right, 1.2), page_height), facecolor="white")
    page = Page(figure, left + wide + max(right, 1.2), page_height)
    body = page.axes(left, foot, wide, tall)
    _body(body, found, z_score=z_score)
    if name_genes:
        _names(body, names, "right")
    else:
        _gene_groups(body, found.genes)
    if name_samples:
        _names(body, columns, "bottom")
    _draw_tree(page.axes(left - 0.75, foot, 0.7, tall), found.genes, upright=False)
    _draw_tree(page.axes(left, foot + tall + bars, wide, 0.75), found.samples, upright=True)
    _bars(page, found.samples, known, left, foot + tall + 0.05, wide)
    _colour_bar(page, body, left, z_score=z_score, scale=scale)
    below = 0.08
    for handles, lines, n in reversed(list(zip(legends, legend_lines, across, strict=True))):
        figure.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(0.01, below / page.height), ncols=n, frameon=False,
            fontsize=9, handlelength=1, handletextpad=0.4, columnspacing=1.4, borderpad=0.1,
        )  # fmt: skip
        below += 0.22 * lines
    under = f"{n_genes:,} most variable of {found.n_genes:,} genes (rows), {n_samples} samples (columns). "
    under += "Red: higher than the gene's mean, blue: lower." if z_score else "Brighter: higher."
    missing = left_out_words(found.n_incomplete, found.n_genes + found.n_left_out)
    under += f"\n{missing}" if missing else ""
    figure.text(0.1 / page.width, 1 - 0.12 / page.height, title, va="top", fontsize=13, fontweight="bold", color=BLACK)
    figure.text(
        0.1 / page.width, 1 - (0.42 + 0.22 * title.count("\n")) / page.height, under, va="top", fontsize=9.5, color=INK
    )
    sizes = ", ".join(f"{n}" for n in found.samples.groups.value_counts().sort_index())
    title = title.replace("\n", " ")
    alt = f"{title}. Heat map of {n_genes} genes and {n_samples} samples, both ordered by their trees; cut into groups "
    return Picture(figure, title, alt + f"of {sizes} samples.")


def cluster_title(found: Clustering, condition: pd.Series | None) -> str:
    """Whether the groups cut from the tree are those of the condition."""
    groups = found.samples.groups
    n = groups.nunique()
    if condition is None or condition.nunique() < 2:
        return f"The tree of the samples, cut into {n} groups"
    name = f"“{cut(str(condition.name), 18)}”"
    if found.lone:
        who = ", ".join(cut_middle(one, 18) for one in found.lone[:2])
        who += f" and {len(found.lone) - 2} more" if len(found.lone) > 2 else ""
        alone = f"{who} {'forms a group of its own' if len(found.lone) == 1 else 'form groups of their own'}"
        rest = adjusted_rand(found.groups_without_lone(), condition)
        if rest != rest:
            return alone
        how = "does not follow" if not rest >= 0.2 else "follows"
        part = " in part" if 0.2 <= rest < 0.75 else ""
        return f"{alone};\nthe rest of the tree {how} {name}{part} (agreement {rest:.2f} of 1)"
    agreement = adjusted_rand(groups, condition)
    if not agreement >= 0.2:
        return f"Cut into {n} groups, the tree of the samples does not follow {name}"
    part = "" if agreement >= 0.75 else " in part"
    return f"Cut into {n} groups, the tree of the samples follows {name}{part} (agreement {agreement:.2f} of 1)"


def _body(axes: Axes, found: Clustering, *, z_score: bool) -> None:
    table = (found.standard if z_score else found.values).to_numpy()
    shown = table[np.ix_(found.genes.order, found.samples.order)]
    image = axes.imshow(shown, cmap="RdBu_r" if z_score else "viridis", aspect="auto", interpolation="nearest")
    if z_score:
        image.set_clim(-BRIGHTEST, BRIGHTEST)
    edges = _edges(found.samples)[1:-1]
    axes.vlines(edges - 0.5, -0.5, len(shown) - 0.5, color="white", linewidth=2)
    axes.hlines(_edges(found.genes)[1:-1] - 0.5, -0.5, shown.shape[1] - 0.5, color="white", linewidth=2)


def _edges(tree: Tree) -> npt.NDArray[np.intp]:
    """Where the groups begin, along the leaves, and the end."""
    ordered = tree.groups.to_numpy()[tree.order]
    return np.concatenate([[0], np.flatnonzero(np.diff(ordered)) + 1, [len(ordered)]])


def _names(axes: Axes, names: Sequence[str], side: str) -> None:
    size = 8 if len(names) <= 40 else 7
    if side == "right":
        axes.yaxis.tick_right()
        axes.set_yticks(range(len(names)), names, fontsize=size, color=INK)
    else:
        axes.set_xticks(range(len(names)), names, fontsize=size, color=INK, rotation=90)
    axes.tick_params(length=0, pad=2)


def _gene_groups(axes: Axes, tree: Tree) -> None:
    """Where genes have no names, their groups are called by number and size."""
    edges = _edges(tree)
    for number, (start, end) in enumerate(pairwise(edges), start=1):
        if end - start >= 0.03 * edges[-1]:
            genes = f"{end - start} genes" if end - start > 1 else "1 gene"
            axes.annotate(
                f"group {number}\n{genes}", (1, (start + end - 1) / 2), xycoords=("axes fraction", "data"),
                xytext=(5, 0), textcoords="offset points", fontsize=8.5, color=INK, va="center", annotation_clip=False,
            )  # fmt: skip


def _draw_tree(axes: Axes, tree: Tree, *, upright: bool) -> None:
    """Brackets from leaf to leaf; the longer, the less alike."""
    n = len(tree.order)
    place, height = np.empty(2 * n - 1), np.zeros(2 * n - 1)
    place[tree.order] = np.arange(n)
    lines = []
    for number, (one, other, distance, _) in enumerate(tree.links):
        a, b = int(one), int(other)
        lines.append([(place[a], height[a]), (place[a], distance), (place[b], distance), (place[b], height[b])])
        place[n + number], height[n + number] = (place[a] + place[b]) / 2, distance
    top = 1.03 * float(height.max()) or 1.0
    if not upright:
        lines = [[(y, x) for x, y in line] for line in lines]
    axes.add_collection(LineCollection(lines, colors=INK, linewidths=0.8 if n <= 300 else 0.4))
    if upright:
        axes.set(xlim=(-0.5, n - 0.5), ylim=(0, top))
    else:
        axes.set(xlim=(top, 0), ylim=(n - 0.5, -0.5))


def _bars(page: Page, tree: Tree, known: Sequence[pd.Series], left: float, bottom: float, width: float) -> None:
    """One bar of colours per grouping; above them the groups cut from the tree, by number."""
    for place, grouping in enumerate(reversed(known)):
        axes = page.axes(left, bottom + 0.22 * place, width, 0.19)
        shown, order = shown_groups(grouping)
        colours = {group: to_rgb(look.colour) for group, look in looks(order).items()}
        axes.imshow(
            [[colours[group] for group in shown.to_numpy()[tree.order]]], aspect="auto", interpolation="nearest"
        )
        _bar_name(axes, str(grouping.name))
    axes = page.axes(left, bottom + 0.22 * len(known), width, 0.19)
    edges = _edges(tree)
    axes.set(xlim=(-0.5, edges[-1] - 0.5), ylim=(0, 1))
    for number, (start, end) in enumerate(pairwise(edges), start=1):
        axes.axvspan(start - 0.4, end - 0.6, color=LIGHT, linewidth=0)
        if end - start >= 0.02 * edges[-1]:
            axes.text((start + end - 1) / 2, 0.45, str(number), ha="center", va="center", fontsize=8, color=INK)
    _bar_name(axes, "tree, cut")


def _bar_name(axes: Axes, name: str) -> None:
    axes.annotate(
        cut(name, 16), (0, 0.5), xycoords="axes fraction", xytext=(-4, 0), textcoords="offset points", ha="right",
        va="center", fontsize=8.5, color=INK,
    )  # fmt: skip


def _legend(grouping: pd.Series) -> list[Patch]:
    shown, order = shown_groups(grouping)
    found = looks(order)
    heading = Patch(alpha=0, label=f"{cut(str(grouping.name), 20)}:")
    return [heading] + [
        Patch(color=found[group].colour, label=group_label(group, int((shown == group).sum()))) for group in order
    ]


def _columns(handles: Sequence[Patch], width: float) -> int:
    """How many entries of a legend fit side by side, in a figure of so many inches."""
    longest = max(len(str(handle.get_label())) for handle in handles)
    return max(1, min(len(handles), int(width * 12.5 / (longest + 6))))


def _colour_bar(page: Page, body: Axes, left: float, *, z_score: bool, scale: str) -> None:
    axes = page.axes(0.12, page.height - 1.35, left - 0.5, 0.14)
    page.figure.colorbar(body.images[0], cax=axes, orientation="horizontal", extend="both" if z_score else "neither")
    axes.tick_params(labelsize=7.5, length=2, colors=INK)
    axes.set_title("z-score" if z_score else cut(scale, 18), fontsize=8, color=INK, pad=3)
