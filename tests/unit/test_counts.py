"""Counts as they come: what is let in, what is refused in words, what is said about the design."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from codalab_nb.analysis.counts import compare_counts, count_table, looks_normalised, slowly
from codalab_nb.analysis.counts_plots import ma_plot
from codalab_nb.analysis.counts_words import count_words, warnings
from codalab_nb.analysis.expression import EXAMPLES, AnalysisError, ExpressionSet, load
from codalab_nb.datasets.profile import profile_files, staged_files
from tests.support.tables import matrix_set

EXAMPLE = EXAMPLES / "made_up_counts"


@pytest.fixture(scope="module")
def example() -> ExpressionSet:
    return load(EXAMPLE)


def counts_set(n_genes: int = 200, **columns: list[str]) -> ExpressionSet:
    """Six samples of 50 reads per gene on average, which differ by chance only."""
    rng = np.random.default_rng(1)
    values = pd.DataFrame(
        rng.negative_binomial(5, 5 / 55, (n_genes, 6)).astype(float),
        [f"g{number}" for number in range(n_genes)],
        list("abcdef"),
    )
    samples = pd.DataFrame({"group": ["mock"] * 3 + ["drug"] * 3} | columns, values.columns)
    return matrix_set(values, samples, kind="counts", group="condition")


def changed(data: ExpressionSet, gene: int, sample: int, value: float) -> ExpressionSet:
    values = data.values.copy()
    values.iloc[gene, sample] = value
    return ExpressionSet(data.name, values, data.features, data.samples, data.profile)


def test_the_shipped_profile_is_what_reading_the_files_gives() -> None:
    profile, _ = profile_files([EXAMPLE / "counts.csv"], samples=EXAMPLE / "samples.csv")
    assert staged_files(profile)["profile.json"] == (EXAMPLE / "profile.json").read_bytes()


def test_pairs_show_what_differences_between_donors_hide(example: ExpressionSet) -> None:
    plain = compare_counts(example)
    paired = compare_counts(example, adjust_for="donor")
    n_plain, n_paired = (int((one.fit.table["p_adjusted"] < 0.05).sum()) for one in (plain, paired))
    assert n_paired > 1.5 * n_plain > 0
    assert any("pairs were not taken into account" in text for text in warnings(example, plain))
    assert not any("pairs" in text for text in warnings(example, paired))
    text = count_words(example, paired, 0.05, example.labels())
    assert "~ donor + treatment" in text
    assert "10.1186/s13059-014-0550-8" in text


def test_the_table_says_which_way_is_up_and_why_a_gene_is_not_judged(example: ExpressionSet) -> None:
    comparison = compare_counts(example, treated="drug", reference="control")
    table = count_table(example, comparison)
    up = table[table["log2_fold_change"] > 1].iloc[0]
    assert up["direction"] == "higher in drug"
    assert up["mean_drug"] > up["mean_control"]
    turned = count_table(example, compare_counts(example, treated="control", reference="drug"))
    np.testing.assert_allclose(turned["log2_fold_change"].loc[table.index], -table["log2_fold_change"], atol=1e-4)
    unjudged = table[table["p_adjusted"].isna()]
    assert len(unjudged)
    assert set(unjudged["note"]) <= {"one sample decides: not judged", "too few reads: not judged"}
    assert not table.loc[table["p_adjusted"].notna(), "note"].str.contains("not judged").any()
    assert table["p"].dropna().is_monotonic_increasing
    assert list(table["seen_in"]) == list((example.values.loc[table.index] > 0).sum(axis=1))


def test_genes_with_few_reads_or_a_missing_count_are_left_out_and_that_is_said() -> None:
    data = counts_set()
    data.values.iloc[0] = [1, 0, 2, 0, 1, 0]
    data.values.iloc[1, 3] = np.nan
    comparison = compare_counts(data, treated="drug", reference="mock")
    assert (comparison.n_few, comparison.n_incomplete) == (1, 1)
    assert list(comparison.counts.index[:2]) == ["g2", "g3"]
    text = count_words(data, comparison, 0.05, data.labels())
    assert "1 gene with fewer than 10 reads" in text
    assert "1 gene with a missing count" in text
    with pytest.raises(AnalysisError, match="Lower the minimal count"):
        compare_counts(data, treated="drug", reference="mock", least_count=10**6)


def test_what_are_no_raw_counts_is_refused_in_words() -> None:
    data = counts_set()
    with pytest.raises(AnalysisError, match=r"1 of 1,200 values \(-3 in g4, b\) are below zero"):
        compare_counts(changed(data, 4, 1, -3))
    with pytest.raises(AnalysisError, match=r"\(2.5 in g4, b\) are no whole numbers.*rounded first"):
        compare_counts(changed(data, 4, 1, 2.5))
    logs = matrix_set(np.log2(data.values + 1), data.samples)
    with pytest.raises(AnalysisError, match="needs raw counts"):
        compare_counts(logs)
    empty = changed(data, 0, 0, 0)
    empty.values["b"] = 0.0
    with pytest.raises(AnalysisError, match="No gene was counted in b"):
        compare_counts(empty, treated="drug", reference="mock")
    with pytest.raises(AnalysisError, match="'mock' has 1 sample;"):
        compare_counts(counts_set(group=["mock"] + ["drug"] * 5), treated="drug", reference="mock")


def test_counts_that_were_normalised_before_are_noticed() -> None:
    data = counts_set()
    assert not looks_normalised(data.values)
    even = data.values / data.values.sum() * 1e6
    normalised = ExpressionSet(data.name, even.round(), data.features, data.samples, data.profile)
    comparison = compare_counts(normalised, treated="drug", reference="mock")
    assert "were these counts normalised before" in warnings(normalised, comparison)[0]


def test_a_design_that_cannot_answer_is_refused_or_warned_about() -> None:
    one_and_the_same = counts_set(day=["1", "1", "1", "2", "2", "2"])
    with pytest.raises(AnalysisError, match="cannot be told apart from 'day'"):
        compare_counts(one_and_the_same, treated="drug", reference="mock", adjust_for="day")
    two = counts_set(group=["mock", "mock", "drug", "drug", "else", "else"])
    comparison = compare_counts(two, treated="drug", reference="mock")
    assert list(comparison.groups) == ["mock", "mock", "drug", "drug"]
    assert any("only 2 samples" in text for text in warnings(two, comparison))
    data = counts_set(donor=["1", "2", "3", "1", "2", np.nan])
    comparison = compare_counts(data, treated="drug", reference="mock", adjust_for="donor")
    assert comparison.n_unknown == 1
    assert any("1 sample was left out" in text for text in warnings(data, comparison))


def test_a_sample_with_hardly_any_reads_is_named() -> None:
    data = counts_set()
    data.values["e"] = (data.values["e"] / 20).round()
    comparison = compare_counts(data, treated="drug", reference="mock")
    assert any(text.startswith("**e has ") for text in warnings(data, comparison))


def test_no_difference_is_said_as_that_and_drawn() -> None:
    data = counts_set()
    comparison = compare_counts(data, treated="drug", reference="mock")
    assert "No gene differs clearly enough" in count_words(data, comparison, 0.05, data.labels())
    assert ma_plot(comparison, 0.05).title == "No gene changes clearly, whatever its number of reads"


def test_the_figure_counts_the_genes_that_change_twofold(example: ExpressionSet) -> None:
    comparison = compare_counts(example, adjust_for="donor")
    found = comparison.fit.table[comparison.fit.table["p_adjusted"] < 0.05]
    twofold = int((found["difference"].abs() >= 1).sum())
    assert ma_plot(comparison, 0.05).title == f"{twofold} of the {len(found)} genes that differ change twofold or more"


def test_progress_is_told_at_its_pace(capsys: pytest.CaptureFixture[str]) -> None:
    patient, eager = slowly(3600), slowly(0)
    patient("not yet")
    eager("step 1")
    eager("step 2")
    assert capsys.readouterr().out == "step 1\nstep 2\n"


def test_blocks_change_nothing(example: ExpressionSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large data are worked on in parts, to bound memory; each part is announced."""
    whole = compare_counts(example).fit.table
    monkeypatch.setattr("codalab_nb.analysis.deseq.CELLS_AT_ONCE", 8 * 500)
    told: list[str] = []
    parts = compare_counts(example, say=told.append).fit.table
    pd.testing.assert_frame_equal(parts, whole, rtol=1e-9)
    assert told[1] == f"scatter of each gene: 500 of {len(whole):,} genes"
