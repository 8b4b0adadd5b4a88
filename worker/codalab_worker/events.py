"""The supervisor's pen: stamps attempt, sequence and time on every event and appends it."""

from __future__ import annotations

import threading
from typing import Any

from codalab_nb.model import event
from codalab_nb.model.base import utc_now
from codalab_nb.model.event import EventType
from codalab_nb.model.names import TaskNames
from codalab_nb.stores.ports import AttemptStore

# What the sandbox may say; anything else it claims (`finished`, `heartbeat`, …) is dropped and counted.
FROM_RUNNER = frozenset({"cell_started", "output", "clear_output", "cell_finished", "metric"})
_PROGRESS = frozenset({"cell_started", "cell_finished"})
_RESERVE_BYTES = 1 << 20
_A_TIME = "2000-01-01T00:00:00.000+00:00"  # as long as every stamp


class EventLog:
    """The events of one attempt. Lines of the sandbox count against the limit; the supervisor's own never do.

    Used by two threads: the attempt and its heartbeat.
    """

    def __init__(self, store: AttemptStore, task: str, n: int) -> None:
        self._store = store
        self._name = TaskNames(task).events(n)
        self._n = n
        self._left = 0  # nothing to relay before the task's limit is known
        self._position = 0
        self._seq = 0
        self._lock = threading.Lock()
        self.truncated = False
        # Kept to rebuild the notebook when the sandbox dies before it could hand it over; bounded by the limit.
        self.kept: list[dict[str, Any]] = []

    def set_limit(self, limit_bytes: int) -> None:
        """The task's own limit, known once its document was read."""
        self._left = limit_bytes

    def write(self, kind: EventType, body: dict[str, Any] | None = None) -> None:
        self._append([(kind.value, body or {})])

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
            self._append(out)

    def _append(self, entries: list[tuple[str, dict[str, Any]]]) -> None:
        at = utc_now().isoformat(timespec="milliseconds")
        with self._lock:
            data = b""
            for kind, body in entries:
                self._seq += 1
                data += event.line(self._n, self._seq, at, kind, body)
            self._position = self._store.append(self._name, self._position, data)
