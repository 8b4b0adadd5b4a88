"""Sub-designs of the real data sets in the repository, as data sets of a catalogue.

Each is made from its name alone (the seed is a digest of it), so that every machine makes the same files. What comes
from one parent is one family: such data sets share samples, and are held out together.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from codalab_nb import Site
from codalab_nb.model.dataset import DatasetDocument
from tests.bench.night_data import PARENTS, SAME_SAMPLES, Made
from tests.bench.night_steps import (
    Step,
    columns,
    drawn,
    each,
    expressed,
    groups,
    mixed_up,
    noise,
    thinned,
    unlabelled,
    variable,
    without,
)


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
