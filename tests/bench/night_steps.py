"""What sub-designs are made of: fewer samples or genes, a contrast, noise, labels that are wrong or missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from tests.bench.night_data import Made

Random = np.random.Generator
Step = Callable[[Made, Random], Made]


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
