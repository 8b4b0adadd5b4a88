from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codalab_nb import Site
from tests.support.home import Home


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Of a home of its own, without a background process."""
    with Home(tmp_path / "home") as home, home.site() as site:
        yield site
