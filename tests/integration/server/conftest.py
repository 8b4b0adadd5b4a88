"""One real Jupyter server with a real background process for all tests of the REST interface."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.home import Home
from tests.support.server import JupyterServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    base = tmp_path_factory.mktemp("server")
    with Home(base / "home") as home, JupyterServer(base, home) as one:
        yield one
