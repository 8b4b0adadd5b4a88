"""Does a measurement differ between groups? One factor, independent or repeated; two factors are in `groups_two`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from codalab_nb.analysis import groups_tests as tests
from codalab_nb.analysis.expression import AnalysisError, ExpressionSet
from codalab_nb.analysis.groups_choice import MEANS, RANKS, WELCH, Choice, choose_paired, choose_test
from codalab_nb.analysis.groups_tests import Floats, Omnibus
from codalab_nb.analysis.groups_two import TwoFactors, two_factors
from codalab_nb.analysis.limma import benjamini_hochberg
from codalab_nb.analysis.pairs import AUTO, are_nested, confirmed_pair, paired_column
from codalab_nb.analysis.variables import Candidates, Measured, candidates, natural_order

MOST_GROUPS = 24
NO_SCATTER = 1e-12  # differences below such a part of the values come from the last digit of a computer
FEW_VARIABLES = 100  # up to so many variables each one gets the test that suits it; beyond, all get Welch's


@dataclass(frozen=True)
class GroupComparison:
    """values and groups: one entry per value used (of pairs: one per subject and group); levels in order, the
    reference first. pairs: one row per pair of groups. screen: one row per variable, when several were asked for."""

    measured: Measured
    column: str
    levels: list[str]
    values: Floats
    groups: pd.Series
    pair: str
    choice: Choice
    omnibus: Omnibus
    pairs: pd.DataFrame
    screen: pd.DataFrame | None
    two: TwoFactors | None
    notes: tuple[str, ...]
    averaged: str = ""  # the column of subjects whose repeats were averaged first

    def samples(self) -> list[Floats]:
        return [self.values[(self.groups == level).to_numpy()] for level in self.levels]

    @property
    def p(self) -> float:
        """Of the factor; where the measurement was picked among many, adjusted for all of them."""
        return min(1.0, (self.omnibus.p if self.two is None else self.two.first_p) * self.picked)

    @property
    def tested(self) -> int:
        """How many measurements could be tested."""
        return 1 if self.screen is None else int(self.screen["p_adjusted"].notna().sum())

    @property
    def picked(self) -> float:
        """By how much its adjusted p is larger than its p: 1 for a measurement that was asked for."""
        return _picked(self.screen)

    @property
    def still(self) -> bool:
        """No group has any scatter, so that no test can judge the difference."""
        largest = float(np.abs(self.values).max())
        return max(float(np.ptp(one)) for one in self.samples()) <= NO_SCATTER * largest

    def metrics(self, alpha: float) -> dict[str, float]:
        """What is reported as numbers; what is infinite (no scatter at all) or not known is left out."""
        told: dict[str, float] = {"p": self.p}
        if self.two is not None:
            told["interaction_p"] = self.two.interaction_p
        else:
            told |= {"statistic": self.omnibus.statistic, "effect_size": self.omnibus.effect}
        told |= {"pairs_different": int((self.pairs["p_adjusted"] < alpha).sum()), "values": len(self.values)}
        if self.screen is not None:
            told["measurements_different"] = int((self.screen["p_adjusted"] < alpha).sum())
        return {name: value for name, value in told.items() if np.isfinite(value)}


def compare_groups(
    data: ExpressionSet,
    *,
    value: str = "",
    group: str = "",
    second: str = "",
    pair: str = "",
    test: str = "auto",
) -> GroupComparison:
    """Compares one measurement (`value`; empty: every one, and the surest is shown) between the groups of a column.

    `second`: a second factor, taken into account. `pair`: the column that names the subject of repeated measurements;
    subjects which are in one group only are averaged first, each then counts once; auto: the confirmed pair, if it is
    complete or its subjects are in one group only.
    `test`: auto, means, welch or ranks. Raises AnalysisError.
    """
    column = group or data.column_with_role("condition") or data.column_with_role("target") or ""
    if not column:
        raise AnalysisError("Say which column holds the groups: set `group`, or give a column the role condition.")
    if pair == AUTO:
        pair = "" if second else _usual_pair(data, column)
    if second and pair:
        raise AnalysisError("Set either a second factor or a column of pairs, not both.")
    if column in (second, pair):
        raise AnalysisError(f"{column!r} holds the groups already; choose another column beside it.")
    groups = data.groups(column)
    roles = [str(one["name"]) for one in data.profile["columns"] if one["role"]]
    found = candidates(data, [column, second, pair, *([] if value else roles)], asked=value)
    if value:
        found = Candidates(found.table.loc[[found.one(value).name]], found.labels, found.unit)
    several = len(found.table) > 1
    subjects = data.groups(pair) if pair else None
    averaged = ""
    told = ", ".join(found.left_out[:5]) + (", …" if len(found.left_out) > 5 else "")
    repeats = [f"Left out, because the rows are numbered there, not measured: {told}."] if told and not value else []
    if subjects is not None and are_nested(subjects, groups):
        found, groups, told = _one_per_subject(found, groups, subjects)
        repeats.append(told)
        averaged, pair, subjects = pair, "", None
    screened = None
    asked = test
    if several:
        if len(found.table) > FEW_VARIABLES and test == "auto":
            asked = WELCH  # one test for all, so that they can be compared
        screened = _screen(found, groups, subjects, asked)
        if screened["p"].isna().all():
            raise AnalysisError(f"No measurement has two or more values in two or more groups of {column!r}.")
        measured = found.one(str(screened.index[0]))
    else:
        measured = found.one(str(found.table.index[0]))
    levels, notes = _levels(data, measured.values, groups, column)
    notes = repeats + notes
    if subjects is not None:
        blocks, dropped = _blocks(measured.values, groups, subjects, levels)
        notes += dropped
        choice = choose_paired(blocks.to_numpy(), asked)
        omnibus, listed = _repeated(blocks.to_numpy(), choice.kind)
        values = blocks.to_numpy().T.ravel()
        kept = pd.Series(np.repeat(levels, len(blocks)), index=list(blocks.index) * len(levels))
        two = None
    else:
        use = (groups.isin(levels) & measured.values.notna()).to_numpy()
        values, kept = measured.values.to_numpy(np.float64)[use], groups[use]
        samples = [values[(kept == level).to_numpy()] for level in levels]
        choice = choose_test(samples, asked)
        omnibus, listed = _independent(samples, choice.kind)
        two = two_factors(values, kept, data.groups(second)[use], levels) if second else None
        if two is not None:
            choice = replace(choose_test(two.cells()), kind=MEANS)
    if asked != test:
        choice = replace(choice, why=f"One and the same test was used for all {len(found.table):,} measurements.")
    pairs = two.pairs if two is not None else _pair_table(listed, levels)
    if screened is not None:  # picked because it is the surest: its pairs are as much less sure as it is itself
        pairs = pairs.assign(p_adjusted=np.minimum(1.0, pairs["p_adjusted"] * _picked(screened)))
    return GroupComparison(
        measured, column, levels, values, kept, pair, choice, omnibus, pairs, screened, two, tuple(notes), averaged
    )


def _picked(screen: pd.DataFrame | None) -> float:
    """Adjusted p / p of the surest; the idea of Benjamini Y, Bogomolov M (2014) J R Stat Soc B 76:297."""
    if screen is None or not screen["p"].iloc[0] > 0:
        return 1.0
    return float(screen["p_adjusted"].iloc[0] / screen["p"].iloc[0])


def _independent(samples: Sequence[Floats], kind: str) -> tuple[Omnibus, list[tests.Pair]]:
    whole = {MEANS: tests.anova, WELCH: tests.welch, RANKS: tests.ranks}[kind](samples)
    return whole, {MEANS: tests.tukey, WELCH: tests.games_howell, RANKS: tests.dunn}[kind](samples)


def _repeated(blocks: Floats, kind: str) -> tuple[Omnibus, list[tests.Pair]]:
    by_ranks = kind == RANKS
    whole = tests.repeated_ranks(blocks) if by_ranks else tests.repeated(blocks)
    return whole, tests.paired_pairs(blocks, by_ranks=by_ranks)


def _levels(data: ExpressionSet, values: pd.Series, groups: pd.Series, column: str) -> tuple[list[str], list[str]]:
    """Groups with two or more values, the reference first, and what was left out."""
    sizes = groups[values.notna()].value_counts()
    order = natural_order(dict.fromkeys(groups.dropna()))
    levels = [level for level in order if sizes.get(level, 0) >= 2]
    notes = [
        f"Group {level} has {int(sizes.get(level, 0))} value{'' if sizes.get(level, 0) == 1 else 's'} and was left out."
        for level in order
        if level not in levels
    ]
    if len(levels) < 2:
        told = ", ".join(f"{level} {int(sizes.get(level, 0))}" for level in order[:8]) or "none"
        raise AnalysisError(f"Comparing needs two groups of two or more values, better three; {column!r} has: {told}.")
    if len(levels) > MOST_GROUPS:
        raise AnalysisError(
            f"{column!r} has {len(levels)} groups; at most {MOST_GROUPS} can be compared. Choose another column."
        )
    known = data.profile["reference"]
    if known and known["column"] == column and known["level"] in levels:
        levels.sort(key=lambda level: level != known["level"])
    lost = int((values.isna() & groups.notna()).sum()), int(groups.isna().sum())
    if lost[0]:
        notes.append(f"{lost[0]:,} {data.sample_word} without a value were left out.")
    if lost[1]:
        notes.append(f"{lost[1]:,} {data.sample_word} without a group were left out.")
    return levels, notes


def _usual_pair(data: ExpressionSet, column: str) -> str:
    name = confirmed_pair(data)
    if name and name != column and are_nested(data.groups(name), data.groups(column)):
        return name
    return paired_column(data, AUTO, column)


def _one_per_subject(found: Candidates, groups: pd.Series, subjects: pd.Series) -> tuple[Candidates, pd.Series, str]:
    """Repeats of a subject in its one group tell nothing about other subjects: their mean stands for them."""
    known = (groups.notna() & subjects.notna()).to_numpy()
    mine = subjects[known]
    table = found.table.loc[:, known].T.groupby(mine.to_numpy(), sort=False).mean().T
    owners = pd.Series(groups[known].to_numpy(), index=mine.to_numpy())
    owners = owners[~owners.index.duplicated()].reindex(table.columns)
    told = (
        f"The {int(known.sum()):,} values come from {len(owners)} subjects ({subjects.name}), each in one group only. "
        f"The values of a subject were averaged, so that n counts subjects: repeats of one tell nothing about others."
    )
    return Candidates(table, found.labels, found.unit), owners, told


def _blocks(
    values: pd.Series, groups: pd.Series, subjects: pd.Series, levels: Sequence[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Subjects × groups, only subjects with a value in every group; repeats of one are averaged."""
    frame = pd.DataFrame({"value": values, "group": groups, "subject": subjects}).dropna()
    frame = frame[frame["group"].isin(levels)]
    wide = frame.pivot_table(index="subject", columns="group", values="value", aggfunc="mean").reindex(
        columns=list(levels)
    )
    complete = wide.dropna().sort_index()
    notes = []
    if len(frame) > frame.groupby(["subject", "group"]).ngroups:
        notes.append("Several values of one subject in one group were averaged.")
    if len(complete) < len(wide):
        notes.append(f"{len(wide) - len(complete)} of {len(wide)} subjects lack a group and were left out.")
    if len(complete) < 3:
        raise AnalysisError(
            f"Only {len(complete)} subjects of {str(subjects.name)!r} have a value in every group; three or more are "
            "needed. Leave `pair` empty if the groups hold different subjects."
        )
    return complete, notes


