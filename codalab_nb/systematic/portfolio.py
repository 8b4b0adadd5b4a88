"""Which configurations to try, one after the other: each the one that helps most beside those tried before.

The greedy portfolio (Feurer et al., JMLR 23:261, 2022) minimizes the expected regret of the best of what was tried. It
is made anew after each run: data sets on which the tried configurations scored as they did here count more from then on
(Bayes' rule). Scores of two data sets are taken to differ by Student's t with three degrees of freedom, so that where
nothing known scored like this, that which came nearest still says most (Lange, Little and Taylor, JASA 84:881, 1989).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from codalab_nb.systematic.evidence import Evidence, Floats

_FREEDOM = 3.0
_SCALE = 0.5  # of the t distribution, in units of the usual spread of scores among the configurations of a data set
_LEAST = 1e-12  # times its weight before, that a data set keeps


class Portfolio:
    """Picks configurations for a new data set, given weights of the known ones."""

    def __init__(self, evidence: Evidence) -> None:
        self._regrets = evidence.regrets()
        self._scores = evidence.filled()
        self._unit = _SCALE * float(np.mean(self._scores.std(axis=1))) if len(evidence) else 0.0

    def after(self, prior: Floats, seen: Mapping[int, float]) -> Floats:
        """(n,) weights after the runs `seen` (configuration's column → score on the new data set; a score that is
        not finite tells nothing about which data sets are alike)."""
        columns = [column for column, score in seen.items() if np.isfinite(score)]
        if not columns or not self._unit:
            return prior
        differences = (self._scores[:, columns] - np.array([seen[column] for column in columns])) / self._unit
        surprise = np.log1p(differences**2 / _FREEDOM).sum(axis=1) * (_FREEDOM + 1) / 2
        # Of one scale whatever the scores are: the least surprising data set keeps its weight.
        # After many runs the others would vanish altogether, and with them what they tell of configurations.
        weights = prior * np.maximum(np.exp(surprise[prior > 0].min() - surprise), _LEAST)
        return np.asarray(weights / weights.sum())

    def order(
        self, prior: Floats, seen: Mapping[int, float], k: int, *, allowed: NDArray[np.bool_] | None = None
    ) -> list[int]:
        """Columns of the next `k` configurations to try, best first; fewer when no more are allowed."""
        weights = self.after(prior, seen)
        tried = [column for column, score in seen.items() if np.isfinite(score)]
        shape = (self._regrets.shape[0], 1)
        reached = self._regrets[:, tried].min(axis=1, keepdims=True) if tried else np.full(shape, np.inf)
        free = np.ones(self._regrets.shape[1], dtype=bool) if allowed is None else allowed.copy()
        free[list(seen)] = False
        alone = weights @ self._regrets  # breaks ties, when nothing can be gained any more
        picks: list[int] = []
        while len(picks) < k and free.any():
            gained = weights @ np.minimum(reached, self._regrets)
            candidates = np.flatnonzero(free)
            pick = int(candidates[np.lexsort((alone[candidates], np.round(gained[candidates], 12)))[0]])
            picks.append(pick)
            free[pick] = False
            reached = np.minimum(reached, self._regrets[:, [pick]])
        return picks
