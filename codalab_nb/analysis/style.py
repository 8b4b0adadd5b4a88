"""How every figure looks: white, sparse, colours that colour-blind people tell apart, words instead of codes.

Colours: Okabe M, Ito K (2008), Color Universal Design, jfly.uni-koeln.de/color. Groups also differ in marker shape,
so that a print in grey can be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, YELLOW, BLACK = "#56B4E9", "#CC79A7", "#F0E442", "#000000"
GREY, LIGHT, INK = "#8C8C8C", "#D0D0D0", "#333333"
GROUP_COLOURS = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK, YELLOW)
GROUP_MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
OTHER = "other groups"
MANY_GROUPS = 7


class Picture(NamedTuple):
    """A figure, its title (the answer it gives), and its description in words."""

    figure: Figure
    title: str
    alt: str


class Look(NamedTuple):
    colour: str
    marker: str


def looks(groups: Sequence[str]) -> dict[str, Look]:
    """Colour and marker of each group, in order; from the ninth on they repeat with another marker."""
    n = len(GROUP_COLOURS)
    found = {}
    for place, group in enumerate(groups):
        found[group] = Look(GROUP_COLOURS[place % n], GROUP_MARKERS[(place + place // n) % n])
    return found | ({OTHER: Look(GREY, ".")} if OTHER in found else {})


def new_figure(width: float = 7.2, height: float = 4.8, rows: int = 1, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure (inches) that no notebook shows by itself, and its axes row by row."""
    figure = Figure(figsize=(width, height), facecolor="white")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.spines[["left", "bottom"]].set_color(GREY)
        one.tick_params(colors=INK, labelsize=9)
    return figure, axes


def finish(figure: Figure, title: str, subtitle: str, *, top: float = 0.84, left: float = 0.1, **room: float) -> None:
    """Title and subtitle at the left, and room for them; fractions of the figure's size. Long ones become smaller."""
    width, height = (float(inches) for inches in figure.get_size_inches())
    title, size = _fitted(title, 13, 10, 0.6, width)
    figure.text(0.015, 1 - 0.12 / height, title, ha="left", va="top", fontsize=size, fontweight="bold", color=BLACK)
    subtitle, size = _fitted(subtitle, 9.5, 8, 0.57, width)
    figure.text(0.015, 1 - 0.42 / height, subtitle, ha="left", va="top", fontsize=size, color=INK)
    figure.subplots_adjust(**({"top": top, "left": left, "right": 0.97, "bottom": 0.13} | room))


def _fitted(text: str, size: float, smallest: float, wide: float, inches: float) -> tuple[str, float]:
    """The text and the size in points at which its longest line fits; cut where even the smallest size is too large.

    wide: of an average letter, in units of its size.
    """
    lines = text.split("\n")
    room = (inches - 0.2) * 72 / wide
    fitting = min(size, room / max(1, *map(len, lines)))
    most = int(room / smallest)
    return ("\n".join(cut(line, most) for line in lines), smallest) if fitting < smallest else (text, fitting)


def name_axes(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, fontsize=10, color=INK)
    axes.set_ylabel(y, fontsize=10, color=INK)


def legend(figure: Figure, axes: Axes) -> float:
    """The legend along the lower edge of the figure. Returns the height it takes, in inches."""
    handles, labels = axes.get_legend_handles_labels()
    if not labels:
        return 0.1
    columns = max(1, min(len(labels), 4, int(96 / (max(map(len, labels)) + 4))))
    figure.legend(
        handles, labels, loc="lower center", bbox_to_anchor=(0.53, 0.0), ncols=columns, frameon=False, fontsize=9,
        handletextpad=0.4, columnspacing=1.4,
    )  # fmt: skip
    return 0.15 + 0.2 * -(-len(labels) // columns)


def group_label(group: str, n: int) -> str:
    return f"{cut_middle(group, 22)} (n = {n})"


def spread_out(places: Sequence[float], gap: float, lowest: float, highest: float) -> list[float]:
    """Moves descending `places` to lie `gap` or more apart; the column stays centred and inside the range."""
    moved = list(places)
    for number in range(1, len(moved)):
        moved[number] = min(moved[number], moved[number - 1] - gap)
    if not moved:
        return moved
    shift = (sum(places) - sum(moved)) / len(moved)
    shift = max(min(shift, highest - moved[0]), lowest - moved[-1])
    return [place + shift for place in moved]


def group_sizes(groups: pd.Series) -> str:
    """`27 ALL, 11 AML`, in order of first appearance."""
    counts = groups.dropna().value_counts(sort=False)
    listed = ", ".join(f"{n} {name}" for name, n in counts.iloc[:6].items())
    return listed + (f", and {len(counts) - 6} more groups" if len(counts) > 6 else "")


def left_out_words(n_incomplete: int, n_total: int) -> str:
    """`368 of 400 genes are left out: a value is missing.`, or nothing."""
    if not n_incomplete:
        return ""
    return f"{n_incomplete:,} of {n_total:,} genes {'is' if n_incomplete == 1 else 'are'} left out: a value is missing."


def missing_warning(n_incomplete: int, n_total: int) -> str:
    """A warning where more than a third of the genes are not used because they have missing values, else nothing."""
    if 3 * n_incomplete <= n_total:
        return ""
    return (
        f"**Warning: {n_incomplete:,} of {n_total:,} genes are not used, because a value of theirs is missing.** The "
        "others, measured in every sample, are often the strongest ones; what is seen here may not hold for the rest. "
        "Leave out samples with many gaps, or fill the gaps by a method made for such data."
    )


def shown_groups(groups: pd.Series) -> tuple[pd.Series, list[str]]:
    """At most MANY_GROUPS groups and their order; smaller ones and unknown ones become `other groups`, the last."""
    largest = list(groups.value_counts().index[:MANY_GROUPS])
    shown = groups.where(groups.isin(largest), OTHER)
    order = [name for name in dict.fromkeys(shown) if name != OTHER]
    return shown, order + ([OTHER] if (shown == OTHER).any() else [])


def cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def cut_middle(text: str, longest: int) -> str:
    """As `cut`, but the end stays: names of samples and groups most often differ there."""
    end = (longest - 1) // 2
    return text if len(text) <= longest else f"{text[: longest - 1 - end].rstrip()}…{text[-end:].lstrip()}"
