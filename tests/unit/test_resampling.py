"""Halves and shuffles respect the design: groups keep their share, pairs stay whole, batches stay what they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from codalab_nb.analysis.resampling import association, halves, shuffles, smallest


def series(text: str) -> pd.Series:
    return pd.Series([None if one == "?" else one for one in text.split()], [f"s{i}" for i in range(len(text.split()))])


@pytest.mark.parametrize("seed", range(20))
def test_halves_are_apart_and_hold_the_same_share_of_each_group(seed: int) -> None:
    groups = series("a a a a a a b b b b b ? c c")
    one, other = halves(groups, pairs=None, batches=None, seed=seed)
    assert sorted([*one, *other]) == [i for i in range(14) if i != 11]
    assert sorted(smallest(groups, half, ["a", "b", "c"]) for half in (one, other)) == [1, 1]
    assert [smallest(groups, half, ["a"]) for half in (one, other)] == [3, 3]
    assert {smallest(groups, half, ["b"]) for half in (one, other)} == {2, 3}


@pytest.mark.parametrize("seed", range(20))
def test_a_pair_is_never_cut(seed: int) -> None:
    groups, pairs = series("a b a b a b a b a a b b"), series("1 1 2 2 3 3 4 4 ? 5 5 ?")
    one, other = halves(groups, pairs=pairs, batches=None, seed=seed)
    assert sorted([*one, *other]) == list(range(12))
    assert not set(pairs.iloc[one].dropna()) & set(pairs.iloc[other].dropna())
    assert abs(len(one) - len(other)) <= 2


@pytest.mark.parametrize("seed", range(20))
def test_each_half_has_its_share_of_every_batch(seed: int) -> None:
    groups, batches = series("a a a a b b b b"), series("x x y y x x y y")
    for half in halves(groups, pairs=None, batches=batches, seed=seed):
        assert sorted(groups.iloc[half] + batches.iloc[half]) == ["ax", "ay", "bx", "by"]


def test_the_same_seed_deals_alike_and_another_one_otherwise() -> None:
    groups = series("a " * 10 + "b " * 10)
    dealt = [halves(groups, pairs=None, batches=None, seed=seed) for seed in (1, 1, 2)]
    assert dealt[0] == dealt[1] != dealt[2]


def test_shuffles_differ_from_the_real_groups_and_from_each_other() -> None:
    groups = series("a a a a b b b b ?")
    found = shuffles(groups, pairs=None, batches=None, number=6)
    assert len(found) == 6
    assert len({tuple(pd.factorize(one)[0]) for one in found}) == 6
    for one in found:
        assert one.value_counts().to_dict() == {"a": 4, "b": 4}
        assert one.isna().tolist() == groups.isna().tolist()
        assert association(groups.dropna().to_numpy(), one.dropna().to_numpy()) <= 0.4


def test_pairs_are_shuffled_inside_and_repeats_as_a_whole() -> None:
    groups, pairs = series("a b a b a b a b"), series("1 1 2 2 3 3 4 4")
    inside = shuffles(groups, pairs=pairs, batches=None, number=5)
    for one in inside:
        assert one.groupby(pairs.to_numpy()).nunique().tolist() == [2, 2, 2, 2]
    # Of four pairs three swaps of two agree with nothing; the others agree by half with the real groups.
    assert sum(association(groups.to_numpy(), one.to_numpy()) < 1e-9 for one in inside) == 3
    groups, mice = series("a a a a b b b b c c"), series("1 1 2 2 3 3 4 4 5 5")
    for one in shuffles(groups, pairs=mice, batches=None, number=5):
        assert one.groupby(mice.to_numpy()).nunique().tolist() == [1] * 5


def test_labels_stay_in_their_batch_unless_each_batch_is_one_group() -> None:
    groups, batches = series("a a b b b a a a b b"), series("x x x x x y y y y y")
    for one in shuffles(groups, pairs=None, batches=batches, number=5):
        assert one.iloc[:5].value_counts().to_dict() == {"b": 3, "a": 2}
    apart = series("x x y y y x x x y y")
    assert shuffles(groups, pairs=None, batches=apart, number=5)


def test_groups_that_cannot_be_shuffled_have_no_shuffle() -> None:
    assert shuffles(series("a b"), pairs=None, batches=None, number=5) == []
    assert shuffles(series("a a a"), pairs=None, batches=None, number=5) == []


def test_association_is_cramers_v() -> None:
    one = np.array(["a", "a", "b", "b"])
    assert association(one, one) == pytest.approx(1)
    assert association(one, np.array(["x", "y", "x", "y"])) == pytest.approx(0)
    assert association(one, np.array(["x", "x", "x", "x"])) == 1
