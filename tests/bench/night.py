"""A night of systematic analysis in half an hour: `python -m tests.bench.night [--minutes N] [--write]`.

A home of its own, real sub-designs of the data sets in the repository (`night_designs`), rules as a person writes them
(`night_rules`), `systematic start`, and then it is left alone: the real background process, worker and sandbox. What a
night has of accidents is made: at moments drawn from a seed everything is killed with kill -9 and the home is opened
again. At the end every cell has its state and reason, and nothing that was committed changed or ran twice.

--write puts the runs into `codalab_nb/systematic/shipped/` and the figures into `docs/understand/night.md`. With
--judge there is no night: what is shipped is read, each family held out, and the regrets are printed, and written too.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from codalab_nb import Site
from codalab_nb.model.names import TaskNames
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.tasks import Task
from codalab_nb.systematic import control, shipped
from codalab_nb.systematic.rules import RuleBook
from codalab_nb.systematic.view import CellState, Matrix
from tests.bench import night_page
from tests.bench.night_designs import designs
from tests.bench.night_hurry import Hurry
from tests.bench.night_regret import judge
from tests.bench.night_rows import shipped_of
from tests.bench.night_rules import RULES
from tests.support.home import Home

SETTINGS = {"CODALAB_NB_HEARTBEAT": "2", "CODALAB_NB_RECONCILE": "1", "CODALAB_NB_LOCK": "15", "CODALAB_NB_WARM": "2"}
_LOOK_S = 5.0
_STILL = 5  # looks in a row with nothing open and nothing planned: the night is over
_OPEN_CELLS = (CellState.RUNNING, CellState.QUEUED, CellState.PLANNED)
_EXPLAINED = (CellState.UNFIT, CellState.FAILED, CellState.OVER_BUDGET, CellState.NOT_ASKED)


@dataclass
class Killed:
    """What there was when everything had just been killed: task → digest of its verdict and its starts."""

    after_s: float
    processes: int
    open_tasks: int
    committed: dict[str, tuple[str, int]]


@dataclass
class Night:
    """What happened, for the page."""

    datasets: int = 0
    seconds: float = 0.0
    slots: int = 2
    hurried: bool = False
    finished: bool = False  # nothing was left to do before the time was over
    tasks: Counter[str] = field(default_factory=Counter)  # by kind: runs, scores, profiles
    ended: Counter[str] = field(default_factory=Counter)  # by verdict
    run_s: float = 0.0
    again: int = 0  # attempts beyond the first: what the kills interrupted
    cells: Counter[str] = field(default_factory=Counter)
    kills: list[Killed] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def prepare(site: Site, folder: Path) -> int:
    """The data sets and the rules; how many data sets."""
    chosen = list(designs())
    for one in chosen:
        one.add(site, folder)
    book = RuleBook(site.places.rules)
    for text in RULES:
        book.add(text)
    return len(chosen)


def committed(home: Home, site: Site, rows: Iterable[TaskRow]) -> dict[str, tuple[str, int]]:
    found = {}
    for row in rows:
        names = TaskNames(row.id)
        if site.store.look(names.result) is not None:
            digest = hashlib.sha256(site.store.read(names.result)).hexdigest()
            found[row.id] = (digest, home.starts(row.id))
    return found


def kill(home: Home, began: float) -> Killed:
    """kill -9 of everything of the home; then what is in its files is looked at, with nobody left to change it."""
    processes = len(home.processes())
    home.kill_everything()
    with home.site() as site:
        rows = site.ledger.find()
        done = committed(home, site, rows)
        return Killed(time.monotonic() - began, processes, len(rows) - len(done), done)


def is_over(site: Site) -> bool:
    counts = control.status(site).counts
    return not site.ledger.has_open() and not any(counts.get(state, 0) for state in _OPEN_CELLS)


def watch(home: Home, night: Night, minutes: float, moments: list[float]) -> None:
    """Until nothing is left to do, or the time is over. `moments`: when everything is killed, in seconds."""
    began, still = time.monotonic(), 0
    while (passed := time.monotonic() - began) < 60 * minutes and still < _STILL:
        if moments and passed >= moments[0]:
            moments.pop(0)
            night.kills.append(kill(home, began))
            print(f"{passed:6.0f} s  killed {night.kills[-1].processes} processes", flush=True)
        with home.site(serve=True) as site:
            site.keep_serving()  # as any command does that a person types in the morning
            told, rows = control.status(site), site.ledger.find()
            still = still + 1 if is_over(site) else 0
            ended = sum(not row.is_open for row in rows)
            print(f"{passed:6.0f} s  {ended} of {len(rows)} tasks ended; {told.doing}", flush=True)
        time.sleep(_LOOK_S)
    night.seconds, night.finished = time.monotonic() - began, still >= _STILL


def check(home: Home, site: Site, night: Night, matrix: Matrix) -> None:
    """What must hold, whatever was killed when; what does not is told in `night.faults`."""
    rows = site.ledger.find()
    now = committed(home, site, rows)
    for number, one in enumerate(night.kills, 1):
        for task, before in one.committed.items():
            if now.get(task) != before:
                night.faults.append(f"{task}: committed before kill {number} as {before}, now {now.get(task)}")
    seen: dict[tuple[str, ...], str] = {}
    for row in rows:
        document = Task(site, row.id).document
        # The parameters of a task hold the place of its inputs, which is the same in every task.
        same = (row.dataset or "", document.notebook.sha256, repr(sorted(row.parameters.items(), key=str)))
        if same in seen:
            night.faults.append(f"{row.id} repeats {seen[same]}: {row.label}")
        seen[same] = row.id
        starts = home.starts(row.id)
        night.again += max(0, starts - 1)
        if starts > 1 + len(night.kills):
            night.faults.append(f"{row.id} was started {starts} times")
        if row.is_open and night.finished:
            night.faults.append(f"{row.id} is still {row.state}")
        if not row.is_open and row.id not in now:
            night.faults.append(f"{row.id} is {row.state} in the ledger and has no verdict in the store")
    for line in matrix.rows:
        for column, cell in zip(matrix.columns, line.cells, strict=True):
            if cell.state in _EXPLAINED and not cell.reason:
                night.faults.append(f"{line.dataset} × {column.key} is {cell.state} without a reason")


def tell(night: Night, rows: list[TaskRow], matrix: Matrix) -> None:
    """Counts."""
    kinds = {"_profile": "profiles", "_score": "scores"}
    night.tasks = Counter(kinds.get(row.method or "", "runs") for row in rows)
    night.ended = Counter(str(row.state) for row in rows)
    night.run_s = sum(row.seconds or 0.0 for row in rows)
    night.cells = Counter(str(cell.state) for line in matrix.rows for cell in line.cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=35.0)
    parser.add_argument("--slots", type=int, default=2, help="tasks at a time")
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--hurry", action="store_true", help="tasks compete with what else runs on this machine")
    parser.add_argument("--home", type=Path, help="where it works, and what stays; else it is gone at the end")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--judge", action="store_true", help="judge what is shipped, without a night")
    chosen = parser.parse_args()
    if chosen.judge:
        judged = judge(shipped.read())
        print(night_page.held_out(judged))
        if chosen.write:
            night_page.write_judgement(judged)
        return
    night = Night(hurried=chosen.hurry, slots=chosen.slots)
    draw = random.Random(chosen.seed)
    # In the first two thirds, so that something is left to be interrupted and time to make up for it.
    moments = sorted(draw.uniform(20, 40 * chosen.minutes) for _ in range(chosen.kills))
    settings = {**SETTINGS, "CODALAB_NB_SLOTS": str(chosen.slots)}
    with (
        tempfile.TemporaryDirectory(prefix="night-") as name,
        Home(chosen.home or Path(name) / "h", **settings) as home,
    ):
        with home.site() as site:
            night.datasets = prepare(site, Path(name) / "files")
        with home.site(serve=True) as site:
            control.start(site)
        with Hurry(home) if chosen.hurry else contextlib.nullcontext():
            watch(home, night, chosen.minutes, moments)
        with home.site() as site:
            control.stop(site)
            matrix = control.matrix(site)
            check(home, site, night, matrix)
            tell(night, site.ledger.find(), matrix)
            runs, known = shipped_of(site, matrix)
    print(night_page.what_happened(night, matrix))
    if chosen.write:
        shipped.write(shipped.FOLDER, runs, known)
        shipped.read.cache_clear()
        night_page.write(night, matrix, judge(shipped.read()))
    if night.faults:
        raise SystemExit("\n".join(night.faults))


if __name__ == "__main__":
    main()
