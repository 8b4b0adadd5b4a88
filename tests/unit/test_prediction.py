"""Predicting classes: golub, the trap of choosing genes outside, general tables, and inputs of every kind."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import StratifiedKFold

from codalab_nb.analysis import prediction_plots, prediction_words
from codalab_nb.analysis.expression import EXAMPLE, AnalysisError, load
from codalab_nb.analysis.prediction import (
    _Sums,
    accuracy_interval,
    auc,
    balanced_accuracy,
    cross_validate,
    like_chance,
    permutation_null,
    permutation_p,
)
from codalab_nb.analysis.prediction_data import Samples, samples_of
from codalab_nb.analysis.prediction_models import LEARNERS, shrunken_centroids
from codalab_nb.analysis.prediction_run import predict_class
from tests.support.tables import matrix_set, table_set


@pytest.fixture(scope="module")
def golub() -> Samples:
    return samples_of(load(EXAMPLE))


def plain_accuracy(table: str, learner: str, **roles: str) -> float:
    """10-fold, seed 0, file order, all columns, every sample with the same weight: as scikit-learn's examples do."""
    data = table_set(table, **roles)
    samples = samples_of(data)
    values = data.values.drop(index=[name for name in data.values.index if name not in samples.features]).T.to_numpy()
    labels = np.array([samples.classes.index(one) for one in data.groups("target")])
    right = np.zeros(len(labels), dtype=bool)
    for train, test in StratifiedKFold(10, shuffle=True, random_state=0).split(values, labels):
        mean, deviation = values[train].mean(axis=0), values[train].std(axis=0)
        known, asked = ((values[rows] - mean) / deviation for rows in (train, test))
        scores = LEARNERS[learner].scores
        assert scores is not None
        right[test] = scores(known, labels[train], asked, False).argmax(axis=1) == labels[test]
    return float(right.mean())


@pytest.mark.parametrize(
    ("table", "learner", "expected"),
    [
        ("iris", "lda", 0.980),
        ("iris", "logistic", 0.953),
        ("wine", "lda", 0.989),
        ("breast_cancer", "logistic", 0.977),
        ("breast_cancer", "svm", 0.975),
        ("breast_cancer", "lda", 0.956),
    ],
)
def test_the_methods_do_as_well_as_scikit_learn_on_general_tables(table: str, learner: str, expected: float) -> None:
    assert plain_accuracy(table, learner) == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize(("learner", "expected"), [("svm", 0.98), ("centroid", 0.98), ("logistic", 0.97)])
def test_golub_is_predicted_as_well_as_published(golub: Samples, learner: str, expected: float) -> None:
    outcome = cross_validate(golub, learner, repeats=2)
    assert outcome.balanced_accuracy(golub.labels) == pytest.approx(expected, abs=0.045)  # one AML sample is 0.045
    assert outcome.auc(golub.labels) > 0.97
    low, high = accuracy_interval(golub.labels, outcome.predicted)
    assert low < 0.85  # 11 samples of a class do not allow more
    assert high <= 1


def test_the_interval_holds_its_estimate_and_covers_the_truth() -> None:
    eight = np.repeat(np.arange(8), 8)
    low, high = accuracy_interval(eight, eight[None])
    assert high == 1.0
    assert low == pytest.approx(0.885, abs=0.001)  # 1 - (1 - 8 / (8 + z²)) / √8
    rng = np.random.default_rng(7)
    for sizes in ([8] * 8, [4, 4], [47, 25], [20, 5], [3, 3, 3]):
        labels = np.repeat(np.arange(len(sizes)), sizes)
        wrong = (labels + 1) % len(sizes)
        for share in (0.5, 0.7, 0.9, 0.95):
            drawn = np.where(rng.random((500, len(labels))) < share, labels, wrong)
            covered = 0
            for one in drawn:
                low, high = accuracy_interval(labels, one[None])
                assert low <= balanced_accuracy(labels, one) + 1e-12 <= high + 2e-12
                covered += low <= share <= high
            assert covered / len(drawn) >= 0.85  # in the long run 0.87 or more; 500 draws vary by ± 0.015


