"""Comparing groups: agreement with R, the choice of the test, and inputs of every kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from scipy import stats

from codalab_nb.analysis import groups_plots, groups_words
from codalab_nb.analysis import groups_tests as tests
from codalab_nb.analysis.expression import EXAMPLE, AnalysisError, ExpressionSet, load
from codalab_nb.analysis.groups import GroupComparison, compare_groups
from codalab_nb.analysis.groups_choice import choose_test
from tests.support.tables import matrix_set, table_set


def plants() -> ExpressionSet:
    return table_set("plantgrowth")


def grouped(*samples: list[float]) -> ExpressionSet:
    names = "abcdefghijklmnopqrstuvwxyz"
    rows = [(names[place], value) for place, values in enumerate(samples) for value in values]
    return table_set(pd.DataFrame(rows, columns=["group", "value"]))


def everything(found: GroupComparison, data: ExpressionSet) -> str:
    """All words and figures can be made."""
    pictures = [groups_plots.dots(found, 0.05), groups_plots.differences(found, 0.05)]
    assert all(picture.title and picture.alt for picture in pictures)
    return groups_words.choice_words(found) + groups_words.comparison_words(data, found, 0.05)


def test_plantgrowth_agrees_with_r() -> None:
    data = plants()
    found = compare_groups(data)
    assert found.omnibus.formula == "F(2, 27) = 4.846"
    assert found.omnibus.p == pytest.approx(0.01591, abs=5e-6)
    pairs = found.pairs.set_index(["group", "compared_with"])
    assert pairs.loc[("trt2", "trt1"), "p_adjusted"] == pytest.approx(0.0120, abs=5e-5)
    assert pairs.loc[("trt2", "trt1"), "difference"] == pytest.approx(0.865)
    by_ranks = compare_groups(data, test="ranks").omnibus
    assert by_ranks.statistic == pytest.approx(7.988, abs=5e-4)
    assert by_ranks.p == pytest.approx(0.01842, abs=5e-6)
    text = everything(found, data)
    assert "weight is higher in trt2 than in trt1, by 0.865" in text
    assert "one common scatter is used" in text
    assert "Shapiro-Wilk p = 0.438" in text


def test_golub_has_695_genes_by_welch(golub: ExpressionSet) -> None:
    found = compare_groups(golub)
    assert found.screen is not None
    assert int((found.screen["p_adjusted"] < 0.05).sum()) == 695  # R: Welch t, BH
    assert "picked because it is the surest" in everything(found, golub)
    one = compare_groups(golub, value="Zyxin")
    assert one.screen is None
    assert one.measured.name == "X95735_at"


@pytest.fixture(scope="module")
def golub() -> ExpressionSet:
    return load(EXAMPLE)


def test_the_formulas_agree_with_scipy() -> None:
    rng = np.random.default_rng(1)
    samples = [rng.normal(size=n) * (1 + n / 9) for n in (6, 9, 13)]
    assert tests.anova(samples).p == pytest.approx(stats.f_oneway(*samples).pvalue)
    assert tests.welch(samples).p == pytest.approx(stats.f_oneway(*samples, equal_var=False).pvalue)
    assert tests.welch(samples[:2]).p == pytest.approx(stats.ttest_ind(*samples[:2], equal_var=False).pvalue)
    theirs = stats.tukey_hsd(*samples).pvalue
    assert [pair.p for pair in tests.tukey(samples)] == pytest.approx([theirs[0, 1], theirs[0, 2], theirs[1, 2]])
    theirs = stats.tukey_hsd(*samples, equal_var=False).pvalue
    assert [pair.p for pair in tests.games_howell(samples)] == pytest.approx([theirs[0, 1], theirs[0, 2], theirs[1, 2]])
    blocks = rng.normal(size=(7, 2))
    assert tests.repeated(blocks).p == pytest.approx(stats.ttest_rel(*blocks.T).pvalue)
    assert tests.repeated_ranks(blocks).p == pytest.approx(stats.wilcoxon(*blocks.T).pvalue)


def test_many_quantiles_of_the_studentized_range_are_read_between_a_few() -> None:
    df = np.array([4.0, 6, 9.5, 14, 22, 37, 80])
    exact = [float(stats.studentized_range.ppf(0.95, 8, one)) for one in df]
    np.testing.assert_allclose(tests._critical(0.95, 8, df), exact, rtol=1e-3)


def test_the_test_is_chosen_by_the_data_and_says_why() -> None:
    rng = np.random.default_rng(2)
    unequal = compare_groups(grouped(list(rng.normal(0, 1, 20)), list(rng.normal(1, 6, 20))))
    assert unequal.omnibus.name == "Welch's t test"
    assert "a scatter of its own" in unequal.choice.why
    skewed = compare_groups(grouped(list(np.exp(rng.normal(0, 1.5, 12))), list(np.exp(rng.normal(0, 1.5, 12)))))
    assert skewed.omnibus.name == "Mann-Whitney rank test"
    assert "far from a bell curve" in skewed.choice.why
    large = compare_groups(grouped(list(np.exp(rng.normal(0, 1, 60))), list(np.exp(rng.normal(0, 1, 60)))))
    assert large.choice.kind != "ranks"  # means of 60 values are close to normal


def test_pairs_find_what_scatter_between_subjects_hides() -> None:
    rng = np.random.default_rng(3)
    level = rng.normal(50, 10, 9)
    rows = [(f"p{n}", visit, level[n] + shift + rng.normal(0, 1))
            for n in range(9) for visit, shift in (("before", 0.0), ("after", 3.0))]  # fmt: skip
    data = table_set(pd.DataFrame(rows, columns=["patient", "group", "score"]))
    together = compare_groups(data, pair="patient")
    assert together.omnibus.p < 0.001
    assert together.omnibus.name == "paired t test"
    assert together.levels == ["before", "after"]
    apart = compare_groups(data)
    assert apart.omnibus.p > 0.3
    assert "patient is marked as the pair and was not used" in everything(apart, data)
    assert "compared with itself" in everything(together, data)
    three = table_set(pd.DataFrame([*rows, ("p0", "late", 1.0), ("p1", "late", 2.0)],
                                   columns=["patient", "group", "score"]))  # fmt: skip
    with pytest.raises(AnalysisError, match="Only 2 subjects"):
        compare_groups(three, pair="patient")


def test_two_factors_agree_with_statsmodels_also_when_unbalanced() -> None:
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"sex": rng.choice(["f", "m"], 40), "group": rng.choice(["x", "y", "z"], 40)})
    frame["value"] = rng.normal(size=40) + (frame["sex"] == "f") * 1.5 + (frame["group"] == "z") * (frame["sex"] == "m")
    found = compare_groups(table_set(frame), second="sex")
    assert found.two is not None
    theirs = anova_lm(ols("value ~ C(group) * C(sex)", frame).fit(), typ=2)
    np.testing.assert_allclose(found.two.terms["F"], theirs["F"].iloc[:3], rtol=1e-8)
    np.testing.assert_allclose(found.two.terms["p"], theirs["PR(>F)"].iloc[:3], rtol=1e-8)
    assert len(found.pairs) == 6
    assert "Two-way" in groups_plots.dots(found, 0.05).alt
    assert "interaction" in everything(found, table_set(frame))
    empty = frame[(frame["sex"] != "m") | (frame["group"] != "z")]
    with pytest.raises(AnalysisError, match="No value for z with m"):
        compare_groups(table_set(empty), second="sex")


def test_the_order_of_rows_changes_nothing() -> None:
    frame = plants().samples
    first = compare_groups(table_set(frame))
    second = compare_groups(table_set(frame.sample(frac=1, random_state=3)))
    assert second.omnibus.p == pytest.approx(first.omnibus.p)
    assert sorted(second.pairs["p_adjusted"]) == pytest.approx(sorted(first.pairs["p_adjusted"]))


def test_shuffled_groups_give_p_below_5_percent_in_about_5_percent() -> None:
    rng = np.random.default_rng(5)
    values = pd.DataFrame(rng.normal(8, 1, (1000, 18)), index=[f"g{n}" for n in range(1000)],
                          columns=[f"s{n}" for n in range(18)])  # fmt: skip
    samples = pd.DataFrame({"group": ["a", "b", "c"] * 6}, index=values.columns)
    found = compare_groups(matrix_set(values, samples))
    assert found.screen is not None
    assert 0.025 < (found.screen["p"] < 0.05).mean() < 0.08
    assert (found.screen["p_adjusted"] < 0.05).sum() <= 2


def test_odd_columns_get_a_right_answer_or_a_sentence() -> None:
    rng = np.random.default_rng(6)
    values = pd.DataFrame(rng.normal(8, 1, (120, 12)), index=[f"g{n}" for n in range(120)],
                          columns=[f"s{n}" for n in range(12)])  # fmt: skip
    values.iloc[0] = 5.0
    values.iloc[1] = np.nan
    values.iloc[2, ::2] = np.nan
    values.iloc[3, :6] = np.nan
    values.iloc[4] = [1.0] * 6 + [2.0] * 6
    samples = pd.DataFrame({"group": ["a"] * 6 + ["b"] * 6}, index=values.columns)
    for part in (values, values.iloc[:20]):  # all at once, and each with the test that suits it
        found = compare_groups(matrix_set(part, samples))
        assert found.screen is not None
        p = found.screen["p"]
        assert p["g0"] == 1
        assert p[["g1", "g3"]].isna().all()
        assert 0 < p["g2"] < 1
        assert p["g4"] == 0  # no scatter at all: the groups differ for sure
    constant = compare_groups(grouped([2, 2, 2], [2, 2, 2]))
    assert constant.omnibus.p == 1
    assert "No clear difference" in everything(constant, grouped([2, 2, 2], [2, 2, 2]))
    negative = compare_groups(grouped([-5, -4, -6], [-1, -2, -1.5]))
    assert "higher in b than in a" in groups_plots.answer(negative, 0.05)


def test_what_cannot_be_compared_is_told_in_words() -> None:
    for samples, told in (
        (([1.0, 2.0],), "two groups of two or more values"),
        (([1.0], [2.0]), "two groups of two or more values"),
        (tuple([float(n), n + 1.0] for n in range(25)), "at most 24"),
    ):
        with pytest.raises(AnalysisError, match=told):
            compare_groups(grouped(*samples), group="group")
    with pytest.raises(AnalysisError, match="Say which column holds the groups"):
        compare_groups(table_set("diabetes"))
    with pytest.raises(AnalysisError, match="no single measurement 'height'"):
        compare_groups(plants(), value="height")
    with pytest.raises(AnalysisError, match="no column 'sex'"):
        compare_groups(plants(), second="sex")
    with pytest.raises(AnalysisError, match="no test 'magic'"):
        compare_groups(plants(), test="magic")
    with pytest.raises(AnalysisError, match="not both"):
        compare_groups(plants(), second="sex", pair="subject")
    single = compare_groups(grouped([1, 2, 3], [4, 5, 7], [9]))
    assert single.notes == ("Group c has 1 value and was left out.",)


def test_figures_of_many_groups_with_long_names_tell_them_apart() -> None:
    rng = np.random.default_rng(7)
    names = [f"fibroblasts of donor number {n}" for n in range(10)]
    frame = pd.DataFrame({"group": np.repeat(names, 5), "value": rng.normal(size=50)})
    picture = groups_plots.dots(compare_groups(table_set(frame)), 0.05)
    shown = [text.get_text() for text in picture.figure.axes[0].get_xticklabels()]
    assert len(set(shown)) == 10
    assert all("n = 5" in text for text in shown)


def test_a_group_without_scatter_does_not_make_the_test_infinite() -> None:
    """Values at the floor of a scanner are all equal in one group; that alone is no evidence."""
    still, varied = np.full(3, 4.322), np.array([4.322, 4.322, 4.322, 5.322])
    found = tests.welch([still, varied])
    assert found.statistic == pytest.approx(0.25 / np.sqrt(0.25 / 4))  # the difference, in standard errors of the one
    assert found.df == pytest.approx((3,))


def test_values_without_scatter_are_never_the_surest_and_give_finite_numbers() -> None:
    rng = np.random.default_rng(8)
    values = pd.DataFrame(rng.normal(8, 1, (120, 12)), index=[f"g{n}" for n in range(120)],
                          columns=[f"s{n}" for n in range(12)])  # fmt: skip
    values.iloc[0] = [0.1] * 6 + [0.7] * 6
    values.iloc[1, 6:] += 9.0
    samples = pd.DataFrame({"group": ["a"] * 6 + ["b"] * 6}, index=values.columns)
    for part in (values, values.iloc[:20]):
        found = compare_groups(matrix_set(part, samples))
        assert found.measured.name == "g1"
        assert found.screen is not None
        assert found.screen.index[-1] == "g0"
        assert np.isfinite(list(found.metrics(0.05).values())).all()
    data = grouped([1, 1, 1, 1], [2, 2, 2, 2])
    constant = compare_groups(data)
    assert set(constant.metrics(0.05)) == {"p", "pairs_different", "values"}
    assert "no scatter to judge the difference by" in everything(constant, data)


def test_the_headline_of_many_measurements_rests_on_the_adjusted_p(golub: ExpressionSet) -> None:
    rng = np.random.default_rng(0)
    shuffled = golub.samples.assign(group=rng.permutation(golub.samples["group"].to_numpy()))
    data = replace(golub, samples=shuffled)
    found = compare_groups(data)
    assert found.screen is not None
    assert found.omnibus.p < 0.002
    assert found.p == pytest.approx(found.screen["p_adjusted"].iloc[0])
    title = groups_plots.answer(found, 0.05)
    assert title == "No clear difference between ALL and AML in any of 3,051 measurements"
    assert found.metrics(0.05)["p"] > 0.5
    assert found.metrics(0.05)["pairs_different"] == 0
    assert "use the method `de-continuous`" in everything(found, data)


def test_pairs_of_a_picked_measurement_are_adjusted_like_itself() -> None:
    rng = np.random.default_rng(9)
    frame = pd.DataFrame(rng.normal(size=(24, 30)), columns=[f"x{n}" for n in range(30)])
    data = table_set(frame.assign(group=["a", "b", "c"] * 8))
    found = compare_groups(data)
    alone = compare_groups(data, value=found.measured.name)
    expected = np.minimum(1, alone.pairs["p_adjusted"] * found.p / alone.p)
    np.testing.assert_allclose(found.pairs["p_adjusted"], expected)
    assert found.p > alone.p


def test_a_confirmed_complete_pair_is_used_by_default() -> None:
    rng = np.random.default_rng(10)
    level = rng.normal(50, 10, 8)
    rows = [(f"p{n}", visit, level[n] + shift + rng.normal(0, 1))
            for n in range(8) for visit, shift in (("before", 0.0), ("after", 3.0))]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["patient", "group", "score"])
    proposed, confirmed = table_set(frame), table_set(frame, patient="pair")
    assert compare_groups(proposed, pair="auto").pair == ""  # nobody has said that it is one
    assert compare_groups(confirmed, pair="auto").omnibus.name == "paired t test"
    assert compare_groups(confirmed, pair="").pair == ""
    assert compare_groups(table_set(frame.iloc[1:], patient="pair"), pair="auto").pair == ""  # one is incomplete


def test_repeats_of_a_subject_in_one_group_count_once() -> None:
    rng = np.random.default_rng(11)
    mice = rng.normal(100, 15, 6)
    rows = [(f"m{n}", "wt" if n < 3 else "ko", mice[n] + rng.normal(0, 3)) for n in range(6) for _ in range(10)]
    frame = pd.DataFrame(rows, columns=["mouse", "genotype", "cell_area"])
    data = table_set(frame, mouse="pair", genotype="condition")
    for pair in ("auto", "mouse"):
        found = compare_groups(data, pair=pair)
        means = frame.groupby(["genotype", "mouse"])["cell_area"].mean()
        assert found.omnibus.p == pytest.approx(stats.ttest_ind(means["wt"], means["ko"], equal_var=False).pvalue)
        assert [len(one) for one in found.samples()] == [3, 3]
        text = everything(found, data)
        assert "The 60 values come from 6 subjects" in text
        assert "was not used" not in text
        written = " ".join(one.get_text() for one in groups_plots.dots(found, 0.05).figure.findobj(Text))
        assert "Each dot is the mean of one mouse" in written


def test_what_numbers_the_rows_is_no_measurement_and_a_code_of_the_group_no_finding() -> None:
    rng = np.random.default_rng(12)
    frame = pd.DataFrame({"diagnosis": ["benign"] * 15 + ["malign"] * 15, "Patient_ID": range(30),
                          "ward nr": rng.integers(1, 9, 30), "visit": rng.permutation(30) + 1000,
                          "code": [0] * 15 + [1] * 15, "x1": rng.normal(size=30),
                          "fluid": rng.normal(size=30)})  # fmt: skip
    data = table_set(frame, diagnosis="condition")
    found = compare_groups(data)
    assert found.screen is not None
    assert set(found.screen.index) == {"code", "x1", "fluid"}
    assert found.metrics(0.05)["measurements_different"] == 0
    text = everything(found, data)
    assert "numbered there, not measured: Patient_ID, ward nr, visit." in text.replace("\\", "")
    assert "Not judged: code" in text
    assert "in any of 2 measurements" in groups_plots.answer(found, 0.05)
    assert compare_groups(data, value="Patient_ID").measured.name == "Patient_ID"


def test_complete_separation_by_ranks_is_the_largest_effect() -> None:
    for first, second, effect in (([1.0, 2, 3, 4], [5.0, 6, 7, 8], 1), ([5.0, 6, 7, 8], [1.0, 2, 3, 4], -1)):
        data = grouped(first, second)
        found = compare_groups(data, test="ranks")
        assert found.metrics(0.05)["effect_size"] == effect
        share = "100%" if effect > 0 else "0%"
        assert f"the higher one in {share} of all couples" in everything(found, data)


def test_two_groups_of_unequal_size_and_scatter_give_5_percent_false_alarms() -> None:
    rng = np.random.default_rng(13)
    p = []
    for _ in range(600):
        samples = [rng.normal(0, 2, 6), rng.normal(0, 1, 20)]
        choice = choose_test(samples)
        assert choice.kind != "means"
        p.append(tests.welch(samples).p if choice.kind == "welch" else tests.ranks(samples).p)
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.08
