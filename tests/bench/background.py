"""A person's task while background tasks fill the machine: `python -m tests.bench.background`. Nothing fails a test.

A light task, from the call of the Python API to the worker's first event (claimed), to its first output (started) and
to its verdict, on a warm kernel; on an idle system, and while as many background tasks run as there are slots:

cpu     loops in Python, and matrix products in numpy with as many threads as it likes
files   a loop in Python, and one task that writes files and syncs them
short   tasks of a moment, one after the other: each wants a kernel

The conditions take turns, some clicks at a time, so that the noise of the machine meets all of them. The bar is 1.5
times the idle median of `started`. On a machine where others work, `chrt -r 1 python -m tests.bench.background` (as
root) goes before them; the background tasks do not, they lay every priority down.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from codalab_nb import Options, Site
from codalab_nb.model.task import Priority
from tests.support.home import Home, wait_for
from tests.support.notebooks import write

SLOTS = 2
BAR = 1.5
LOOP = "print('in', flush=True)\nx = 0\nwhile True:\n    x = (x * 31 + 7) % 1000003"
PRODUCTS = "import numpy as np\nprint('in', flush=True)\na = np.random.rand(900, 900)\nwhile True:\n    a @ a"
FILES = """\
import os
print('in', flush=True)
while True:
    for number in range(50):
        with open(f'part-{number}', 'wb') as file:
            file.write(os.urandom(1 << 20))
            file.flush()
            os.fsync(file.fileno())"""
SHORT = "print('in', flush=True)\nsum(i * i for i in range(1_000_000))"
LOADS = {"idle": (), "cpu": (LOOP, PRODUCTS), "files": (LOOP, FILES), "short": (SHORT,) * 60}
STEPS = ("claimed", "started", "verdict")
_PAUSE_S = 0.6  # as between two clicks: the next kernel gets warm
_BACKGROUND = Options(priority=Priority.BACKGROUND)


def event_at(home: Home, task: str, kind: str) -> float:
    """When the first event of this kind was made, Unix seconds."""
    events: list[dict[str, Any]] = home.attempts(task)[0]
    moment = next(event["at"] for event in events if event["type"] == kind)
    return dt.datetime.fromisoformat(moment).timestamp()


def has_output(home: Home, task: str) -> bool:
    return any(event["type"] == "output" for attempt in home.attempts(task) for event in attempt)


def click(home: Home, site: Site, notebook: Path) -> list[float]:
    """Seconds to each of the steps."""
    begun = time.time()
    task = site.run(notebook)
    if task.wait(120).verdict != "succeeded":
        raise SystemExit(f"{task!r}: {task.reason}")
    ended = time.time()
    return [event_at(home, task.id, "started") - begun, event_at(home, task.id, "output") - begun, ended - begun]


@contextlib.contextmanager
def load(home: Home, site: Site, notebooks: Sequence[Path]) -> Iterator[None]:
    """Background tasks that run, or follow one another, until the end of the block."""
    drafts = [site.draft(notebook, options=_BACKGROUND) for notebook in notebooks]
    tasks = site.submit(drafts) if drafts else []
    wait_for(lambda: all(has_output(home, task.id) for task in tasks[:SLOTS]))
    yield
    if tasks and len(tasks) > SLOTS and not tasks[-1].row.is_open:
        raise SystemExit("the background tasks came to an end: give `short` more of them")
    for task in tasks:
        task.cancel()
    for task in tasks:
        task.wait(120)


def tell(name: str, clicks: Sequence[Sequence[float]], idle: Sequence[Sequence[float]]) -> None:
    for step, values, base in zip(STEPS, zip(*clicks, strict=True), zip(*idle, strict=True), strict=True):
        ms = sorted(1000 * value for value in values)
        middle, p95 = statistics.median(ms), ms[min(len(ms) - 1, round(len(ms) * 0.95))]
        ratio = middle / (1000 * statistics.median(base))
        judged = (
            f"   bar {BAR} ×: {'met' if ratio <= BAR else 'MISSED'}" if step == "started" and name != "idle" else ""
        )
        print(f"{name:6} {step:8} median {middle:7.1f} ms   p95 {p95:7.1f} ms   {ratio:5.2f} × idle{judged}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="turns of each condition")
    parser.add_argument("--clicks", type=int, default=3, help="in each turn")
    parser.add_argument("--only", choices=[name for name in LOADS if name != "idle"], help="beside idle; default: all")
    chosen = parser.parse_args()
    names = [name for name in LOADS if chosen.only in (None, name) or name == "idle"]
    clicks: dict[str, list[list[float]]] = {name: [] for name in names}
    variables = {"CODALAB_NB_SLOTS": str(SLOTS), "CODALAB_NB_WARM": "2", "CODALAB_NB_HEARTBEAT": "1"}
    with tempfile.TemporaryDirectory() as base, Home(Path(base) / "home", **variables) as home:
        folder = Path(base)
        notebook = write(folder / "light.ipynb", "print(1)")
        loads = {
            name: [write(folder / f"{name}-{number}.ipynb", cell) for number, cell in enumerate(LOADS[name])]
            for name in names
        }
        with home.site(serve=True) as site:
            for _ in range(4):  # starts everything
                click(home, site, notebook)
                time.sleep(_PAUSE_S)
            for done in range(chosen.rounds):
                for name in names:
                    print(f"\rround {done + 1} of {chosen.rounds}, {name} …".ljust(40), end="", file=sys.stderr)
                    with load(home, site, loads[name]):
                        for _ in range(chosen.clicks):
                            time.sleep(_PAUSE_S)
                            clicks[name].append(click(home, site, notebook))
                    time.sleep(2 * _PAUSE_S)
    print("\r".ljust(41), end="\r", file=sys.stderr)
    for name in names:
        tell(name, clicks[name], clicks["idle"])


if __name__ == "__main__":
    main()
