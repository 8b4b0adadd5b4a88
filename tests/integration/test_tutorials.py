"""The tutorial notebooks, run as their readers run them: every cell, in order, in a kernel of its own, on a real home.

A notebook that submits cannot itself be a task: inside a sandbox there is no site to submit to. So the tutorials are
executed by nbclient and by nbval in an ordinary kernel whose CODALAB_NB_HOME is a temporary one, and what they send
away is executed by our worker: the methods, `growth.ipynb`, every `%%codalab` cell.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from codalab_nb import Site
from codalab_nb.model.task import State, Verdict
from tests.support.home import ROOT, Home

TUTORIALS = ROOT / "notebooks" / "tutorials"
SUBMITTING = ("first-analysis", "run-my-notebook", "cells-on-a-worker")


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tutorials: whatever they write, they write into the copy."""
    return Path(shutil.copytree(TUTORIALS, tmp_path_factory.mktemp("tutorials") / "copy"))


def executed(folder: Path, name: str) -> nbformat.NotebookNode:
    """Raises at the first cell that fails, unless it is tagged `raises-exception`."""
    notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    client = NotebookClient(notebook, timeout=100, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    asyncio.run(client.async_execute())
    return notebook


def output(notebook: nbformat.NotebookNode, beginning: str) -> str:
    """All text below the one cell that starts so; colours of tracebacks dropped."""
    [cell] = [cell for cell in notebook.cells if f"{cell.source}\n".startswith(beginning)]
    texts = []
    for one in cell.outputs:
        texts += [one.get("text", ""), one.get("evalue", ""), *one.get("traceback", ())]
        texts += [text for kind, text in one.get("data", {}).items() if kind == "text/plain"]
    return "\n".join(texts)


def test_first_analysis(home: Home, site: Site, copies: Path) -> None:
    """From two files to a list of genes; its numbers are those that R finds in these data."""
    notebook = executed(copies, "first-analysis")
    assert "ALL (confirmed)" in output(notebook, "%codalab dataset set")
    assert "de-counts" in output(notebook, "%codalab method list")
    assert "3 succeeded" in output(notebook, "batch\n")
    [figure] = [cell for cell in notebook.cells if "Image(" in cell.source]
    assert "image/png" in figure.outputs[0].data
    tasks = [row for row in site.ledger.find() if row.dataset == "leukemia@2"]
    assert [row.state for row in tasks] == [State.SUCCEEDED] * 6
    assert all(home.starts(row.id) == 1 for row in tasks)  # our worker ran them


def test_run_my_notebook(site: Site, copies: Path) -> None:
    """Files go along, values are set, a failure shows its cell, a wrong request is refused whole."""
    notebook = executed(copies, "run-my-notebook")
    assert "growth.csv" in output(notebook, "%codalab run growth.ipynb --dry-run")
    assert "WT2" in output(notebook, "failed = ")
    assert output(notebook, "print(failed.verdict").startswith("failed cell_error")
    refused = output(notebook, "%codalab run growth.ipynb --timeout soon")
    assert "not a duration" in refused
    assert "no-such-file.csv" in refused
    rows = [row for row in site.ledger.find() if row.label == "growth.ipynb"]
    assert sorted(row.state for row in rows) == [State.FAILED, *[State.SUCCEEDED] * 5]


def test_cells_on_a_worker(copies: Path) -> None:
    """Variables travel both ways, what cannot travel and what fails is told in the cell, and the notebook goes on."""
    notebook = executed(copies, "cells-on-a-worker")
    assert "cannot travel" in output(notebook, "%%codalab -i double")
    failure = output(notebook, '%%codalab -i patients\nprint("so far')
    assert "On the worker" in failure
    assert "100 patients; at least 1,000 are needed" in failure
    assert "longer than its limit of 1 s" in output(notebook, "%%codalab --timeout 1s")


def test_the_notebook_that_is_sent_away_runs_as_it_is(site: Site) -> None:
    """growth.ipynb with the values it has, by our own worker, in its own folder."""
    task = site.run(TUTORIALS / "growth.ipynb")
    assert task.verdict is Verdict.SUCCEEDED, task.reason
    assert list(task.dataframe("rates")["strain"]) == ["wild_type", "mutant", "rescue"]
    assert 40 < task.metrics["fastest_doubling_minutes"] < 70


def test_a_notebook_that_submits_says_in_a_sandbox_that_it_cannot(site: Site) -> None:
    """The limit that the tutorials tell: inside a task there is no site. It must end in words, not hang."""
    task = site.run(TUTORIALS / "cells-on-a-worker.ipynb")
    assert task.verdict is Verdict.FAILED
    assert task.reason is not None
    assert "a task cannot submit tasks" in task.reason.message


@pytest.mark.timeout(240)
def test_outputs_that_readers_see_are_those_that_are_computed(home: Home, copies: Path) -> None:
    """nbval: every cell again, and the outputs stored in the notebooks compared with those it gets."""
    paths = [str(copies / f"{name}.ipynb") for name in SUBMITTING]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=100",
         "-q", "-p", "no:cacheprovider", "-c", "/dev/null", f"--rootdir={copies}", *paths],
        cwd=copies,
        env=home.environment(),
        capture_output=True,
        text=True,
        timeout=240,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-4000:]
    checked = sum("nbval-check-output" in Path(path).read_text() for path in paths)
    assert checked == len(paths)


def test_tutorials_are_kept_clean() -> None:
    """Stored are only the outputs that are checked: no path of a machine, no picture, no widget."""
    for path in TUTORIALS.glob("*.ipynb"):
        notebook = json.loads(path.read_text())
        assert "widgets" not in notebook["metadata"]
        for cell in notebook["cells"]:
            checked = "nbval-check-output" in cell["metadata"].get("tags", [])
            assert checked or not cell.get("outputs"), (path.name, cell["source"])
