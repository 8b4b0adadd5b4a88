"""How much each known data set says about a new one: weights that sum to one, by meta-features.

Two ways, told apart by name: `alike` (all the same: nothing is known of what makes data sets similar) and `forest`
(data sets that share the leaves of a random forest which predicts the regrets: a learned similarity; Lin and Jeon, JASA
101:578, 2006; Meinshausen, JMLR 7:983, 2006). The forest keeps a share of `alike`, the larger the less it is trusted,
so that where it has learned nothing the recommendation falls back to what is good everywhere.
"""

from __future__ import annotations

import importlib.util
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from codalab_nb.systematic.evidence import Evidence, Floats

Way = Literal["alike", "forest"]
WAYS: tuple[Way, ...] = get_args(Way)

FEWEST = 5  # data sets; with fewer there is nothing to learn a similarity from
_TREES, _LEAF, _FEATURES = 200, 5, 0.5
_SHARE = 0.8  # of the weights, that the forest gives when fully trusted; the rest is `alike`
_LARGEST = 500  # families that a tree is grown on, at most
_PATTERNS = 20  # of regrets, of which a tree learns to tell data sets apart
_FLOOR = 0.1  # of the mean regret; regrets are learned as logarithms: differences among good configurations count


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
    """Weights of the data sets of `evidence` for a new one. `trust` (0 to 1): how far the forest is believed."""

    def __init__(self, evidence: Evidence, way: Way, *, trust: float = 1.0, seed: int = 0) -> None:
        self._n = len(evidence)
        self._family = np.unique(evidence.families, return_inverse=True)[1]
        # scikit-learn comes with the methods (`codalab-nb[analysis]`); where it is not, all data sets count alike.
        installed = importlib.util.find_spec("sklearn") is not None
        usable = self._n >= FEWEST and evidence.features.shape[1] > 0 and installed
        self.trust = trust if usable and way == "forest" else 0.0
        if self.trust:
            self._ranks = Ranks(evidence.features)
            self._known = self._ranks(evidence.features)
            self._forest = Forest(self._known, evidence.regrets(), self._family, seed)

    @property
    def way(self) -> Way:
        """What says most."""
        return "forest" if self.trust >= 0.5 else "alike"

    def weights(self, features: Floats) -> Floats:
        """(p,) meta-features of the new data set → (n,) weights which sum to 1."""
        everyone = np.ones(self._n)
        if not self.trust:
            return _shares(everyone)
        return self._mixed(self._forest.weights(self._ranks(features[None, :])[0]), everyone)

    def held_out(self, row: int) -> Floats:
        """(n,) weights for a known data set as if nothing were known of its family, which has none."""
        others = np.asarray(self._family != self._family[row], dtype=np.float64)
        if not self.trust:
            return _shares(others)
        return self._mixed(self._forest.held_out(row, others), others)

    def _mixed(self, learned: Floats, alike: Floats) -> Floats:
        share = _SHARE * self.trust if learned.any() else 0.0
        return share * _shares(learned) + (1 - share) * _shares(alike)


class Forest:
    """Trees of data sets, each grown on families drawn with replacement, so that the others can check it."""

    def __init__(self, ranks: Floats, regrets: Floats, family: NDArray[np.intp], seed: int) -> None:
        from sklearn.tree import DecisionTreeRegressor  # a second to import, and most who look at a board need none

        random = np.random.default_rng(seed)
        table = ranks.astype(np.float32)  # what trees look at
        patterns = _patterns(np.log(regrets + (_FLOOR * float(regrets.mean()) or 1.0)))
        families = int(family.max()) + 1
        self._trees: list[Any] = []
        self._leaves = np.empty((len(ranks), _TREES), dtype=np.int32)
        self._drawn = np.empty((families, _TREES), dtype=bool)
        for number in range(_TREES):
            draws = random.choice(families, min(families, _LARGEST))
            times = np.bincount(draws, minlength=families)
            rows = np.flatnonzero(times[family])
            tree = DecisionTreeRegressor(
                min_samples_leaf=_LEAF, max_features=_FEATURES, random_state=int(random.integers(2**31))
            )
            tree.fit(table[rows], patterns[rows], sample_weight=times[family[rows]].astype(np.float64))
            self._trees.append(tree.tree_)
            self._leaves[:, number] = tree.tree_.apply(table)
            self._drawn[:, number] = times > 0
        self._family = family

    def weights(self, here: Floats) -> Floats:
        """(p,) ranks → (n,): how often each data set is in the same leaf, counted by one over the leaf's size."""
        row = here.astype(np.float32)[None, :]
        leaves = np.array([tree.apply(row)[0] for tree in self._trees], dtype=np.int32)
        together = self._leaves == leaves
        return np.asarray(together @ (1.0 / np.maximum(together.sum(axis=0), 1)))

    def held_out(self, row: int, others: Floats) -> Floats:
        """The same for a known data set, by the trees grown without its family; `others` (n,) is 0 for its family."""
        trees = np.flatnonzero(~self._drawn[self._family[row]])
        together = (self._leaves[:, trees] == self._leaves[row, trees]) & (others > 0)[:, None]
        return np.asarray(together @ (1.0 / np.maximum(together.sum(axis=0), 1)))


def _patterns(values: Floats) -> Floats:
    """The first principal components of (n, m) values: a tree splits by them as by all columns, many times quicker."""
    centred = values - values.mean(axis=0)
    count = min(_PATTERNS, *values.shape)
    size, directions = np.linalg.eigh(centred.T @ centred)  # (m, m), however many data sets there are
    return np.asarray(centred @ directions[:, np.argsort(size)[::-1][:count]])


def _shares(weights: Floats) -> Floats:
    total = float(weights.sum())
    return weights / total if total else np.full(len(weights), 1.0 / max(len(weights), 1))
