"""What a worker sends can do nothing in the page of a person, and not bring it to a halt."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext

from tests.support.home import Home
from tests.support.hostile_outputs import ACTIVE, LAST_WORDS, Beacon, cells
from tests.support.jupyter import Server
from tests.support.lab_page import LabPage


@pytest.fixture
def page(lab: Server, context: BrowserContext, home: Home) -> Iterator[LabPage]:
    page = LabPage(lab, context, home)
    yield page
    page.close()


def test_nothing_in_an_output_acts(page: LabPage) -> None:
    """Read from its first cell to its last, live and afterwards: no script, no request, nothing to click."""
    beacon = Beacon()
    with beacon.listening():
        task = page.submit(*cells(beacon.url).values(), name="hostile.ipynb")
        page.open(task)
        page.state("failed", limit_s=120)
        page.sees(LAST_WORDS)
        frames = _read(page)
        assert frames > 20, "the frames are where the hostile HTML is"
        for tab in ("Files", "Metrics", "Log", "Provenance"):
            page.tab(tab)
            page.page.wait_for_load_state("networkidle")
            assert "\u202e" not in page.result.inner_text(), "a file name must not be read backwards"
        page.reload()
        page.open(task)
        page.sees(LAST_WORDS)
        _read(page)
        page.page.wait_for_load_state("networkidle")
        assert beacon.heard == []
    assert page.watch.foreign == []
    assert page.watch.dialogs == []
    assert page.page.evaluate("() => window.__owned") is None
    assert page.page.evaluate("() => getComputedStyle(document.body).display") != "none"


def _read(page: LabPage) -> int:
    """Scrolls through the notebook as a person does who reads all of it; how many frames there were."""
    frames = 0
    scroller = page.result.locator(".codalab-Notebook-scroller")
    scroller.hover()
    at = -1
    while (now := int(scroller.evaluate("element => Math.round(element.scrollTop)"))) != at:
        at = now
        assert page.result.evaluate(ACTIVE) == []
        links = page.result.locator("iframe").evaluate_all("all => all.length")
        frames += int(links)
        scroller.evaluate("element => element.scrollBy(0, element.clientHeight * 0.8)")
        page.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.shot("result-hostile")
    return frames


def test_a_million_lines(page: LabPage) -> None:
    """The page stays usable and small while they come; the end of them is there."""
    heap = "() => performance.memory.usedJSHeapSize"
    before = page.page.evaluate(heap)
    task = page.submit(
        "for i in range(1_000_000):\n    print('line', i, 'of a very long story that nobody can read to its end')",
        "print('the end')",
    )
    page.open(task)
    page.sees("line")
    page.tab("Metrics")  # a click goes through
    page.tab("Notebook")
    page.state("succeeded", limit_s=120)
    page.sees("the end")
    page.shot("result-flood")
    assert page.page.evaluate("() => document.querySelectorAll('*').length") < 10_000
    assert len(page.result.inner_text()) < 300_000
    assert page.page.evaluate(heap) - before < 150_000_000


def test_an_output_of_100_megabytes(page: LabPage) -> None:
    """It is cut where it is made, said so, and what comes after it is seen."""
    task = page.submit(
        "from IPython.display import display\ndisplay({'text/plain': 'x' * 100_000_000}, raw=True)", "print('the end')"
    )
    page.open(task)
    page.state("succeeded", limit_s=120)
    page.sees("the end")
    assert len(page.result.inner_text()) < 300_000


def test_thousands_of_cells(page: LabPage) -> None:
    """Only what is in sight is drawn, and the one that runs is in sight."""
    task = page.submit(*(f"print('cell {i}')" for i in range(3_000)), "print('the end')\nimport time\ntime.sleep(600)")
    page.open(task)
    page.sees("the end", limit_s=120)
    assert page.page.evaluate("() => document.querySelectorAll('.codalab-Cell').length") < 100
