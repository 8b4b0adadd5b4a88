"""report.html: one page that stands alone, made in the sandbox, in which nothing of a strange notebook acts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path

import pytest

from codalab_nb import Site
from codalab_nb.model.notebook import read_notebook
from codalab_nb.site.service_notebooks import service_notebooks
from tests.support.browser import HOW, chromium, launch
from tests.support.home import wait_for
from tests.support.hostile_outputs import LAST_WORDS, Beacon, cells
from tests.support.notebooks import write
from tests.support.server import JupyterServer

# All that our own drawing of a notebook is made of.
_TAGS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "h4", "h5", "h6", "p", "div", "span", "pre",
    "code", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "figure", "img", "ul", "ol", "li",
    "blockquote", "strong", "em", "hr", "br",
}  # fmt: skip
_ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "scope", "alt", "width", "src", "open", "start",
}  # fmt: skip


class _Read(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def made(server: JupyterServer, task: str) -> dict[str, object]:
    """Asks until it is ready, as a page does."""
    return dict(wait_for(lambda: (found := server.post(f"/tasks/{task}/report", None).json)["ready"] and found))


def test_a_report_is_made_once_by_a_task_that_lists_leave_out(
    server: JupyterServer, elsewhere: Site, tmp_path: Path
) -> None:
    task = elsewhere.run(write(tmp_path / "plain.ipynb", "print('what was found')")).wait()
    assert server.get(f"/tasks/{task.id}/report.html").codes == ["report_unknown"]
    before = server.get("/tasks").json["total"]
    answer = made(server, task.id)
    assert answer["path"] == f"tasks/{task.id}/report.html"
    maker = server.get(f"/tasks/{answer['task']}").json
    assert (maker["state"], maker["service"], maker["sandbox"]) == ("succeeded", True, "bubblewrap")
    assert server.get("/tasks").json["total"] == before
    assert elsewhere.task("@last").id == task.id
    assert made(server, task.id)["task"] == answer["task"]
    report = server.get(f"/tasks/{task.id}/report.html")
    assert report.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in report.headers["Content-Security-Policy"]
    text = report.content.decode()
    assert "what was found" in text
    assert "plain.ipynb" in text


def test_one_that_failed_is_made_anew(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    """As when the first was cancelled, or the disk was full."""
    task = elsewhere.run(write(tmp_path / "again.ipynb", "1")).wait()
    first = str(made(server, task.id)["task"])
    folder = elsewhere.task(first).folder
    assert folder is not None
    server.post("/tasks/act", {"action": "remove", "tasks": [first]})
    assert server.get(f"/tasks/{task.id}/report.html").codes == ["report_unknown"]
    assert made(server, task.id)["task"]
    assert server.get(f"/tasks/{task.id}/report.html").status == 200


def test_many_who_wait_for_reports_hold_up_nobody_else(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    tasks = [elsewhere.run(write(tmp_path / f"{i}.ipynb", "1")).id for i in range(6)]
    for task in tasks:
        elsewhere.task(task).wait()
    busy = [elsewhere.run(write(tmp_path / f"busy{i}.ipynb", "import time\nwhile True: time.sleep(0.1)"))
            for i in range(2)]  # fmt: skip
    wait_for(lambda: all(one.state == "running" for one in busy))
    with ThreadPoolExecutor(len(tasks)) as threads:
        asked = [threads.submit(server.post, f"/tasks/{task}/report", None) for task in tasks]
        # All but one are answered, though no report can be made yet.
        wait_for(lambda: sum(one.done() for one in asked) >= len(tasks) - 1, 10)
        assert server.get(f"/tasks/{tasks[0]}/notebook").status == 200
        assert all(one.result().json["ready"] is False for one in asked if one.done())
        for one in busy:
            elsewhere.cancel(one.id)
    wait_for(lambda: not list(elsewhere.ledger.open_tasks()))


def test_a_task_that_is_gone_has_no_report(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    task = elsewhere.run(write(tmp_path / "gone.ipynb", "1")).wait()
    server.post("/tasks/act", {"action": "remove", "tasks": [task.id]})
    assert server.post(f"/tasks/{task.id}/report", None).codes == ["task_unknown"]
    assert server.get(f"/tasks/{task.id}/report.html").codes == ["task_unknown"]


@pytest.fixture(scope="module")
def hostile(server: JupyterServer, elsewhere: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Beacon]:
    beacon = Beacon()
    notebook = write(tmp_path_factory.mktemp("hostile") / "hostile.ipynb", *cells(beacon.url).values())
    task = elsewhere.run(notebook).wait()
    made(server, task.id)
    return server.get(f"/tasks/{task.id}/report.html").content.decode(), beacon


def test_hostile_outputs_become_text_in_a_report(hostile: tuple[str, Beacon]) -> None:
    """THREATS, group O: the page is made of our own tags alone, and asks nobody anything."""
    html, _ = hostile
    elements = _Read(html).elements
    assert LAST_WORDS in html
    assert {tag for tag, _ in elements} <= _TAGS
    assert {name for _, attributes in elements for name in attributes} <= _ATTRIBUTES
    sources = [attributes["src"] or "" for _, attributes in elements if "src" in attributes]
    assert all(source.startswith(("data:image/png;", "data:image/jpeg;", "data:image/gif;")) for source in sources)
    policy = next(attributes["content"] for _, attributes in elements if attributes.get("http-equiv"))
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert "\u202e" not in html


@pytest.mark.skipif(chromium() is None, reason=HOW)
def test_a_report_acts_in_no_way_when_it_is_opened(hostile: tuple[str, Beacon], tmp_path: Path) -> None:
    """As a colleague opens the file that was sent: no script, no request, no dialog."""
    sync_api = pytest.importorskip("playwright.sync_api")
    program = chromium()
    assert program is not None
    html, beacon = hostile
    file = tmp_path / "report.html"
    file.write_text(html, encoding="utf-8")
    dialogs: list[str] = []
    requests: list[str] = []
    with beacon.listening(), sync_api.sync_playwright() as playwright:
        browser = launch(playwright, program)
        page = browser.new_page()
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_load_state("networkidle")
        assert LAST_WORDS in page.locator("body").inner_text()
        assert page.evaluate("() => window.__owned") is None
        browser.close()
    assert beacon.heard == []
    assert dialogs == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []


def test_the_service_notebook_keeps_our_own_rules() -> None:
    """It is shipped beside the methods, and is none."""
    path = service_notebooks() / "report.ipynb"
    checked = read_notebook(path.read_bytes(), name=path.name)
    assert checked.warnings == ()
    assert "codalab" not in checked.notebook["metadata"]
