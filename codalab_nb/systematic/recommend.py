"""Which configurations to try on a data set, each with its reason; rebuilt from result rows, never stored.

What fits (the caller's gate) is put in order by a greedy portfolio of what did well on other data sets of the same
question, weighted by how similar those data sets are, as far as a check in which whole families are left out finds
that this helps. Otherwise all count alike, which for the first pick is the configuration that is best on average.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from codalab_nb.systematic.evidence import Evidence, Floats
from codalab_nb.systematic.portfolio import Portfolio
from codalab_nb.systematic.similarity import FEWEST, Similarity, Way

_FAMILIES = 10.0  # families: that many have half a say in whether the forest is any good
_SAMPLE = 1_000  # data sets, at most, on which the forest is checked
_JUDGES = 300  # of these, that are asked how it would have done there
_CHECKED = 3  # runs that the check looks at: the first, and the best of so many
_MANY = 20.0  # data sets, of which quantiles are good enough
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
    """A recommended configuration. `score` is what to expect where it does not fail, `low` to `high` where it will be
    with a chance of 80 %, by the data sets' weights (with one data set: its score, whatever that is worth).
    `seconds`: how long it usually takes."""

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
    """How the forest does on the known data sets, each judged by other families only.

    alike, forest: mean regret of the first pick, and of the best of the first three. z: what the forest gains, in
    standard errors of the difference of families; the less of: gain of the first, gain of both. trust: see `_trust`.
    """

    alike: tuple[float, float]
    forest: tuple[float, float]
    z: float
    trust: float


def check(evidence: Evidence, forest: Similarity, *, seed: int = 0) -> Check | None:
    """None where there are too few families to tell, or no forest."""
    families, of = np.unique(evidence.families, return_inverse=True)
    if len(families) < FEWEST or not forest.trust:
        return None
    portfolio = Portfolio(evidence)
    rows = np.arange(len(evidence))
    if len(rows) > _JUDGES:
        rows = np.sort(np.random.default_rng(seed).choice(rows, _JUDGES, replace=False))
    base, learned = (
        np.array([tried(portfolio, similarity.held_out(int(row)), evidence.scores[row], _CHECKED) for row in rows])
        for similarity in (Similarity(evidence, "alike"), forest)
    )
    # Data sets of one family are no independent witnesses: each family has one voice.
    size = np.bincount(of[rows], minlength=len(families))
    first, third = (
        np.bincount(of[rows], (base - learned)[:, k], len(families))[size > 0] / size[size > 0]
        for k in (0, _CHECKED - 1)
    )
    z = min(_standard(first), _standard(first + third))
    return Check(_ends(base), _ends(learned), z, _trust(z, len(first)))


def _trust(z: float, families: int) -> float:
    """0 unless the forest wins; else the chance that it does not lose more than one standard error, less while few
    families have said so.

    A full step at "it wins" would be worse than either way where the two are close: leaving out the families on which
    it did badly lets it win, and then it is used for just those.
    """
    if z <= 0:
        return 0.0
    normal = (1 + math.erf((z + 1.0) / math.sqrt(2))) / 2
    return normal * families / (families + _FAMILIES)


def _standard(gains: Floats) -> float:
    error = float(gains.std(ddof=1)) / np.sqrt(len(gains))
    return float(gains.mean()) / error if error else 0.0


def _ends(regrets: Floats) -> tuple[float, float]:
    return float(regrets[:, 0].mean()), float(regrets[:, -1].mean())


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


def _middle(scores: Floats, shares: Floats) -> tuple[float, float]:
    """The interval of which a new score is in with a chance of 80 %: quantiles, and where few data sets have most of
    the say, not narrower than Student's prediction interval."""
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(shares[order])
    low, high = (float(scores[order[min(int(np.searchsorted(reached, at)), len(order) - 1)]]) for at in (0.1, 0.9))
    count = 1 / float(shares @ shares)  # as many equal voices would be as uncertain
    if count < _MANY and len(scores) > 1:
        freedom = max(count - 1, 1.0)
        centre = float(shares @ scores)
        spread = math.sqrt(float(shares @ (scores - centre) ** 2) * (freedom + 1) / freedom * (1 + 1 / count))
        z = 1.2816  # of the normal distribution; then Student's by Cornish and Fisher
        half = spread * (z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2))
        low, high = min(low, centre - half), max(high, centre + half)
    return low, high


class Recommender:
    """Recommendations from the runs of one question.

    `way`: how data sets are weighted; None: by the forest as far as `check` says that it can be trusted.
    """

    def __init__(self, evidence: Evidence, *, way: Way | None = None, seed: int = 0) -> None:
        self.evidence = evidence
        self.checked: Check | None = None
        if way == "alike":
            self._similarity = Similarity(evidence, "alike")
        elif way == "forest":
            self._similarity = Similarity(evidence, "forest", seed=seed)
        else:
            sample = _sample(evidence, seed)
            forest = Similarity(sample, "forest", seed=seed)
            self.checked = check(sample, forest, seed=seed)
            if sample is not evidence:
                forest = Similarity(evidence, "forest", seed=seed)
            forest.trust = self.checked.trust if self.checked else 0.0
            self._similarity = forest
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
        low, high = _middle(scores, shares)
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
