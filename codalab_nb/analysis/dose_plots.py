"""Figures of dose and response: every value, the curves with their bands, and the half-effect doses."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from scipy import stats

from codalab_nb.analysis.dose import ALL, DoseResponse
from codalab_nb.analysis.dose_models import Floats
from codalab_nb.analysis.style import (
    BLACK,
    GREY,
    INK,
    Picture,
    cut,
    finish,
    group_label,
    legend,
    looks,
    name_axes,
    new_figure,
)
from codalab_nb.analysis.variables import p_words


def told(found: DoseResponse, group: str) -> str:
    """`Km = 0.0641 (95 % interval 0.0481 to 0.0855)`"""
    one = found.fits[group]
    half = found.half
    return f"{half} = {one.estimates[half]:.3g} (95 % interval {one.low[half]:.3g} to {one.high[half]:.3g})"


def answer(found: DoseResponse, alpha: float) -> str:
    """The result in one line."""
    groups = list(found.fits)
    if all(one.effect_p >= alpha for one in found.fits.values()):
        return f"No clear effect of the dose on {cut(found.measured.label, 24)}"
    if len(groups) == 1:
        group = groups[0]
        where = "" if group == ALL else f" in {cut(group, 20)}"
        return f"{found.half} of {cut(found.measured.label, 24)}{where}: {found.fits[group].estimates[found.half]:.3g}"
    assert found.same_half_p is not None
    assert found.same_curve_p is not None
    what = cut(found.measured.label, 24)
    named = " and ".join(cut(group, 16) for group in groups) if len(groups) == 2 else f"the {len(groups)} groups"
    if found.same_half_p < alpha:
        return f"The {found.half} differs between {named}"
    if found.same_curve_p < alpha:
        return f"The curves differ between {named}, the {found.half} not clearly"
    return f"No clear difference in {what} between {named}"


def curves(found: DoseResponse, alpha: float) -> Picture:
    """The first figure: dots, curves with 95 % bands, half-effect doses as vertical lines."""
    title = answer(found, alpha)
    figure, (axes,) = new_figure(7.4, 5.2)
    log = _log_axis(found)
    zero_at = _zero_at(found.doses, log)
    style = looks(list(found.fits))
    grid = _grid(found.doses, log)
    for group, one in found.fits.items():
        colour, marker = style[group]
        doses, response = found.of(group)
        label = group_label(group, len(doses)) if group != ALL else f"n = {len(doses)}"
        low, high = one.band(grid)
        axes.fill_between(grid, low, high, color=colour, alpha=0.16, linewidth=0)
        axes.plot(grid, one.predict(grid), color=colour, linewidth=1.8)
        axes.scatter(_placed(doses, zero_at), response, s=30, color=colour, marker=marker, alpha=0.8, linewidth=0.4,
                     edgecolor="white", label=label, zorder=3)  # fmt: skip
        half = one.estimates[found.half]
        if one.inside:
            bottom = float(one.predict(np.array([half]))[0])
            axes.plot([half, half], [_floor(found), bottom], color=colour, linewidth=1.1, linestyle=(0, (4, 3)))
            axes.scatter([half], [bottom], s=60, facecolor="white", edgecolor=colour, linewidth=1.6, zorder=4,
                         marker=marker)  # fmt: skip
    axes.set_ylim(bottom=_floor(found))
    _dose_axis(axes, found, log, zero_at)
    axes.set_ylabel(cut(found.measured.axis, 48), fontsize=10, color=INK)
    below = legend(figure, axes)
    lines = [told(found, group) + ("" if group == ALL else f" in {cut(group, 22)}") for group in list(found.fits)[:3]]
    under = "\n".join(["Bands: 95 % confidence of the curve. Dashed, open mark: dose of half the effect.", *lines])
    room = (0.75 + 0.18 * len(lines)) / 5.2
    finish(figure, title, under, top=1 - room, bottom=(below + 0.5) / 5.2, left=0.12)
    listed = "; ".join(f"{'' if group == ALL else group + ': '}{told(found, group)}" for group in found.fits)
    tested = "" if found.same_half_p is None else f" One {found.half} for all groups: {p_words(found.same_half_p)}."
    return Picture(figure, title, f"{title}. {found.model.title} curve over {found.dose}. {listed}.{tested}")


def residuals(found: DoseResponse) -> Picture:
    """What the curve leaves over at each dose: it should scatter around zero without a pattern."""
    pattern = has_pattern(found)
    title = "The curve misses a pattern in the values" if pattern else "The curve follows the values"
    figure, (axes,) = new_figure(7.4, 3.9)
    log = _log_axis(found)
    zero_at = _zero_at(found.doses, log)
    style = looks(list(found.fits))
    for group, one in found.fits.items():
        doses, response = found.of(group)
        axes.scatter(_placed(doses, zero_at), response - one.predict(doses), s=26, color=style[group].colour,
                     marker=style[group].marker, alpha=0.8, linewidth=0,
                     label=None if group == ALL else group_label(group, len(doses)))  # fmt: skip
    axes.axhline(0, color=BLACK, linewidth=0.9)
    _dose_axis(axes, found, log, zero_at)
    axes.set_ylabel("value minus curve", fontsize=10, color=INK)
    below = legend(figure, axes)
    finish(figure, title, "Each dot is a value: above the line, it is higher than the curve says.",
           top=0.8, bottom=(below + 0.5) / 3.9, left=0.12)  # fmt: skip
    return Picture(figure, title, f"{title}. Values minus the fitted curve over {found.dose}.")


def has_pattern(found: DoseResponse) -> bool:
    """Lack of fit: the means at the doses lie further from the curve than repeats explain (F test, p < 0.01).

    Only where doses were repeated; without repeats nothing can be said and it is False.
    """
    lack, pure, df_lack, df_pure = 0.0, 0.0, 0, 0
    for group, one in found.fits.items():
        doses, response = found.of(group)
        for dose in np.unique(doses):
            mine = response[doses == dose]
            lack += len(mine) * float(mine.mean() - one.predict(np.array([dose]))[0]) ** 2
            pure += float(((mine - mine.mean()) ** 2).sum())
            df_lack, df_pure = df_lack + 1, df_pure + len(mine) - 1
        df_lack -= len(one.parameters)
    if df_lack < 1 or df_pure < 3 or pure <= 0:
        return False
    return bool(stats.f.sf(lack / df_lack / (pure / df_pure), df_lack, df_pure) < 0.01)


def _log_axis(found: DoseResponse) -> bool:
    positive = found.doses[found.doses > 0]
    return found.model.name == "4pl" and float(positive.max() / positive.min()) > 10


def _zero_at(doses: Floats, log: bool) -> float | None:
    """Where dose 0 is drawn on a logarithmic axis: left of the smallest dose."""
    return float(doses[doses > 0].min()) / 4 if log and bool((doses == 0).any()) else None


def _placed(doses: Floats, zero_at: float | None) -> Floats:
    return doses if zero_at is None else np.where(doses > 0, doses, zero_at)


def _grid(doses: Floats, log: bool) -> Floats:
    positive = doses[doses > 0]
    if log:
        return np.geomspace(float(positive.min()) / 2, float(positive.max()) * 1.5, 200)
    return np.linspace(0, float(doses.max()) * 1.04, 200)


def _floor(found: DoseResponse) -> float:
    low, high = float(found.response.min()), float(found.response.max())
    if found.model.name == "michaelis-menten":  # it starts at 0
        low, high = min(low, 0.0), max(high, 0.0)
        return low - 0.1 * (high - low) * (low < 0)
    return low - 0.1 * (high - low)


def _dose_axis(axes: Axes, found: DoseResponse, log: bool, zero_at: float | None) -> None:
    name_axes(axes, found.dose + (" (logarithmic scale)" if log else ""), "")
    if not log:
        return
    axes.set_xscale("log")
    if zero_at is not None:
        low, high = float(found.doses[found.doses > 0].min()), float(found.doses.max())
        ticks = [tick for tick in axes.get_xticks() if low / 1.01 <= tick <= high * 1.01]
        axes.set_xticks([zero_at, *ticks], ["0", *(f"{tick:g}" for tick in ticks)])
        axes.minorticks_off()
        axes.axvline(zero_at * 1.6, color=GREY, linewidth=0.8, linestyle=":")  # the axis is broken here
        axes.set_xlim(zero_at / 1.6, high * 1.6)
