"""The whole prediction as one call, with its progress shown where it runs in a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from codalab_nb.analysis.expression import AnalysisError, ExpressionSet
from codalab_nb.analysis.prediction import Outcome, Progress, cross_validate, permutation_null
from codalab_nb.analysis.prediction_data import Samples, most_folds, samples_of
from codalab_nb.analysis.prediction_models import LEARNERS, Floats


@dataclass(frozen=True)
class Prediction:
    """outcomes: by name of the method, the one asked for first. null: balanced accuracy on shuffled labels."""

    samples: Samples
    outcomes: dict[str, Outcome]
    null: Floats
    folds: int
    n_features: int

    @property
    def outcome(self) -> Outcome:
        return next(iter(self.outcomes.values()))


def predict_class(
    data: ExpressionSet,
    *,
    target: str = "",
    model: str = "svm",
    compare_models: bool = True,
    n_features: int = 0,
    folds: int = 5,
    repeats: int = 5,
    permutations: int = 50,
    keep_together: str = "",
    seed: int = 0,
    show_progress: bool = True,
) -> Prediction:
    """`model` is judged; with `compare_models` the others are run beside it. Raises AnalysisError."""
    if model not in LEARNERS:
        raise AnalysisError(f"There is no method {model!r}; choose one of {', '.join(LEARNERS)}.")
    samples = samples_of(data, target, keep_together)
    folds = most_folds(samples, folds)
    names = [model, *(name for name in LEARNERS if compare_models and name != model)]
    line = _Line(show_progress)
    outcomes = {}
    for name in names:
        outcomes[name] = cross_validate(
            samples, name, n_features=n_features, folds=folds, repeats=repeats, seed=seed,
            progress=line.of(f"{LEARNERS[name].title}, repeat"),
        )  # fmt: skip
    null = np.empty(0)
    if permutations:
        null = permutation_null(
            samples, model, n_features=n_features, folds=folds, permutations=permutations, seed=seed,
            progress=line.of("shuffled labels,"),
        )  # fmt: skip
    line.say(f"Done: {len(outcomes)} methods, {len(null)} times shuffled labels.")
    return Prediction(samples, outcomes, null, folds, n_features)


class _Line:
    """One line of the notebook's output that is replaced as the work goes on; silent outside of a notebook."""

    def __init__(self, show: bool) -> None:
        self._handle: Any = None
        try:
            from IPython import get_ipython
        except ImportError:
            show = False
        self._show = show and get_ipython() is not None

    def of(self, what: str) -> Progress:
        """Tells about every tenth step."""

        def tell(done: int, total: int) -> None:
            if done % max(1, total // 10) == 0 or done == total:
                self.say(f"Working: {what} {done} of {total} …")

        return tell

    def say(self, text: str) -> None:
        if not self._show:
            return
        from IPython.display import Markdown, display

        if self._handle is None:
            self._handle = display(Markdown(text), display_id=True)
        else:
            self._handle.update(Markdown(text))
