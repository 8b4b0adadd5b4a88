"""Tests of whether groups differ: independent groups and repeated measurements, by means or by ranks.

All functions take plain float64 arrays without missing values. `samples`: one array per group. `blocks`: subjects ×
groups, one row per subject. Formulas: Welch BL (1951) Biometrika 38:330; Tukey-Kramer and Games PA, Howell JF (1976)
J Educ Stat 1:113; Dunn OJ (1964) Technometrics 6:241; Hodges JL, Lehmann EL (1963) Ann Math Stat 34:598; effect
sizes: Hedges LV (1981) J Educ Stat 6:107, Tomczak M, Tomczak E (2014) Trends Sport Sci 1:19.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Omnibus:
    """One answer for all groups. `statistic` is called `letter` (F, t, H …); effect: share or size, with its name."""

    name: str
    letter: str
    statistic: float
    df: tuple[float, ...]
    p: float
    effect_name: str
    effect: float

    @property
    def formula(self) -> str:
        """`F(2, 27) = 4.85`"""
        inside = f"({', '.join(f'{one:.4g}' for one in self.df)})" if self.df else ""
        return f"{self.letter}{inside} = {self.statistic:.3f}"


@dataclass(frozen=True)
class Pair:
    """Group `second` minus group `first` (places in the list of groups), with a simultaneous interval."""

    first: int
    second: int
    difference: float
    low: float
    high: float
    p: float


def anova(samples: Sequence[Floats]) -> Omnibus:
    """One-way analysis of variance; Student's t for two groups (its square is F)."""
    n, k = sum(map(len, samples)), len(samples)
    grand = np.concatenate(samples).mean()
    between = sum(len(one) * (one.mean() - grand) ** 2 for one in samples)
    within = sum(((one - one.mean()) ** 2).sum() for one in samples)
    f = _ratio(between / (k - 1), within / (n - k))
    p = float(stats.f.sf(f, k - 1, n - k))
    if k == 2:
        t = float(np.sign(samples[1].mean() - samples[0].mean()) * np.sqrt(f))
        return Omnibus("Student's t test", "t", t, (n - 2,), p, "Hedges' g", hedges_g(*samples))
    omega = (between - (k - 1) * within / (n - k)) / (between + within + within / (n - k)) if between + within else 0.0
    return Omnibus("one-way analysis of variance (ANOVA)", "F", f, (k - 1, n - k), p, "ω²", max(0.0, float(omega)))


def welch(samples: Sequence[Floats]) -> Omnibus:
    """Welch's analysis of variance, which allows each group a scatter of its own; Welch's t for two groups."""
    n = np.array([len(one) for one in samples], dtype=np.float64)
    means = np.array([one.mean() for one in samples])
    variances = np.array([one.var(ddof=1) for one in samples])
    f, df1, df2 = (float(one[0]) for one in welch_f(n[:, None], means[:, None], variances[:, None]))
    p = float(stats.f.sf(f, df1, df2))
    if len(samples) == 2:
        t = float(np.sign(means[1] - means[0]) * np.sqrt(f))
        return Omnibus("Welch's t test", "t", t, (df2,), p, "Hedges' g", hedges_g(*samples))
    omega = df1 * (f - 1) / (df1 * (f - 1) + float(n.sum())) if np.isfinite(f) else 1.0
    return Omnibus("Welch's analysis of variance", "F", f, (df1, df2), p, "ω²", max(0.0, omega))


