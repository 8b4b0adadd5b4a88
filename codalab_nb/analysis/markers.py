"""Which genes mark a group: each group against all other samples by the rank-sum test, all genes at once.

Wilcoxon F (1945) Biometrics Bulletin 1:80-83; Mann HB, Whitney DR (1947) Ann Math Stat 18:50-60: normal approximation
with the corrections for ties and for continuity. The tests compare with scipy.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from codalab_nb.analysis.expression import AnalysisError
from codalab_nb.analysis.limma import benjamini_hochberg

Floats = npt.NDArray[np.float64]
FEWEST = 3  # samples that a group must have to be compared
_CELLS_AT_ONCE = 4_000_000  # ranks of so many values are held in memory at a time


def markers(values: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """One row per group and gene, highest auc first: group, gene, auc, z, p, p_adjusted, mean_in, mean_out, share_in,
    share_out.

    values: genes × samples, missing values allowed. auc: chance (0 to 1) that a sample of the group has a higher value
    than one outside. share: of the samples whose value lies above the gene's `threshold`. p is two-sided, adjusted
    over all genes and groups. Samples without a group are left out. Raises AnalysisError without two groups.
    """
    known = groups.notna().to_numpy()
    table, labels = values.loc[:, known], groups[known]
    sizes = labels.value_counts(sort=False)
    levels = [str(level) for level, n in sizes.items() if n >= FEWEST and len(labels) - n >= FEWEST]
    if len(sizes) < 2 or not levels:
        raise AnalysisError(f"Markers need two groups, and at least {FEWEST} samples inside and outside of one.")
    member: Floats = np.column_stack([(labels == level).to_numpy() for level in levels]).astype(np.float64)
    limit, _ = threshold(table)
    parts = [_tested(part, member, limit.loc[part.index]) for part in _slices(table)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    genes = len(table)
    frame = pd.DataFrame(
        {
            "group": np.tile(np.array(levels, dtype=object), genes),
            "gene": np.repeat(table.index.to_numpy(), len(levels)),
            **{name: column.reshape(-1) for name, column in columns.items()},
        }
    )
    frame.insert(5, "p_adjusted", benjamini_hochberg(frame["p"].to_numpy()))
    rank = {level: place for place, level in enumerate(levels)}
    order = np.lexsort(
        (frame["gene"].astype(str), -frame["z"].fillna(-np.inf), -frame["auc"].fillna(-1), frame["group"].map(rank))
    )
    return frame.iloc[order].reset_index(drop=True)


def top_markers(table: pd.DataFrame, n: int, q: float = 0.05) -> pd.DataFrame:
    """Of each group the first `n` genes that are higher in it (auc above 0.5) with an adjusted p below `q`."""
    higher = table[(table["auc"] > 0.5) & (table["p_adjusted"] < q)]
    return higher.groupby("group", sort=False).head(n)


def threshold(values: pd.DataFrame) -> tuple[pd.Series, str]:
    """Above which value a gene counts as present, and how to call that: 0 where zeros are common, as in single cells,
    else the gene's median."""
    matrix = values.to_numpy(np.float64)
    if np.nanmin(matrix) >= 0 and np.mean(matrix == 0) > 0.2:
        return pd.Series(0.0, index=values.index), "above 0"
    return values.median(axis=1), "above the gene's median"


def _slices(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    step = max(1, _CELLS_AT_ONCE // max(1, table.shape[1]))
    for start in range(0, len(table), step):
        yield table.iloc[start : start + step]


def _tested(table: pd.DataFrame, member: Floats, limit: pd.Series) -> dict[str, Floats]:
    """genes × groups for each result."""
    present = table.notna().to_numpy(np.float64)
    ranks = table.rank(axis=1).to_numpy()
    ties = 2 * (table.rank(axis=1, method="max").to_numpy() - ranks) + 1  # how many samples share this one's value
    n = present.sum(axis=1, keepdims=True)
    inside = present @ member
    outside = n - inside
    pairs = np.maximum(inside * outside, 1)
    u = np.nan_to_num(ranks) @ member - inside * (inside + 1) / 2
    # Each value of a tie of t adds t² − 1, all of them together t³ − t.
    tied = np.nansum(ties**2 - 1, axis=1, keepdims=True)
    variance = pairs / 12 * np.maximum(n + 1 - tied / np.maximum(n * (n - 1), 1), 0)
    usable = (inside >= FEWEST) & (outside >= FEWEST) & (variance > 1e-9)
    shift = u - inside * outside / 2
    z = np.sign(shift) * np.maximum(np.abs(shift) - 0.5, 0) / np.sqrt(np.where(usable, variance, 1))
    known = (inside >= FEWEST) & (outside >= FEWEST)
    filled = table.fillna(0).to_numpy()
    above = table.gt(limit, axis=0).to_numpy(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_in, share_in = filled @ member / inside, above @ member / inside
        mean_out = (filled.sum(axis=1, keepdims=True) - filled @ member) / outside
        share_out = (above.sum(axis=1, keepdims=True) - above @ member) / outside
    return {
        "auc": np.where(known, u / pairs, np.nan),
        "z": np.where(usable, z, np.where(known, 0.0, np.nan)),
        "p": np.where(usable, 2 * stats.norm.sf(np.abs(z)), np.where(known, 1.0, np.nan)),
        "mean_in": mean_in,
        "mean_out": mean_out,
        "share_in": share_in,
        "share_out": share_out,
    }
