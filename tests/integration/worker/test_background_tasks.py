"""Urgent and background tasks in a real background process: who begins, who waits, and what a crash leaves of it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from codalab_nb import Options, Site
from codalab_nb.bells import runtime_folder
from codalab_nb.model.task import Priority, State, Verdict
from codalab_nb.queues.local import LocalQueue
from codalab_nb.site import embedded
from codalab_nb.site.tasks import Task
from tests.support.home import PATIENCE_S, Home, wait_for
from tests.support.notebooks import write

URGENT, BACKGROUND = Options(), Options(priority=Priority.BACKGROUND)
FOR_EVER = "print('in', flush=True)\nwhile True: pass"
A_WHILE = "import time\nprint('in', flush=True)\ntime.sleep(0.3)"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Home]:
    """A home with two slots, which nobody serves yet."""
    with Home(tmp_path / "home") as home:
        yield home


def has_output(home: Home, task: Task) -> bool:
    return any(event["type"] == "output" for events in home.attempts(task.id) for event in events)


def submit(site: Site, notebook: Path, count: int, options: Options = URGENT) -> list[Task]:
    return site.submit([site.draft(notebook, options=options) for _ in range(count)])


@contextlib.contextmanager
def filled(home: Home, site: Site, notebook: Path) -> Iterator[list[Task]]:
    """As many background tasks as there are slots run, one more waits, and none ends by itself."""
    tasks = submit(site, notebook, 3, BACKGROUND)
    wait_for(lambda: sum(has_output(home, task) for task in tasks) == 2)
    yield tasks
    for task in tasks:
        task.cancel()


def most_at_once(home: Home, tasks: list[Task]) -> int:
    """How many of these were in hand together: from an attempt's first event to its last."""
    moments = []
    for task in tasks:
        for events in home.attempts(task.id):
            moments += [(events[0]["at"], 1), (events[-1]["at"], -1)]
    return max(sum(change for _, change in sorted(moments)[: end + 1]) for end in range(len(moments)))


def test_a_click_does_not_wait_for_background_tasks(served: Home, tmp_path: Path) -> None:
    """All slots are filled with tasks that never end; what a person asks for runs, while they go on."""
    click, endless = write(tmp_path / "click.ipynb", "print('done')"), write(tmp_path / "endless.ipynb", FOR_EVER)
    with served.site(serve=True) as site, filled(served, site, endless) as background:
        for _ in range(3):
            assert site.run(click).wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
        assert sum(has_output(served, task) for task in background) == 2
        assert all(task.row.is_open for task in background)


def test_no_kind_has_more_tasks_than_slots(served: Home, tmp_path: Path) -> None:
    """Five of each at once: each kind is served two at a time, and all come to their end."""
    notebook = write(tmp_path / "n.ipynb", A_WHILE)
    with served.site(serve=True) as site:
        calm, urgent = submit(site, notebook, 5, BACKGROUND), submit(site, notebook, 5)
        for task in (*calm, *urgent):
            assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
    assert most_at_once(served, calm) == 2
    assert most_at_once(served, urgent) == 2


def test_only_what_belongs_to_background_tasks_steps_behind(served: Home, tmp_path: Path) -> None:
    """The worker itself, its zygote and the kernels of people keep their priority while background tasks run."""
    policy = "import os\nprint('policy', os.sched_getscheduler(0))"
    click = write(tmp_path / "click.ipynb", policy)
    endless = write(tmp_path / "endless.ipynb", f"{policy}\n{FOR_EVER}")
    with served.site(serve=True) as site, filled(served, site, endless):
        task = site.run(click).wait(PATIENCE_S)
        assert task.notebook is not None
        assert f"policy {os.SCHED_OTHER}" in task.notebook.read_text()
        holder = embedded.current(served.places)
        assert holder is not None
        worker = psutil.Process(holder.pid)
        zygotes = [child for child in worker.children() if "codalab_worker.zygote" in child.cmdline()]
        assert zygotes
        threads = [thread.id for process in (worker, *zygotes) for thread in process.threads()]
        assert {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_OTHER}
        behind = [
            process.pid
            for process in worker.children(recursive=True)
            if os.sched_getscheduler(process.pid) == os.SCHED_IDLE
        ]
        assert len(behind) == 4  # two tasks, each a runner and a kernel


def test_a_crash_with_both_kinds_running_loses_neither(served: Home, tmp_path: Path) -> None:
    """kill -9 of everything: both kinds run again, and the waiting background task was not forgotten."""
    notebook = write(tmp_path / "n.ipynb", "import time\nprint('in', flush=True)\ntime.sleep(8)")
    with served.site() as site:
        served.background()
        calm, urgent = submit(site, notebook, 3, BACKGROUND), submit(site, notebook, 1)
        wait_for(lambda: sum(has_output(served, task) for task in (*calm, *urgent)) == 3)
        served.kill_everything()
        served.background()
        for task in (*calm, *urgent):
            assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
        assert sorted(served.starts(task.id) for task in calm) == [1, 2, 2]
        assert served.starts(urgent[0].id) == 2


def test_stopping_gives_back_both_kinds(tmp_path: Path) -> None:
    """`stop` while every place is taken: no thread is forgotten, nothing runs on, nothing is decided."""
    endless = write(tmp_path / "endless.ipynb", FOR_EVER)
    with Home(tmp_path / "home", CODALAB_NB_GRACE="0.2") as home, home.site() as site:
        home.background()
        with filled(home, site, endless) as background:
            urgent = submit(site, endless, 2)
            wait_for(lambda: all(has_output(home, task) for task in urgent))
            assert embedded.stop(home.places, PATIENCE_S) is not None
            wait_for(lambda: not home.processes())
            assert {task.state for task in (*background, *urgent)} == {State.QUEUED}
            for task in urgent:
                task.cancel()


def test_a_background_message_waits_behind_urgent_ones(tmp_path: Path) -> None:
    """While somebody could take an urgent message nobody gets a background one; in hand, it holds up no other."""
    urgent = LocalQueue(tmp_path / "queue.db", "urgent", runtime_folder(tmp_path))
    background = urgent.behind("background")
    beside = background.beside("beside")
    for queue in (background, urgent, beside):
        queue.send(queue.name, b"", life_s=60)
    assert background.receive(0) is None
    assert beside.receive(0) is not None
    held = urgent.receive(0)
    assert held is not None
    found = background.receive(0)
    assert found is not None
    assert background.abandon(found)
    assert urgent.abandon(held)
    assert background.receive(0) is None
    urgent.close()
