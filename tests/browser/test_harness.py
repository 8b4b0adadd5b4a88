"""The harness itself: what the other tests lean on does what it says."""

from __future__ import annotations

from tests.support.browser import Notebook


def test_a_cell_runs_and_is_read(lab_notebook: Notebook) -> None:
    """The verbs of the harness: run, read, save, reload, the next day."""
    notebook = lab_notebook
    index = notebook.run("print('hello', 6 * 7)")
    notebook.sees(index, "hello 42")
    document = notebook.saved()
    assert document["cells"][index]["outputs"][0]["text"] == ["hello 42\n"]
    notebook.reload()
    notebook.sees(index, "hello 42")
    notebook.next_day()
    notebook.sees(index, "hello 42")
    assert notebook.text(notebook.run("print('hello' in dir())")).strip() == "False"


def test_the_watch_sees_scripts_requests_and_dialogs(lab_notebook: Notebook) -> None:
    """A watch that misses what a script does would let every test of hostile outputs pass."""
    index = lab_notebook.run(
        "from IPython.display import HTML, display\n"
        'display(HTML(\'<img src="http://127.0.0.2:9/a" onerror="alert(1); document.title=1; throw Error(9)">\'))'
    )
    lab_notebook.page.wait_for_function("() => document.title === '1'")
    assert lab_notebook.watch.dialogs == ["alert: 1"]
    assert lab_notebook.watch.foreign == ["http://127.0.0.2:9/a"]
    assert any("9" in error for error in lab_notebook.watch.errors), index
