"""The figure of a normalisation: how the values of each sample are spread, before and after."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from codalab_nb.analysis.deseq_fit import Floats
from codalab_nb.analysis.normalise import Normalised, level_spread
from codalab_nb.analysis.style import (
    BLUE,
    Look,
    Picture,
    finish,
    group_label,
    group_sizes,
    legend,
    looks,
    name_axes,
    new_figure,
    shown_groups,
)

BINS = 160
SMALL = 0.1  # levels closer than this are as good as one: 7 % on a log2 scale, else a share of the middle half


def densities(normalised: Normalised, groups: pd.Series | None) -> Picture:
    """One line per sample, left before and right after, on the same axes."""
    before, after = normalised.before, normalised.after
    n = before.shape[1]
    title = spread_title(normalised)
    figure, (left, right) = new_figure(7.6, 4.6, 1, 2)
    labels, style = _looks(groups, n)
    counts = normalised.scale.startswith("log2(")  # values of 0 are genes not seen: a spike that hides all else
    lowest, highest = _range(before, after, counts)
    tops = []
    for axes, values, name in ((left, before, "before"), (right, after, "after")):
        tops.append(_lines(axes, values, labels, style, np.linspace(lowest, highest, BINS + 1), counts))
        axes.set_title(name, fontsize=11, loc="left")
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlim(lowest, highest)
        name_axes(axes, normalised.scale if name == "after" else _before_scale(normalised), "")
    for axes in (left, right):
        axes.set_ylim(0, 1.08 * max(*tops, 1e-9))
    left.set_ylabel("share of the genes", fontsize=10)
    if groups is not None:
        sizes = pd.Series(labels).value_counts()
        for group, look in style.items():
            left.plot([], [], color=look.colour, linewidth=2, label=group_label(group, int(sizes.get(group, 0))))
    below = legend(figure, left)
    under = f"Each line is one of {n} samples: how its values are spread. The more the lines agree, the better."
    if counts:
        under += "\nGenes not seen in a sample are left out of its line."
    finish(figure, title, under, top=0.76, bottom=(below + 0.5) / 4.6, left=0.06, wspace=0.08)
    sizes_told = f" ({group_sizes(groups)})" if groups is not None else ""
    return Picture(figure, title, f"{title}. Distribution of the values of {n} samples{sizes_told} before and after.")


def spread_title(normalised: Normalised) -> str:
    """How far the levels of the samples lie apart before and after, as an answer."""
    before, after = level_spread(normalised.before), level_spread(normalised.after)
    if not np.isfinite(before):
        return "No gene was measured in every sample: levels cannot be compared"
    if normalised.after is normalised.before:
        return f"Only the logarithm was taken: levels lie up to {_apart(before, normalised)} apart"
    small = SMALL * (1.0 if normalised.scale.startswith("log2") else _middle_half(normalised.before))
    if before < small:
        return "The samples were on one level before; little had to be changed"
    if after > before - small / 2:
        return f"Levels lie up to {_apart(after, normalised)} apart, as before: this did not help"
    if after < small:
        return f"Levels lay up to {_apart(before, normalised)} apart; now all samples are on one level"
    return f"Levels lay up to {_apart(before, normalised)} apart; now {_apart(after, normalised)}"


def _middle_half(values: pd.DataFrame) -> float:
    matrix = values.to_numpy(np.float64)
    low, high = np.nanquantile(matrix, [0.25, 0.75])
    return float(high - low)


def _apart(spread: float, normalised: Normalised) -> str:
    """On a log2 scale as a fold."""
    return f"{2**spread:.1f}-fold" if normalised.scale.startswith("log2") else f"{spread:.2g}"


def _before_scale(normalised: Normalised) -> str:
    return "log2(count + 1)" if normalised.scale.startswith("log2(") else normalised.scale


def _looks(groups: pd.Series | None, n: int) -> tuple[list[str], Mapping[str, Look]]:
    if groups is None:
        return ["samples"] * n, {"samples": Look(BLUE, "o")}
    shown, order = shown_groups(groups)
    return list(shown), looks(order)


def _range(before: pd.DataFrame, after: pd.DataFrame, counts: bool) -> tuple[float, float]:
    both = np.concatenate([before.to_numpy().ravel(), after.to_numpy().ravel()])
    both = both[np.isfinite(both)]
    if not len(both):
        return 0.0, 1.0
    low, high = np.quantile(both, [0.0005, 0.9995])
    return (0.0 if counts else float(low)), max(float(high), float(low) + 1e-6)


def _lines(
    axes: Axes, values: pd.DataFrame, labels: list[str], style: Mapping[str, Look], edges: Floats, counts: bool
) -> float:
    """Returns the highest point."""
    matrix = values.to_numpy(np.float64)
    n = matrix.shape[1]
    kernel = np.exp(-0.5 * (np.arange(-9, 10) / 3.0) ** 2)
    middle = (edges[1:] + edges[:-1]) / 2
    top = 0.0
    for sample in range(n):
        mine = matrix[:, sample]
        mine = mine[np.isfinite(mine) & ((mine > 0) | (not counts))]
        share = np.convolve(np.histogram(mine, edges)[0] / max(len(mine), 1), kernel / kernel.sum(), mode="same")
        look = style[labels[sample]]
        axes.plot(
            middle, share, color=look.colour, linewidth=1.2 if n <= 60 else 0.5, alpha=0.8 if n <= 60 else 0.35,
            rasterized=n > 200,
        )  # fmt: skip
        top = max(top, float(share.max()))
    return top
