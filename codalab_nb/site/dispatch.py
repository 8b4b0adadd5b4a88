"""From the ledger's outbox to the queue of the task's pool."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Sequence

from codalab_nb import failpoints
from codalab_nb.errors import UnavailableError
from codalab_nb.model.base import utc_now
from codalab_nb.model.grant import life_s
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import Message, TaskDocument
from codalab_nb.site.ledger import Ledger, TaskRow
from codalab_nb.stores.ports import NotFound
from codalab_nb.wiring import PoolSide

log = logging.getLogger(__name__)

BACK_OFF_MAX_S = 60.0  # the longest time until an attempt that was given back is sent again
_AT_A_TIME = 50


class Dispatcher:
    """Sends what waits for one pool. May run anywhere, twice at once, or die at any point: a second message is
    harmless."""

    def __init__(self, ledger: Ledger, side: PoolSide) -> None:
        self._ledger = ledger
        self._side = side
        self._sending = threading.Lock()

    def send(self, row: TaskRow) -> None:
        # Never longer than the longest back-off, whatever was done to the clock since.
        delay = min(max(0.0, row.send_after - time.time()), BACK_OFF_MAX_S)
        message = Message(task=row.id, n=row.n, grant=self._grant(row, delay))
        failpoints.hit("dispatch.before_send")
        queue = self._side.tasks[row.priority]
        queue.send(f"{row.id}:{row.n}", message.to_bytes(), life_s=self._side.message_life_s, delay_s=delay)
        failpoints.hit("dispatch.after_send")
        self._ledger.mark_sent(row.id, row.n, time.time())

    def _grant(self, row: TaskRow, delay_s: float) -> str | None:
        """The link to a fresh grant, which outlives the message and the run; None in a pool that needs none."""
        if self._side.grants is None:
            return None
        document = TaskDocument.model_validate_json(self._side.store.read(TaskNames(row.id).document))
        life = life_s(document.limits.timeout_s, delay_s + self._side.message_life_s)
        return self._side.grants.grant(document, row.n, utc_now() + dt.timedelta(seconds=life))

    def send_all(self) -> int:
        """Sends whatever waits in the outbox; the number sent. A queue that is down is tried again at the next pass.

        Nothing is sent while another thread does it: it would send the same.
        """
        if not self._sending.acquire(blocking=False):
            return 0
        try:
            return self._send_all()
        finally:
            self._sending.release()

    def _send_all(self) -> int:
        sent = 0
        left_out: set[str] = set()
        # Some at a time: what a person asks for meanwhile goes before the rest of a large batch.
        while rows := self._waiting(left_out):
            for row in rows:
                try:
                    self.send(row)
                except NotFound as error:
                    log.warning("dispatch of %s: %s", row.id, error)  # it was removed; or its document is lost
                    left_out.add(row.id)
                    continue
                except UnavailableError as error:
                    log.warning("dispatch of %s waits: %s", row.id, error)
                    return sent
                sent += 1
        return sent

    def _waiting(self, left_out: set[str]) -> list[TaskRow]:
        found = self._ledger.unsent(self._side.name, limit=_AT_A_TIME + len(left_out))
        return [row for row in found if row.id not in left_out][:_AT_A_TIME]


def check_lives(side: PoolSide, documents: Sequence[TaskDocument]) -> None:
    """Raises InputError(grant_life) if the pool cannot grant a worker what a task needs for as long as it may take."""
    if side.grants is not None:
        for timeout_s in {document.limits.timeout_s for document in documents}:
            life_s(timeout_s, BACK_OFF_MAX_S + side.message_life_s, side.grants.longest_grant_s)
