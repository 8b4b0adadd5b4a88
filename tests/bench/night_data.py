"""Sub-designs of the real data sets in the repository: fewer samples or genes, one contrast of several, noise.

Each is made from its name alone (the seed is a digest of it), so that every machine makes the same files. What comes
from one parent is one family: such data sets share samples, and are held out together. `deseq_replicates` is no
experiment (its counts were drawn), and says so in its folder; all others were measured.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from codalab_nb import Site
from codalab_nb.examples import example_folder
from codalab_nb.model.dataset import DatasetDocument

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


Random = np.random.Generator
Step = Callable[[Made, Random], Made]


@dataclass(frozen=True)
class Design:
    """One data set of the catalogue: `family` and the steps that lead to it from there."""

    family: str
    name: str
    steps: tuple[Step, ...] = field(compare=False)

    def made(self) -> Made:
        random = np.random.default_rng(zlib.crc32(self.name.encode()))
        data = PARENTS[self.family]()
        for step in self.steps:
            data = step(data, random)
        return data

    def add(self, site: Site, folder: Path) -> DatasetDocument:
        """Writes its files into `folder` and adds them to the catalogue, all of it confirmed."""
        data = self.made()
        place = folder / self.name
        place.mkdir(parents=True)
        data.matrix.to_csv(place / "data.csv", index=data.samples is not None)
        samples = None
        if data.samples is not None:
            samples = place / "samples.csv"
            data.samples.to_csv(samples, index_label="sample")
        return site.add_dataset(
            place / "data.csv",
            name=self.name,
            samples=samples,
            roles=data.roles,
            level=data.level if data.level in set(data.labels) else None,
            accept=True,
        )


# --- parents, each read once


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


# --- steps


def each(number: int, *others: int) -> Step:
    """So many samples of each group, drawn; with `others`, of the second group and so on, in order of appearance."""

    def step(data: Made, random: Random) -> Made:
        sizes = [number, *others]
        labels = data.labels.to_numpy()
        chosen = []
        for at, group in enumerate(dict.fromkeys(labels)):
            places = np.flatnonzero(labels == group)
            wanted = sizes[min(at, len(sizes) - 1)]
            chosen.append(random.choice(places, min(wanted, len(places)), replace=False))
        return data.of(np.concatenate(chosen))

    return step


def groups(*wanted: str) -> Step:
    """A contrast: the samples of these groups."""
    return lambda data, _: data.of(np.flatnonzero(data.labels.isin(wanted)))


def without(column: str, value: str) -> Step:
    """Leaves one donor or batch out."""

    def step(data: Made, _: Random) -> Made:
        assert data.samples is not None
        return data.of(np.flatnonzero(data.samples[column].astype(str) != value))

    return step


def drawn(number: int) -> Step:
    """So many genes at random."""
    return lambda data, random: data.genes(random.choice(len(data.matrix), number, replace=False))


def variable(number: int) -> Step:
    """The genes that vary most, on the scale of the values (of counts: of their logarithms)."""

    def step(data: Made, _: Random) -> Made:
        values = np.log2(1 + data.matrix.clip(lower=0)) if _is_raw(data) else data.matrix
        return data.genes(np.argsort(-values.var(axis=1).to_numpy(), kind="stable")[:number])

    return step


def expressed(number: int) -> Step:
    """The genes with the highest level."""
    return lambda data, _: data.genes(np.argsort(-data.matrix.mean(axis=1).to_numpy(), kind="stable")[:number])


def noise(factor: float) -> Step:
    """Measurement noise of `factor` standard deviations of the gene (or column); of raw intensities, as a factor."""

    def step(data: Made, random: Random) -> Made:
        numbers = [name for name in data.matrix.select_dtypes("number") if name != data.condition]
        values = data.matrix[numbers]
        by = 0 if data.samples is None else 1
        spread = values.std(axis=by).to_numpy()
        drawn_ = random.normal(size=values.shape)
        if _is_raw(data):
            noisy = values * 2 ** (factor * drawn_)
        else:
            noisy = values + factor * drawn_ * (spread[None, :] if by == 0 else spread[:, None])
        return replace(data, matrix=data.matrix.assign(**noisy.round(4)))

    return step


def thinned(share: float) -> Step:
    """Counts of a run that was so much less deep."""

    def step(data: Made, random: Random) -> Made:
        counts = random.binomial(data.matrix.to_numpy(), share)
        return replace(data, matrix=pd.DataFrame(counts, data.matrix.index, data.matrix.columns))

    return step


def mixed_up(share: float) -> Step:
    """So many samples carry the label of another one, as when tubes were swapped."""

    def step(data: Made, random: Random) -> Made:
        labels = data.labels.to_numpy(copy=True)
        places = random.choice(len(labels), max(2, round(share * len(labels))), replace=False)
        labels[places] = labels[np.roll(places, 1)]
        return data.relabelled(labels)

    return step


def unlabelled(share: float) -> Step:
    """So many samples have no label."""

    def step(data: Made, random: Random) -> Made:
        labels = data.labels.astype(object).to_numpy(copy=True)
        labels[random.choice(len(labels), round(share * len(labels)), replace=False)] = ""
        return data.relabelled(labels)

    return step


def columns(number: int) -> Step:
    """So many measured columns of a general table, drawn; those with a role stay."""

    def step(data: Made, random: Random) -> Made:
        free = [name for name in data.matrix if name not in data.roles]
        kept = set(random.choice(free, number, replace=False)) | set(data.roles)
        return replace(data, matrix=data.matrix[[name for name in data.matrix if name in kept]])

    return step


def _is_raw(data: Made) -> bool:
    """Counts and linear intensities, told by their size."""
    return data.samples is not None and float(data.matrix.to_numpy().max()) > 100


# --- the catalogue

_B = "CD19+ B"
_MONO = "CD14+ Monocyte"
_NK = "CD56+ NK"
_REG = "CD4+/CD25 T Reg"
_CYTO = "CD8+ Cytotoxic T"
_DENDRITIC = "Dendritic"

# Small on purpose: a night of a laptop has to fit into half an hour of a busy machine.
DESIGNS: dict[str, dict[str, tuple[Step, ...]]] = {
    "golub": {
        "all": (drawn(800),),
        "v500": (variable(500),),
        "e500": (expressed(500),),
        "n11": (each(11), drawn(500)),
        "n8": (each(8), variable(500)),
        "n8b": (each(8), drawn(500)),
        "n5": (each(5), variable(500)),
        "n5b": (each(5), drawn(500)),
        "uneven": (each(20, 4), drawn(500)),
        "noise": (drawn(500), noise(2.0)),
        "mixed-up": (drawn(500), mixed_up(0.2)),
    },
    "armstrong": {
        "all": (drawn(800),),
        "v500": (variable(500),),
        "e500": (expressed(500),),
        "n16": (each(16), drawn(500)),
        "n10": (each(10), drawn(800)),
        "n6": (each(6), drawn(500)),
        "n4": (each(4), drawn(500)),
        "uneven": (each(20, 5), drawn(500)),
        "noise": (each(12), drawn(500), noise(1.0)),
        "noise-n6": (each(6), drawn(500), noise(1.0)),
        "mixed-up": (each(14), drawn(500), mixed_up(0.2)),
    },
    "bladder": {
        "normal-cancer": (groups("Normal", "Cancer"), drawn(500)),
        "normal-biopsy": (groups("Normal", "Biopsy"), drawn(500)),
        "biopsy-cancer": (groups("Biopsy", "Cancer"), each(9), drawn(500)),
        "n5": (groups("Normal", "Cancer"), each(5), drawn(500)),
        "noise": (groups("Normal", "Cancer"), each(8), drawn(500), noise(1.0)),
    },
    "tumours": {
        "cis": (groups("sTCC+CIS", "sTCC-CIS"), drawn(500)),
        "muscle": (groups("sTCC-CIS", "mTCC"), drawn(500)),
        "three": (each(12), drawn(500)),
    },
    "airway": {
        "e600": (expressed(600),),
        "r600": (drawn(600),),
        "three": (without("cell", "N61311"), drawn(600)),
        "shallow": (expressed(600), thinned(0.02)),
    },
    "pasilla": {
        "e600": (expressed(600),),
        "v600": (variable(600),),
        "paired-end": (without("type", "single-read"), expressed(600)),
        "shallow": (expressed(600), thinned(0.02)),
    },
    "replicates": {
        "all": (drawn(600),),
        "n6": (each(6), drawn(600)),
        "n4": (each(4), drawn(600)),
        "shallow": (drawn(600), thinned(0.2)),
    },
    "cells": {
        "b-mono": (groups(_B, _MONO), each(15), drawn(400)),
        "nk-cyto": (groups(_NK, _CYTO), each(15), drawn(400)),
        "reg-cyto": (groups(_REG, _CYTO), each(20), drawn(400)),
        "reg-cyto-n8": (groups(_REG, _CYTO), each(8), drawn(400)),
        "mono-dendritic": (groups(_MONO, _DENDRITIC), each(12), drawn(400)),
        "four": (groups(_B, _MONO, _NK, _CYTO), each(10), drawn(400)),
        "nk-cyto-noise": (groups(_NK, _CYTO), each(15), drawn(400), noise(0.5)),
    },
    "iris": {"n15": (each(15),), "n10-noise": (each(10), noise(0.5))},
    "wine": {"n20": (each(20),), "n10": (each(10),), "columns": (each(20), columns(5), noise(0.5))},
    "breast": {"n30": (each(30),), "n12-noise": (each(12), noise(1.0)), "columns": (each(30), columns(6))},
    "plantgrowth": {"all": ()},
    "lung": {"n60": (each(60),), "unlabelled": (each(30), unlabelled(0.2))},
    "puromycin": {"all": ()},
}


def designs() -> Iterator[Design]:
    for parent, made in DESIGNS.items():
        for name, steps in made.items():
            yield Design(parent, f"{parent}-{name}", steps)


def family_of(dataset: str) -> str:
    """Of a data set by its name (or NAME@2): what is held out together."""
    parent = dataset.partition("@")[0].partition("-")[0]
    return SAME_SAMPLES.get(parent, parent)
