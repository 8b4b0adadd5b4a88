"""A real browser in front of a Jupyter server: verbs of a person in front of a notebook.

Nothing here sleeps: each wait ends with what it waits for, and each has a limit, after which the test fails in words.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Dialog, Error, Locator, Page, Request, expect

from tests.support.jupyter import Server

LIMIT_S = 60.0
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
HOW = "No Chromium found: install it by `sudo apt-get install chromium` (macOS: `brew install --cask chromium`)"


def chromium() -> str | None:
    """The path of a Chromium or Chrome of this machine, if there is one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None) or next(
        (path for path in MAC if Path(path).exists()), None
    )


def launch(playwright: Any, program: str) -> Browser:
    """Headless; names of other machines do not resolve, so that nothing can leave, whatever a page tries."""
    return playwright.chromium.launch(
        executable_path=program,
        headless=True,
        args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        timeout=60_000,
    )


# ---------------------------------------------------------------- what a page does behind one's back


class Watch:
    """Everything that a page tried, frames in it included: requests to elsewhere, windows, dialogs, errors."""

    def __init__(self, page: Page, own: str) -> None:
        self.foreign: list[str] = []  # requests that left for another origin; those refused by a policy are not sent
        self.dialogs: list[str] = []
        self.errors: list[str] = []  # uncaught exceptions and console errors
        self._own = own
        page.on("request", self._request)
        page.on("requestfailed", self._failed)
        page.on("dialog", self._dialog)
        page.on("popup", lambda other: self.foreign.append(f"window: {other.url}"))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)

    def own_is_now(self, own: str) -> None:
        self._own = own

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("data", "blob", "about") or f"{parts.scheme}://{parts.netloc}" == self._own:
            return
        self.foreign.append(request.url)

    def _failed(self, request: Request) -> None:
        if (request.failure or "") == "csp" and request.url in self.foreign:
            self.foreign.remove(request.url)

    def _dialog(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":  # the browser's own "leave the page?", as a person would click it away
            dialog.accept()
            return
        self.dialogs.append(f"{dialog.type}: {dialog.message}")
        dialog.dismiss()


# ---------------------------------------------------------------- a notebook on the screen

_IN_SIGHT = """(area, text) => {
    const walker = document.createTreeWalker(area, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    while (walker.nextNode()) {
        const at = walker.currentNode.data.lastIndexOf(text);
        if (at >= 0 && walker.currentNode.parentElement.checkVisibility()) {
            range.setStart(walker.currentNode, at);
            range.setEnd(walker.currentNode, at + text.length);
        }
    }
    const {top, bottom} = range.getBoundingClientRect();
    for (let box = range.startContainer.parentElement; box && box !== area; box = box.parentElement) {
        const seen = box.getBoundingClientRect();
        const cut = top < seen.top - 1 || bottom > seen.bottom + 1;
        if (cut && getComputedStyle(box).overflowY !== 'visible') return false;
    }
    return bottom > top;
}"""
PANEL = "window.jupyterapp.shell.currentWidget"


class Notebook:
    """An open notebook. Cells are counted from 0."""

    def __init__(self, server: Server, context: BrowserContext, name: str) -> None:
        self.server = server
        self.file = server.root / name
        self.name = name
        self.page: Page = context.new_page()
        self.page.set_default_timeout(LIMIT_S * 1000)
        self.watch = Watch(self.page, server.url)
        self.open()

    # --- the page

    def open(self) -> None:
        """Loads the page from the server as it is now, and waits until its kernel is ready."""
        self.watch.own_is_now(self.server.url)
        self.page.goto(self.server.page(self.name))
        self._ready()

    def reload(self) -> None:
        """F5; the kernel stays."""
        self.page.reload()
        self._ready()

    def close(self) -> None:
        self.page.close()

    def next_day(self) -> None:
        """Saves, closes the page, ends the server with all its kernels, and opens the file on a new server."""
        self.save()
        self.page.goto("about:blank")
        self.server.restart()
        self.open()

    def _ready(self) -> None:
        if self.server.kind == "lab":
            self.page.wait_for_selector("#jupyterlab-splash", state="detached")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        # The status bar says "idle" before there is a session; running a cell then asks for a kernel.
        self._until(f"() => {PANEL}?.sessionContext?.isReady && {PANEL}.sessionContext.session?.kernel", LIMIT_S * 2)
        self._until(f"() => {PANEL}.sessionContext.session?.kernel?.connectionStatus === 'connected'", LIMIT_S)
        self._until(f"() => {PANEL}.context.isReady && {PANEL}.content.widgets.length > 0", LIMIT_S)

    def wait_idle(self, limit_s: float = LIMIT_S) -> None:
        self._until(f"() => {PANEL}.sessionContext.session?.kernel?.status === 'idle'", limit_s)

    def _until(self, predicate: str, limit_s: float, argument: Any = None) -> Any:
        return self.page.wait_for_function(predicate, arg=argument, timeout=limit_s * 1000)

    def _promise(self, expression: str, argument: Any = None, limit_s: float = LIMIT_S) -> Any:
        """The value of a promise of the page; `page.evaluate` itself would wait for ever."""
        return self.page.evaluate(
            f"""async ([argument, limit]) => {{
                const late = new Promise((_, fail) => setTimeout(
                    () => fail(new Error('not done after ' + limit + ' s')), limit * 1000));
                return await Promise.race([({expression})(argument), late]);
            }}""",
            [argument, limit_s],
        )

    # --- cells

    def add(self, source: str, index: int | None = None) -> int:
        """Adds a code cell (at the end) and returns its place."""
        return int(
            self.page.evaluate(
                f"""([source, index]) => {{
                    const cells = {PANEL}.content.model.sharedModel;
                    const at = index ?? cells.cells.length;
                    cells.insertCell(at, {{cell_type: 'code', source, metadata: {{trusted: true}}}});
                    return at;
                }}""",
                [source, index],
            )
        )

    def start(self, index: int) -> None:
        """Runs a cell and does not wait for its end."""
        self.page.evaluate(
            f"""index => {{
                {PANEL}.content.activeCellIndex = index;
                window.__runs = window.__runs || {{}};
                window.__runs[index] = 'running';
                window.jupyterapp.commands.execute('notebook:run-cell').then(
                    () => {{ window.__runs[index] = 'ended'; }}, error => {{ window.__runs[index] = String(error); }});
            }}""",
            index,
        )

    def ended(self, index: int, limit_s: float = LIMIT_S) -> None:
        """Waits for the end of a cell that was started."""
        self._until("index => window.__runs?.[index] && window.__runs[index] !== 'running'", limit_s, index)

    def run(self, source: str, limit_s: float = LIMIT_S) -> int:
        """Adds a cell, runs it to its end, and returns its place."""
        index = self.add(source)
        self.start(index)
        self.ended(index, limit_s)
        return index

    def cell(self, index: int) -> Locator:
        """The cell on the page, scrolled into view (JupyterLab does not draw what is far away)."""
        self.page.evaluate(f"index => {{ void {PANEL}.content.scrollToItem(index); }}", index)
        return self.page.locator(f'.jp-Notebook [data-windowed-list-index="{index}"]')

    def output(self, index: int) -> Locator:
        return self.cell(index).locator(".jp-Cell-outputArea")

    def text(self, index: int) -> str:
        """What a person reads in the output: hidden elements are not in it."""
        return self.output(index).inner_text()

    def sees(self, index: int, text: str, limit_s: float = LIMIT_S) -> None:
        """Waits until the text can be read in the output."""
        expect(self.output(index)).to_contain_text(text, timeout=limit_s * 1000, use_inner_text=True)

    def sees_not(self, index: int, text: str, limit_s: float = LIMIT_S) -> None:
        expect(self.output(index)).not_to_contain_text(text, timeout=limit_s * 1000, use_inner_text=True)

    def in_sight(self, index: int, text: str) -> bool:
        """Whether the last place where the output has this text is not scrolled away in a box within the output."""
        return bool(self.output(index).evaluate(_IN_SIGHT, text))

    def button(self, index: int, label: str) -> Locator:
        return self.output(index).get_by_role("button", name=label)

    def click(self, index: int, label: str) -> None:
        self.button(index, label).click()

    # --- the file

    def save(self) -> None:
        self._promise(f"() => {PANEL}.context.save()")

    def saved(self) -> dict[str, Any]:
        """Saves, and returns the document as it stands in the file."""
        self.save()
        return dict(json.loads(self.file.read_text()))

    # --- for eyes

    def shot(self, name: str) -> None:
        """A screenshot into the folder BROWSER_SHOTS names, if it names one."""
        if folder := os.environ.get("BROWSER_SHOTS"):
            with contextlib.suppress(Error):
                self.page.screenshot(path=f"{folder}/{self.server.kind}-{name}.png")
