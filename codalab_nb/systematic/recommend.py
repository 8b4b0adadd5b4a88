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

_FOLDS = 10
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
    runs: int  # data sets on which it ran
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Check:
    """Mean regret of the first pick, and of the best of the first three, with whole families left out."""

    first: float
    third: float
    wins: bool


def check_ways(evidence: Evidence, *, seed: int = 0) -> dict[Way, Check]:
    """How each way of weighting would have done on the known data sets, each judged by other families only.

    A way other than `alike` wins when its first picks have less regret by more than one standard error of the paired
    difference of families, and its first three are no worse. With fewer than FEWEST families there is no check.
    """
    families = sorted(set(evidence.families))
    if len(families) < FEWEST:
        return {}
    part = dict(zip(families, np.random.default_rng(seed).permutation(len(families)) % _FOLDS, strict=True))
    parts = np.array([part[family] for family in evidence.families])
    of = np.array([families.index(family) for family in evidence.families])
    reached: dict[Way, Floats] = {}
    for way in WAYS:
        rows = np.zeros((len(evidence), _CHECKED))
        for number in np.unique(parts):
            known = evidence.only(parts != number)
            similarity, portfolio = Similarity(known, way, seed=seed), Portfolio(known)
            for row in np.flatnonzero(parts == number):
                rows[row] = tried(portfolio, similarity.weights(evidence.features[row]), evidence.scores[row], _CHECKED)
        reached[way] = rows
    alike = reached["alike"]
    checks = {}
    for way, rows in reached.items():
        # Data sets of one family are no independent witnesses: each family has one voice.
        gain = np.array([(alike - rows)[of == number, 0].mean() for number in range(len(families))])
        error = float(gain.std(ddof=1)) / np.sqrt(len(gain))
        wins = bool(gain.mean() > error and rows[:, -1].mean() <= alike[:, -1].mean())
        checks[way] = Check(float(rows[:, 0].mean()), float(rows[:, -1].mean()), wins)
    return checks


def _winner(checks: Mapping[Way, Check]) -> Way:
    winners = [name for name, check in checks.items() if check.wins]
    return min(winners, key=lambda name: checks[name].first) if winners else "alike"


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
        if way is None:
            self.checks = check_ways(evidence, seed=seed)
            way = _winner(self.checks)
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

        seen: configuration → score of what already ran there. allowed: what fits; None: everything known. A
        configuration that no row is known of is not recommended: the caller runs it for the sake of knowledge.
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
        )

    def _neighbour(self, i: int, j: int, share: float) -> Neighbour:
        row = self.evidence.scores[i]
        ran = row[np.isfinite(row)]
        place = 1 + int((ran > row[j]).sum())
        return Neighbour(self.evidence.datasets[i], share, float(row[j]), place, len(ran))
