"""Figures of groups: every value with mean and interval, and the differences of all pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from scipy import stats

from codalab_nb.analysis.groups import GroupComparison
from codalab_nb.analysis.groups_choice import RANKS
from codalab_nb.analysis.groups_tests import Floats
from codalab_nb.analysis.style import (
    BLACK,
    GREY,
    INK,
    LIGHT,
    RED,
    Picture,
    cut,
    finish,
    legend,
    looks,
    name_axes,
    new_figure,
)
from codalab_nb.analysis.variables import p_words, short_names

MOST_BRACKETS = 4
MOST_PAIRS = 20


def answer(found: GroupComparison, alpha: float) -> str:
    """The result in one line."""
    what = cut(found.measured.label, 28)
    p = found.p
    if found.screen is not None and p >= alpha:
        between = " and ".join(cut(one, 18) for one in found.levels)
        between = between if len(found.levels) == 2 else f"the {len(found.levels)} groups"
        return f"No clear difference between {between} in any of {found.tested:,} measurements"
    if found.two is not None and found.two.interaction_p < alpha:
        return f"What {cut(found.column, 20)} does to {what} depends on {cut(found.two.second, 20)}"
    if len(found.levels) == 2:
        reference, other = found.levels
        if p >= alpha:
            return f"No clear difference in {what} between {cut(reference, 18)} and {cut(other, 18)}"
        higher = found.pairs["difference"].iloc[0] > 0 if found.two is None else _centre_difference(found) > 0
        return f"{what} is {'higher' if higher else 'lower'} in {cut(other, 18)} than in {cut(reference, 18)}"
    if p >= alpha:
        return f"No clear difference in {what} between the {len(found.levels)} groups"
    return f"{what} differs between the {len(found.levels)} groups"


def dots(found: GroupComparison, alpha: float) -> Picture:
    """Every value a dot, mean (or median) with its 95 % interval beside it, brackets over pairs that differ."""
    title = answer(found, alpha)
    k = len(found.levels)
    width = min(11.0, max(7.2, 1.6 + 0.85 * k))
    short = short_names(found.levels, 22)
    longest = max(map(len, short))
    crowded = longest * k * 0.085 > width - 1.5
    height = 5.6 if crowded else 4.9
    figure, (axes,) = new_figure(width, height)
    middle = "median" if found.choice.kind == RANKS else "mean"
    if found.two is not None:
        _two_factor_dots(axes, found)
    else:
        _one_factor_dots(axes, found)
    between = " (n = {})" if crowded else "\nn = {}"
    names = [name + between.format(len(one)) for name, one in zip(short, found.samples(), strict=True)]
    axes.set_xticks(range(k), names, rotation=35 if crowded else 0, ha="right" if crowded else "center", fontsize=9)
    axes.set_xlim(-0.6, k - 0.4)
    if found.two is None:
        _brackets(axes, found, alpha)
    name_axes(axes, "", cut(found.measured.axis, 48))
    each = "Each dot is one value" + (", each line a subject" if found.pair else "")
    if found.averaged:
        each = f"Each dot is the mean of one {cut(found.averaged, 20)}"
    under = f"{each}; black: {middle} and its 95 % interval.\n{_tested(found)}."
    if found.screen is not None:
        shown = "what comes closest" if found.p >= alpha else "the surest"
        under = f"Shown: {shown} of {found.tested:,} measurements. {under}"
    below = legend(figure, axes) if found.two is not None else 0.0
    bottom = below + (0.55 + 0.038 * (longest + 9) if crowded else 0.62)
    finish(figure, title, under, top=1 - 0.95 / height, bottom=bottom / height, left=(1.3 if crowded else 0.85) / width)
    listed = ", ".join(f"{level} {_centre(found, one):.4g} (n = {len(one)})"
                       for level, one in zip(found.levels, found.samples(), strict=True))  # fmt: skip
    differ = found.pairs[found.pairs["p_adjusted"] < alpha]
    text = f"{title}. {_tested(found)}. {middle.capitalize()} of {found.measured.axis}: {listed}."
    if len(differ) and k > 2:
        text += " Pairs that differ: " + "; ".join(
            f"{row['direction']} ({p_words(row['p_adjusted'])})" for _, row in differ.head(5).iterrows()
        ) + "."  # fmt: skip
    return Picture(figure, title, text)


def differences(found: GroupComparison, alpha: float) -> Picture:
    """All pairs of groups, the difference and its simultaneous 95 % interval; the surest first."""
    table = found.pairs.assign(place=range(len(found.pairs)))
    shown = table.nsmallest(MOST_PAIRS, "p_adjusted") if len(table) > MOST_PAIRS else table
    n_clear = int((table["p_adjusted"] < alpha).sum())
    what = cut(found.measured.label, 30)
    if len(table) == 1:
        title = f"How large the difference in {what} is"
    else:
        counted = "no pair" if not n_clear else f"{n_clear} of {len(table)} pairs"
        title = f"{counted.capitalize()} of groups clearly differ{'s' if n_clear == 0 else ''} in {what}"
    height = 1.9 + 0.34 * len(shown)
    short = dict(zip(found.levels, short_names(found.levels, 20), strict=True))
    names = [_pair_name(found, row, short) for _, row in shown.iterrows()]
    widest = max(map(len, names))
    width = 7.6
    figure, (axes,) = new_figure(width, height)
    place = np.arange(len(shown))
    for mine, colour, marker, label in (
        ((shown["p_adjusted"] < alpha).to_numpy(), RED, "o", "clear difference"),
        ((shown["p_adjusted"] >= alpha).to_numpy(), GREY, "s", "not clear"),
    ):
        part = shown[mine]
        if part.empty:
            continue
        axes.hlines(place[mine], part["low_95"], part["high_95"], color=colour, linewidth=2)
        axes.scatter(part["difference"], place[mine], color=colour, marker=marker, s=34, zorder=3, label=label)
    axes.axvline(0, color=BLACK, linewidth=0.9)
    axes.set_yticks(place, names, fontsize=8.5)
    for at, p in zip(place, shown["p_adjusted"], strict=True):
        axes.annotate(
            p_words(float(p)), (1, float(at)), xycoords=("axes fraction", "data"), xytext=(4, 0),
            textcoords="offset points", fontsize=8.5, va="center", color=INK,
        )  # fmt: skip
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    name_axes(axes, cut(f"difference in {found.measured.axis}", 70), "")
    more = f" The surest {MOST_PAIRS} of {len(table)} pairs." if len(shown) < len(table) else ""
    under = "Right of the black line: higher in the group named first.\nBars: 95 % confidence intervals"
    under += f", corrected for looking at {len(table)} pairs.{more}" if len(table) > 1 else "."
    below = legend(figure, axes)
    finish(
        figure, title, under, top=1 - 0.95 / height, bottom=(below + 0.5) / height,
        left=min(0.5, (0.3 + 0.068 * widest) / width), right=0.87,
    )  # fmt: skip
    best = "; ".join(f"{row['direction']}: {row['difference']:+.3g} ({row['low_95']:.3g} to {row['high_95']:.3g})"
                     for _, row in shown.head(5).iterrows())  # fmt: skip
    return Picture(figure, title, f"{title}. Differences in {found.measured.axis} with 95 % intervals: {best}.")


def _tested(found: GroupComparison) -> str:
    text = f"{found.omnibus.name[0].upper()}{found.omnibus.name[1:]}: {p_words(found.p)}"
    if found.two is not None:
        terms = found.two.terms
        told = [cut(found.column, 20), cut(found.two.second, 20), "interaction"]
        text = "; ".join(f"{name} {p_words(float(p))}" for name, p in zip(told, terms["p"], strict=True))
        return f"Two-way ANOVA: {text}"
    if found.screen is not None:
        text += f", adjusted for all {found.tested:,}"
    return text


def _centre(found: GroupComparison, values: Floats) -> float:
    return float(np.median(values) if found.choice.kind == RANKS else values.mean())


def _centre_difference(found: GroupComparison) -> float:
    first, second = found.samples()
    return _centre(found, second) - _centre(found, first)


def interval(values: Floats, *, median: bool) -> tuple[float, float, float]:
    """Mean and t interval, or median and the interval between two ordered values (binomial); 95 %."""
    n = len(values)
    if not median:
        reach = float(stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
        return float(values.mean()), float(values.mean()) - reach, float(values.mean()) + reach
    ordered = np.sort(values)
    rank = max(int(stats.binom.ppf(0.025, n, 0.5)) - 1, 0)
    return float(np.median(values)), float(ordered[rank]), float(ordered[n - 1 - rank])


def _one_factor_dots(axes: Axes, found: GroupComparison) -> None:
    samples = found.samples()
    style = looks(found.levels)
    if found.pair:
        blocks = np.array(samples)
        axes.plot(np.arange(len(samples)) - 0.14, blocks, color=LIGHT, linewidth=0.9, zorder=1)
    for place, (level, values) in enumerate(zip(found.levels, samples, strict=True)):
        many = len(values) > 80
        jitter = np.full(len(values), -0.14) if found.pair else _spread(values) - 0.14
        axes.scatter(
            place + jitter, values, s=9 if many else 26, alpha=0.45 if many else 0.75, color=style[level].colour,
            marker=style[level].marker, linewidth=0, zorder=2, rasterized=len(values) > 2000,
        )  # fmt: skip
        _mark(axes, place + 0.22, values, median=found.choice.kind == RANKS)


def _two_factor_dots(axes: Axes, found: GroupComparison) -> None:
    assert found.two is not None
    two = found.two
    style = looks(two.second_levels)
    n = len(two.second_levels)
    step = 0.7 / n
    for number, other in enumerate(two.second_levels):
        colour, marker = style[other]
        shift = (number - (n - 1) / 2) * step
        centres = []
        for place, level in enumerate(found.levels):
            mine = two.values[(two.second_groups == other) & (two.first_groups == level)]
            label = f"{two.second}: {other}" if place == 0 else None
            axes.scatter(
                place + shift + _spread(mine, 0.22 * step), mine, s=24 if len(mine) <= 80 else 9, alpha=0.6,
                color=colour, marker=marker, linewidth=0, label=label,
            )  # fmt: skip
            _mark(axes, place + shift + 0.34 * step, mine, median=False, wide=0.06)
            centres.append(float(mine.mean()))
        axes.plot(np.arange(len(found.levels)) + shift + 0.34 * step, centres, color=colour, linewidth=1.2, alpha=0.7)


def _mark(axes: Axes, place: float, values: Floats, *, median: bool, wide: float = 0.1) -> None:
    middle, low, high = interval(values, median=median)
    axes.vlines(place, low, high, color=BLACK, linewidth=1.6, zorder=3)
    axes.hlines(middle, place - wide, place + wide, color=BLACK, linewidth=2.4, zorder=3)


def _spread(values: Floats, reach: float = 0.17) -> Floats:
    """Sideways places by the golden ratio in order of size: dots of similar height lie apart, the same in every run."""
    places = np.empty(len(values))
    places[np.argsort(values, kind="stable")] = (np.arange(len(values)) * 0.618034) % 1.0
    return (places - 0.5) * 2 * reach if len(values) > 1 else np.zeros(len(values))


def _brackets(axes: Axes, found: GroupComparison, alpha: float) -> None:
    clear = found.pairs[found.pairs["p_adjusted"] < alpha]
    if len(found.levels) == 2:
        clear = found.pairs
    if not 0 < len(clear) <= MOST_BRACKETS:
        return
    low, high = float(found.values.min()), float(found.values.max())
    step = 0.085 * max(high - low, 1e-12)
    place = {level: number for number, level in enumerate(found.levels)}
    spans = []
    for _, row in clear.iterrows():
        left, right = sorted((place[row["group"]], place[row["compared_with"]]))
        spans.append((left, right, float(row["p_adjusted"])))
    ordered = sorted(spans, key=lambda one: one[1] - one[0])
    for number, (left, right, p) in enumerate(ordered):
        top = high + step * (0.7 + 1.35 * number)
        axes.add_line(Line2D([left, left, right, right], [top - step / 4, top, top, top - step / 4],
                             color=INK, linewidth=0.9))  # fmt: skip
        axes.annotate(
            p_words(p), ((left + right) / 2, top), xytext=(0, 1), textcoords="offset points", ha="center",
            va="bottom", fontsize=8.5, color=INK,
        )  # fmt: skip
    axes.set_ylim(low - step, high + step * (0.9 + 1.35 * len(ordered)))


def _pair_name(found: GroupComparison, row: pd.Series, short: dict[str, str]) -> str:
    name = f"{short[row['group']]} − {short[row['compared_with']]}"
    return f"{cut(str(row[found.two.second]), 14)}: {name}" if found.two is not None else name
