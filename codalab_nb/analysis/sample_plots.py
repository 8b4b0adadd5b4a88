"""Figures of samples: levels, agreement, components. Each returns a Picture whose title says what one sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from codalab_nb.analysis.expression import ExpressionSet
from codalab_nb.analysis.pca import Components, r_squared
from codalab_nb.analysis.style import (
    BLUE,
    GREY,
    INK,
    LIGHT,
    SKY,
    Look,
    Picture,
    cut,
    finish,
    group_label,
    group_sizes,
    left_out_words,
    legend,
    looks,
    name_axes,
    new_figure,
    shown_groups,
    spread_out,
)

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
MANY_SAMPLES = 60  # more boxes than this cannot be told apart; bands are drawn instead


def value_boxes(data: ExpressionSet, values: pd.DataFrame, scale: str, groups: pd.Series | None) -> Picture:
    """One box per sample (middle half, median, 5 % to 95 %), or bands over the samples when there are many."""
    measured = values.notna().any(axis=0).to_numpy()
    left_out = [str(name) for name in values.columns[~measured]] if measured.any() else []
    if left_out:
        values, groups = values.loc[:, measured], groups[measured] if groups is not None else None
    n = values.shape[1]
    quantiles = values.quantile([0.05, 0.25, 0.5, 0.75, 0.95]).to_numpy()
    medians = quantiles[2]
    title = _level_title(data, medians, float(np.nanmedian(quantiles[3] - quantiles[1])))
    if left_out:
        title = f"Nothing was measured in {_listed(left_out)}"
    figure, (axes,) = new_figure(7.2, 4.8)
    if n <= MANY_SAMPLES:
        longest = _boxes(axes, values.columns, quantiles, groups)
        what = "Box: middle half of a sample's values; black line: median; thin line: 5 % to 95 %."
    else:
        _bands(axes, quantiles)
        longest = 2.0
        what = "Median, middle half and 5 % to 95 % of the values of each sample; samples sorted by median."
    axes.margins(x=0.01)
    name_axes(axes, f"{n} samples", scale)
    below = legend(figure, axes) + 0.35 + 0.07 * longest
    under = f"{what}\n{data.values.shape[0]:,} genes."
    if left_out:
        under += f" Not drawn: {_listed(left_out)}."
    finish(figure, title, under, top=0.82, bottom=below / 4.8)
    sizes = f" ({group_sizes(groups)})" if groups is not None else ""
    said = title if title.endswith("?") else f"{title}."
    alt = f"{said} Spread of the values of each of {n} samples{sizes}; medians from {np.nanmin(medians):.3g} "
    return Picture(figure, title, alt + f"to {np.nanmax(medians):.3g} ({scale}).")


def _level_title(data: ExpressionSet, medians: Floats, box: float) -> str:
    """Whether the medians of the samples lie on one level, judged by the middle half of a sample's values, and for
    logarithms to base 2 by a factor of two, which no experiment brings about in most genes at once."""
    apart = float(np.nanmax(medians) - np.nanmin(medians)) if len(medians) > 1 else 0.0
    if apart > max(box, 1e-300):
        return "The samples are not on one level: they need normalising"
    if apart > 0.5 * box or (data.kind in ("counts", "linear") and apart > 1):
        return f"The samples' medians differ by up to {apart:.2g}: do they need normalising?"
    return "All samples are on a comparable level"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(cut(name, 24) for name in names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _boxes(axes: Axes, names: pd.Index, quantiles: Floats, groups: pd.Series | None) -> float:
    """Returns how many characters of a sample's name are shown at most."""
    n = len(names)
    labels, style, order = _by_group(groups, names)
    place = np.arange(n)
    for group, look in style.items():
        mine = labels[order] == group
        low, lower, _, upper, high = (row[order][mine] for row in quantiles)
        axes.vlines(place[mine], low, high, color=look.colour, linewidth=0.9)
        label = group_label(group, int(mine.sum())) if groups is not None else None
        axes.bar(place[mine], upper - lower, bottom=lower, width=0.7, color=look.colour, alpha=0.75, label=label)
    axes.hlines(quantiles[2][order], place - 0.35, place + 0.35, color="black", linewidth=1.4)
    shown = [cut(str(names[one]), 16) for one in order]
    axes.set_xticks(place, shown, rotation=90, fontsize=7 if n > 25 else 9)
    return max(map(len, shown)) * (0.8 if n > 25 else 1.0)


def _bands(axes: Axes, quantiles: Floats) -> None:
    order = np.argsort(quantiles[2], kind="stable")
    low, lower, middle, upper, high = (row[order] for row in quantiles)
    place = np.arange(len(order))
    axes.fill_between(place, low, high, color=LIGHT, linewidth=0, label="5 % to 95 % of the values")
    axes.fill_between(place, lower, upper, color=SKY, linewidth=0, label="middle half")
    axes.plot(place, middle, color="black", linewidth=1.4, label="median")
    axes.set_xticks([])


