"""Figures of a batch: the samples before and after, and what batch and condition explain."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from codalab_nb.analysis.batch import BatchCheck, Explained, State
from codalab_nb.analysis.style import (
    BLUE,
    GREY,
    INK,
    OTHER,
    Picture,
    cut,
    finish,
    group_label,
    looks,
    name_axes,
    new_figure,
    shown_groups,
)


def batch_picture(check: BatchCheck) -> Picture:
    """First row: samples by batch; second row: the same by condition. Before, after, and how much it explains."""
    title = batch_title(check)
    after = check.after
    rows = [(check.batch, check.before.batch, after.batch if after else None)]
    if check.condition is not None and check.before.condition is not None:
        rows.append((check.condition, check.before.condition, after.condition if after else None))
    states = [("as measured", check.before), *([("after ComBat", after)] if after else [])]
    width = 11.5 if after else 8.2
    below = 0.65 + 0.2 * max(_legend_lines(groups, width) for groups, _, _ in rows)  # under each row, in inches
    height = 1.05 + (2.4 + below) * len(rows)
    figure, axes = new_figure(width, height, len(rows), len(states) + 1)
    for row, (groups, before, then) in enumerate(rows):
        *maps, bars = axes[row * (len(states) + 1) :][: len(states) + 1]
        for one, (name, state) in zip(maps, states, strict=True):
            _map(one, f"By {cut(str(groups.name), 20)}, {name}", state, groups)
        _bars(bars, [before, *([then] if then else [])])
        _group_names(maps[0], _legend_columns(groups, width))
    under = f"Each dot is one of {len(check.batch)} samples; close together means alike."
    under += "\nRight: how much of the scatter of a typical gene goes with the groups."
    room = {"wspace": 0.28, "hspace": (below + 0.25) / 2.4}
    finish(figure, title, under, top=1 - 1.05 / height, bottom=(below - 0.1) / height, left=0.7 / width, **room)
    return Picture(figure, title, f"{title}. {explained_words(check)}")


def batch_title(check: BatchCheck) -> str:
    """The answer to “is a batch hiding the biology?”."""
    batch, condition = check.before.batch, check.before.condition
    if check.refused and condition is not None and check.v > 1 - 1e-9:
        return f"{_quoted(batch.name)} and {_quoted(condition.name)} are one and the same: nothing can be corrected"
    if check.mixed_up and condition is not None:
        harm = ": correcting takes biology out, too" if check.after and not check.kept else ""
        return f"{_quoted(batch.name)} and {_quoted(condition.name)} are mixed up (Cramér's V {check.v:.2f}){harm}"
    if not check.visible and batch.genes:
        return f"Few genes differ between the batches of {_quoted(batch.name)}: {batch.genes:,} of {batch.tested:,}"
    if not check.visible:
        return (
            f"No batch effect is seen: {_quoted(batch.name)} explains {batch.typical:.0%} of a typical gene "
            f"({batch.by_chance:.0%} by chance)"
        )
    if check.after is None:
        return f"{_quoted(batch.name)} explains {batch.typical:.0%} of a typical gene"
    return (
        f"{_quoted(batch.name)} explains {batch.typical:.0%} of a typical gene, after ComBat "
        f"{_percent(check.after.batch.typical)}"
    )


def explained_words(check: BatchCheck) -> str:
    """`Typical share … explained by batch: 18 %, after ComBat 2 % (7 % by chance); by cancer: …`, plain text."""
    parts = []
    pairs = [(check.before.batch, check.after.batch if check.after else None)]
    if check.before.condition:
        pairs.append((check.before.condition, check.after.condition if check.after else None))
    for before, after in pairs:
        then = f", after ComBat {after.typical:.1%}" if after else ""
        parts.append(
            f"{before.name} explains {before.typical:.1%}{then} (a meaningless grouping {before.by_chance:.1%})"
        )
    return "Of the scatter of a typical gene, " + "; ".join(parts) + "."


def _quoted(name: str) -> str:
    return f"“{cut(name, 20)}”"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.095 else f"{share:.1%}"


def _map(axes: Axes, name: str, state: State, groups: pd.Series) -> None:
    scores, share = state.components.scores, state.components.share
    shown, order = _ordered(groups)
    for group, look in looks(order).items():
        mine = scores[(shown == group).to_numpy()]
        axes.scatter(
            mine["PC1"], mine["PC2"], s=34 if len(scores) <= 100 else 14, color=look.colour, marker=look.marker,
            linewidth=0, alpha=0.9, rasterized=len(scores) > 2000, label=group_label(group, len(mine)),
        )  # fmt: skip
    axes.margins(0.08)
    axes.set_title(name, fontsize=10, color=INK, loc="left", fontweight="bold")
    name_axes(axes, f"PC1: {share[0]:.0%} of all variation", f"PC2: {share[1]:.0%}")


def _ordered(groups: pd.Series) -> tuple[pd.Series, list[str]]:
    """As `shown_groups`, sorted by name, so that batch 2 does not come before batch 1."""
    shown, order = shown_groups(groups)
    return shown, sorted((name for name in order if name != OTHER), key=_natural) + [OTHER] * (OTHER in order)


def _natural(name: str) -> tuple[float, str]:
    return (float(name), name) if name.replace(".", "", 1).isdigit() else (np.inf, name)


def _legend_columns(groups: pd.Series, width: float) -> int:
    """How many entries fit side by side under a figure of so many inches."""
    longest = max(len(cut(name, 22)) for name in shown_groups(groups)[1])
    return max(1, int(width * 12.5 / (longest + 14)))


def _legend_lines(groups: pd.Series, width: float) -> int:
    return -(-len(shown_groups(groups)[1]) // _legend_columns(groups, width))


def _group_names(axes: Axes, columns: int) -> None:
    """The legend of a row, under its maps."""
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles, labels, loc="upper left", bbox_to_anchor=(-0.12, -0.17), ncols=min(columns, len(labels)),
        frameon=False, fontsize=9, handletextpad=0.2, columnspacing=1.2, borderpad=0,
    )  # fmt: skip


def _bars(axes: Axes, explained: list[Explained]) -> None:
    """What the grouping explains before and after, and a line where chance alone would end."""
    heights = [100 * one.typical for one in explained]
    chance = 100 * explained[0].by_chance
    axes.bar(range(len(heights)), heights, width=0.55, color=[GREY, BLUE][: len(heights)])
    for place, height in enumerate(heights):
        axes.annotate(
            _percent(height / 100), (place, height), xytext=(0, 2),
            textcoords="offset points", ha="center", va="bottom", fontsize=9, color=INK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip
    axes.axhline(chance, color="black", linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        "by chance", (1, chance), xycoords=("axes fraction", "data"), xytext=(0, 2), textcoords="offset points",
        fontsize=8, color=INK, ha="right",
    )  # fmt: skip
    axes.set_xlim(-0.6, len(heights) - 0.05)
    axes.set_xticks(range(len(heights)), ["as measured", "after ComBat"][: len(heights)])
    axes.set_ylim(0, max(*heights, chance) * 1.25)
    axes.set_title(f"Explained by {cut(explained[0].name, 20)}", fontsize=10, color=INK, loc="left", fontweight="bold")
    name_axes(axes, "", "% of a typical gene (median R²)")


def crossed_picture(check: BatchCheck) -> Picture:
    """How many samples of each condition every batch holds: empty fields are what cannot be told apart."""
    assert check.condition is not None
    table = check.crossed()
    table = table.iloc[:30, :12]
    empty = int((table == 0).to_numpy().sum())
    rows, columns = table.shape
    batch, condition = _quoted(str(check.batch.name)), _quoted(str(check.condition.name))
    if check.uneven and empty:
        title = f"{empty} of {table.size} combinations of {batch} and {condition} were never measured"
    elif check.uneven:
        title = f"{batch} and {condition} are unevenly spread (Cramér's V {check.v:.2f})"
    else:
        title = f"{condition} is spread over {batch} as chance would have it (Cramér's V {check.v:.2f})"
    names = [cut(str(name), 18) for name in table.columns]
    slanted = max(map(len, names)) * columns > 70
    above = 1.1 + 0.8 * slanted  # title and names of the columns, in inches
    height = above + 0.15 + 0.36 * rows
    figure, (axes,) = new_figure(max(7.2, 2.2 + 0.75 * columns), height)
    counts = table.to_numpy(np.float64)
    shown = np.where(counts == 0, np.nan, counts)
    axes.pcolormesh(shown, cmap="Blues", vmin=0, vmax=counts.max() * 1.6, edgecolors="white", linewidth=2)
    for (row, column), n in np.ndenumerate(counts):
        axes.text(column + 0.5, row + 0.5, f"{int(n)}" if n else "none", ha="center", va="center", fontsize=9.5)
    axes.set_yticks(np.arange(rows) + 0.5, [cut(str(name), 18) for name in table.index], fontsize=9)
    axes.tick_params(length=0)
    axes.invert_yaxis()
    axes.xaxis.tick_top()
    axes.set_xticks(np.arange(columns) + 0.5, names, fontsize=9)
    if slanted:
        for label in axes.get_xticklabels():
            label.set(rotation=30, horizontalalignment="left", rotation_mode="anchor")
    name_axes(axes, "", cut(str(check.batch.name), 24))
    axes.spines[:].set_visible(False)
    under = f"Number of samples. Columns: {cut(str(check.condition.name), 20)}; rows: {cut(str(check.batch.name), 20)}."
    right = 0.88 if slanted else 0.97
    finish(figure, title, under, top=1 - above / height, bottom=0.15 / height, left=0.2, right=right)
    return Picture(figure, title, f"{title}. Cramér's V is {check.v:.2f}: 0 evenly spread, 1 one tells the other.")
