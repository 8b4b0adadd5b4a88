"""Recommendations: learned where there is something to learn, never worse than the best on average, honest when new."""

from __future__ import annotations

import numpy as np
import pytest

from codalab_nb.systematic.evidence import Evidence, Run, gather
from codalab_nb.systematic.portfolio import Portfolio
from codalab_nb.systematic.recommend import Recommender, tried
from codalab_nb.systematic.similarity import WAYS, Similarity


def made(scores: np.ndarray, features: np.ndarray, families: list[str] | None = None) -> Evidence:
    n, m = scores.shape
    names = tuple(f"d{i}" for i in range(n))
    return Evidence(
        names, tuple(families or names), tuple(f"c{j}" for j in range(m)), scores, np.ones_like(scores), features
    )


def one_rule(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores and features of `n` data sets where one meta-feature of eight decides which configuration is best."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, 8))
    best = np.digitize(features[:, 3], [-0.5, 0.5])
    scores = 0.7 + 0.02 * random.normal(size=(n, 5))
    scores[np.arange(n), best] += 0.15
    return scores, features, best


def test_a_rule_of_one_meta_feature_is_learned() -> None:
    """The best configuration is known from one number: after 60 data sets the first pick is right in 95 % or more."""
    scores, features, _ = one_rule(60, 0)
    recommender = Recommender(made(scores, features))
    assert recommender.way == "forest"
    _, new, best = one_rule(200, 1)
    hits = [recommender.recommend(row, k=1)[0].configuration == f"c{at}" for row, at in zip(new, best, strict=True)]
    assert np.mean(hits) >= 0.95


def test_meta_features_that_tell_nothing_change_nothing() -> None:
    """Noise for features: whatever the check lets win, first picks lose next to nothing to the best on average."""
    random = np.random.default_rng(3)
    quality = np.array([0.0, 0.01, 0.02, 0.05])
    scores = 0.7 + quality + 0.03 * random.normal(size=(80, 4))
    recommender = Recommender(made(scores, random.normal(size=(80, 6))))
    picks = {recommender.recommend(row, k=1)[0].configuration for row in random.normal(size=(30, 6))}
    assert picks == {"c3"}


def test_a_family_does_not_speak_for_itself() -> None:
    """Ten copies of one data set look learnable only to who forgets that they are one family."""
    random = np.random.default_rng(5)
    features = np.repeat(random.normal(size=(6, 4)), 10, axis=0) + 1e-3 * random.normal(size=(60, 4))
    scores = np.repeat(0.7 + 0.05 * random.normal(size=(6, 8)), 10, axis=0)
    families = [f"f{i // 10}" for i in range(60)]
    assert Recommender(made(scores, features, families)).way == "alike"
    assert Recommender(made(scores, features)).way != "alike"


def test_runs_on_the_data_set_itself_change_what_comes_next() -> None:
    """Two kinds of data sets; what the first run scored tells which kind this one is, and so what to try next."""
    kinds = np.array([[0.2, 0.95, 0.1], [0.9, 0.1, 0.95]])
    scores = np.repeat(kinds, 10, axis=0) + 0.001 * np.random.default_rng(0).normal(size=(20, 3))
    recommender = Recommender(made(scores, np.empty((20, 0))))
    assert [pick.configuration for pick in recommender.recommend([], seen={"c0": 0.2}, k=1)] == ["c1"]
    assert [pick.configuration for pick in recommender.recommend([], seen={"c0": 0.9}, k=1)] == ["c2"]


def test_what_scores_like_nothing_known_is_taken_for_what_came_nearest() -> None:
    """A run far worse than ever seen: what helps where it did badly comes next, not what is good elsewhere."""
    kinds = np.array([[0.3, 0.5, 0.2], [0.9, 0.1, 0.95], [0.95, 0.1, 0.99]])
    scores = np.repeat(kinds, 10, axis=0) + 0.001 * np.random.default_rng(0).normal(size=(30, 3))
    recommender = Recommender(made(scores, np.empty((30, 0))))
    assert [pick.configuration for pick in recommender.recommend([], seen={"c0": -5.0}, k=1)] == ["c1"]


def test_a_run_that_failed_is_not_tried_again_and_tells_nothing_else() -> None:
    scores = np.tile([0.9, 0.8, 0.7], (8, 1))
    recommender = Recommender(made(scores, np.empty((8, 0))))
    picks = recommender.recommend([], seen={"c0": -np.inf})
    assert [pick.configuration for pick in picks] == ["c1", "c2"]


def test_a_pick_says_what_to_expect_and_on_what_it_rests() -> None:
    rows = [
        Run(f"d{i}", f"d{i}", name, score + i / 100, seconds)
        for i in range(6)
        for name, score, seconds in (("slow", 0.8, 9.0), ("quick", 0.6, 0.5))
    ]
    pick, other = Recommender(gather(rows, {})).recommend([], k=5)
    assert (pick.configuration, other.configuration) == ("slow", "quick")
    assert pick.score == pytest.approx(0.825)
    # Student's prediction interval for a seventh of six: 0.825 ± 1.476 × 0.0187 × sqrt(7 / 6)
    assert (pick.low, pick.high) == pytest.approx((0.795, 0.855), abs=1e-3)
    assert (pick.seconds, pick.runs) == (9.0, 6)
    assert [(one.place, one.of) for one in pick.neighbours] == [(1, 2)] * 3
    assert sum(one.share for one in pick.neighbours) == pytest.approx(0.5)


def test_what_does_not_fit_is_not_recommended_and_nothing_known_recommends_nothing() -> None:
    scores = np.tile([0.9, 0.8, 0.7], (8, 1))
    recommender = Recommender(made(scores, np.empty((8, 0))))
    assert [pick.configuration for pick in recommender.recommend([], allowed={"c1", "c2", "unheard-of"})] == [
        "c1",
        "c2",
    ]
    assert recommender.recommend([], seen={"c0": 0.9, "c1": 0.8, "c2": 0.7}) == []
    assert Recommender(gather([], {})).recommend([0.5, 0.5]) == []


def test_gaps_neither_recommend_nor_condemn() -> None:
    """A configuration that ran on half of the data sets is judged by those."""
    scores = np.tile([0.9, 0.8], (10, 1))
    scores[::2, 0] = np.nan
    assert Recommender(made(scores, np.empty((10, 0)))).recommend([], k=1)[0].configuration == "c0"
    never = np.tile([0.9, np.nan], (10, 1))
    assert [pick.configuration for pick in Recommender(made(never, np.empty((10, 0)))).recommend([])] == ["c0"]


def test_three_runs_on_easy_data_sets_make_nothing_the_best() -> None:
    """Where everything is good, regrets are small: this says little about a configuration that ran nowhere else."""
    scores = np.tile([0.8, 0.6, 0.5, np.nan], (20, 1))
    scores[::3] += 0.05 * np.random.default_rng(0).normal(size=(7, 1))
    scores[:3] = [0.99, 0.985, 0.985, 0.99]
    assert Recommender(made(scores, np.empty((20, 0)))).recommend([], k=1)[0].configuration == "c0"


def test_a_data_set_with_one_run_says_nothing() -> None:
    """Fifty data sets on which only a poor configuration ran do not make it good, nor the others bad."""
    scores = np.full((60, 3), np.nan)
    scores[:10] = [0.9, 0.8, 0.5]
    scores[10:, 2] = 0.5
    evidence = made(scores, np.empty((60, 0)))
    alone = evidence.regrets()[10:]
    assert (alone[:, 2] > alone[:, 0]).all()
    assert [pick.configuration for pick in Recommender(evidence).recommend([], k=3)] == ["c0", "c1", "c2"]


def test_what_often_fails_is_not_recommended_first() -> None:
    """A failure is as bad as the worst on that data set, and it is told."""
    rows = [Run(f"d{i}", f"d{i}", "sound", 0.8, 1.0) for i in range(12)]
    rows += [Run(f"d{i}", f"d{i}", "poor", 0.5, 1.0) for i in range(12)]
    rows += [Run(f"d{i}", f"d{i}", "brittle", 0.85 if i % 2 else -np.inf, 1.0) for i in range(12)]
    rows += [Run("d1", "d1", "brittle", -np.inf, 1.0), Run("broken", "broken", "sound", -np.inf, 1.0)]
    evidence = gather(rows, {})
    assert "broken" not in evidence.datasets
    picks = {pick.configuration: pick for pick in Recommender(evidence).recommend([])}
    assert next(iter(picks)) == "sound"
    assert (picks["brittle"].runs, picks["brittle"].failures) == (6, 6)
    assert picks["brittle"].score == pytest.approx(0.85)


def test_no_data_set_counts_without_bound() -> None:
    """One whose scores are numbers of genes among accuracies does not decide alone."""
    scores = np.tile([0.9, 0.7], (30, 1))
    scores[0] = [100.0, 9000.0]
    assert Recommender(made(scores, np.empty((30, 0)))).recommend([], k=1)[0].configuration == "c0"


def test_the_order_of_rows_changes_nothing() -> None:
    """Also where runs are repeated, fail and are missing: the same picks with the same figures to the last bit."""
    random = np.random.default_rng(2)
    scores, features, _ = one_rule(30, 9)
    rows = [
        Run(f"d{i}", f"f{i // 2}", f"c{j}", float(scores[i, j] + 0.01 * random.normal()), float(random.random()))
        for i in range(30)
        for j in range(5)
        for _ in range(int(random.integers(0, 4)))
    ]
    rows += [Run(f"d{i}", f"f{i // 2}", "c4", -np.inf, 0.1) for i in range(0, 30, 5)]
    told = {f"d{i}": features[i].tolist() for i in range(30)}
    first = Recommender(gather(rows, told))
    shuffled = [rows[i] for i in random.permutation(len(rows))]
    second = Recommender(gather(shuffled, dict(reversed(told.items()))))
    assert first.way == second.way
    for row in one_rule(10, 4)[1]:
        assert first.recommend(row) == second.recommend(row)


def test_many_data_sets_are_learned_from_a_part_of_them() -> None:
    """More data sets than the check and the trees look at: what is learned is the same, and all have weights."""
    scores, features, _ = one_rule(1_200, 0)
    recommender = Recommender(made(scores, features))
    _, new, best = one_rule(100, 1)
    hits = [recommender.recommend(row, k=1)[0].configuration == f"c{at}" for row, at in zip(new, best, strict=True)]
    assert np.mean(hits) >= 0.95


@pytest.mark.parametrize("way", WAYS)
def test_a_held_out_data_set_is_judged_by_other_families_only(way: str) -> None:
    random = np.random.default_rng(1)
    families = [f"f{i // 3}" for i in range(30)]
    similarity = Similarity(made(random.random((30, 4)), random.normal(size=(30, 5)), families), way)  # type: ignore[arg-type]
    for row in range(30):
        weights = similarity.held_out(row)
        own = np.arange(30) // 3 == row // 3
        assert (weights[own] == 0).all()
        assert (weights[~own] > 0).all()
        assert weights.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("way", WAYS)
def test_weights_are_weights(way: str) -> None:
    """Whatever the features are, also unknown ones and constant ones: positive, and one in all."""
    random = np.random.default_rng(1)
    features = random.normal(size=(30, 5))
    features[:, 1] = 7.0
    features[random.random(features.shape) < 0.2] = np.nan
    features[:, 2] = np.nan
    similarity = Similarity(made(random.random((30, 4)), features), way)  # type: ignore[arg-type]
    for row in (features[0], np.full(5, np.nan), np.full(5, 1e300)):
        weights = similarity.weights(row)
        assert weights.shape == (30,)
        assert (weights > 0).all()
        assert weights.sum() == pytest.approx(1.0)


def test_scores_of_another_scale_give_the_same_order() -> None:
    """Numbers of genes instead of accuracies: only the differences among configurations count."""
    scores, features, _ = one_rule(40, 2)
    small, large = (Recommender(made(scaled, features), way="forest") for scaled in (scores, scores * 5000 - 300))
    for row in one_rule(10, 4)[1]:
        assert [p.configuration for p in small.recommend(row)] == [p.configuration for p in large.recommend(row)]


def test_following_the_recommendation_ends_at_the_best() -> None:
    """With as many runs as configurations nothing is left to regret; fewer runnable ones than runs are no error."""
    scores, _, _ = one_rule(20, 6)
    portfolio, prior = Portfolio(made(scores, np.empty((20, 0)))), np.full(20, 1 / 20)
    regrets = tried(portfolio, prior, scores[0], 5)
    assert regrets[-1] == 0
    assert (np.diff(regrets) <= 0).all()
    gappy = scores[0].copy()
    gappy[1:] = np.nan
    assert list(tried(portfolio, prior, gappy, 3)) == [0, 0, 0]