def _by_group(groups: pd.Series | None, names: pd.Index) -> tuple[npt.NDArray[np.object_], dict[str, Look], Places]:
    """The group of each sample, how each group looks, and the order that puts groups side by side."""
    if groups is None:
        return np.full(len(names), "samples", dtype=object), looks(["samples"]), np.arange(len(names))
    shown, ordered = shown_groups(groups)
    labels = shown.to_numpy(dtype=object)
    rank = {group: number for number, group in enumerate(ordered)}
    return labels, looks(ordered), np.argsort([rank[label] for label in labels], kind="stable")


def agreement_dots(agreements: pd.Series, odd: Sequence[str], groups: pd.Series | None) -> Picture:
    """How well each sample agrees with all others; samples that stand apart are named."""
    drawn = agreements.notna().to_numpy()
    left_out = [str(name) for name in agreements.index[~drawn]]
    if left_out:
        agreements, groups = agreements[drawn], groups[drawn] if groups is not None else None
    odd = [name for name in odd if name not in left_out]
    n = len(agreements)
    title = "No sample stands apart"
    if odd:
        title = f"{_listed(odd)} {'stands' if len(odd) == 1 else 'stand'} apart"
    elif left_out:
        title = f"Nothing to compare in {_listed(left_out)}"
    figure, (axes,) = new_figure(7.2, 4.3)
    labels, style, order = _by_group(groups, agreements.index)
    values = agreements.to_numpy()[order]
    for group, look in style.items():
        mine = np.flatnonzero(labels[order] == group)
        label = group_label(group, len(mine)) if groups is not None else None
        axes.scatter(mine, values[mine], s=34 if n <= 100 else 14, color=look.colour, marker=look.marker, label=label)
    middle = float(agreements.median())
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    axes.axhline(middle, color=GREY, linewidth=1)
    axes.annotate(
        "typical", (1, middle), xycoords=("axes fraction", "data"), xytext=(-2, 3), textcoords="offset points",
        fontsize=8.5, color=INK, ha="right",
    )  # fmt: skip
    for number, sample in enumerate(agreements.index[order]):
        if sample in odd[:12]:
            right = number > 0.8 * n
            axes.annotate(
                str(sample), (number, values[number]), xytext=(-7 if right else 7, -3), textcoords="offset points",
                fontsize=9, ha="right" if right else "left",
            )  # fmt: skip
    axes.set_xlim(-0.03 * n - 0.5, 1.08 * n)
    axes.set_ylim(min(low - 0.06, middle - 0.2), min(1.02, high + 0.06))
    axes.set_xticks([])
    name_axes(axes, f"{n} samples", "mean correlation with all others")
    under = "Each dot is a sample. High: it looks like the others. Far below the rest: a mix-up, damage, or biology."
    finish(figure, title, under, bottom=(legend(figure, axes) + 0.3) / 4.3)
    alt = f"{title}. Mean correlation of each of {n} samples with all others: median {middle:.2f}, lowest {low:.2f}."
    return Picture(figure, title, alt)


def table_histograms(data: ExpressionSet, most: int = 12) -> Picture:
    """For a general table: how the values of each column of numbers are spread."""
    columns = list(data.values.index[:most])
    total, n_missing = data.samples.size, int(data.samples.isna().to_numpy().sum())
    title = f"{len(data.samples):,} rows, {data.samples.shape[1]} columns, " + (
        f"{n_missing:,} cells without a value" if n_missing else "no cell missing"
    )
    n_across = min(4, max(1, len(columns)))
    n_down = max(1, -(-len(columns) // n_across))
    figure, axes = new_figure(7.2 if n_across > 1 else 5, 1.0 + 1.6 * n_down, n_down, n_across)
    for one, column in zip(axes, columns, strict=False):
        values = data.values.loc[column].dropna()
        one.hist(values, bins=min(30, max(5, int(np.sqrt(max(len(values), 1))))), color=BLUE)
        missing = int(data.values.loc[column].isna().sum())
        one.set_title(
            cut(str(column), 24) + (f"\n{missing} missing" if missing else ""), fontsize=9, color=INK, loc="left"
        )
        one.tick_params(labelsize=7.5)
    for one in axes[len(columns) :]:
        one.set_visible(False)
    more = f" The first {most} of {len(data.values)} columns of numbers." if len(data.values) > most else ""
    height = 1.0 + 1.6 * n_down
    finish(
        figure,
        title,
        f"How often each value occurs (height: number of rows).{more}",
        top=1 - 1.0 / height,
        bottom=0.4 / height,
        left=0.07,
        hspace=0.75,
        wspace=0.35,
    )
    return Picture(
        figure,
        title,
        f"{title} ({total:,} cells). Histograms of {len(columns)} columns of numbers: {', '.join(map(str, columns))}.",
    )


def pca_map(components: Components, groups: pd.Series | None) -> Picture:
    """Samples on the first two components, coloured by group."""
    shares = [f"{share:.1%}" for share in components.share[:2]]
    scores = components.scores
    verdict = _pca_verdict(components, groups)
    figure, (axes,) = new_figure(7.2, 5.6)
    n = len(scores)
    labels, style, _ = _by_group(groups, scores.index)
    for group, look in style.items():
        mine = scores[labels == group]
        label = group_label(group, len(mine)) if groups is not None else None
        axes.scatter(
            mine["PC1"], mine["PC2"], s=46 if n <= 100 else 18, color=look.colour, marker=look.marker,
            alpha=1 if n <= 100 else 0.7, linewidth=0, label=label, rasterized=n > 2000,
        )  # fmt: skip
    if n <= 12:
        _name_samples(axes, scores)
    axes.axhline(0, color=LIGHT, linewidth=0.8, zorder=0)
    axes.axvline(0, color=LIGHT, linewidth=0.8, zorder=0)
    axes.margins(0.08)
    name_axes(axes, f"PC1: {shares[0]} of all variation", f"PC2: {shares[1]} of all variation")
    under = f"Each dot is a sample; close together means alike. {components.n_genes:,} genes, {n} samples."
    missing = left_out_words(components.n_left_out, components.n_total)
    under += f"\n{missing}" if missing else ""
    finish(figure, verdict, under, top=0.84 if missing else 0.87, bottom=(legend(figure, axes) + 0.55) / 5.6)
    alt = f"{verdict}. Map of {n} samples: PC1 holds {shares[0]}, PC2 {shares[1]} of all variation"
    return Picture(figure, verdict, alt + (f"; groups: {group_sizes(groups)}." if groups is not None else "."))


def _name_samples(axes: Axes, scores: pd.DataFrame) -> None:
    """Names toward the middle of the map, one below the other where dots lie close."""
    height = float(scores["PC2"].max() - scores["PC2"].min()) or 1.0
    shift = 0.015 * float(scores["PC1"].max() - scores["PC1"].min())
    middle = float(scores["PC1"].max() + scores["PC1"].min()) / 2
    for side in (scores[scores["PC1"] <= middle], scores[scores["PC1"] > middle]):
        ordered = side.sort_values("PC2", ascending=False)
        lines = spread_out(list(ordered["PC2"]), 0.05 * height, -np.inf, np.inf)
        for name, x, y in zip(ordered.index, ordered["PC1"], lines, strict=True):
            left = x <= middle
            at = (x + (shift if left else -shift), y)
            axes.text(*at, cut(str(name), 20), ha="left" if left else "right", va="center", fontsize=8.5, color=INK)


def pca_bars(components: Components, groups: pd.Series | None) -> Picture:
    """Variation held by each component, and how much of it goes with the grouping."""
    figure, (axes,) = new_figure(7.2, 3.6)
    place = np.arange(len(components.share))
    percent = 100 * components.share
    axes.bar(place, percent, color=LIGHT, width=0.7, label="all variation of the component")
    title = f"The first {len(place)} components hold {percent.sum():.0f} % of all variation"
    if groups is not None:
        part = np.array([r_squared(components.scores[name], groups) for name in components.scores.columns])
        axes.bar(place, percent * part, color=BLUE, width=0.7, label=f"part explained by the groups ({groups.name})")
        best = int(np.nanargmax(percent * part)) if np.isfinite(part).any() else 0
        title = f"The groups explain {part[best]:.0%} of PC{best + 1}"
        for x, height, share in zip(place, percent, part, strict=True):
            axes.annotate(f"{share:.0%}", (x, height), ha="center", va="bottom", fontsize=8.5, color=INK)
    axes.set_xticks(place, list(components.scores.columns))
    axes.set_ylim(0, float(percent.max()) * 1.18)
    name_axes(axes, "", "% of all variation")
    axes.legend(frameon=False, fontsize=9, loc="upper right")
    under = (
        "PC1 is the direction in which the samples differ most, PC2 the next.\nOn a bar: share explained by the "
        "groups (R²)."
        if groups is not None
        else "Taller: more of the variation."
    )
    finish(figure, title, under, top=0.76)
    held = ", ".join(f"PC{number + 1} {share:.1f} %" for number, share in enumerate(percent))
    return Picture(figure, title, f"{title}. Variation held: {held}.")


def _pca_verdict(components: Components, groups: pd.Series | None) -> str:
    """What the map shows, judged by the share of PC1 and PC2 that goes with the groups."""
    if groups is None:
        return "How the samples lie to each other"
    names = sorted(groups.dropna().unique())
    if len(names) < 2:
        return "How the samples lie to each other"
    who = f"The groups of {groups.name!r}" if len(names) > 3 else " and ".join((", ".join(names[:-1]), names[-1]))
    part = [r_squared(components.scores[name], groups) for name in components.scores.columns[:2]]
    best = max(range(len(part)), key=lambda number: part[number])
    if part[best] >= 0.5:
        # Of three groups two may lie together however much the third differs, so "separate" would say too much.
        return f"{who} {'separate' if len(names) == 2 and part[best] >= 0.7 else 'differ'} along PC{best + 1}"
    return f"{who} separate only in part" if part[best] >= 0.2 else f"{who} do not separate here"
