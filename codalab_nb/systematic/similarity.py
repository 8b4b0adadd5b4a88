"""How much each known data set says about a new one: weights that sum to one, by meta-features.

Three ways, told apart by name: `alike` (all the same: nothing is known of what makes data sets similar), `near` (a
kernel on the ranks of the meta-features) and `forest` (data sets that share the leaves of a random forest which
predicts the regrets: a learned similarity; Lin and Jeon, JASA 101:578, 2006; Meinshausen, JMLR 7:983, 2006). The last
two keep a share of `alike`, so that without near neighbours the recommendation falls back to what is good everywhere.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor

from codalab_nb.systematic.evidence import Evidence, Floats

Way = Literal["alike", "near", "forest"]
WAYS: tuple[Way, ...] = get_args(Way)

FEWEST = 5  # data sets; with fewer there is nothing to learn a similarity from
_BANDWIDTH = 0.15  # of ranks between 0 and 1, root mean square over the features
_NEAR = 30.0  # weight of an identical data set, where a stranger has 1
_TREES, _LEAF = 200, 2
_SHARE = 0.8  # of the forest's weights; the rest is `alike`
_LARGEST = 1_000  # data sets that a forest is grown on
_FLOOR = 0.01  # regrets are predicted as logarithms: differences among good configurations count


class Ranks:
    """Meta-features as ranks among the known data sets, between 0 and 1; an unknown value is in the middle."""

    def __init__(self, features: Floats) -> None:
        self._sorted = [np.sort(column[np.isfinite(column)]) for column in features.T]

    def __call__(self, features: Floats) -> Floats:
        """(k, p) values → (k, p) mid-ranks."""
        ranks = np.full(features.shape, 0.5)
        for j, known in enumerate(self._sorted):
            if len(known) < 2 or known[0] == known[-1]:
                continue
            column = features[:, j]
            middle = (np.searchsorted(known, column, "left") + np.searchsorted(known, column, "right")) / 2
            ranks[:, j] = np.where(np.isfinite(column), middle / len(known), 0.5)
        return ranks


class Similarity:
    """Weights of the data sets of `evidence` for a new one, in one of the three ways."""

    def __init__(self, evidence: Evidence, way: Way, *, seed: int = 0) -> None:
        self._n = len(evidence)
        usable = self._n >= FEWEST and evidence.features.shape[1] > 0
        self.way: Way = way if usable else "alike"
        if self.way == "alike":
            return
        self._ranks = Ranks(evidence.features)
        self._known = self._ranks(evidence.features)
        if self.way == "forest":
            self._forest, self._leaves = _grown(self._known, evidence.regrets(), seed)

    def weights(self, features: Floats) -> Floats:
        """(p,) meta-features of the new data set → (n,) weights which sum to 1."""
        alike = np.full(self._n, 1.0 / max(self._n, 1))
        if self.way == "alike":
            return alike
        here = self._ranks(features[None, :])
        if self.way == "near":
            distance = np.mean((self._known - here) ** 2, axis=1)
            weights = 1.0 + _NEAR * np.exp(-distance / (2 * _BANDWIDTH**2))
            return np.asarray(weights / weights.sum())
        together = self._leaves == self._forest.apply(here)[0]
        learned = (together / np.maximum(together.sum(axis=0), 1)).mean(axis=1)
        return np.asarray(_SHARE * learned / learned.sum() + (1 - _SHARE) * alike)


def _grown(ranks: Floats, regrets: Floats, seed: int) -> tuple[RandomForestRegressor, NDArray[np.int64]]:
    """The forest, and the leaf of each data set in each tree: (n, trees)."""
    rows = np.arange(len(ranks))
    if len(rows) > _LARGEST:
        rows = np.sort(np.random.default_rng(seed).choice(rows, _LARGEST, replace=False))
    forest = RandomForestRegressor(_TREES, min_samples_leaf=_LEAF, max_features=0.5, random_state=seed, n_jobs=1)
    forest.fit(ranks[rows], np.log(regrets[rows] + _FLOOR * _spread(regrets)))
    return forest, forest.apply(ranks)


def _spread(regrets: Floats) -> float:
    """The unit in which regrets are small or large: scores may be accuracies or numbers of genes."""
    return float(np.mean(regrets)) * 10 or 1.0
