"""What a worker sends is shown in the page of a person who is signed in: nothing of it may act there."""

from __future__ import annotations

import json

from tests.support.browser import Notebook
from tests.support.hostile_outputs import ACTIVE, LAST_WORDS, Beacon, cells
from tests.support.notebooks import notebook as document


def test_nothing_in_an_output_acts(lab_notebook: Notebook) -> None:
    """Live, and in the saved notebook the next day, where the front end trusts what stands in the file."""
    notebook, beacon = lab_notebook, Beacon()
    (notebook.file.parent / "hostile.ipynb").write_text(json.dumps(document(*cells(beacon.url).values())))
    with beacon.listening():
        notebook.run("%load_ext codalab_nb")
        index = notebook.run("%codalab run hostile.ipynb")
        notebook.sees(index, "failed", limit_s=120)
        notebook.sees(index, LAST_WORDS)
        notebook.page.wait_for_load_state("networkidle")
        notebook.shot("hostile")
        _harmless(notebook, index, beacon)
        notebook.next_day()
        notebook.sees(index, LAST_WORDS)
        notebook.page.wait_for_load_state("networkidle")
        notebook.shot("hostile-next-day")
        _harmless(notebook, index, beacon)


def _harmless(notebook: Notebook, index: int, beacon: Beacon) -> None:
    page, area = notebook.page, notebook.output(index)
    assert beacon.heard == []
    assert notebook.watch.foreign == []
    assert notebook.watch.dialogs == []
    assert page.evaluate("() => window.__owned") is None
    assert area.evaluate(ACTIVE) == []
    assert area.locator("mjx-container").count() == 0, "names are no formulas: a file called $x$ is shown so"
    assert "\u202e" not in notebook.text(index), "a file name must not be read backwards"
    assert page.evaluate("() => getComputedStyle(document.body).display") != "none"
    frames = page.locator("iframe.codalab-frame")
    assert frames.count() > 20, "the frames are where the hostile HTML is"
    for number in range(frames.count()):
        links = frames.nth(number).content_frame.locator("a[href]:not([href^='#']), [formaction], [action], [onclick]")
        assert links.count() == 0
