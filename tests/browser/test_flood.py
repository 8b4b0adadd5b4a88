"""A worker that says too much: the page stays usable, and the notebook file small."""

from __future__ import annotations

from tests.support.browser import Notebook
from tests.support.notebooks import write

LINES = 1_000_000


def test_a_million_lines(lab_notebook: Notebook) -> None:
    """While they come, a person can click and type; afterwards the end of them is seen, and the file holds little."""
    notebook = lab_notebook
    write(
        notebook.file.parent / "flood.ipynb",
        f"for i in range({LINES}):\n    print('line', i, 'of a very long story that nobody can read to its end')",
        "print('the end')",
    )
    notebook.run("%load_ext codalab_nb")
    index = notebook.run("%codalab run flood.ipynb")
    notebook.sees(index, "line")
    # What a person does meanwhile goes through: another cell is typed and run, and its output is seen.
    for word in ("first", "second", "third"):
        notebook.page.evaluate("() => new Promise(requestAnimationFrame)")
        other = notebook.run(f"print('{word}' + ' of mine')", limit_s=20)
        notebook.sees(other, f"{word} of mine", limit_s=20)
    notebook.sees(index, "succeeded", limit_s=120)
    notebook.sees(index, "the end")
    notebook.shot("flood")
    elements = notebook.page.evaluate("() => document.querySelectorAll('*').length")
    assert elements < 10_000
    assert len(notebook.text(index)) < 300_000
    notebook.save()
    assert notebook.file.stat().st_size < 200_000
