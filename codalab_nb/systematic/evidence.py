"""What earlier runs tell, as matrices: data sets × configurations, made from plain result rows and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """One result row. `score`: higher is better, comparable among the runs of one question on one data set.

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

    scores, seconds: (n data sets, m configurations), float64, NaN where there was no run.
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

    def regrets(self) -> Floats:
        """(n, m): how much less than the best run on that data set. A gap gets the configuration's mean regret
        elsewhere (or the worst mean where it never ran), so that it neither recommends nor condemns."""
        if not len(self):
            return np.zeros_like(self.scores)
        known = np.isfinite(self.scores)
        best = np.max(np.where(known, self.scores, -np.inf), axis=1, keepdims=True)
        regrets = np.where(known, best - self.scores, 0.0)
        counts = known.sum(axis=0)
        means = regrets.sum(axis=0) / np.maximum(counts, 1)
        unknown = means[counts > 0].max() if (counts > 0).any() else 0.0
        means = np.where(counts > 0, means, unknown)
        return np.where(known, regrets, means)


def gather(runs: Iterable[Run], features: Mapping[str, Sequence[float]]) -> Evidence:
    """Matrices from rows. Several runs of one pair are averaged; a data set without any run is left out.

    features: data set → its meta-features, all of one length; a data set that is not named has none known (NaN).
    """
    rows = [run for run in runs if np.isfinite(run.score)]
    datasets = tuple(dict.fromkeys(run.dataset for run in rows))
    configurations = tuple(dict.fromkeys(run.configuration for run in rows))
    place = {name: i for i, name in enumerate(datasets)}
    column = {name: j for j, name in enumerate(configurations)}
    families = {run.dataset: run.family for run in rows}
    totals = np.zeros((len(datasets), len(configurations)))
    times, counts = np.zeros_like(totals), np.zeros_like(totals)
    for run in rows:
        at = place[run.dataset], column[run.configuration]
        totals[at] += run.score
        times[at] += run.seconds
        counts[at] += 1
    with np.errstate(invalid="ignore"):
        scores, seconds = totals / counts, times / counts  # 0 / 0 is the NaN of a gap
    width = max((len(values) for values in features.values()), default=0)
    table = np.full((len(datasets), width), np.nan)
    for name, i in place.items():
        if name in features:
            table[i] = features[name]
    return Evidence(datasets, tuple(families[name] for name in datasets), configurations, scores, seconds, table)
