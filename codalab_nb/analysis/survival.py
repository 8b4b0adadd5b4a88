"""Time until an event: survival curves, whether groups differ, and a Cox model with other columns beside the group.

Kaplan-Meier, log-rank and Cox are lifelines' (MIT); a sample without the event counts as long as it was watched.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from codalab_nb.analysis.expression import AnalysisError, ExpressionSet
from codalab_nb.analysis.variables import candidates, natural_order, numbers

Floats = npt.NDArray[np.float64]
MOST_GROUPS = 8
FEW_EVENTS = 10  # fewer events in a group, or for each column of a Cox model, tell little
ALL = "all"
EVENT_WORDS = ("1", "true", "yes", "event", "dead", "died", "death", "deceased", "relapse", "relapsed", "progressed")
NO_EVENT_WORDS = ("0", "false", "no", "censored", "alive", "living", "no event")
OPPOSITE = ("cens", "alive", "living", "survived")  # so begins the name of a column in which 1 says: no event
ANSWERS = frozenset({"0", "1", "2", "no", "yes", "false", "true"})


@dataclass(frozen=True)
class Curve:
    """Kaplan-Meier: share without event (with 95 % limits) from each time on; median NaN or inf: not reached."""

    times: Floats
    share: Floats
    low: Floats
    high: Floats
    median: float
    median_low: float
    median_high: float
    n: int
    events: int


@dataclass(frozen=True)
class Cox:
    """table: one row per term: hazard_ratio, low_95, high_95, p, constant_p (does the ratio stay the same over time?
    small: no). n and events used; concordance: 0.5 chance, 1 perfect order."""

    table: pd.DataFrame
    n: int
    events: int
    concordance: float


@dataclass(frozen=True)
class Survival:
    """durations, happened, groups: one entry per sample used. curves by group, in order, the reference first.

    logrank: (χ², degrees of freedom, p), None for one group. pairs: log-rank p of all pairs when there are three or
    more groups. why_no_cox: a sentence where no Cox model could be computed.
    """

    time: str
    event: str
    event_level: str
    column: str
    durations: Floats
    happened: npt.NDArray[np.bool_]
    groups: pd.Series
    curves: dict[str, Curve]
    logrank: tuple[float, int, float] | None
    pairs: pd.DataFrame
    cox: Cox | None
    why_no_cox: str
    notes: tuple[str, ...]

    def at_risk(self, group: str, times: Floats) -> npt.NDArray[np.intp]:
        """How many of the group are still watched and without event just before each time."""
        mine = np.sort(self.durations[(self.groups == group).to_numpy()])
        return len(mine) - np.searchsorted(mine, times, side="left")

    def called(self, group: str) -> str:
        """`sex 2` where the level is only a number."""
        return f"{self.column} {group}" if group.replace(".", "", 1).isdigit() else group


def event_level(levels: Sequence[str], name: str = "") -> str | None:
    """Which of two levels says that the event happened: 1 of 0/1, 2 of 1/2, `dead` of alive/dead; None: not known.

    In a column whose `name` says the opposite (censored, alive) it is 0, no or false; of 1/2 it is not known there.
    Kept equal to the rule of the profile (a test compares them).
    """
    spelled = {level.strip().casefold(): level for level in levels}
    if any(word.startswith(OPPOSITE) for word in re.split(r"[^a-z]+", name.casefold())) and set(spelled) & ANSWERS:
        return next((level for word, level in spelled.items() if word in ("0", "no", "false")), None)
    if set(spelled) == {"1", "2"}:
        return spelled["2"]
    happened = [level for word, level in spelled.items() if word in EVENT_WORDS]
    if len(happened) == 1:
        return happened[0]
    others = [level for word, level in spelled.items() if word not in NO_EVENT_WORDS]
    return others[0] if len(others) == 1 and len(spelled) == 2 else None


def survival(
    data: ExpressionSet,
    *,
    time: str = "",
    event: str = "",
    happened: str = "",
    group: str = "",
    split: str = "",
    adjust_for: str = "",
) -> Survival:
    """Compares survival between the groups of a column, or between high and low of a measurement (`split`).

    `happened`: the level of the event column that says it happened (empty: 1 of 0/1, 2 of 1/2, dead …).
    `adjust_for`: columns or genes for the Cox model, separated by commas. Raises AnalysisError.
    """
    lasted = numbers(data, time, "time")
    if (lasted < 0).any():
        raise AnalysisError(f"{lasted.name!r} has times below 0 ({lasted.min():g}). Correct the file.")
    name, level, flags = _events(data, event, happened)
    column, groups, notes = _groups(data, group, split, (str(lasted.name), name))
    use = lasted.notna() & flags.notna() & groups.notna()
    if not use.all():
        notes.append(f"{int((~use).sum())} {data.sample_word} lack a time, an event or a group and were left out.")
    levels, left_out = _levels(data, column, groups[use])
    notes += left_out
    use &= groups.isin(levels)
    durations, flagged = lasted[use].to_numpy(np.float64), flags[use].to_numpy(bool)
    kept = groups[use]
    if not flagged.any():
        raise AnalysisError(
            f"{name!r} never says {level!r} where a time is known: no event happened, so there is nothing to compare."
        )
    curves = {
        one: _curve(durations[(kept == one).to_numpy()], flagged[(kept == one).to_numpy()]) for one in levels
    }  # fmt: skip
    logrank = _logrank(durations, kept, flagged) if len(levels) > 1 else None
    covariates = _covariates(data, adjust_for, split if split else column)
    cox, why_no_cox = _cox(durations, flagged, kept, levels, column, covariates.loc[kept.index])
    return Survival(
        str(lasted.name), name, level, column, durations, flagged, kept, curves, logrank,
        _pairs(durations, flagged, kept, levels), cox, why_no_cox, tuple(notes),
    )  # fmt: skip


def share_at(curve: Curve, times: Floats) -> Floats:
    """Share without event at each time."""
    return curve.share[np.clip(np.searchsorted(curve.times, times, side="right") - 1, 0, None)]


def median_table(found: Survival) -> pd.DataFrame:
    """One row per group: samples, events, median time with 95 % limits (empty: not reached)."""
    rows = [
        {"group": group, "samples": one.n, "events": one.events, "median": one.median, "low_95": one.median_low,
         "high_95": one.median_high}
        for group, one in found.curves.items()
    ]  # fmt: skip
    return pd.DataFrame(rows).replace([np.inf, -np.inf], np.nan)


def _events(data: ExpressionSet, event: str, happened: str) -> tuple[str, str, pd.Series]:
    name = event or data.column_with_role("event") or ""
    if not name:
        raise AnalysisError("Say which column tells whether the event happened: set `event`, or give it that role.")
    spelled = data.groups(name)
    levels = natural_order(dict.fromkeys(spelled.dropna()))
    if len(levels) < 2:
        raise AnalysisError(
            f"{name!r} holds one value only ({', '.join(levels) or 'nothing'}); it must tell samples with the event "
            "from those without."
        )
    level = happened or event_level(levels, name) or ""
    if not level:
        shown = ", ".join(levels[:6]) or "nothing"
        raise AnalysisError(f"Which value of {name!r} says that the event happened? Set `happened`; it holds: {shown}.")
    if level not in levels:
        raise AnalysisError(f"{name!r} never says {level!r}; it holds: {', '.join(levels[:6])}.")
    return name, level, (spelled == level).where(spelled.notna())


def _groups(data: ExpressionSet, group: str, split: str, taken: tuple[str, str]) -> tuple[str, pd.Series, list[str]]:
    if split:
        measured = candidates(data, taken, asked=split).one(split)
        middle = float(measured.values.median())
        if not (measured.values > middle).any():
            raise AnalysisError(f"{measured.label!r} cannot be cut at its median: no value lies above {middle:g}.")
        word = np.where(measured.values > middle, "high", "low")
        groups = pd.Series(word, index=measured.values.index).where(measured.values.notna())
        note = f"{measured.label} was cut at its median: low means {middle:.4g} or less."
        return measured.label, groups, [note]
    column = group or data.column_with_role("condition") or ""
    if column in taken:
        raise AnalysisError(f"{column!r} holds the times or the events; choose another column for the groups.")
    return column, data.groups(column) if column else pd.Series(ALL, index=data.samples.index), []


def _levels(data: ExpressionSet, column: str, groups: pd.Series) -> tuple[list[str], list[str]]:
    sizes = groups.value_counts()
    order = natural_order(dict.fromkeys(groups))
    if set(order) == {"low", "high"}:
        order = ["low", "high"]
    levels = [level for level in order if sizes[level] >= 2]
    if not levels:
        raise AnalysisError("No group has two or more samples with a time and an event.")
    if len(levels) > MOST_GROUPS:
        raise AnalysisError(
            f"{column!r} has {len(levels)} groups; at most {MOST_GROUPS} can be told apart. For a measurement set "
            "`split`, which cuts it at its median."
        )
    known = data.profile["reference"]
    if known and known["column"] == column and known["level"] in levels:
        levels.sort(key=lambda level: level != known["level"])
    return levels, [f"Group {level} has one sample and was left out." for level in order if level not in levels]


def _curve(durations: Floats, happened: npt.NDArray[np.bool_]) -> Curve:
    from lifelines import KaplanMeierFitter
    from lifelines.utils import median_survival_times

    fitter = KaplanMeierFitter().fit(durations, happened)
    limits = fitter.confidence_interval_
    ends = median_survival_times(limits)
    return Curve(
        fitter.survival_function_.index.to_numpy(np.float64),
        fitter.survival_function_.iloc[:, 0].to_numpy(np.float64),
        limits.iloc[:, 0].to_numpy(np.float64),
        limits.iloc[:, 1].to_numpy(np.float64),
        float(fitter.median_survival_time_),
        float(ends.iloc[0, 0]),
        float(ends.iloc[0, 1]),
        len(durations),
        int(happened.sum()),
    )


def _logrank(durations: Floats, groups: pd.Series, happened: npt.NDArray[np.bool_]) -> tuple[float, int, float]:
    from lifelines.statistics import multivariate_logrank_test

    found = multivariate_logrank_test(durations, groups.to_numpy(), happened)
    return float(found.test_statistic), int(groups.nunique()) - 1, float(found.p_value)


def _pairs(
    durations: Floats, happened: npt.NDArray[np.bool_], groups: pd.Series, levels: Sequence[str]
) -> pd.DataFrame:
    rows = []
    n = len(levels) * (len(levels) - 1) // 2
    for place, first in enumerate(levels if len(levels) > 2 else ()):
        for second in levels[place + 1 :]:
            both = groups.isin([first, second]).to_numpy()
            chi2, _, p = _logrank(durations[both], groups[both], happened[both])
            rows.append({"group": second, "compared_with": first, "chi2": chi2, "p_adjusted": min(1.0, p * n)})
    return pd.DataFrame(rows)


def _covariates(data: ExpressionSet, adjust_for: str, column: str) -> pd.DataFrame:
    """Numbers as they are, groups as one column per level beside the most frequent; samples × terms."""
    columns: dict[str, pd.Series] = {}
    wanted = [part.strip() for part in adjust_for.split(",") if part.strip()]
    if adjust_for.strip() in data.samples.columns:
        wanted = [adjust_for.strip()]
    for name in dict.fromkeys(wanted):
        if name == column:
            continue
        if name in data.samples.columns and not pd.api.types.is_numeric_dtype(data.samples[name]):
            spelled = data.groups(name)
            levels = list(spelled.value_counts().index)
            if not 2 <= len(levels) <= MOST_GROUPS:
                raise AnalysisError(
                    f"{name!r} has {len(levels)} different texts; a Cox model needs 2 to {MOST_GROUPS}."
                )
            for level in levels[1:]:
                columns[f"{name}: {level} (against {levels[0]})"] = (
                    (spelled == level).where(spelled.notna()).astype(float)
                )
        elif name in data.samples.columns:
            columns[name] = data.samples[name].astype(np.float64)
        else:
            measured = candidates(data, asked=name).one(name)
            columns[measured.label] = measured.values
    return pd.DataFrame(columns, index=data.samples.index)


def _cox(
    durations: Floats,
    happened: npt.NDArray[np.bool_],
    groups: pd.Series,
    levels: Sequence[str],
    column: str,
    covariates: pd.DataFrame,
) -> tuple[Cox | None, str]:
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceError
    from lifelines.statistics import proportional_hazard_test

    own = {f"{column}: {level} (against {levels[0]})": (groups == level).to_numpy(float) for level in levels[1:]}
    terms = pd.concat([pd.DataFrame(own, index=groups.index), covariates], axis=1)
    complete = terms.notna().all(axis=1).to_numpy()
    terms, flags = terms[complete], happened[complete]
    varied = terms.columns[(terms.max() > terms.min()).to_numpy()] if len(terms) else terms.columns[:0]
    if not len(varied):
        return None, "" if not terms.shape[1] else "No column of the Cox model varies."
    terms = terms[varied]
    if flags.sum() <= len(varied):
        return None, f"{int(flags.sum())} events are too few for a Cox model with {len(varied)} terms."
    if np.linalg.matrix_rank(terms - terms.mean()) < len(varied):
        return None, "Two terms of the Cox model say the same (one follows from the others); leave one out."
    plain = terms.set_axis([f"x{number}" for number in range(len(varied))], axis=1)
    frame = plain.assign(duration=durations[complete], happened=flags)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # lifelines warns where groups separate completely: no ratio then
            fitter = CoxPHFitter().fit(frame, "duration", "happened")
            warnings.simplefilter("ignore")  # its test of constancy may divide by zero where events are few
            constant = proportional_hazard_test(fitter, frame, time_transform="rank").p_value
    except (ConvergenceError, Warning, np.linalg.LinAlgError):
        return None, (
            "The Cox model cannot be computed: in one group (or on one side of a column) the event hardly ever, or "
            "always, happens first. Look at the curves instead."
        )
    summary = fitter.summary
    table = pd.DataFrame(
        {
            "hazard_ratio": summary["exp(coef)"].to_numpy(),
            "low_95": summary["exp(coef) lower 95%"].to_numpy(),
            "high_95": summary["exp(coef) upper 95%"].to_numpy(),
            "p": summary["p"].to_numpy(),
            "constant_p": np.atleast_1d(constant),
        },
        index=pd.Index(varied, name="term"),
    )
    return Cox(table, len(terms), int(flags.sum()), float(fitter.concordance_index_)), ""
