"""Figures of survival: Kaplan-Meier curves with the table of those at risk, and the hazard ratios."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from codalab_nb.analysis.style import (
    BLACK,
    GREY,
    INK,
    RED,
    Look,
    Picture,
    cut,
    finish,
    looks,
    name_axes,
    new_figure,
)
from codalab_nb.analysis.survival import ALL, Curve, Survival, share_at
from codalab_nb.analysis.variables import p_words, short_names

MOST_BANDS = 4  # more bands than this hide the curves
LINES = ("-", "--", "-.", ":")  # told apart in a print without colours


def answer(found: Survival, alpha: float, unit: str = "") -> str:
    """The result in one line."""
    groups = list(found.curves)
    if len(groups) == 1:
        one = found.curves[groups[0]]
        if not np.isfinite(one.median):
            return "Fewer than half had the event"
        return f"Half are without event until {one.median:.4g} {unit}".strip()
    assert found.logrank is not None
    if found.logrank[2] >= alpha:
        named = (
            " and ".join(cut(found.called(one), 18) for one in groups) if len(groups) == 2 else f"{len(groups)} groups"
        )
        return f"No clear difference in survival between {named}"
    if len(groups) > 2:
        return f"Survival differs between the {len(groups)} groups of {cut(found.column, 24)}"
    better, worse = sorted(groups, key=lambda one: -_area(found, one))
    return f"Longer survival in {cut(found.called(better), 20)} than in {cut(found.called(worse), 20)}"


def median_words(found: Survival, group: str, unit: str) -> str:
    """`median 426 days (95 % interval 348 to 550)`"""
    one = found.curves[group]
    if not np.isfinite(one.median):
        return "median not reached"
    high = f"{one.median_high:.4g}" if np.isfinite(one.median_high) else "open"
    return f"median {one.median:.4g}{' ' + unit if unit else ''} (95 % interval {one.median_low:.4g} to {high})"


def kaplan_meier(found: Survival, alpha: float, unit: str) -> Picture:
    """Share without event over time, one step curve per group, ticks where a sample was watched no longer."""
    title = answer(found, alpha, unit)
    groups = list(found.curves)
    n_rows = len(groups)
    height = 5.0 + 0.2 * n_rows
    figure, (axes,) = new_figure(7.4, height)
    style = looks(groups)
    for number, (group, one) in enumerate(found.curves.items()):
        _steps(axes, one, style[group], LINES[number % len(LINES)], band=len(groups) <= MOST_BANDS)
        mine = (found.groups == group).to_numpy()
        left = found.durations[mine & ~found.happened]
        axes.plot(left, share_at(one, left), linestyle="", marker="|", color=style[group].colour, markersize=7)
        if np.isfinite(one.median):
            axes.plot([0, one.median, one.median], [0.5, 0.5, 0], color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
    end = float(found.durations.max())
    axes.set_xlim(0, end * 1.02)
    axes.set_ylim(0, 1.03)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    named = short_names([found.called(group) for group in groups], 16)
    _direct_labels(axes, found, named, style)
    _risk_table(axes, found, named, style, height)
    name_axes(axes, cut(found.time, 30) + (f" ({unit})" if unit and unit != found.time else ""), "without event")
    tested = (
        "" if found.logrank is None else f"Log-rank test: χ² = {found.logrank[0]:.2f}, {p_words(found.logrank[2])}. "
    )
    bands = "Bands: 95 % confidence. " if len(groups) <= MOST_BANDS else ""
    under = f"{tested}{_sizes(found, ALL) if groups == [ALL] else ''}\n{bands}Ticks: watched no longer. Dashed: median."
    finish(figure, title, under, top=1 - 0.95 / height, bottom=(0.95 + 0.2 * n_rows) / height, left=0.22)
    listed = "; ".join(f"{found.called(group)}: {median_words(found, group, unit)}, n = {one.n}, {one.events} events"
                       for group, one in found.curves.items())  # fmt: skip
    return Picture(figure, title, f"{title}. {tested}Kaplan-Meier curves over {found.time}. {listed}.")


def hazard_ratios(found: Survival, alpha: float) -> Picture:
    """The Cox model's ratios with 95 % intervals on a logarithmic axis; 1 means no influence."""
    assert found.cox is not None
    table = found.cox.table
    clear = table["p"] < alpha
    n_clear = int(clear.sum())
    title = (
        f"{n_clear} of {len(table)} influences on the risk are clear"
        if len(table) > 1
        else f"The risk {'differs' if n_clear else 'does not clearly differ'} between the groups"
    )
    names = short_names([str(name) for name in table.index], 34)
    height = 1.95 + 0.36 * len(table)
    figure, (axes,) = new_figure(7.6, height)
    place = np.arange(len(table))
    low, high = table["low_95"].clip(1e-3, 1e3), table["high_95"].clip(1e-3, 1e3)
    for mine, colour, marker in ((clear.to_numpy(), RED, "o"), (~clear.to_numpy(), GREY, "s")):
        axes.hlines(place[mine], low[mine], high[mine], color=colour, linewidth=2)
        axes.scatter(
            table["hazard_ratio"].clip(1e-3, 1e3)[mine], place[mine], color=colour, marker=marker, s=36, zorder=3
        )
    axes.axvline(1, color=BLACK, linewidth=0.9)
    axes.set_xscale("log")
    _ratio_ticks(axes, float(low.min()), float(high.max()))
    axes.set_yticks(place, names, fontsize=9)
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    for at, (ratio, p) in enumerate(zip(table["hazard_ratio"], table["p"], strict=True)):
        axes.annotate(f"{ratio:.3g}, {p_words(float(p))}", (1, at), xycoords=("axes fraction", "data"), xytext=(4, 0),
                      textcoords="offset points", fontsize=8.5, va="center", color=INK)  # fmt: skip
    name_axes(axes, "hazard ratio (logarithmic scale): left of 1 lower risk, right of 1 higher risk", "")
    under = "Risk of the event at any time; of numbers, for one unit more. Bars: 95 % confidence intervals.\n"
    under += f"Each with the others held equal. n = {found.cox.n}, {found.cox.events} events. Orange: clear."
    widest = max(map(len, names))
    finish(figure, title, under, top=1 - 0.95 / height, bottom=0.6 / height, left=min(0.45, 0.04 + 0.0105 * widest),
           right=0.8)  # fmt: skip
    told = "; ".join(
        f"{name}: {row['hazard_ratio']:.3g} ({row['low_95']:.3g} to {row['high_95']:.3g}), {p_words(row['p'])}"
        for name, row in table.iterrows()
    )
    return Picture(figure, title, f"{title}. Hazard ratios with 95 % intervals: {told}.")