def welch_f(n: Floats, means: Floats, variances: Floats) -> tuple[Floats, Floats, Floats]:
    """(F, df1, df2) of Welch's test for many variables at once; groups × variables. Where no group has any scatter, F
    is infinite if means differ, 0 if they do not."""
    # One group without scatter would make its weight infinite and F undefined; the limit is what is meant.
    variances = np.maximum(variances, 1e-12 * variances.max(axis=0, keepdims=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = n / variances
        total = weight.sum(axis=0)
        grand = (weight * means).sum(axis=0) / total
        k = float(len(n))
        spread = ((1 - weight / total) ** 2 / (n - 1)).sum(axis=0)
        f = (weight * (means - grand) ** 2).sum(axis=0) / (k - 1) / (1 + 2 * (k - 2) / (k**2 - 1) * spread)
        df2 = (k**2 - 1) / (3 * spread)
    flat = ~np.isfinite(f)
    same = np.ptp(means, axis=0) <= 1e-12 * np.abs(means).max(axis=0)
    f = np.where(flat, np.where(same, 0.0, np.inf), f)
    return f, np.full(f.shape, k - 1), np.where(np.isfinite(df2) & (df2 > 0), df2, 1.0)


def ranks(samples: Sequence[Floats]) -> Omnibus:
    """Kruskal and Wallis; Mann, Whitney and Wilcoxon for two groups."""
    everything = np.concatenate(samples)
    if np.ptp(everything) == 0:
        return Omnibus("Kruskal-Wallis rank test", "H", 0.0, (len(samples) - 1,), 1.0, "ε²", 0.0)
    if len(samples) == 2:
        first, second = samples
        u = stats.mannwhitneyu(second, first)
        superiority = float(u.statistic) / (len(first) * len(second))
        return Omnibus(
            "Mann-Whitney rank test", "U", float(u.statistic), (), float(u.pvalue),
            "rank-biserial correlation", 2 * superiority - 1,
        )  # fmt: skip
    h = stats.kruskal(*samples)
    share = float(h.statistic) / (len(everything) - 1)
    name = "Kruskal-Wallis rank test"
    return Omnibus(name, "H", float(h.statistic), (len(samples) - 1,), float(h.pvalue), "ε²", share)


def repeated(blocks: Floats) -> Omnibus:
    """Repeated measurements: analysis of variance with subjects as blocks; the paired t test for two groups.

    Degrees of freedom are multiplied by Greenhouse and Geisser's ε (1959, Psychometrika 24:95) for three or more.
    """
    n, k = blocks.shape
    if k == 2:
        change = blocks[:, 1] - blocks[:, 0]
        scatter = change.std(ddof=1)
        t = _ratio(float(change.mean()), float(scatter / np.sqrt(n)))
        d = _ratio(float(change.mean()), float(scatter)) * (1 - 3 / (4 * (n - 1) - 1) if n > 2 else 1.0)
        p = float(2 * stats.t.sf(abs(t), n - 1))
        return Omnibus("paired t test", "t", t, (n - 1,), p, "standardised mean change (g)", d)
    centred = blocks - blocks.mean(axis=1, keepdims=True)
    between = n * ((blocks.mean(axis=0) - blocks.mean()) ** 2).sum()
    within = ((centred - centred.mean(axis=0)) ** 2).sum()
    covariance = np.cov(centred.T)
    trace = float(np.trace(covariance))
    epsilon = trace**2 / ((k - 1) * float((covariance**2).sum())) if trace > 0 else 1.0
    df1, df2 = (k - 1) * epsilon, (k - 1) * (n - 1) * epsilon
    f = _ratio(between / (k - 1), within / ((k - 1) * (n - 1)))
    share = float(between / (between + within)) if between + within else 0.0
    name = "repeated-measures analysis of variance (Greenhouse-Geisser)"
    return Omnibus(name, "F", f, (df1, df2), float(stats.f.sf(f, df1, df2)), "partial η²", share)


def repeated_ranks(blocks: Floats) -> Omnibus:
    """Friedman's test; Wilcoxon's signed ranks for two groups."""
    n, k = blocks.shape
    if k == 2:
        change = blocks[:, 1] - blocks[:, 0]
        change = change[change != 0]
        if not len(change):
            return Omnibus("Wilcoxon signed-rank test", "W", 0.0, (), 1.0, "rank-biserial correlation", 0.0)
        rank = stats.rankdata(np.abs(change))
        up, whole = float(rank[change > 0].sum()), float(rank.sum())
        tied = len(np.unique(np.abs(change))) < len(change)
        method = "exact" if not tied and len(change) <= 50 else "approx"
        p = float(stats.wilcoxon(change, method=method).pvalue)
        name = "Wilcoxon signed-rank test"
        return Omnibus(name, "W", min(up, whole - up), (), p, "rank-biserial correlation", (2 * up - whole) / whole)
    if np.ptp(blocks, axis=1).max() == 0:
        return Omnibus("Friedman rank test", "χ²", 0.0, (k - 1,), 1.0, "Kendall's W", 0.0)
    found = stats.friedmanchisquare(*blocks.T)
    agreement = float(found.statistic) / (n * (k - 1))
    return Omnibus(
        "Friedman rank test", "χ²", float(found.statistic), (k - 1,), float(found.pvalue), "Kendall's W", agreement
    )


def tukey(samples: Sequence[Floats], level: float = 0.95) -> list[Pair]:
    """All pairs of means with one common scatter (Tukey and Kramer)."""
    n, k = sum(map(len, samples)), len(samples)
    pooled = sum(((one - one.mean()) ** 2).sum() for one in samples) / (n - k)
    rows = [
        (a, b, pooled * (1 / len(samples[a]) + 1 / len(samples[b])), float(n - k))
        for a, b in itertools.combinations(range(k), 2)
    ]
    return _studentized(samples, rows, level)


def games_howell(samples: Sequence[Floats], level: float = 0.95) -> list[Pair]:
    """All pairs of means, each group with its own scatter (Games and Howell)."""
    rows = []
    for a, b in itertools.combinations(range(len(samples)), 2):
        one, other = (samples[x].var(ddof=1) / len(samples[x]) for x in (a, b))
        below = one**2 / (len(samples[a]) - 1) + other**2 / (len(samples[b]) - 1)
        rows.append((a, b, float(one + other), float((one + other) ** 2 / below) if below > 0 else 1.0))
    return _studentized(samples, rows, level)


def _studentized(samples: Sequence[Floats], rows: Sequence[tuple[int, int, float, float]], level: float) -> list[Pair]:
    k = len(samples)
    critical = _critical(level, k, np.array([row[3] for row in rows]))
    pairs = []
    for (a, b, variance, df), limit in zip(rows, critical, strict=True):
        difference = float(samples[b].mean() - samples[a].mean())
        scale = float(np.sqrt(variance / 2))
        q = abs(_ratio(difference, scale))
        p = 0.0 if np.isinf(q) else float(stats.studentized_range.sf(q, k, df))
        reach = float(limit) * scale
        pairs.append(Pair(a, b, difference, difference - reach, difference + reach, min(1.0, p)))
    return pairs


def _critical(level: float, k: int, df: Floats) -> Floats:
    """Quantiles of the studentized range. One costs 0.1 s; of many, a few are computed and read between in 1/df."""
    different = np.unique(df)
    if len(different) <= 4:
        known = {one: float(stats.studentized_range.ppf(level, k, one)) for one in different}
        return np.array([known[one] for one in df])
    nodes = np.linspace(1 / different[-1], 1 / different[0], 7)
    heights = [float(stats.studentized_range.ppf(level, k, 1 / node)) for node in nodes]
    return np.exp(np.interp(1 / df, nodes, np.log(heights)))


def dunn(samples: Sequence[Floats], level: float = 0.95) -> list[Pair]:
    """All pairs of groups by their ranks (Dunn), the shift of Hodges and Lehmann; p and intervals by Bonferroni.

    For two groups the p is that of Mann and Whitney.
    """
    k = len(samples)
    rank = np.split(stats.rankdata(np.concatenate(samples)), np.cumsum([len(one) for one in samples])[:-1])
    n = sum(map(len, samples))
    _, ties = np.unique(np.concatenate(samples), return_counts=True)
    variance = (n * (n + 1) - (ties**3 - ties).sum() / (n - 1)) / 12
    listed = list(itertools.combinations(range(k), 2))
    p = []
    for a, b in listed:
        scale = np.sqrt(variance * (1 / len(samples[a]) + 1 / len(samples[b])))
        p.append(float(2 * stats.norm.sf(abs(_ratio(float(rank[b].mean() - rank[a].mean()), float(scale))))))
    adjusted = [ranks(samples).p] if k == 2 else list(bonferroni(np.array(p)))
    inside = 1 - (1 - level) / len(listed)
    shifts = [shift(samples[a], samples[b], inside) for a, b in listed]
    return [Pair(a, b, *moved, float(one)) for (a, b), moved, one in zip(listed, shifts, adjusted, strict=True)]


def paired_pairs(blocks: Floats, *, by_ranks: bool, level: float = 0.95) -> list[Pair]:
    """All pairs of repeated measurements: paired t tests or signed ranks, p and intervals by Bonferroni."""
    n, k = blocks.shape
    listed = list(itertools.combinations(range(k), 2))
    inside = 1 - (1 - level) / len(listed)
    found = []
    for a, b in listed:
        two = blocks[:, [a, b]]
        change = two[:, 1] - two[:, 0]
        if by_ranks:
            averages = np.sort(((change[:, None] + change) / 2)[np.triu_indices(n)])
            spread = np.sqrt(n * (n + 1) * (2 * n + 1) / 24)
            found.append((repeated_ranks(two).p, *_middle(averages, spread, inside)))
        else:
            reach = float(stats.t.ppf((1 + inside) / 2, n - 1) * change.std(ddof=1) / np.sqrt(n))
            middle = float(change.mean())
            found.append((repeated(two).p, middle, middle - reach, middle + reach))
    adjusted = bonferroni(np.array([one[0] for one in found]))
    return [
        Pair(a, b, *one[1:], float(p)) for (a, b), one, p in zip(listed, found, adjusted, strict=True)
    ]  # fmt: skip


def shift(first: Floats, second: Floats, level: float) -> tuple[float, float, float]:
    """Median of all differences second − first, and its interval by the normal approximation of U."""
    differences = np.sort((second[:, None] - first).ravel())
    spread = np.sqrt(len(first) * len(second) * (len(first) + len(second) + 1) / 12)
    return _middle(differences, spread, level)


def _middle(ordered: Floats, spread: float, level: float) -> tuple[float, float, float]:
    place = round(len(ordered) / 2 - float(stats.norm.ppf((1 + level) / 2)) * spread)
    place = min(max(place, 0), (len(ordered) - 1) // 2)
    return float(np.median(ordered)), float(ordered[place]), float(ordered[-1 - place])


def bonferroni(p: Floats) -> Floats:
    """Adjusted so that p and the intervals say the same."""
    return np.minimum(p * len(p), 1.0)


def hedges_g(first: Floats, second: Floats) -> float:
    """Difference of the means in standard deviations, corrected for small samples."""
    df = len(first) + len(second) - 2
    pooled = np.sqrt((((first - first.mean()) ** 2).sum() + ((second - second.mean()) ** 2).sum()) / df)
    return _ratio(float(second.mean() - first.mean()), float(pooled)) * (1 - 3 / (4 * df - 1))


def _ratio(above: float, below: float) -> float:
    """0/0 is 0 here: no difference and no scatter is no evidence of a difference."""
    if below > 0:
        return float(above / below)
    return 0.0 if abs(above) <= 1e-300 else float(np.copysign(np.inf, above))
