"""Every gap of the protocol, entered for sure, killed with -9, healed by what is started next.

Each case arms one failpoint in a real process, sees that it fired, starts fresh processes, and holds the end
state against the invariants (docs/understand/protocol.md).
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from codalab_nb.failpoints import NAMES
from codalab_nb.model.base import new_id
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import Verdict
from tests.support import invariants
from tests.support.home import Home, wait_for
from tests.support.notebooks import write

CLIENT = [*sorted(name for name in NAMES if name.startswith(("submit.", "dispatch."))), "commit.after_link"]
WORKER = [*sorted(name for name in NAMES if name.startswith(("worker.", "events.", "monitor."))), "commit.after_link"]
# worker.file.mid needs a result file, worker.stage.mid an input: the notebook has both.
CELLS = ("text = open('data.txt').read()\nprint(text)", "open('out.txt', 'w').write(text * 2)")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    (tmp_path / "data.txt").write_text("real bytes")
    return write(tmp_path / "work.ipynb", *CELLS)


def check_invariants(home: Home, task: str, verdicts: set[Verdict], *, kills: int) -> None:
    """The invariants, and what a task that succeeded made."""
    with home.site() as site:
        invariants.check(
            site,
            task,
            verdicts,
            attempts=lambda: home.attempts(task),
            most_starts=lambda: 1 + kills,
            messages=home.messages,
        )
        done = site.task(task)
        if done.verdict == Verdict.SUCCEEDED:
            assert done.file("out.txt").read_text() == "real bytes" * 2


def finish_clean(home: Home) -> None:
    """The process goes away by itself when told to, and leaves nothing: no process, no scratch folder."""
    from codalab_nb.site import embedded

    embedded.stop(home.places, 60)
    wait_for(lambda: not home.processes())
    assert list(home.places.scratch.glob("w-*")) == []


@pytest.mark.parametrize("name", CLIENT)
def test_submitter_killed(home: Home, notebook: Path, name: str) -> None:
    """Gaps 1-5, 15: who heard no "accepted" says it again with the same id, and the task runs once."""
    task = new_id()
    with home:
        died = home.client("submit", str(notebook), task, failpoint=f"{name}:kill")
        assert died.returncode == -signal.SIGKILL, died.stderr
        assert died.stdout == ""
        assert home.fired_failpoints() == [name]
        again = home.client("submit", str(notebook), task)
        assert again.stdout.strip() == task, again.stderr
        home.background()
        check_invariants(home, task, {Verdict.SUCCEEDED}, kills=0)
        assert home.starts(task) == 1
        finish_clean(home)


@pytest.mark.parametrize("name", WORKER)
def test_worker_and_monitor_killed(home: Home, notebook: Path, name: str) -> None:
    """Gaps 7-18: everything dies inside the gap; the next start brings the task to one verdict."""
    task = new_id()
    with home:
        assert home.client("submit", str(notebook), task).stdout.strip() == task
        armed = home.background(f"{name}:kill")
        assert armed.wait(90) == -signal.SIGKILL
        assert home.fired_failpoints() == [name]
        wait_for(lambda: not home.processes())  # the sandbox died with its supervisor (gap 11)
        home.background()
        check_invariants(home, task, {Verdict.SUCCEEDED}, kills=1)
        finish_clean(home)


@pytest.mark.parametrize("name", ["reconciler.before_resend", "reconciler.after_resend"])
def test_reconciler_killed_at_the_resend(home: Home, notebook: Path, name: str) -> None:
    """Gap 20: a dead attempt is followed by exactly one next attempt, whoever dies while sending it."""
    task = new_id()
    with home:
        home.client("submit", str(notebook), task)
        assert home.background("worker.running:kill").wait(90) == -signal.SIGKILL
        assert home.background(f"{name}:kill").wait(90) == -signal.SIGKILL
        assert home.fired_failpoints() == ["worker.running", name]
        home.background()
        check_invariants(home, task, {Verdict.SUCCEEDED}, kills=2)
        assert len(home.attempts(task)) == 2
        finish_clean(home)


def test_reconciler_killed_before_lost(home: Home, notebook: Path) -> None:
    """Gap 20, strict mode: with max_attempts=1 a killed task is lost, and never started twice."""
    task = new_id()
    with home:
        home.client("submit", str(notebook), task, "1")
        assert home.background("worker.running:kill").wait(90) == -signal.SIGKILL
        assert home.background("reconciler.before_lost:kill").wait(90) == -signal.SIGKILL
        home.background()
        check_invariants(home, task, {Verdict.LOST}, kills=0)
        assert home.starts(task) == 1
        finish_clean(home)


def test_a_lost_answer_of_the_commit(home: Home, notebook: Path) -> None:
    """Gap 16: the commit was made, its answer never came: the nonce tells the worker that it won."""
    task = new_id()
    with home:
        home.client("submit", str(notebook), task)
        home.background("commit.drop_reply:drop")
        check_invariants(home, task, {Verdict.SUCCEEDED}, kills=0)
        assert home.fired_failpoints() == ["commit.drop_reply"]
        assert home.starts(task) == 1
        finish_clean(home)


def test_canceller_killed(home: Home, tmp_path: Path) -> None:
    """Gap 21: a cancel that died changed nothing; the next one ends the task and its sandbox."""
    notebook = write(tmp_path / "long.ipynb", "import time\nprint('in', flush=True)\ntime.sleep(600)")
    task = new_id()
    with home:
        home.client("submit", str(notebook), task)
        home.background()
        wait_for(lambda: any(event["type"] == "output" for events in home.attempts(task) for event in events))
        died = home.client("cancel", task, failpoint="cancel.before_commit:kill")
        assert died.returncode == -signal.SIGKILL
        assert not (home.places.store / TaskNames(task).result).exists()
        assert home.client("cancel", task).stdout.strip() == "True"
        assert home.client("cancel", task).stdout.strip() == "False"
        check_invariants(home, task, {Verdict.CANCELLED}, kills=0)
        finish_clean(home)


def test_every_failpoint_has_a_test() -> None:
    """A new gap cannot be added without a kill in it."""
    tested = {*CLIENT, *WORKER, "cancel.before_commit", "commit.drop_reply"}
    tested |= {"reconciler.before_resend", "reconciler.after_resend", "reconciler.before_lost"}
    assert tested == NAMES
