"""Systematic analysis in JupyterLab: what is recommended in the panel, and the matrix with its switch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from codalab_nb.systematic.rules import RuleBook
from tests.support.home import Home
from tests.support.jupyter import Server
from tests.support.lab_page import LabPage

PATIENCE_MS = 300_000  # what runs by itself gets the processor when nobody else wants it
RULE = """
name = "quick-look"
description = "Two quick methods on one data set"

[datasets]
names = ["alpha"]

[[methods]]
method = "check-my-data"

[[methods]]
method = "pca-overview"
"""
TABLE = "gene,ctrl_1,ctrl_2,ctrl_3,drug_1,drug_2,drug_3\n" + "".join(
    f"G{gene},{gene}.5,{gene + 1}.25,{gene}.75,{2 * gene}.5,{2 * gene + 1}.5,{2 * gene}.25\n" for gene in range(1, 40)
)


@pytest.fixture
def page(lab: Server, context: BrowserContext, home: Home, tmp_path: Path) -> Iterator[LabPage]:
    """With two data sets and one rule, switched off."""
    table = tmp_path / "table.csv"
    table.write_text(TABLE)
    with home.site() as site:
        for document in site.catalog.datasets():
            site.catalog.remove(document.name)
        for name in ("alpha", "beta"):
            site.add_dataset(table, name=name, accept=True)
        book = RuleBook(site.places.rules)
        for name in book.names():
            book.remove(name)
        book.add(RULE)
    page = LabPage(lab, context, home, "systematic.ipynb")
    yield page
    page.api("POST", "systematic/stop", {})
    page.close()
    with home.site() as site:
        RuleBook(site.places.rules).remove("quick-look")


def matrix(page: LabPage) -> Locator:
    page.command("codalab:open-systematic")
    view = page.page.locator(".codalab-Systematic:visible")
    expect(view.get_by_role("grid", name="Data sets and methods")).to_be_visible()
    return view


def test_the_matrix_from_off_to_results(page: LabPage) -> None:
    """It says that it is off; switched on it fills while one looks; a cell opens its result, a gap says why."""
    view = matrix(page)
    expect(view).to_contain_text("Switched off: nothing runs by itself.")
    row = view.get_by_role("row", name="alpha")
    expect(row.get_by_text("planned", exact=True)).to_have_count(2)
    assert page.faults(".codalab-Systematic") == []
    view.get_by_role("switch", name="Systematic analysis").click()
    expect(view.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    expect(view.get_by_role("row", name=re.compile("^quick-look"))).to_contain_text("tasks")
    done = row.get_by_role("button", name="done")
    expect(done).to_have_count(2, timeout=PATIENCE_MS)
    page.shot("systematic")
    assert page.faults(".codalab-Systematic") == []
    gap = view.get_by_role("row", name="beta").get_by_text("not asked", exact=True).first
    gap.click()
    expect(view.locator(".codalab-Systematic-about")).to_contain_text("No rule asks for it.")
    with page.page.expect_download() as download:
        view.get_by_role("link", name="Export as CSV").click()
    assert "alpha@1" in Path(download.value.path()).read_text(encoding="utf-8-sig")
    done.first.click()
    page.state("succeeded")


def test_the_matrix_by_keys_and_in_a_dark_theme(page: LabPage) -> None:
    """One Tab leads into the grid, arrows through it; what is searched for stays."""
    view = matrix(page)
    view.get_by_role("button", name="Data set").focus()
    page.page.keyboard.press("ArrowDown")
    page.page.keyboard.press("ArrowRight")
    focused = page.page.locator(":focus")
    expect(focused).to_have_attribute("data-spot", "0:0")
    expect(view.locator(".codalab-Systematic-about")).to_contain_text("alpha@1")
    page.page.keyboard.press("Control+End")
    expect(view.locator(".codalab-Systematic-about")).to_contain_text("beta@1")
    view.get_by_role("searchbox", name="Search data sets").fill("alp")
    expect(view.get_by_role("row", name="beta")).to_have_count(0)
    for theme in ("JupyterLab Dark", "JupyterLab Dark High Contrast", "JupyterLab Light"):
        page.command("apputils:change-theme", theme=theme)
        page.page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)
        assert page.faults(".codalab-Systematic") == []


def test_the_panel_says_what_is_known_of_the_chosen_data(page: LabPage) -> None:
    """A badge with its why, or one honest sentence; and a way to the matrix."""
    page.command("codalab:open-panel")
    panel = page.page.locator(".codalab-Panel")
    panel.get_by_role("checkbox", name="alpha").check()
    methods = panel.get_by_role("list", name="Methods that fit")
    expect(methods.get_by_role("listitem").first).to_be_visible()
    advice = page.api("GET", "recommendations/known?dataset=alpha")["advice"][0]
    badges = [one for one in advice["recommended"] if one["badge"]]
    expect(methods.get_by_text("Recommended", exact=True)).to_have_count(len(badges))
    if badges:
        expect(methods.get_by_role("listitem").first).to_contain_text(badges[0]["why"])
    else:
        expect(panel).to_contain_text(advice["note"])
    assert page.faults(".codalab-Panel") == []
    panel.get_by_role("button", name="Systematic analysis: all methods on all data sets").click()
    expect(page.page.locator(".codalab-Systematic:visible")).to_be_visible()
