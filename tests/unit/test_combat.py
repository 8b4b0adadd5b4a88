"""ComBat: agreement with R's sva, what must never change the answer, and designs that no method can rescue."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from codalab_nb.analysis import batch_plots
from codalab_nb.analysis.batch import check_batch, cramers_v, explained_by_gene
from codalab_nb.analysis.batch_words import batch_words
from codalab_nb.analysis.combat import combat
from codalab_nb.analysis.expression import EXAMPLES, AnalysisError, ExpressionSet, load
from codalab_nb.datasets.profile import profile_files, staged_files
from tests.support.tables import matrix_set

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture(scope="module")
def bladder() -> ExpressionSet:
    return load(EXAMPLES / "bladder_batch")


def two_batches(n_genes: int = 200, per_batch: int = 8) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Values with a batch that shifts and stretches every gene, balanced over a condition that moves the first 20."""
    rng = np.random.default_rng(4)
    n = 2 * per_batch
    late = np.arange(n) >= per_batch
    treated = np.arange(n) % 2 == 1
    values = rng.normal(8, 1, (n_genes, n))
    values[:20, treated] += 3
    values[:, late] = values[:, late] * 1.5 + rng.normal(1, 1, (n_genes, 1))
    names = pd.Index([f"s{number}" for number in range(n)])
    frame = pd.DataFrame(values, index=[f"g{number}" for number in range(n_genes)], columns=names)
    batch = pd.Series(np.where(late, "b2", "b1"), index=names, name="batch")
    return frame, batch, pd.Series(np.where(treated, "drug", "mock"), index=names, name="treatment")


def with_samples(data: ExpressionSet, **columns: list[str]) -> ExpressionSet:
    return replace(data, samples=data.samples.assign(**columns))


def test_the_shipped_profile_is_what_reading_the_files_gives() -> None:
    profile, _ = profile_files([EXAMPLES / "bladder_batch"])
    assert staged_files(profile)["profile.json"] == (EXAMPLES / "bladder_batch" / "profile.json").read_bytes()


def test_bladder_agrees_with_r_in_every_printed_digit(bladder: ExpressionSet) -> None:
    """R's table has four decimals: all 171,000 values rounded alike must be equal."""
    expected = pd.read_csv(DATA / "bladder_batch" / "expected_ComBat_R.csv", index_col="probe")
    found = combat(bladder.values, bladder.groups("batch"))
    assert found.adjusted.all()
    np.testing.assert_allclose(np.round(found.values.loc[expected.index, expected.columns], 4), expected, atol=1e-6)


def test_bladder_shares_are_the_known_ones_and_the_biology_shrinks(bladder: ExpressionSet) -> None:
    found = check_batch(bladder)
    assert found.v == pytest.approx(0.743, abs=5e-4)
    assert found.mixed_up
    before, after = found.before, found.after
    assert after is not None
    assert before.condition is not None
    assert after.condition is not None
    assert before.components.share[0] == pytest.approx(0.283, abs=5e-4)
    assert before.condition.pc[0] == pytest.approx(0.582, abs=5e-4)
    assert before.batch.pc[:2] == pytest.approx((0.108, 0.410), abs=5e-4)
    assert (before.batch.typical, before.condition.typical) == pytest.approx((0.180, 0.208), abs=5e-4)
    assert (after.batch.typical, after.condition.typical) == pytest.approx((0.015, 0.135), abs=5e-4)
    crossed = found.crossed()
    assert list(crossed.loc["1"]) == [0, 11, 0]
    assert list(crossed.loc["3"]) == [0, 0, 4]


def test_a_balanced_batch_goes_and_the_treatment_stays() -> None:
    values, batch, treatment = two_batches()
    for keep in (None, treatment):
        after = combat(values, batch, keep).values
        assert np.median(explained_by_gene(values, batch)) > 0.2
        assert np.median(explained_by_gene(after, batch)) < 0.02
        difference = after.loc[:, treatment == "drug"].mean(axis=1) - after.loc[:, treatment == "mock"].mean(axis=1)
        assert difference.iloc[:20].mean() == pytest.approx(3.6, abs=0.6)
        assert abs(difference.iloc[20:].mean()) < 0.3


def test_order_of_samples_and_genes_and_names_of_batches_change_nothing() -> None:
    values, batch, treatment = two_batches()
    first = combat(values, batch, treatment).values
    rng = np.random.default_rng(2)
    genes, samples = rng.permutation(values.index), rng.permutation(values.columns)
    renamed = batch[samples].map({"b1": "zzz", "b2": "a"})
    second = combat(values.loc[genes, samples], renamed, treatment[samples]).values
    pd.testing.assert_frame_equal(second.loc[values.index, values.columns], first, rtol=1e-6)


