"""Classifiers as plain functions: fitted on one set of samples, asked about another.

Every function gets features that were selected and standardised on the training samples alone (see `prediction`).
Nearest shrunken centroids: Tibshirani R et al. (2002) PNAS 99:6567; written here so that all thresholds cost one pass.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
FRACTIONS = (0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0)  # of the largest difference, to shrink centroids by
TREES = 100


@dataclass(frozen=True)
class Learner:
    """`tuned`: its number of features is chosen in the inner loop. scores(train, labels, test, balanced) gives one
    column per class, the highest wins; `balanced`: classes count alike, however large. None: shrunken centroids."""

    name: str
    title: str
    tuned: bool
    scores: Callable[[Floats, Ints, Floats, bool], Floats] | None


def _logistic(train: Floats, labels: Ints, test: Floats, balanced: bool) -> Floats:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a fit that is nearly done predicts the same
        model = LogisticRegression(max_iter=1000, class_weight="balanced" if balanced else None).fit(train, labels)
    return np.asarray(model.predict_proba(test))


def _svm(train: Floats, labels: Ints, test: Floats, balanced: bool) -> Floats:
    from sklearn.svm import SVC

    # The kernel is handed over ready: with fewer samples than features that is the small matrix.
    model = SVC(kernel="precomputed", class_weight="balanced" if balanced else None, decision_function_shape="ovr")
    found = model.fit(train @ train.T, labels).decision_function(test @ train.T)
    return np.column_stack([-found, found]) if found.ndim == 1 else np.asarray(found)


def _forest(train: Floats, labels: Ints, test: Floats, balanced: bool) -> Floats:
    from sklearn.ensemble import RandomForestClassifier

    weight = "balanced" if balanced else None
    model = RandomForestClassifier(TREES, random_state=0, class_weight=weight).fit(train, labels)
    return np.asarray(model.predict_proba(test))


def _lda(train: Floats, labels: Ints, test: Floats, balanced: bool) -> Floats:
    """Fisher's rule with the pooled covariance; with fewer than three samples per feature it is shrunk towards equal
    variances (Ledoit O, Wolf M (2004) J Multivar Anal 88:365), else it could hardly be inverted."""
    from sklearn.covariance import ledoit_wolf_shrinkage

    n, p = train.shape
    counts = np.bincount(labels)
    centroids = np.array([train[labels == one].mean(axis=0) for one in range(len(counts))])
    around = train - centroids[labels]
    covariance = around.T @ around / (n - len(counts))
    level = float(np.trace(covariance)) / p
    if n < 3 * p and level > 0:
        shrinkage = ledoit_wolf_shrinkage(around, assume_centered=True)
        covariance = (1 - shrinkage) * covariance + shrinkage * level * np.eye(p)
    covariance[np.diag_indices(p)] += 1e-9 * max(level, 1.0)  # features without scatter inside the classes
    weights = np.linalg.solve(covariance, centroids.T)
    prior = np.zeros(len(counts)) if balanced else np.log(counts / n)
    return _against_the_rest(test @ weights - (centroids.T * weights).sum(axis=0) / 2 + prior)


LEARNERS = {
    one.name: one
    for one in (
        Learner("svm", "linear support vector machine", True, _svm),
        Learner("logistic", "logistic regression", True, _logistic),
        Learner("centroid", "nearest shrunken centroids", True, None),
        Learner("forest", "random forest", False, _forest),
        Learner("lda", "linear discriminant analysis", False, _lda),
    )
}


def shrunken_centroids(
    train: Floats, labels: Ints, test: Floats, n_classes: int, fractions: Sequence[float] = FRACTIONS
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """(scores, used): scores is fractions × test × classes; used, fractions × features, has not shrunk to nothing.

    Classes count alike. A fraction of 1 would shrink every centroid to the overall one.
    """
    n = len(train)
    counts = np.bincount(labels, minlength=n_classes).astype(np.float64)
    hot = np.eye(n_classes)[labels]
    overall = train.mean(axis=0)
    centroids = (hot.T @ train) / counts[:, None]
    within = ((train - centroids[labels]) ** 2).sum(axis=0)
    s = np.sqrt(within / (n - n_classes))
    spread = s + np.median(s)
    spread = np.where(spread > 0, spread, 1.0)
    scale = np.sqrt(1 / counts - 1 / n)[:, None] * spread
    d = (centroids - overall) / scale
    largest = float(np.abs(d).max())
    asked = (test - overall) / spread
    scores = np.empty((len(fractions), len(test), n_classes))
    used = np.empty((len(fractions), train.shape[1]), dtype=bool)
    for place, fraction in enumerate(fractions):
        shrunk = np.sign(d) * np.maximum(np.abs(d) - fraction * largest, 0)
        used[place] = (shrunk != 0).any(axis=0)
        offset = shrunk[:, used[place]] * (scale / spread)[:, used[place]]
        # −½ Σ (x − offset)², without what is the same for all classes
        scores[place] = asked[:, used[place]] @ offset.T - (offset**2).sum(axis=1) / 2
    return _against_the_rest(scores), used


def _against_the_rest(scores: Floats) -> Floats:
    """Log odds of each class against all others, which can be compared between samples; the winner stays the same."""
    odds = np.empty_like(scores)
    for one in range(scores.shape[-1]):
        odds[..., one] = scores[..., one] - logsumexp(np.delete(scores, one, axis=-1), axis=-1)
    return odds
