"""Survival: agreement with R on lung, how events are read, and inputs of every kind."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from codalab_nb.analysis import survival_plots, survival_words
from codalab_nb.analysis.expression import AnalysisError, ExpressionSet
from codalab_nb.analysis.survival import (
    EVENT_WORDS,
    NO_EVENT_WORDS,
    Survival,
    _logrank,
    event_level,
    median_table,
    survival,
)
from codalab_nb.model import proposals
from tests.support.tables import matrix_set, table_set


def everything(found: Survival, data: ExpressionSet) -> str:
    pictures = [survival_plots.kaplan_meier(found, 0.05, "days")]
    if found.cox is not None:
        pictures.append(survival_plots.hazard_ratios(found, 0.05))
    assert all(picture.title and picture.alt for picture in pictures)
    return survival_words.read_words(found) + survival_words.survival_words(data, found, 0.05, "days")


def simulated(n: int = 100, hazard_ratio: float = 1.0, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    group = np.repeat(["control", "drug"], n // 2)
    time = rng.exponential(np.where(group == "drug", 300 / hazard_ratio, 300.0))
    end = rng.uniform(100, 900, n)
    return pd.DataFrame({"time": np.minimum(time, end), "died": (time <= end).astype(int), "group": group})


def test_lung_agrees_with_r() -> None:
    data = table_set("lung")
    found = survival(data, group="sex", adjust_for="age, ph.ecog")
    assert found.logrank is not None
    assert found.logrank[0] == pytest.approx(10.33, abs=0.005)
    assert found.logrank[2] == pytest.approx(0.00131, abs=5e-6)
    assert list(median_table(found)["median"]) == [270, 426]
    assert list(median_table(found)["events"]) == [112, 53]
    assert found.cox is not None
    assert found.cox.table["hazard_ratio"].iloc[0] == pytest.approx(0.575, abs=5e-4)
    assert (found.cox.n, found.cox.events) == (227, 164)
    text = everything(found, data)
    assert "Longer survival in sex 2 than in sex 1" in text
    assert "status is **2** (165 of 228)" in text
    assert "There is no sign against it" in text
    assert list(found.at_risk("1", np.array([0.0, 400]))) == [138, 31]


def test_the_rule_for_events_is_that_of_the_profile() -> None:
    assert EVENT_WORDS == proposals.EVENT_WORDS
    assert NO_EVENT_WORDS == proposals.NO_EVENT_WORDS
    for levels in (
        ["0", "1"],
        ["1", "2"],
        ["alive", "dead"],
        ["no", "relapse"],
        ["a", "b"],
        ["censored"],
        ["x", "y", "z"],
    ):
        assert event_level(levels) == proposals.event_level(levels)


def test_a_ratio_that_changes_over_time_is_told() -> None:
    rng = np.random.default_rng(1)
    early = np.r_[rng.uniform(0, 10, 60), rng.uniform(90, 100, 20)]  # die early, the rest late
    late = rng.uniform(30, 60, 80)
    frame = pd.DataFrame({"time": np.r_[early, late], "event": 1, "group": ["a"] * 80 + ["b"] * 80})
    frame.loc[0, "event"] = 0
    data = table_set(frame)
    text = everything(survival(data, time="time", event="event"), data)
    assert "Not for group" in text
    assert "**The curves cross**" in text


def test_shuffled_groups_differ_in_about_5_percent() -> None:
    frame = simulated(80)
    rng = np.random.default_rng(2)
    durations, died = frame["time"].to_numpy(), frame["died"].to_numpy(bool)
    p = np.array([_logrank(durations, pd.Series(rng.permutation(frame["group"])), died)[2] for _ in range(150)])
    assert 0.01 < np.mean(p < 0.05) < 0.11
    assert 0.35 < np.median(p) < 0.65


def test_the_order_of_rows_changes_nothing() -> None:
    frame = simulated(hazard_ratio=0.5)
    first, second = (survival(table_set(one)) for one in (frame, frame.sample(frac=1, random_state=1)))
    assert first.logrank == pytest.approx(second.logrank)
    assert list(first.curves) == list(second.curves) == ["control", "drug"]
    assert first.cox is not None
    assert second.cox is not None
    pd.testing.assert_frame_equal(first.cox.table, second.cox.table, rtol=1e-6)


def test_a_gene_is_cut_at_its_median_and_words_of_a_column_become_terms() -> None:
    frame = simulated(60, 0.4, seed=3)
    names = [f"s{n}" for n in range(60)]
    values = pd.DataFrame(np.random.default_rng(4).normal(size=(3, 60)), index=["g1", "g2", "g3"], columns=names)
    values.loc["g1"] = np.where(frame["group"] == "drug", 9.0, 3.0) + np.arange(60) / 100
    values.iloc[1, :30] = np.nan
    samples = frame.assign(stage=["I", "II", "III"] * 20).set_axis(names)
    data = matrix_set(values, samples)
    found = survival(data, split="g1", adjust_for="stage, g3, g2")
    assert list(found.curves) == ["low", "high"]
    assert found.cox is not None
    terms = ["g1: high (against low)", "stage: II (against I)", "stage: III (against I)", "g3", "g2"]
    assert set(found.cox.table.index) <= set(terms)
    assert found.cox.n == 30  # those with a value of g2
    assert "was cut at its median" in everything(found, data)
    with pytest.raises(AnalysisError, match="cannot be cut"):
        survival(matrix_set(values * 0, samples), split="g3")


def test_groups_that_separate_completely_have_no_ratio_but_curves() -> None:
    frame = pd.DataFrame({"time": np.r_[np.arange(1, 16), np.arange(50, 65)], "event": [1] * 15 + [0] * 15,
                          "group": ["a"] * 15 + ["b"] * 15})  # fmt: skip
    data = table_set(frame)
    found = survival(data)
    assert found.cox is None
    text = everything(found, data)
    assert "Cox model cannot be computed" in text
    assert "median not reached" in text
    assert "Fewer than 10 events in b" in text


def test_many_groups_and_none() -> None:
    frame = simulated(140).assign(group=[f"scheme number {n % 7}" for n in range(140)])
    found = survival(table_set(frame))
    assert len(found.pairs) == 21
    assert everything(found, table_set(frame))
    alone = table_set(simulated().drop(columns="group"))
    assert list(survival(alone).curves) == ["all"]
    assert "Half are without event until" in everything(survival(alone), alone)


def test_what_cannot_be_computed_is_told_in_words() -> None:
    frame = simulated()
    with pytest.raises(AnalysisError, match="times below 0"):
        survival(table_set(frame.assign(time=frame["time"] - 500)))
    with pytest.raises(AnalysisError, match="one value only"):
        survival(table_set(frame.assign(died=0)), time="time", event="died")
    with pytest.raises(AnalysisError, match="Which value of 'died'"):
        survival(table_set(frame.assign(died=["p", "q"] * 50)), time="time", event="died")
    with pytest.raises(AnalysisError, match="never says 'dead'"):
        survival(table_set(frame), happened="dead")
    with pytest.raises(AnalysisError, match="set `event`"):
        survival(table_set("iris"), time="sepal length (cm)")
    with pytest.raises(AnalysisError, match="Say which column holds the time"):
        survival(table_set("iris"))
    with pytest.raises(AnalysisError, match="at most 8"):
        survival(table_set("lung"), group="inst")
    with pytest.raises(AnalysisError, match="no single measurement 'height'"):
        survival(table_set("lung"), adjust_for="height")
    with pytest.raises(AnalysisError, match="holds the times or the events"):
        survival(table_set("lung"), group="status")
    with pytest.raises(AnalysisError, match="numbers, but 'soon'"):
        survival(table_set(frame.assign(time=frame["time"].astype(object).where(frame.index > 0, "soon"))), time="time")
    nobody = survival(table_set(frame), adjust_for="time")
    assert nobody.cox is not None or nobody.why_no_cox


def test_twice_the_same_column_is_noticed() -> None:
    frame = simulated().assign(twin=lambda one: (one["group"] == "drug") * 1.0)
    found = survival(table_set(frame), adjust_for="twin")
    assert found.cox is None
    assert "say the same" in found.why_no_cox
