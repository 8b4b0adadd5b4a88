"""Cells run again and again: each time anew, in a folder of their own, and nothing of it comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from codalab_nb import report
from codalab_nb.analysis.expression import EXAMPLES
from codalab_nb.analysis.rerun import CellError, language_fault, run_cells

GOLUB = EXAMPLES / "golub_leukemia"


def notebook(*sources: str) -> dict[str, Any]:
    cells = [{"cell_type": "code", "metadata": {}, "source": source} for source in sources]
    return {"cells": [{"cell_type": "markdown", "metadata": {}, "source": "# not Python"}, *cells], "metadata": {}}


def tagged(source: str, *more: str) -> dict[str, Any]:
    made = notebook(source, *more)
    made["cells"][1]["metadata"]["tags"] = ["parameters"]
    return made


def test_cells_see_the_data_and_the_given_parameters() -> None:
    told = run_cells(
        tagged(
            "dataset = 'elsewhere'\nfactor = 1",
            "from codalab_nb import report\nfrom codalab_nb.analysis.expression import load\ndata = load(dataset)",
            "report.metric('rows', factor * len(data.values)); report.table(data.samples, 'samples')",
        ),
        {"factor": 2},
        GOLUB,
    )
    assert told.metrics == {"rows": 6102}
    assert list(told.tables["samples"]) == ["group"]


def test_nothing_comes_out_and_nothing_is_left(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    before = Path.cwd()
    made = notebook(
        "import sys, warnings\nprint('loud')\nsys.stderr.write('louder')\nwarnings.warn('careful')",
        "from pathlib import Path\nassert not list(Path().glob('*.txt'))\nPath('left.txt').write_text('x')",
        "from codalab_nb import report\nimport matplotlib.pyplot as plt\nfigure, axes = plt.subplots()",
        "assert len(plt.get_fignums()) == 1\nreport.figure(figure, 'one')",
        "assert 'kept' not in globals()\nkept = 1",
    )
    for _ in range(2):
        assert run_cells(made, {}, GOLUB).figures == ["one"]
    assert capfd.readouterr() == ("", "")
    assert Path.cwd() == before
    with report.captured() as outer:  # and the hook is free again
        report.metric("after", 1)
    assert outer.metrics == {"after": 1}


def test_random_numbers_begin_anew() -> None:
    made = notebook(
        "import random, numpy as np\nfrom codalab_nb import report",
        "report.metric('one', random.random()); report.metric('two', np.random.random())",
    )
    assert run_cells(made, {}, GOLUB).metrics == run_cells(made, {}, GOLUB).metrics


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("1 / 0", "Cell 2 failed: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "Cell 2 failed: SystemExit: 3"),
        ("if True", "Cell 2 failed: SyntaxError"),
        (
            "from codalab_nb.analysis.expression import AnalysisError\nraise AnalysisError('Too few mice.')",
            "^Too few mice.$",
        ),
    ],
)
def test_a_failure_is_told_and_ends_the_run(source: str, told: str) -> None:
    before = Path.cwd()
    with pytest.raises(CellError, match=told):
        run_cells(notebook(source, "raise AssertionError('not reached')"), {}, GOLUB)
    assert Path.cwd() == before


def test_other_languages_are_named() -> None:
    assert language_fault(notebook("1")) == ""
    assert language_fault({"metadata": {"kernelspec": {"name": "python3", "language": "python"}}}) == ""
    assert "R" in language_fault({"metadata": {"kernelspec": {"name": "ir", "language": "R"}}})
    assert "julia" in language_fault({"metadata": {"language_info": {"name": "julia"}}})
