"""Figures of samples: levels, agreement, components. Each returns a Picture whose title says what one sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from codalab_nb.analysis.expression import ExpressionSet
from codalab_nb.analysis.pca import Components, r_squared
from codalab_nb.analysis.style import (
    BLUE,
    GREY,
    INK,
    LIGHT,
    Picture,
    cut,
    finish,
    group_sizes,
    legend,
    looks,
    name_axes,
    new_figure,
    shown_groups,
)

MANY_SAMPLES = 60  # more boxes than this cannot be told apart; bands are drawn instead


def value_boxes(data: ExpressionSet, values: pd.DataFrame, scale: str, groups: pd.Series | None) -> Picture:
    """One box per sample (middle half, median, 5 % to 95 %), or bands over the samples when there are many."""
    n = values.shape[1]
    quantiles = values.quantile([0.05, 0.25, 0.5, 0.75, 0.95]).to_numpy()
    medians = quantiles[2]
    boxes = float(np.nanmedian(quantiles[3] - quantiles[1]))
    differ = float(np.nanmax(medians) - np.nanmin(medians)) > boxes if n > 1 else False
    title = (
        "The samples are not on one level: some need normalising" if differ else "All samples are on a comparable level"
    )
    figure, (axes,) = new_figure(7.2, 4.6)
    shown = shown_groups(groups) if groups is not None else pd.Series("samples", index=values.columns)
    order = np.argsort(pd.Categorical(shown, categories=list(dict.fromkeys(shown))).codes, kind="stable")
    style = looks(list(dict.fromkeys(shown)))
    place = np.arange(n)
    if n <= MANY_SAMPLES:
        for group, look in style.items():
            mine = shown.to_numpy()[order] == group
            axes.vlines(place[mine], *quantiles[[0, 4]][:, order][:, mine], color=look.colour, linewidth=0.9)
            axes.bar(
                place[mine],
                (quantiles[3] - quantiles[1])[order][mine],
                bottom=quantiles[1][order][mine],
                width=0.7,
                color=look.colour,
                alpha=0.75,
                label=f"{group} (n = {int(mine.sum())})",
            )
        axes.hlines(medians[order], place - 0.35, place + 0.35, color="black", linewidth=1.4)
        axes.set_xticks(place, [str(values.columns[one]) for one in order], rotation=90, fontsize=7 if n > 25 else 9)
        bottom = 0.24
    else:
        order = np.argsort(medians, kind="stable")
        axes.fill_between(
            place, quantiles[0][order], quantiles[4][order], color=LIGHT, label="5 % to 95 % of the values"
        )
        axes.fill_between(place, quantiles[1][order], quantiles[3][order], color=BLUE, alpha=0.5, label="middle half")
        axes.plot(place, medians[order], color="black", linewidth=1.4, label="median")
        bottom = 0.2
    axes.margins(x=0.01)
    name_axes(axes, f"{n} samples" + (", sorted by median" if n > MANY_SAMPLES else ""), scale)
    below = -0.3 if n <= MANY_SAMPLES else -0.14
    legend(axes, loc="upper center", bbox_to_anchor=(0.5, below), ncols=4)
    what = "Box: middle half of a sample's values; black line: median; thin line: 5 % to 95 %."
    finish(figure, title, f"{what}\n{data.values.shape[0]:,} genes.", bottom=bottom + 0.07, top=0.82)
    alt = (
        f"{title}. One box per sample for {n} samples"
        + (f" ({group_sizes(groups)})" if groups is not None else "")
        + f"; medians from {np.nanmin(medians):.3g} to {np.nanmax(medians):.3g} ({scale})."
    )
    return Picture(figure, title, alt)


def agreement_dots(agreements: pd.Series, odd: Sequence[str], groups: pd.Series | None) -> Picture:
    """How well each sample agrees with all others; samples that stand apart are named."""
    n = len(agreements)
    title = (
        f"{', '.join(odd[:3])}{' …' if len(odd) > 3 else ''} {'stands' if len(odd) == 1 else 'stand'} apart"
        if odd
        else "No sample stands apart"
    )
    figure, (axes,) = new_figure(7.2, 4.0)
    shown = shown_groups(groups) if groups is not None else pd.Series("samples", index=agreements.index)
    order = np.argsort(pd.Categorical(shown, categories=list(dict.fromkeys(shown))).codes, kind="stable")
    sorted_values, labels = agreements.to_numpy()[order], shown.to_numpy()[order]
    for group, look in looks(list(dict.fromkeys(shown))).items():
        mine = np.flatnonzero(labels == group)
        axes.scatter(
            mine,
            sorted_values[mine],
            s=34 if n <= 100 else 10,
            color=look.colour,
            marker=look.marker,
            label=f"{group} (n = {len(mine)})",
        )
    middle = float(agreements.median())
    axes.axhline(middle, color=GREY, linewidth=1)
    axes.annotate(
        "typical", (1, middle), xycoords=("axes fraction", "data"), fontsize=8.5, color=INK, va="bottom", ha="right"
    )
    for number, sample in enumerate(agreements.index[order]):
        if sample in odd[:12]:
            axes.annotate(
                str(sample), (number, sorted_values[number]), xytext=(7, -3), textcoords="offset points", fontsize=9
            )
    low = float(np.nanmin(sorted_values))
    axes.set_ylim(min(low - 0.06, middle - 0.2), min(1.02, float(np.nanmax(sorted_values)) + 0.06))
    axes.set_xticks([])
    name_axes(axes, f"{n} samples", "mean correlation with all others")
    legend(axes, loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=4)
    finish(
        figure,
        title,
        "Each dot is a sample. High: it looks like the others. Far below the rest: a mix-up, damage, or biology.",
        bottom=0.16,
    )
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
    figure, (axes,) = new_figure(7.2, 5.4)
    shown = shown_groups(groups) if groups is not None else pd.Series("samples", index=scores.index)
    n = len(scores)
    for group, look in looks(list(dict.fromkeys(shown))).items():
        mine = scores[(shown == group).to_numpy()]
        axes.scatter(
            mine["PC1"], mine["PC2"], s=46 if n <= 100 else 14, color=look.colour, marker=look.marker,
            edgecolor="white", linewidth=0.5, label=f"{group} (n = {len(mine)})", rasterized=n > 2000,
        )  # fmt: skip
    if n <= 12:
        for sample, row in scores.iterrows():
            axes.annotate(
                str(sample), (row["PC1"], row["PC2"]), xytext=(6, 3), textcoords="offset points", fontsize=8, color=INK
            )
    axes.axhline(0, color=LIGHT, linewidth=0.8, zorder=0)
    axes.axvline(0, color=LIGHT, linewidth=0.8, zorder=0)
    name_axes(axes, f"PC1: {shares[0]} of all variation", f"PC2: {shares[1]} of all variation")
    legend(axes, loc="upper left", bbox_to_anchor=(0, -0.13), ncols=3, handletextpad=0.3)
    rows = -(-shown.nunique() // 3)
    finish(
        figure,
        verdict,
        f"Each dot is a sample; close together means alike. {components.n_genes:,} genes, {n} samples.",
        top=0.87,
        bottom=0.15 + 0.045 * rows,
    )
    alt = f"{verdict}. Map of {n} samples: PC1 holds {shares[0]}, PC2 {shares[1]} of all variation"
    return Picture(figure, verdict, alt + (f"; groups: {group_sizes(groups)}." if groups is not None else "."))


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
    legend(axes, loc="upper right")
    under = (
        "PC1 is the direction in which the samples differ most, PC2 the next. On a bar: share explained by the "
        "groups (R²)."
        if groups is not None
        else "Taller: more of the variation."
    )
    finish(figure, title, under, top=0.8)
    held = ", ".join(f"PC{number + 1} {share:.1f} %" for number, share in enumerate(percent))
    return Picture(figure, title, f"{title}. Variation held: {held}.")


def _pca_verdict(components: Components, groups: pd.Series | None) -> str:
    """What the map shows, judged by the share of PC1 and PC2 that goes with the groups."""
    if groups is None:
        return "How the samples lie to each other"
    names = list(dict.fromkeys(groups.dropna()))
    who = f"The groups of {groups.name!r}" if len(names) > 3 else " and ".join((", ".join(names[:-1]), names[-1]))
    part = [r_squared(components.scores[name], groups) for name in components.scores.columns[:2]]
    best = max(range(len(part)), key=lambda number: part[number])
    if part[best] >= 0.5:
        return f"{who} separate along PC{best + 1}"
    return f"{who} separate only in part" if part[best] >= 0.2 else f"{who} do not separate here"
