"""A network of genes as a picture: lines between genes that go together, names where there is room for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from codalab_nb.analysis.correlation import Network, p_values
from codalab_nb.analysis.network import connected_parts, layout
from codalab_nb.analysis.style import (
    BLACK,
    BLUE,
    GREY,
    INK,
    MANY_GROUPS,
    ORANGE,
    RED,
    Picture,
    cut,
    cut_middle,
    finish,
    legend,
    looks,
    name_axes,
    new_figure,
)

MOST_EDGES = 400  # more lines than this hide each other
NAME_SIZE = 7.0  # points


def network_picture(
    found: Network, labels: pd.Series, values: pd.DataFrame | None = None, condition: pd.Series | None = None
) -> Picture:
    """The passing pairs as a network; with `values` and `condition`, colours say in which group a gene is highest."""
    edges = found.edges
    if not len(edges):
        return coefficients_picture(found)
    shown = edges.iloc[:MOST_EDGES]
    title = network_title(found)
    places = layout(shown)
    spans = [
        max(1.1 * float(places[side].max() - places[side].min()), least) for side, least in (("x", 14.0), ("y", 6.0))
    ]
    height = min(9.0, max(4.6, 1.9 + 10.3 * spans[1] / spans[0]))
    figure, (axes,) = new_figure(10.5, height)
    _lines(axes, shown, places)
    degree = pd.concat([shown["gene_1"], shown["gene_2"]]).value_counts()
    sizes = (26 + 14 * degree.clip(upper=12)).reindex(places.index).to_numpy()
    groups, order = _highest(values, condition, places.index)
    for group, look in looks(order).items():
        mine = (groups == group).to_numpy()
        label = f"highest in {cut_middle(group, 18)} ({int(mine.sum())} genes)" if group else None
        axes.scatter(
            places["x"][mine], places["y"][mine], s=sizes[mine], color=look.colour, marker=look.marker,
            linewidth=0.6, edgecolor="white", zorder=3, label=label,
        )  # fmt: skip
    axes.set_aspect("equal")
    # A single pair must not fill the page.
    x, y = (float(places[side].max() + places[side].min()) / 2 for side in ("x", "y"))
    axes.set_xlim(x - spans[0] / 2, x + spans[0] / 2)
    axes.set_ylim(y - spans[1] / 2, y + spans[1] / 2)
    axes.set_axis_off()
    below = legend(figure, axes)
    more = f" (the strongest {MOST_EDGES} of {len(edges):,} are drawn)" if len(edges) > MOST_EDGES else ""
    where = f" within the groups of {cut(found.within, 20)}" if found.within else ""
    under = (
        f"Dots: genes. Lines: pairs with |r| > {found.min_r:g} and BH-adjusted p < {found.q:g}{where}{more}.\n"
        f"{len(found.genes)} most variable genes, {found.df + 2} samples. Names where there is room; all in the table."
    )
    finish(figure, title, under, top=1 - 0.85 / height, bottom=(below + 0.05) / height, left=0.01, right=0.99)
    radius = pd.Series(np.sqrt(sizes) / 2, index=places.index)
    named = _names(figure, axes, places, radius, {str(gene): str(labels[gene]) for gene in places.index})
    parts = connected_parts(edges)
    hubs = ", ".join(cut(str(labels[gene]), 30) for gene in degree.index[:3])
    apart = "One connected part" if len(parts) == 1 else f"{len(parts)} separate parts, the largest"
    alt = f"{title}. {apart} of {len(parts[0])} genes; most lines at {hubs}; "
    return Picture(figure, title, alt + f"{named} of {len(places)} genes are named.")


def network_title(found: Network) -> str:
    n = len(found.edges)
    if not n:
        return f"No two genes surely go together (|r| > {found.min_r:g})"
    genes = len({*found.edges["gene_1"], *found.edges["gene_2"]})
    return f"{n:,} {'pair of genes goes' if n == 1 else 'pairs of genes go'} together, {genes:,} genes in all"


def _highest(values: pd.DataFrame | None, condition: pd.Series | None, genes: pd.Index) -> tuple[pd.Series, list[str]]:
    """The group in which each gene has its highest mean, and all groups in order; `` where that is not asked."""
    levels = list(dict.fromkeys(condition.dropna())) if condition is not None else []
    if values is None or condition is None or not 2 <= len(levels) <= MANY_GROUPS:
        return pd.Series("", index=genes), [""]
    means = {level: values.loc[genes, (condition == level).to_numpy()].mean(axis=1) for level in levels}
    best = pd.DataFrame(means).fillna(-np.inf).to_numpy().argmax(axis=1)
    return pd.Series([levels[place] for place in best], index=genes), levels


def _lines(axes: Axes, edges: pd.DataFrame, places: pd.DataFrame) -> None:
    for rising, colour, style, label in (
        (True, GREY, "solid", "rise and fall together"),
        (False, RED, (0, (3, 2)), "one rises, the other falls"),
    ):
        mine = edges[(edges["r"] > 0) == rising]
        if len(mine):
            ends = [places.loc[mine[column], ["x", "y"]].to_numpy() for column in ("gene_1", "gene_2")]
            lines = LineCollection(
                list(np.stack(ends, axis=1)), colors=colour, linestyles=[style], linewidths=1.0 if rising else 1.5,
                zorder=1, label=f"{label} ({len(mine):,})",
            )  # fmt: skip
            axes.add_collection(lines)


def _names(figure: Figure, axes: Axes, places: pd.DataFrame, radius: pd.Series, names: Mapping[str, str]) -> int:
    """Names beside dots (of a radius in points), the largest first, each where it covers no dot and no other name.

    Returns how many found room.
    """
    renderer: Any = RendererAgg(1, 1, figure.dpi)  # type: ignore[no-untyped-call]  # only measures
    figure.draw_without_rendering()  # places are final only once the aspect is applied
    point = figure.dpi / 72
    font = FontProperties(size=NAME_SIZE)
    dots = axes.transData.transform(places.to_numpy())
    half = point * (radius.to_numpy()[:, None] + 1)
    taken = np.column_stack([dots - half, dots + half])  # left, low, right, high
    at = {gene: number for number, gene in enumerate(places.index)}
    named = 0
    for gene in sorted(places.index, key=lambda one: (-radius[one], str(one))):
        text = cut(names[gene], 24)
        width, height, _ = renderer.get_text_width_height_descent(text, font, False)
        away = float(radius[gene]) + 2
        (x, y), gap = dots[at[gene]], away * point
        others = np.delete(taken, at[gene], axis=0)
        for across, up, left, low in (
            ("left", "center", x + gap, y - height / 2), ("right", "center", x - gap - width, y - height / 2),
            ("center", "bottom", x - width / 2, y + gap), ("center", "top", x - width / 2, y - gap - height),
        ):  # fmt: skip
            box = np.array([left, low, left + width, low + height])
            apart = (box[:2] > others[:, 2:]) | (box[2:] < others[:, :2])
            if left > 0 and box[2] < figure.bbox.x1 and apart.any(axis=1).all():
                shift = {"left": away, "right": -away, "center": 0.0}[across]
                axes.annotate(
                    text, (places["x"][gene], places["y"][gene]), textcoords="offset points",
                    xytext=(shift, {"center": 0.0, "bottom": away, "top": -away}[up]), ha=across, va=up, color=BLACK,
                    fontsize=NAME_SIZE, zorder=4,
                )  # fmt: skip
                taken = np.vstack([taken, box])
                named += 1
                break
    return named


def coefficients_picture(found: Network) -> Picture:
    """How strong all pairs are, beside what unrelated genes would give with so many samples."""
    figure, (axes,) = new_figure(7.2, 4.4)
    edges = np.linspace(-1, 1, 61)
    axes.hist(found.coefficients, bins=list(edges), color=BLUE, label="pairs of genes")
    half = p_values(edges, np.full(len(edges), float(found.df))) / 2
    share = -np.diff(np.where(edges >= 0, half, 1 - half))  # of unrelated pairs, in each bar
    middle = (edges[1:] + edges[:-1]) / 2
    axes.plot(middle, share * len(found.coefficients), color=ORANGE, linewidth=2, label="if no genes went together")
    for place in (-found.min_r, found.min_r):
        axes.axvline(place, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set_xlim(-1, 1)
    share_strong = float(np.mean(np.abs(found.coefficients) > found.min_r)) if len(found.coefficients) else 0.0
    title = network_title(found) if not len(found.edges) else _spread_title(found)
    name_axes(axes, "r: −1 opposite, 0 unrelated, 1 together", "pairs of genes")
    below = legend(figure, axes)
    under = f"All {len(found.coefficients):,} pairs of {len(found.genes)} genes, {found.df + 2} samples. Dashed: |r| = "
    finish(figure, title, f"{under}{found.min_r:g}.", bottom=(below + 0.5) / 4.4, left=0.12)
    alt = f"{title}. Histogram of r over {len(found.coefficients):,} pairs; {share_strong:.2%} lie beyond |r| = "
    return Picture(
        figure, title, f"{alt}{found.min_r:g}. Middle half from {_quarter(found, 25)} to {_quarter(found, 75)}."
    )


def _spread_title(found: Network) -> str:
    return f"{np.mean(np.abs(found.coefficients) > found.min_r):.1%} of all pairs have |r| > {found.min_r:g}"


def _quarter(found: Network, percent: int) -> str:
    return f"{np.percentile(found.coefficients, percent):.2f}" if len(found.coefficients) else "nothing"
