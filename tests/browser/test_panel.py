"""The panel: from a spreadsheet as people have them to a table in the notebook, by clicks only."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from playwright.sync_api import BrowserContext, Locator, Page, expect

from codalab_nb.examples import example_folder
from codalab_nb.systematic.rules import RuleBook
from tests.support.browser import LIMIT_S, Notebook
from tests.support.home import ROOT, Home
from tests.support.journal import ran
from tests.support.jupyter import Server
from tests.support.notebooks import notebook as document

WORKBOOK = ROOT / "tests/data/leukemia_armstrong/leukemia_messy.xlsx"
RULE = """name = "compared"
description = "Two ways to predict"
[datasets]
names = ["compared"]
[[methods]]
method = "predict-class"
[methods.parameters]
model = ["lda", "centroid"]
permutations = 0
repeats = 1
"""
METHOD = "Differential expression (continuous values)"


def button(area: Locator, ending: str) -> Locator:
    """A button by its last words: an icon may stand before them, and behind those of an upload a number of files."""
    return area.get_by_role("button", name=re.compile(rf"{re.escape(ending)}( \(\d+\))?$"))


def analyze(page: Page, area: Locator, file: Path) -> None:
    """Uploads the workbook, confirms how it was read, ticks a method, and waits for the result."""
    shutil.copy(WORKBOOK, file)
    expect(button(area, "Analyze")).to_be_disabled(timeout=LIMIT_S * 1000)
    if not button(area, "Upload the table …").is_visible():  # folded away where there are data sets
        button(area, "Add a data set").click()
    with page.expect_file_chooser() as chooser:
        button(area, "Upload the table …").click()
    chooser.value.set_files(file)
    expect(area).to_contain_text(file.name)
    button(area, "Add").click()
    expect(area).to_contain_text(f"{file.stem}@1", timeout=LIMIT_S * 1000)
    expect(area).to_contain_text("please confirm")
    area.get_by_label("Compare with (reference)").select_option(label="ALL (24)")
    button(area, "Save this").click()
    expect(area).to_contain_text("✓ confirmed", timeout=LIMIT_S * 1000)
    expect(area).to_contain_text(f"{file.stem}@2")
    area.get_by_label(METHOD).check()
    button(area, "Analyze").click()
    expect(area).to_contain_text("1 succeeded", timeout=2 * LIMIT_S * 1000)


def test_from_a_spreadsheet_to_a_table_in_the_notebook(notebook: Notebook, tmp_path: Path) -> None:
    """Upload, confirm, tick, Analyze, open, bring back; and the next day the cell says how to go on."""
    index = notebook.run("import codalab_nb\ncodalab_nb.panel()")
    area = notebook.output(index)
    analyze(notebook.page, area, tmp_path / f"leukemia_{notebook.server.kind}.xlsx")
    notebook.shot("panel-analyzed")
    area.get_by_label("Open", exact=True).select_option(index=1)
    notebook.click(index, "Bring genes into this notebook")
    notebook.sees(index, "genes is now a DataFrame")
    notebook.shot("panel-opened")
    other = notebook.run("print(sorted(genes.columns)[:3], len(genes))")
    notebook.sees(other, "600")
    assert "widgets" not in notebook.saved()["metadata"]
    notebook.next_day()
    notebook.sees(index, "run this cell again")
    assert "model not found" not in notebook.text(index)
    notebook.shot("panel-next-day")


def test_voila_shows_the_panel(voila: Server, context: BrowserContext, tmp_path: Path) -> None:
    """A lab's own page, without code: the panel works there, too."""
    cell = "import codalab_nb\ncodalab_nb.panel()"
    (voila.root / "panel.ipynb").write_text(json.dumps(document(cell)))
    page = context.new_page()
    page.set_default_timeout(LIMIT_S * 1000)
    page.goto(voila.page("panel.ipynb"))
    area = page.locator(".codalab-panel")
    analyze(page, area, tmp_path / "leukemia_voila.xlsx")
    expect(page.locator("body")).not_to_contain_text("codalab_nb.panel()")
    page.close()


def test_what_is_recommended_is_marked_and_the_matrix_opens_a_result(lab_notebook: Notebook, home: Home) -> None:
    """Two ways to predict ran; the better one is marked and its settings come by a click. What stands in a
    cell of the matrix is opened in place."""
    example = example_folder()
    with home.site(serve=True) as site:
        site.add_dataset(example / "expression.csv", samples=example / "samples.csv", name="compared")
        RuleBook(site.places.rules).add(RULE, replace=True)
        quick, models = {"permutations": 0, "repeats": 1}, ["lda", "centroid"]
        batch = site.analyze(["compared"], ["predict-class"], parameters=quick, sweep={"model": models})
        for task, model in zip(batch, models, strict=True):
            assert task.wait(LIMIT_S * 2).verdict == "succeeded"
            key = f'predict-class model="{model}" permutations=0 repeats=1'
            ran(site, "compared@1", key, task.metrics["balanced_accuracy"], stands_for=task.id)
    index = lab_notebook.run("import codalab_nb\ncodalab_nb.panel()")
    area = lab_notebook.output(index)
    area.get_by_label(re.compile("^compared")).check()
    expect(area.locator(".codalab-methods")).to_contain_text("the best of 2 that were tried", timeout=LIMIT_S * 1000)
    # Other questions have recommendations too, from results that come with the project.
    advice = area.locator(".codalab-advice").filter(has_text="the best of 2 that were tried")
    button(advice, "Use these settings").click()
    expect(button(advice, "These settings are chosen")).to_be_disabled()
    expect(area).to_contain_text("1 data set × 1 method: 1 run")
    lab_notebook.shot("panel-recommended")
    button(area, "Systematic analysis: all data sets and methods").click()
    expect(area.locator(".codalab-matrix")).to_contain_text("compared@1", timeout=LIMIT_S * 1000)
    area.get_by_label("Open a result").select_option(index=1)
    expect(area.locator(".codalab-card").last).to_contain_text("succeeded", timeout=LIMIT_S * 1000)
    lab_notebook.shot("panel-matrix")
