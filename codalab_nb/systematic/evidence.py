"""What earlier runs tell, as matrices: data sets × configurations, made from plain result rows and nothing else."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_DOUBT = 2.0  # data sets: a configuration seen on so many is believed by half to differ from the usual one
_ROUNDS = 20  # of fitting rows and columns in turn; gaps are few or the matrix small, and it need not be exact
_WIDEST = 10.0  # times the usual spread of scores: a data set that spreads wider has no more say than that


@dataclass(frozen=True)
class Run:
    """One result row. `score`: higher is better, comparable among the runs of one question on one data set; -inf: it
    ran and failed; NaN: nothing is known.

    family: data sets made from one another (subsamples, contrasts, filters) are one family and are held out together.
    configuration: a method with its parameter values, as one name.
    """

    dataset: str
    family: str
    configuration: str
    score: float
    seconds: float


@dataclass(frozen=True)
class Evidence:
    """All runs of one kind of question.

    scores, seconds: (n data sets, m configurations), float64, NaN where there was no run; a score of -inf is a failure.
    features: (n, p) meta-features, NaN where one does not exist; p may be 0.
    """

    datasets: tuple[str, ...]
    families: tuple[str, ...]
    configurations: tuple[str, ...]
    scores: Floats
    seconds: Floats
    features: Floats

    def __post_init__(self) -> None:
        n, m = len(self.datasets), len(self.configurations)
        if self.scores.shape != (n, m) or self.seconds.shape != (n, m) or self.features.shape[:1] != (n,):
            raise ValueError(f"shapes do not fit: {n} data sets, {m} configurations, scores {self.scores.shape}")
        if len(self.families) != n:
            raise ValueError("each data set has a family")

    def __len__(self) -> int:
        return len(self.datasets)

    def without_family(self, family: str) -> Evidence:
        return self.only([name != family for name in self.families])

    def only(self, wanted: Sequence[bool] | NDArray[np.bool_]) -> Evidence:
        """The evidence of the data sets for which `wanted` is true."""
        chosen = np.flatnonzero(np.asarray(wanted, dtype=bool))
        return Evidence(
            tuple(self.datasets[i] for i in chosen),
            tuple(self.families[i] for i in chosen),
            self.configurations,
            self.scores[chosen],
            self.seconds[chosen],
            self.features[chosen],
        )

    def filled(self) -> Floats:
        """(n, m) scores without gaps: a gap is what the data set and the configuration make one expect.

        score = data set + configuration, fitted to the runs there are. How far a configuration is from the usual one
        is believed the more, the more data sets it ran on (`_DOUBT`): three good runs on easy data sets, where all is
        good, do not make it the best, and a data set on which one configuration ran tells nothing about it. A failure
        is as bad as the worst on that data set, known or expected.
        """
        known = np.isfinite(self.scores)
        failed = np.isneginf(self.scores)
        if known.all() or not known.any():
            return np.where(known, self.scores, 0.0)
        values = np.where(known, self.scores, 0.0)
        by_row, by_column = known.sum(axis=1), known.sum(axis=0)
        columns = np.zeros(values.shape[1])
        for _ in range(_ROUNDS):
            rows = (values - known * columns).sum(axis=1) / np.maximum(by_row, 1)
            columns = (values - known * rows[:, None]).sum(axis=0) / (by_column + _DOUBT)
        rows[by_row == 0] = rows[by_row > 0].mean()  # all failed there: like any other
        filled = np.where(known, self.scores, rows[:, None] + columns)
        worst = np.min(np.where(failed, np.inf, filled), axis=1, keepdims=True)
        return np.where(failed & np.isfinite(worst), worst, filled)

    def regrets(self) -> Floats:
        """(n, m): how much less than the best on that data set, known or expected (see `filled`).

        The unit is that of the scores, so that data sets on which the choice matters count more, but no data set
        counts without bound: a spread of more than `_WIDEST` times the usual is scaled down to that.
        """
        if not len(self):
            return np.zeros_like(self.scores)
        filled = self.filled()
        regrets = filled.max(axis=1, keepdims=True) - filled
        spread = regrets.mean(axis=1, keepdims=True)
        usual = float(np.median(spread[spread > 0])) if (spread > 0).any() else 0.0
        return np.asarray(regrets / np.maximum(spread / (_WIDEST * usual), 1.0) if usual else regrets)


def gather(runs: Iterable[Run], features: Mapping[str, Sequence[float]]) -> Evidence:
    """Matrices from rows, whatever their order. Several runs of one pair are averaged, failures beside a success
    forgotten; a data set where nothing but failures is known, or nothing, is left out.

    features: data set → its meta-features, all of one length; a data set that is not named has none known (NaN).
    """
    scored: defaultdict[tuple[str, str], list[Run]] = defaultdict(list)
    failed: dict[tuple[str, str], Run] = {}
    families: dict[str, str] = {}
    for run in runs:
        cell = run.dataset, run.configuration
        if np.isfinite(run.score):
            scored[cell].append(run)
            families[run.dataset] = min(run.family, families.get(run.dataset, run.family))
        elif run.score < 0:
            failed[cell] = run
    datasets = tuple(sorted(families))
    place = {name: i for i, name in enumerate(datasets)}
    names = {name for _, name in scored} | {name for dataset, name in failed if dataset in place}
    configurations = tuple(sorted(names))
    column = {name: j for j, name in enumerate(configurations)}
    scores = np.full((len(datasets), len(configurations)), np.nan)
    seconds = np.full_like(scores, np.nan)
    for dataset, name in failed:
        if dataset in place:
            scores[place[dataset], column[name]] = -np.inf
    for (dataset, name), same in scored.items():
        at = place[dataset], column[name]
        scores[at] = math.fsum(run.score for run in same) / len(same)  # exact sums do not depend on the order
        seconds[at] = math.fsum(run.seconds for run in same) / len(same)
    width = max((len(values) for values in features.values()), default=0)
    table = np.full((len(datasets), width), np.nan)
    for dataset, i in place.items():
        if dataset in features:
            table[i] = features[dataset]
    return Evidence(datasets, tuple(families[name] for name in datasets), configurations, scores, seconds, table)
