"""The samples whose class is to be predicted, and how they are dealt into folds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from codalab_nb.analysis.expression import AnalysisError, ExpressionSet
from codalab_nb.analysis.prediction_models import Floats, Ints
from codalab_nb.analysis.variables import candidates

LEAST = 8  # samples of a class; fewer cannot be dealt into folds and leave enough to learn from
MOST_CLASSES = 20
MOST_FEATURES = 5000  # more are cut to the most variable ones, which does not look at the classes


@dataclass(frozen=True)
class Samples:
    """values: samples × features, float64, NaN where missing; labels: 0 … n_classes − 1; together: samples with the
    same number are never torn apart, None where every sample stands for itself. Rows are in an order of their own,
    which does not depend on the order in the file; `index` are their names. features: names; shown: their labels."""

    values: Floats
    labels: Ints
    classes: tuple[str, ...]
    index: pd.Index
    features: pd.Index
    shown: pd.Series
    together: Ints | None = None
    target: str = ""
    keep: str = ""
    unit: str = ""
    notes: tuple[str, ...] = ()

    @property
    def n_classes(self) -> int:
        return len(self.classes)

    @property
    def sizes(self) -> str:
        """`27 ALL, 11 AML`"""
        return ", ".join(f"{int((self.labels == place).sum())} {name}" for place, name in enumerate(self.classes))

    def deal(self, folds: int, seed: int) -> Ints:
        """The fold of each sample: every class is spread over all folds, samples that belong together stay together."""
        from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

        assignment = np.empty(len(self.labels), dtype=np.intp)
        kind = StratifiedKFold if self.together is None else StratifiedGroupKFold
        dealt = kind(folds, shuffle=True, random_state=seed).split(self.labels[:, None], self.labels, self.together)
        for fold, (_, test) in enumerate(dealt):
            assignment[test] = fold
        return assignment

    def shuffled(self, rng: np.random.Generator) -> Samples:
        """The same samples with their classes permuted; of samples that belong together, all get the same class if
        they had the same one."""
        if self.together is None:
            return replace(self, labels=rng.permutation(self.labels))
        units, first, place = np.unique(self.together, return_index=True, return_inverse=True)
        if all(len(set(self.labels[self.together == unit])) == 1 for unit in units):
            return replace(self, labels=rng.permutation(self.labels[first])[place.ravel()])
        return replace(self, labels=rng.permutation(self.labels))


def samples_of(data: ExpressionSet, target: str = "", keep_together: str = "") -> Samples:
    """The classes from a column, the features from the matrix or the other columns of numbers. Raises AnalysisError."""
    column = target or data.column_with_role("target") or data.column_with_role("condition") or ""
    if not column:
        raise AnalysisError("Say which column holds the class to predict: set `target`, or give a column that role.")
    groups = data.groups(column)
    sizes = groups.value_counts()
    classes = sorted(str(name) for name, n in sizes.items() if n >= LEAST)
    told = ", ".join(f"{name} {n}" for name, n in sizes.iloc[:8].items()) or "none"
    if pd.api.types.is_numeric_dtype(data.samples[column]) and len(sizes) > MOST_CLASSES:
        raise AnalysisError(
            f"{column!r} holds {len(sizes)} different numbers; this method predicts classes, not numbers. Choose a "
            "column of classes, or make one in the file (as low and high)."
        )
    if len(classes) < 2:
        raise AnalysisError(f"Needs two classes of {LEAST} or more samples, better 20; {column!r} has: {told}.")
    if len(classes) > MOST_CLASSES:
        raise AnalysisError(f"{column!r} has {len(classes)} classes; at most {MOST_CLASSES} can be told apart.")
    if keep_together == column:
        raise AnalysisError(f"{column!r} is what is predicted; `keep_together` must be another column.")
    notes = [f"Class {name} has only {n} samples and was left out." for name, n in sizes.items() if n < LEAST][:8]
    if groups.isna().any():
        notes.append(f"{int(groups.isna().sum())} {data.sample_word} without a class were left out.")
    use = groups.isin(classes)
    roles = [str(one["name"]) for one in data.profile["columns"] if one["role"]]
    found = candidates(data, [column, keep_together, *roles])
    if not data.is_matrix:
        unused = [str(one["name"]) for one in data.profile["columns"] if one["type"] != "numbers"]
        unused = [name for name in unused if name not in (column, keep_together)]
        if unused:
            notes.append(f"Columns of text were not used: {', '.join(unused[:6])}{', …' if len(unused) > 6 else ''}.")
    values = found.table.loc[:, use.to_numpy()].to_numpy(np.float64).T
    kept = _informative(values, notes)
    values = np.ascontiguousarray(values[:, kept])
    order = np.array(sorted(range(len(values)), key=lambda row: values[row].tobytes()), dtype=np.intp)
    groups = groups[use].iloc[order]
    together = None
    if keep_together:
        subjects = data.groups(keep_together)[use].iloc[order]
        subjects = subjects.where(subjects.notna(), "no subject " + subjects.index.to_series().astype(str))
        together = np.unique(subjects.astype(str), return_inverse=True)[1].astype(np.intp)
    features = found.table.index[kept]
    place = {name: number for number, name in enumerate(classes)}
    labels = np.array([place[name] for name in groups], dtype=np.intp)
    return Samples(
        values[order], labels, tuple(classes), groups.index, features, found.labels.loc[features], together, column,
        keep_together, found.unit, tuple(notes),
    )  # fmt: skip


def most_folds(samples: Samples, asked: int) -> int:
    """`asked`, or as many as the smallest class has members (or subjects). Raises AnalysisError for under three."""
    if samples.together is None:
        smallest = int(np.bincount(samples.labels).min())
    else:
        smallest = min(
            len(np.unique(samples.together[samples.labels == one])) for one in range(samples.n_classes)
        )  # fmt: skip
    if smallest < 3:
        raise AnalysisError(
            f"One class comes from only {smallest} of {samples.keep!r}; three or more are needed to predict new ones."
        )
    return min(asked, smallest)


def _informative(values: Floats, notes: list[str]) -> Ints:
    """Features that vary and are measured in half of the samples; of very many the most variable. Blind to classes."""
    known = np.isfinite(values)
    counts = known.sum(axis=0)
    mean = np.where(known, values, 0).sum(axis=0) / np.maximum(counts, 1)
    variance = np.where(known, (values - mean) ** 2, 0).sum(axis=0) / np.maximum(counts - 1, 1)
    varied = variance > 1e-18 * np.maximum(mean**2, 1e-300)
    usable = varied & (counts >= len(values) / 2)
    if not usable.any():
        raise AnalysisError("No measurement varies between the samples, so there is nothing to predict from.")
    lost = int((~usable).sum())
    if lost:
        notes.append(f"{lost:,} measurements that never vary, or are missing in more than half, were left out.")
    kept = np.flatnonzero(usable)
    if len(kept) > MOST_FEATURES:
        notes.append(f"Of {len(kept):,} measurements the {MOST_FEATURES:,} most variable were used (blind to classes).")
        kept = np.sort(kept[np.argsort(-variance[kept], kind="stable")[:MOST_FEATURES]])
    return kept
