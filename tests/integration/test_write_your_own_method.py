"""The page for authors, word for word: its notebook is put together from the page, checked, and run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from codalab_nb.examples import example_folder
from tests.support.home import Home

PAGE = Path(__file__).parents[2] / "docs" / "do" / "write-your-own-method.md"


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(json|python)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    declared = next(json.loads(block) for kind, block in blocks if kind == "json")
    code = [block.rstrip("\n") for kind, block in blocks if kind == "python"]
    cells = [nbformat.v4.new_markdown_cell("# Levels of my samples\n\n" + declared["question"])]
    cells += [nbformat.v4.new_code_cell(source) for source in code]
    cells[1].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path / "sample-levels.ipynb"
    metadata = {"kernelspec": kernel, "codalab": declared}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)
    return path


def test_the_page_can_be_followed_word_for_word(notebook: Path, tmp_path: Path) -> None:
    with Home(tmp_path / "home") as home:
        commands(home, "dataset", "add", str(example_folder()), "--name", "golub")
        checked = commands(home, "method", "check", str(notebook), "--run", "golub", "--json")
        told: dict[str, Any] = json.loads(checked)
        assert told["ok"]
        # How long it takes depends on the machine; everything else is as the page says.
        assert [tip["message"] for tip in told["advice"] if tip["code"] != "advice_usual_seconds"] == []
        run = json.loads(commands(home, "run", str(notebook), "-i", "dataset=golub", "-p", "quantile=0.9", "--json"))
        assert run["verdict"] == "succeeded"
        assert list(run["metrics"]) == ["spread"]
        assert set(run["files"]) >= {"levels.png", "levels_by_sample.xlsx"}
        # What the run lacks is told.
        content = json.loads(notebook.read_text())
        content["metadata"]["codalab"]["first_figure"] = "other"
        content["metadata"]["codalab"]["metrics"].append({"name": "never", "title": "Never reported"})
        notebook.write_text(json.dumps(content))
        told = json.loads(commands(home, "method", "check", str(notebook), "--run", "golub", "--json"))
    messages = " ".join(tip["message"] for tip in told["advice"])
    assert "The run reported no figure 'other' (it reported: levels)." in messages
    assert "The run did not report the metric 'never'." in messages


def commands(home: Home, *words: str) -> str:
    program = "import sys; from codalab_nb.frontends.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, *words], env=home.environment(), capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout
