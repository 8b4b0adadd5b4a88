"""The real data sets in the repository, as sub-designs are made from them, each read once.

`replicates` is no experiment (its counts were drawn), and says so in its folder; all others were measured.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from codalab_nb.examples import example_folder

DATA = Path(__file__).parents[1] / "data"


@dataclass(frozen=True)
class Made:
    """A matrix (genes × samples) with its sample table, or a general table (`samples` is None).

    condition: the column of groups, "" where there is none. roles, level: the word of the person who added it.
    """

    matrix: pd.DataFrame
    samples: pd.DataFrame | None
    condition: str
    roles: dict[str, str]
    level: str | None = None

    @property
    def labels(self) -> pd.Series:
        return (self.matrix if self.samples is None else self.samples)[self.condition]

    def of(self, places: np.ndarray) -> Made:
        """With the samples at these places only, in their order."""
        places = np.sort(places)
        if self.samples is None:
            return replace(self, matrix=self.matrix.iloc[places])
        return replace(self, matrix=self.matrix.iloc[:, places], samples=self.samples.iloc[places])

    def genes(self, places: np.ndarray) -> Made:
        return replace(self, matrix=self.matrix.iloc[np.sort(places)])

    def relabelled(self, labels: np.ndarray) -> Made:
        if self.samples is None:
            return replace(self, matrix=self.matrix.assign(**{self.condition: labels}))
        return replace(self, samples=self.samples.assign(**{self.condition: labels}))


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, index_col=0)


@functools.cache
def golub() -> Made:
    folder = example_folder()
    matrix = _read(folder / "expression.csv").drop(columns="description")
    return Made(matrix, _read(folder / "samples.csv"), "group", {"group": "condition"}, "ALL")


@functools.cache
def armstrong() -> Made:
    folder = example_folder("leukemia_armstrong")
    return Made(
        _read(folder / "expression.csv.gz"), _read(folder / "samples.csv"), "group", {"group": "condition"}, "ALL"
    )


@functools.cache
def bladder() -> Made:
    folder = example_folder("bladder_batch")
    roles = {"cancer": "condition", "batch": "batch"}
    return Made(_read(folder / "expression.csv"), _read(folder / "samples.csv"), "cancer", roles, "Normal")


@functools.cache
def tumours() -> Made:
    """The cancers of `bladder` alone, by stage: another question on some of the same samples."""
    data = bladder()
    kept = np.flatnonzero(data.samples["cancer"] == "Cancer") if data.samples is not None else np.empty(0)
    return replace(data.of(kept), condition="outcome", roles={"outcome": "condition", "batch": "batch"}, level=None)


@functools.cache
def airway() -> Made:
    folder = DATA / "airway_dexamethasone"
    samples = _read(folder / "samples.csv").drop(columns="SampleName")
    return Made(_read(folder / "counts.csv"), samples, "dex", {"dex": "condition", "cell": "pair"}, "untrt")


@functools.cache
def pasilla() -> Made:
    folder = DATA / "pasilla_knockdown"
    roles = {"condition": "condition", "type": "batch"}
    return Made(_read(folder / "counts.csv"), _read(folder / "samples.csv"), "condition", roles, "untreated")


@functools.cache
def replicates() -> Made:
    folder = DATA / "deseq_replicates"
    roles = {"condition": "condition", "batch": "batch"}
    return Made(_read(folder / "counts.csv"), _read(folder / "samples.csv"), "condition", roles, "control")


@functools.cache
def cells() -> Made:
    folder = DATA / "pbmc68k_reduced"
    labels = _read(folder / "cells.csv")[["bulk_labels"]]
    matrix = _read(folder / "expression_cells_x_genes.csv").T
    return Made(matrix, labels, "bulk_labels", {"bulk_labels": "condition"})


def table(name: str, condition: str, level: str | None = None, **roles: str) -> Callable[[], Made]:
    return lambda: Made(pd.read_csv(DATA / "small_tables" / f"{name}.csv"), None, condition, roles, level)


PARENTS: dict[str, Callable[[], Made]] = {
    "golub": golub,
    "armstrong": armstrong,
    "bladder": bladder,
    "tumours": tumours,
    "airway": airway,
    "pasilla": pasilla,
    "replicates": replicates,
    "cells": cells,
    "iris": table("iris", "target", target="target"),
    "wine": table("wine", "target", target="target"),
    "breast": table("breast_cancer", "target", target="target"),
    "plantgrowth": table("plantgrowth", "group", "ctrl", group="condition"),
    "lung": table("lung", "sex", time="time", status="event", sex="condition"),
    "puromycin": table("puromycin", "state", "untreated", conc="dose", state="condition"),
}
SAME_SAMPLES = {"tumours": "bladder"}  # they share samples, so they are one family
