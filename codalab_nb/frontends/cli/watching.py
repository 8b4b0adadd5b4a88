"""What tasks have reached, read from store and ledger as it happens. Knows nothing of terminals."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from codalab_nb.errors import UnavailableError
from codalab_nb.frontends.cli import markdown
from codalab_nb.model import names
from codalab_nb.model.names import TaskNames
from codalab_nb.model.pool import LOCAL
from codalab_nb.model.task import Result, State
from codalab_nb.site import embedded
from codalab_nb.site.events import EventReader
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.pools_admin import why_waits
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task
from codalab_nb.stores.ports import NotFound

_SERVE_S = 1.0  # how often it is made sure that somebody works
_PLACES_S = 5.0  # between two questions for places in a queue far away
_TICK_S = 0.2
_PLACEHOLDER = re.compile(r"<IPython\.core\.display\.\w{1,40} object>")
_LOOKS_PER_S = 2_000  # a look costs a few small reads; a large batch is looked at less often


@dataclass
class Seen:
    """One task as last seen. `cell` counts from 0 in the submitted notebook; -1 is the injected one."""

    task: Task
    row: TaskRow
    state: State = State.QUEUED
    cell: int | None = None
    cells: int | None = None  # all cells of the notebook; None while unknown
    attempt: int = 1
    sandbox: str | None = None
    place: int | None = None  # in the queue, from 1; None when not waiting there
    waits: str = ""  # why it waits although nothing is wrong with it, in words
    started: float | None = None  # monotonic seconds of this process
    metrics: dict[str, float] = field(default_factory=dict)
    released: str | None = None  # why the last attempt was given back, in words
    result: Result | None = None

    @property
    def elapsed_s(self) -> float | None:
        if self.result is not None:
            return self.result.seconds
        return None if self.started is None else time.monotonic() - self.started

    @property
    def where(self) -> str:
        """`cell 3 of 7`; before the first cell, that it is on the way there."""
        return "getting ready" if self.cell is None else place(self.cell, self.cells)


def place(cell: int, cells: int | None) -> str:
    """Which cell, as people count; -1 is the one with the injected parameters."""
    if cell < 0:
        return "setting parameters"
    return f"cell {cell + 1}" + (f" of {cells}" if cells else "")


class Watch:
    """Follows tasks to their verdicts. `look` never waits; iterate `steps` to go on until all have ended."""

    def __init__(self, site: Site, tasks: Sequence[Task]) -> None:
        self.seen = [Seen(task, task.row) for task in tasks]
        self._site = site
        self._readers: dict[str, EventReader] = {}
        self._cells: dict[str, int | None] = {}
        self._served = time.monotonic()
        self._ask_places_at: dict[str, float] = {}
        self.stuck = ""  # why the background process takes no work, when it does not

    @property
    def open(self) -> list[Seen]:
        return [seen for seen in self.seen if seen.result is None]

    def steps(self) -> Iterator[list[tuple[Seen, dict[str, Any]]]]:
        """The events that came since the last step, again and again; the last step is the one after all verdicts."""
        with self._site.changes([seen.task.id for seen in self.seen]) as changes:
            while True:
                yield self.look()
                if not self.open:
                    return
                changes.wait(_TICK_S)
                if len(self.seen) > 1:  # something changes all the time
                    time.sleep(len(self.open) / _LOOKS_PER_S)

    def look(self) -> list[tuple[Seen, dict[str, Any]]]:
        waiting = self._places()
        found = [(seen, event) for seen in self.open for event in self._look_at(seen, waiting)]
        if self.open and time.monotonic() - self._served > _SERVE_S:
            self._site.keep_serving()
            holder = embedded.current(self._site.places)
            self.stuck = holder.note if holder else ""
            self._served = time.monotonic()
        return found

    def _look_at(self, seen: Seen, waiting: Mapping[str, int]) -> list[dict[str, Any]]:
        task = seen.task.id
        if seen.cells is None:
            seen.cells = self._number_of_cells(seen.task)
        ended = self._site.fold(task)  # before the events: what was said until the verdict is then complete
        events = self._new_events(task)
        for event in events:
            self._take(seen, event)
        if ended is not None:
            seen.row, seen.result, seen.state, seen.place = seen.task.row, ended, State(ended.verdict), None
            if (manifest := seen.task.wait().manifest) is not None:
                seen.metrics = dict(manifest.metrics)
            return events
        seen.row = seen.task.row
        seen.state = self._site.state_of(seen.row)
        seen.place = waiting.get(f"{task}:{seen.row.n}") if seen.state is State.QUEUED else None
        seen.waits = (why_waits(self._site, seen.row) or "") if seen.state is State.QUEUED else ""
        return events

    def _new_events(self, task: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        reader = self._readers.setdefault(task, EventReader(self._site.store_of(task), task, 1))
        while True:
            found += reader.new()
            following = reader.n + 1
            if self._site.store_of(task).look(TaskNames(task).claim(following)) is None:
                return found
            found += reader.new()
            reader = self._readers[task] = EventReader(self._site.store_of(task), task, following)

    def _take(self, seen: Seen, event: Mapping[str, Any]) -> None:
        body = event.get("body")
        if not isinstance(body, dict):
            return
        match event.get("type"):
            case "started":
                seen.attempt, seen.started, seen.cell, seen.metrics = int(event["n"]), time.monotonic(), None, {}
                seen.sandbox = str(body.get("sandbox", "")) or None
            case "cell_started" if type(body.get("cell")) is int:
                seen.cell = body["cell"]
            case "metric":
                _take_metric(seen.metrics, body)
            case "released":
                seen.released = str(body.get("message") or body.get("reason") or "unknown")

    def _number_of_cells(self, task: Task) -> int | None:
        """From the submitted notebook; notebooks of a batch are mostly the same one."""
        digest = task.document.notebook.sha256
        if digest not in self._cells:
            try:
                self._cells[digest] = len(json.loads(task.store.read(names.blob(digest)))["cells"])
            except (NotFound, ValueError, KeyError):
                self._cells[digest] = 0
        return self._cells[digest]

    def _places(self) -> dict[str, int]:
        if not any(seen.state is State.QUEUED for seen in self.open):
            return {}
        found: dict[str, int] = {}
        for pool in {seen.row.pool for seen in self.open if seen.state is State.QUEUED}:
            if pool != LOCAL and time.monotonic() < self._ask_places_at.get(pool, 0.0):
                continue  # a queue far away is not asked at each look; the place just is not told
            with contextlib.suppress(UnavailableError):  # the task waits on, and its state says so
                found |= {key: place for place, key in enumerate(self._site.waiting(pool), start=1)}
            self._ask_places_at[pool] = time.monotonic() + _PLACES_S
        return found


def _take_metric(metrics: dict[str, float], body: Mapping[str, Any]) -> None:
    name, value = body.get("name"), body.get("value")
    if isinstance(name, str) and isinstance(value, int | float):
        metrics[name] = float(value)


def is_traceback(event: Mapping[str, Any]) -> bool:
    body = event.get("body")
    output = body.get("output") if event.get("type") == "output" and isinstance(body, dict) else None
    return isinstance(output, dict) and output.get("output_type") == "error" and bool(output.get("traceback"))


def printed(event: Mapping[str, Any]) -> str | None:
    """The text of an `output` event: streams, Markdown or `text/plain`, tracebacks. None for what has no text."""
    body = event.get("body")
    output = body.get("output") if event.get("type") == "output" and isinstance(body, dict) else None
    return output_text(output) if isinstance(output, dict) else None


def output_text(output: Mapping[str, Any]) -> str | None:
    """The same for an output of a notebook."""
    kind = output.get("output_type")
    if kind == "stream":
        return _joined(output.get("text"))
    if kind == "error":
        trace = output.get("traceback")
        return (
            "\n".join(map(str, trace))
            if isinstance(trace, list) and trace
            else f"{output.get('ename')}: {output.get('evalue')}"
        )
    if (words := markdown_of(output)) is not None:
        return markdown.to_plain(words)
    data = output.get("data")
    plain = _joined(data.get("text/plain")) if isinstance(data, dict) else None
    return None if plain is not None and _PLACEHOLDER.fullmatch(plain.strip()) else plain


def markdown_of(output: Mapping[str, Any]) -> str | None:
    """Its Markdown, which says more than the `<IPython.core.display.Markdown object>` beside it."""
    data = output.get("data")
    return _joined(data.get("text/markdown")) if isinstance(data, dict) else None


def _joined(value: object) -> str | None:
    if isinstance(value, list):
        return "".join(map(str, value))
    return value if isinstance(value, str) else None