def _pair_table(listed: Sequence[tests.Pair], levels: Sequence[str]) -> pd.DataFrame:
    rows = [
        {
            "group": levels[one.second],
            "compared_with": levels[one.first],
            "difference": one.difference,
            "low_95": one.low,
            "high_95": one.high,
            "p_adjusted": one.p,
            "direction": _direction(one.difference, levels[one.second], levels[one.first]),
        }
        for one in listed
    ]
    return pd.DataFrame(rows)


def _direction(difference: float, group: str, other: str) -> str:
    if difference == 0:
        return "no difference"
    return f"{'higher' if difference > 0 else 'lower'} in {group} than in {other}"


def _screen(found: Candidates, groups: pd.Series, subjects: pd.Series | None, test: str) -> pd.DataFrame:
    """p of every variable, adjusted by Benjamini and Hochberg, the surest first; NaN where it cannot be tested."""
    levels = natural_order(dict.fromkeys(groups.dropna()))
    if subjects is None and test == WELCH:
        p, f = _screen_by_welch(found.table.to_numpy(np.float64), groups, levels)
        table = pd.DataFrame({"test": "Welch's test", "statistic": f, "p": p}, index=found.table.index)
    else:
        rows = [_test_one(values, groups, subjects, levels, test) for _, values in found.table.iterrows()]
        table = pd.DataFrame(rows, columns=["test", "statistic", "p"], index=found.table.index)
    means = {f"mean_{level}": found.table.loc[:, (groups == level).to_numpy()].mean(axis=1) for level in levels[:12]}
    labels = found.labels.loc[table.index]
    table = pd.DataFrame({"name": labels, **means}, index=table.index).join(table)
    if (labels == labels.index).all():
        table = table.drop(columns="name")
    # Without scatter within the groups any difference gives p = 0, three rounded values as well as three hundred.
    still = ~np.isfinite(table["statistic"]) | _still(found.table.to_numpy(np.float64), groups, levels)
    table["p_adjusted"] = benjamini_hochberg(table["p"].where(~still | (table["p"] > 0)).to_numpy(np.float64))
    ordered = table.assign(_still=still, _size=-table["statistic"].abs())
    ordered = ordered.sort_values(["_still", "p", "_size"], kind="stable")
    return ordered.drop(columns=["_still", "_size"]).rename_axis("measurement")


