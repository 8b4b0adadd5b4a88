"""Subjects measured more than once: when their column is taken into account without being asked for."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from codalab_nb.analysis.compare import choose_column, choose_groups
from codalab_nb.analysis.expression import ExpressionSet
from codalab_nb.analysis.markdown import safe

AUTO = "auto"  # as a setting: the confirmed pair where every subject has samples in every group, else none
FEWEST = 3  # subjects


def paired_column(data: ExpressionSet, asked: str, column: str, levels: Sequence[str] = ()) -> str:
    """The column of subjects to use: `asked`, or for `auto` the one a person confirmed as pair, if it is complete.

    Complete: three or more subjects, each with samples in all `levels` of `column` (none given: in all there are).
    Empty if there is no such column.
    """
    if asked != AUTO:
        return asked
    name = confirmed_pair(data)
    if not name or name == column:
        return ""
    groups = data.groups(column)
    if levels:
        groups = groups[groups.isin(list(levels))]
    crossed = crossing(data.groups(name), groups)
    whole = len(crossed) >= FEWEST and crossed.shape[1] > 1 and bool((crossed > 0).all(axis=None))
    return name if whole else ""


def adjusting_column(
    data: ExpressionSet, asked: str, condition: str = "", treated: str = "", reference: str = ""
) -> str:
    """`paired_column` for a comparison of two groups, which are chosen as in `compare`. Raises AnalysisError."""
    if asked != AUTO:
        return asked
    column = choose_column(data, condition)
    treated, reference, _ = choose_groups(data, column, treated, reference)
    return paired_column(data, asked, column, (treated, reference))


def confirmed_pair(data: ExpressionSet) -> str:
    """The column with the role pair, once a person has said so; empty if there is none."""
    for column in data.profile["columns"]:
        if column["role"] == "pair" and not column.get("role_proposed", False):
            return str(column["name"])
    return ""


def crossing(subjects: pd.Series, groups: pd.Series) -> pd.DataFrame:
    """Number of samples; subjects × groups, only samples of which both are known."""
    frame = pd.DataFrame({"subject": subjects.reindex(groups.index), "group": groups}).dropna()
    return pd.crosstab(frame["subject"], frame["group"])


def are_nested(subjects: pd.Series, groups: pd.Series) -> bool:
    """Each subject is in one group only, and some have several samples there: repeats, not pairs."""
    crossed = crossing(subjects, groups)
    return len(crossed) > 0 and bool(((crossed > 0).sum(axis=1) == 1).all()) and bool((crossed > 1).any(axis=None))


def words_for(asked: str, used: str) -> str:
    """One Markdown sentence where a column was taken without being asked for; else empty."""
    if asked != AUTO or not used:
        return ""
    return (
        f"\n\n**Pairs: each {safe(used)} was compared with itself**, because {safe(used)} is marked as the pair "
        "and every one has samples in both groups. To compare without pairs, set `adjust_for` to none."
    )
