"""How far the open tasks of the pool `local` are: the cell that runs, of how many, since when; places in the queue.

Of an attempt's events only those that tell of progress are taken apart, and each only once, whoever asks.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from dataclasses import dataclass

from codalab_nb.errors import UnavailableError
from codalab_nb.frontends.server.wire.tasks import Progress
from codalab_nb.model import names
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import State, TaskDocument
from codalab_nb.site.events import EventReader
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.site import Site
from codalab_nb.stores.ports import NotFound

NEAR = 200  # places beyond this are not told: each task that is taken would change thousands of them
_PLACES_LAST_S = 0.2
_MOST_KNOWN = 2_000


@dataclass
class _Known:
    reader: EventReader
    cells: int | None
    cell: int | None = None
    started_at: float | None = None  # Unix seconds, by the worker's clock


class ProgressBook:
    """What is known of the open tasks of one site. Safe to share among threads."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()
        self._places: dict[str, int] = {}
        self._places_at = -1.0

    def of(self, row: TaskRow, state: State) -> Progress | None:
        """None for a task that has ended."""
        if state is State.QUEUED:
            return Progress(task=row.id, place=self._place(row))
        if state is State.RUNNING:
            return self._running(row)
        with self._lock:
            self._known.pop(row.id, None)
        return None

    def next_in_line(self) -> dict[str, Progress]:
        """The tasks that wait for a worker and are near."""
        with self._lock:
            self._look_at_places()
            places = dict(self._places)
        return {(task := key.partition(":")[0]): Progress(task=task, place=place) for key, place in places.items()}

    def _running(self, row: TaskRow) -> Progress:
        with self._lock:
            known = self._of(row.id)
            self._read(known, row.id)
            running = None if known.started_at is None else max(0.0, time.time() - known.started_at)
            cell = None if known.cell is None or known.cell < 0 else known.cell + 1
            return Progress(task=row.id, cell=cell, cells=known.cells, running_s=running)

    def _of(self, task: str) -> _Known:
        known = self._known.get(task)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            reader = EventReader(self._site.store_of(task), task, 1)
            known = self._known[task] = _Known(reader, number_of_cells(self._site, task))
        return known

    def _read(self, known: _Known, task: str) -> None:
        store = self._site.store_of(task)
        while True:
            for event in known.reader.new(only=(b'"started"', b'"cell_started"')):
                body = event.get("body")
                if event.get("type") == "started":
                    known.cell, known.started_at = None, _seconds(event.get("at"))
                elif event.get("type") == "cell_started" and isinstance(body, dict) and type(body.get("cell")) is int:
                    known.cell = body["cell"]
            following = known.reader.n + 1
            if store.look(TaskNames(task).claim(following)) is None:
                return
            known.reader = EventReader(store, task, following)

    def _place(self, row: TaskRow) -> int | None:
        with self._lock:
            self._look_at_places()
            return self._places.get(f"{row.id}:{row.n}")

    def _look_at_places(self) -> None:
        if time.monotonic() - self._places_at > _PLACES_LAST_S:
            self._places, self._places_at = self._all_places(), time.monotonic()

    def _all_places(self) -> dict[str, int]:
        try:
            return {key: place for place, key in enumerate(self._site.waiting()[:NEAR], start=1)}
        except UnavailableError:
            return {}  # a queue that is down: the place is not known


def number_of_cells(site: Site, task: str) -> int | None:
    """Of the submitted notebook; None where it is not stored any more."""
    store = site.store_of(task)
    try:
        document = TaskDocument.model_validate_json(store.read(TaskNames(task).document))
        return len(json.loads(store.read(names.blob(document.notebook.sha256)))["cells"])
    except (NotFound, ValueError, KeyError, TypeError):
        return None


def _seconds(at: object) -> float | None:
    try:
        return dt.datetime.fromisoformat(str(at)).timestamp()
    except ValueError:
        return None