def _still(values: Floats, groups: pd.Series, levels: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Rows in which no group has any scatter."""
    widest = np.zeros(len(values))
    for level in levels:
        mine = values[:, (groups == level).to_numpy()]
        known = np.isfinite(mine)
        low = np.where(known, mine, np.inf).min(axis=1, initial=np.inf)
        high = np.where(known, mine, -np.inf).max(axis=1, initial=-np.inf)
        widest = np.maximum(widest, np.where(np.isfinite(low), high - low, 0.0))
    size = np.nan_to_num(np.abs(values), nan=0.0).max(axis=1)
    return np.asarray(widest <= NO_SCATTER * size)


def _screen_by_welch(values: Floats, groups: pd.Series, levels: Sequence[str]) -> tuple[Floats, Floats]:
    """(p, F) of each row; groups with fewer than two values count only where every row has them."""
    n, means, variances = [], [], []
    for level in levels:
        mine = values[:, (groups == level).to_numpy()]
        known = np.isfinite(mine)
        size = known.sum(axis=1)
        if not (size >= 2).any():
            continue
        mean = np.where(known, mine, 0).sum(axis=1) / np.maximum(size, 1)
        squares = (np.where(known, mine - mean[:, None], 0) ** 2).sum(axis=1)
        n.append(size)
        means.append(mean)
        variances.append(squares / np.maximum(size - 1, 1))
    empty = np.full(len(values), np.nan)
    if len(n) < 2:
        return empty, empty
    sizes = np.array(n, dtype=np.float64)
    usable = (sizes >= 2).all(axis=0)
    f, df1, df2 = tests.welch_f(sizes, np.array(means), np.array(variances))
    p = np.where(usable, stats.f.sf(np.where(usable, f, 0), df1, df2), np.nan)
    return p, np.where(usable, f, np.nan)


def _test_one(
    values: pd.Series, groups: pd.Series, subjects: pd.Series | None, levels: Sequence[str], test: str
) -> tuple[str, float, float]:
    kept = [level for level in levels if int(values[groups == level].notna().sum()) >= 2]
    if len(kept) < 2:
        return "not tested: too few values", np.nan, np.nan
    try:
        if subjects is not None:
            blocks = _blocks(values, groups, subjects, kept)[0].to_numpy()
            kind = choose_paired(blocks, test).kind
            whole = tests.repeated_ranks(blocks) if kind == RANKS else tests.repeated(blocks)
        else:
            samples = [values[groups == level].dropna().to_numpy(np.float64) for level in kept]
            kind = choose_test(samples, test).kind
            whole = {MEANS: tests.anova, WELCH: tests.welch, RANKS: tests.ranks}[kind](samples)
    except AnalysisError:
        return "not tested: too few complete pairs", np.nan, np.nan
    return whole.name, whole.statistic, whole.p
