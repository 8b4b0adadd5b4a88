"""The live result in JupyterLab: one sees what runs, whenever one looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.home import Home
from tests.support.jupyter import Server
from tests.support.lab_page import LabPage

WAITING = "print('before', flush=True)\nimport time\ntime.sleep(600)"
TICKING = "import time\nfor i in range(600):\n    print(f'tick {i};', flush=True)\n    time.sleep(0.1)"
TABLE = """
import pandas as pd
from codalab_nb import report
report.metric("quality", 0.5)
report.table(pd.DataFrame({"gene": ["SEPT2", "MARCH1"], "p": [0.01, 0.5]}), "genes", title="The genes")
"""
FIGURE = """
import matplotlib.pyplot as plt
from codalab_nb import report
fig, ax = plt.subplots(figsize=(4, 3))
ax.plot([1, 2, 3])
report.figure(fig, "line", alt="a line that rises")
plt.close(fig)
"""


@pytest.fixture
def page(lab: Server, context: BrowserContext, home: Home) -> Iterator[LabPage]:
    page = LabPage(lab, context, home)
    yield page
    page.close()


def test_seen_live_and_late_and_cancelled(page: LabPage) -> None:
    """What is printed is there while the cell runs, also for who opens it late, and Cancel ends it."""
    task = page.submit(WAITING, "print('never')")
    page.open(task)
    page.sees("before")
    page.state("running")
    expect(page.result.locator(".codalab-Cell.codalab-mod-running")).to_have_count(1)
    page.shot("result-live")
    # Closed, and opened again.
    page.command("application:close")
    expect(page.result).to_have_count(0)
    page.open(task)
    page.sees("before")
    page.state("running")
    page.result.get_by_role("button", name="Cancel").click()
    page.state("cancelled")
    page.sees("before")
    expect(page.result.get_by_role("button", name="Try again")).to_be_visible()


def test_after_a_reload(page: LabPage) -> None:
    """The layout comes back, and with it what was printed, and what is printed next."""
    task = page.submit(TICKING)
    page.open(task)
    page.sees("tick 3;")
    # JupyterLab saves its layout a moment after a change, and of two saves under way at once the older one may come
    # last; nothing tells when the last one has come. Where that happened, one more change has it saved again.
    saved = """async task => {
        const {data} = await (await fetch('/lab/api/workspaces/default')).json();
        return data['layout-restorer:data']?.main?.current === 'codalab-result:' + task;
    }"""
    for _ in range(10):
        page.page.wait_for_timeout(2_000)
        if page.page.evaluate(saved, task):
            break
        page.command("application:toggle-left-area")
    assert page.page.evaluate(saved, task)
    page.reload()
    page.sees("tick 3;")
    before = page.result.locator(".codalab-Output-text").inner_text()
    page.sees(f"tick {before.count(';') + 3};")


def test_after_the_server_restarted(page: LabPage) -> None:
    """The page says that the server is gone, goes on by itself, and misses nothing."""
    task = page.submit(TICKING)
    page.open(task)
    page.sees("tick 3;")
    page.server.stop()
    page.sees("The connection to the Jupyter server is lost")
    page.shot("result-server-gone")
    page.server.start(int(page.server.url.rpartition(":")[2]))
    expect(page.result.get_by_text("The connection to the Jupyter server is lost")).to_have_count(0)
    text = page.result.locator(".codalab-Output-text")
    seen = text.inner_text().count(";")
    page.sees(f"tick {seen + 5};")
    ticks = [line.strip() for line in text.inner_text().splitlines() if line.strip()]
    assert ticks == [f"tick {i};" for i in range(len(ticks))], "each once, in order"


def test_a_failed_run_begins_with_why(page: LabPage) -> None:
    """The reason, what to do, and the cell, before the rest; for who watched it, and for who opens it."""
    task = page.submit("print('fine')\n" * 60, "x = 1\nx / 0", "print('never')")
    page.open(task)
    for _ in range(2):
        page.state("failed")
        card = page.result.get_by_role("region", name="Why it failed")
        expect(card).to_be_in_viewport()
        page.sees("ZeroDivisionError", card)
        page.sees("x / 0", card)
        page.shot("result-failed")
        page.command("application:close")
        expect(page.result).to_have_count(0)
        page.open(task)


def test_removed_elsewhere(page: LabPage) -> None:
    """The document says so where it stands, and keeps what it showed."""
    task = page.submit("print('kept')")
    page.open(task)
    page.state("succeeded")
    page.api("POST", "tasks/act", {"action": "remove", "tasks": [task]})
    page.sees("This task was removed")
    page.sees("kept")


def test_the_tabs_of_a_result(page: LabPage) -> None:
    """Files with figures and tables, metrics, log, provenance; all of it for a screen reader, too."""
    task = page.submit(TABLE, FIGURE, "print('the end')")
    page.open(task)
    page.state("succeeded")
    page.sees("SEPT2")
    assert page.faults(".codalab-Result") == []
    page.tab("Files")
    page.sees("The genes")
    image = page.result.get_by_role("img", name="a line that rises")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    for ending in ("PNG", "SVG", "CSV", "XLSX"):
        expect(page.result.get_by_role("link", name=ending, exact=True)).to_be_visible()
    with page.page.expect_download() as download:
        page.result.get_by_role("link", name="XLSX", exact=True).click()
    assert download.value.suggested_filename == "genes.xlsx"
    page.shot("result-files")
    assert page.faults(".codalab-Result") == []
    page.tab("Metrics")
    page.sees("quality")
    page.tab("Log")
    page.sees("the end")
    assert page.faults(".codalab-Result") == []
    page.tab("Provenance")
    page.sees("SHA-256 of the notebook")
    page.sees("codalab-nb")
    assert page.faults(".codalab-Result") == []


def test_a_table_is_brought_into_a_notebook(page: LabPage) -> None:
    """A copy beside the notebook, and a cell that any kernel can run below the active one."""
    task = page.submit(TABLE)
    page.open(task)
    page.state("succeeded")
    page.tab("Files")
    page.result.get_by_role("button", name="Bring the table into the current notebook").click()
    page.sees("ready to run")
    assert (page.mine.parent / "genes.csv").read_text().startswith("gene,p\nSEPT2,")
    page.command("docmanager:open", path=page.mine.name)
    cell = page.page.locator(".jp-Notebook:visible .jp-Cell").nth(1)
    page.sees("read_csv", cell)
    page.command("notebook:run-cell")
    page.sees("MARCH1", cell)


def test_a_copy_is_opened_as_a_notebook(page: LabPage) -> None:
    """The executed notebook lies beside a person's own files, under a name that was free."""
    task = page.submit("print('to go on with')")
    page.open(task)
    page.state("succeeded")
    page.result.get_by_role("button", name="Open a copy as a notebook").click()
    opened = page.page.locator(".jp-Notebook:visible")
    page.sees("to go on with", opened)
    assert (page.server.root / "work.ipynb").read_text().count("to go on with") == 1, "the original is as it was"


