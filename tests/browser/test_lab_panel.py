"""The panel of JupyterLab: from a spreadsheet as people have them to Analyze, by clicks and keys."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from tests.support.browser import LIMIT_S
from tests.support.home import ROOT, Home
from tests.support.jupyter import Server
from tests.support.lab_page import LabPage

WORKBOOK = ROOT / "tests/data/leukemia_armstrong/leukemia_messy.xlsx"
EXPRESSION = "Differential expression (continuous values)"
SMALL = "gene,ALL_1,ALL_2,ALL_3,AML_1,AML_2,AML_3\n" + "".join(
    f"G{gene},{gene}.5,{gene + 1}.25,{gene}.75,{2 * gene}.5,{2 * gene + 1}.5,{2 * gene}.25\n" for gene in range(1, 30)
)


class Panel(LabPage):
    """The panel in a page, and what a person does in it."""

    def show(self) -> Locator:
        self.command("codalab:open-panel")
        expect(self.panel.get_by_role("region", name="Data")).to_be_visible()
        expect(self.panel.get_by_text("Reading the list of data sets")).to_have_count(0)
        return self.panel

    @property
    def panel(self) -> Locator:
        return self.page.locator(".codalab-Panel")

    def upload(self, path: Path) -> None:
        """Waits for nothing but the choice."""
        if not self.panel.get_by_role("button", name="Choose a file …").is_visible():
            self.click("+ Add a data set")
        with self.page.expect_file_chooser() as chooser:
            self.click("Choose a file …")
        chooser.value.set_files(path)

    def click(self, name: str) -> None:
        self.panel.get_by_role("button", name=name).click()

    def tick(self, name: str) -> None:
        self.panel.get_by_role("checkbox", name=name).check()

    def told(self, text: str) -> None:
        self.sees(text, self.panel)

    def missing(self, *texts: str) -> None:
        """Waits until exactly this stands between the choices and Analyze."""
        expect(self.panel.get_by_role("list", name="Still missing").get_by_role("listitem")).to_have_text(
            list(texts), timeout=LIMIT_S * 1000
        )

    def open_fold(self, title: str) -> None:
        fold = self.panel.locator("details", has_text=title)
        if fold.get_attribute("open") is None:
            fold.locator("summary").click()

    def grid(self) -> Locator:
        self.open_fold("Sample table")
        grid = self.panel.get_by_role("grid", name="Sample table")
        expect(grid.get_by_role("gridcell").first).to_be_visible()
        return grid

    def wide(self, pixels: int) -> None:
        """Drags the edge of the side bar."""
        edge = self.page.locator("#jp-main-split-panel > .lm-SplitPanel-handle:visible").first.bounding_box()
        assert edge is not None
        left = self.panel.bounding_box()
        assert left is not None
        self.page.mouse.move(edge["x"] + edge["width"] / 2, edge["y"] + 300)
        self.page.mouse.down()
        self.page.mouse.move(left["x"] + pixels, edge["y"] + 300)
        self.page.mouse.up()


def _opened(server: Server, context: BrowserContext, home: Home, name: str) -> Iterator[Panel]:
    with home.site() as site:
        for document in site.catalog.datasets():
            site.catalog.remove(document.name)
    page = Panel(server, context, home, f"{name}.ipynb")
    page.show()
    yield page
    page.close()


@pytest.fixture
def panel(server: Server, context: BrowserContext, home: Home) -> Iterator[Panel]:
    """Without data sets; once in JupyterLab, once in Notebook 7."""
    yield from _opened(server, context, home, "panel")


@pytest.fixture
def lab_panel(lab: Server, context: BrowserContext, home: Home) -> Iterator[Panel]:
    yield from _opened(lab, context, home, "panel")


def test_from_a_messy_spreadsheet_to_accepted_tasks(panel: Panel, tmp_path: Path) -> None:
    """Upload, see what is odd, confirm the groups, tick two methods, Analyze: two tasks are accepted and run."""
    panel.missing("Choose a data set", "Choose a method")
    panel.shot("panel-empty")
    path = tmp_path / f"messy_{panel.server.kind}.xlsx"
    shutil.copy(WORKBOOK, path)
    panel.upload(path)
    panel.told(f"{path.stem}@1")
    panel.told("12 gene names look like dates")
    panel.told("'AML' is proposed as the reference")
    panel.shot("panel-questions")
    panel.click("Yes to all")
    panel.told(f"{path.stem}@2")
    panel.told("Everything proposed is confirmed")
    panel.missing("Choose a method")
    panel.tick("PCA overview")
    panel.tick(EXPRESSION)
    panel.told("up = higher in ALL than in AML ✓")
    expect(panel.panel.get_by_role("button", name="Analyze")).to_contain_text("2 tasks")
    panel.shot("panel-ready")
    panel.click("Analyze")
    panel.told("2 tasks submitted")
    with panel.home.site() as site:
        rows = site.ledger.find(dataset=f"{path.stem}@2")
    assert sorted(row.method or "" for row in rows) == ["de-continuous", "pca-overview"]
    assert len({row.batch for row in rows}) == 1
    for row in rows:
        panel.wait(row.id)
    assert panel.watch.foreign == []


def test_a_reference_is_confirmed_before_anything_is_compared(lab_panel: Panel, tmp_path: Path) -> None:
    """Which way is up stands in the settings; what is missing leads to it, and one click confirms it."""
    (tmp_path / "small.csv").write_text(SMALL)
    lab_panel.upload(tmp_path / "small.csv")
    lab_panel.told("small@1")
    lab_panel.tick(EXPRESSION)
    lab_panel.missing("Confirm: up = higher in AML than in ALL")
    lab_panel.panel.get_by_role("list", name="Still missing").get_by_role("button").click()
    confirm = lab_panel.panel.get_by_role("button", name="Yes, this is right")
    expect(confirm).to_be_in_viewport()
    confirm.click()
    expect(lab_panel.panel.get_by_role("button", name="Analyze")).to_contain_text("1 task")
    # What is typed stays, with what is wrong beside it.
    lab_panel.open_fold("More:")
    field = lab_panel.panel.get_by_label("False discovery rate")
    field.fill("five percent")
    lab_panel.told("Give a number between 0.000001 and 0.5")
    expect(field).to_have_value("five percent")
    expect(lab_panel.panel.get_by_role("button", name="Analyze")).to_have_attribute("aria-disabled", "true")
    field.fill("0,1")
    expect(lab_panel.panel.get_by_role("button", name="Analyze")).to_contain_text("1 task")
    expect(field).to_have_value("0,1")


def test_the_sample_table_is_edited_as_a_spreadsheet(lab_panel: Panel, tmp_path: Path) -> None:
    """Keys, undo, cells of Excel matched by the names of the samples; saved as a new version."""
    (tmp_path / "small.csv").write_text(SMALL)
    lab_panel.upload(tmp_path / "small.csv")
    lab_panel.told("small@1")
    grid = lab_panel.grid()
    keys = lab_panel.page.keyboard
    grid.get_by_role("row", name="ALL_1").get_by_role("gridcell").first.click()
    keys.type("healthy")
    keys.press("Enter")
    keys.type("sick")
    keys.press("Tab")
    keys.press("Control+z")
    cells = grid.get_by_role("gridcell")
    expect(cells.first).to_have_text("healthy")
    expect(grid.get_by_role("row", name="ALL_2").get_by_role("gridcell").first).to_have_text("ALL")
    expect(lab_panel.panel.get_by_role("list", name="Still missing")).to_contain_text("Save or discard the changes")
    # Fill down over the first three.
    cells.first.click()
    keys.press("Shift+ArrowDown")
    keys.press("Shift+ArrowDown")
    keys.press("Control+d")
    expect(grid.get_by_role("row", name="ALL_3").get_by_role("gridcell").first).to_have_text("healthy")
    # A sheet of Excel, in another order and spelling.
    pasted = "Sample\tSex\nAML 1\tf\nAML 2\tm\nAML 3\tf\nALL 1\tm\nALL 2\tf\nALL 3\tm"
    grid.evaluate(
        """(grid, text) => {
            grid.focus();
            const clipboardData = new DataTransfer();
            clipboardData.setData('text/plain', text);
            grid.dispatchEvent(new ClipboardEvent('paste', {clipboardData, bubbles: true, cancelable: true}));
        }""",
        pasted,
    )
    lab_panel.told("matched by the names of the samples")
    lab_panel.shot("panel-samples")
    assert lab_panel.faults(".codalab-Panel") == []
    lab_panel.click("Save as a new version")
    lab_panel.told("small@2")
    with lab_panel.home.site() as site:
        profile = site.catalog.dataset("small@2").profile
    columns = {column.name: {level.name: level.n for level in column.levels} for column in profile.columns}
    assert columns["Sex"] == {"m": 3, "f": 3}
    assert {"healthy": 3, "AML": 3} in columns.values()


def test_what_cannot_be_read_is_told_in_place(lab_panel: Panel, tmp_path: Path) -> None:
    """The reason and what to do, with a name that is no HTML; other data sets go on."""
    bad = tmp_path / "<img src=x onerror=alert(1)>.csv"
    bad.write_text("TP53,12,0,7\nEGFR,1,2,3\n")
    lab_panel.upload(bad)
    lab_panel.told(f"{bad.name} was not added")
    expect(lab_panel.panel.get_by_role("alert").first).to_be_visible()
    lab_panel.shot("panel-refused")
    assert lab_panel.faults(".codalab-Panel") == []
    lab_panel.click("Leave it")
    expect(lab_panel.panel.get_by_text("was not added")).to_have_count(0)
    lab_panel.click("Two kinds of leukemia")
    lab_panel.told("golub_leukemia@1")
    assert lab_panel.watch.dialogs == []


def test_choices_come_back_after_a_reload(lab_panel: Panel, tmp_path: Path) -> None:
    (tmp_path / "small.csv").write_text(SMALL)
    lab_panel.upload(tmp_path / "small.csv")
    lab_panel.told("small@1")
    lab_panel.tick("PCA overview")
    lab_panel.open_fold("More:")
    with lab_panel.page.expect_response(
        lambda reply: (
            "/api/workspaces" in reply.url and "top_genes" in (reply.request.post_data or "")  # JupyterLab keeps it
        )
    ):
        lab_panel.panel.get_by_label("Most variable genes").fill("12")
    lab_panel.reload()
    lab_panel.show()
    expect(lab_panel.panel.get_by_role("checkbox", name="PCA overview")).to_be_checked()
    expect(lab_panel.panel.get_by_label("Most variable genes")).to_have_value("12")
    expect(lab_panel.panel.get_by_role("button", name="Analyze")).to_contain_text("1 task")


def test_a_file_of_the_file_browser_becomes_a_data_set(lab_panel: Panel) -> None:
    (lab_panel.server.root / "beside.csv").write_text(SMALL)
    lab_panel.command("filebrowser:refresh")
    lab_panel.command("filebrowser:activate")
    item = lab_panel.page.locator(".jp-DirListing-item", has_text="beside.csv")
    item.click(button="right")
    lab_panel.page.get_by_role("menuitem", name="Add as Data Set").click()
    lab_panel.told("beside@1")


def test_narrow_and_in_every_theme_nothing_is_out_of_reach(lab_panel: Panel, tmp_path: Path) -> None:
    """At 240 px nothing is cut off at the side, and axe finds no serious fault in any of JupyterLab's themes."""
    shutil.copy(WORKBOOK, tmp_path / "messy.xlsx")
    lab_panel.upload(tmp_path / "messy.xlsx")
    lab_panel.told("messy@1")
    lab_panel.tick("PCA overview")
    lab_panel.grid()
    lab_panel.open_fold("First rows")
    lab_panel.wide(240)
    cut = lab_panel.panel.locator(".codalab-Panel-scroll").evaluate("area => area.scrollWidth - area.clientWidth")
    assert cut == 0
    for theme in ("JupyterLab Dark", "JupyterLab Dark High Contrast", "JupyterLab Light"):
        lab_panel.command("apputils:change-theme", theme=theme)
        lab_panel.page.wait_for_function(
            "theme => document.body.dataset.jpThemeName === theme && getComputedStyle(document.body)", arg=theme
        )
        assert lab_panel.faults(".codalab-Panel") == []
        lab_panel.shot(f"panel-narrow-{theme.split()[-1].lower()}")
