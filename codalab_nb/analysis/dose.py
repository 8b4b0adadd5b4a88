"""How a response follows a dose: a curve for each group, the dose of half the effect, and whether groups share it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize, stats

from codalab_nb.analysis.dose_models import MODELS, Fit, Floats, Model, fit
from codalab_nb.analysis.expression import AnalysisError, ExpressionSet
from codalab_nb.analysis.limma import benjamini_hochberg
from codalab_nb.analysis.variables import Candidates, Measured, candidates, natural_order, numbers

LEAST_DOSES = 4
MOST_GROUPS = 8
ALL = "all values"


@dataclass(frozen=True)
class DoseResponse:
    """doses, response, groups: one entry per value used; groups is `all values` without a column of groups.

    fits: by group, in order, the reference first. same_curve_p, same_half_p: extra sum of squares F tests, None for
    one group. compared: one row per group against the first, the ratio of the half-effect doses.
    """

    measured: Measured
    dose: str
    column: str
    doses: Floats
    groups: pd.Series
    response: Floats
    model: Model
    why: str
    fits: dict[str, Fit]
    same_curve_p: float | None
    same_half_p: float | None
    compared: pd.DataFrame
    screen: pd.DataFrame | None
    notes: tuple[str, ...]

    @property
    def half(self) -> str:
        """`EC50` or `Km`."""
        return self.model.names[self.model.half]

    def of(self, group: str) -> tuple[Floats, Floats]:
        mine = (self.groups == group).to_numpy()
        return self.doses[mine], self.response[mine]


def dose_response(
    data: ExpressionSet,
    *,
    dose: str = "",
    response: str = "",
    group: str = "",
    model: str = "auto",
    dose_scale: str = "plain",
) -> DoseResponse:
    """Fits `response` (a column, or a gene; empty: the one that follows the dose most closely) over `dose`.

    `dose_scale`: log10 where the file holds logarithms of doses. Raises AnalysisError.
    """
    given = numbers(data, dose, "dose")
    column = group or ""
    if column == given.name:
        raise AnalysisError(f"{column!r} holds the doses; choose another column for the groups, or none.")
    amounts = _amounts(given, dose_scale)
    groups = data.groups(column) if column else pd.Series(ALL, index=data.samples.index)
    roles = [str(one["name"]) for one in data.profile["columns"] if one["role"]]
    found = candidates(data, [str(given.name), column, *([] if response else roles)], asked=response)
    screened = None
    if response:
        measured = found.one(response)
    elif len(found.table) > 1:
        screened = _screen(found, amounts)
        if screened["p"].isna().all():
            raise AnalysisError("No measurement varies over the doses, so there is no curve to fit.")
        measured = found.one(str(screened.index[0]))
    else:
        measured = found.one(str(found.table.index[0]))
    use = (amounts.notna() & measured.values.notna() & groups.notna()).to_numpy()
    notes = [f"{int((~use).sum())} {data.sample_word} lack a dose, a response or a group and were left out."]
    notes = notes if not use.all() else []
    doses, values = amounts.to_numpy(np.float64)[use], measured.values.to_numpy(np.float64)[use]
    kept = groups[use]
    levels, left_out = _levels(data, column, doses, kept)
    notes += left_out
    parts = {level: (doses[(kept == level).to_numpy()], values[(kept == level).to_numpy()]) for level in levels}
    chosen, why, fits, failed = _fit_all(parts, model)
    notes += failed
    same_curve, same_half = _shared(chosen, {level: parts[level] for level in fits}, fits)
    inside = kept.isin(list(fits)).to_numpy()
    return DoseResponse(
        measured, str(given.name), column, doses[inside], kept[inside], values[inside], chosen, why, fits, same_curve,
        same_half, _ratios(chosen, fits), screened, tuple(notes),
    )  # fmt: skip


def parameter_table(found: DoseResponse) -> pd.DataFrame:
    """One row per group and parameter: estimate, standard error, 95 % limits."""
    rows = [
        {
            "group": group,
            "parameter": name,
            "estimate": one.estimates[name],
            "standard_error": one.errors[name],
            "low_95": one.low[name],
            "high_95": one.high[name],
            "values": one.df + len(one.parameters),
        }
        for group, one in found.fits.items()
        for name in found.model.names
    ]
    return pd.DataFrame(rows)


def _amounts(given: pd.Series, dose_scale: str) -> pd.Series:
    if dose_scale == "log10":
        amounts = pd.Series(10.0 ** given.to_numpy(np.float64), index=given.index, name=given.name)
    elif dose_scale == "plain":
        amounts = given
        if (given < 0).any():
            raise AnalysisError(
                f"{given.name!r} has doses below 0 ({given.min():g}). If these are logarithms, set `dose_scale` to "
                "log10; else correct the file."
            )
    else:
        raise AnalysisError(f"`dose_scale` is plain or log10, not {dose_scale!r}.")
    different = int(amounts.nunique())
    if different < LEAST_DOSES:
        raise AnalysisError(
            f"{given.name!r} has {different} different dose{'' if different == 1 else 's'}; a curve needs "
            f"{LEAST_DOSES} or more. Compare the doses as groups instead (method compare-groups)."
        )
    return amounts


def _levels(data: ExpressionSet, column: str, doses: Floats, groups: pd.Series) -> tuple[list[str], list[str]]:
    order = natural_order(dict.fromkeys(groups))
    if len(order) > MOST_GROUPS:
        raise AnalysisError(f"{column!r} has {len(order)} groups; at most {MOST_GROUPS} curves can be told apart.")
    counts = {level: len(np.unique(doses[(groups == level).to_numpy()])) for level in order}
    levels = [level for level in order if counts[level] >= LEAST_DOSES]
    notes = [
        f"Group {level} has only {counts[level]} different doses and was left out." for level in order
        if level not in levels
    ]  # fmt: skip
    if not levels:
        raise AnalysisError(f"No group has {LEAST_DOSES} different doses with a response; a curve needs them.")
    known = data.profile["reference"]
    if known and known["column"] == column and known["level"] in levels:
        levels.sort(key=lambda level: level != known["level"])
    return levels, notes


def _fit_all(parts: dict[str, tuple[Floats, Floats]], asked: str) -> tuple[Model, str, dict[str, Fit], list[str]]:
    """The model (the asked one, or the one with the smaller sum of AICc), why, and the fits that were possible."""
    if asked not in ("auto", *MODELS):
        raise AnalysisError(f"There is no model {asked!r}; choose one of auto, {', '.join(MODELS)}.")
    outcomes: dict[str, tuple[dict[str, Fit], list[str]]] = {}
    for name in MODELS if asked == "auto" else (asked,):
        fits, failed = {}, []
        for level, (doses, values) in parts.items():
            try:
                fits[level] = fit(MODELS[name], doses, values)
            except AnalysisError as error:
                failed.append(str(error) if level == ALL else f"Group {level}: {error}")
        outcomes[name] = fits, failed
    most = max(len(fits) for fits, _ in outcomes.values())
    if not most:
        raise AnalysisError(next(reversed(outcomes.values()))[1][0])
    scores = {name: sum(one.aicc for one in fits.values()) for name, (fits, _) in outcomes.items() if len(fits) == most}
    name = min(scores, key=lambda one: scores[one])
    if asked != "auto":
        why = "This curve was chosen by the person who started the analysis."
    elif len(scores) > 1:
        other = next(one for one in scores if one != name)
        why = (
            f"Of two curves, {MODELS[name].title} describes the values better for its number of parameters "
            f"(AICc {scores[name]:.1f}; {MODELS[other].title} {scores[other]:.1f}; smaller is better)."
        )
    else:
        whom = " to every group" if len(parts) > 1 else ""
        why = f"This curve was taken, because the other one cannot be fitted to the values{whom}."
    return MODELS[name], why, *outcomes[name]


def _shared(
    model: Model, parts: dict[str, tuple[Floats, Floats]], fits: dict[str, Fit]
) -> tuple[float | None, float | None]:
    """p of one curve for all groups, and of one half-effect dose for all, each against a curve per group."""
    if len(fits) < 2:
        return None, None
    rss, df = sum(one.rss for one in fits.values()), sum(one.df for one in fits.values())
    k = len(model.names)
    doses, values = (np.concatenate([part[side] for part in parts.values()]) for side in (0, 1))

    def p_of(residual: float, freedom: int) -> float:
        f = max(0.0, residual - rss) / freedom / max(rss / df, 1e-300)
        return float(stats.f.sf(f, freedom, df))

    starts = [one.parameters for one in fits.values()]
    one_curve = min(_least(lambda p: model.curve(doses, p) - values, start) for start in (*starts, np.mean(starts, 0)))
    others = [place for place in range(k) if place != model.half]

    def together(p: Floats) -> Floats:
        gaps = []
        for number, (mine, response) in enumerate(parts.values()):
            full = np.empty(k)
            full[others] = p[1 + number * (k - 1) : 1 + (number + 1) * (k - 1)]
            full[model.half] = p[0]
            gaps.append(model.curve(mine, full) - response)
        return np.concatenate(gaps)

    rest = np.concatenate([start[others] for start in starts])
    halves = [float(start[model.half]) for start in starts]
    one_half = min(_least(together, np.concatenate([[half], rest])) for half in (*halves, float(np.mean(halves))))
    return p_of(one_curve, k * (len(fits) - 1)), p_of(one_half, len(fits) - 1)


def _least(gaps: Callable[[Floats], Floats], start: Floats) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        found = optimize.least_squares(gaps, start, method="lm", max_nfev=4000)
    return 2 * float(found.cost)


def _ratios(model: Model, fits: dict[str, Fit]) -> pd.DataFrame:
    """Half-effect dose of each group over that of the first, with 95 % limits made on the log scale."""
    names = list(fits)
    first = fits[names[0]]
    rows = []
    for name in names[1:]:
        one = fits[name]
        gap = float(one.parameters[model.half] - first.parameters[model.half])
        error = float(np.sqrt(one.covariance[model.half, model.half] + first.covariance[model.half, model.half]))
        reach = float(stats.t.ppf(0.975, one.df + first.df)) * error
        ends = np.exp(np.clip([gap - reach, gap + reach], -700, 700))
        p = float(2 * stats.t.sf(abs(gap) / error, one.df + first.df)) if error > 0 else 1.0
        rows.append((name, names[0], float(np.exp(gap)), float(ends[0]), float(ends[1]), p))
    half = model.names[model.half]
    return pd.DataFrame(rows, columns=["group", "compared_with", f"{half}_ratio", "low_95", "high_95", "p"])


def _screen(found: Candidates, amounts: pd.Series) -> pd.DataFrame:
    """Spearman's rank correlation of every variable with the dose; p by the t approximation, adjusted by BH."""
    table = found.table.to_numpy(np.float64)
    known = amounts.notna().to_numpy()
    complete = known & np.isfinite(table)
    rho, n = np.full(len(table), np.nan), complete.sum(axis=1)
    patterns, which = np.unique(complete, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        rows = np.flatnonzero(which.ravel() == number)
        if pattern.sum() < LEAST_DOSES:
            continue
        rank = stats.rankdata(table[np.ix_(rows, np.flatnonzero(pattern))], axis=1)
        dose = stats.rankdata(amounts.to_numpy(np.float64)[pattern])
        rank, dose = rank - rank.mean(axis=1, keepdims=True), dose - dose.mean()
        with np.errstate(invalid="ignore", divide="ignore"):
            rho[rows] = rank @ dose / np.sqrt((rank**2).sum(axis=1) * (dose**2).sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        t = rho * np.sqrt((n - 2) / np.maximum(1 - rho**2, 1e-15))
    p = np.where(np.isfinite(rho), 2 * stats.t.sf(np.abs(t), np.maximum(n - 2, 1)), np.nan)
    frame = pd.DataFrame({"rank_correlation": rho, "p": p, "n": n}, index=found.table.index)
    frame["p_adjusted"] = benjamini_hochberg(p)
    if not (found.labels == found.labels.index).all():
        frame.insert(0, "name", found.labels)
    ordered = frame.assign(_size=-frame["rank_correlation"].abs()).sort_values(["p", "_size"], kind="stable")
    return ordered.drop(columns="_size").rename_axis("measurement")
