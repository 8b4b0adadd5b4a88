"""The supervisor's pen: stamps attempt, sequence and time on every event and appends it."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from codalab_nb.errors import CodalabError
from codalab_nb.model import event
from codalab_nb.model.base import utc_now
from codalab_nb.model.event import EventType
from codalab_nb.model.names import TaskNames
from codalab_nb.stores.ports import AttemptStore

log = logging.getLogger(__name__)

# What the sandbox may say; anything else it claims (`finished`, `heartbeat`, …) is dropped and counted.
FROM_RUNNER = frozenset({"cell_started", "output", "clear_output", "cell_finished", "metric"})
_PROGRESS = frozenset({"cell_started", "cell_finished"})
_RESERVE_BYTES = 1 << 20
_A_TIME = "2000-01-01T00:00:00.000+00:00"  # as long as every stamp

# Where an append has a price. A burst may come at once, then the store's interval is kept on the average.
_BURST = 2
_TOGETHER_S = 0.05  # lines that come so close together go together
_ASK_AGAIN_S = 1.0  # whether somebody watches by now
_MOST_BYTES = 4 << 20  # of one append


class EventLog:
    """The events of one attempt. Lines of the sandbox count against the limit; the supervisor's own never do.

    Where an append costs nothing, each line is appended as it comes. Where it has a price, lines are gathered: they go
    with the next heartbeat, or, while somebody watches, as often as the store allows. Used by the threads of the
    attempt and of its heartbeat, and by one of its own.
    """

    def __init__(self, store: AttemptStore, task: str, n: int) -> None:
        self._store = store
        self._names = TaskNames(task)
        self._n = n
        self._left = 0  # nothing to relay before the task's limit is known
        self._seq = 0
        self._stamped = b""  # and not yet appended
        self._stamp_lock = threading.Lock()
        self._segment, self._position, self._appends = 0, 0, 0
        self._append_lock = threading.Lock()
        self._pace = _Pace()
        self._news = threading.Event()
        self._closed = threading.Event()
        self._gatherer: threading.Thread | None = None
        self.truncated = False
        # Kept to rebuild the notebook when the sandbox dies before it could hand it over; bounded by the limit.
        self.kept: list[dict[str, Any]] = []

    def set_limit(self, limit_bytes: int) -> None:
        """The task's own limit, known once its document was read."""
        self._left = limit_bytes

    def write(self, kind: EventType, body: dict[str, Any] | None = None) -> None:
        """One event of the supervisor's own; when this returns it is appended, and all before it."""
        self._stamp([(kind.value, body or {})])
        self.flush()

    def begin(self, body: dict[str, Any]) -> None:
        """`started`, which need not be there before anything else."""
        self._stamp([(EventType.STARTED.value, body)])
        self._soon()

    def relay(self, lines: list[dict[str, Any]]) -> None:
        """Appends what the sandbox said, in one write, until the limit is reached; then one `truncated` line."""
        out: list[tuple[str, dict[str, Any]]] = []
        for line in lines:
            body = {key: value for key, value in line.items() if key != "type"}
            size = len(event.line(self._n, 1_000_000, _A_TIME, line["type"], body))
            # Which cell runs is still told after the limit, from a reserve of its own: what is not counted can flood.
            if size > self._left + (_RESERVE_BYTES if line["type"] in _PROGRESS else 0):
                if not self.truncated:
                    self.truncated = True
                    out.append((EventType.TRUNCATED.value, {"cell": line.get("cell")}))
                continue
            self._left -= size
            self.kept.append(line)
            out.append((line["type"], body))
        if out:
            self._stamp(out)
            self._soon()

    def flush(self) -> None:
        """Appends what waits. What could not be appended waits for the next time."""
        with self._append_lock:
            while data := self._next_piece():
                if self._store.append_limit is not None and self._appends >= self._store.append_limit:
                    self._segment, self._position, self._appends = self._segment + 1, 0, 0
                name = self._names.events(self._n, self._segment)
                self._position = self._store.append(name, self._position, data)
                self._appends += 1
                self._pace.appended()
                with self._stamp_lock:
                    self._stamped = self._stamped[len(data) :]

    def close(self) -> None:
        """Ends the gathering; what still waits is not appended: nobody wants it."""
        self._closed.set()
        self._news.set()
        if self._gatherer is not None:
            self._gatherer.join()

    def _stamp(self, entries: list[tuple[str, dict[str, Any]]]) -> None:
        at = utc_now().isoformat(timespec="milliseconds")
        with self._stamp_lock:
            for kind, body in entries:
                self._seq += 1
                self._stamped += event.line(self._n, self._seq, at, kind, body)

    def _next_piece(self) -> bytes:
        """Whole lines, as many as one append should take."""
        with self._stamp_lock:
            if len(self._stamped) <= _MOST_BYTES:
                return self._stamped
            end = self._stamped.rfind(b"\n", 0, _MOST_BYTES) + 1
            return self._stamped[: end or self._stamped.find(b"\n") + 1]

    def _soon(self) -> None:
        if self._store.append_limit is None:  # appends cost nothing
            self.flush()
            return
        if self._gatherer is None:
            self._gatherer = threading.Thread(target=self._gather, name="events", daemon=True)
            self._gatherer.start()
        self._news.set()

    def _gather(self) -> None:
        while self._news.wait() and not self._closed.wait(_TOGETHER_S):
            self._news.clear()
            if not self._stamped:  # a heartbeat took the lines along
                continue
            try:
                interval_s = self._store.append_interval_s
                wait_s = _ASK_AGAIN_S if interval_s is None else self._pace.wait_s(interval_s)
                if wait_s <= 0:
                    self.flush()
                    continue
            except CodalabError as error:  # the heartbeat meets it, too, and knows what it means
                log.warning("live output waits: %s", error)
                wait_s = _ASK_AGAIN_S
            self._closed.wait(min(wait_s, _ASK_AGAIN_S))
            self._news.set()


class _Pace:
    """One append in each interval on the average; after a pause some may follow each other at once."""

    def __init__(self) -> None:
        self._interval_s = 0.0
        self._paid_until = time.monotonic()

    def wait_s(self, interval_s: float) -> float:
        """Seconds until the next append may be made; 0 or less: now."""
        self._interval_s = interval_s
        return self._paid_until - time.monotonic() - (_BURST - 1) * interval_s

    def appended(self) -> None:
        self._paid_until = max(self._paid_until, time.monotonic()) + self._interval_s
