"""`%codalab run` as a person sees it, in JupyterLab and Notebook 7: live, cancelled, failed, reloaded, the next day."""

from __future__ import annotations

import pytest

from tests.support.browser import Notebook
from tests.support.home import Home
from tests.support.notebooks import write

GONE = "model not found"


@pytest.fixture(autouse=True)
def _loaded(notebook: Notebook) -> None:
    notebook.run("%load_ext codalab_nb")


def job(notebook: Notebook, *cells: str) -> str:
    """A notebook beside the open one, for a worker."""
    return write(notebook.file.parent / "job.ipynb", *cells).name


def test_a_task_is_seen_while_it_runs_and_the_next_day(notebook: Notebook) -> None:
    """What a cell prints is there before the cell ends; the end is kept in the file, as text, without any widget."""
    name = job(
        notebook,
        "print('first line', flush=True)",
        "import time\nfor i in range(60):\n    print('tick', i, flush=True)\n    time.sleep(0.05)",
        "from codalab_nb import report\nreport.metric('accuracy', 0.875)\nprint('last line')",
    )
    notebook.save()
    before = notebook.file.read_bytes()
    index = notebook.run(f"%codalab run {name}")  # does not block: it ends while the task runs
    notebook.sees(index, "tick 1")
    assert "last line" not in notebook.text(index)
    assert notebook.button(index, "Cancel").is_visible()
    notebook.shot("running")
    notebook.sees(index, "last line")
    assert notebook.in_sight(index, "tick 59"), "the end of a long output is what one wants to see"
    notebook.sees(index, "succeeded")
    notebook.sees(index, "0.875")
    notebook.shot("succeeded")
    assert notebook.file.read_bytes() == before, "the person saves the notebook, nobody else"
    document = notebook.saved()
    assert "widgets" not in document["metadata"]
    notebook.next_day()
    notebook.sees(index, "succeeded")
    for words in ("first line", "last line", "0.875"):
        notebook.sees(index, words)
    assert GONE not in notebook.text(index)
    assert not notebook.button(index, "Cancel").count()
    notebook.shot("succeeded-next-day")


def test_a_task_is_cancelled_by_its_button_while_the_kernel_is_busy(notebook: Notebook) -> None:
    """The button must work in just the situation in which it is wanted: the notebook waits for the task."""
    name = job(notebook, "print('begun', flush=True)\nimport time\ntime.sleep(600)")
    index = notebook.run(f"task = %codalab run {name}\ntask")
    notebook.sees(index, "begun")
    waiting = notebook.add("print('verdict:', task.wait().verdict)")
    notebook.start(waiting)
    notebook.click(index, "Cancel")
    notebook.ended(waiting)
    notebook.sees(waiting, "verdict: cancelled")
    notebook.sees(index, "cancelled")
    assert not notebook.button(index, "Cancel").count()
    notebook.shot("cancelled")


def test_a_failure_shows_the_traceback(notebook: Notebook) -> None:
    """One must see what failed, where, without opening anything."""
    name = job(notebook, "def ratio(a, b):\n    return a / b", "print('before')\nratio(1, 0)", "print('never')")
    index = notebook.run(f"%codalab run {name}")
    notebook.sees(index, "ZeroDivisionError: division by zero")
    notebook.sees(index, "failed")
    seen = notebook.text(index)
    assert "return a / b" in seen
    assert "before" in seen
    assert "never" not in seen
    notebook.shot("failed")
    notebook.next_day()
    notebook.sees(index, "ZeroDivisionError: division by zero")
    assert GONE not in notebook.text(index)
    notebook.shot("failed-next-day")


def test_reload_of_the_page_while_a_task_runs(notebook: Notebook, home: Home) -> None:
    """After F5 the display goes on; if the end could not be saved, the file says so and how to see it."""
    name = job(notebook, "import time\nfor i in range(6000):\n    print('tick', i, flush=True)\n    time.sleep(0.1)")
    index = notebook.run(f"task = %codalab run {name}\ntask")
    notebook.sees(index, "tick 3")
    notebook.save()
    notebook.reload()
    notebook.page.wait_for_function(
        "() => document.body.innerText.match(/tick (\\d+)/g)?.some(tick => Number(tick.slice(5)) > 15)"
    )
    notebook.shot("reloaded")
    notebook.click(index, "Cancel")
    notebook.sees(index, "cancelled")
    with home.site() as site:
        task = site.tasks("@last")[0].id
    notebook.next_day()
    # After a reload JupyterLab does not let a kernel change a saved output any more, so it may be the one from before.
    seen = notebook.text(index)
    assert GONE not in seen
    assert "was running" in seen
    assert f"%codalab status {task[-8:]}" in seen
    notebook.shot("reloaded-next-day")
    again = notebook.run(f"%load_ext codalab_nb\n%codalab status {task}")
    notebook.sees(again, "cancelled")


def test_an_untrusted_copy_is_readable(notebook: Notebook) -> None:
    """A colleague who is sent the notebook reads the result, too, and no remains of a widget."""
    index = notebook.run(f"%codalab run {job(notebook, 'print(6 * 7)')}")
    notebook.sees(index, "succeeded")
    copy = notebook.file.with_name("copy.ipynb")
    notebook.save()
    copy.write_text(notebook.file.read_text().replace("%load_ext", " %load_ext", 1))
    notebook.name = copy.name
    notebook.open()
    notebook.sees(index, "succeeded")
    notebook.sees(index, "42")
    assert "VBox" not in notebook.text(index)
    notebook.shot("untrusted")
