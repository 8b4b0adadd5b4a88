"""Needs and choices beyond groups: one role of several, doses, events, columns of numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from codalab_nb.datasets.columns import describe
from codalab_nb.datasets.profile import profile_files
from codalab_nb.model.choices import parameter_schema
from codalab_nb.model.dataset import Profile
from codalab_nb.model.design import event_level, propose_roles, revise
from codalab_nb.model.method import Method, fits

TABLES = Path(__file__).parent.parent / "data" / "small_tables"


def profile(name: str) -> Profile:
    return profile_files([TABLES / f"{name}.csv"])[0]


def method(needs: dict[str, Any], **parameters: dict[str, Any]) -> Method:
    text = {"type": "string", "title": "T", "description": "D", "default": ""}
    return Method.model_validate(
        {
            "name": "m",
            "title": "M",
            "sentence": "S",
            "question": "Q",
            "needs": needs,
            "parameters": {name: text | more for name, more in parameters.items()},
        }
    )


def test_roles_are_proposed_where_name_and_content_agree() -> None:
    assert profile("lung").roles == {"time": "time", "status": "event"}
    assert profile("iris").roles == {"target": "target"}
    assert profile("puromycin").roles == {"conc": "dose", "state": "condition"}
    assert profile("diabetes").roles == {}  # its target is a measurement, not a group


def test_a_status_beside_a_time_is_the_event_and_not_the_condition() -> None:
    def roles(status: tuple[str, str]) -> dict[str, str]:
        frame = pd.DataFrame(
            {"months": [1.5, 2.0, 3.1, 4.2], "status": [*status, *status], "arm": ["a", "a", "b", "b"]}
        )
        return {column.name: column.role for column in propose_roles(describe(frame)) if column.role}

    assert roles(("alive", "dead")) == {"months": "time", "status": "event"}
    assert roles(("tumor", "normal")) == {"status": "condition"}


def test_one_of_several_roles_is_enough_and_its_groups_are_counted() -> None:
    wanted = method({"any_role": ["target", "condition"], "min_groups": 2, "min_per_group": 8})
    assert fits(wanted, profile("iris")) == (True, "Fits: 'target' has setosa 50, versicolor 50, virginica 50.")
    assert fits(wanted, profile("plantgrowth"))[0]
    assert fits(wanted, profile("lung")) == (
        False,
        "Needs to know which column is the target or condition: --role COLUMN=target. For the target: 'inst', 'sex', "
        "'ph.ecog', 'ph.karno', …?",
    )


def test_too_few_doses_and_too_few_events_are_told() -> None:
    assert fits(method({"roles": ["dose"], "min_different": {"dose": 4}}), profile("puromycin"))[0]
    ok, why = fits(method({"roles": ["dose"], "min_different": {"dose": 9}}), profile("puromycin"))
    assert (ok, why) == (False, "Needs at least 9 different values of the dose; 'conc' has 6.")
    assert fits(method({"roles": ["time", "event"], "min_events": 165}), profile("lung"))[0]
    ok, why = fits(method({"roles": ["time", "event"], "min_events": 166}), profile("lung"))
    assert (ok, why) == (False, "Needs at least 166 events; 'status' has 165 (2).")
    ok, why = fits(method({"min_events": 1}), revise(profile("lung"), roles={"age": "event"}))
    assert not ok
    assert "'age' has other values than two" in why


@pytest.mark.parametrize(
    ("levels", "happened"),
    [
        (("0", "1"), "1"),
        (("2", "1"), "2"),
        (("alive", "Dead"), "Dead"),
        (("censored", "progression"), "progression"),
        (("a", "b"), None),
        (("1",), "1"),
    ],
)
def test_which_level_is_the_event(levels: tuple[str, ...], happened: str | None) -> None:
    assert event_level(levels) == happened


def test_choices_of_numbers_and_of_what_was_measured() -> None:
    asked = method(
        {},
        time={"x-choices-from": "numbers:time", "x-default-from": "role"},
        group={"x-choices-from": "columns:target,condition", "x-default-from": "role", "x-optional": True},
        value={"x-choices-from": "values", "x-optional": True},
    )
    schema = parameter_schema(asked, profile("puromycin"))["properties"]
    assert schema["time"]["enum"] == ["conc", "rate"]
    assert "default" not in schema["time"]
    assert schema["group"]["default"] == "state"
    assert schema["value"]["enum"] == ["", "conc", "rate"]
    assert parameter_schema(asked, profile("lung"))["properties"]["time"]["default"] == "time"
    matrix = profile("iris").model_copy(update={"orientation": "genes_in_rows"})
    assert "enum" not in parameter_schema(asked, matrix)["properties"]["value"]  # any gene
