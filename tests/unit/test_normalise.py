"""Normalising: the known size factors, the methods that suit each kind of values, and what must never change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from codalab_nb.analysis.expression import EXAMPLES, AnalysisError, load
from codalab_nb.analysis.normalise import level_spread, normalise, value_table
from codalab_nb.analysis.normalise_methods import quantile, size_factors
from codalab_nb.analysis.normalise_plots import densities, spread_title
from codalab_nb.analysis.normalise_words import normalise_words
from tests.support.tables import matrix_set

AIRWAY = Path(__file__).parent.parent / "data" / "airway_dexamethasone"


def depths(n_genes: int = 300) -> pd.DataFrame:
    """Counts of four samples, of which the last was sequenced four times as deeply."""
    rng = np.random.default_rng(2)
    mean = np.exp(rng.uniform(2, 7, (n_genes, 1)))
    return pd.DataFrame(
        rng.poisson(mean * [1, 1, 1, 4]).astype(float), [f"g{number}" for number in range(n_genes)], list("abcd")
    )


def test_airway_has_the_size_factors_of_r() -> None:
    counts = pd.read_csv(AIRWAY / "counts.csv", index_col=0)
    expected = [1.0236, 0.8961, 1.1795, 0.6700, 1.1777, 1.3991, 0.9208, 0.9446]
    assert list(size_factors(counts).round(4)) == expected


def test_size_factors_without_a_gene_that_all_samples_have_and_with_an_empty_sample() -> None:
    counts = pd.DataFrame([[10, 20, 0], [0, 20, 30], [10, 0, 30]], columns=["a", "b", "c"])
    poscounts_of_r = [0.60792062, 1.08319140, 1.51861582]  # DESeq2: estimateSizeFactors(…, type = "poscounts")
    np.testing.assert_allclose(size_factors(counts), poscounts_of_r, rtol=1e-7)
    with pytest.raises(AnalysisError, match="No gene was counted in b"):
        size_factors(counts.assign(b=0))


def test_quantile_gives_every_sample_the_mean_distribution() -> None:
    """The example of Bolstad's method in the usual textbook form, ties included."""
    values = pd.DataFrame({"a": [5.0, 2, 3, 4], "b": [4.0, 1, 4, 2], "c": [3.0, 4, 6, 8]})
    after = quantile(values)
    low, second, third, high = (2 + 1 + 3) / 3, (3 + 2 + 4) / 3, (4 + 4 + 6) / 3, (5 + 4 + 8) / 3
    np.testing.assert_allclose(after["a"], [high, low, second, third])
    np.testing.assert_allclose(after["c"], [low, second, third, high])
    tied = (third + high) / 2
    np.testing.assert_allclose(after["b"], [tied, low, tied, second])


def test_quantile_keeps_gaps_and_bears_constant_and_empty_samples() -> None:
    rng = np.random.default_rng(1)
    values = pd.DataFrame(rng.normal(size=(200, 4)) * [1, 2, 3, 1] + [0, 1, 5, 0])
    values.iloc[:100, 1] = np.nan
    values[4] = np.nan
    values[5] = 7.0
    after = quantile(values)
    assert (after.isna() == values.isna()).all(axis=None)
    assert after[5].nunique() == 1
    usual = after[[0, 1, 2, 3]].quantile([0.1, 0.5, 0.9])
    assert float((usual.max(axis=1) - usual.min(axis=1)).max()) < 0.1
    with pytest.raises(AnalysisError, match="no value at all"):
        quantile(values * np.nan)


def test_auto_suits_the_kind_of_values() -> None:
    counts = matrix_set(depths(), pd.DataFrame(index=list("abcd")), kind="counts")
    found = normalise(counts)
    assert found.method == "median-of-ratios"
    assert found.factors is not None
    assert found.factors["d"] / found.factors["a"] == pytest.approx(4, rel=0.05)
    assert spread_title(found) == "Levels lay up to 4.0-fold apart; now all samples are on one level"
    linear = matrix_set(depths() * 1.5, counts.samples, kind="linear")
    assert normalise(linear).method == "quantile"
    assert normalise(linear, floor=100).before.min(axis=None) == pytest.approx(np.log2(100))
    golub = load(EXAMPLES / "golub_leukemia")
    assert normalise(golub).method == "quantile"
    assert normalise(golub).before is golub.values


@pytest.mark.parametrize("method", ["median-of-ratios", "cpm", "quantile", "log2"])
def test_each_method_says_what_it_did_and_what_it_cannot(method: str) -> None:
    data = matrix_set(depths(), pd.DataFrame(index=list("abcd")), kind="counts")
    found = normalise(data, method=method)
    before, after = level_spread(found.before), level_spread(found.after)
    assert after == before if method == "log2" else after < 0.1 < before
    text = normalise_words(data, found)
    assert "Do not test these values" in text
    assert found.done in text
    assert densities(found, None).title == spread_title(found)
    plain = normalise(data, method=method, take_log=False)
    if method == "cpm":
        np.testing.assert_allclose(plain.table.sum(), 1e6)
        np.testing.assert_allclose(np.log2(plain.table + 1), found.table)


def test_the_order_of_samples_changes_nothing_and_gaps_stay() -> None:
    values = depths()
    values.iloc[3, 1] = np.nan
    data = matrix_set(values, pd.DataFrame(index=list("abcd")), kind="counts")
    turned = matrix_set(values[list("dbca")], pd.DataFrame(index=list("dbca")), kind="counts")
    for method in ("median-of-ratios", "cpm", "quantile"):
        first, second = normalise(data, method=method), normalise(turned, method=method)
        pd.testing.assert_frame_equal(second.table[list("abcd")], first.table)
        assert int(first.table.isna().to_numpy().sum()) == 1
    assert "1 missing value stayed missing" in normalise_words(data, normalise(data))
    assert list(value_table(data, normalise(data)).columns) == list("abcd")


def test_what_does_not_suit_is_refused_in_words() -> None:
    data = matrix_set(depths(), pd.DataFrame(index=list("abcd")), kind="counts")
    logs = matrix_set(np.log2(depths() + 1), data.samples)
    with pytest.raises(AnalysisError, match="logarithms already"):
        normalise(logs, method="log2")
    with pytest.raises(AnalysisError, match="cpm is for counts"):
        normalise(logs, method="cpm")
    with pytest.raises(AnalysisError, match="no method 'tmm'"):
        normalise(data, method="tmm")
    with pytest.raises(AnalysisError, match="below zero"):
        normalise(matrix_set(-depths(), data.samples, kind="counts"))
    with pytest.raises(AnalysisError, match="No gene was counted in a"):
        normalise(matrix_set(depths().assign(a=0.0), data.samples, kind="counts"), method="cpm")
