"""Which configurations to try, one after the other: each the one that helps most beside those tried before.

The greedy portfolio (Feurer et al., JMLR 23:261, 2022) minimizes the expected regret of the best of what was tried. It
is made anew after each run: data sets on which the tried configurations scored as they did here count more from then on
(Bayes' rule, with a share for data sets that look different all the same).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from codalab_nb.systematic.evidence import Evidence, Floats

_DOUBT = 0.02  # the likelihood that every data set keeps, however differently it scored
_SIGMA = (
    0.4  # of the difference of two data sets' scores, in units of the typical spread of scores among configurations
)


class Portfolio:
    """Picks configurations for a new data set, given weights of the known ones."""

    def __init__(self, evidence: Evidence) -> None:
        self._regrets = evidence.regrets()
        known = np.isfinite(evidence.scores)
        best = np.max(np.where(known, evidence.scores, -np.inf), axis=1, keepdims=True) if len(evidence) else 0.0
        self._scores = np.where(known, evidence.scores, best - self._regrets)
        # Scores of a data set spread by so much: the scale on which two data sets are alike or not.
        self._sigma = _SIGMA * float(np.mean(self._scores.std(axis=1))) if len(evidence) else 0.0

    def after(self, prior: Floats, seen: Mapping[int, float]) -> Floats:
        """(n,) weights after the runs `seen` (configuration's column → score on the new data set)."""
        if not seen or not self._sigma:
            return prior
        columns = list(seen)
        differences = self._scores[:, columns] - np.array([seen[column] for column in columns])
        likelihood = np.exp(-np.mean(differences**2, axis=1) / (2 * self._sigma**2))
        weights = prior * (_DOUBT + likelihood)
        return np.asarray(weights / weights.sum())

    def order(
        self, prior: Floats, seen: Mapping[int, float], k: int, *, allowed: NDArray[np.bool_] | None = None
    ) -> list[int]:
        """Columns of the next `k` configurations to try, best first; fewer when no more are allowed."""
        weights = self.after(prior, seen)
        tried = list(seen)
        shape = (self._regrets.shape[0], 1)
        reached = self._regrets[:, tried].min(axis=1, keepdims=True) if tried else np.full(shape, np.inf)
        free = np.ones(self._regrets.shape[1], dtype=bool) if allowed is None else allowed.copy()
        free[tried] = False
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
