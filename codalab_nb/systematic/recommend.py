"""Which configurations to try on a data set, each with its reason; rebuilt from result rows, never stored.

What fits (the caller's gate) is put in order by a greedy portfolio of what did well on other data sets of the same
question, weighted by how similar those data sets are, in the way that wins a check in which whole families are left
out. Without a winner all count alike, which for the first pick is the configuration that is best on average.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from codalab_nb.systematic.evidence import Evidence, Floats
from codalab_nb.systematic.portfolio import Portfolio
from codalab_nb.systematic.similarity import FEWEST, WAYS, Similarity, Way

_MARGIN = 1.0  # standard errors
_SAMPLE = 1_000  # data sets, at most, on which the ways are compared
_JUDGES = 300  # of these, that are asked how each way would have done there
_CHECKED = 3  # runs that the check looks at: the first, and the best of so many
_NAMED = 3  # neighbours that a reason names


@dataclass(frozen=True)
class Neighbour:
    """A known data set that speaks for a pick: its share of all weights, and how the configuration did there."""

    dataset: str
    share: float
    score: float
    place: int  # of the configuration among those that ran there, from 1
    of: int


@dataclass(frozen=True)
class Pick:
    """A recommended configuration. `score` is what to expect, `low` to `high` the middle 80 % of what it was elsewhere,
    by the data sets' weights; NaN where nothing is known. `seconds`: how long it usually takes."""

    configuration: str
    score: float
    low: float
    high: float
    seconds: float
    runs: int  # data sets on which it ran to a score
    neighbours: tuple[Neighbour, ...]
    failures: int = 0  # data sets on which it ran and failed


@dataclass(frozen=True)
class Check:
    """Mean regret of the first pick, and of the best of the first three, with whole families left out."""

    first: float
    third: float
    wins: bool


def check_ways(evidence: Evidence, *, seed: int = 0) -> dict[Way, Check]:
    """How each way of weighting would have done on the known data sets, each judged by other families only.

    A way other than `alike` wins when its first picks have less regret, by more than `_MARGIN` standard errors of the
    paired difference of families, and what the best of three may lose is less than what the first gained. With fewer
    than FEWEST families there is no check.
    """
    return _checked(evidence, {way: Similarity(evidence, way, seed=seed) for way in WAYS}, seed)


def _checked(evidence: Evidence, ways: Mapping[Way, Similarity], seed: int) -> dict[Way, Check]:
    families, of = np.unique(evidence.families, return_inverse=True)
    if len(families) < FEWEST:
        return {}
    portfolio = Portfolio(evidence)
    rows = np.arange(len(evidence))
    if len(rows) > _JUDGES:
        rows = np.sort(np.random.default_rng(seed).choice(rows, _JUDGES, replace=False))
    reached = {
        way: np.array([tried(portfolio, ways[way].held_out(int(row)), evidence.scores[row], _CHECKED) for row in rows])
        for way in ways
    }
    # Data sets of one family are no independent witnesses: each family has one voice.
    size = np.bincount(of[rows], minlength=len(families))
    judging = size > 0
    checks = {}
    for way, regrets in reached.items():
        gained = reached["alike"] - regrets
        first, third = (
            np.bincount(of[rows], gained[:, k], len(families))[judging] / size[judging] for k in (0, _CHECKED - 1)
        )
        error = float(first.std(ddof=1)) / np.sqrt(len(first))
        wins = bool(first.mean() > _MARGIN * error and first.mean() + third.mean() > 0)
        checks[way] = Check(float(regrets[:, 0].mean()), float(regrets[:, -1].mean()), wins)
    return checks


def _winner(checks: Mapping[Way, Check]) -> Way:
    winners = [name for name, check in checks.items() if check.wins]
    return min(winners, key=lambda name: checks[name].first + checks[name].third) if winners else "alike"


def _sample(evidence: Evidence, seed: int) -> Evidence:
    if len(evidence) <= _SAMPLE:
        return evidence
    wanted = np.zeros(len(evidence), dtype=bool)
    wanted[np.random.default_rng(seed).choice(len(evidence), _SAMPLE, replace=False)] = True
    return evidence.only(wanted)


