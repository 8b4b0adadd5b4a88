"""The label-free score: high for a list that comes back, about 0 for noise and for lists that ignore the groups."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codalab_nb.analysis import stability
from codalab_nb.analysis.expression import EXAMPLES
from codalab_nb.analysis.stability import Asked, NoScore, overlap, score
from codalab_nb.analysis.subdesign import Staged

GOLUB = EXAMPLES / "golub_leukemia"
START = """
import numpy as np
import pandas as pd
from codalab_nb import report
from codalab_nb.analysis.expression import load
data = load("inputs/dataset")
groups, values = data.groups("group"), data.values
one, other = (values.loc[:, (groups == level).to_numpy()] for level in ("ALL", "AML"))
"""
END = "\nreport.table(pd.DataFrame(index=order), 'genes'); report.metric('hits', hits)"
WELCH = "t = (one.mean(axis=1) - other.mean(axis=1)) / (one.var(axis=1) / one.shape[1] + other.var(axis=1) / other.shape[1]) ** 0.5"  # noqa: E501
BY_T = f"{WELCH}\norder = values.index[t.abs().argsort()[::-1]]\nhits = int((t.abs() > 4).sum())"
BY_MEAN = f"{WELCH}\norder = values.index[values.mean(axis=1).argsort()[::-1]]\nhits = int((t.abs() > 4).sum())"
NOISE = (
    f"{WELCH}\norder = values.index[np.random.default_rng(int(abs(t.iloc[0]) * 1e9)).permutation(len(t))]\nhits = 50"
)


def asked(middle: str, **changes: Any) -> Asked:
    source = START + middle + END
    notebook = {"cells": [{"cell_type": "code", "metadata": {}, "source": source}], "metadata": {}}
    return Asked(
        **{"notebook": notebook, "parameters": {}, "ranking": "genes", "found": "hits", "group": "group"} | changes
    )


def test_a_list_that_comes_back_has_a_score() -> None:
    outcome = score(GOLUB, asked(BY_T), splits=3, permutations=3)
    assert outcome.reason == ""
    assert outcome.score is not None
    assert outcome.score > 0.1
    assert outcome.false_share is not None
    assert outcome.false_share < 0.1
    assert (len(outcome.splits), len(outcome.shuffles)) == (3, 3)
    assert set(outcome.metrics()) == {"score", "concordance", "false_share", "found", "found_permuted"}
    json.dumps(outcome.as_json(), allow_nan=False)


def test_the_same_question_has_the_same_score() -> None:
    first, second = (score(GOLUB, asked(BY_T), splits=2, permutations=2).metrics() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("middle", [BY_MEAN, NOISE], ids=["ignores the groups", "noise"])
def test_a_list_that_tells_nothing_has_no_score_to_speak_of(middle: str) -> None:
    """Genes by their mean are in the same order in each half, whatever the groups are: that counts for nothing."""
    outcome = score(GOLUB, asked(middle), splits=3, permutations=3)
    assert outcome.score == pytest.approx(0, abs=0.05)


def test_shuffled_data_score_about_nothing(tmp_path: Path) -> None:
    whole = Staged.read(GOLUB)
    labels = np.random.default_rng(1).permutation(whole.data.samples["group"].to_numpy())
    outcome = score(whole.write(tmp_path / "mixed", labels={"group": labels}), asked(BY_T), splits=3, permutations=3)
    assert outcome.score == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"group": ""}, "not known which group"),
        ({"group": "cage"}, "There is no column 'cage'"),
        ({"per_group": 6}, "each of two halves needs 6 samples of each group; ALL has 27, AML has 11"),
        ({"levels": ["ALL", "B"]}, "B has 0"),
        ({"found": "genes"}, "reported no metric 'genes'"),
        ({"ranking": "hits"}, "reported no table 'hits'"),
    ],
)
def test_where_there_is_no_score_the_reason_is_told(changes: dict[str, Any], told: str) -> None:
    outcome = score(GOLUB, asked(BY_T, **changes))
    assert outcome.score is None
    assert told in outcome.reason
    assert "score" not in outcome.metrics()


def test_a_method_that_fails_or_repeats_its_rows_has_no_score() -> None:
    assert "ZeroDivisionError" in score(GOLUB, asked("1 / 0")).reason
    assert "repeat" in score(GOLUB, asked("order = ['x'] * 50\nhits = 3")).reason
    only_whole = "if values.shape[1] < 30: raise ValueError('too few')\n" + BY_T
    outcome = score(GOLUB, asked(only_whole))
    assert "Halves of the samples could not be analysed" in outcome.reason
    assert "too few" in outcome.reason
    assert outcome.found  # what is known is told all the same


def test_another_language_is_a_reason() -> None:
    made = asked(BY_T)
    foreign = dict(made.notebook) | {"metadata": {"kernelspec": {"name": "ir", "language": "R"}}}
    assert "written in R" in score(GOLUB, asked(BY_T, notebook=foreign)).reason


def test_two_of_each_are_made_even_when_the_budget_is_used_up() -> None:
    seconds = itertools.count(0, 1000)
    outcome = score(GOLUB, asked(BY_T), budget_s=1, clock=lambda: float(next(seconds)))
    assert (len(outcome.splits), len(outcome.shuffles)) == (stability.FEWEST, stability.FEWEST)
    assert outcome.score is not None


def test_overlap_is_beyond_chance() -> None:
    names = [f"g{i}" for i in range(1000)]
    assert overlap(names, names) == 1
    assert overlap(names, names[500:] + names[:500]) == pytest.approx(-0.1 / 0.9)
    random = np.random.default_rng(0)
    chance = [overlap(list(random.permutation(names)), list(random.permutation(names))) for _ in range(200)]
    assert np.mean(chance) == pytest.approx(0, abs=0.01)
    assert overlap(list("abcde"), list("abcde")) == 1
    with pytest.raises(NoScore, match="Only 4 rows"):
        overlap(list("abcd"), list("abcd"))
