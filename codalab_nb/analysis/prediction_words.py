"""A prediction in plain words, and the table of the features it used."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from codalab_nb.analysis.batch import MIXED_UP, cramers_v
from codalab_nb.analysis.expression import ExpressionSet
from codalab_nb.analysis.markdown import safe
from codalab_nb.analysis.prediction import Outcome, accuracy_interval, like_chance, permutation_p
from codalab_nb.analysis.prediction_data import MOST_FEATURES, Samples
from codalab_nb.analysis.prediction_models import Floats
from codalab_nb.analysis.prediction_plots import answer
from codalab_nb.analysis.variables import p_words

ADVISED = 20  # samples of a class


def design_words(samples: Samples, folds: int, repeats: int) -> str:
    """What is predicted from what, and what was left out."""
    lines = [
        f"**Predicted: {safe(samples.target)}** ({safe(samples.sizes)}) from {samples.values.shape[1]:,} measurements. "
        f"The samples are dealt into {folds} parts, {repeats} times; each part is predicted by models that were built "
        "on the other parts alone, from the choice of measurements on.",
        "",
    ]
    if samples.keep:
        lines.append(f"* Samples of the same {safe(samples.keep)} always stay in one part.")
    return "\n".join([*lines, *(f"* {safe(note)}" for note in samples.notes)])


def learner_table(samples: Samples, outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """One row per method: balanced accuracy with its 95 % limits, AUC, features used."""
    rows = []
    for one in outcomes.values():
        low, high = accuracy_interval(samples.labels, one.predicted)
        rows.append(
            {
                "method": one.learner.title,
                "balanced_accuracy": one.balanced_accuracy(samples.labels),
                "low_95": low,
                "high_95": high,
                "auc": one.auc(samples.labels),
                "features_used": float(np.median(one.sizes)),
            }
        )
    return pd.DataFrame(rows)


def feature_table(samples: Samples, outcome: Outcome) -> pd.DataFrame:
    """Features by the share of fits that used them, with the mean of each class; by F on all samples within a tie.

    Means and order are descriptions of all samples; they played no part in judging the prediction.
    """
    means = np.array([np.nanmean(samples.values[samples.labels == one], axis=0) for one in range(samples.n_classes)])
    spread = np.nanstd(samples.values, axis=0, ddof=1)
    gap = np.ptp(means, axis=0) / np.where(spread > 0, spread, 1)
    highest = np.array(samples.classes)[means.argmax(axis=0)]
    table = pd.DataFrame(
        {
            "used_in": outcome.chosen / len(outcome.sizes),
            **{f"mean_{name}": means[place] for place, name in enumerate(samples.classes)},
            "highest_in": highest,
        },
        index=samples.features,
    )
    if not (samples.shown == samples.shown.index).all():
        table.insert(0, "name", samples.shown)
    table = table.assign(_gap=gap).sort_values(["used_in", "_gap"], ascending=False, kind="stable")
    return table[table["used_in"] > 0].drop(columns="_gap").rename_axis("measurement")


def sample_table(samples: Samples, outcome: Outcome) -> pd.DataFrame:
    """One row per sample: its class, what it was called most often, and in what share of the repeats it was right."""
    calls = np.array([np.bincount(row, minlength=samples.n_classes) for row in outcome.predicted.T])
    right = (outcome.predicted == samples.labels).mean(axis=0)
    table = pd.DataFrame(
        {
            samples.target: np.array(samples.classes)[samples.labels],
            "called": np.array(samples.classes)[calls.argmax(axis=1)],
            "right_in": right,
        },
        index=samples.index,
    )
    return table.sort_values("right_in", kind="stable").rename_axis("sample")


def prediction_words(
    data: ExpressionSet, samples: Samples, outcomes: Mapping[str, Outcome], null: Floats, folds: int, n_features: int
) -> str:
    """Answer, meaning, limits, methods; the first outcome is the one chosen beforehand."""
    outcome = next(iter(outcomes.values()))
    accuracy = outcome.balanced_accuracy(samples.labels)
    low, high = accuracy_interval(samples.labels, outcome.predicted)
    chance = 1 / samples.n_classes
    lines = [
        "## What was found",
        "",
        f"**{safe(answer(samples, outcome, null))}**: balanced accuracy {accuracy:.1%} (95 % interval {low:.0%} to "
        f"{high:.0%}), where guessing gives {chance:.0%}; area under the ROC curve {outcome.auc(samples.labels):.3f}.",
    ]
    if len(null):
        p = permutation_p(accuracy, null)
        lines.append(
            f"* With shuffled labels the same procedure reaches {null.mean():.0%} on average ({len(null)} shuffles; "
            f"{p_words(p)}; the smallest possible is {1 / (1 + len(null)):.2g})."
        )
    confusion = outcome.confusion(samples.labels)
    for row, name in enumerate(samples.classes[:8]):
        wrong = int(np.argsort(-(confusion[row] - 2 * np.eye(len(confusion))[row]), kind="stable")[0])
        if confusion[row, wrong] >= 0.05:
            lines.append(f"* {confusion[row, wrong]:.0%} of {safe(name)} are called {safe(samples.classes[wrong])}.")
    odd = sample_table(samples, outcome)
    odd = odd[odd["right_in"] <= 0.2]
    if accuracy >= 0.75 and 0 < len(odd) <= max(5, len(samples.labels) // 20):
        named = ", ".join(safe(str(name)) for name in odd.index[:8])
        lines.append(f"* Nearly always called wrong: {named}. Was the label mixed up, or is the sample special?")
    if len(outcomes) > 1:
        others = ", ".join(
            f"{one.learner.title} {one.balanced_accuracy(samples.labels):.1%}" for one in list(outcomes.values())[1:]
        )
        lines.append(
            f"* Other methods, for comparison: {others}. Picking the best of them afterwards would flatter it."
        )
    lines += ["", "## What this means, and what it does not", "", *_limits(data, samples, outcome, null)]
    lines += ["", "## Methods paragraph", "", _methods(samples, outcome, null, folds, n_features)]
    return "\n".join(lines)


def _limits(data: ExpressionSet, samples: Samples, outcome: Outcome, null: Floats) -> list[str]:
    accuracy = outcome.balanced_accuracy(samples.labels)
    lines = [
        "* Balanced accuracy is the mean of the shares called right in each class, so that a large class does not hide "
        "a small one.",
        "* It holds for new samples **of the same kind**: same laboratory, same machine, same way of choosing "
        "patients. Only samples from elsewhere can show more.",
        "* The measurements used are good for telling the classes apart *together*. That does not make each of them a "
        "cause, and others left out may be as good.",
    ]
    if like_chance(accuracy, null):
        lines.append(
            "* **Not better than chance** does not prove that the classes are alike: the samples may be too few."
        )
    smallest = int(np.bincount(samples.labels).min())
    if smallest < ADVISED:
        lines.append(
            f"* **The smallest class has only {smallest} samples** ({ADVISED} are advised): look at the interval, "
            "not at the single number."
        )
    for role in ("batch", "pair"):
        name = data.column_with_role(role)
        if not name or name == samples.target:
            continue
        levels = data.groups(name).loc[samples.index]
        labels = pd.Series(np.array(samples.classes)[samples.labels], index=samples.index)
        if role == "batch" and cramers_v(levels, labels) >= MIXED_UP:
            lines.append(
                f"* **{safe(name)} (batch) goes with the classes** (Cramér's V {cramers_v(levels, labels):.2f}): the "
                "model may have learned the batch. No calculation can tell the two apart."
            )
        if levels.duplicated().any() and name != samples.keep and role == "pair":
            lines.append(
                f"* **Samples of the same {safe(name)} were torn apart**: one may have given the other away. "
                f"Set `keep_together` to {safe(name)}."
            )
    return lines


def _methods(samples: Samples, outcome: Outcome, null: Floats, folds: int, n_features: int) -> str:
    learner = outcome.learner
    repeats = len(outcome.predicted)
    if learner.scores is None:
        selection = "the shrinkage was chosen in an inner cross-validation over the remaining folds"
    elif n_features or len(set(outcome.sizes)) == 1:
        selection = f"{outcome.sizes[0]:,} measurements were used, those with the largest F statistics"
    else:
        selection = (
            "measurements were ranked by their F statistics and their number was chosen in an inner "
            "cross-validation over the remaining folds"
        )
    by = "after Tibshirani et al. 2002" if learner.scores is None else "scikit-learn"
    text = (
        f"{safe(samples.target)} ({safe(samples.sizes)}) was predicted by {learner.title} ({by}) in {repeats} times "
        f"repeated, stratified {folds}-fold nested cross-validation. Within every training set, and there alone, "
        f"{selection}; values were standardised and gaps filled with the mean. Classes had the same weight. The "
        "balanced accuracy is the mean over repeats, its interval combines the Wilson limits of "
        "the classes (Zou and Donner 2008, doi:10.1002/sim.3095)."
    )
    if samples.keep:
        text += f" Samples of one {safe(samples.keep)} were kept in one fold."
    if samples.values.shape[1] == MOST_FEATURES:
        text += f" Beforehand, the {MOST_FEATURES:,} most variable measurements were taken without regard to class."
    if len(null):
        text += (
            f" Chance was judged by {len(null)} permutations of the labels, each run through the whole procedure once "
            "(Ojala and Garriga 2010)."
        )
    return text
