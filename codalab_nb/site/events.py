"""Reading an attempt's events from a position on, across segments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from codalab_nb.model.names import TaskNames
from codalab_nb.stores.ports import Look, NotFound, SiteStore

# A worker keeps to its task's limit, to which a week of heartbeats may come; whoever does not is not listened to any
# further.
_MOST_BYTES = 128 << 20  # of one attempt
_AT_ONCE = 16 << 20  # a line that is longer is none
_MOST_SEGMENTS = 100


class EventReader:
    """Follows attempt `n` of a task; each call of `new` returns the lines that came since the last one."""

    def __init__(self, store: SiteStore, task: str, n: int) -> None:
        self._store = store
        self._names = TaskNames(task)
        self.n = n
        self._segment = 0
        self._offset = 0
        self._left = _MOST_BYTES
        self._last_seq = 0

    def new(self, *, only: Sequence[bytes] = ()) -> list[dict[str, Any]]:
        """Events as plain dicts (`type`, `seq`, `at`, `body`), whole lines only, sequence strictly increasing.

        A line that is no event (half-written, damaged) is passed over: events are a view, results are the truth.
        `only`: lines without any of these bytes are passed over as well, which is quicker than taking them apart.
        """
        found: list[dict[str, Any]] = []
        while True:
            try:
                for lines in self._lines():
                    found.extend(self._parse(lines, only))
            except NotFound:
                return found
            following = self._segment + 1
            if following >= _MOST_SEGMENTS or self._store.look(self._names.events(self.n, following)) is None:
                return found
            self._segment, self._offset = following, 0

    def _lines(self) -> Iterator[bytes]:
        """What came since in this segment, whole lines, a portion at a time."""
        while self._left > 0:
            data = self._store.read(self._names.events(self.n, self._segment), self._offset, _AT_ONCE)
            whole = data[: data.rfind(b"\n") + 1]
            full = len(data) == _AT_ONCE
            taken = len(data) if full and not whole else len(whole)
            self._offset += taken
            self._left -= taken
            yield whole
            if not full:
                return

    def _parse(self, data: bytes, only: Sequence[bytes]) -> list[dict[str, Any]]:
        events = []
        for text in data.splitlines():
            if only and not any(part in text for part in only):
                continue
            if (event := _event(text, self.n)) is not None and event["seq"] > self._last_seq:
                self._last_seq = event["seq"]
                events.append(event)
        return events


def _event(text: bytes, n: int) -> dict[str, Any] | None:
    """The line as an event of attempt `n`, every field of the type that it has; None for anything else."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or type(event.get("n")) is not int or event["n"] != n:
        return None
    seq = event.get("seq")
    if type(seq) is not int or not 0 < seq < 1 << 53 or not isinstance(event.get("body"), dict):
        return None
    return event if isinstance(event.get("type"), str) and isinstance(event.get("at"), str) else None


class TaskReader:
    """Follows all attempts of a task, from after event `seq` of attempt `n` on; without them, from the first."""

    def __init__(self, store: SiteStore, task: str, *, n: int = 0, seq: int = 0) -> None:
        self._store = store
        self._names = TaskNames(task)
        self._after = (n, seq)
        self._reader = EventReader(store, task, max(1, n))

    def new(self) -> list[dict[str, Any]]:
        """What came since the last call, in order."""
        found: list[dict[str, Any]] = []
        while True:
            found += self._reader.new()
            following = self._reader.n + 1
            if self._store.look(self._names.claim(following)) is None:
                return [event for event in found if (event["n"], event["seq"]) > self._after]
            found += self._reader.new()  # what was said until the next attempt began
            self._reader = EventReader(self._store, self._names.task, following)


_TAIL_BYTES = 8192


def newest_segment(store: SiteStore, task: str, n: int) -> tuple[int, Look] | None:
    """The number of the segment that attempt `n` writes to, and what it looks like; None before the first line."""
    names = TaskNames(task)
    segment, look = 0, store.look(names.events(n))
    while look is not None and segment + 1 < _MOST_SEGMENTS:
        following = store.look(names.events(n, segment + 1))
        if following is None:
            break
        segment, look = segment + 1, following
    return None if look is None else (segment, look)


def last_event(store: SiteStore, task: str, n: int, newest: tuple[int, Look] | None) -> dict[str, Any] | None:
    """The last whole line of the `newest_segment`, without reading the rest; None where there is none (yet)."""
    if newest is None:
        return None
    names = TaskNames(task)
    segment, look = newest
    start = max(0, look.size - _TAIL_BYTES)
    data = store.read(names.events(n, segment), start, 2 * _TAIL_BYTES)  # more may have come since the look
    lines = data[: data.rfind(b"\n") + 1].splitlines()
    # What was cut at its front is no line; and what a sandbox said may be nested as deep as it likes.
    for text in reversed(lines[1:] if start else lines):
        if (event := _event(text, n)) is not None:
            return event
    return None
