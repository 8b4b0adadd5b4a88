"""What the server of the pages claims about speed. `python -m tests.bench.server`; nothing here fails a test.

line    a line that a worker writes → the message in the page's socket
click   POST of a notebook → its first output in the page's socket, with a warm worker
list    a page of 100 among 10,000 tasks, and a search in them
many    3,000 tasks removed, 3,000 cancelled by one request: how long it takes, and how long others then wait
"""

from __future__ import annotations

import datetime as dt
import http.client
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codalab_nb import Site
from codalab_nb.model.base import new_id
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import State
from codalab_nb.site.ledger import TaskRow
from tests.support.home import Home
from tests.support.notebooks import write
from tests.support.server import TOKEN, JupyterServer, Stream, events_of, has_ended

LINES = "import time\nfor i in range(100):\n    print(i, flush=True)\n    time.sleep(0.03)"


def told(name: str, seconds: list[float]) -> None:
    ms = sorted(1000 * one for one in seconds)
    print(f"{name:<34} median {statistics.median(ms):7.1f}   p95 {ms[int(len(ms) * 0.95)]:7.1f}   max {ms[-1]:7.1f} ms")


def line(server: JupyterServer, site: Site, folder: Path) -> None:
    notebook, late = write(folder / "lines.ipynb", LINES), []
    with Stream(server) as page:
        for _ in range(3):
            task = site.run(notebook).id
            page.watch(task)
            while True:
                message = page.next()
                now = time.time()
                late += [
                    now - dt.datetime.fromisoformat(event["at"]).timestamp()
                    for event in events_of([message], task)
                    if event["type"] == "output"
                ]
                if has_ended(task)(message):
                    break
    told("worker's line → page", late)


def click(server: JupyterServer, rounds: int = 20) -> None:
    write(server.root / "click.ipynb", "print('hello')")
    seconds = []
    with Stream(server) as page:
        for _ in range(rounds):
            task = new_id()
            start = time.perf_counter()
            reply = server.post("/tasks", {"path": "click.ipynb", "task": task})
            assert reply.status == 201, reply.content
            page.watch(task)
            page.until(lambda message, task=task: any(e["type"] == "output" for e in events_of([message], task)))
            seconds.append(time.perf_counter() - start)
            page.until(has_ended(task))
            time.sleep(0.5)  # a person's pause: the next kernel gets warm
    told("click → first output in the page", seconds[1:])


def row(**more: Any) -> TaskRow:
    now = time.time()
    given: dict[str, Any] = {
        "id": new_id(), "label": "de-groups on golub@1", "notebook": "n.ipynb", "pool": "local", "submitted_at": now,
        "deadline": now + 3600, "max_attempts": 3, "document_sha256": "0" * 64, "state": State.SUCCEEDED,
        "dataset": "golub@1", "method": "de-groups", "parameters": {"alpha": 0.05}, "metrics": {"significant": 120.0},
        "seconds": 1.0, "finished_at": now,
    }  # fmt: skip
    return TaskRow(**{**given, **more})


def timed(action: Callable[[], object], rounds: int) -> list[float]:
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return seconds


def lists(server: JupyterServer, site: Site) -> list[TaskRow]:
    rows = [row(submitted_at=time.time() - number) for number in range(10_000)]
    site.ledger.accept(rows)
    server.get("/tasks")
    told("a page of 100 among 10,000 tasks", timed(lambda: server.get("/tasks"), 30))
    told("a page of 500", timed(lambda: server.get("/tasks", limit=500), 15))
    told("a search that finds nothing", timed(lambda: server.get("/tasks", q="no such words"), 30))
    return rows


@contextmanager
def others(server: JupyterServer, name: str) -> Iterator[None]:
    """How long a request that needs nothing but the event loop waits meanwhile."""
    seconds: list[float] = []
    stop = threading.Event()

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        while not stop.is_set():
            start = time.perf_counter()
            connection.request("GET", "/api", headers={"Authorization": f"token {TOKEN}"})
            connection.getresponse().read()
            seconds.append(time.perf_counter() - start)
            time.sleep(0.005)
        connection.close()

    asking = threading.Thread(target=ask)
    asking.start()
    yield
    stop.set()
    asking.join()
    told(f"  others meanwhile ({name})", seconds)


def many(server: JupyterServer, site: Site, rows: list[TaskRow]) -> None:
    queued = [row(state=State.QUEUED, seconds=None, finished_at=None) for _ in range(3_000)]
    for one in queued:
        (server.home.places.store / TaskNames(one.id).folder).mkdir(parents=True)
    site.ledger.accept(queued)
    with others(server, "nothing"):
        time.sleep(1)
    for action, tasks in (("remove", rows[:3_000]), ("cancel", queued)):
        with others(server, action), Stream(server):
            start = time.perf_counter()
            reply = server.post("/tasks/act", {"action": action, "tasks": [one.id for one in tasks]})
            took = time.perf_counter() - start
        done = sum(one["done"] for one in reply.json["tasks"])
        print(f"{action} {done:,} of {len(tasks):,} tasks in {took:.1f} s")


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as base,
        Home(Path(base) / "home") as home,
        JupyterServer(Path(base), home) as one,
    ):
        with home.site(serve=True) as site:
            line(one, site, Path(base))
            click(one)
        with home.site() as site:
            many(one, site, lists(one, site))


if __name__ == "__main__":
    main()