def _area(found: Survival, group: str) -> float:
    """Area under the curve up to the last time that both groups reach: the mean time without event until then."""
    end = min(float(found.durations[(found.groups == one).to_numpy()].max()) for one in found.curves)
    one = found.curves[group]
    times = np.append(one.times[one.times < end], end)
    return float((np.diff(times) * one.share[: len(times) - 1]).sum())


def _sizes(found: Survival, group: str) -> str:
    return f"n = {found.curves[group].n}, {found.curves[group].events} events"


def _steps(axes: Axes, one: Curve, look: Look, line: str, *, band: bool) -> None:
    axes.step(one.times, one.share, where="post", color=look.colour, linewidth=1.8, linestyle=line)
    if band:
        axes.fill_between(one.times, one.low, one.high, step="post", color=look.colour, alpha=0.14, linewidth=0)


def _direct_labels(axes: Axes, found: Survival, named: list[str], style: dict[str, Look]) -> None:
    """Names at the upper right in the order of the curves, so that no legend has to be looked up."""
    if list(found.curves) == [ALL]:
        return
    ordered = sorted(zip(found.curves, named, strict=True), key=lambda pair: -_area(found, pair[0]))
    for number, (group, name) in enumerate(ordered):
        axes.annotate(
            f"{name} ({_sizes(found, group)})",
            (0.99, 0.99 - 0.062 * number), xycoords="axes fraction", ha="right", va="top", fontsize=9.5,
            color=style[group].colour, fontweight="bold",
        )  # fmt: skip


def _risk_table(axes: Axes, found: Survival, named: list[str], style: dict[str, Look], height: float) -> None:
    end = axes.get_xlim()[1]
    ticks = [tick for tick in axes.get_xticks() if 0 <= tick <= end]
    axes.set_xticks(ticks)
    inch = 1 / (height - 0.95 - 0.95 - 0.2 * len(named))  # of the axes, in fractions of its height
    start = -0.62 * inch
    axes.annotate("Still at risk", (-0.05, start), xycoords="axes fraction", ha="right", va="center", fontsize=9,
                  color=INK)  # fmt: skip
    for number, (group, name) in enumerate(zip(found.curves, named, strict=True)):
        down = start - 0.2 * inch * (number + (0 if group == ALL else 1))
        if group != ALL:
            axes.annotate(name, (-0.05, down), xycoords="axes fraction", ha="right", va="center", fontsize=9,
                          color=style[group].colour)  # fmt: skip
        for tick, n in zip(ticks, found.at_risk(group, np.asarray(ticks)), strict=True):
            axes.annotate(
                f"{n}", (tick, down), xycoords=("data", "axes fraction"), ha="center", va="center", fontsize=9,
                color=style[group].colour if group != ALL else INK, annotation_clip=False,
            )  # fmt: skip


def _ratio_ticks(axes: Axes, low: float, high: float) -> None:
    known = [0.001, 0.01, 0.05, 0.1, 0.2, 0.33, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 100, 1000]
    low, high = min(low, 0.7) / 1.1, max(high, 1.4) * 1.1
    inside = [tick for tick in known if low <= tick <= high]
    while len(inside) > 9:
        inside = [tick for number, tick in enumerate(inside) if tick == 1 or number % 2 == 0]
    axes.set_xlim(low, high)
    axes.set_xticks(inside, [f"{tick:g}" for tick in inside])
    axes.minorticks_off()
