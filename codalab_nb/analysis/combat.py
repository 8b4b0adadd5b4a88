"""ComBat: the location and scatter of every gene in every batch, shrunk across genes, are taken out.

Written from Johnson WE, Li C, Rabinovic A (2007) Adjusting batch effects in microarray expression data using empirical
Bayes methods, Biostatistics 8:118-127, doi:10.1093/biostatistics/kxj037 (section numbers below; parametric priors).
The tests compare with R's sva.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from codalab_nb.analysis.expression import AnalysisError

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
SETTLED = 1e-4  # largest relative change of an estimate at which the iteration ends, as the authors' program has it


@dataclass(frozen=True)
class Corrected:
    """values: genes × samples as given, batch taken out, in the same units; a missing value stays missing.

    adjusted: per gene, whether it was corrected. A gene without two different values in each batch cannot be
    judged there and stays as it was.
    """

    values: pd.DataFrame
    adjusted: pd.Series


def combat(values: pd.DataFrame, batch: pd.Series, keep: pd.Series | None = None) -> Corrected:
    """Corrects `values` (genes × samples, on a logarithmic scale) for `batch`, the batch of each sample.

    `keep`: a grouping of the samples whose differences are to stay; without it, whatever goes with the batch goes.
    Raises AnalysisError where a batch has one sample, or `keep` cannot be told apart from the batches.
    """
    levels = sorted(set(batch))
    member = np.column_stack([(batch == level).to_numpy() for level in levels])
    check_batches(batch, keep)
    matrix = values.to_numpy(np.float64)
    design = np.column_stack([member.astype(np.float64), _kept(keep)]) if keep is not None else member.astype(float)
    able = _able(matrix, member, design)
    if able.sum() < 2:
        raise AnalysisError("Fewer than two genes have two different values in every batch, so nothing can be judged.")
    changed = matrix.copy()
    changed[able] = _adjusted(matrix[able], member, design)
    frame = pd.DataFrame(changed, index=values.index, columns=values.columns)
    return Corrected(frame, pd.Series(able, index=values.index, name="adjusted"))


def check_batches(batch: pd.Series, keep: pd.Series | None = None) -> None:
    """Raises AnalysisError, in one sentence, where these batches cannot be corrected."""
    sizes = batch.value_counts(sort=False)
    if len(sizes) < 2:
        raise AnalysisError(f"All samples are of one batch ({sizes.index[0]!r}), so there is nothing to correct.")
    single = [str(level) for level, n in sizes.items() if n < 2]
    if single:
        named = ", ".join(sorted(single))
        raise AnalysisError(
            f"A batch of one sample cannot be corrected: {named}. Join it with the batch it was measured with, or "
            "leave the sample out."
        )
    if keep is not None:
        design = np.column_stack([pd.get_dummies(batch).to_numpy(np.float64), _kept(keep)])
        if np.linalg.matrix_rank(design) < design.shape[1] or len(batch) <= design.shape[1]:
            raise AnalysisError(
                f"{keep.name!r} cannot be told apart from the batches, so its differences cannot be kept while the "
                "batches are taken out."
            )


def _kept(keep: pd.Series) -> Floats:
    """samples × (groups − 1): the batches already hold a constant."""
    levels = sorted(set(keep))
    return np.column_stack([np.empty((len(keep), 0)), *[(keep == level).to_numpy(np.float64) for level in levels[1:]]])


def _able(matrix: Floats, member: Flags, design: Floats) -> Flags:
    """Genes that vary within each batch and whose values suffice for the whole design."""
    able = np.ones(len(matrix), np.bool_)
    for mine in member.T:
        part = matrix[:, mine]
        low = np.where(np.isfinite(part), part, np.inf).min(axis=1)
        high = np.where(np.isfinite(part), part, -np.inf).max(axis=1)
        able &= high > low
    gaps = np.flatnonzero(able & ~np.isfinite(matrix).all(axis=1))
    if len(gaps) and design.shape[1] > member.shape[1]:
        able[gaps] = np.linalg.matrix_rank(_products(np.isfinite(matrix[gaps]), design)) == design.shape[1]
    return able


def _products(present: Flags, design: Floats) -> Floats:
    """X'X over each gene's own samples: genes × coefficients × coefficients."""
    size = design.shape[1]
    pairs = (design[:, :, None] * design[:, None, :]).reshape(len(design), size * size)
    return np.asarray(present.astype(np.float64) @ pairs).reshape(len(present), size, size)


def _adjusted(matrix: Floats, member: Flags, design: Floats) -> Floats:
    """Sections 3.1 to 3.3; every gene has what it takes."""
    present = np.isfinite(matrix)
    level = np.nanmean(matrix, axis=1, keepdims=True)  # off before the products, for their precision; comes back below
    y = np.where(present, matrix - level, 0.0)
    beta = np.linalg.solve(_products(present, design), (y @ design)[:, :, None])[:, :, 0]
    n_batches = member.shape[1]
    share = present @ member.astype(np.float64)
    total = share.sum(axis=1)
    middle = np.sum(beta[:, :n_batches] * share, axis=1) / total
    scatter = np.sqrt(np.sum(np.where(present, y - beta @ design.T, 0.0) ** 2, axis=1) / total)
    expected = middle[:, None] + beta[:, n_batches:] @ design[:, n_batches:].T
    z = (y - expected) / scatter[:, None]
    for number, mine in enumerate(member.T):
        part = np.where(present[:, mine], z[:, mine], np.nan)
        location, variance = _shrunk(part, share[:, number])
        z[:, mine] = (z[:, mine] - location[:, None]) / np.sqrt(variance)[:, None]
    return np.where(present, z * scatter[:, None] + expected + level, np.nan)


def _shrunk(z: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Posterior location and variance of each gene in one batch, by turns until they settle (section 3.2).

    The priors, a normal and an inverse gamma distribution, take their moments from all genes of the batch.
    """
    location, variance = np.nanmean(z, axis=1), np.nanvar(z, axis=1, ddof=1)
    middle, tau2 = float(location.mean()), float(location.var(ddof=1))
    mean, spread = float(variance.mean()), float(variance.var(ddof=1))
    if tau2 <= 0 or spread <= 0:  # all genes alike: the batch's own moments are all there is to know
        return np.full_like(location, middle), np.full_like(variance, mean)
    shape = (mean**2 + 2 * spread) / spread
    rate = (mean**3 + mean * spread) / spread
    old_location, old_variance = location, variance
    for _ in range(1000):
        new_location = (n * tau2 * location + old_variance * middle) / (n * tau2 + old_variance)
        new_variance = (rate + 0.5 * np.nansum((z - new_location[:, None]) ** 2, axis=1)) / (n / 2 + shape - 1)
        change = max(_relative(new_location, old_location), _relative(new_variance, old_variance))
        old_location, old_variance = new_location, new_variance
        if change < SETTLED:
            break
    return old_location, old_variance


def _relative(new: Floats, old: Floats) -> float:
    return float(np.max(np.abs(new - old) / np.maximum(np.abs(old), 1e-300)))