def tried(portfolio: Portfolio, prior: Floats, scores: Floats, k: int) -> Floats:
    """(k,) regret of the best so far, had one followed the recommendation on a data set with these `scores` (m,)."""
    seen: dict[int, float] = {}
    runnable = np.isfinite(scores)
    for _ in range(min(k, int(runnable.sum()))):
        pick = portfolio.order(prior, seen, 1, allowed=runnable)[0]
        seen[pick] = float(scores[pick])
    best = np.maximum.accumulate(np.array(list(seen.values())))
    regrets = float(scores[runnable].max()) - best
    return np.concatenate([regrets, np.full(k - len(regrets), regrets[-1])])


class Recommender:
    """Recommendations from the runs of one question.

    `way`: how data sets are weighted; None lets `check_ways` choose.
    """

    def __init__(self, evidence: Evidence, *, way: Way | None = None, seed: int = 0) -> None:
        self.evidence = evidence
        self.checks: dict[Way, Check] = {}
        sample = _sample(evidence, seed)
        if way is None:
            ways = {each: Similarity(sample, each, seed=seed) for each in WAYS}
            self.checks = _checked(sample, ways, seed)
            way = _winner(self.checks)
            self._similarity = ways[way] if sample is evidence else Similarity(evidence, way, seed=seed)
        else:
            self._similarity = Similarity(evidence, way, seed=seed)
        self._portfolio = Portfolio(evidence)

    @property
    def way(self) -> Way:
        return self._similarity.way

    def recommend(
        self,
        features: Sequence[float],
        *,
        seen: Mapping[str, float] | None = None,
        allowed: Collection[str] | None = None,
        k: int = 5,
    ) -> list[Pick]:
        """The next `k` configurations to try on a data set with these meta-features (length p, NaN where unknown).

        seen: configuration → score of what already ran there, -inf where it failed. allowed: what fits; None:
        everything known. A configuration that no row is known of is not recommended: the caller runs it for the sake
        of knowledge.
        """
        if not len(self.evidence):
            return []
        column = {name: j for j, name in enumerate(self.evidence.configurations)}
        here = {column[name]: score for name, score in (seen or {}).items() if name in column}
        mask = np.array([allowed is None or name in allowed for name in self.evidence.configurations], dtype=bool)
        mask &= np.isfinite(self.evidence.scores).any(axis=0)
        prior = self._similarity.weights(np.asarray(features, dtype=np.float64))
        weights = self._portfolio.after(prior, here)
        return [self._pick(j, weights) for j in self._portfolio.order(prior, here, k, allowed=mask)]

    def _pick(self, j: int, weights: Floats) -> Pick:
        evidence = self.evidence
        ran = np.flatnonzero(np.isfinite(evidence.scores[:, j]))
        shares = weights[ran] / weights[ran].sum()
        scores = evidence.scores[ran, j]
        order = np.argsort(scores)
        reached = np.cumsum(shares[order])
        low, high = (float(scores[order[min(int(np.searchsorted(reached, at)), len(order) - 1)]]) for at in (0.1, 0.9))
        times = evidence.seconds[ran, j]
        timed = np.isfinite(times)
        nearest = ran[np.argsort(-shares, kind="stable")[:_NAMED]]
        return Pick(
            configuration=evidence.configurations[j],
            score=float(shares @ scores),
            low=low,
            high=high,
            seconds=float(np.median(times[timed])) if timed.any() else float("nan"),
            runs=len(ran),
            neighbours=tuple(self._neighbour(i, j, float(weights[i])) for i in nearest),
            failures=int(np.isneginf(evidence.scores[:, j]).sum()),
        )

    def _neighbour(self, i: int, j: int, share: float) -> Neighbour:
        row = self.evidence.scores[i]
        ran = row[np.isfinite(row)]
        place = 1 + int((ran > row[j]).sum())
        return Neighbour(self.evidence.datasets[i], share, float(row[j]), place, len(ran))
