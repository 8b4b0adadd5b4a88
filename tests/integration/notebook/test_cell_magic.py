"""`%%codalab`: a cell on a worker, with variables in and out."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.home import Home, wait_for
from tests.support.kernel import Kernel, kernel


@pytest.fixture(scope="module")
def person(home: Home) -> Iterator[Kernel]:
    folder = Path(tempfile.mkdtemp(prefix="cn-"))
    (folder / "beside.txt").write_text("a file beside the notebook")
    try:
        with kernel(folder, home.environment(), interactive=True) as one:
            assert one.run("%load_ext codalab_nb").ok
            yield one
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_variables_go_and_come_as_they_are(person: Kernel) -> None:
    """Arrays, tables with their dtypes and index, and plain values; the cell saw only what was sent."""
    person.run(
        "import numpy as np, pandas as pd\n"
        "a = np.arange(4, dtype='int16')\nfactor = 2.5\nhidden = 'not sent'\n"
        "n = pd.array([1, None], dtype='Int64')\n"
        "df = pd.DataFrame({'g': pd.Categorical(['u', 'v']), 'n': n}, index=['r', 's'])"
    )
    cell = person.run(
        "%%codalab -i a -i df,factor -o b,back,told\n"
        "b = a * factor\nback = df.assign(twice=df.n * 2)\ntold = {'names': dir().count('hidden'), 'x': [None, 'é']}"
    )
    assert cell.ok, cell.traceback
    checked = person.run(
        "assert b.dtype == 'float64' and b.tolist() == [0, 2.5, 5, 7.5]\n"
        "assert str(back.dtypes.to_dict()) == str({**df.dtypes.to_dict(), 'twice': pd.Int64Dtype()})\n"
        "assert back.index.tolist() == ['r', 's'] and told == {'names': 0, 'x': [None, 'é']}"
    )
    assert checked.ok, checked.traceback


def test_what_cannot_travel_is_refused_before_anything_is_sent(person: Kernel, home: Home) -> None:
    """Everything wrong is told at once, and no task was made."""
    with home.site() as site:
        before = len(site.ledger.find())
    person.run("class Own: pass\nown = Own(); t = (1, 2); o = np.array([1, 'a'], dtype=object); f = lambda: 0")
    cell = person.run("%%codalab -i own -i t,o,f -i nothing_such -o y --timeout never\n1")
    for words in (
        "own is a Own",
        "Send list(t)",
        "array of Python objects",
        "f is a function",
        "no such variable",
        "never",
    ):
        assert words in cell.traceback
    assert "pickle" in cell.traceback
    with home.site() as site:
        assert len(site.ledger.find()) == before


def test_a_failing_cell_shows_its_own_traceback(person: Kernel) -> None:
    """The lines are those of the cell; nothing of ours stands in it; the notebook stops."""
    cell = person.run("%%codalab\nx = 1\ny = x / 0")
    assert not cell.ok
    assert cell.error is not None
    assert cell.error["evalue"] == "ZeroDivisionError: division by zero"
    assert "line 2" in cell.traceback
    assert "site-packages" not in cell.traceback
    assert "magics.py" not in cell.traceback


def test_a_variable_that_was_not_set_or_cannot_return_is_told(person: Kernel) -> None:
    missing = person.run("%%codalab -o never_set\n1")
    assert "did not set never_set" in missing.traceback
    for name in ("class", "größe", "codalab_nb"):  # refused before the cell has run for hours
        assert "is not the name of a variable that can travel" in person.run(f"%%codalab -o {name}\n1").traceback
    odd = person.run("%%codalab -o g\ng = (i for i in range(3))")
    assert "g is a generator" in odd.traceback
    ended = person.run("%%codalab -o z\nz = 1\nraise SystemExit(0)")
    assert "before they were handed over" in ended.traceback


def test_the_cell_may_change_its_folder_and_its_names(person: Kernel) -> None:
    """What it computed comes back all the same."""
    cell = person.run("%%codalab -o y\nimport os\nos.chdir('/tmp')\nglobals = 3\ny = 41")
    assert cell.ok, cell.traceback
    assert person.run("print(y)").text.strip() == "41"


def test_a_long_error_does_not_swell_the_notebook(person: Kernel) -> None:
    cell = person.run("%%codalab\nraise ValueError('x' * 400_000)")
    assert len(cell.traceback) < 100_000
    assert "characters are in the executed notebook" in cell.traceback


def test_files_beside_the_notebook_go_along(person: Kernel) -> None:
    cell = person.run("%%codalab -o told\ntold = open('beside.txt').read()")
    assert cell.ok, cell.traceback
    assert "a file beside" in person.run("print(told)").text


def test_limits_and_help(person: Kernel) -> None:
    late = person.run("%%codalab --timeout 1s\nwhile True: pass")
    assert "time" in late.traceback
    assert "-o NAME" in person.run("%%codalab --help\n1").text
    assert "named with -i and -o" in person.run("%%codalab df\n1").traceback
    assert "no flag --tiemout" in person.run("%%codalab --tiemout 1s\n1").traceback


def test_an_interrupt_cancels_the_task(person: Kernel, home: Home) -> None:
    """As it would end a cell that runs here."""
    pid = int(person.run("import os; print(os.getpid())").text)
    with home.site() as site:

        def interrupt_when_running() -> None:
            wait_for(lambda: any(row.notebook.startswith("cell-") and row.is_open for row in site.ledger.find(limit=3)))
            wait_for(lambda: site.task("@last").state == "running")
            os.kill(pid, signal.SIGINT)

        helper = threading.Thread(target=interrupt_when_running)
        helper.start()
        cell = person.run("%%codalab\nimport time\nprint('begun', flush=True)\ntime.sleep(600)")
        helper.join()
        assert not cell.ok
        assert "Interrupted: the task was cancelled." in cell.text
        assert site.task("@last").verdict == "cancelled"


def test_a_figure_is_kept_where_nobody_watches(home: Home) -> None:
    """papermill's copy of the notebook must show the plot that the worker drew."""
    folder = Path(tempfile.mkdtemp(prefix="cn-"))
    try:
        with kernel(folder, home.environment(), interactive=False) as one:
            one.run("%load_ext codalab_nb")
            cell = one.run("%%codalab\nprint('drawing')\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);")
            assert cell.ok, cell.traceback
            assert "drawing" in cell.text
            assert "data:image/png;base64," in cell.shown("text/html")[0]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