def test_genes_that_cannot_be_judged_stay_and_change_no_other() -> None:
    values, batch, treatment = two_batches()
    odd = values.copy()
    odd.loc["constant"] = 5.0
    odd.loc["missing"] = np.nan
    odd.loc["one batch only"] = np.where(batch == "b1", values.iloc[0], np.nan)
    found = combat(odd, batch, treatment)
    assert list(found.adjusted.index[~found.adjusted]) == ["constant", "missing", "one batch only"]
    pd.testing.assert_frame_equal(found.values.loc[values.index], combat(values, batch, treatment).values)
    pd.testing.assert_frame_equal(found.values.iloc[-3:], odd.iloc[-3:])


def test_half_of_the_values_may_be_missing() -> None:
    values, batch, treatment = two_batches(per_batch=20)
    holes = values.mask(np.random.default_rng(1).random(values.shape) < 0.5)
    found = combat(holes, batch, treatment)
    assert found.adjusted.all()
    np.testing.assert_array_equal(found.values.isna(), holes.isna())
    shares = explained_by_gene(found.values, batch)
    assert np.median(shares) < 0.05 < np.median(explained_by_gene(holes, batch))


def test_what_cannot_be_corrected_is_said_in_one_sentence(bladder: ExpressionSet) -> None:
    values, batch, _ = two_batches()
    with pytest.raises(AnalysisError, match="batch of one sample cannot be corrected: b9"):
        combat(values, batch.mask(batch.index == "s3", "b9"))
    with pytest.raises(AnalysisError, match="All samples are of one batch"):
        combat(values, batch.replace("b2", "b1"))
    with pytest.raises(AnalysisError, match="'treatment' cannot be told apart from the batches"):
        combat(values, batch, pd.Series(np.where(batch == "b1", "x", "y"), index=batch.index, name="treatment"))
    with pytest.raises(AnalysisError, match="Fewer than two genes"):
        combat(values * 0 + 1, batch)
    plain = replace(bladder, profile={**bladder.profile, "columns": []})
    with pytest.raises(AnalysisError, match="which batch each sample belongs to"):
        check_batch(plain)


def test_a_design_that_no_method_can_untangle_is_judged_but_not_corrected(bladder: ExpressionSet) -> None:
    twice = with_samples(bladder, cancer=["c" + one for one in bladder.groups("batch")])
    found = check_batch(twice)
    assert found.corrected is None
    assert "no method can tell the batch from the biology" in found.refused
    assert found.before.batch.typical == pytest.approx(0.180, abs=5e-4)
    alone = with_samples(bladder, batch=["9", *bladder.groups("batch")[1:]])
    assert "batch of one sample cannot be corrected: 9" in check_batch(alone).refused


def test_a_few_genes_that_differ_are_not_put_down_to_chance() -> None:
    rng = np.random.default_rng(9)
    samples = pd.DataFrame({"day": list("aaaaaabbbbbb"), "group": ["x", "y"] * 6}, index=[f"s{n}" for n in range(12)])
    values = pd.DataFrame(rng.normal(8, 1, (400, 12)), columns=samples.index)
    for shifted in (0, 9):
        values.iloc[:shifted, :6] += 8
        check = check_batch(matrix_set(values, samples, day="batch", group="condition"))
        assert check.before.batch.genes == shifted
        assert not check.visible
        text = batch_words(check)
        assert "what chance gives" not in text
        assert ("No batch effect is seen" in text) == (shifted == 0)
        title = batch_plots.batch_picture(check).title
        assert title.startswith("Few genes differ" if shifted else "No batch effect is seen")


def test_shuffled_batches_are_no_batch_effect(bladder: ExpressionSet) -> None:
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(10):
        shuffled = with_samples(bladder, batch=list(rng.permutation(bladder.groups("batch"))))
        mine = check_batch(shuffled).before.batch
        seen.append((mine.genes, mine.typical / mine.by_chance))
    assert np.median([genes for genes, _ in seen]) == 0
    assert np.median([ratio for _, ratio in seen]) == pytest.approx(1, abs=0.25)


def test_cramers_v_at_its_ends() -> None:
    one = pd.Series(["a", "a", "b", "b"])
    assert cramers_v(one, pd.Series(["x", "x", "y", "y"])) == pytest.approx(1)
    assert cramers_v(one, pd.Series(["x", "y", "x", "y"])) == pytest.approx(0)
    assert np.isnan(cramers_v(one, pd.Series(["x"] * 4)))
    assert np.isnan(cramers_v(one, pd.Series([np.nan] * 4, dtype=object)))
