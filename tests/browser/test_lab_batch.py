"""The table of a batch: where each run stands, what it measured, and runs side by side."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from codalab_nb.examples import example_folder
from tests.support.home import Home
from tests.support.jupyter import Server
from tests.support.lab_page import LabPage


@pytest.fixture
def page(lab: Server, context: BrowserContext, home: Home) -> Iterator[LabPage]:
    page = LabPage(lab, context, home)
    yield page
    page.close()


@pytest.fixture
def batch(page: LabPage) -> str:
    """Three runs of one method, and one of another, on example data."""
    folder = example_folder()
    with page.home.site(serve=True) as site:
        added = site.add_dataset(
            folder / "expression.csv", samples=folder / "samples.csv", name="compared", accept=True
        )
        made = site.analyze(
            [added.reference], ["pca-overview", "check-my-data"], sweep={"pca-overview.top_genes": [100, 300, 500]}
        )
        return made.id


def test_a_batch_from_click_to_comparison(page: LabPage, batch: str) -> None:
    """Live, sorted by what was measured, figures, two side by side, as CSV, and a result by a click."""
    page.command("codalab:open-batch", batch=batch)
    document = page.page.locator(".codalab-Batch:visible")
    rows = document.locator("tbody tr")
    expect(rows).to_have_count(4)
    expect(document.get_by_text("succeeded", exact=True)).to_have_count(4, timeout=240_000)
    page.shot("batch")
    assert page.faults(".codalab-Batch") == []
    column = document.get_by_role("columnheader", name="Time")
    column.get_by_role("button").click()
    expect(column).to_have_attribute("aria-sort", "ascending")
    document.get_by_role("button", name="Figures").click()
    expect(document.locator("figure img")).to_have_count(4)
    page.shot("batch-figures")
    assert page.faults(".codalab-Batch") == []
    document.get_by_role("button", name="Table").click()
    for i in range(2):
        rows.nth(i).get_by_role("checkbox").check()
    document.get_by_role("button", name="Compare (2)").click()
    expect(document.locator("figure img")).to_have_count(2)
    assert page.faults(".codalab-Batch") == []
    page.shot("batch-compare")
    with page.page.expect_download() as download:
        document.get_by_role("link", name="Export as CSV").click()
    assert download.value.suggested_filename.endswith(".csv")
    document.get_by_role("button", name="Table").click()
    rows.first.get_by_role("rowheader").get_by_role("button").click()
    page.state("succeeded")
    # A method is read by its words, figures and tables; its code comes when it is asked for.
    source = page.result.locator(".codalab-Source")
    expect(page.result.locator("img").first).to_be_visible()
    expect(source).to_have_count(0)
    page.result.get_by_label("Show code").check()
    expect(source.first).to_be_visible()
    page.result.get_by_label("Show code").uncheck()
    expect(source).to_have_count(0)
