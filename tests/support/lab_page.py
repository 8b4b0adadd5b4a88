"""JupyterLab in a browser as a person has it open, with our documents in it."""

from __future__ import annotations

import json
import os
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, expect

from codalab_nb.site.tasks import Task
from tests.support.browser import LIMIT_S, Watch
from tests.support.home import ROOT, Home
from tests.support.jupyter import TOKEN, Server
from tests.support.notebooks import notebook

AXE = ROOT / "extension/node_modules/axe-core/axe.min.js"


class LabPage:
    """A page with one notebook open, `mine.ipynb`. Close it when done."""

    def __init__(self, server: Server, context: BrowserContext, home: Home, mine: str = "mine.ipynb") -> None:
        self.server = server
        self.home = home
        self.mine = server.root / mine
        self.mine.write_text(json.dumps(notebook("")))
        self.page: Page = context.new_page()
        self.page.set_default_timeout(LIMIT_S * 1000)
        self.watch = Watch(self.page, server.url)
        self.page.goto(server.page(mine))
        self._started()
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")

    def reload(self) -> None:
        """F5. Of the documents that were open, JupyterLab draws the one in front."""
        # Once it has begun, JupyterLab takes `reset` out of its address; with it, a reload would begin with nothing.
        self.page.wait_for_function("() => !new URLSearchParams(location.search).has('reset')")
        self.page.reload()
        self._started()

    def _started(self) -> None:
        if self.server.kind == "lab":
            self.page.wait_for_selector("#jupyterlab-splash", state="detached")
        self.page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('codalab:open-result')")
        # JupyterLab puts its layout together first, and forgets what was opened before that.
        self.page.evaluate("async () => { await window.jupyterapp.restored; }")

    def close(self) -> None:
        self.page.close()
        self.server.end_kernels()
        with self.home.site() as site:  # a test that failed must not leave its task to the next one
            for row in site.ledger.open_tasks():
                site.cancel(row.id)

    def submit(self, *cells: str, name: str = "work.ipynb", parameters: str | None = None, **settings: Any) -> str:
        """The id of a task that runs these cells."""
        path = self.server.root / name
        path.write_text(json.dumps(notebook(*cells, parameters=parameters)))
        with self.home.site(serve=True) as site:
            return site.run(path, **settings).id

    def wait(self, task: str) -> None:
        with self.home.site() as site:
            Task(site, task).wait()

    def api(self, verb: str, path: str, body: object = None) -> Any:
        """As another page would ask the server."""
        request = urllib.request.Request(
            f"{self.server.url}/codalab/api/{path}",
            data=json.dumps(body).encode(),
            method=verb,
            headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=LIMIT_S) as reply:
            return json.loads(reply.read())

    def command(self, name: str, **arguments: object) -> None:
        """Started, not waited for: a command that opens a dialog ends with the dialog."""
        self.page.evaluate(
            "([name, args]) => { void window.jupyterapp.commands.execute(name, args); }", [name, arguments]
        )

    def open(self, task: str) -> Locator:
        """The document of a task."""
        self.command("codalab:open-result", task=task)
        return self.result

    @property
    def result(self) -> Locator:
        """The document in front."""
        return self.page.locator(".codalab-Result:visible")

    def tab(self, name: str) -> None:
        self.result.get_by_role("tab", name=name, exact=True).click()

    def sees(self, text: str, where: Locator | None = None, limit_s: float = LIMIT_S) -> None:
        area = where or self.result
        expect(area).to_contain_text(text, timeout=limit_s * 1000, use_inner_text=True)

    def state(self, word: str, limit_s: float = LIMIT_S) -> None:
        """Waits until the document says so."""
        expect(self.result.locator(".codalab-Result-state")).to_contain_text(word, timeout=limit_s * 1000)

    def faults(self, where: str) -> list[str]:
        """What axe finds serious or critical in an element, as `rule: element`."""
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate(
            "async where => (await axe.run(where, {resultTypes: ['violations']})).violations", where
        )
        return [
            f"{fault['id']}: {node['html'][:150]}"
            for fault in found
            if fault["impact"] in ("serious", "critical")
            for node in fault["nodes"]
        ]

    def shot(self, name: str) -> None:
        """A screenshot into the folder BROWSER_SHOTS names, if it names one."""
        if folder := os.environ.get("BROWSER_SHOTS"):
            self.page.screenshot(path=Path(folder) / f"{self.server.kind}-{name}.png")
