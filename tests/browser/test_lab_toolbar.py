"""Analyze in the toolbar of a notebook: what is sent away is what stands in the editor."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from tests.support.browser import PANEL
from tests.support.home import Home
from tests.support.jupyter import Server
from tests.support.lab_page import LabPage
from tests.support.notebooks import notebook

READS = "import pandas as pd\nprint('rows:', len(pd.read_csv('measured.csv')), 'alpha:', alpha, flush=True)"


@pytest.fixture(params=["lab", "notebook"])
def page(
    request: pytest.FixtureRequest, serve: Callable[[str], Server], context: BrowserContext, home: Home
) -> Iterator[LabPage]:
    """JupyterLab, then Notebook 7, with a notebook whose parameters are the first cell."""
    page = LabPage(serve(request.param), context, home, f"toolbar-{request.param}.ipynb")
    (page.server.root / "measured.csv").write_text("a,b\n1,2\n3,4\n")
    page.page.wait_for_function(f"() => {PANEL}?.context?.isReady")
    yield page
    page.close()


def _fill(page: LabPage, *cells: str, parameters: str) -> None:
    """What stands in the editor from now on; the file stays as it was."""
    page.page.evaluate(
        f"content => {{ {PANEL}.content.model.fromJSON(content); }}", notebook(*cells, parameters=parameters)
    )


def _dialog(page: LabPage) -> Locator:
    page.page.get_by_role("button", name="Analyze", exact=True).first.click()
    return page.page.locator(".codalab-AnalyzeDialog")


def test_what_stands_in_the_editor_is_run(page: LabPage) -> None:
    """Not saved, one setting changed, with the file it reads; the notebook on disk stays as it was."""
    before = page.mine.read_text()
    _fill(page, READS, parameters="alpha = 0.05  # the cut-off")
    dialog = _dialog(page)
    page.sees("the cut-off", dialog)
    expect(dialog.get_by_role("checkbox", name="measured.csv")).to_be_checked()
    assert page.faults(".codalab-AnalyzeDialog .codalab-Dialog") == []
    page.shot("analyze")
    dialog.get_by_label("alpha").fill("0.2")
    dialog.get_by_role("button", name="Analyze").click()
    page.sees("rows: 2 alpha: 0.2")
    page.state("succeeded")
    assert page.mine.read_text() == before


def test_a_saved_notebook_by_the_keyboard(page: LabPage) -> None:
    """The shortcut opens the dialog, and Enter sends it away."""
    page.mine.write_text(json.dumps(notebook("print('from the disk')")))
    page.page.evaluate(f"() => {{ void {PANEL}.context.revert(); }}")
    page.page.wait_for_function(f"() => {PANEL}.content.model.toJSON().cells[0].source.includes('disk')")
    page.page.locator(".jp-Notebook .jp-Cell").first.click()
    page.page.keyboard.press("Escape")
    page.page.keyboard.press("Control+Alt+a")
    dialog = page.page.locator(".codalab-AnalyzeDialog")
    page.sees("None were found", dialog)
    expect(dialog.get_by_role("button", name="Analyze")).to_be_enabled()
    dialog.get_by_role("button", name="Analyze").press("Enter")
    page.sees("from the disk")


def test_what_is_wrong_is_told_in_place(page: LabPage) -> None:
    """A fault in the parameters cell, then one in a value: nothing can be sent, and nothing typed is lost."""
    _fill(page, READS, parameters="alpha = 0.05 +")
    dialog = _dialog(page)
    expect(dialog.locator(".codalab-ErrorBox").first).to_be_visible()
    expect(dialog.get_by_role("button", name="Analyze")).to_be_disabled()
    page.shot("analyze-syntax")
    dialog.locator(".jp-mod-reject").click()
    _fill(page, READS, parameters="alpha = 0.05")
    dialog = _dialog(page)
    expect(dialog.get_by_role("button", name="Analyze")).to_be_enabled()
    dialog.get_by_text("Advanced").click()
    dialog.get_by_label("Longest time").fill("soon")
    dialog.get_by_role("button", name="Analyze").click()
    page.sees("soon", dialog.locator(".codalab-ErrorBox").first)
    expect(dialog.get_by_label("Longest time")).to_have_value("soon")
    dialog.get_by_label("Longest time").fill("5m")
    dialog.get_by_role("button", name="Analyze").click()
    page.sees("rows: 2 alpha: 0.05")
