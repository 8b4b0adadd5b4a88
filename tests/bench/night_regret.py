"""How good recommendations are on the families that come along, each held out with all that was made from it.

For every data set, what is recommended from the other families alone is looked up in what really ran there. Regret:
the best score on the data set less the best of what was recommended. Beside ours: a choice at random (its expectation)
and what was best on average in the other families. A family has one voice, whatever number of data sets it has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from codalab_nb.systematic.evidence import Evidence, Floats, gather
from codalab_nb.systematic.recommend import Recommender
from codalab_nb.systematic.shipped import Shipped

TRIED = (1, 3)
PEERS = ("random", "best on average", "recommended")


@dataclass(frozen=True)
class Judged:
    """One kind of question. regrets: peer → (families, len(TRIED)), the mean over each family's data sets; NaN where
    no data set of it has more results than are tried."""

    question: str
    families: tuple[str, ...]
    datasets: int
    configurations: int
    regrets: dict[str, Floats]
    spread: float  # the mean of best less worst score on a data set: what could be lost

    def mean(self, peer: str, at: int) -> float:
        values = self.regrets[peer][:, TRIED.index(at)]
        return float(np.nanmean(values)) if np.isfinite(values).any() else math.nan

    def gain(self, over: str, at: int) -> tuple[float, float, float]:
        """Mean over families of regret of `over` less ours, and its 95 % interval by Student's t: NaN with one."""
        column = TRIED.index(at)
        gains = self.regrets[over][:, column] - self.regrets["recommended"][:, column]
        gains = gains[np.isfinite(gains)]
        if len(gains) < 2:
            return (float(gains.mean()) if len(gains) else math.nan, math.nan, math.nan)
        half = float(stats.t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains)))
        return float(gains.mean()), float(gains.mean()) - half, float(gains.mean()) + half


def judge(shipped: Shipped) -> list[Judged]:
    """Every kind of question in which two configurations were compared, in at least two families."""
    found = []
    for question in sorted({run.question for run in shipped.runs if math.isfinite(run.score)}):
        rows = [run.run for run in shipped.runs if run.question == question]
        features = {one.dataset: list(one.features.values()) for one in shipped.datasets.values()}
        whole = gather(rows, features)
        compared = np.isfinite(whole.scores).sum(axis=1) >= 2
        if len({name for name, is_in in zip(whole.families, compared, strict=True) if is_in}) >= 2:
            found.append(_judged(question, whole, compared))
    return found


def _judged(question: str, whole: Evidence, compared: Sequence[bool]) -> Judged:
    families = sorted({name for name, is_in in zip(whole.families, compared, strict=True) if is_in})
    regrets = {peer: np.full((len(families), len(TRIED)), np.nan) for peer in PEERS}
    for place, family in enumerate(families):
        known = whole.without_family(family)
        recommender = Recommender(known)
        average = _known_order(known)
        rows = [i for i, name in enumerate(whole.families) if name == family and compared[i]]
        each = {peer: np.array([peers(peer, recommender, average, whole, i) for i in rows]) for peer in PEERS}
        for peer, values in each.items():
            for at in range(len(TRIED)):
                column = values[:, at]
                if np.isfinite(column).any():
                    regrets[peer][place, at] = np.nanmean(column)
    scores = np.where(np.isfinite(whole.scores), whole.scores, np.nan)[np.asarray(compared)]
    spread = float(np.mean(np.nanmax(scores, axis=1) - np.nanmin(scores, axis=1)))
    return Judged(question, tuple(families), int(sum(compared)), len(whole.configurations), regrets, spread)


def _known_order(known: Evidence) -> list[str]:
    """Configurations that ran in other families, the best on average first."""
    ran = np.isfinite(known.scores).any(axis=0)
    order = np.argsort(known.regrets().mean(axis=0), kind="stable") if len(known) else []
    return [known.configurations[j] for j in order if ran[j]]


def peers(peer: str, recommender: Recommender, average: Sequence[str], whole: Evidence, row: int) -> list[float]:
    """Regret on one data set after each number of TRIED; NaN where no more ran there than would be tried.

    What failed there was tried too, and is as bad as the worst that did not.
    """
    ran = whole.scores[row]
    finite = ran[np.isfinite(ran)]
    best, worst = float(finite.max()), float(finite.min())
    scores = {
        name: worst if np.isneginf(score) else float(score)
        for name, score in zip(whole.configurations, ran, strict=True)
        if not np.isnan(score)
    }
    after: Callable[[int], float]
    if peer == "random":
        after = _expected([best - score for score in scores.values()])
    elif peer == "best on average":
        after = _after([name for name in average if name in scores], scores, best)
    else:
        picks = recommender.recommend(whole.features[row], allowed=list(scores), k=max(TRIED))
        after = _after([pick.configuration for pick in picks], scores, best)
    return [after(k) if len(scores) > k else math.nan for k in TRIED]


def _after(order: Sequence[str], scores: dict[str, float], best: float) -> Callable[[int], float]:
    """With fewer recommendations than tries the rest is not tried; with none there is nothing to judge."""
    return lambda k: best - max(scores[name] for name in order[:k]) if order else math.nan


def _expected(regrets: Sequence[float]) -> Callable[[int], float]:
    """The expectation of the least of k regrets drawn without replacement."""
    ordered, number = sorted(regrets), len(regrets)
    return lambda k: sum(
        regret * math.comb(number - 1 - place, k - 1) / math.comb(number, k) for place, regret in enumerate(ordered)
    )
