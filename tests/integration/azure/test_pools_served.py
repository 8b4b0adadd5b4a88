"""Pools from end to end: made by the command, joined by a worker in a process of its own, used beside `local`."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from codalab_nb import Options, Site, wiring
from codalab_nb.model.names import blob
from codalab_nb.model.pool import Queues
from codalab_nb.model.task import Priority, State, Verdict
from tests.support.home import PATIENCE_S, Home, wait_for
from tests.support.notebooks import write
from tests.support.pools import Azure, Command, worker
from tests.support.servicebus import SDK_LEAVES_SOCKETS

pytestmark = [SDK_LEAVES_SOCKETS, pytest.mark.timeout(300)]  # several processes start in each test


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with Home(tmp_path_factory.mktemp("home") / "h") as one:
        yield one


@pytest.fixture(scope="module")
def lab(command: Command, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A pool with one worker."""
    command.create("lab")
    with worker(command.invite("lab"), tmp_path_factory.mktemp("worker") / "w"):
        yield "lab"


@pytest.fixture(scope="module")
def site(home: Home, lab: str) -> Iterator[Site]:
    with home.site(serve=True) as one:
        yield one
    gc.collect()  # what the SDK left open is told here, and not in somebody else's test


def test_a_worker_that_joined_does_the_pools_tasks(site: Site, command: Command, tmp_path: Path) -> None:
    """The main job over queues and blobs; the worker is shown at once, and what it made can be read by all commands."""
    notebook = write(tmp_path / "n.ipynb", "print('over there'); open('made.txt', 'w').write('42')")
    task = site.run(notebook, options=Options(pool="lab"))
    assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
    assert task.row.pool == "lab"
    assert task.file("made.txt").read_text() == "42"
    assert [event["type"] for event in task.events()][-1] == "finished"
    assert not (site.places.store / "tasks" / task.id).exists()
    (seen,) = command.json("pool", "show", "lab")["workers"]
    assert (seen["there"], seen["slots"], seen["kernels"]) == (True, 1, ["python3"])
    assert command.json("status", task.id)[0]["state"] == "succeeded"
    (again,) = site.retry([task])
    assert (again.wait(PATIENCE_S).verdict, again.row.pool) == (Verdict.SUCCEEDED, "lab")


def test_results_travel_from_pool_to_pool(site: Site, tmp_path: Path) -> None:
    """`-i TASK:FILE`: verified bytes of one pool's result become another pool's input, through the site."""
    there = site.run(
        write(tmp_path / "a.ipynb", "open('x.txt', 'w').write('from the lab')"), options=Options(pool="lab")
    )
    there.wait(PATIENCE_S)
    reads = write(tmp_path / "b.ipynb", "print(open(data).read())")
    for pool in ("local", "lab"):
        task = site.run(reads, inputs={"data": f"{there.id}:x.txt"}, options=Options(pool=pool))
        assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED, task.reason
        assert task.notebook is not None
        assert "from the lab" in task.notebook.read_text()


def test_what_a_pool_has_is_not_sent_again(site: Site, tmp_path: Path) -> None:
    """A data set of the home goes to a pool once, however often it is used there."""
    (tmp_path / "big.bin").write_bytes(bytes(3 << 20))
    notebook = write(tmp_path / "n.ipynb", "print(len(open(data, 'rb').read()))")
    before: set[str] = set()
    for _ in range(2):
        task = site.run(notebook, inputs={"data": tmp_path / "big.bin"}, options=Options(pool="lab"))
        assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
        names = set(task.store.list("blobs/sha256/"))
        assert not before or names == before
        before = names
    assert blob(task.document.inputs[0].sha256) in before
    assert site.store.look(blob(task.document.inputs[0].sha256)) is None  # it never was the home's


def test_background_tasks_are_served_too(site: Site, tmp_path: Path) -> None:
    """The second queue of each pool."""
    for pool in ("local", "lab"):
        task = site.run(write(tmp_path / "n.ipynb", "1"), options=Options(pool=pool, priority=Priority.BACKGROUND))
        assert task.document.priority == Priority.BACKGROUND
        assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED


