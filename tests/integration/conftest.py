"""One real background process for a module of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codalab_nb import Site
from tests.support.home import Home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with Home(tmp_path_factory.mktemp("home") / "h", CODALAB_NB_HEARTBEAT="1") as one:
        yield one


@pytest.fixture(scope="module")
def site(home: Home) -> Iterator[Site]:
    with home.site(serve=True) as one:
        yield one


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
