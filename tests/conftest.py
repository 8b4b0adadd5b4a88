"""What every test starts from: no setting of the person who runs them, and tools that must be there where CI runs."""

from __future__ import annotations

import os

import pytest


def pytest_configure(config: pytest.Config) -> None:
    # A setting of one's own (a home, a sandbox) must not decide what the tests see.
    for name in [name for name in os.environ if name.startswith("CODALAB_NB_") and name != "CODALAB_NB_TEST_ALL"]:
        del os.environ[name]
