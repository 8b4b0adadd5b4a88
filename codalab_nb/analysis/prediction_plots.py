"""Figures of a prediction: who was called what, the ROC curve, shuffled labels; which features were used."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from codalab_nb.analysis.prediction import Outcome, accuracy_interval, auc, like_chance, permutation_p
from codalab_nb.analysis.prediction_data import Samples
from codalab_nb.analysis.prediction_models import Floats
from codalab_nb.analysis.style import (
    BLACK,
    BLUE,
    GREY,
    INK,
    LIGHT,
    RED,
    Picture,
    cut,
    finish,
    legend,
    looks,
    name_axes,
    new_figure,
)
from codalab_nb.analysis.variables import p_words, short_names

MANY_CLASSES = 5  # more cannot be told apart as dots in one row


def answer(samples: Samples, outcome: Outcome, null: Floats) -> str:
    """The result in one line."""
    accuracy = outcome.balanced_accuracy(samples.labels)
    if like_chance(accuracy, null):
        return f"{cut(samples.target, 24)} cannot be predicted better than by chance"
    return f"{accuracy:.0%} of unseen samples were called right (mean of the classes)"


def prediction(samples: Samples, outcome: Outcome, null: Floats) -> Picture:
    """Confusion matrix, ROC curve and shuffled labels side by side."""
    title = answer(samples, outcome, null)
    k = samples.n_classes
    wide = k > 4
    height = 4.6 if not wide else min(8.0, 4.4 + 0.18 * k)
    width = 11.0
    figure, (left, middle, right) = new_figure(width, height, 1, 3)
    names = short_names(samples.classes, 14)
    _confusion(left, samples, outcome, names)
    _roc(middle, samples, outcome, names)
    _null(right, samples, outcome, null)
    accuracy = outcome.balanced_accuracy(samples.labels)
    low, high = accuracy_interval(samples.labels, outcome.predicted)
    tested = f", {p_words(permutation_p(accuracy, null))}" if len(null) else ""
    under = (
        f"Balanced accuracy {accuracy:.1%} (95 % interval {low:.0%} to {high:.0%}; chance {1 / k:.0%}{tested}). "
        f"{outcome.learner.title[0].upper()}{outcome.learner.title[1:]}.\nEvery sample was predicted by models that "
        f"had not seen it. {cut(samples.sizes, 70)}."
    )
    longest = max(map(len, names))
    bottom = (0.75 + (0.075 * longest if k > 3 else 0)) / height
    finish(figure, title, under, top=1 - 1.3 / height, bottom=bottom, left=0.03 + (0.35 + 0.075 * longest) / width,
           right=0.985, wspace=0.3)  # fmt: skip
    area = outcome.auc(samples.labels)
    right_calls = np.diag(outcome.confusion(samples.labels))
    listed = ", ".join(f"{name} {share:.0%}" for name, share in zip(samples.classes, right_calls, strict=True))
    return Picture(
        figure,
        title,
        f"{title}. Balanced accuracy {accuracy:.3f} (chance {1 / k:.2f}{tested}), area under the ROC curve {area:.3f}. "
        f"Called right: {listed}.",
    )


def learners(samples: Samples, outcomes: Mapping[str, Outcome]) -> Picture:
    """All methods that were tried, with their intervals."""
    best = list(outcomes.values())
    accuracy = np.array([one.balanced_accuracy(samples.labels) for one in best])
    limits = np.array([accuracy_interval(samples.labels, one.predicted) for one in best])
    overlap = bool(limits[:, 0].max() <= limits[:, 1].min())
    title = "The methods do about equally well" if overlap else "The methods differ"
    height = 1.7 + 0.36 * len(best)
    figure, (axes,) = new_figure(7.4, height)
    place = np.arange(len(best))
    colours = [RED] + [GREY] * (len(best) - 1)
    axes.hlines(place, limits[:, 0], limits[:, 1], color=colours, linewidth=2)
    axes.scatter(accuracy, place, c=colours, s=38, zorder=3)
    axes.axvline(1 / samples.n_classes, color=BLACK, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.annotate("chance", (1 / samples.n_classes, 1), xycoords=("data", "axes fraction"), xytext=(3, -2),
                  textcoords="offset points", fontsize=8.5, va="top", color=INK)  # fmt: skip
    axes.set_yticks(place, [one.learner.title for one in best], fontsize=9)
    axes.set_ylim(len(best) - 0.4, -0.8)
    axes.set_xlim(min(0.9 / samples.n_classes, float(limits.min()) - 0.02), 1.01)
    axes.tick_params(axis="y", length=0)
    name_axes(axes, "balanced accuracy on samples not seen", "")
    finish(figure, title, "The first one was chosen before the results were known; bars: 95 % intervals.",
           top=1 - 0.75 / height, bottom=0.58 / height, left=0.36)  # fmt: skip
    listed = ", ".join(f"{one.learner.title} {value:.3f}" for one, value in zip(best, accuracy, strict=True))
    return Picture(figure, title, f"{title}. Balanced accuracy: {listed}.")


def features(samples: Samples, table: pd.DataFrame, word: str, most: int = 15) -> Picture:
    """The features most often used, sample by sample, each on its own scale; of many classes their means."""
    best = table.head(most)
    if samples.n_classes > MANY_CLASSES:
        return _class_means(samples, best, word)
    title = f"The {len(best)} {word} used most often"
    height = 1.75 + 0.34 * len(best)
    figure, (axes,) = new_figure(7.6, height)
    style = looks(samples.classes)
    lanes = np.linspace(-0.28, 0.28, samples.n_classes) if samples.n_classes > 1 else np.zeros(1)
    row = np.arange(len(best))
    axes.hlines(row[1:] - 0.5, 0, 1, transform=axes.get_yaxis_transform(), color=LIGHT, linewidth=0.7)
    places = samples.features.get_indexer(best.index)
    values = samples.values[:, places]
    scaled = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0, ddof=1)
    scaled = np.clip(scaled, -4, 4)
    for lane, (place, name) in zip(lanes, enumerate(samples.classes), strict=True):
        mine = samples.labels == place
        heights = np.repeat(row[None, :] + lane, int(mine.sum()), axis=0)
        axes.scatter(scaled[mine].ravel(), heights.ravel(), s=10, color=style[name].colour, marker=style[name].marker,
                     alpha=0.6, linewidth=0, label=f"{cut(name, 20)} (n = {int(mine.sum())})",
                     rasterized=scaled.size > 5000)  # fmt: skip
    shown = [cut(str(name), 30) for name in samples.shown.loc[best.index]]
    axes.set_yticks(row, shown, fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(best) - 0.4, -0.6)
    name_axes(axes, "standard deviations from the mean of all samples", "")
    below = legend(figure, axes)
    finish(figure, title, "Each dot is a sample. Further right: higher. Chosen in most of the folds.",
           top=1 - 0.75 / height, bottom=(below + 0.5) / height, left=0.31)  # fmt: skip
    return Picture(figure, title, f"{title}: {', '.join(shown[:8])}.")


def _class_means(samples: Samples, best: pd.DataFrame, word: str) -> Picture:
    title = f"In which class the {len(best)} {word} used most often are high"
    places = samples.features.get_indexer(best.index)
    values = samples.values[:, places]
    scaled = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0, ddof=1)
    means = np.array([np.nanmean(scaled[samples.labels == one], axis=0) for one in range(samples.n_classes)]).T
    height = 2.9 + 0.3 * len(best)
    figure, (axes,) = new_figure(7.6, height)
    image = axes.imshow(means, cmap="PuOr_r", vmin=-3, vmax=3, aspect="auto")
    names = short_names(samples.classes, 18)
    axes.set_xticks(range(len(names)), names, rotation=50, ha="right", rotation_mode="anchor", fontsize=8.5)
    shown = [cut(str(name), 30) for name in samples.shown.loc[best.index]]
    axes.set_yticks(range(len(shown)), shown, fontsize=9)
    axes.tick_params(length=0)
    bar = figure.colorbar(image, ax=axes, shrink=0.7, ticks=[-3, 0, 3])
    bar.ax.set_yticklabels(["lower", "mean", "higher"], fontsize=8.5)
    finish(figure, title, "Mean of each class, in standard deviations from the mean of all samples (at most 3).",
           top=1 - 0.75 / height, bottom=1.35 / height, left=0.25)  # fmt: skip
    highest = ", ".join(f"{name} in {row}" for name, row in zip(shown[:6], best["highest_in"], strict=False))
    return Picture(figure, title, f"{title}. Highest: {highest}.")


def _confusion(axes: Axes, samples: Samples, outcome: Outcome, names: list[str]) -> None:
    shares = outcome.confusion(samples.labels)
    k = len(names)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    size = 11 if k <= 4 else max(5.5, 10 - 0.45 * k)
    for (row, column), share in np.ndenumerate(shares):
        if share >= 0.005 or k <= 4:
            axes.text(column, row, f"{share:.0%}", ha="center", va="center", fontsize=size,
                      color="white" if share > 0.55 else INK)  # fmt: skip
    axes.set_xticks(range(k), names, rotation=0 if k <= 3 else 60, ha="center" if k <= 3 else "right", fontsize=9,
                    rotation_mode="anchor" if k > 3 else "default")  # fmt: skip
    axes.set_yticks(range(k), names, fontsize=9)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title("Of each class (row), called …", fontsize=10, loc="left", color=INK)


def _roc(axes: Axes, samples: Samples, outcome: Outcome, names: list[str]) -> None:
    labels = samples.labels
    two = samples.n_classes == 2
    style = looks(names)
    areas = []
    for place, name in enumerate(names):
        if two and place == 0:
            continue
        grid = np.linspace(0, 1, 201)
        curves = np.array([_roc_curve(labels == place, scores[:, place], grid) for scores in outcome.scores])
        area = float(np.mean([auc(labels == place, scores[:, place]) for scores in outcome.scores]))
        areas.append(area)
        colour = BLUE if two else style[name].colour
        axes.plot(np.r_[0, grid], np.r_[0, curves.mean(axis=0)], color=colour, linewidth=1.8,
                  label=f"{name} {area:.2f}")  # fmt: skip
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.02)
    if two:
        axes.annotate(f"area under the curve (AUC) {areas[0]:.2f}", (0.98, 0.06), ha="right", fontsize=9, color=INK)
    elif len(names) <= 10:
        axes.legend(loc="lower right", fontsize=7.5, frameon=False, title="AUC against the rest", title_fontsize=8)
    found = f"{cut(names[1], 14)} found" if two else "found (of the class)"
    name_axes(axes, "false alarms", found)
    axes.set_title("ROC curve", fontsize=10, loc="left", color=INK)


def _roc_curve(positive: np.ndarray, score: Floats, grid: Floats) -> Floats:
    """True positive rate at each false positive rate of the grid; samples with one score are stepped together."""
    order = np.argsort(-score, kind="stable")
    last = np.r_[np.flatnonzero(np.diff(score[order])), len(score) - 1]
    found = np.r_[0, np.cumsum(positive[order])[last]] / positive.sum()
    alarms = np.r_[0, np.cumsum(~positive[order])[last]] / (~positive).sum()
    return np.interp(grid, *_upper(alarms, found))


def _upper(alarms: Floats, found: Floats) -> tuple[Floats, Floats]:
    """Of several heights at one place the highest, so that the curve is a function."""
    places = np.unique(alarms)
    return places, np.array([found[alarms == place].max() for place in places])


def _null(axes: Axes, samples: Samples, outcome: Outcome, null: Floats) -> None:
    accuracy = outcome.balanced_accuracy(samples.labels)
    axes.set_title("Could it be chance?", fontsize=10, loc="left", color=INK)
    if not len(null):
        axes.set_axis_off()
        axes.text(0.02, 0.8, "Labels were not shuffled\n(permutations = 0).", fontsize=9.5, color=INK,
                  transform=axes.transAxes)  # fmt: skip
        return
    axes.hist(null, bins=[place / 40 for place in range(41)], color=LIGHT, edgecolor=GREY, linewidth=0.5)
    top = axes.get_ylim()[1]
    axes.axvline(accuracy, color=RED, linewidth=2)
    side = accuracy < 0.75
    axes.annotate("true labels", (accuracy, top), xytext=(4 if side else -4, -2), textcoords="offset points",
                  ha="left" if side else "right", va="top", fontsize=9, color=RED)  # fmt: skip
    axes.annotate(
        f"{len(null)} times\nshuffled labels", (max(0.17, float(null.mean())), top), xytext=(0, 2),
        annotation_clip=False, textcoords="offset points", ha="center", va="bottom", fontsize=8, color=INK,
    )  # fmt: skip
    axes.set_ylim(0, top * 1.18)
    axes.set_xlim(0, 1.02)
    axes.set_yticks([])
    name_axes(axes, "balanced accuracy", "")
