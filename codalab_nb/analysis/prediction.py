"""Can the class of NEW samples be predicted? Nested cross-validation that never looks at the samples it is judged by.

Each repeat deals the samples into folds. Every fold is predicted once by a model which saw the other folds only:
features were selected, standardised and filled in, and the number of features chosen, among those. Choosing features
on all samples first is the classical mistake (Ambroise C, McLachlan GJ (2002) PNAS 99:6562): on shuffled labels of
golub it seems to predict 85 % right. For the inner loop the remaining folds are held out in turn; a model that saw
neither of two folds serves both as inner test, so that V folds need V(V−1)/2 inner fits instead of V(V−1).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from codalab_nb.analysis.prediction_data import Samples
from codalab_nb.analysis.prediction_models import FRACTIONS, LEARNERS, Floats, Ints, Learner, shrunken_centroids

SIZES = (10, 50, 200)  # numbers of features that are tried
ALL_UP_TO = 200  # all features are tried, too, if there are no more than so many
Progress = Callable[[int, int], None]


def _silent(done: int, total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Outcome:
    """How one learner did. predicted: repeats × samples; scores: repeats × samples × classes; chosen: per feature in
    how many of the fits it was used; sizes: features used in each outer fit."""

    learner: Learner
    predicted: Ints
    scores: Floats
    chosen: Ints
    sizes: tuple[int, ...]

    def balanced_accuracy(self, labels: Ints) -> float:
        """Mean over repeats of the mean over classes of the share predicted right."""
        return float(np.mean([balanced_accuracy(labels, one) for one in self.predicted]))

    def auc(self, labels: Ints) -> float:
        """Mean over repeats and classes (each against the rest) of the area under the ROC curve."""
        n_classes = self.scores.shape[2]
        classes = range(n_classes) if n_classes > 2 else (1,)
        return float(np.mean([auc(labels == one, scores[:, one]) for scores in self.scores for one in classes]))

    def confusion(self, labels: Ints) -> Floats:
        """Share of each true class (rows) that was called each class (columns), mean over repeats."""
        n_classes = self.scores.shape[2]
        table = np.zeros((n_classes, n_classes))
        for one in self.predicted:
            np.add.at(table, (labels, one), 1)
        return np.asarray(table / table.sum(axis=1, keepdims=True))


def cross_validate(
    samples: Samples,
    learner: str = "svm",
    *,
    n_features: int = 0,
    folds: int = 5,
    repeats: int = 5,
    seed: int = 0,
    progress: Progress = _silent,
) -> Outcome:
    """`n_features`: so many features in every fold; 0: the inner loop chooses among 10, 50, 200 (or all, if few)."""
    model = LEARNERS[learner]
    predicted, scores, sizes = [], [], []
    chosen = np.zeros(samples.values.shape[1], dtype=np.intp)
    for repeat in range(repeats):
        assignment = samples.deal(folds, seed + repeat)
        with _lean():
            one = _one_repeat(samples.values, samples.labels, assignment, model, n_features, samples.n_classes)
        scores.append(one[0])
        predicted.append(one[0].argmax(axis=1))
        chosen += one[1]
        sizes += one[2]
        progress(repeat + 1, repeats)
    return Outcome(model, np.array(predicted), np.array(scores), chosen, tuple(sizes))


def permutation_null(
    samples: Samples,
    learner: str = "svm",
    *,
    n_features: int = 0,
    folds: int = 5,
    permutations: int = 50,
    seed: int = 0,
    progress: Progress = _silent,
) -> Floats:
    """Balanced accuracy of the whole procedure (one repeat) on shuffled labels, once per permutation."""
    rng = np.random.default_rng(seed)
    found = np.empty(permutations)
    for number in range(permutations):
        shuffled = samples.shuffled(rng)
        one = cross_validate(shuffled, learner, n_features=n_features, folds=folds, repeats=1, seed=seed + number)
        found[number] = one.balanced_accuracy(shuffled.labels)
        progress(number + 1, permutations)
    return found


def permutation_p(observed: float, null: Floats) -> float:
    """Share of shuffled results at least as good, counting the real one (Ojala M, Garriga GC (2010) JMLR 11:1833)."""
    return float((1 + (null >= observed - 1e-12).sum()) / (1 + len(null)))


def like_chance(observed: float, null: Floats) -> bool:
    """Whether shuffled labels do as well in 5 % or more; never with fewer than 19 shuffles, which cannot tell."""
    return len(null) >= 19 and permutation_p(observed, null) >= 0.05


def accuracy_interval(labels: Ints, predicted: Ints, level: float = 0.95) -> tuple[float, float]:
    """Of the balanced accuracy: Wilson's limits of each class' share, combined by the method of variance estimates
    recovery, which holds the estimate even where every sample is right (Zou GY, Donner A (2008) Stat Med 27:1693,
    doi:10.1002/sim.3095; Newcombe RG (1998) Stat Med 17:873).

    predicted: repeats × samples; repeats of the same samples are averaged, not counted as more samples.
    """
    z = float(stats.norm.ppf((1 + level) / 2))
    right = (predicted == labels).mean(axis=0)
    n_classes = int(labels.max()) + 1
    size = np.bincount(labels, minlength=n_classes).astype(np.float64)
    share = np.bincount(labels, weights=right, minlength=n_classes) / size
    middle = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    reach = z / (1 + z**2 / size) * np.sqrt(np.maximum(share * (1 - share), 0) / size + z**2 / (4 * size**2))
    below, above = np.maximum(share - (middle - reach), 0), np.maximum(middle + reach - share, 0)
    estimate = float(share.mean())
    return (
        max(0.0, estimate - float(np.sqrt((below**2).sum())) / n_classes),
        min(1.0, estimate + float(np.sqrt((above**2).sum())) / n_classes),
    )


def balanced_accuracy(labels: Ints, predicted: Ints) -> float:
    right = labels == predicted
    return float(np.mean([right[labels == one].mean() for one in np.unique(labels)]))


def auc(positive: npt.NDArray[np.bool_], score: Floats) -> float:
    """Probability that a positive sample scores higher than a negative one; ties count half."""
    rank = stats.rankdata(score)
    n, m = int(positive.sum()), int((~positive).sum())
    return float((rank[positive].sum() - n * (n + 1) / 2) / (n * m))


@contextmanager
def _lean() -> Iterator[None]:
    """For thousands of small fits: no checks of what was checked, and no threads, which wait longer than they work."""
    from sklearn import config_context

    with config_context(assume_finite=True, skip_parameter_validation=True), _threads().limit(limits=1):
        yield


@cache
def _threads() -> Any:
    """Looks up the loaded libraries once; it takes longer than a fit."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # it publishes no types

    return ThreadpoolController()


