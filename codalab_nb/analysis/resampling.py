"""Halves of the samples, and shuffled labels, as a design allows them: pairs stay whole, batches stay what they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

Halves = tuple[list[int], list[int]]

_TRIES = 200
_ALIKE = 0.4  # Cramér's V up to which shuffled labels count as having nothing to do with the real ones


def halves(groups: pd.Series, *, pairs: pd.Series | None, batches: pd.Series | None, seed: int) -> Halves:
    """Positions of two halves with the same share of each group, as far as numbers allow; then of each batch.

    Samples whose group is not known are in neither. Samples of one pair (subject) are always in the same half.
    """
    random = np.random.default_rng(seed)
    known = np.flatnonzero(groups.notna().to_numpy())
    units = _units(known, pairs)
    order = random.permutation(len(units))
    strata: dict[tuple[str, ...], list[list[int]]] = {}
    for unit in (units[i] for i in order):
        strata.setdefault(tuple(sorted(str(groups.iloc[i]) for i in unit)), []).append(unit)
    dealt: Halves = ([], [])
    for key in sorted(strata):
        members = strata[key]
        if batches is not None:  # one after the other to the two halves: each gets its share of every batch
            members = sorted(members, key=lambda unit: str(batches.iloc[unit[0]]))
        turn = int(len(dealt[1]) < len(dealt[0])) if len(dealt[0]) != len(dealt[1]) else int(random.integers(2))
        for number, unit in enumerate(members):
            dealt[(number + turn) % 2].extend(unit)
    return sorted(dealt[0]), sorted(dealt[1])


def smallest(groups: pd.Series, positions: Sequence[int], levels: Sequence[str]) -> int:
    """Samples of the smallest of `levels` at these positions."""
    sizes = groups.iloc[list(positions)].value_counts()
    return min(int(sizes.get(level, 0)) for level in levels)


def shuffles(
    groups: pd.Series, *, pairs: pd.Series | None, batches: pd.Series | None, number: int, seed: int = 0
) -> list[pd.Series]:
    """Up to `number` different shuffles of the groups, those that agree least with the real ones first.

    Within each pair where its samples are in several groups; whole subjects where each is in one; else within each
    batch. A shuffle that is the real grouping under other names is none. Groups that are not known stay so.
    """
    random = np.random.default_rng(seed)
    known = np.flatnonzero(groups.notna().to_numpy())
    real = groups.iloc[known].to_numpy()
    units, blocks = _exchangeable(groups, known, pairs, batches)
    found: dict[tuple[object, ...], tuple[float, pd.Series]] = {}
    for _ in range(_TRIES):
        mixed = _mixed(real, units, blocks, random)
        codes = tuple(pd.factorize(mixed)[0])  # the same partition under other names has the same codes
        agreement = association(real, mixed)
        if codes in found or agreement > 0.99:
            continue
        whole = groups.copy()
        whole.iloc[known] = mixed
        found[codes] = agreement, whole
        if sum(one <= _ALIKE for one, _ in found.values()) >= number:
            break
    return [shuffled for _, shuffled in sorted(found.values(), key=lambda one: one[0])][:number]


def association(one: np.ndarray, other: np.ndarray) -> float:
    """Cramér's V of two groupings, 0 to 1; 1 also where there is only one group."""
    (rows, _), (columns, _) = pd.factorize(one), pd.factorize(other)
    table = np.zeros((rows.max(initial=-1) + 1, columns.max(initial=-1) + 1))
    np.add.at(table, (rows, columns), 1)
    if min(table.shape) < 2:
        return 1.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(np.sqrt(((table - expected) ** 2 / expected).sum() / table.sum() / (min(table.shape) - 1)))


def _units(known: np.ndarray, pairs: pd.Series | None) -> list[list[int]]:
    """Positions that stay together; a sample whose pair is not known is one of its own."""
    if pairs is None:
        return [[int(i)] for i in known]
    units: dict[object, list[int]] = {}
    for i in known:
        pair = pairs.iloc[i]
        units.setdefault(("alone", int(i)) if pd.isna(pair) else pair, []).append(int(i))
    return list(units.values())


def _exchangeable(
    groups: pd.Series, known: np.ndarray, pairs: pd.Series | None, batches: pd.Series | None
) -> tuple[list[list[int]], list[object]]:
    """Units whose labels may change places, as places in `known`, and the block of each: only within it."""
    place = {int(i): n for n, i in enumerate(known)}
    subjects = _units(known, pairs)
    crossed = pairs is not None and any(groups.iloc[unit].nunique() > 1 for unit in subjects)
    if crossed:
        return [[place[i]] for unit in subjects for i in unit], [n for n, unit in enumerate(subjects) for _ in unit]
    units = [[place[i] for i in unit] for unit in subjects]
    if batches is None:
        return units, [0] * len(units)
    blocks: list[object] = [str(batches.iloc[known[unit[0]]]) for unit in units]
    movable = any(
        groups.iloc[[int(known[unit[0]]) for unit, one in zip(units, blocks, strict=True) if one == block]].nunique()
        > 1
        for block in set(blocks)
    )
    return units, blocks if movable else [0] * len(units)  # each batch is one group: nothing could change places


def _mixed(real: np.ndarray, units: list[list[int]], blocks: list[object], random: np.random.Generator) -> np.ndarray:
    mixed = real.copy()
    members: dict[object, list[list[int]]] = {}
    for unit, block in zip(units, blocks, strict=True):
        members.setdefault(block, []).append(unit)
    for inside in members.values():
        labels = [real[unit[0]] for unit in inside]
        for unit, label in zip(inside, random.permutation(len(labels)), strict=True):
            mixed[unit] = labels[label]
    return mixed
