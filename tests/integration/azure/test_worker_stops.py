"""A worker that goes, or has to: asked to stop, its invite ended, no room on its disk, its queues gone.

The pools: `shift` is served by several workers in turn, `brief` by one whose invite ends, `doomed` by one whose queues
are deleted. What takes its time there begins first and is looked at last.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codalab_nb import Options, Site, wiring
from codalab_nb.model.pool import Queues
from codalab_nb.model.task import State, Verdict
from codalab_nb.site.tasks import Task
from tests.support.home import PATIENCE_S, Home, wait_for
from tests.support.notebooks import write
from tests.support.pools import Azure, Command, signed
from tests.support.servicebus import SDK_LEAVES_SOCKETS
from tests.support.workers import Machine, Serving, ask, mounted, needs_mounts

# The limit counts the start of two services, two workers and a site, too.
pytestmark = [SDK_LEAVES_SOCKETS, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine that joins three pools."""
    with Machine(tmp_path_factory.mktemp("second")) as one:
        yield one


@pytest.fixture(scope="module")
def doomed(command: Command, operator: Azure, second: Machine) -> Serving:
    """A worker whose queues are deleted while it listens."""
    command.create("doomed")
    serving = second.serve("join", str(command.invite("doomed")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", operator.certificate)
        admin = wiring.pool_admin(operator.connection, None)
        admin.remove(Queues.of("doomed"))
        admin.close()
    return serving


@pytest.fixture(scope="module")
def site(home: Home, doomed: Serving) -> Iterator[Site]:
    with home.site(serve=True) as one:
        yield one
    gc.collect()  # what the SDK left open is told here, and not in somebody else's test


def test_asked_to_stop_it_lets_a_task_end(
    second: Machine, site: Site, command: Command, shift: str, tmp_path: Path
) -> None:
    """SIGTERM: no more work is taken, what runs ends within the grace time; meanwhile its page says 503."""
    serving = second.serve("join", str(command.invite(shift)), CODALAB_NB_GRACE="60")
    task = slow(site, tmp_path, shift, 3)
    port = next(one for one in second.json("status") if one["pool"] == shift)["serving"]["port"]
    serving.process.terminate()
    wait_for(lambda: json.loads(ask(port, "health")[1])["draining"])
    assert ask(port, "health")[0] == 503
    assert serving.ended() == 0
    assert (task.wait(PATIENCE_S).verdict, task.attempts) == (Verdict.SUCCEEDED, 1)


def test_a_second_signal_gives_the_task_back(second: Machine, site: Site, shift: str, tmp_path: Path) -> None:
    """The impatient: `released: interrupted`, and the task runs elsewhere at once. `leave` stops a worker, too."""
    which = second.json("run", code=2)["errors"][0]
    assert (which["code"], which["message"]) == ("which_pool", "This machine has joined doomed, shift.")
    serving = second.serve("run", "--pool", shift, CODALAB_NB_GRACE="600")
    task = slow(site, tmp_path, shift, 6)
    port = next(one for one in second.json("status") if one["pool"] == shift)["serving"]["port"]
    serving.process.send_signal(signal.SIGINT)
    wait_for(lambda: json.loads(ask(port, "health")[1])["draining"])  # two signals at once may arrive as one
    serving.process.send_signal(signal.SIGINT)
    assert serving.ended() == 0
    released = next(event for event in task.events() if event["type"] == "released")
    assert released["body"]["reason"] == "interrupted"
    third = second.serve("run", "--pool", shift)
    assert (task.wait(PATIENCE_S).verdict, task.attempts) == (Verdict.SUCCEEDED, 2)
    left = second.json("leave", "--pool", shift)
    assert left["left"] == shift
    assert third.ended() == 0
    assert not (second.folder / "worker" / shift).exists()
    assert second.json("run", "--pool", shift, code=2)["errors"][0]["code"] == "not_joined"


def test_an_invite_that_ends_while_it_serves(site: Site, command: Command, home: Home, tmp_path: Path) -> None:
    """What runs has a grant of its own and ends well; then the worker goes, and says why."""
    command.create("brief")
    life_s = 20.0
    until = time.time() + life_s
    with Machine(tmp_path / "m") as machine:
        serving = machine.serve("join", str(signed(home, "brief", tmp_path, life_s=life_s)))
        task = slow(site, tmp_path, "brief", max(0.0, until - time.time()) + 3)
        assert serving.ended() == 3
        assert (task.wait(PATIENCE_S).verdict, task.attempts) == (Verdict.SUCCEEDED, 1)
        (why,) = [line["message"] for line in serving.lines() if line["message"].startswith("this worker stops")]
        assert why == "this worker stops: its invite to brief has ended; ask the pool's owner for another"
        (told,) = machine.json("status", code=1)
        assert "was good until" in told["trouble"]
        assert machine.json("run", code=2)["errors"][0]["code"] == "invite_expired"


@needs_mounts
def test_a_full_disk_gives_the_task_back(site: Site, command: Command, shift: str, tmp_path: Path) -> None:
    """I7: an input that does not fit is no fault of the task: `released`, and it runs where there is room."""
    (tmp_path / "big.bin").write_bytes(os.urandom(24 << 20))
    notebook = write(tmp_path / "n.ipynb", "import os\nprint(os.path.getsize(data))")
    small = mounted(f'mount -t tmpfs -o size=8m none "{tmp_path}/full/worker/{shift}/cache"')
    (tmp_path / "full/worker" / shift / "cache").mkdir(parents=True)
    with Machine(tmp_path / "full", *small) as full, Machine(tmp_path / "roomy") as roomy:
        serving = full.serve("join", str(command.invite(shift)))
        task = site.run(notebook, inputs={"data": tmp_path / "big.bin"}, options=Options(pool=shift, max_attempts=9))
        wait_for(lambda: "released" in kinds(task))
        serving.process.terminate()
        assert serving.ended() in (0, 3)  # 3: it had given up after three of them
        given_back = next(event for event in task.events() if event["type"] == "released")
        assert (given_back["body"]["reason"], task.state) == ("disk_full", State.QUEUED)
        roomy.serve("join", str(command.invite(shift)))
        assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
        assert task.attempts >= 2


def test_queues_that_are_deleted_while_it_listens(doomed: Serving, second: Machine) -> None:
    """Waiting does not bring them back: it says so and goes. Last here: it was begun first, and takes half a minute."""
    assert doomed.ended() == 3
    (why,) = [line["message"] for line in doomed.lines() if line["message"].startswith("this worker stops")]
    assert "There is no queue 'doomed-" in why
    assert "sig=" not in doomed.log.read_text().replace("sig=[redacted]", "")
    found: dict[str, Any] = {one["check"]: one for one in second.json("doctor", code=3)["checks"]}
    assert (found["pool doomed"]["level"], found["sandbox"]["level"]) == ("problem", "ok")
    assert "There is no queue" in found["pool doomed"]["message"]
    second.command("leave", "--pool", "doomed")
    assert [one["pool"] for one in second.json("status", code=1) if one["pool"] == "doomed"] == []


def slow(site: Site, folder: Path, pool: str, seconds: float) -> Task:
    """A task that runs, when this returns: its first output is there."""
    cell = f"import time\nprint('in', flush=True)\ntime.sleep({seconds})\nprint('out')"
    task = site.run(write(folder / "slow.ipynb", cell), options=Options(pool=pool))
    wait_for(lambda: "output" in kinds(task))
    return task


def kinds(task: Task) -> list[str]:
    return [event["type"] for event in task.events()]