def test_shuffled_labels_are_not_predicted_and_the_trap_of_choosing_genes_outside_would_be(golub: Samples) -> None:
    """The same labels, the same learner, the same folds: only the place of the selection differs."""
    rng = np.random.default_rng(0)
    inside, outside = [], []
    for seed in range(12):
        shuffled = golub.shuffled(rng)
        inside.append(cross_validate(shuffled, "svm", n_features=50, repeats=1, seed=seed))
        everything = _Sums(shuffled.values, shuffled.labels, np.zeros(len(shuffled.labels), dtype=np.intp), 2)
        chosen = everything.without()[0][:50]  # ranked on all samples: the mistake
        leaked = Samples(shuffled.values[:, chosen], shuffled.labels, shuffled.classes, shuffled.index,
                         shuffled.features[chosen], shuffled.shown.iloc[chosen])  # fmt: skip
        outside.append(
            cross_validate(leaked, "svm", n_features=50, repeats=1, seed=seed).balanced_accuracy(leaked.labels)
        )
        inside[-1] = inside[-1].balanced_accuracy(shuffled.labels)
    assert np.mean(outside) > 0.75  # 0.848 in the literature's way
    assert np.mean(inside) == pytest.approx(0.5, abs=0.08)


def test_nothing_about_the_judged_samples_enters_the_ranking() -> None:
    """Other values in a fold change nothing in what the other folds say: not order, not mean, not deviation."""
    rng = np.random.default_rng(1)
    values, labels = rng.normal(size=(30, 40)), np.arange(30) % 2
    assignment = np.arange(30) % 5
    changed = values.copy()
    changed[assignment == 2] = 1000 * rng.normal(size=(6, 40)) + labels[assignment == 2, None] * 1e4
    first, second = (_Sums(one, labels, assignment, 2).without(2) for one in (values, changed))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_allclose(first[1], second[1], atol=1e-8)
    np.testing.assert_allclose(first[2], second[2], rtol=1e-5)
    train = values[assignment != 2]
    np.testing.assert_allclose(first[1], train.mean(axis=0))
    np.testing.assert_allclose(first[2], train.std(axis=0, ddof=1))


def test_the_ranking_from_sums_is_that_of_the_f_statistic_also_with_gaps() -> None:
    from sklearn.feature_selection import f_classif

    rng = np.random.default_rng(2)
    values, labels = rng.normal(5, 2, (36, 25)), np.arange(36) % 3
    values += rng.normal(size=25) * (labels == 1)[:, None]
    order = _Sums(values, labels, np.arange(36) % 4, 3).without(1)[0]
    train = np.arange(36) % 4 != 1
    np.testing.assert_array_equal(order, np.argsort(-f_classif(values[train], labels[train])[0]))
    values[rng.random(values.shape) < 0.2] = np.nan
    gaps = _Sums(values, labels, np.arange(36) % 4, 3).without(1)
    by_hand = [f_classif(values[train][seen, None, n], labels[train][seen])[0][0]
               for n in range(25) for seen in [np.isfinite(values[train][:, n])]]  # fmt: skip
    np.testing.assert_array_equal(gaps[0], np.argsort(-np.array(by_hand)))


def test_permutation_null_lies_at_chance_and_gives_the_p(golub: Samples) -> None:
    null = permutation_null(golub, "centroid", permutations=20)
    assert null.mean() == pytest.approx(0.5, abs=0.1)
    assert permutation_p(0.98, null) == pytest.approx(1 / 21)
    assert not like_chance(0.98, null)
    assert like_chance(0.5, null)
    assert not like_chance(0.5, null[:10])  # too few shuffles cannot tell


