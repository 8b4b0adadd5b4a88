"""Watching a store that tells nobody what is new: it is asked, less often while nothing moves."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol

from codalab_nb.errors import CodalabError
from codalab_nb.model.names import TaskNames
from codalab_nb.stores.ports import Look

# Between two looks: just after a change, when lines may be gathered for a while, and when all has been quiet and the
# next line will be appended at once. Together with the time of gathering a print is seen within a second.
_QUICK_S, _SLOW_S = 0.1, 0.8
_GROWTH = 1.15
_SELDOM = 5  # what seldom comes (another attempt, another segment) is looked for at every fifth look
MARK_S = 8.0  # a watcher's mark is renewed after so long
MARK_LIFE_S = 25.0  # and counts for so long: the worker compares two times of the store's own clock


class _Store(Protocol):
    def look(self, name: str) -> Look | None: ...
    def mark_watched(self, task: str) -> None: ...


class Watching:
    """Changes of one task; of all tasks (None) nothing can be known cheaply: then each look may bring one."""

    def __init__(self, store: _Store, task: str | None) -> None:
        self._store = store
        self._task = task
        self._names = TaskNames(task) if task else None
        self._n, self._segment = 1, 0
        self._seen: tuple[str | None, ...] = ()
        self._looks = 0
        self._pause_s = _QUICK_S
        self._marked_at = float("-inf")

    def __enter__(self) -> Watching:
        self._mark()
        self._seen = self._look()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def wait(self, timeout_s: float) -> bool:
        end = time.monotonic() + timeout_s
        while (left := end - time.monotonic()) > 0:
            self._mark()
            time.sleep(min(self._pause_s, left))
            if self._names is None:
                self._pause_s = _SLOW_S
                return True
            found = self._look()
            if found != self._seen:
                self._seen, self._pause_s = found, _QUICK_S
                return True
            self._pause_s = min(self._pause_s * _GROWTH, _SLOW_S)
        return False

    def _look(self) -> tuple[str | None, ...]:
        if self._names is None:
            return ()
        events = self._version(self._names.events(self._n, self._segment))
        result = self._version(self._names.result)
        if self._looks % _SELDOM == 0:
            if self._version(self._names.claim(self._n + 1)):
                self._n, self._segment = self._n + 1, 0
            elif events and self._version(self._names.events(self._n, self._segment + 1)):
                self._segment += 1
        self._looks += 1
        return (str(self._n), str(self._segment), events, result)

    def _version(self, name: str) -> str | None:
        look = self._store.look(name)
        return look.version if look else None

    def _mark(self) -> None:
        if self._task is None or time.monotonic() - self._marked_at < MARK_S:
            return
        self._marked_at = time.monotonic()
        try:
            self._store.mark_watched(self._task)
        except CodalabError:
            self._marked_at += _SLOW_S - MARK_S  # output comes later then, no more; soon tried again
