"""The live events of one task on their way to one page."""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

from codalab_nb.errors import CodalabError
from codalab_nb.frontends.server.outgoing import plain
from codalab_nb.frontends.server.wire.events import WatchTask
from codalab_nb.model.event import EventType
from codalab_nb.model.pool import LOCAL
from codalab_nb.site.events import TaskReader
from codalab_nb.site.site import Site

log = logging.getLogger(__name__)

_LARGEST = 1 << 18  # characters of live events in one message, about
_TYPES = frozenset(EventType) - {EventType.HEARTBEAT}
_LOOK_S = 1.0
_AHEAD = 4  # portions that are read from a store far away before the page took one

_Event = dict[str, Any]
_Portion = tuple[list[_Event], bool]  # events, and whether there will be no more


class Watch:
    """What a page has not been sent of a task's events. `due`: something may have come since the last look."""

    def __init__(self, site: Site, wish: WatchTask, wake: Callable[[], None], *, far: bool | None = None) -> None:
        row = site.ledger.get(wish.task)
        self.task = wish.task
        self.due = True
        self.gone = row is None  # the task was removed
        self._waiting: list[_Event] = []
        self._ended = False
        self._over = False  # the page was told that there will be no more
        far = row is not None and row.pool != LOCAL if far is None else far
        self._source: _Near | _Far = (_Far if far else _Near)(site, wish, wake)

    def close(self) -> None:
        self._source.close()

    def message(self) -> bytes | None:
        """The next events, or that there will be no more; None while there is nothing to tell."""
        if self._over:
            return None
        if self.due and not self._waiting and not self._ended:
            portion = self._source.read()
            self.due = False
            if portion is not None:
                self._waiting, self._ended = portion
        spelled: list[str] = []
        size = taken = 0
        for event in self._waiting:
            if size > _LARGEST:
                break
            taken += 1
            if (text := _spelled(event)) is not None:
                spelled.append(text)
                size += len(text)
        del self._waiting[:taken]
        self._over = not self._waiting and (self._ended or self.gone)
        if not spelled and not self._over:
            return None
        head = f'{{"type":"events","task":{json.dumps(self.task)},"ended":{json.dumps(self._over)},"events":['
        return f"{head}{','.join(spelled)}]}}".encode()


class _Near:
    """Reads where reading takes microseconds."""

    def __init__(self, site: Site, wish: WatchTask, _wake: Callable[[], None]) -> None:
        self._site = site
        self._task = wish.task
        self._reader = TaskReader(site.store_of(wish.task), wish.task, n=wish.n, seq=wish.seq)

    def read(self) -> _Portion | None:
        # Asked before the events are read: what was said until the verdict is then complete.
        ended = self._site.result(self._task) is not None
        return self._reader.new(), ended

    def close(self) -> None:
        pass


class _Far:
    """Reads over a network, in a thread of its own: whoever watches a near task does not wait for that.

    Watching tells the task's worker that somebody looks on. A page that takes nothing stops the reading.
    """

    def __init__(self, site: Site, wish: WatchTask, wake: Callable[[], None]) -> None:
        self._site = site
        self._wish = wish
        self._wake = wake
        self._portions: queue.Queue[_Portion] = queue.Queue(_AHEAD)
        self._closed = threading.Event()
        threading.Thread(target=self._run, name="codalab-far", daemon=True).start()

    def read(self) -> _Portion | None:
        try:
            return self._portions.get_nowait()
        except queue.Empty:
            return None

    def close(self) -> None:
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._follow()
                return
            except CodalabError as error:
                log.warning("task %s is not heard for now: %s", self._wish.task, error)
                self._closed.wait(_LOOK_S)

    def _follow(self) -> None:
        task = self._wish.task
        store = self._site.store_of(task)
        reader = TaskReader(store, task, n=self._wish.n, seq=self._wish.seq)
        with store.changes(task) as changes:
            while not self._closed.is_set():
                ended = self._site.result(task) is not None
                events = reader.new()
                if events:
                    self._wish = self._wish.model_copy(update={"n": events[-1]["n"], "seq": events[-1]["seq"]})
                if events or ended:
                    self._put((events, ended))
                if ended:
                    return
                changes.wait(_LOOK_S)

    def _put(self, portion: _Portion) -> None:
        while not self._closed.is_set():
            try:
                self._portions.put(portion, timeout=_LOOK_S)
            except queue.Full:
                continue
            self._wake()
            return


def _spelled(event: _Event) -> str | None:
    """A LiveEvent as JSON; None for what no page needs, or what is none."""
    kind, body, at = event.get("type"), event.get("body"), event.get("at")
    if not isinstance(kind, str) or kind not in _TYPES or not isinstance(body, dict) or not isinstance(at, str):
        return None
    told = {"n": event["n"], "seq": event["seq"], "at": at, "type": kind, "body": plain(body)}
    return json.dumps(told, separators=(",", ":"), allow_nan=False)
