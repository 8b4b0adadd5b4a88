"""What a run of a notebook tells and returns, with the sandbox and without."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from codalab_worker.warm import Box, Warmth
from tests.integration.worker.box_run import execute, follow, job, notebook, start, tagged


def test_hello(box: Box) -> None:
    """The plainest notebook runs in the submitter's interpreter, in the task's folder, with that folder importable."""
    run = execute(
        box, "import sys, os\nprint(sys.prefix)\nprint(os.getcwd())\nprint(repr(sys.path[0]))\nprint(__name__)"
    )
    prefix, folder, first, name = run.text().splitlines()
    assert run.ok
    assert prefix == sys.prefix
    assert folder in ("/task", str(box.folder))
    assert (first, name) == ("''", "__main__")
    assert [line["type"] for line in run.lines] == ["cell_started", "output", "cell_finished", "end"]


def test_other_interpreter(pool: Warmth, other_interpreter: Path, take: Callable[..., Box]) -> None:
    """A task runs in the environment it names, not in the worker's; both zygotes live side by side."""
    box = take(pool, str(other_interpreter))
    run = execute(box, "import sys, only_there\nprint(sys.prefix, only_there.answer)")
    assert run.text().split() == [str(other_interpreter.parent.parent), "42"]
    assert execute(take(pool), "import only_there").reason["ename"] == "ModuleNotFoundError"


def test_files_are_left_in_the_folder(box: Box) -> None:
    """What a notebook writes beside itself is what the host finds in `folder`."""
    assert execute(box, "open('result.txt', 'w').write('done')").ok
    assert (box.folder / "result.txt").read_text() == "done"


def test_parameters(box: Box) -> None:
    """papermill injects parameters after the tagged cell; that cell has index -1, the others keep their own."""
    cells = [tagged("x = 1", "parameters"), "print(x, repr(y))"]
    run = execute(box, *cells, parameters={"x": 5, "y": 'it\'s \\ "quoted"\n'})
    assert run.text(2) == "5 'it\\'s \\\\ \"quoted\"\\n'\n"
    assert [line["cell"] for line in run.of("cell_started")] == [0, -1, 1]
    assert run.end is not None
    assert run.end["notebook"]["metadata"]["papermill"]["parameters"]["x"] == 5
    assert run.cells()[1]["metadata"]["tags"] == ["injected-parameters"]


def test_outputs_of_every_kind(box: Box) -> None:
    """Streams merge, results and displays keep their data, updates change what was shown, clearing clears."""
    run = execute(
        box,
        "import sys\nprint('a'); print('b'); print('c', file=sys.stderr)\n40 + 2",
        "handle = display('first', display_id=True)\nhandle.update('second')",
        "from IPython.display import clear_output\nprint('gone')\nclear_output(wait=True)\nprint('stays')",
        "get_ipython().display_formatter.formatters['text/html'].for_type(int, lambda n: f'<b>{n}</b>'); 7",
        "handle.update('third')",
    )
    first = run.cells()[0]["outputs"]
    assert {output.get("name") for output in first} >= {"stdout", "stderr"}
    assert "".join(output["text"] for output in first if output.get("name") == "stdout") == "a\nb\n"
    assert first[-1]["data"]["text/plain"] == "42"
    assert first[-1]["execution_count"] == run.cells()[0]["execution_count"] == 1
    assert run.cells()[1]["outputs"][0]["data"]["text/plain"] == "'third'"
    assert run.text(2) == "stays\n"
    assert run.of("clear_output")
    assert run.cells()[3]["outputs"][0]["data"]["text/html"] == "<b>7</b>"


def test_outputs_stream_while_the_cell_runs(box: Box) -> None:
    """A print is seen long before its cell ends."""
    start(box, "print('early', flush=True)\nimport time\ntime.sleep(60)")
    run = follow(box, until="output")
    assert run.lines[-1]["output"]["text"] == "early\n"
    assert not run.of("cell_finished")


def test_figure(box: Box) -> None:
    """The inline backend draws: a figure is a PNG in the notebook."""
    pytest.importorskip("matplotlib")
    run = execute(box, "import matplotlib.pyplot as plt\nplt.plot([1, 2]);")
    assert "image/png" in run.cells()[0]["outputs"][-1]["data"]


def test_metrics(box: Box) -> None:
    """A report is a metric line, not an output; a bad one fails the run."""
    report = "display({'application/vnd.codalab.report+json': %s}, raw=True)"
    run = execute(box, report % {"metric": "accuracy", "value": 0.5})
    assert run.of("metric") == [{"type": "metric", "name": "accuracy", "value": 0.5}]
    assert run.cells()[0]["outputs"] == []


