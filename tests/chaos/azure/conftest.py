"""kill -9 in every gap of the protocol, and broken infrastructure, on Azurite and the broker double.

Three workers, invited and joined by the commands, in processes of their own; a site with its background process. Each
file has a pool, a home and services of its own. Which test proves which row of the list of faults (I1-I27) on this
back end:

I1  queue down at submit            test_pools_served (a pool that is down)
I3  store busy, throttled, slow     test_store_faults
I4  answer of the commit lost       test_worker_killed, `commit.drop_reply`
I5  grant expired                   test_store_rights, test_store_faults; integration/test_protocol (what follows)
I6  clocks                          test_worker_program (invite), unit tests of liveness
I7  full disk of the worker         test_worker_stops
I8  lock lost between receive, ack  test_broken (refused settlements); test_worker_killed, `worker.after_receive`
I9  worker killed in each gap       test_worker_killed
I10 site killed in each gap         test_site_killed
I12 duplicates to many workers      test_broken
I13 reordered, early hints          test_broken (a hint of a task that does not run yet); tests/model
I14 forged responses                test_broken
I15 poison                          test_broken
I16 task that kills its worker      test_site_killed (reconciler.before_lost)
I18 cancel before, during, after    test_site_killed (test_canceller_killed)
I19 zombie                          test_broken
I22 partial, empty, forged result   test_broken
I25 versions                        test_broken (a message of a newer site); test_worker_program (a newer invite)
I26 SIGTERM                         test_worker_stops
I27 response queue does not answer  test_broken (hints are dropped, the ledger is right)

I2, I11, I17, I20, I21, I23, I24 do not depend on the back end, or are tests of its parts (test_store_large: the cache).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from codalab_nb import Site
from codalab_nb.site import embedded
from tests.support.azurite import account
from tests.support.far_pool import CELLS, POOL
from tests.support.home import Home
from tests.support.notebooks import write
from tests.support.pools import Command, command, home, operator
from tests.support.workers import Machine, Serving

__all__ = ["account", "command", "home", "operator"]


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Machine]]:
    yield (three := [Machine(tmp_path_factory.mktemp(f"machine-{number}")) for number in range(3)])
    for machine in three:
        machine.kill()
    gc.collect()  # what the SDK left open is told here, and not in somebody else's test


@pytest.fixture(scope="module")
def three(machines: list[Machine], command: Command) -> list[Serving]:
    """All of them have joined the pool, and serve."""
    command.create(POOL)
    # Short enough that a death is noticed soon, long enough that a busy machine does not look dead.
    command.hurry(POOL, heartbeat_s=0.8)
    serving = [one.serve("join", str(command.invite(POOL)), wait=False) for one in machines]
    for one in serving:
        one.wait_until_serving()
    return serving


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "data.txt").write_text("real bytes")
    return write(folder / "work.ipynb", *CELLS)


@pytest.fixture
def site(home: Home, three: list[Serving]) -> Iterator[Site]:
    with home.site() as one:
        yield one


@pytest.fixture
def watched(home: Home, site: Site) -> Site:
    """The site, with its background process."""
    if embedded.current(home.places) is None:
        home.background()
    return site
