"""What a person waits for after a click on Analyze in JupyterLab, in Chromium. Run: `python -m tests.bench.lab`.

Analyze → output   from the click in the dialog of the toolbar's button until the first output of the run is on the
                   screen (in the frame that is painted after the change), with a warm worker. Both moments are read
                   from the page's own clock. The notebook is a light one: it imports pandas, and prints
a million lines    while they come: how long the page stood still, and what it grew by

Nothing here fails.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.bench.browser import FRAMES
from tests.support.browser import HOW, PANEL, chromium, launch
from tests.support.home import Home
from tests.support.jupyter import Server
from tests.support.lab_page import LabPage
from tests.support.notebooks import notebook, write

CELLS = ("import pandas as pd\nprint('first output')\nprint(pd.DataFrame({'x': range(3)}).x.sum())", "print('the end')")
WATCH = """() => {
    window.__clicked = window.__seen = null;
    document.querySelector('.codalab-AnalyzeDialog .jp-mod-accept').addEventListener(
        'click', () => { window.__clicked = performance.now(); }, {capture: true, once: true});
    const observer = new MutationObserver(() => {
        const text = [...document.querySelectorAll('.codalab-Output-text')].find(
            one => one.textContent.includes('first output') && one.checkVisibility());
        if (text) {
            observer.disconnect();
            requestAnimationFrame(() => { setTimeout(() => { window.__seen = performance.now(); }); });
        }
    });
    observer.observe(document.body, {subtree: true, childList: true, characterData: true});
}"""


@contextlib.contextmanager
def opened() -> Iterator[LabPage]:
    """JupyterLab with a notebook open, and a warm background process."""
    program = chromium()
    if program is None:
        raise SystemExit(HOW)
    with (
        tempfile.TemporaryDirectory(prefix="nb", ignore_cleanup_errors=True) as name,
        Home(Path(name) / "home", CODALAB_NB_HEARTBEAT="1") as home,
        sync_playwright() as playwright,
        Server("lab", Path(name) / "lab", home.environment()) as server,
    ):
        with home.site(serve=True) as site:
            site.run(write(Path(name) / "warm.ipynb", *CELLS)).wait()
        browser = launch(playwright, program)
        page = LabPage(server, browser.new_context(viewport={"width": 1280, "height": 900}), home)
        page.page.wait_for_function(f"() => {PANEL}?.context?.isReady && {PANEL}.content.widgets.length > 0")
        page.page.evaluate(f"content => {{ {PANEL}.content.model.fromJSON(content); }}", notebook(*CELLS))
        yield page
        browser.close()


def click_to_output(page: LabPage) -> float:
    """Milliseconds."""
    page.page.get_by_role("button", name="Analyze", exact=True).first.click()
    page.page.wait_for_selector(".codalab-AnalyzeDialog .jp-mod-accept:enabled")
    time.sleep(1)  # a person looks at the dialog
    page.page.evaluate(WATCH)
    page.page.locator(".codalab-AnalyzeDialog .jp-mod-accept").click()
    page.page.wait_for_function("() => window.__seen !== null")
    took = float(page.page.evaluate("() => window.__seen - window.__clicked"))
    page.state("succeeded")
    page.command("application:close")
    page.page.wait_for_selector(".codalab-Result", state="detached")
    time.sleep(1)  # the next kernel is warmed
    return took


def flood(page: LabPage, lines: int) -> tuple[float, list[float], float]:
    """Seconds until it is over, milliseconds between frames meanwhile, and megabytes that the page grew by."""
    heap = "() => performance.memory.usedJSHeapSize"
    before = float(page.page.evaluate(heap))
    page.page.evaluate(FRAMES)
    began = time.monotonic()
    page.open(page.submit(f"for i in range({lines}):\n    print('line', i, 'of a long story')"))
    page.state("succeeded", limit_s=300)
    took = time.monotonic() - began
    gaps = [float(gap) for gap in page.page.evaluate("() => window.__gaps")]
    return took, gaps, (float(page.page.evaluate(heap)) - before) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--lines", type=int, default=1_000_000)
    chosen = parser.parse_args()
    with opened() as page:
        click_to_output(page)  # the first one loads what the document is drawn with
        found = sorted(click_to_output(page) for _ in range(chosen.clicks))
        cut = statistics.quantiles(found, n=100)
        print(
            f"Analyze → output   median {cut[49]:.0f} ms, p95 {cut[94]:.0f} ms, most {found[-1]:.0f} ms of {len(found)}"
        )
        if chosen.lines:
            took, gaps, grown = flood(page, chosen.lines)
            print(
                f"{chosen.lines:,} lines   in {took:.0f} s; the page stood still for {max(gaps):.0f} ms at most, "
                f"for more than 100 ms {sum(gap > 100 for gap in gaps)} times, and grew by {grown:.0f} MB"
            )
    print(f"(load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)")


if __name__ == "__main__":
    main()