def test_the_order_of_samples_changes_nothing() -> None:
    data = load(EXAMPLE)
    moved = data.samples.sample(frac=1, random_state=3).index
    other = type(data)(data.name, data.values[moved], data.features, data.samples.loc[moved], data.profile)
    first, second = (cross_validate(samples_of(one), "centroid", repeats=2) for one in (data, other))
    labels = samples_of(data).labels
    assert first.balanced_accuracy(labels) == second.balanced_accuracy(labels)
    np.testing.assert_array_equal(first.predicted, second.predicted)
    assert list(samples_of(data).index) == list(samples_of(other).index)


def test_samples_of_one_patient_are_never_torn_apart() -> None:
    """Each patient has a fingerprint: torn apart, the model recognises the patient instead of the disease."""
    rng = np.random.default_rng(4)
    patient = np.repeat(np.arange(20), 4)
    frame = pd.DataFrame(rng.normal(size=(20, 30))[patient] + rng.normal(0, 0.05, (80, 30)))
    frame.columns = [f"m{n}" for n in range(30)]
    frame["group"] = np.where(rng.permutation(20) % 2, "sick", "well")[patient]
    frame["patient"] = [f"p{n}" for n in patient]
    data = table_set(frame)
    torn, kept = samples_of(data), samples_of(data, keep_together="patient")
    for fold in range(5):
        inside = kept.together[kept.deal(5, 0) == fold] if kept.together is not None else np.empty(0)
        outside = kept.together[kept.deal(5, 0) != fold] if kept.together is not None else np.empty(0)
        assert not set(inside) & set(outside)
    assert cross_validate(torn, "svm", repeats=1).balanced_accuracy(torn.labels) > 0.9
    assert cross_validate(kept, "svm", repeats=1).balanced_accuracy(kept.labels) < 0.75
    found = predict_class(data, compare_models=False, permutations=0, repeats=1)
    text = prediction_words.prediction_words(data, found.samples, found.outcomes, found.null, found.folds, 0)
    assert "Samples of the same patient were torn apart" in text


def test_shrunken_centroids_shrink_from_all_features_to_few() -> None:
    rng = np.random.default_rng(5)
    labels = np.arange(40) % 2
    values = rng.normal(size=(40, 50))
    values[:, :3] += 3 * labels[:, None]
    scores, used = shrunken_centroids(values[:30], labels[:30], values[30:], 2, (0.7, 0.3, 0.0))
    assert used[2].all()
    assert used[0].sum() <= 3 < used[1].sum() + 3
    assert (scores[0].argmax(axis=1) == labels[30:]).all()


def test_area_under_the_curve_counts_ties_half() -> None:
    positive = np.array([True, True, False, False])
    assert auc(positive, np.array([4.0, 3, 2, 1])) == 1
    assert auc(positive, np.ones(4)) == 0.5
    assert auc(positive, np.array([1.0, 3, 2, 1])) == pytest.approx(0.625)


@pytest.mark.parametrize("n_classes", [2, 10])
def test_words_and_figures_for_few_and_many_classes(n_classes: int) -> None:
    rng = np.random.default_rng(6)
    names = [f"a long name of class {n}" for n in range(n_classes)]
    labels = np.repeat(np.arange(n_classes), 10)
    frame = pd.DataFrame(rng.normal(size=(len(labels), 12)) + 2 * np.eye(12)[labels],
                         columns=[f"measurement {n}" for n in range(12)])  # fmt: skip
    frame["group"] = [names[n] for n in labels]
    frame["plate"] = np.where(labels < n_classes / 2, "p1", "p2")
    data = table_set(frame)
    found = predict_class(data, model="centroid", compare_models=False, repeats=2, permutations=3)
    used = prediction_words.feature_table(found.samples, found.outcome)
    for picture in (
        prediction_plots.prediction(found.samples, found.outcome, found.null),
        prediction_plots.prediction(found.samples, found.outcome, found.null[:0]),
        prediction_plots.features(found.samples, used, "columns"),
        prediction_plots.learners(found.samples, found.outcomes),
    ):
        assert picture.title
        assert picture.alt
    text = prediction_words.prediction_words(data, found.samples, found.outcomes, found.null, found.folds, 0)
    assert "plate (batch) goes with the classes" in text
    assert "The smallest class has only 10 samples" in text
    assert len(prediction_words.sample_table(found.samples, found.outcome)) == len(frame)
    assert len(prediction_words.learner_table(found.samples, found.outcomes)) == 1


