"""Is the file read right, and does any sample stand apart?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from codalab_nb.analysis.expression import ExpressionSet

FAR = 5.0  # this many (robust) standard deviations below the typical agreement makes a sample stand apart


def log_view(data: ExpressionSet, floor: float = 20.0) -> tuple[pd.DataFrame, str]:
    """Values on a scale on which samples can be compared by eye, and the name of that scale.

    counts: log2(counts per million + 1); linear: log2(max(x, floor)); log and general tables: as they are.
    """
    values = data.values
    if data.kind == "counts":
        per_million = values / values.sum(axis=0).replace(0, np.nan) * 1e6
        return pd.DataFrame(np.log2(per_million + 1)), "log2(counts per million + 1)"
    if data.kind == "linear":
        return pd.DataFrame(np.log2(values.clip(lower=floor))), f"log2 intensity (floor {floor:g})"
    return values, "value as in the file"


def agreement(values: pd.DataFrame) -> pd.Series:
    """Mean Pearson correlation of each sample (column) with all others; genes with a missing value are left out."""
    matrix = values.dropna(axis=0).to_numpy(np.float64)
    n = matrix.shape[1]
    if n < 3 or len(matrix) < 3:
        return pd.Series(np.nan, index=values.columns)
    centred = matrix - matrix.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = centred.T @ centred / np.outer(length, length)
    np.fill_diagonal(correlation, np.nan)
    known = np.isfinite(correlation).sum(axis=1)
    total = np.nansum(correlation, axis=1)
    return pd.Series(np.where(known > 0, total / np.maximum(known, 1), np.nan), index=values.columns)


def stand_apart(agreements: pd.Series) -> pd.Series:
    """True for samples whose agreement lies FAR below the median, measured by the median absolute deviation.

    A constant sample has no agreement at all and stands apart; where no sample has one, none does.
    """
    if agreements.isna().all():
        return agreements.notna()
    middle = agreements.median()
    scale = 1.4826 * (agreements - middle).abs().median()
    low = agreements < middle - FAR * max(float(scale), 0.005)
    return low | agreements.isna()


def sample_report(data: ExpressionSet, values: pd.DataFrame) -> pd.DataFrame:
    """One row per sample: median and quartiles on the scale of `values`, missing cells, agreement, a mark."""
    agreements = agreement(values)
    quartiles = values.quantile([0.25, 0.5, 0.75]).T
    report = pd.DataFrame(
        {
            "lower_quartile": quartiles[0.25],
            "median": quartiles[0.5],
            "upper_quartile": quartiles[0.75],
            "missing": data.values.isna().sum(),
            "agreement": agreements,
            "look_at": np.where(stand_apart(agreements), "yes", ""),
        }
    )
    if data.kind == "counts":
        report.insert(0, "total_counts", data.values.sum(axis=0))
    return report.rename_axis("sample")


def column_report(data: ExpressionSet) -> pd.DataFrame:
    """For a general table, one row per column: what it holds, missing cells, range or groups."""
    rows = []
    for column in data.profile["columns"]:
        values = data.samples[column["name"]]
        numbers = values if column["type"] == "numbers" else None
        groups = ", ".join(f"{level['name']} ({level['n']})" for level in column["levels"][:8])
        rows.append(
            {
                "column": column["name"],
                "holds": column["type"],
                "missing": int(values.isna().sum()),
                "lowest": None if numbers is None else numbers.min(),
                "median": None if numbers is None else numbers.median(),
                "highest": None if numbers is None else numbers.max(),
                "groups": groups
                if column["type"] == "groups" or len(column["levels"]) <= 8
                else f"{len(column['levels'])} values",
            }
        )
    return pd.DataFrame(rows).set_index("column")


def identical_samples(values: pd.DataFrame) -> list[tuple[str, str]]:
    """Pairs of samples with exactly the same values: most often one file copied twice."""
    by_content: dict[bytes, str] = {}
    pairs = []
    for name in values.columns:
        content = values[name].to_numpy(np.float64).tobytes()
        if content in by_content:
            pairs.append((by_content[content], str(name)))
        else:
            by_content[content] = str(name)
    return pairs


def constant_features(values: pd.DataFrame) -> int:
    """How many features have one and the same value in all samples that have one."""
    return int((values.max(axis=1) == values.min(axis=1)).sum())