def test_a_pool_that_is_down_holds_up_no_other(site: Site, command: Command, home: Home, tmp_path: Path) -> None:
    """Its tasks are accepted and wait; those of the others run; when it is back they run, too."""
    command.create("far")
    definition = home.folder / "pools" / "far.json"
    good = json.loads(definition.read_text())
    definition.write_text(json.dumps({**good, "namespace": "127.0.0.1:9"}))
    notebook = write(tmp_path / "n.ipynb", "print(1)")
    waiting = site.run(notebook, options=Options(pool="far"))
    for pool in ("lab", "local"):
        assert site.run(notebook, options=Options(pool=pool)).wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
    assert waiting.state == State.QUEUED
    refused = command.json("pool", "rm", "far", code=2)
    assert refused["errors"][0]["code"] == "pool_busy"
    shown = command.json("pool", "show", "far", code=3)
    assert (shown["reached"], shown["errors"][0]["code"]) == (False, "queue_unreachable")
    definition.write_text(json.dumps(good))
    with worker(command.invite("far"), tmp_path / "w"):
        assert waiting.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
    command("pool", "rm", "far", "--queues", "--yes", "--servicebus-connection-env", "MANAGE")
    assert [one["pool"] for one in command.json("pool", "list")] == ["local", "lab"]
    assert {one["pool"] for one in command.json("status", "--limit", "3")} == {"far", "lab", "local"}
    assert command.json("results", waiting.id, code=2)["errors"][0]["code"] == "pool_unknown"
    assert command.json("rm", waiting.id)


def test_a_worker_that_died_is_followed_by_another(site: Site, command: Command, home: Home, tmp_path: Path) -> None:
    """Heartbeats over blobs, judged by the site; attempt 2 has a grant of its own."""
    command.create("mortal")
    definition = home.folder / "pools" / "mortal.json"
    quick = {"heartbeat_s": 0.5, "pass_s": 0.5}
    definition.write_text(json.dumps({**json.loads(definition.read_text()), **quick}))
    with worker(command.invite("mortal"), tmp_path / "first") as first:
        body = "import time\ntime.sleep(3)"
        task = site.run(write(tmp_path / "n.ipynb", body), options=Options(pool="mortal"))
        wait_for(lambda: task.state == State.RUNNING)
        first.kill()
        with worker(command.invite("mortal"), tmp_path / "second"):
            assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
    assert task.attempts == 2
    assert [step["detail"] for step in site.ledger.history(task.id) if step["step"] == "resent"] == [
        "the worker stopped giving signs of life"
    ]


def test_deleted_queues_are_mended(
    site: Site, command: Command, operator: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages went with the queue; the tasks did not. The operator is told on both sides, and one command mends it."""
    command.create("mended")
    task = site.run(write(tmp_path / "n.ipynb", "1"), options=Options(pool="mended"))
    wait_for(lambda: task.row.sent_at is not None)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", operator.certificate)
    admin = wiring.pool_admin(operator.connection, None)
    admin.remove(Queues.of("mended"))
    admin.close()
    assert command.json("pool", "show", "mended", code=3)["errors"][0]["code"] == "queue_gone"
    found = {one["check"]: one for one in command.json("doctor", code=3)["checks"]}
    assert (found["pool mended"]["level"], found["pool lab"]["level"]) == ("problem", "ok")
    command("pool", "create", "mended", "--servicebus-connection-env", "MANAGE")
    with worker(command.invite("mended"), tmp_path / "w"):
        assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
    assert task.attempts == 1


def test_what_ends_soon_is_told(command: Command, lab: str) -> None:
    """A week before."""
    command("pool", "invite", lab, "--expires", "3d")
    told = [one for one in command.json("doctor")["checks"] if one["check"] == "pool lab" and one["level"] == "warning"]
    assert "ends at" in told[0]["message"]


def test_revoking_ends_invites_and_no_task(site: Site, command: Command, tmp_path: Path) -> None:
    """What runs has its grant and ends well; the worker must join again, and is named."""
    command.create("rekeyed")
    with worker(command.invite("rekeyed"), tmp_path / "w"):
        started = "import time\ntime.sleep(4)\nopen('made.txt', 'w').write('x')"
        task = site.run(write(tmp_path / "n.ipynb", started), options=Options(pool="rekeyed"))
        wait_for(lambda: task.state == State.RUNNING)
        ended = command.json("pool", "revoke", "rekeyed", "--servicebus-connection-env", "MANAGE")
        assert len(ended["workers"]) == len(ended["invites"]) == 1
        assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
        assert task.attempts == 1
    with worker(command.invite("rekeyed"), tmp_path / "again"):
        task = site.run(write(tmp_path / "n.ipynb", "1"), options=Options(pool="rekeyed"))
        assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
