"""What the design of an experiment cannot answer, in plain words: batches, pairs, too few samples."""

from __future__ import annotations

import pandas as pd

from codalab_nb.analysis.batch import MIXED_UP, SOMEWHAT, cramers_v
from codalab_nb.analysis.compare import Comparison
from codalab_nb.analysis.expression import ExpressionSet
from codalab_nb.analysis.markdown import safe

FEW_LEFT = 3  # degrees of freedom
FEW = 3  # samples in a group, under which the scatter is hardly known


def of_comparison(data: ExpressionSet, comparison: Comparison) -> list[str]:
    """Warnings about a comparison of two groups, as Markdown, the gravest first; empty if there is nothing to say."""
    groups = comparison.groups
    batch, pair = data.column_with_role("batch"), data.column_with_role("pair")
    told = []
    if batch and batch != comparison.column:
        told += _of_batch(data.groups(batch).loc[groups.index], comparison, batch)
    if pair and pair not in (comparison.adjusted_for, comparison.column):
        told += _of_pairs(data.groups(pair).loc[groups.index], groups, pair)
    others = _other_columns(data, comparison, (batch, pair))
    if others:
        told.append(
            f"**{safe(', '.join(others))} {'goes' if len(others) == 1 else 'go'} with the groups**: a difference may "
            "as well come from there."
        )
    left = comparison.result.residual_df
    if comparison.adjusted_for and left < FEW_LEFT:
        told.append(
            f"**Adjusting for {safe(comparison.adjusted_for)} leaves {left} degree{'' if left == 1 else 's'} of "
            "freedom** to judge the scatter by, as if there were hardly any replicates. Its levels take up "
            "almost all samples: take the list as a hint, or compare without adjusting."
        )
    sizes = groups.value_counts()
    if int(sizes.min()) < FEW:
        told.append(
            f"**The smaller group ({safe(str(sizes.idxmin()))}) has only {int(sizes.min())} samples.** Whether they "
            "are typical cannot be judged. Take the list as a hint for more experiments."
        )
    return told


def of_groups(data: ExpressionSet, column: str) -> list[str]:
    """Warnings where all groups of a column are looked at, and nothing is compared: only about the batch."""
    batch = data.column_with_role("batch")
    if not batch or batch == column:
        return []
    v = cramers_v(data.groups(batch), data.groups(column))
    if v != v or v < SOMEWHAT:
        return []
    little = "" if v >= MIXED_UP else " a little"
    return [
        f"**{_called(batch)} goes with the groups of {safe(column)}{little}** (Cramér's V {v:.2f}; 1 would "
        "mean that one tells the other). What looks like a difference between the groups may come from the batch."
    ]


def _called(batch: str) -> str:
    return "The batch" if batch.casefold() == "batch" else f"The batch ({safe(batch)})"


def _of_batch(batches: pd.Series, comparison: Comparison, name: str) -> list[str]:
    column = safe(name)
    v = cramers_v(batches, comparison.groups)
    if v != v:  # one batch only
        return []
    crossed = pd.crosstab(batches, comparison.groups)
    one_sided = crossed[(crossed > 0).sum(axis=1) == 1]
    if len(one_sided) == len(crossed):
        return [
            f"**Batch and groups are one and the same** (Cramér's V {v:.2f}): every {column} holds samples of one "
            "group only. A difference may come from either, and no calculation can tell; only new samples can, with "
            "both groups in each batch."
        ]
    if v >= MIXED_UP:
        only = "; ".join(
            f"{column} {safe(str(level))}: only {safe(str(row.idxmax()))}" for level, row in one_sided.iterrows()
        )
        text = f"**{_called(name)} goes with the groups** (Cramér's V {v:.2f}{'; ' + only if only else ''})"
        if comparison.adjusted_for == name:
            return [f"{text}. It was adjusted for, but little is left by which the two can be told apart."]
        return [f"{text}. Much of what differs may come from the batch. Set `adjust_for` to it and see what stays."]
    somewhat = f", and it goes with the groups a little (Cramér's V {v:.2f})" if v >= SOMEWHAT else ""
    if comparison.adjusted_for != name:
        return [f"**{_called(name)} was not taken into account**{somewhat}. Set `adjust_for` to it and compare."]
    return []


def _of_pairs(pairs: pd.Series, groups: pd.Series, name: str) -> list[str]:
    both = int((pd.crosstab(pairs, groups) > 0).all(axis=1).sum())
    if not both:
        return []
    return [
        f"**The pairs were not taken into account**: {both} of {pairs.nunique()} in {safe(name)} have samples of both "
        "groups. Set `adjust_for` to it; differences between them then no longer hide what changes within each."
    ]


def _other_columns(data: ExpressionSet, comparison: Comparison, known: tuple[str | None, ...]) -> list[str]:
    """Columns of groups, with no role of their own, that nearly tell the compared groups."""
    found = []
    for column in data.profile["columns"]:
        name = column["name"]
        if name in (*known, comparison.column, comparison.adjusted_for) or column["type"] != "groups":
            continue
        levels = data.groups(name).loc[comparison.groups.index]
        if 1 < levels.nunique() <= len(levels) / 2 and cramers_v(levels, comparison.groups) >= MIXED_UP:
            found.append(name)
    return found
