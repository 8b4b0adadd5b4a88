"""Profiles and scores as tasks: through a real worker, of the methods that come along and of one of one's own."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from codalab_nb import Site
from codalab_nb.analysis.expression import EXAMPLES
from codalab_nb.analysis.stability import Asked, score
from codalab_nb.errors import InputError
from codalab_nb.examples import example_folder
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.task import Priority, State
from codalab_nb.site.catalog import Template, read_template
from codalab_nb.site.requests import Options
from codalab_nb.site.tasks import Task
from codalab_nb.systematic.service_tasks import (
    PROFILE_METHOD,
    SCORE_METHOD,
    compared,
    profile_draft,
    read_profile,
    read_score,
    read_score_reason,
    score_draft,
)
from tests.support.home import Home
from tests.support.notebooks import write

pytestmark = pytest.mark.timeout(400)  # a dozen runs of a method, where many tests run beside each other

METHODS = Path(__file__).parents[2] / "notebooks" / "methods"
OPTIONS = Options(priority=Priority.BACKGROUND)
DECLARED = {
    "name": "by-difference",
    "title": "By difference",
    "sentence": "Ranks genes by the difference of their means.",
    "question": "Which genes differ most?",
    "answers": "differences",
    "score": {"ranking": "genes", "found": "hits"},
    "needs": {"table": "matrix", "roles": ["condition"]},
    "parameters": {"least": {"type": "number", "title": "Least", "description": "Smallest difference", "default": 1.5}},
    "metrics": [{"name": "hits", "title": "Genes that differ"}],
}
CELLS = (
    "dataset: str = 'inputs/dataset'\nleast: float = 1.5",
    "%matplotlib inline\nfrom codalab_nb import report\n"
    "from codalab_nb.analysis.expression import load\ndata = load(dataset)",
    "groups = data.groups(data.column_with_role('condition'))\n"
    "means = data.values.T.groupby(groups).mean()\n"
    "difference = (means.iloc[0] - means.iloc[1]).abs().sort_values(ascending=False)\n"
    "report.table(difference.to_frame('difference'), 'genes')\n"
    "report.metric('hits', (difference > least).sum())\ndifference",
)


def own_method(folder: Path, language: str = "python") -> Template:
    """A person's method: no row names are declared, a magic, and a value that is shown."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    cells[0].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": language}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "codalab": DECLARED})
    path = folder / "by-difference.ipynb"
    nbformat.write(notebook, path)
    return read_template(path)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Home(tmp_path_factory.mktemp("scores") / "home"), Site.open() as opened:
        opened.add_dataset(example_folder(), name="golub", accept=True)
        yield opened


@pytest.fixture(scope="module")
def golub(site: Site) -> DatasetDocument:
    return site.catalog.dataset("golub")


def new() -> str:
    return str(uuid.uuid4())


def scored(site: Site, document: DatasetDocument, template: Template, **given: Any) -> Task:
    # The budget is used up at once: two splits and two shuffles are enough here.
    draft = score_draft(site, document, template, given, task=new(), options=OPTIONS, budget_s=0.1)
    task = site.submit([draft])[0].wait()
    assert task.row.state is State.SUCCEEDED, task.reason
    return task


def test_a_data_set_is_measured_by_a_task(site: Site, golub: DatasetDocument) -> None:
    draft = profile_draft(site, golub, task=new(), options=OPTIONS)
    task = site.submit([draft])[0]
    assert task.wait().row.state is State.SUCCEEDED, task.reason
    found = read_profile(site, task.id)
    assert found is not None
    assert (found.rows, found.columns) == (38, 3051)
    assert found.features["log_samples"] == pytest.approx(math.log10(39))
    assert math.isnan(found.features["batch_tied_to_groups"])
    assert set(found.sketches) == {"samples", "features", "content"}
    assert (task.row.method, task.row.dataset) == (PROFILE_METHOD, "golub@1")
    # A person's lists leave it out.
    assert [row.id for row in site.ledger.find(dataset="golub", method=PROFILE_METHOD)] == [task.id]
    assert task.id not in {row.id for row in site.ledger.find(service=False)}


def test_files_that_are_no_table_are_measured_too(site: Site, tmp_path: Path) -> None:
    (tmp_path / "notes.bin").write_bytes(bytes(range(256)))
    document = site.add_dataset(tmp_path / "notes.bin", name="notes")
    assert document.profile.orientation == "files"
    task = site.submit([profile_draft(site, document, task=new(), options=OPTIONS)])[0].wait()
    found = read_profile(site, task.id)
    assert found is not None
    assert (found.rows, found.columns) == (0, 0)
    assert math.isnan(found.features["component_1"])


