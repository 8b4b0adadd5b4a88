"""What a template notebook declares, whether it fits a data set, and the check of its parameters."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from codalab_nb.errors import InputError
from codalab_nb.model.choices import check_parameters, parameter_schema, value_from_text
from codalab_nb.model.dataset import Column, Level, Profile, Reference
from codalab_nb.model.design import revise
from codalab_nb.model.method import FOR_COUNTS, Method, fits, method_from_notebook, parameters_cell
from codalab_nb.model.score import LABEL_FREE

METHODS = Path(__file__).parent.parent.parent / "notebooks" / "methods"


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((METHODS / f"{name}.ipynb").read_text())
    return content


def method(name: str) -> Method:
    return method_from_notebook(read(name))


def matrix(levels: dict[str, int], *, kind: str = "log", proposed: bool = True) -> Profile:
    columns: tuple[Column, ...] = (
        Column(
            name="group",
            type="groups",
            role="condition",
            role_proposed=True,
            levels=tuple(Level(name=name, n=n) for name, n in levels.items()),
        ),
        Column(name="plate", type="groups", levels=(Level(name="p1", n=2), Level(name="p2", n=2))),
    )
    first = next(iter(levels))
    return Profile.model_validate(
        {
            "orientation": "genes_in_rows",
            "kind": kind,
            "n_samples": sum(levels.values()),
            "n_features": 100,
            "columns": columns,
            "reference": Reference(column="group", level=first, why="it is the first", proposed=proposed),
        }
    )


@pytest.mark.parametrize("path", sorted(METHODS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_template_declares_itself_without_a_fault(path: Path) -> None:
    notebook = json.loads(path.read_text())
    found = method_from_notebook(notebook)
    assert found.name == path.stem
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert all(not cell.get("outputs") for cell in notebook["cells"])
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", sorted(METHODS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_template_says_what_kind_of_question_it_answers(path: Path) -> None:
    """A ranking that is scored is a table which the notebook reports."""
    notebook = json.loads(path.read_text())
    found = method_from_notebook(notebook)
    assert found.answers
    if found.score is not None and found.score.ranking is not None:
        sources = ["".join(cell["source"]) for cell in notebook["cells"]]
        assert any("report.table(" in source and f'"{found.score.ranking}"' in source for source in sources)


def test_the_measure_of_a_score_is_told_in_words() -> None:
    assert method("predict-class").measure == "balanced accuracy"
    assert method("pca-overview").measure == "share of PC1 explained by the groups (R²)"
    assert method("de-counts").measure == LABEL_FREE
    assert method("check-my-data").measure == ""


def test_the_score_of_a_run_is_higher_when_it_is_better() -> None:
    assert method("predict-class").score_of({"balanced_accuracy": 0.9, "auc": 0.95}) == 0.9
    assert method("predict-class").score_of({"auc": 0.95}) is None  # not reported: no score
    assert method("de-counts").score_of({"genes_found": 30}) is None  # takes a task of its own
    notebook = read("batch-check")
    notebook["metadata"]["codalab"]["score"] = {"metric": "batch_percent_after"}
    turned = method_from_notebook(notebook)
    assert turned.score_of({"batch_percent_after": 1.5}) == -1.5
    assert turned.measure.endswith("less is better")


@pytest.mark.parametrize(
    ("score", "told"),
    [
        ({}, "either"),
        ({"metric": "auc", "ranking": "methods", "found": "auc"}, "given: metric, ranking, found"),
        ({"ranking": "methods"}, "given: ranking"),
        ({"metric": "accuracy"}, "'accuracy', which is not in metrics (balanced_accuracy, auc"),
        ({"ranking": "methods", "found": "hits"}, "'hits', which is not in metrics"),
        ({"metric": "null_mean"}, '"better": "higher" or "lower"'),
        ({"metric": "auc", "direction": "up"}, "Extra inputs"),
    ],
)
def test_a_score_that_cannot_be_had_is_refused(score: dict[str, str], told: str) -> None:
    notebook = read("predict-class")
    notebook["metadata"]["codalab"]["score"] = score
    with pytest.raises(InputError) as refused:
        method_from_notebook(notebook)
    assert told in str(refused.value)


def test_a_score_without_the_kind_of_question_is_refused() -> None:
    notebook = read("predict-class")
    del notebook["metadata"]["codalab"]["answers"]
    with pytest.raises(InputError, match='a score needs "answers"'):
        method_from_notebook(notebook)


def test_all_faults_of_a_declaration_are_told_at_once() -> None:
    notebook = copy.deepcopy(read("de-continuous"))
    declared = notebook["metadata"]["codalab"]
    declared["name"] = "No Name"
    declared["surprise"] = 1
    declared["parameters"]["alpha"]["default"] = "five"
    declared["parameters"]["treated"]["x-choices-from"] = "rows"
    declared["parameters"]["wholly_new"] = {"type": "string", "title": "t", "description": "d", "default": ""}
    with pytest.raises(InputError) as refused:
        method_from_notebook(notebook, path="mine.ipynb")
    told = str(refused.value)
    for words in ("name", "surprise", "alpha", "treated", "does not set wholly_new"):
        assert words in told
    assert len(refused.value.problems) >= 5


def test_the_parameters_cell_and_the_declaration_must_agree() -> None:
    notebook = copy.deepcopy(read("pca-overview"))
    notebook["metadata"]["codalab"]["parameters"]["top_genes"]["default"] = 500
    with pytest.raises(InputError, match="sets top_genes to 0; declared is 500"):
        method_from_notebook(notebook)
    cell = next(cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", []))
    cell["source"] = "import os\n"
    with pytest.raises(InputError, match="not a plain"):
        parameters_cell(notebook)
    with pytest.raises(InputError, match="0 cells"):
        parameters_cell({"cells": []})
    with pytest.raises(InputError, match="declares no method"):
        method_from_notebook({"cells": [], "metadata": {}})


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        (matrix({"a": 3, "b": 3}, kind="counts"), "as de-counts"),
        (matrix({"a": 3, "b": 1}), "at least 2 groups of 2 or more"),
        (matrix({"a": 4}), "at least 2 groups"),
        (matrix({"a": 1, "b": 2}), "at least 4 samples"),
        (Profile(orientation="table", n_samples=50), "expression matrix"),
        (Profile(orientation="files"), "no table"),
        (Profile(orientation="genes_in_rows", kind="log", n_samples=9, n_features=9), "--role COLUMN=condition"),
    ],
)
def test_what_does_not_fit_is_not_offered_and_the_reason_is_said(profile: Profile, reason: str) -> None:
    answer, words = fits(method("de-continuous"), profile)
    assert not answer
    assert reason in words


def test_what_fits_is_offered() -> None:
    assert fits(method("de-continuous"), matrix({"a": 3, "b": 3, "c": 1})) == (True, "Fits: 'group' has a 3, b 3, c 1.")
    assert fits(method("check-my-data"), Profile(orientation="table", n_samples=5))[0]
    assert not fits(method("check-my-data"), Profile(orientation="files"))[0]
    assert not fits(method("pca-overview"), Profile(orientation="table", n_samples=50))[0]


def test_choices_and_defaults_come_from_the_data_set() -> None:
    schema = parameter_schema(method("de-continuous"), matrix({"ALL": 27, "AML": 11}))
    assert schema["properties"]["condition"]["enum"] == ["group", "plate"]
    assert schema["properties"]["reference"]["default"] == "ALL"
    assert schema["properties"]["treated"]["default"] == "AML"
    assert schema["properties"]["adjust_for"]["enum"] == ["auto", "", "group", "plate"]
    assert schema["properties"]["adjust_for"]["default"] == "auto"  # what the notebook declares beside the columns
    assert schema["required"] == []
    other = parameter_schema(method("de-continuous"), matrix({"ALL": 27, "AML": 11}), {"condition": "plate"})
    assert other["properties"]["reference"]["enum"] == ["p1", "p2"]


def test_a_proposed_reference_stays_open_so_that_the_notebook_says_so() -> None:
    de = method("de-continuous")
    values = check_parameters(de, matrix({"ALL": 27, "AML": 11}), {})
    assert (values["condition"], values["reference"], values["treated"], values["alpha"]) == ("group", "", "AML", 0.05)
    assert check_parameters(de, matrix({"ALL": 27, "AML": 11}), {"reference": "ALL"})["reference"] == "ALL"
    assert check_parameters(de, matrix({"ALL": 27, "AML": 11}, proposed=False), {})["reference"] == "ALL"
    turned = check_parameters(de, matrix({"ALL": 27, "AML": 11}), {"treated": "ALL"})
    assert (turned["treated"], turned["reference"]) == ("ALL", "AML")


def test_with_three_groups_a_person_must_choose() -> None:
    with pytest.raises(InputError) as refused:
        check_parameters(method("de-continuous"), matrix({"a": 3, "b": 3, "c": 3}), {})
    assert [problem.code for problem in refused.value.problems] == ["param_missing"]
    assert "'b', 'c'" in refused.value.fix
    # A group of one sample is no choice.
    assert check_parameters(method("de-continuous"), matrix({"a": 3, "b": 3, "c": 1}), {})["treated"] == "b"


def test_every_wrong_value_is_told_at_once() -> None:
    given = {"alfa": 0.1, "alpha": 7, "floor": "x", "log_base": "3", "treated": "ALLX", "reference": "AML"}
    with pytest.raises(InputError) as refused:
        check_parameters(method("de-continuous"), matrix({"ALL": 27, "AML": 11}), given)
    found = {problem.code for problem in refused.value.problems}
    assert found == {"param_unknown", "param_range", "param_type", "param_choice"}
    for words in ("Did you mean 'alpha'?", "between 1e-06 and 0.5", "found 'x'", "Did you mean 'ALL'?"):
        assert words in str(refused.value)
    with pytest.raises(InputError, match="both 'AML'"):
        check_parameters(
            method("de-continuous"), matrix({"ALL": 27, "AML": 11}), {"treated": "AML", "reference": "AML"}
        )


def test_true_is_no_number_and_text_is_taken_in_the_declared_type() -> None:
    pca = method("pca-overview")
    for given in ({"top_genes": True}, {"top_genes": 1.5}, {"scale": 1}, {"floor": float("nan")}):
        with pytest.raises(InputError) as refused:
            check_parameters(pca, matrix({"a": 3, "b": 3}), given)
        assert refused.value.code == "param_type", given
    assert value_from_text(pca, "top_genes", "500") == 500
    assert value_from_text(pca, "scale", "true") is True
    assert value_from_text(pca, "floor", "1e1") == 10.0
    assert value_from_text(pca, "color_by", "007") == "007"
    for name, text in (("top_genes", "many"), ("scale", "maybe"), ("nothing", "1")):
        with pytest.raises(InputError):
            value_from_text(pca, name, text)


def test_a_role_given_later_changes_the_choices() -> None:
    profile = revise(matrix({"ALL": 2, "AML": 2}), roles={"plate": "condition"})
    assert check_parameters(method("de-continuous"), profile, {})["condition"] == "plate"


def test_marked_text_is_taken_as_plain_text() -> None:
    """The command line marks its words with a class of its own; the choices are plain."""

    class Marked(str):
        __slots__ = ()

    de, profile = method("de-continuous"), matrix({"ALL": 27, "AML": 11})
    assert type(value_from_text(de, "reference", Marked("ALL"))) is str
    values = check_parameters(de, profile, {"reference": Marked("ALL"), "log_base": Marked("2")})
    assert (values["reference"], type(values["reference"])) == ("ALL", str)
    with pytest.raises(InputError, match="cannot be 'ALX'"):
        check_parameters(de, profile, {"reference": Marked("ALX")})


def test_counts_are_not_to_be_called_something_else() -> None:
    de = method("de-continuous")
    counts = matrix({"a": 3, "b": 3}, kind="counts")
    _, words = fits(de, counts)
    assert "these values are counts" in words
    assert "Counts need a method for counts" in words
    assert "set it with --kind" not in words
    assert "--kind log" not in words
    _, words = fits(de, counts.model_copy(update={"kind_source": "user"}))
    assert "--kind" not in words
    one = matrix({"a": 1}).model_copy(update={"n_samples": 1})
    assert fits(de, one) == (False, "Needs at least 4 samples; there is 1.")


def test_the_method_that_counts_are_sent_to_takes_them() -> None:
    needs = method(FOR_COUNTS).needs
    assert "condition" in needs.roles
    assert needs.kinds == ("counts",)


@pytest.mark.parametrize("path", sorted(METHODS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_template_stands_in_the_gallery(path: Path) -> None:
    """`tools/gallery` makes page and pictures anew; they are small enough to be part of the repository."""
    docs = METHODS.parent.parent / "docs"
    assert f"../images/methods/{path.stem}.png" in (docs / "look-up" / "methods.md").read_text(encoding="utf-8")
    assert (docs / "images" / "methods" / f"{path.stem}.png").stat().st_size <= 60_000
