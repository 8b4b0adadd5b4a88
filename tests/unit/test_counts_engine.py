"""The engine for counts: agreement with R's DESeq2, stage by stage, and what must never change the answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from codalab_nb.analysis.deseq import Deseq, deseq
from codalab_nb.analysis.deseq_filter import independent_filter
from codalab_nb.analysis.deseq_smooth import lowess
from codalab_nb.analysis.deseq_trend import fit_trend, prior_variance
from codalab_nb.analysis.expression import AnalysisError
from codalab_nb.analysis.limma import design_matrix

DATA = Path(__file__).parent.parent / "data"
PASILLA, MADE_UP = DATA / "pasilla_knockdown", DATA / "deseq_replicates"


def counts_of(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    return pd.read_csv(folder / "counts.csv", index_col=0), pd.read_csv(folder / "samples.csv", index_col=0)


def found(result: Deseq, alpha: float) -> int:
    """Genes at another alpha than the one of the run: only the filter depends on it."""
    table = result.table
    adjusted = independent_filter(table["mean"].to_numpy(), table["p"].to_numpy(), alpha).p_adjusted
    return int(np.nansum(adjusted < alpha))


def assert_agrees(table: pd.DataFrame, expected: pd.DataFrame, n_printed: int) -> None:
    """Every number that R printed, to the digits it printed, and the same genes below 0.05."""
    ours = table.loc[expected.index]
    for column, theirs in {"mean": "baseMean", "difference": "log2FoldChange", "error": "lfcSE"}.items():
        np.testing.assert_allclose(ours[column], expected[theirs], rtol=2e-4, atol=2e-4, err_msg=column)
    np.testing.assert_allclose(ours["stat"], expected["stat"], atol=1e-3)
    np.testing.assert_allclose(ours["p_adjusted"], expected["padj"], rtol=5e-3)
    assert len(expected) == n_printed
    assert set(table.index[table["p_adjusted"] < 0.05]) == set(expected.index[expected["padj"] < 0.05])


def test_pasilla_agrees_with_r_gene_by_gene() -> None:
    counts, samples = counts_of(PASILLA)
    treated = (samples["condition"] == "treated").to_numpy()
    plain = deseq(counts[counts.sum(axis=1) >= 10], design_matrix(treated))
    expected = pd.read_csv(PASILLA / "expected_DESeq2_R_condition.csv", index_col=0).dropna(subset=["padj"])
    assert_agrees(plain.table, expected, 8573)
    assert (found(plain, 0.05), found(plain, 0.1)) == (838, 1054)


@pytest.mark.parametrize("tag", ["eight", "batch", "four", "two", "uneven", "pairs"])
def test_outliers_are_replaced_or_flagged_as_in_r(tag: str) -> None:
    """Groups of eight, eight against three, four, two; with and without a batch."""
    fit = pd.read_csv(MADE_UP / "expected_fits_R.csv", index_col="tag").loc[tag]
    expected = pd.read_csv(MADE_UP / "expected_DESeq2_R.csv", index_col="gene")
    expected = expected[[name for name in expected.columns if name.startswith(f"{tag}_")]]
    expected.columns = expected.columns.str.removeprefix(f"{tag}_")
    counts, samples = counts_of(MADE_UP)
    used = samples.loc[fit["samples"].split()]
    batch = used["batch"] if tag in ("batch", "pairs") else None
    result = deseq(counts[used.index], design_matrix((used["condition"] == "treated").to_numpy(), batch))
    table = result.table
    assert result.trend.coefficients == pytest.approx((fit["a0"], fit["a1"]), rel=1e-5)
    assert result.trend.prior_variance == pytest.approx(fit["prior"], rel=1e-5)
    assert int((table["p_adjusted"] < 0.05).sum()) == fit["found"]
    if fit["replaced"]:  # R counts genes with an outlier anywhere as soon as it replaces any
        assert int(((table["n_replaced"] > 0) | table["outlier"]).sum()) == fit["replaced"]
    else:
        assert not table["n_replaced"].any()
    assert list(table["p"].isna()) == list(expected["p"].isna())
    np.testing.assert_allclose(table["mean"], expected["mean"], rtol=1e-5)
    sure = expected["p"].notna()  # the fit of a gene that is not judged anyway may stop elsewhere
    np.testing.assert_allclose(table["difference"][sure], expected["lfc"][sure], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(table["stat"][sure], expected["stat"][sure], atol=1e-3)
    np.testing.assert_allclose(table["p_adjusted"], expected["padj"], rtol=1e-3)


def test_the_prior_of_few_samples_is_that_of_r() -> None:
    """R simulates; its very draws are kept, so that the answers are equal and not only alike."""
    expected = pd.read_csv(MADE_UP / "expected_prior_R.csv")
    residuals = np.loadtxt(MADE_UP / "residuals.csv", delimiter=",")
    for column, (_, row) in zip(residuals.T, expected.iterrows(), strict=True):
        assert prior_variance(column, int(row["df"])) == pytest.approx(row["prior"], rel=1e-12)


def negative_binomial(n_genes: int, n_samples: int, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.uniform(1, 7, (n_genes, 1)))
    size = 1 / (0.05 + 2 / mean)
    drawn = rng.negative_binomial(size, size / (size + mean), (n_genes, n_samples))
    return pd.DataFrame(
        drawn, [f"g{number}" for number in range(n_genes)], [f"s{number}" for number in range(n_samples)]
    )


def test_the_order_of_samples_and_genes_changes_nothing() -> None:
    counts = negative_binomial(400, 8)
    treated = np.arange(8) >= 4
    first = deseq(counts, design_matrix(treated)).table
    rng = np.random.default_rng(1)
    samples, genes = rng.permutation(8), rng.permutation(400)
    second = deseq(counts.iloc[genes, samples], design_matrix(treated[samples])).table
    pd.testing.assert_frame_equal(second.loc[first.index], first, rtol=1e-6)


def test_groups_that_do_not_differ_give_about_no_discoveries() -> None:
    """Six divisions at random of counts from one distribution; p values are about even, too."""
    counts = negative_binomial(500, 12)
    rng = np.random.default_rng(0)
    tables = [deseq(counts, design_matrix(rng.permutation(np.arange(12) < 6))).table for _ in range(6)]
    assert np.median([int((table["p_adjusted"] < 0.05).sum()) for table in tables]) <= 2
    assert np.mean([float((table["p"] < 0.05).mean()) for table in tables]) == pytest.approx(0.05, abs=0.02)


def test_a_deeper_sequenced_sample_is_no_difference() -> None:
    counts = negative_binomial(400, 8)
    counts.iloc[:, :4] *= 10
    result = deseq(counts, design_matrix(np.arange(8) >= 4))
    assert result.size_factors.iloc[0] > 5 * result.size_factors.iloc[-1]
    assert abs(result.table["difference"].median()) < 0.1


def test_genes_never_seen_seen_once_and_constant_get_an_answer_or_none() -> None:
    counts = negative_binomial(300, 8)
    counts.iloc[0] = 0
    counts.iloc[1] = [0, 0, 0, 1, 0, 0, 0, 0]
    counts.iloc[2] = 50
    counts.iloc[3] = [0, 0, 0, 0, 90, 110, 95, 105]
    table = deseq(counts, design_matrix(np.arange(8) >= 4)).table
    assert table.iloc[0][["difference", "p", "p_adjusted"]].isna().all()
    assert table["mean"].iloc[0] == 0
    assert table["p"].iloc[1] > 0.3
    assert abs(table["difference"].iloc[2]) < 0.5
    assert table["difference"].iloc[3] > 5
    assert table["p_adjusted"].iloc[3] < 1e-6


def test_a_trend_that_is_no_hyperbola_is_drawn_by_hand() -> None:
    rng = np.random.default_rng(2)
    mean = np.exp(rng.uniform(0, 9, 2000))
    expected = 0.01 * mean**0.3  # rises with the mean
    trend = fit_trend(mean, expected * np.exp(rng.normal(0, 0.3, 2000)), 6)
    assert trend.coefficients is None
    inner = (mean > 5) & (mean < 5000)
    np.testing.assert_allclose(trend.at(mean)[inner], expected[inner], rtol=0.35)


@pytest.mark.parametrize("seed", range(12))
def test_odd_counts_and_designs_get_numbers_or_a_sentence(seed: int) -> None:
    """Few genes or samples, mostly zeros, huge counts, single samples of a batch; a warning would fail this, too."""
    rng = np.random.default_rng(seed)
    n_samples, n_genes = int(rng.integers(4, 12)), int(rng.choice([2, 10, 80]))
    mean = np.exp(rng.uniform(-3, rng.choice([1, 6, 14]), (n_genes, 1)))
    drawn = rng.negative_binomial(1, 1 / (1 + mean), (n_genes, n_samples))
    drawn[rng.random(drawn.shape) < rng.choice([0, 0.7])] = 0
    batch = pd.Series(rng.integers(0, 3, n_samples).astype(str), name="batch") if seed % 2 else None
    try:
        table = deseq(pd.DataFrame(drawn), design_matrix(np.arange(n_samples) < 2, batch)).table
    except AnalysisError:  # its words are tested where they are made
        return
    assert table["p"].dropna().between(0, 1).all()
    assert np.isfinite(table.loc[table["mean"] > 0, "difference"]).all()


def test_counts_without_any_scatter_are_refused_in_words() -> None:
    rng = np.random.default_rng(1)
    one = rng.integers(5, 500, (200, 1))
    with pytest.raises(AnalysisError, match="different individuals"):
        deseq(pd.DataFrame(np.repeat(one, 6, axis=1)), design_matrix(np.arange(6) >= 3))


def test_the_smooth_curve_is_that_of_r() -> None:
    """R: lowess(1:20, y, f = 0.5, delta = 0)$y with the y below."""
    y = np.array([2.0, 3, 5, 4, 6, 8, 30, 9, 10, 12, 11, 13, 15, 14, 13, 12, 10, 9, 7, 6])
    expected = [
        2.0509225, 3.0837397, 4.1219565, 5.1655514, 6.1908363, 7.1784298, 8.2026096, 9.2172169, 10.1583503, 11.0404446,
        11.8640774, 12.3979971, 12.6169110, 12.5304626, 12.1894236, 11.4236559, 10.1069793, 8.7536823, 7.3744792,
        5.9752007,
    ]  # fmt: skip
    np.testing.assert_allclose(lowess(np.arange(1.0, 21), y, 0.5), expected, rtol=1e-6)