def _one_repeat(
    values: Floats, labels: Ints, assignment: Ints, model: Learner, n_features: int, n_classes: int
) -> tuple[Floats, Ints, list[int]]:
    """(out-of-fold scores, how often each feature was used, features used in each outer fit) for one dealing."""
    v = int(assignment.max()) + 1
    sums = _Sums(values, labels, assignment, n_classes)
    settings = _settings(model, n_features, values.shape[1])
    best = np.zeros(v, dtype=np.intp)
    if len(settings) > 1:
        best = _inner_loop(values, labels, assignment, model, settings, sums, n_classes)
    scores = np.empty((len(labels), n_classes))
    chosen = np.zeros(values.shape[1], dtype=np.intp)
    sizes = []
    for fold in range(v):
        test = assignment == fold
        found, used = _fit(values, labels, ~test, test, model, [settings[best[fold]]], sums.without(fold), n_classes)
        scores[test] = found[0]
        chosen[used[0]] += 1
        sizes.append(len(used[0]))
    return scores, chosen, sizes


def _inner_loop(
    values: Floats,
    labels: Ints,
    assignment: Ints,
    model: Learner,
    settings: Sequence[float],
    sums: _Sums,
    n_classes: int,
) -> Ints:
    """For each outer fold the place of the setting that predicts the other folds best.

    Of equals the one with most features: many that say about the same are steadier than few.
    """
    v = int(assignment.max()) + 1
    inner = np.full((v, len(settings), len(labels)), -1, dtype=np.intp)  # outer fold × setting × sample
    for one, other in itertools.combinations(range(v), 2):
        train, test = ~np.isin(assignment, (one, other)), np.isin(assignment, (one, other))
        found, _ = _fit(values, labels, train, test, model, settings, sums.without(one, other), n_classes)
        calls = found.argmax(axis=2)
        places = np.flatnonzero(test)
        mine = assignment[test] == one
        inner[other][:, places[mine]] = calls[:, mine]
        inner[one][:, places[~mine]] = calls[:, ~mine]
    best = np.empty(v, dtype=np.intp)
    for fold in range(v):
        rest = assignment != fold
        quality = np.array([balanced_accuracy(labels[rest], calls[rest]) for calls in inner[fold]])
        equal = np.flatnonzero(quality >= quality.max() - 1e-12)
        best[fold] = equal[-1]  # settings stand in the order of growing numbers of features
    return best