def test_odd_measurements_are_left_out_or_filled_in() -> None:
    rng = np.random.default_rng(7)
    values = pd.DataFrame(rng.normal(size=(30, 20)), index=[f"g{n}" for n in range(30)],
                          columns=[f"s{n}" for n in range(20)])  # fmt: skip
    values.iloc[0] = 5.0
    values.iloc[1] = np.nan
    values.iloc[2, ::2] = np.nan  # half
    values.iloc[3, 2:] = np.nan
    values.iloc[4] = [0.0] * 10 + [1.0] * 10
    samples = pd.DataFrame({"group": ["a"] * 10 + ["b"] * 10}, index=values.columns)
    found = samples_of(matrix_set(values, samples))
    assert not {"g0", "g1", "g3"} & set(found.features)
    assert {"g2", "g4"} <= set(found.features)
    assert "3 measurements that never vary" in found.notes[0]
    for learner in LEARNERS:
        outcome = cross_validate(found, learner, repeats=1, folds=4, n_features=5)
        assert np.isfinite(outcome.scores).all()
        assert outcome.balanced_accuracy(found.labels) > 0.6
        alone = cross_validate(found, learner, repeats=1, folds=4, n_features=1)
        assert alone.balanced_accuracy(found.labels) == 1 or learner == "centroid"  # g4 tells all, without any scatter


def test_what_cannot_be_predicted_is_told_in_words() -> None:
    with pytest.raises(AnalysisError, match="predicts classes, not numbers"):
        samples_of(table_set("diabetes"), "target")
    with pytest.raises(AnalysisError, match="Say which column holds the class"):
        samples_of(table_set("diabetes"))
    few = pd.DataFrame({"group": ["a"] * 9 + ["b"] * 4, "value": np.arange(13.0)})
    with pytest.raises(AnalysisError, match="two classes of 8 or more samples, better 20; 'group' has: a 9, b 4"):
        samples_of(table_set(few))
    flat = pd.DataFrame({"group": ["a", "b"] * 10, "value": 1.0})
    with pytest.raises(AnalysisError, match="No measurement varies"):
        samples_of(table_set(flat))
    with pytest.raises(AnalysisError, match="no method 'magic'"):
        predict_class(table_set("iris"), model="magic")
    mice = pd.DataFrame(
        {"group": ["a"] * 10 + ["b"] * 10, "value": np.arange(20.0), "mouse": ["m1"] * 10 + ["m2"] * 10}
    )
    with pytest.raises(AnalysisError, match="only 1 of 'mouse'"):
        predict_class(table_set(mice), keep_together="mouse")
    third = pd.DataFrame({"group": ["a"] * 9 + ["b"] * 9 + ["c"] * 2, "value": np.arange(20.0)})
    assert samples_of(table_set(third)).notes[0] == "Class c has only 2 samples and was left out."


def test_of_very_many_measurements_the_most_variable_stay() -> None:
    rng = np.random.default_rng(8)
    values = pd.DataFrame(rng.normal(size=(6000, 16)), index=[f"g{n}" for n in range(6000)],
                          columns=[f"s{n}" for n in range(16)])  # fmt: skip
    values.iloc[-1] *= 9
    samples = pd.DataFrame({"group": ["a", "b"] * 8}, index=values.columns)
    found = samples_of(matrix_set(values, samples))
    assert found.values.shape == (16, 5000)
    assert "g5999" in found.features
    assert "blind to classes" in found.notes[0]