def test_bad_report(box: Box) -> None:
    """A text for a number is refused as such (THREATS O14)."""
    report = {"metric": "accuracy", "value": "0.5"}
    run = execute(box, f"display({{'application/vnd.codalab.report+json': {report}}}, raw=True)", "print('not run')")
    assert run.code == "bad_report"
    assert len(run.of("cell_started")) == 1


def test_cell_error(box: Box) -> None:
    """The reason names the cell and holds a plain traceback; later cells do not run; outputs so far are kept."""
    run = execute(box, "print('before')", "def f():\n    return 1 / 0\nf()", "print('never')")
    assert (run.code, run.reason["cell"]) == ("cell_error", 1)
    assert run.reason["ename"] == "ZeroDivisionError"
    assert "return 1 / 0" in run.reason["message"]
    assert "\x1b" not in run.reason["message"]
    assert run.text(0) == "before\n"
    assert run.cells()[1]["outputs"][-1]["output_type"] == "error"
    assert [line["ok"] for line in run.of("cell_finished")] == [True, False]


def test_tolerated_error(box: Box) -> None:
    """A cell tagged raises-exception may fail."""
    run = execute(box, tagged("1/0", "raises-exception"), "print('on')")
    assert run.ok
    assert run.text(1) == "on\n"


@pytest.mark.parametrize("source", ["raise SystemExit(0)", "import sys; sys.exit()", "exit()"])
def test_clean_stop(source: str, walled: Warmth, take: Callable[..., Box]) -> None:
    """SystemExit(0) ends the notebook successfully where it stands (THREATS N31)."""
    run = execute(take(walled), "print('a')", source, "print('never')")
    assert run.ok
    assert run.end is not None
    assert run.end["stopped_at"] == 1
    assert len(run.of("cell_started")) == 2


def test_exit_with_a_code(wall: Box) -> None:
    """SystemExit(1) is a failure (THREATS N31)."""
    run = execute(wall, "raise SystemExit(1)")
    assert (run.code, run.reason["ename"]) == ("cell_error", "SystemExit")


def test_input_is_refused_at_once(wall: Box) -> None:
    """Nobody can answer (THREATS R14)."""
    run = execute(wall, "input('name? ')")
    assert run.reason["ename"] == "StdinNotImplementedError"


def test_nul_in_source(wall: Box) -> None:
    """THREATS N28: an error of the cell, not of the machinery."""
    assert execute(wall, "x = 1\0").code == "cell_error"


def test_nothing_to_run(wall: Box) -> None:
    """Markdown and empty cells only (THREATS N26): success, nothing started."""
    markdown = {"cell_type": "markdown", "source": "# title", "metadata": {}}
    document = notebook("   ")
    document["cells"].append({**markdown, "id": "m"})
    wall.start(job(document))
    run = follow(wall)
    assert run.ok
    assert not run.of("cell_started")


def test_old_notebook_format(wall: Box) -> None:
    """nbformat 3 is upgraded (THREATS N11)."""
    cell = {"cell_type": "code", "input": "print('old')", "outputs": [], "language": "python", "metadata": {}}
    document = {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": [cell]}]}
    wall.start(job(document))
    run = follow(wall)
    assert run.ok
    assert run.text() == "old\n"


def test_environment_of_the_job(box: Box) -> None:
    """Variables that the task passes are there, and setting them leaves no trace in the notebook."""
    run = execute(box, "import os\nprint(os.environ['GREETING'], 'os' in dir(), In)", env={"GREETING": 'it\'s "me"'})
    assert run.text().startswith('it\'s "me" True')
    assert run.cells()[0]["execution_count"] == 1


def test_unknown_language_with_parameters(wall: Box) -> None:
    """Only tested translators are used (THREATS N24, P14)."""
    wall.start(job(notebook("1", language_info={"name": "klingon"}), parameters={"x": 1}))
    assert follow(wall).code == "param_language"


def test_kernel_by_command(box: Box) -> None:
    """Another kernelspec's command runs in the same box, warm or not."""
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    run = execute(box, "import os; print('other', os.getcwd())", kernel_argv=argv, env={"GREETING": "hi"})
    assert run.ok
    assert run.text().split() == ["other", run.text().split()[1]]
    assert run.text().split()[1] in ("/task", str(box.folder))


def test_missing_kernel_command(wall: Box) -> None:
    """THREATS N23, seen from the runner: the program is not in the box."""
    assert execute(wall, "1", kernel_argv=["/no/such/kernel", "{connection_file}"]).code == "no_kernel"


def test_random_numbers_differ(pool: Warmth, take: Callable[..., Box]) -> None:
    """Forked kernels share a state that must not show: two tasks draw different numbers."""
    pytest.importorskip("numpy")
    source = "import numpy, random\nprint(numpy.random.rand(), random.random())"
    assert execute(take(pool), source).text() != execute(take(pool), source).text()
