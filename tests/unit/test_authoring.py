"""The advice to authors: silent on the templates that come along, and complete on one that lacks everything."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from codalab_nb import report
from codalab_nb.model.authoring import REPORT_TYPE, advice, reported
from codalab_nb.model.method import Method, method_from_notebook

METHODS = Path(__file__).parents[2] / "notebooks" / "methods"
POOR = {
    "name": "poor",
    "title": "Poor",
    "sentence": "This " + "very " * 25 + "long sentence",
    "question": "Why",
    "parameters": {"k": {"type": "integer", "title": "k", "description": "", "default": 1}},
    "metrics": [{"name": "unreported", "title": "x"}],
    "references": ["Somebody (1999) Something"],
}


def notebook(*sources: str, declared: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    cells = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources]
    cells[0]["metadata"] = {"tags": ["parameters"]}
    return {"cells": cells, "metadata": {"codalab": copy.deepcopy(declared or POOR), **more}}


@pytest.mark.parametrize("path", sorted(METHODS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_templates_that_come_along_lack_nothing(path: Path) -> None:
    content = json.loads(path.read_text())
    assert [tip.message for tip in advice(content, method_from_notebook(content), stem=path.stem)] == []


def test_all_that_is_missing_is_told_at_once() -> None:
    content = notebook(
        "dataset = 'x'\nk = 1",
        "%matplotlib inline",
        "import seaborn, os\nreport.figure(f, 'map')\nreport.metric('other', 1)",
    )
    content["cells"][2]["outputs"] = [{"output_type": "stream"}]
    told = advice(content, Method.model_validate(POOR), stem="rich")
    messages = "\n".join(tip.message for tip in told)
    for words in (
        "28 words",
        "does not end with '.'",
        "does not end with '?'",
        "called 'poor', its file 'rich'",
        "reference has no doi",
        "usual time",
        "k has no smallest and largest",
        "k has no title",
        "k has no description",
        "No first figure",
        "'map' has no title",
        "'map' has no description",
        "No cell reports the metric 'unreported'",
        "'other' is reported and not declared",
        "No table",
        "outputs of an earlier run",
        "does not begin with its title",
        "what it does not",
        "kernel is None",
        "seaborn: imported and not declared",
    ):
        assert words in messages, words
    assert all(tip.fix and tip.code.startswith("advice_") for tip in told)


def test_a_refused_declaration_still_gets_advice() -> None:
    told = [tip.message for tip in advice(notebook("dataset = 1"), None, stem="x")]
    assert "Its kernel is None; others may not have it." in told


def test_names_made_while_running_are_not_held_against_the_author() -> None:
    content = notebook("dataset = 'x'", "report.metric(f'pc{n}', 1)", "report.figure(f, name, title=t, alt=a)")
    method = Method.model_validate({**POOR, "first_figure": "pca", "metrics": [{"name": "pc1", "title": "x"}]})
    told = " ".join(tip.message for tip in advice(content, method, stem="poor"))
    assert "pca" not in told
    assert "pc1" not in told


def test_a_run_is_held_against_the_declaration() -> None:
    method = Method.model_validate(
        {**POOR, "first_figure": "a", "usual_seconds": 1, "metrics": [{"name": "m", "title": "x"}]}
    )
    content = notebook("", "")
    content["cells"][1]["outputs"] = [
        {"output_type": "display_data", "data": {REPORT_TYPE: {"figure": "b", "title": "b", "alt": "b"}}},
        {"output_type": "display_data", "data": {REPORT_TYPE: {"figure": "a", "title": "t", "alt": "words"}}},
        {"output_type": "stream", "name": "stderr", "text": "Warning: old\nmore"},
    ]
    told = [tip.message for tip in reported(content, method, ["n"], 9.0)]
    assert told == [
        "The first figure of the run is 'b'; declared is 'a'.",
        "The figure 'b' has no description.",
        "The run did not report the metric 'm'.",
        "The run reported 'n', which is not declared.",
        "A cell wrote to standard error: Warning: old",
        "It took 9.0 s; 1 s are declared.",
    ]
    assert reported(notebook("", ""), method, ["m"])[0].message == "The run reported no figure 'a' (it reported: none)."


def test_the_mime_type_is_that_of_report() -> None:
    assert REPORT_TYPE == report.REPORT_TYPE
