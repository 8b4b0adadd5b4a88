"""What one open page was told, and so what it is told next. Everything here happens in the thread of the feed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from codalab_nb.frontends.server import status, task_lines
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.feed_watch import Watch
from codalab_nb.frontends.server.wire.common import Status
from codalab_nb.frontends.server.wire.events import (
    DatasetsChanged,
    FromPage,
    Hello,
    LedgerChanged,
    ProgressMade,
    Reset,
    StatusChanged,
    SystematicChanged,
    UnwatchTask,
)
from codalab_nb.frontends.server.wire.tasks import Progress
from codalab_nb.site.ledger_changes import TooLongAgo

_ROWS = 50  # tasks in one message: what waits behind it waits for some milliseconds
_LONGEST_REPLAY = 2_000  # changes; a page that missed more reads its lists again
_MOST_WATCHES = 100


@dataclass
class News:
    """What is new since the last look. `store`, `ledger`: something may have changed there."""

    status_now: Status
    store: bool = False
    ledger: bool = False
    retell: set[str] = field(default_factory=set)  # tasks that are shown otherwise, though their rows are the same
    progress: dict[str, Progress] | None = None
    datasets: bool = False
    systematic: bool = False
    status: Status | None = None


class Page:
    """One WebSocket. `send` takes a message away; when it has left, `sent` is to be called. `wake` wakes the feed.

    `hang_up` ends it from our side: the page comes back, and reads anew.
    """

    def __init__(
        self,
        context: Context,
        send: Callable[[bytes], None],
        wake: Callable[[], None],
        hang_up: Callable[[], None],
    ) -> None:
        self._context = context
        self._send = send
        self.hang_up = hang_up
        self._wake = wake
        self._inbox: SimpleQueue[FromPage | None] = SimpleQueue()
        self._ready = True
        self._cursor: int | None = None  # None: it has not said hello
        self._ledger_due = False
        self._watches: dict[str, Watch] = {}
        self._retell: set[str] = set()
        self._progress: dict[str, Progress] | None = None
        self._told: dict[str, Progress] = {}
        self._datasets = False
        self._systematic = False
        self._status: Status | None = None
        self._reset = False

    # --- from the event loop

    def heard(self, message: FromPage) -> None:
        self._inbox.put(message)

    def sent(self) -> None:
        self._inbox.put(None)

    # --- in the thread of the feed

    def closed(self) -> None:
        for watch in self._watches.values():
            watch.close()

    def take(self, news: News) -> None:
        self._listen(news)
        if self._cursor is None:
            return
        self._ledger_due = self._ledger_due or news.ledger
        for watch in self._watches.values():
            watch.due = True  # a look costs little, and somebody waits for it
        self._retell |= news.retell
        self._progress = news.progress if news.progress is not None else self._progress
        self._datasets = self._datasets or news.datasets
        self._systematic = self._systematic or news.systematic
        self._status = news.status or self._status

    def _listen(self, news: News) -> None:
        while True:
            try:
                message = self._inbox.get_nowait()
            except Empty:
                return
            if message is None:
                self._ready = True
            elif isinstance(message, Hello):
                self._start(message, news)
            else:
                if (before := self._watches.pop(message.task, None)) is not None:
                    before.close()
                if not isinstance(message, UnwatchTask) and len(self._watches) < _MOST_WATCHES:
                    self._watches[message.task] = Watch(self._context.site, message, self._wake)

    def _start(self, hello: Hello, news: News) -> None:
        """From the ledger as it was at `after`; what has no number is told as it is now."""
        changes = self._context.site.ledger.changes
        head = changes.head
        self._cursor = head
        self._status = news.status_now
        if hello.after is None:
            return
        self._datasets = self._systematic = self._ledger_due = True
        self._reset = True
        if not 0 <= hello.after <= head:
            return  # a number of another ledger, or none
        with contextlib.suppress(TooLongAgo):
            self._reset = len(changes.after(hello.after, _LONGEST_REPLAY + 1)) > _LONGEST_REPLAY
        self._cursor = hello.after

    def say(self) -> bool:
        """Sends the next message if there is one and the one before has left."""
        if not self._ready:
            return False
        message = self._next()
        if message is None:
            return False
        self._ready = False
        self._send(message)
        return True

    def _next(self) -> bytes | None:
        """First what somebody waits for in front of the screen."""
        if self._cursor is None:
            return None
        for watch in self._watches.values():
            if (events := watch.message()) is not None:
                return events
        if self._reset:
            self._reset = False
            self._cursor = self._context.site.ledger.changes.head
            return _bytes(Reset(seq=self._cursor))
        if self._ledger_due and (changed := self._changed()) is not None:
            return changed
        if self._retell:
            tasks = sorted(self._retell)[:_ROWS]
            self._retell -= set(tasks)
            return self._rows(tasks, ())
        if self._progress is not None and (made := self._new_progress()):
            return _bytes(ProgressMade(tasks=made))
        if self._datasets:
            self._datasets = False
            return _bytes(DatasetsChanged())
        if self._systematic:
            self._systematic = False
            return _bytes(SystematicChanged())
        if self._status is not None:
            now, self._status = self._status, None
            return _bytes(StatusChanged(status=now))
        return None

    def _changed(self) -> bytes | None:
        assert self._cursor is not None
        try:
            changes = self._context.site.ledger.changes.after(self._cursor, _ROWS)
        except TooLongAgo:
            self._reset = True
            return self._next()
        self._ledger_due = len(changes) == _ROWS
        if not changes:
            return None
        self._cursor = changes[-1].seq
        gone = [change.task for change in changes if change.gone]
        for task in gone:
            if task in self._watches:
                self._watches[task].gone = self._watches[task].due = True
        return self._rows([change.task for change in changes if not change.gone], gone)

    def _rows(self, tasks: list[str], gone: list[str] | tuple[str, ...]) -> bytes:
        site = self._context.site
        rows = {row.id: row for row in site.ledger.pages.rows(tasks)}
        assert self._cursor is not None
        told = LedgerChanged(
            seq=self._cursor,
            # A task that went since is told as gone by a later change.
            tasks=tuple(task_lines.line(self._context, rows[task]) for task in tasks if task in rows),
            removed=tuple(gone),
            busy=status.busy(site),
        )
        return _bytes(told)

    def _new_progress(self) -> tuple[Progress, ...]:
        """What differs from what the page knows; the time since the start it counts by itself."""
        assert self._progress is not None
        now, self._progress = self._progress, None
        before, self._told = self._told, now
        return tuple(one for task, one in now.items() if task not in before or _steps(one) != _steps(before[task]))


def _steps(one: Progress) -> tuple[object, ...]:
    return (one.cell, one.cells, one.place, one.running_s is None)


def _bytes(message: Any) -> bytes:
    return bytes(message.model_dump_json(by_alias=True).encode())
