"""Numbers that tell data sets apart, cheap to compute: by them is known on which data sets experience applies.

No method is run for them (no landmarkers). Large data sets are looked at through a fixed sample (at most 5,000 features
and 500 samples, drawn with a fixed seed) for what needs more than counting. NaN where a number does not exist.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codalab_nb.analysis.expression import ExpressionSet

Floats = NDArray[np.float64]

MOST_FEATURES, MOST_SAMPLES = 5_000, 500
SKETCHED = 64  # smallest hashes that stand for a set of names
_LARGEST = 1e100  # squares of larger ones cannot be added up
_LOG = np.log10


def meta_features(data: ExpressionSet) -> dict[str, float]:
    """Name → number, always the same names in the same order; float, NaN where it does not exist."""
    values = data.values.to_numpy(np.float64)
    condition = data.column_with_role("condition")
    groups = data.groups(condition) if condition else None
    found = {**_size(data, values), **_values(data, values)}
    logs = _thinned(_logarithms(data, values))
    found |= _features(logs[0]) | _samples(logs[0])
    found |= _design(data, groups) | _separation(logs[0], None if groups is None else groups.iloc[logs[1]])
    return {name: float(number) for name, number in found.items()}


def sketch(names: Sequence[str]) -> list[int]:
    """The smallest hashes of `names` (MinHash; Broder 1997): two data sets that share samples share hashes."""
    return sorted({zlib.crc32(str(name).encode()) for name in names})[:SKETCHED]


def _size(data: ExpressionSet, values: Floats) -> dict[str, float]:
    n_features, n_samples = values.shape
    return {
        "is_matrix": float(data.is_matrix),
        "is_counts": float(data.kind == "counts"),
        "is_log": float(data.kind == "log"),
        "log_features": _LOG(n_features + 1),
        "log_samples": _LOG(n_samples + 1),
        "log_features_per_sample": _LOG((n_features + 1) / (n_samples + 1)),
    }


def _values(data: ExpressionSet, values: Floats) -> dict[str, float]:
    values = np.clip(values, -_LARGEST, _LARGEST)
    measured = values[np.isfinite(values)]
    if not measured.size:
        return dict.fromkeys(_VALUE_NAMES, np.nan)
    low, middle, high = np.percentile(measured, [5, 50, 95])
    spread = measured.std()
    centered = (measured - measured.mean()) / spread if spread else np.zeros_like(measured)
    squares = centered * centered  # a power of numpy takes twenty times as long
    totals = np.nansum(np.abs(values), axis=0)
    numbers = (
        1 - measured.size / values.size,
        (measured == 0).mean(),
        (measured < 0).mean(),
        (measured == np.round(measured)).mean(),
        _LOG(1 + (high - low) / abs(middle)) if middle else np.nan,
        np.clip((squares * centered).mean(), -100, 100),
        _LOG(1 + (squares * squares).mean()),
        totals.std() / totals.mean() if totals.mean() else np.nan,
        1 - len(set(data.values.index.astype(str))) / len(values) if len(values) else np.nan,
    )
    return dict(zip(_VALUE_NAMES, numbers, strict=True))


_VALUE_NAMES = (
    "missing", "zeros", "negative", "whole_numbers", "dynamic_range", "skewness", "log_kurtosis", "spread_of_totals",
    "repeated_names",
)  # fmt: skip


def _logarithms(data: ExpressionSet, values: Floats) -> Floats:
    """Values on a scale where differences mean the same everywhere: counts and intensities as log2(1 + x)."""
    logs = values if data.kind in ("log", "none") else np.log2(1 + np.maximum(values, 0))
    return np.clip(logs, -_LARGEST, _LARGEST)


def _thinned(values: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """At most MOST_FEATURES × MOST_SAMPLES of the values, missing ones as their feature's mean; and which samples."""
    random = np.random.default_rng(0)
    rows, columns = (
        np.arange(length) if length <= most else np.sort(random.choice(length, most, replace=False))
        for length, most in zip(values.shape, (MOST_FEATURES, MOST_SAMPLES), strict=True)
    )
    part = values[np.ix_(rows, columns)]
    known = np.isfinite(part)
    means = np.where(known, part, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    filled = np.where(known, part, means[:, None])
    return filled[known.any(axis=1)], columns


def _features(values: Floats) -> dict[str, float]:
    """How features (genes) differ from one another in level and spread."""
    names = ("log_spread", "spread_of_log_spread", "level_spread_slope", "level_spread_correlation", "constant")
    if values.shape[0] < 3 or values.shape[1] < 3:
        return dict.fromkeys(names, np.nan)
    level, spread = values.mean(axis=1), values.std(axis=1, ddof=1)
    varies = spread > 1e-12
    if varies.sum() < 3 or level[varies].std() < 1e-12:
        return dict.fromkeys(names, np.nan) | {"constant": 1 - varies.mean()}
    logs = np.log2(spread[varies])
    standard = (level[varies] - level[varies].mean()) / level[varies].std()
    slope = float((standard * (logs - logs.mean())).mean())
    correlation = slope / logs.std() if logs.std() > 1e-12 else 0.0
    return dict(zip(names, (np.median(logs), logs.std(), slope, correlation, 1 - varies.mean()), strict=True))


def _samples(values: Floats) -> dict[str, float]:
    """How samples hang together: correlations, and how much of the variance few components hold."""
    names = ("sample_correlation", "lowest_correlation", "component_1", "component_2", "log_components_80")
    if values.shape[1] < 3 or values.shape[0] < 2:
        return dict.fromkeys(names, np.nan)
    shares = _shares(values)
    centered = values - values.mean(axis=0)
    norms = np.linalg.norm(centered, axis=0)
    if not shares.size or not (norms > 1e-12).all():
        return dict.fromkeys(names, np.nan)
    correlations = (centered.T @ centered) / np.outer(norms, norms)
    beside = np.array([np.median(np.delete(row, i)) for i, row in enumerate(correlations)])
    needed = int(np.searchsorted(np.cumsum(shares), 0.8)) + 1
    second = shares[1] if len(shares) > 1 else 0.0
    return dict(zip(names, (np.median(beside), beside.min(), shares[0], second, _LOG(needed)), strict=True))


def _shares(values: Floats) -> Floats:
    """Share of the variance in each principal component, largest first; from the samples' Gram matrix."""
    centered = values - values.mean(axis=1, keepdims=True)
    variances = np.linalg.eigvalsh(centered.T @ centered)[::-1]
    variances = np.maximum(variances, 0)
    return variances / variances.sum() if variances.sum() > 1e-12 else np.empty(0)


def _design(data: ExpressionSet, groups: pd.Series | None) -> dict[str, float]:
    sizes = groups.value_counts().to_numpy(np.float64) if groups is not None else np.empty(0)
    shares = sizes / sizes.sum() if sizes.size else np.empty(0)
    evenness = -(shares * np.log(shares)).sum() / np.log(len(shares)) if len(shares) > 1 else np.nan
    batch = data.column_with_role("batch")
    tied = np.nan
    if batch and groups is not None and len(sizes) > 1:
        tied = _cramers_v(groups, data.groups(batch))
    return {
        "groups": float(len(sizes)),
        "log_smallest_group": _LOG(sizes.min()) if sizes.size else np.nan,
        "evenness": evenness,
        "has_pair": float(data.column_with_role("pair") is not None),
        "has_batch": float(batch is not None),
        "batch_tied_to_groups": tied,
        "sample_columns": float(len(data.samples.columns)),
    }


def _cramers_v(one: pd.Series, other: pd.Series) -> float:
    """Cramér's V of two groupings, between 0 and 1 (Cramér 1946, section 21.9)."""
    table = pd.crosstab(one, other).to_numpy(np.float64)
    if min(table.shape) < 2:
        return float("nan")
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(np.sqrt(((table - expected) ** 2 / expected).sum() / table.sum() / (min(table.shape) - 1)))


def _separation(values: Floats, groups: pd.Series | None) -> dict[str, float]:
    """How much of a feature's variance the groups explain: the median, and the share of features with over a half."""
    names = ("explained_by_groups", "well_explained")
    known = groups.notna().to_numpy() if groups is not None else np.zeros(values.shape[1], dtype=bool)
    if groups is None or known.sum() < 4 or groups[known].nunique() < 2 or not values.size:
        return dict.fromkeys(names, np.nan)
    part, codes = values[:, known], pd.factorize(groups[known])[0]
    total = ((part - part.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    between = np.zeros(len(part))
    for code in np.unique(codes):
        inside = part[:, codes == code]
        between += inside.shape[1] * (inside.mean(axis=1) - part.mean(axis=1)) ** 2
    varies = total > 1e-12
    if not varies.any():
        return dict.fromkeys(names, np.nan)
    explained = between[varies] / total[varies]
    return {"explained_by_groups": float(np.median(explained)), "well_explained": float((explained > 0.5).mean())}