def test_a_profile_that_is_not_there_or_damaged_is_none(site: Site, golub: DatasetDocument, tmp_path: Path) -> None:
    assert read_profile(site, new()) is None
    for content in ("[]", '{"features": {"x": "y"}}', "{"):
        source = f"from pathlib import Path\nwritten = Path('profile.json').write_text({content!r})"
        task = site.run(write(tmp_path / "writes.ipynb", source)).wait()
        assert task.verdict == "succeeded"
        assert read_profile(site, task.id) is None


def test_a_ranking_is_scored_by_a_task(site: Site, golub: DatasetDocument) -> None:
    task = scored(site, golub, read_template(METHODS / "de-continuous.ipynb"), alpha=0.01)
    found = read_score(task.row)
    assert found is not None
    assert 0.1 < found < 0.9
    assert task.row.metrics["found"] > 100 * (task.row.metrics["found_permuted"] + 1)
    assert (task.row.method, task.row.dataset) == (SCORE_METHOD, "golub@1")
    given = task.document.parameters
    assert (given["group"], given["levels"]) == ("group", ["ALL", "AML"])
    assert given["parameters"]["alpha"] == 0.01
    told = json.loads(task.file("score.json").read_text())
    assert told["score"] == found
    assert read_score_reason(task) == ""


def test_a_method_of_ones_own_is_scored_alike(site: Site, golub: DatasetDocument, tmp_path: Path) -> None:
    found = read_score(scored(site, golub, own_method(tmp_path), least=2.0).row)
    assert found is not None
    assert found > 0


def test_where_there_is_no_score_the_reason_is_kept(site: Site, golub: DatasetDocument, tmp_path: Path) -> None:
    task = scored(site, golub, own_method(tmp_path, language="julia"))
    assert read_score(task.row) is None
    assert "written in julia" in read_score_reason(task)


def test_what_cannot_be_scored_is_refused_before_a_task_is_made(site: Site, golub: DatasetDocument) -> None:
    for name, given, code in (
        ("predict-class", {}, "score_undeclared"),
        ("check-my-data", {}, "score_undeclared"),
        ("de-counts", {}, "method_does_not_fit"),
        ("de-continuous", {"alpha": 7.0}, "param_range"),
    ):
        with pytest.raises(InputError) as refused:
            score_draft(site, golub, read_template(METHODS / f"{name}.ipynb"), given, task=new(), options=OPTIONS)
        assert refused.value.code == code


def test_the_compared_groups_are_those_of_the_run(golub: DatasetDocument) -> None:
    method = read_template(METHODS / "de-continuous.ipynb").method
    profile = golub.profile
    assert compared(method, profile, {"condition": "group", "reference": "AML", "treated": "ALL"}) == (
        "group",
        ["AML", "ALL"],
    )
    # A proposed reference is left to the notebook, which takes the proposal.
    assert compared(method, profile, {"condition": "group", "reference": "", "treated": "AML"}) == (
        "group",
        ["ALL", "AML"],
    )
    assert compared(method, profile, {"condition": "cage", "reference": "", "treated": "x"}) == ("cage", [])
    every = read_template(METHODS / "compare-groups.ipynb").method
    assert compared(every, profile, {"group": "", "second": "group"}) == ("group", [])


def test_moderated_tests_beat_plain_ones_where_groups_are_small() -> None:
    """As is known of eleven against 27 arrays (Smyth 2004)."""
    scores = {}
    for name, ranking, found, group in (
        ("de-continuous", "genes", "genes_found", "condition"),
        ("compare-groups", "measurements", "measurements_different", "group"),
    ):
        notebook = json.loads((METHODS / f"{name}.ipynb").read_text())
        given = {"reference": "ALL", "treated": "AML"} if group == "condition" else {}
        made = Asked(notebook, {group: "group", **given}, ranking, found, "group", ["ALL", "AML"])
        scores[name] = score(EXAMPLES / "golub_leukemia", made, splits=2, permutations=2).score
    assert scores["de-continuous"] is not None
    assert scores["compare-groups"] is not None
    assert scores["de-continuous"] > scores["compare-groups"] + 0.05


def test_a_batch_that_goes_with_the_groups_is_no_discovery() -> None:
    """In the bladder data normal tissue came in few batches: what comes back there is the batch, unless it is
    taken into account."""
    notebook = json.loads((METHODS / "de-continuous.ipynb").read_text())
    scores = []
    for adjust_for in ("", "batch"):
        given = {"condition": "cancer", "reference": "Normal", "treated": "Cancer", "adjust_for": adjust_for}
        made = Asked(notebook, given, "genes", "genes_found", "cancer", ["Normal", "Cancer"])
        outcome = score(EXAMPLES / "bladder_batch", made, splits=2, permutations=3)
        assert outcome.score is not None
        scores.append(outcome.score)
    assert scores[1] > scores[0] + 0.1
