"""Queues, messages and results that are not as they should be, and a worker that wakes up too late."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from pathlib import Path

import pytest

from codalab_nb import Site
from codalab_nb.model.base import new_id
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import Hint, Verdict
from codalab_nb.queues.servicebus import ServiceBusQueue
from codalab_nb.queues.servicebus_access import Namespace, RuleKey
from codalab_nb.site import embedded
from tests.support.far_pool import POOL, check, kinds, messages, submit, who_runs
from tests.support.home import PATIENCE_S, Home, wait_for
from tests.support.notebooks import write
from tests.support.pools import KEY, Azure
from tests.support.servicebus import SDK_LEAVES_SOCKETS
from tests.support.workers import Serving

# The limit counts the start of the first of three workers, two services and a site, too.
pytestmark = [SDK_LEAVES_SOCKETS, pytest.mark.timeout(300)]


def test_nobody_is_hurt_by_what_nobody_understands(
    watched: Site, operator: Azure, three: list[Serving], notebook: Path
) -> None:
    """I14, I15, I25: poison and a newer message in the task queue, forged and damaged responses; then a task runs."""
    before = submit(watched, notebook).wait(PATIENCE_S)
    newer = json.dumps({"version": 99, "task": new_id(), "n": 1, "surprise": True})
    foreign = Hint(task=new_id()).to_bytes()
    send(operator, f"{POOL}-urgent", b"no json", b"{}", newer.encode(), b"x" * 200_000, json.dumps({"task": "../x"}))
    send(operator, f"{POOL}-responses", b"no json", foreign, Hint(task=before.id).to_bytes(), b"[" * 50_000)
    task = submit(watched, notebook)
    check(watched, operator, task.id, {Verdict.SUCCEEDED}, most_starts=1)
    check(watched, operator, before.id, {Verdict.SUCCEEDED}, most_starts=1)

    def cleared() -> bool:
        """Buried at once, or given back ten times; cleared away while the pool has something open."""
        submit(watched, notebook).wait(PATIENCE_S)
        return not messages(watched, operator)

    wait_for(cleared)
    assert [one.process.poll() for one in alive(three)] == [None] * len(alive(three))


def test_a_message_that_comes_many_times_starts_one_attempt(watched: Site, operator: Azure, notebook: Path) -> None:
    """I12, I8: copies for everybody, and settlements that the service refuses although the lock was good."""
    operator.control(faults={"duplicate": 10, "refuse_settle": 3})
    task = submit(watched, notebook)
    check(watched, operator, task.id, {Verdict.SUCCEEDED}, most_starts=1)
    operator.control(faults={"duplicate": 0, "refuse_settle": 0})


def test_responses_that_do_not_arrive(watched: Site, operator: Azure, notebook: Path) -> None:
    """I27, I13: hints are lost with their links; the site looks by itself."""
    task = submit(watched, notebook)
    for _ in range(3):
        operator.control(cut=True)
    check(watched, operator, task.id, {Verdict.SUCCEEDED})


def test_a_worker_that_wakes_up_too_late(watched: Site, operator: Azure, three: list[Serving], tmp_path: Path) -> None:
    """I19: suspended, judged dead, followed by another; its late commit loses, and the result stays what it is."""
    cell = "import time\nprint('in', flush=True)\ntime.sleep(2)\nopen('out.txt', 'w').write('real bytes' * 2)"
    task = submit(watched, write(tmp_path / "n.ipynb", cell))
    wait_for(lambda: "output" in kinds(watched, task.id))
    zombie = three[who_runs(watched, task.id, three)].process.pid
    os.kill(zombie, signal.SIGSTOP)
    try:
        assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
        first = watched.store_of(task.id).read(TaskNames(task.id).result)
    finally:
        os.kill(zombie, signal.SIGCONT)
    assert task.result.n == 2
    check(watched, operator, task.id, {Verdict.SUCCEEDED}, most_starts=2)
    assert watched.store_of(task.id).read(TaskNames(task.id).result) == first


@pytest.mark.parametrize("forged", [b"", b'{"task":', b'{"verdict": "succeeded", "n": 1, "nonce": "guessed"}'])
def test_a_result_that_is_none(home: Home, site: Site, operator: Azure, notebook: Path, forged: bytes) -> None:
    """I22: the name is taken, so it must mean something: `failed(bad_result)`."""
    embedded.stop(home.places, PATIENCE_S)
    task = submit(site, notebook)
    assert site.store_of(task.id).create(TaskNames(task.id).result, forged)
    home.background()
    assert task.wait(PATIENCE_S).verdict == Verdict.FAILED
    assert task.reason is not None
    assert task.reason.code == "bad_result"
    wait_for(lambda: not [key for key in messages(site, operator) if key.startswith(task.id)])


def send(operator: Azure, queue: str, *bodies: bytes | str) -> None:
    """As somebody who may."""
    with contextlib.closing(ServiceBusQueue(Namespace(operator.broker), queue, RuleKey("root", KEY))) as sender:
        for body in bodies:
            sender.send(os.urandom(4).hex(), body.encode() if isinstance(body, str) else body, life_s=600)


def alive(serving: list[Serving]) -> list[Serving]:
    return [one for one in serving if one.process.poll() is None]
