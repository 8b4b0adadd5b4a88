"""Figures of gene sets: which are shifted, and where the genes of a set lie in the ranking."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from codalab_nb.analysis.gene_plots import gene_strips
from codalab_nb.analysis.genesets import GeneSets
from codalab_nb.analysis.pathways import Enrichment, Ranking, running_score
from codalab_nb.analysis.style import (
    BLUE,
    GREY,
    INK,
    LIGHT,
    RED,
    Picture,
    cut,
    cut_middle,
    finish,
    name_axes,
    new_figure,
)

MOST = 10  # sets shown on each side


def dots(ranking: Ranking, enrichment: Enrichment, sets: GeneSets, alpha: float) -> Picture:
    """Up to ten sets on each side: how far its genes are shifted, how many they are, and whether it is sure."""
    comparison, table = ranking.comparison, enrichment.table
    treated, reference, short = comparison.treated, comparison.reference, comparison.short_treated
    sure = table.index.isin(enrichment.found(alpha).index)
    n_up, n_down = int((sure & (table["nes"] > 0)).sum()), int((sure & (table["nes"] < 0)).sum())
    title = shifted_title(n_up, n_down, len(table), treated, reference)
    shown = pd.concat([_first(table[sure & (table["nes"] > 0)]), _first(table[sure & (table["nes"] < 0)])])
    if not len(shown):
        shown = table.dropna(subset=["nes"]).head(MOST)
    shown = shown.sort_values("nes")
    height = 2.35 + 0.29 * len(shown)
    figure, (axes,) = new_figure(7.6, height)
    row = np.arange(len(shown))
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.hlines(row, 0, shown["nes"], color=LIGHT, linewidth=1.2, zorder=1)
    mine_sure = shown.index.isin(table.index[sure])
    for up, colour, marker in ((True, RED, "^"), (False, BLUE, "v")):
        mine = (shown["nes"] > 0).to_numpy() == up
        for filled in (True, False):
            part = mine & (mine_sure == filled)
            axes.scatter(
                shown["nes"][part], row[part], s=_area(shown["size"][part]), marker=marker, linewidth=1.3, zorder=2,
                color=colour if filled else "white", edgecolor=colour,
            )  # fmt: skip
    axes.set_yticks(
        row, [f"{cut_middle(label, 33)} ({size})" for label, size in zip(shown["label"], shown["size"], strict=True)]
    )
    axes.tick_params(axis="y", length=0, labelsize=9)
    axes.set_ylim(-0.7, len(shown) - 0.3)
    widest = max(1.0, float(shown["nes"].abs().max())) * 1.12
    axes.set_xlim(-widest, widest)
    name_axes(axes, "normalised enrichment score (NES)", "")
    for text, shift, side in ((f"← lower in {short}", -6, "right"), (f"higher in {short} →", 6, "left")):
        axes.annotate(
            text, (0, 1), xycoords=("data", "axes fraction"), xytext=(shift, 4), textcoords="offset points",
            ha=side, fontsize=9, color=INK,
        )  # fmt: skip
    more = n_up + n_down - len(shown) if n_up + n_down > len(shown) else 0
    under = f"NES: how far the genes of a set are shifted; in brackets, how many genes. {comparison.short_sizes}."
    marks = f"Adjusted p < {alpha:g}, against random genes and between the samples."
    if not mine_sure.all():
        marks = "Hollow: not sure. These come nearest."
    if more:
        marks += f" The {len(shown)} strongest; {more} more in the table."
    marks += f" Sets: {cut(sets.name, 16)}."
    finish(figure, title, f"{under}\n{marks}", top=1 - 1.05 / height, bottom=0.55 / height, left=0.41)
    strongest = shown.sort_values("nes", key=abs, ascending=False)[:6]
    listed = "; ".join(f"{row['label']} {row['nes']:+.2f}" for _, row in strongest.iterrows())
    alt = f"{title}. Normalised enrichment scores, up = higher in {treated} than in {reference}: {listed}."
    return Picture(figure, title, alt)


def running(ranking: Ranking, enrichment: Enrichment, most: int = 4) -> Picture:
    """For the surest sets: the score along the ranking, and a line for each gene of the set."""
    table = enrichment.table.dropna(subset=["nes"])
    up, down = table[table["nes"] > 0].head(most // 2), table[table["nes"] < 0].head(most // 2)
    shown = pd.concat([up, down])
    if len(shown) < min(most, len(table)):
        shown = table.head(most)
    comparison = ranking.comparison
    title = "Where the genes of the surest sets lie in the ranking"
    columns = 2 if len(shown) > 1 else 1
    rows = -(-len(shown) // columns)
    height = 1.35 + 2.15 * rows
    figure, axes = new_figure(7.6, height, rows, columns)
    for one in axes[len(shown) :]:
        one.set_visible(False)
    place = np.arange(1, len(ranking.table) + 1)
    for one, (name, found) in zip(axes, shown.iterrows(), strict=False):
        score = running_score(ranking, enrichment.sets[str(name)])
        colour = RED if found["nes"] > 0 else BLUE
        one.plot(place, score, color=colour, linewidth=1.6)
        one.axhline(0, color=GREY, linewidth=0.8)
        hits = place[ranking.table.index.isin(enrichment.sets[str(name)])]
        one.plot(
            hits, np.zeros(len(hits)) + 0.04, "|", color="black", markersize=7, markeredgewidth=0.6,
            transform=one.get_xaxis_transform(), clip_on=False,
        )  # fmt: skip
        low, high = min(float(score.min()), 0.0), max(float(score.max()), 0.0)
        one.set_ylim(low - 0.22 * (high - low), high + 0.06 * (high - low))
        one.set_xlim(0, len(place))
        one.set_title(f"{cut_middle(found['label'], 28)}  NES {found['nes']:+.2f}", fontsize=9.5, loc="left", color=INK)
        one.tick_params(labelsize=8)
    short = cut(comparison.treated, 8)
    for number in range(rows):
        axes[number * columns].set_ylabel("score", fontsize=9, color=INK)
    for one in axes[max(0, len(shown) - columns) : len(shown)]:
        one.set_xlabel(f"← higher in {short}   ranked genes   lower in {short} →", fontsize=8.5, color=INK)
    under = "Each black line is a gene of the set. The curve rises where they crowd, and falls where they are missing."
    finish(figure, title, under, top=1 - 0.9 / height, bottom=0.55 / height, left=0.08)
    figure.subplots_adjust(hspace=0.55, wspace=0.2)
    listed = "; ".join(f"{found['label']} {found['nes']:+.2f}" for _, found in shown.iterrows())
    return Picture(figure, title, f"{title}. Running enrichment score along {len(place):,} ranked genes: {listed}.")


def strips(ranking: Ranking, enrichment: Enrichment, alpha: float, most: int = 10) -> Picture:
    """The surest sets, sample by sample: the mean of the standardised genes of a set in each sample."""
    found = enrichment.found(alpha).index
    order = found if len(found) else enrichment.table.index
    result = replace(enrichment.tested, table=enrichment.tested.table.loc[order])
    comparison = replace(
        ranking.comparison,
        values=enrichment.scores.loc[order],
        result=result,
        value_unit="mean of the genes of the set (standard deviations)",
    )
    return gene_strips(comparison, enrichment.table["label"], alpha, most, noun="sets")


def shifted_title(n_up: int, n_down: int, total: int, treated: str, reference: str) -> str:
    if n_up + n_down == 0:
        return f"No gene set is clearly shifted between {treated} and {reference}"
    sets = "gene set is" if n_up + n_down == 1 else "gene sets are"
    return f"{n_up + n_down} of {total:,} {sets} shifted: {n_up} higher, {n_down} lower in {treated}"


def _first(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values("nes", key=abs, ascending=False, kind="stable").head(MOST)


def _area(sizes: pd.Series) -> pd.Series:
    """Square points of a mark, growing with the number of genes."""
    return pd.Series(30 + 170 * np.sqrt(sizes.to_numpy(np.float64) / 500), index=sizes.index)
