"""A pool far away in which whoever serves may die: its tasks, its gaps, the invariants on the broker and the store."""

from __future__ import annotations

import json
from pathlib import Path

from codalab_nb import Options, Site
from codalab_nb.failpoints import NAMES
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import Verdict
from codalab_nb.site.tasks import Task
from tests.support import invariants
from tests.support.pools import Azure
from tests.support.workers import Machine, Serving

POOL = "sweep"
LOCK_PASSES_S = 61  # the broker's clock: a lock is over
# The notebook has an input and a result file: worker.stage.mid and worker.file.mid need them.
CELLS = ("text = open('data.txt').read()\nprint(text)", "open('out.txt', 'w').write(text * 2)")

# The gaps, by whose death they are
WORKER = sorted(name for name in NAMES if name.startswith(("worker.", "events.", "commit.")))
SUBMIT = sorted(name for name in NAMES if name.startswith("submit."))
SENDS = sorted(name for name in NAMES if name.startswith("dispatch."))
FOLDS = sorted(name for name in NAMES if name.startswith("monitor."))


def submit(site: Site, notebook: Path, max_attempts: int | None = None) -> Task:
    return site.run(notebook, options=Options(pool=POOL, max_attempts=max_attempts))


def kinds(site: Site, task: str) -> list[str]:
    return [event["type"] for events in invariants.attempts_in(site.store_of(task), task) for event in events]


def messages(site: Site, operator: Azure) -> set[str]:
    """Keys of all that is in the pool's task queues; what lies locked for a dead worker is free at the next look."""
    queues = site.pools.side(POOL).tasks.values()
    operator.control(advance=LOCK_PASSES_S)
    try:
        return {key for one in queues for key in (*one.waiting(), *(letter.key for letter in one.dead_letters()))}
    finally:
        operator.control(advance=-LOCK_PASSES_S)  # many looks are made: hours would pass, and tokens would end


def resent(site: Site, task: str) -> int:
    return sum(step["step"] == "resent" for step in site.ledger.history(task))


def check(site: Site, operator: Azure, task: str, verdicts: set[Verdict], *, most_starts: int | None = None) -> None:
    """The invariants. `most_starts`: None allows one start more for each attempt that the site gave up."""
    invariants.check(
        site,
        task,
        verdicts,
        attempts=lambda: invariants.attempts_in(site.store_of(task), task),
        most_starts=lambda: 1 + resent(site, task) if most_starts is None else most_starts,
        messages=lambda: messages(site, operator),
    )
    done = site.task(task)
    if done.verdict == Verdict.SUCCEEDED and "out.txt" in done.files:
        assert done.file("out.txt").read_text() == "real bytes" * 2


def who_runs(site: Site, task: str, serving: list[Serving]) -> int:
    """The place of the worker that claimed the newest attempt."""
    store, names, n = site.store_of(task), TaskNames(task), 1
    while store.look(names.claim(n + 1)) is not None:
        n += 1
    worker = json.loads(store.read(names.claim(n)))["worker"]
    return next(place for place, one in enumerate(serving) if worker.endswith(f":{one.process.pid}"))


def kill_who_runs(site: Site, task: str, machines: list[Machine], serving: list[Serving]) -> None:
    """kill -9; a fresh worker takes its place."""
    place = who_runs(site, task, serving)
    serving[place].kill()
    serving[place] = machines[place].serve("run", wait=False)
