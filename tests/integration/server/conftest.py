"""One real Jupyter server with a real background process for all tests of the REST interface."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from codalab_nb import Site
from tests.support.home import Home
from tests.support.server import JupyterServer


# `package`: the settings of its home stand in the environment while it is there, and must not reach other tests.
@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    base = tmp_path_factory.mktemp("server")
    with Home(base / "home") as home, JupyterServer(base, home) as one:
        yield one


@pytest.fixture(scope="package")
def elsewhere(server: JupyterServer) -> Iterator[Site]:
    """The site of the same home in another process: a command line, a notebook."""
    with server.home.site(serve=True) as site:
        yield site


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """One that the tests of a module may stop and start."""
    base = tmp_path_factory.mktemp("own")
    with Home(base / "home") as home, JupyterServer(base, home) as one:
        yield one
