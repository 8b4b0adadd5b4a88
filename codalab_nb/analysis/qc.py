"""Is the file read right, and does any sample stand apart?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from codalab_nb.analysis.expression import FLOOR, AnalysisError, ExpressionSet, floor_for

FAR = 5.0  # this many (robust) standard deviations below the typical agreement makes a sample stand apart


def log_view(data: ExpressionSet, floor: float = FLOOR) -> tuple[pd.DataFrame, str]:
    """Values on a scale on which samples can be compared by eye, and the name of that scale.

    counts: log2(counts per million + 1); linear: log2(max(x, floor)), where TPM and
    FPKM get a floor of 1 if it was left at its default; log and general tables: as they are. A sample in
    which nothing was measured is NaN throughout.
    """
    values = data.values
    empty = empty_samples(data) if data.is_matrix else []
    if empty:
        values = values.assign(**dict.fromkeys(empty, np.nan))
    if data.kind == "counts":
        per_million = values / values.sum(axis=0).replace(0, np.nan) * 1e6
        return pd.DataFrame(np.log2(per_million + 1)), "log2(counts per million + 1)"
    if data.kind == "linear":
        floor = floor_for(data, floor)
        return pd.DataFrame(np.log2(values.clip(lower=floor))), f"log2 intensity (floor {floor:g})"
    return values, "value as in the file"


def empty_samples(data: ExpressionSet) -> list[str]:
    """Names of the samples in which nothing was measured: every value is missing or, in counts and intensities, 0."""
    nothing = data.values.isna()
    if data.kind in ("counts", "linear"):
        nothing |= data.values == 0
    return [str(name) for name in data.values.columns[nothing.all(axis=0)]] if len(data.values) else []


def refuse_empty(values: pd.DataFrame) -> None:
    """Raises AnalysisError that names the samples (columns) of `values` without any value: with them no gene is
    complete."""
    empty = [str(name) for name in values.columns[values.isna().all(axis=0)]] if len(values) else []
    if empty:
        names = ", ".join(empty[:5]) + (f" and {len(empty) - 5} more" if len(empty) > 5 else "")
        them = "that sample" if len(empty) == 1 else "those samples"
        raise AnalysisError(f"Nothing was measured in {names}. Leave {them} out of the file, and start again.")


def agreement(values: pd.DataFrame) -> pd.Series:
    """Mean Pearson correlation of each sample (column) with all others, each pair over the genes measured in both.

    NaN for a sample without values, or with one and the same value, which then counts against no other; NaN for all
    where there are fewer than three samples, and for a pair with fewer than three genes in common.
    """
    matrix = values.to_numpy(np.float64)
    present = np.isfinite(matrix)
    if matrix.shape[1] < 3 or not present.any():
        return pd.Series(np.nan, index=values.columns)
    n_measured = np.maximum(present.sum(axis=0), 1)
    filled = np.where(present, matrix, 0.0)
    centred = np.where(present, filled - filled.sum(axis=0) / n_measured, 0.0)
    flat = (centred**2).sum(axis=0) <= n_measured * (1e-12 * np.abs(filled).max(axis=0)) ** 2
    if present.all():
        cross = centred.T @ centred
        squares = np.broadcast_to(np.diag(cross)[:, None], cross.shape)
        common = np.full(cross.shape, len(matrix))
    else:
        known = present.astype(np.float64)
        common, sums = known.T @ known, centred.T @ known  # row: whose values; column: measured together with whom
        size = np.maximum(common, 1)
        cross = centred.T @ centred - sums * sums.T / size
        squares = (centred**2).T @ known - sums**2 / size
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = cross / np.sqrt(np.maximum(squares, 0) * np.maximum(squares.T, 0))
    correlation[common < 3] = np.nan
    correlation[flat] = np.nan
    correlation[:, flat] = np.nan
    np.fill_diagonal(correlation, np.nan)
    known_pairs = np.isfinite(correlation)
    total = np.where(known_pairs, correlation, 0.0).sum(axis=1)
    n_pairs = known_pairs.sum(axis=1)
    return pd.Series(np.where(n_pairs > 0, total / np.maximum(n_pairs, 1), np.nan), index=values.columns)


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
    empty = empty_samples(data)
    agreements = agreement(values)
    quartiles = values.quantile([0.25, 0.5, 0.75]).T
    report = pd.DataFrame(
        {
            "lower_quartile": quartiles[0.25],
            "median": quartiles[0.5],
            "upper_quartile": quartiles[0.75],
            "missing": data.values.isna().sum(),
            "agreement": agreements,
            "look_at": np.where(stand_apart(agreements) | values.columns.isin(empty), "yes", ""),
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
