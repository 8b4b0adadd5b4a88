"""What every test starts from: no setting of the person who runs them, and tools that must be there where CI runs."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# How long an example takes depends on what else the machine does.
settings.register_profile("no-clock", deadline=None)
settings.load_profile("no-clock")


def pytest_configure(config: pytest.Config) -> None:
    # A setting of one's own (a home, a sandbox) must not decide what the tests see.
    for name in [name for name in os.environ if name.startswith("CODALAB_NB_") and name != "CODALAB_NB_TEST_ALL"]:
        del os.environ[name]
