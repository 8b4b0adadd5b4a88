"""A panel on a real site that serves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ipywidgets as widgets
import pytest

from codalab_nb import Site
from codalab_nb.frontends.notebook.panel_page import Panel
from tests.support.home import Home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with Home(tmp_path_factory.mktemp("panel") / "h") as one:
        yield one


@pytest.fixture
def site(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site without data sets, which serves nothing: what is submitted stays queued. We stand in an empty folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with home.site() as one:
        for document in one.catalog.datasets():
            one.catalog.remove(document.name)
        yield one


@pytest.fixture
def panel(site: Site) -> Panel:
    return Panel(site, lambda batch: widgets.Label(repr(batch)))
