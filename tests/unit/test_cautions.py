"""What a design cannot answer is said, and nothing is said of a design that can."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from codalab_nb.analysis import cautions, pairs, pca, words
from codalab_nb.analysis.compare import compare
from codalab_nb.analysis.expression import EXAMPLE, EXAMPLES, ExpressionSet, load

GROUP = ["a"] * 6 + ["b"] * 6


def designed(roles: dict[str, str], **columns: Sequence[object]) -> ExpressionSet:
    """Twelve samples with these columns beside `group`; all columns are groups."""
    golub = load(EXAMPLE)
    samples = pd.DataFrame({"group": GROUP, **columns}, index=golub.values.columns[:12])
    given = {"group": "condition", **roles}
    known = [
        {"name": name, "type": "groups", "role": given.get(name), "role_proposed": False, "levels": []}
        for name in samples.columns
    ]
    profile = {**golub.profile, "columns": known, "reference": None}
    return replace(golub, values=golub.values.iloc[:200, :12], samples=samples, profile=profile)


def told(data: ExpressionSet, **chosen: str) -> str:
    return "\n".join(cautions.of_comparison(data, compare(data, treated="b", reference="a", **chosen)))


def test_a_sound_design_needs_no_warning() -> None:
    data = designed({"run": "batch"}, run=["x", "y"] * 6)
    assert told(data, adjust_for="run") == ""
    assert told(designed({})) == ""


def test_a_batch_that_was_not_taken_into_account_is_named() -> None:
    assert told(designed({"run": "batch"}, run=["x", "y"] * 6)) == (
        "**The batch (run) was not taken into account**. Set `adjust_for` to it and compare."
    )


@pytest.mark.parametrize(
    ("batch", "words_told"),
    [
        (["x"] * 6 + ["y"] * 6, "**Batch and groups are one and the same** (Cramér's V 1.00)"),
        (["x"] * 5 + ["y"] * 7, "goes with the groups** (Cramér's V 0.85; run x: only a)"),
        ([*"xxxxyyxxyyyy"], "goes with the groups a little (Cramér's V 0.33)"),
    ],
)  # fmt: skip
def test_a_batch_that_goes_with_the_groups_is_measured(batch: list[str], words_told: str) -> None:
    assert words_told in told(designed({"run": "batch"}, run=batch))


def test_adjusting_for_a_confounded_batch_is_not_the_end_of_it() -> None:
    data = designed({"run": "batch"}, run=["x"] * 5 + ["y"] * 7)
    assert "It was adjusted for, but little is left" in told(data, adjust_for="run")


def test_ignored_pairs_are_counted() -> None:
    pairs = [f"p{number % 6}" for number in range(12)]
    assert "6 of 6 in patient have samples of both" in told(designed({"patient": "pair"}, patient=pairs))
    assert told(designed({"patient": "pair"}, patient=pairs), adjust_for="patient") == ""
    alone = [f"p{number // 2}" for number in range(12)]
    assert told(designed({"patient": "pair"}, patient=alone)) == ""  # no one was measured in both groups


def test_other_columns_that_tell_the_groups_are_named_and_ids_are_not() -> None:
    data = designed({}, sex=["m"] * 6 + ["f"] * 6, name=[f"s{number}" for number in range(12)], day=["1", "2"] * 6)
    assert told(data) == "**sex goes with the groups**: a difference may as well come from there."


def test_few_samples_are_said() -> None:
    data = designed({})
    few = replace(data, samples=data.samples.assign(group=["a"] * 2 + ["b"] * 10))
    assert "**The smaller group (a) has only 2 samples.**" in told(few)


def test_bladder_is_the_warning_example() -> None:
    """Batch 1 and 5 hold no normal sample, batch 3 no cancer: the answer must not come without that."""
    data = load(EXAMPLES / "bladder_batch")
    profile = {
        **data.profile,
        "columns": [
            {**one, "role": {"batch": "batch", "cancer": "condition"}.get(one["name"])}
            for one in data.profile["columns"]
        ],
    }
    data = replace(data, profile=profile)
    found = compare(data, condition="cancer", treated="Cancer", reference="Normal")
    text = words.comparison_words(data, found, 0.05, data.labels())
    assert "(Cramér's V 0.73; batch 1: only Cancer; batch 3: only Normal; batch 5: only Cancer)" in text
    assert text.index("Cramér's V") < text.index("## What this means")
    assert "(Cramér's V 0.74;" in " ".join(cautions.of_groups(data, "cancer"))


def test_pca_says_what_else_goes_with_the_components() -> None:
    data = load(EXAMPLES / "bladder_batch")
    components = pca.principal_components(data.values)
    explained = pca.explained_by(components, data.samples.apply(lambda one: data.groups(one.name)))
    assert explained.loc["cancer", "PC1"] == pytest.approx(0.582, abs=5e-4)
    assert explained.loc["batch", ["PC1", "PC2"]].tolist() == pytest.approx([0.108, 0.410], abs=5e-4)
    assert explained.loc["batch", "by_chance"] == pytest.approx(4 / 56)
    text = words.component_words(data, components, data.groups("cancer"), explained, "log2")
    assert "58% of PC1 goes with 'cancer'" in text
    assert "batch (41% of PC2)" in text


@pytest.mark.parametrize("change", [lambda one: one * 0 + 1, lambda one: pd.Series(np.arange(len(one)), one.index)])
def test_pca_leaves_out_columns_that_group_nothing(change: Callable[[pd.Series], pd.Series]) -> None:
    data = load(EXAMPLE)
    components = pca.principal_components(data.values)
    column = change(pd.Series(1.0, index=data.samples.index)).astype(str)
    assert list(pca.explained_by(components, pd.DataFrame({"x": column})).index) == []


def paired(patients: Sequence[str], *, confirmed: bool = True) -> ExpressionSet:
    data = designed({"patient": "pair"}, patient=patients)
    known = [{**one, "role_proposed": one["role"] == "pair" and not confirmed} for one in data.profile["columns"]]
    return replace(data, profile={**data.profile, "columns": known})


def test_the_confirmed_pair_is_adjusted_for_where_every_one_is_complete() -> None:
    whole = paired([*"uvwxyz"] * 2)
    used = pairs.adjusting_column(whole, "auto", "group", "b", "a")
    assert used == "patient"
    assert compare(whole, treated="b", reference="a", adjust_for=used).result.residual_df == 5
    assert "each patient was compared with itself" in pairs.words_for("auto", used)
    assert pairs.words_for("patient", used) == ""
    assert pairs.adjusting_column(whole, "", "group", "b", "a") == ""  # a person wants none
    assert pairs.adjusting_column(whole, "group", "group", "b", "a") == "group"
    for other in (
        paired([*"uvwxyz"] * 2, confirmed=False),
        paired([*"uvwxyz", *"uvwxyn"]),
        paired([*"uuvvww", *"xxyyzz"]),  # each in one group only
        paired([*"uuuvvv"] * 2),  # two subjects
        designed({}),
    ):
        assert pairs.adjusting_column(other, "auto", "group", "b", "a") == ""


def test_adjusting_that_leaves_almost_nothing_to_judge_the_scatter_by_is_told() -> None:
    many = [*"uvwxyz", *"uvwnop"]  # nine patients among twelve samples
    assert "leaves 2 degrees of freedom" in told(designed({}, patient=many), adjust_for="patient")
    assert "degrees of freedom" not in told(designed({}, patient=[*"uvwxyz"] * 2), adjust_for="patient")
