"""Whoever submits, sends, folds, repairs or cancels is killed, in each of its gaps."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from codalab_nb import Site
from codalab_nb.failpoints import NAMES
from codalab_nb.model.base import new_id
from codalab_nb.model.task import State, Verdict
from codalab_nb.site import embedded
from tests.support.far_pool import CELLS, FOLDS, POOL, SENDS, SUBMIT, WORKER, check, kill_who_runs, kinds, submit
from tests.support.home import PATIENCE_S, Home, wait_for
from tests.support.notebooks import write
from tests.support.pools import Azure
from tests.support.servicebus import SDK_LEAVES_SOCKETS
from tests.support.workers import Machine, Serving

# The limit counts the start of the first of three workers, two services and a site, too.
pytestmark = [SDK_LEAVES_SOCKETS, pytest.mark.timeout(300)]


@pytest.mark.parametrize("name", SUBMIT)
def test_submitter_killed(home: Home, watched: Site, operator: Azure, tmp_path: Path, name: str) -> None:
    """Gaps 1-3: who heard no "accepted" says it again with the same id, and the task runs once."""
    task = new_id()
    (tmp_path / "data.txt").write_text("real bytes")
    notebook = write(tmp_path / "work.ipynb", *CELLS, f"# {name}")  # nothing that was sent before
    home.variables["POOL"] = POOL
    died = home.client("submit", str(notebook), task, failpoint=f"{name}:kill")
    assert (died.returncode, died.stdout) == (-signal.SIGKILL, ""), died.stderr
    assert home.fired_failpoints()[-1] == name
    assert home.client("submit", str(notebook), task).stdout.strip() == task
    check(watched, operator, task, {Verdict.SUCCEEDED})


@pytest.mark.parametrize("name", [*SENDS, *FOLDS])
def test_the_sites_process_killed(home: Home, site: Site, operator: Azure, notebook: Path, name: str) -> None:
    """Gaps 4, 5, 18: the outbox is in the ledger and the verdict in the store; the next process goes on."""
    embedded.stop(home.places, PATIENCE_S)
    task = submit(site, notebook)
    armed = home.background(f"{name}:kill")
    assert armed.wait(PATIENCE_S) == -signal.SIGKILL
    assert home.fired_failpoints()[-1] == name
    home.background()
    check(site, operator, task.id, {Verdict.SUCCEEDED}, most_starts=1)


@pytest.mark.parametrize(
    ("name", "attempts", "verdict"),
    [
        ("reconciler.before_resend", 2, Verdict.SUCCEEDED),
        ("reconciler.after_resend", 2, Verdict.SUCCEEDED),
        ("reconciler.before_lost", 1, Verdict.LOST),
    ],
)
def test_reconciler_killed(
    home: Home,
    site: Site,
    operator: Azure,
    three: list[Serving],
    machines: list[Machine],
    tmp_path: Path,
    name: str,
    attempts: int,
    verdict: Verdict,
) -> None:
    """Gap 20: a dead attempt is followed by one next attempt, or the task is lost, whoever dies while seeing to it."""
    cell = "import time\nprint('in', flush=True)\ntime.sleep(4)"
    if embedded.current(home.places) is None:
        home.background()
    task = submit(site, write(tmp_path / "n.ipynb", cell), max_attempts=attempts)
    wait_for(lambda: "output" in kinds(site, task.id))
    embedded.stop(home.places, PATIENCE_S)
    kill_who_runs(site, task.id, machines, three)
    armed = home.background(f"{name}:kill")
    assert armed.wait(PATIENCE_S) == -signal.SIGKILL
    assert home.fired_failpoints()[-1] == name
    home.background()
    check(site, operator, task.id, {verdict}, most_starts=attempts)


def test_canceller_killed(home: Home, watched: Site, operator: Azure, tmp_path: Path) -> None:
    """Gap 21 and I18: a cancel that died changed nothing; the next one ends the task, once; a later one is too late."""
    task = submit(watched, write(tmp_path / "n.ipynb", "import time\nprint('in', flush=True)\ntime.sleep(600)"))
    wait_for(lambda: "output" in kinds(watched, task.id))
    died = home.client("cancel", task.id, failpoint="cancel.before_commit:kill")
    assert died.returncode == -signal.SIGKILL
    assert task.state == State.RUNNING
    assert [home.client("cancel", task.id).stdout.strip() for _ in range(2)] == ["True", "False"]
    check(watched, operator, task.id, {Verdict.CANCELLED}, most_starts=1)
    done = submit(watched, write(tmp_path / "light.ipynb", "1")).wait(PATIENCE_S)
    assert done.cancel() is False
    check(watched, operator, done.id, {Verdict.SUCCEEDED}, most_starts=1)


def test_every_failpoint_has_a_test() -> None:
    """A new gap cannot be added without a kill in it, here too."""
    others = {"reconciler.before_resend", "reconciler.after_resend", "reconciler.before_lost", "cancel.before_commit"}
    assert {*WORKER, *SUBMIT, *SENDS, *FOLDS, *others} == NAMES
