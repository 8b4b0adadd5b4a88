"""Moderated t statistics: agreement with R's limma, and what must never change the answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special

from codalab_nb.analysis.compare import compare, gene_table
from codalab_nb.analysis.expression import EXAMPLE, AnalysisError, ExpressionSet, load
from codalab_nb.analysis.limma import benjamini_hochberg, design_matrix, moderated_t, trigamma_inverse
from codalab_nb.datasets.profile import profile_files

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture(scope="module")
def golub() -> ExpressionSet:
    return load(EXAMPLE)


def armstrong() -> ExpressionSet:
    folder = DATA / "leukemia_armstrong"
    profile, _ = profile_files([folder / "expression.csv"], samples=folder / "samples.csv")
    frame = pd.read_csv(folder / "expression.csv", index_col="gene")
    samples = pd.read_csv(folder / "samples.csv", index_col="sample")
    return ExpressionSet("armstrong", frame, pd.DataFrame(index=frame.index), samples, profile.model_dump(mode="json"))


def random_values(n_genes: int = 300, n_samples: int = 10) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(5)
    scale = np.sqrt(4 / rng.chisquare(4, (n_genes, 1)))
    names = [f"g{number}" for number in range(n_genes)]
    values = pd.DataFrame(
        rng.normal(8, scale, (n_genes, n_samples)), index=names, columns=[f"s{n}" for n in range(n_samples)]
    )
    return values, np.arange(n_samples) >= n_samples // 2


def test_golub_agrees_with_r_to_all_printed_digits(golub: ExpressionSet) -> None:
    found = compare(golub)
    table = found.result.table
    expected = pd.read_csv(DATA / "golub_leukemia" / "expected_limma_R.csv", index_col="probe").loc[table.index]
    for ours, theirs in {
        "difference": "diff_AML_minus_ALL",
        "mean": "mean_expr",
        "t": "moderated_t",
        "p": "p_value",
        "p_adjusted": "p_adj_BH",
    }.items():
        np.testing.assert_allclose(table[ours], expected[theirs], rtol=1e-5, err_msg=ours)
    assert (int((table["p_adjusted"] < 0.05).sum()), int((table["p_adjusted"] < 0.01).sum())) == (691, 380)
    assert found.result.prior_df == pytest.approx(5.802035, abs=5e-7)
    assert found.result.prior_variance == pytest.approx(0.2017214, abs=5e-8)
    assert list(gene_table(golub, found).index) == list(
        pd.read_csv(DATA / "golub_leukemia" / "expected_limma_R.csv")["probe"]
    )


def test_armstrong_agrees_with_r_after_log2_with_a_floor() -> None:
    data = armstrong()
    found = compare(data, floor=20)
    expected = pd.read_csv(DATA / "leukemia_armstrong" / "expected_limma_R.csv", index_col="gene")
    table = found.result.table
    np.testing.assert_allclose(table["t"], expected.loc[table.index, "moderated_t"], rtol=1e-5, atol=1e-7)
    assert (int((table["p_adjusted"] < 0.05).sum()), int((table["p_adjusted"] < 0.01).sum())) == (2402, 1777)
    assert found.unit == "log2 fold change"
    top = gene_table(data, found)
    assert list(top.index[:5]) == ["DNTT", "POU2AF1", "CD79B", "BLNK", "ZNF423"]
    assert top.loc["DNTT", "log2_fold_change"] == pytest.approx(-7.78667)
    assert top.loc["DNTT", "direction"] == "lower in AML"


def test_a_logarithm_that_is_not_known_is_never_called_log2(golub: ExpressionSet) -> None:
    found = compare(golub)
    assert "log2" not in found.unit
    assert "difference" in gene_table(golub, found).columns
    assert compare(golub, log_base="2").unit == "log2 fold change"


def test_trigamma_is_inverted() -> None:
    for y in (1e-4, 0.3, 1.0, 7.0, 1e5):
        assert trigamma_inverse(float(special.polygamma(1, y))) == pytest.approx(y, rel=1e-6)


def test_adjusted_p_values_are_those_of_benjamini_and_hochberg() -> None:
    p = np.array([0.01, 0.04, np.nan, 0.03, 0.005, 1.0])
    np.testing.assert_allclose(benjamini_hochberg(p), [0.025, 0.05, np.nan, 0.05, 0.025, 1.0])
    assert np.isnan(benjamini_hochberg(np.array([np.nan]))).all()


def test_the_order_of_samples_and_genes_changes_nothing() -> None:
    values, treated = random_values()
    first = moderated_t(values, design_matrix(treated))
    rng = np.random.default_rng(1)
    samples, genes = rng.permutation(values.shape[1]), rng.permutation(len(values))
    second = moderated_t(values.iloc[genes, samples], design_matrix(treated[samples]))
    pd.testing.assert_frame_equal(second.table.loc[first.table.index], first.table, rtol=1e-9)


def test_shuffled_labels_find_about_nothing(golub: ExpressionSet) -> None:
    rng = np.random.default_rng(0)
    treated = (golub.groups("group") == "AML").to_numpy()
    found = []
    for _ in range(20):
        result = moderated_t(golub.values, design_matrix(rng.permutation(treated)))
        found.append(int((result.table["p_adjusted"] < 0.05).sum()))
    assert np.median(found) <= 3


def test_constant_missing_and_half_missing_genes_get_an_answer_or_none() -> None:
    values, treated = random_values()
    values.iloc[0] = 5.0
    values.iloc[1] = np.nan
    values.iloc[2, :5] = np.nan  # nothing left in one group
    values.iloc[3, ::2] = np.nan
    values.iloc[4, [0, 1, 2, 3, 6, 7, 8, 9]] = np.nan  # one value per group: no scatter
    table = moderated_t(values, design_matrix(treated)).table
    assert (table["t"].iloc[0], table["p"].iloc[0]) == (0, 1)
    assert table["p"].iloc[[1, 2, 4]].isna().all()
    assert list(table["n"].iloc[:5]) == [10, 0, 5, 5, 2]
    assert np.isfinite(table["p"].iloc[3])
    assert table["p_adjusted"].notna().sum() == len(values) - 3


def test_a_gap_in_one_gene_is_as_if_the_sample_had_not_been_there() -> None:
    values, treated = random_values()
    gap = values.copy()
    gap.iloc[7, 9] = np.nan
    ours = moderated_t(gap, design_matrix(treated)).table.iloc[7]
    assert ours["difference"] == pytest.approx(values.iloc[7, 5:9].mean() - values.iloc[7, :5].mean())


def test_pairs_are_taken_into_account_and_confounding_is_refused() -> None:
    values, treated = random_values()
    pair = pd.Series([f"p{number % 5}" for number in range(10)], name="patient")
    shift = np.array([10.0 * (number % 5) for number in range(10)])
    plain = moderated_t(values, design_matrix(treated, pair)).table
    moved = moderated_t(values + shift, design_matrix(treated, pair)).table
    pd.testing.assert_frame_equal(plain[["difference", "t", "p"]], moved[["difference", "t", "p"]], rtol=1e-6)
    with pytest.raises(AnalysisError, match="cannot be told apart from 'batch'"):
        design_matrix(treated, pd.Series(np.where(treated, "b1", "b2"), name="batch"))
    with pytest.raises(AnalysisError, match="too few samples"):
        design_matrix(np.array([True, False]))


def test_what_cannot_be_compared_is_refused_in_words(golub: ExpressionSet) -> None:
    counts = ExpressionSet(golub.name, golub.values, golub.features, golub.samples, {**golub.profile, "kind": "counts"})
    with pytest.raises(AnalysisError, match="These are counts"):
        compare(counts)
    three = golub.samples.assign(group=["a", "b", "c", "a", "b"] + ["c"] * 33)
    many = ExpressionSet(golub.name, golub.values, golub.features, three, {**golub.profile, "reference": None})
    with pytest.raises(AnalysisError, match="which two groups"):
        compare(many)
    assert compare(many, treated="b", reference="a").sizes == "2 b, 2 a"
    with pytest.raises(AnalysisError, match="no group 'd'"):
        compare(many, treated="d", reference="a")
    with pytest.raises(AnalysisError, match="no column 'dose'"):
        compare(golub, condition="dose")
    one = ExpressionSet(
        golub.name, golub.values, golub.features, golub.samples.assign(group=["a"] + ["b"] * 37), many.profile
    )
    with pytest.raises(AnalysisError, match="'a' has 1 sample;"):
        compare(one, treated="b", reference="a")