def _settings(model: Learner, n_features: int, p: int) -> list[float]:
    if model.scores is None:
        return list(FRACTIONS)
    if n_features:
        return [min(n_features, p)]
    sizes = [size for size in SIZES if size < p] + ([p] if p <= ALL_UP_TO else [])
    return [float(size) for size in (sizes if model.tuned else sizes[-1:])]


def _fit(
    values: Floats,
    labels: Ints,
    train: npt.NDArray[np.bool_],
    test: npt.NDArray[np.bool_],
    model: Learner,
    settings: Sequence[float],
    ranking: tuple[Ints, Floats, Floats],
    n_classes: int,
) -> tuple[Floats, list[Ints]]:
    """Scores (settings × test × classes) and the features used by each setting.

    `ranking` (features by their F, mean, standard deviation) must come from the training samples alone.
    """
    order, mean, deviation = ranking
    if model.scores is None:
        known, asked = (_standardised(values[rows], mean, deviation) for rows in (train, test))
        found, used = shrunken_centroids(known, labels[train], asked, n_classes, settings)
        return found, [np.flatnonzero(row) for row in used]
    scores, used_by = [], []
    for size in settings:
        top = order[: int(size)]
        known, asked = (_standardised(values[rows][:, top], mean[top], deviation[top]) for rows in (train, test))
        scores.append(model.scores(known, labels[train], asked, True))
        used_by.append(top)
    return np.array(scores), used_by


def _standardised(values: Floats, mean: Floats, deviation: Floats) -> Floats:
    """Gaps become the training mean."""
    return np.nan_to_num((values - mean) / deviation, nan=0.0)


class _Sums:
    """Sums per fold and class, from which the F statistics of any set of folds follow without touching the data again.

    Sums of squares are those of centred values: the centre is one number per feature, the same for all samples and
    blind to labels, and F does not depend on it.
    """

    def __init__(self, values: Floats, labels: Ints, assignment: Ints, n_classes: int) -> None:
        v = int(assignment.max()) + 1
        present = np.isfinite(values)
        complete = bool(present.all())
        self.centre = np.nanmean(values, axis=0)
        centred = np.nan_to_num(values - self.centre, nan=0.0)
        cells = np.eye(v * n_classes)[assignment * n_classes + labels].T
        shape = (v, n_classes, -1)
        self.n = (cells.sum(axis=1, keepdims=True) if complete else cells @ present).reshape(shape)
        self.total = (cells @ centred).reshape(shape)
        self.squares = (np.eye(v)[assignment].T @ centred**2).reshape(v, -1)

    def without(self, *folds: int) -> tuple[Ints, Floats, Floats]:
        """(features by falling F, mean, standard deviation) of all samples outside of these folds."""
        keep = [fold for fold in range(len(self.n)) if fold not in folds]
        n, total, squares = self.n[keep].sum(axis=0), self.total[keep].sum(axis=0), self.squares[keep].sum(axis=0)
        whole = n.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            between = np.where(n > 0, total**2 / n, 0).sum(axis=0) - total.sum(axis=0) ** 2 / whole
            around = squares - total.sum(axis=0) ** 2 / whole
            f = between / np.maximum(around - between, 1e-9 * around) * (whole - len(n))
            mean = total.sum(axis=0) / whole
            deviation = np.sqrt(np.maximum(around, 0) / np.maximum(whole - 1, 1))
        f = np.where(np.isfinite(f) & (around > 1e-12), f, -1.0)  # constant, or nothing measured there
        usable = np.isfinite(deviation) & (deviation > 1e-9)
        return (
            np.argsort(-f, kind="stable"),
            np.nan_to_num(mean, nan=0.0) + self.centre,
            np.where(usable, deviation, 1.0),
        )
