"""Gaps 7-17: whoever runs a task is killed in each of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from codalab_nb import Site
from codalab_nb.model.task import Verdict
from codalab_nb.site.tasks import Task
from tests.support.far_pool import POOL, WORKER, check, submit
from tests.support.home import wait_for
from tests.support.pools import Azure
from tests.support.servicebus import SDK_LEAVES_SOCKETS
from tests.support.workers import Machine, Serving

# The limit counts the start of the first of three workers, two services and a site, too.
pytestmark = [SDK_LEAVES_SOCKETS, pytest.mark.timeout(300)]


def test_workers_killed_in_every_gap(
    watched: Site,
    machines: list[Machine],
    three: list[Serving],
    operator: Azure,
    notebook: Path,
    tmp_path: Path,
) -> None:
    """Three workers serve, each with another failpoint armed; whoever dies is followed by the next. In the end every
    task has its verdict, and every gap was entered."""
    told_to_go(three)
    left = list(WORKER)
    serving: dict[int, tuple[str, Serving]] = {}
    tasks = [submit(watched, notebook, max_attempts=50) for _ in range(6)]

    def log_of(name: str) -> Path:
        return tmp_path / f"{name}.fired"

    def again(number: int) -> None:
        serving.pop(number, None)
        if left:
            name = left.pop()
            action = "drop" if name == "commit.drop_reply" else "kill"
            armed = {"CODALAB_NB_FAILPOINT": f"{name}:{action}", "CODALAB_NB_FAILPOINT_LOG": str(log_of(name))}
            serving[number] = name, machines[number].serve("run", wait=False, **armed)

    def over() -> list[int]:
        """Whose worker is dead. A dropped answer kills nobody: then it is told to go."""
        for name, one in serving.values():
            if name == "commit.drop_reply" and log_of(name).exists() and name not in told:
                told.add(name)
                one.process.terminate()
        return [number for number, (_, one) in serving.items() if one.process.poll() is not None]

    told: set[str] = set()
    for number in range(3):
        again(number)
    while serving:
        wait_for(lambda: over() or not still_open(tasks))
        for number in over():
            again(number)
        if serving and not still_open(tasks):  # there must be something to die of
            tasks.append(submit(watched, notebook, max_attempts=50))
    for name in WORKER:
        assert log_of(name).read_text().split()[0] == name
    clean = [machine.serve("run", wait=False) for machine in machines]
    for task in tasks:
        check(watched, operator, task.id, {Verdict.SUCCEEDED})
    for one in clean:
        one.wait_until_serving()
    told_to_go(clean)
    for machine in machines:
        assert list((machine.folder / "worker" / POOL / "scratch").glob("w-*")) == []


def still_open(tasks: list[Task]) -> list[Task]:
    return [task for task in tasks if task.row.is_open]


def told_to_go(serving: list[Serving]) -> None:
    """They end as they should."""
    for one in serving:
        one.process.terminate()
    assert [one.ended() for one in serving] == [0] * len(serving)
