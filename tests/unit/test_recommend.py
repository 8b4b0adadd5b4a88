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


def test_a_pick_says_what_to_expect_and_on_what_it_rests() -> None:
    rows = [
        Run(f"d{i}", f"d{i}", name, score + i / 100, seconds)
        for i in range(6)
        for name, score, seconds in (("slow", 0.8, 9.0), ("quick", 0.6, 0.5))
    ]
    pick, other = Recommender(gather(rows, {})).recommend([], k=5)
    assert (pick.configuration, other.configuration) == ("slow", "quick")
    assert pick.score == pytest.approx(0.825)
    assert (pick.low, pick.high) == pytest.approx((0.80, 0.85))
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
