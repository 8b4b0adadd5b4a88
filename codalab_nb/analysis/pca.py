"""Principal components of the samples, and how much of a component a grouping explains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from codalab_nb.analysis.expression import AnalysisError
from codalab_nb.analysis.qc import refuse_empty


@dataclass(frozen=True)
class Components:
    """scores: samples × components (PC1, PC2, …), in the units of the values. share: of the variance, 0 to 1, one
    per component. loadings: genes × components, unit length. n_genes used; n_left_out of n_total had missing values."""

    scores: pd.DataFrame
    share: npt.NDArray[np.float64]
    loadings: pd.DataFrame
    n_genes: int
    n_left_out: int
    n_total: int


def principal_components(
    values: pd.DataFrame, *, top_genes: int = 0, scale: bool = False, n_components: int = 6
) -> Components:
    """PCA of the samples (columns) after centring each gene; the most variable `top_genes` genes, or all for 0.

    Genes with a missing value are left out. The sign is set so that the gene that weighs most has a positive
    weight: the order of the samples then changes nothing. Raises AnalysisError when nothing varies.
    """
    refuse_empty(values)
    complete = values.dropna(axis=0)
    matrix = complete.to_numpy(np.float64)
    if matrix.shape[1] < 3 or len(matrix) < 2:
        raise AnalysisError(
            f"Needs 3 samples and 2 genes without missing values; found {matrix.shape[1]} and {len(matrix)}."
        )
    centred = matrix - matrix.mean(axis=1, keepdims=True)
    spread = centred.std(axis=1, ddof=1)
    keep = np.flatnonzero(spread > 1e-12 * max(float(spread.max()), 1e-300))
    if top_genes:
        keep = np.sort(keep[np.argsort(-spread[keep], kind="stable")[:top_genes]])
    if len(keep) < 2:
        raise AnalysisError("Fewer than two genes vary between the samples, so there is nothing to show.")
    centred = centred[keep] / (spread[keep, None] if scale else 1.0)
    # Samples are far fewer than genes: the small samples × samples matrix has the same components.
    power, vectors = np.linalg.eigh(centred.T @ centred)
    order = np.argsort(power)[::-1][: min(n_components, matrix.shape[1] - 1, len(keep))]
    length = np.sqrt(np.maximum(power[order], 0))
    scores = vectors[:, order] * length
    loadings = centred @ vectors[:, order] / np.maximum(length, 1e-300)
    sign = np.sign(loadings[np.abs(loadings).argmax(axis=0), np.arange(len(order))])
    names = [f"PC{number + 1}" for number in range(len(order))]
    return Components(
        pd.DataFrame(scores * sign, index=values.columns, columns=names),
        np.maximum(power[order], 0) / np.maximum(power, 0).sum(),
        pd.DataFrame(loadings * sign, index=complete.index[keep], columns=names),
        len(keep),
        len(values) - len(complete),
        len(values),
    )


def explained_by(components: Components, samples: pd.DataFrame) -> pd.DataFrame:
    """Share (0 to 1) of each component that lies between the groups of each column of `samples` (text, one row per
    sample); by_chance: what a meaningless grouping of that kind would reach on average, (groups − 1) / (samples − 1).

    One row per column that has two or more groups, of two or more samples on average; the one that explains most of
    all variation first.
    """
    rows = {}
    for name in samples.columns:
        known = samples[name].dropna()
        if not 2 <= known.nunique() <= len(known) / 2:
            continue
        shares = {pc: r_squared(components.scores[pc], samples[name]) for pc in components.scores.columns}
        rows[name] = {"groups": known.nunique(), "by_chance": (known.nunique() - 1) / (len(known) - 1), **shares}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["groups", "by_chance", *components.scores.columns])
    of_all = table[list(components.scores.columns)].mul(components.share).sum(axis=1)
    return table.loc[of_all.sort_values(ascending=False, kind="stable").index].rename_axis("column")


def r_squared(scores: pd.Series, groups: pd.Series) -> float:
    """Share (0 to 1) of the scatter of `scores` that lies between the groups: 1 − within / total sum of squares."""
    known = groups.notna().to_numpy()
    numbers, labels = scores.to_numpy(np.float64)[known], groups.to_numpy()[known]
    total = float(np.sum((numbers - numbers.mean()) ** 2))
    within = sum(
        float(np.sum((part - part.mean()) ** 2)) for label in set(labels) if len(part := numbers[labels == label])
    )
    return 1 - within / total if total > 0 else float("nan")
