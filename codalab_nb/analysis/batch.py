"""Does a batch go with the values, does it go with the condition, and what does taking it out leave?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from codalab_nb.analysis.combat import Corrected, check_batches, combat
from codalab_nb.analysis.expression import AnalysisError, ExpressionSet
from codalab_nb.analysis.limma import benjamini_hochberg
from codalab_nb.analysis.pca import Components, principal_components, r_squared
from codalab_nb.analysis.qc import log_view

Floats = npt.NDArray[np.float64]
MIXED_UP = 0.5  # Cramér's V from which batch and condition can hardly be told apart
SOMEWHAT = 0.3  # and from which a person should know


def cramers_v(first: pd.Series, second: pd.Series) -> float:
    """How far two groupings go together: 0 not at all, 1 one tells the other. NaN where either has one group only.

    √(χ² / (n (min(rows, columns) − 1))), Cramér H (1946) Mathematical Methods of Statistics, 21.9; samples that lack
    either are left out.
    """
    counts = pd.crosstab(first, second).to_numpy(np.float64)
    smaller = min(counts.shape) - 1 if counts.size else 0
    if smaller < 1:
        return float("nan")
    n = counts.sum()
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    return float(np.sqrt(np.sum((counts - expected) ** 2 / expected) / n / smaller))


def explained_by_gene(values: pd.DataFrame, groups: pd.Series) -> Floats:
    """Per gene, the share (0 to 1) of its scatter that lies between the groups; NaN where a gene does not vary.

    Samples without a group and missing values are left out.
    """
    known = groups.notna().to_numpy()
    matrix = values.to_numpy(np.float64)[:, known]
    member = pd.get_dummies(groups[known]).to_numpy(np.float64)
    present = np.isfinite(matrix)
    n = np.maximum(present.sum(axis=1), 1)
    filled = np.where(present, matrix, 0.0)
    centred = np.where(present, filled - (filled.sum(axis=1) / n)[:, None], 0.0)
    total = np.sum(centred**2, axis=1)
    between = np.sum((centred @ member) ** 2 / np.maximum(present @ member, 1), axis=1)
    flat = total <= n * (1e-12 * np.abs(filled).max(axis=1, initial=0.0)) ** 2
    shares: Floats = np.divide(between, total, out=np.full(len(matrix), np.nan), where=~flat)
    return shares


@dataclass(frozen=True)
class Explained:
    """What one grouping (`name`) explains. typical: median over genes of the share of a gene's scatter, 0 to 1;
    by_chance: what a meaningless grouping of this kind would reach on average; genes: how many genes differ between
    its groups (one-way analysis of variance, BH-adjusted p < 0.05) of `tested`; pc: the share of each component."""

    name: str
    typical: float
    by_chance: float
    genes: int
    tested: int
    pc: tuple[float, ...]


@dataclass(frozen=True)
class State:
    """The data before or after: the map of the samples, and what batch and condition explain."""

    components: Components
    batch: Explained
    condition: Explained | None


@dataclass(frozen=True)
class BatchCheck:
    """batch, condition: group of each sample used. v: Cramér's V of the two, NaN without condition. after and
    corrected are None where correcting is refused, with the reason in `refused`. n_unknown: samples without a batch."""

    batch: pd.Series
    condition: pd.Series | None
    v: float
    before: State
    after: State | None
    corrected: Corrected | None
    kept: bool
    refused: str
    scale: str
    n_unknown: int

    @property
    def mixed_up(self) -> bool:
        return self.v >= MIXED_UP

    @property
    def uneven(self) -> bool:
        """Whether a person must know how batch and condition go together. In many small groups a V of 0.4 is chance,
        so a middling one counts only if χ² rejects that (p < 0.05)."""
        if self.condition is None or not self.v >= SOMEWHAT:
            return False
        rows, columns = self.crossed().shape
        chi2 = self.v**2 * len(self.batch) * (min(rows, columns) - 1)
        return self.mixed_up or bool(stats.chi2.sf(chi2, (rows - 1) * (columns - 1)) < 0.05)

    @property
    def visible(self) -> bool:
        """Whether the batch explains clearly more of the values than chance does."""
        mine = self.before.batch
        return mine.genes > 0.05 * mine.tested or mine.typical > 1.5 * mine.by_chance

    def crossed(self) -> pd.DataFrame:
        """Samples per batch (rows) and group of the condition (columns)."""
        assert self.condition is not None
        return pd.crosstab(self.batch, self.condition)


def check_batch(
    data: ExpressionSet, *, batch: str = "", condition: str = "", keep_condition: bool = False, floor: float = 20.0
) -> BatchCheck:
    """Judges the batch, corrects the values by ComBat, and judges again. Raises AnalysisError without a batch.

    Where batches cannot be corrected, or batch and condition are one and the same, it says so instead.
    """
    if not data.is_matrix:
        raise AnalysisError("This is a general table; a batch is looked for in genes and samples.")
    batch = batch or data.column_with_role("batch") or ""
    if not batch:
        raise AnalysisError(
            "It is not known which batch each sample belongs to. Name its column: dataset set … --role COLUMN=batch."
        )
    condition = condition or data.column_with_role("condition") or ""
    condition = "" if condition == batch else condition
    known = data.groups(batch).notna()
    if condition:
        known &= data.groups(condition).notna()
    batches = data.groups(batch)[known]
    conditions = data.groups(condition)[known] if condition else None
    if batches.nunique() < 2:
        raise AnalysisError(f"The column {batch!r} has only one batch, so there is nothing to compare.")
    if conditions is not None and conditions.nunique() < 2:
        conditions = None
    whole, scale = log_view(data, floor)
    values = whole.loc[:, known.to_numpy()]
    before = _state(values, batches, conditions)
    v = cramers_v(batches, conditions) if conditions is not None else float("nan")
    n_unknown = int((~known).sum())
    refused = _refusal(batches, conditions, keep_condition, v)
    if refused:
        return BatchCheck(batches, conditions, v, before, None, None, False, refused, scale, n_unknown)
    keep = conditions if keep_condition else None
    corrected = combat(values, batches, keep)
    after = _state(corrected.values, batches, conditions)
    return BatchCheck(batches, conditions, v, before, after, corrected, keep is not None, "", scale, n_unknown)


def _refusal(batches: pd.Series, conditions: pd.Series | None, keep: bool, v: float) -> str:
    if conditions is not None and v > 1 - 1e-9:
        return (
            f"Each batch holds one kind of {conditions.name!r} only, or the other way round, so no method can tell the "
            "batch from the biology; only new measurements that mix the two within a batch can."
        )
    try:
        check_batches(batches, conditions if keep else None)
    except AnalysisError as error:
        return str(error)
    return ""


def _state(values: pd.DataFrame, batches: pd.Series, conditions: pd.Series | None) -> State:
    components = principal_components(values)
    batch, *others = [_explained(values, components, groups) for groups in (batches, conditions) if groups is not None]
    return State(components, batch, others[0] if others else None)


def _explained(values: pd.DataFrame, components: Components, groups: pd.Series) -> Explained:
    shares = explained_by_gene(values, groups)
    known = shares[np.isfinite(shares)]
    n, k = len(groups), groups.nunique()
    chance = (k - 1) / (n - 1)
    found = 0
    if n > k:
        with np.errstate(divide="ignore"):
            p = stats.f.sf(known / (k - 1) / ((1 - np.minimum(known, 1)) / (n - k)), k - 1, n - k)
        found = int((benjamini_hochberg(p) < 0.05).sum())
    pc = tuple(r_squared(components.scores[name], groups) for name in components.scores)
    return Explained(str(groups.name), float(np.median(known)), chance, found, len(known), pc)