def test_interactive_outputs_wait_for_trust(page: LabPage) -> None:
    """A script is not run before a person says so, and trust ends with the document."""
    task = page.submit("from IPython.display import HTML, display\ndisplay(HTML('<script>window.__ran = 1</script>'))")
    page.open(task)
    page.state("succeeded")
    page.sees("is not run here")
    assert page.page.evaluate("() => window.__ran") is None
    page.result.get_by_role("button", name="Trust this result").click()
    dialog = page.page.locator(".jp-Dialog")
    page.sees("with your rights", dialog)
    dialog.get_by_role("button", name="Do not run them").click()
    assert page.page.evaluate("() => window.__ran") is None
    page.result.get_by_role("button", name="Trust this result").click()
    dialog.get_by_role("button", name="Trust this result").click()
    page.page.wait_for_function("() => window.__ran === 1")
    page.page.evaluate("() => { delete window.__ran; }")
    page.command("application:close")
    expect(page.result).to_have_count(0)
    page.open(task)
    page.sees("is not run here")
    assert page.page.evaluate("() => window.__ran") is None


def test_in_notebook_7(serve: Callable[[str], Server], context: BrowserContext, home: Home) -> None:
    """Beside the one document that a page of Notebook 7 has."""
    page = LabPage(serve("notebook"), context, home, "seven.ipynb")
    try:
        page.open(page.submit(WAITING))
        page.sees("before")
        page.shot("result-notebook-7")
    finally:
        page.close()
