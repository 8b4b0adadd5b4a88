"""One Chromium, one background process, one JupyterLab and one Notebook 7 server for the session."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.support.browser import HOW, Notebook, chromium, launch
from tests.support.home import Home
from tests.support.jupyter import Kind, Server, empty
from tests.support.notebooks import write


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.timeout(400))  # servers start, pages load; each wait has a limit of its own


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = chromium()
    if program is None:
        if os.environ.get("CODALAB_NB_TEST_ALL"):
            pytest.fail(HOW)
        pytest.skip(HOW)
    with sync_playwright() as playwright:
        browser = launch(playwright, program)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One browser profile for the session: JupyterLab's own files stay in its cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture(scope="session")
def short() -> Iterator[Path]:
    """A folder with a short path: the path of a socket has about 100 characters at most."""
    with tempfile.TemporaryDirectory(prefix="nb", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="session")
def home(short: Path, browser: Browser) -> Iterator[Home]:
    """One background process, warm: the first kernel of a day takes seconds, and is not what these tests are about.

    Not started where there is no browser.
    """
    with Home(short / "home", CODALAB_NB_HEARTBEAT="1") as one:
        with one.site(serve=True) as site:
            assert site.run(write(short / "warm.ipynb", "1")).verdict == "succeeded"
        yield one


@pytest.fixture(scope="session")
def serve(home: Home, short: Path) -> Iterator[Callable[[Kind], Server]]:
    """Starts a server of a kind when it is first asked for."""
    with ExitStack() as stack:
        running: dict[Kind, Server] = {}

        def one(kind: Kind) -> Server:
            if kind not in running:
                running[kind] = stack.enter_context(Server(kind, short / kind, home.environment()))
            return running[kind]

        yield one


@pytest.fixture(scope="session", params=["lab", "notebook"])
def server(request: pytest.FixtureRequest, serve: Callable[[Kind], Server], browser: Browser) -> Server:
    """JupyterLab, then Notebook 7."""
    return serve(request.param)


@pytest.fixture(scope="session")
def lab(serve: Callable[[Kind], Server], browser: Browser) -> Server:
    """JupyterLab alone, for what does not differ between the two."""
    return serve("lab")


@pytest.fixture(scope="session")
def voila(serve: Callable[[Kind], Server], browser: Browser) -> Server:
    return serve("voila")


def _opened(server: Server, context: BrowserContext, home: Home, name: str) -> Iterator[Notebook]:
    notebook = Notebook(server, context, empty(server.root / f"{name}.ipynb").name)
    yield notebook
    notebook.close()
    server.end_kernels()
    with home.site() as site:  # a test that failed must not leave its task to the next one
        for row in site.ledger.open_tasks():
            site.cancel(row.id)


@pytest.fixture
def notebook(server: Server, context: BrowserContext, home: Home, request: pytest.FixtureRequest) -> Iterator[Notebook]:
    """A new notebook, open, its kernel ready; the kernel is gone afterwards. Once in JupyterLab, once in Notebook 7."""
    yield from _opened(server, context, home, request.node.originalname)


@pytest.fixture
def lab_notebook(
    lab: Server, context: BrowserContext, home: Home, request: pytest.FixtureRequest
) -> Iterator[Notebook]:
    yield from _opened(lab, context, home, request.node.originalname)
