"""Repairs what fell out of dispatch and fold, and alone judges liveness. One pool; any number may run."""

from __future__ import annotations

import logging
import time
from typing import Any

from codalab_nb import failpoints
from codalab_nb.errors import UnavailableError
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import INTERRUPTED, Reason, Verdict
from codalab_nb.site.attention import Attention
from codalab_nb.site.dispatch import BACK_OFF_MAX_S
from codalab_nb.site.events import last_event, newest_segment
from codalab_nb.site.ledger import Ledger, TaskRow
from codalab_nb.site.liveness import Liveness
from codalab_nb.site.verdicts import confirm, decide, fold
from codalab_nb.wiring import PoolSide

log = logging.getLogger(__name__)

_BACK_OFF_S = 1.0  # after a release; doubles with each attempt
# An attempt that its owner stopped in good order is nobody's fault and does not count; but not for ever.
_MOST_ATTEMPTS = 100


class Reconciler:
    """One stateless pass over the open rows of a pool (its only memory is when it last saw which attempt
    move, and whose turn it is)."""

    def __init__(self, ledger: Ledger, side: PoolSide) -> None:
        self._ledger = ledger
        self._side = side
        self._store = side.store
        self._liveness = Liveness(side.heartbeat_s, side.pass_s)
        self._attention = Attention(side.pass_s) if side.shared else None
        self._is_quiet = False  # at the last pass nothing was open, so what had been buried is forgotten
        # Deadlines must have passed on both clocks: a wall clock set forward by an hour ends nothing early.
        self._started = (time.time(), time.monotonic())

    def run_pass(self) -> None:
        rows = self._ledger.open_tasks(self._side.name)
        if not rows and self._is_quiet and self._side.shared:  # a look into queues far away costs, and tells nothing
            return
        self._is_quiet = not rows
        buried = {queue: {letter.key for letter in queue.dead_letters()} for queue in self._side.tasks.values()}
        dead_letters = set().union(*buried.values())

        def look(row: TaskRow) -> bool:
            return self._try_to_look_at(row, dead_letters)

        if self._attention is None:
            for row in rows:
                look(row)
        else:
            self._attention.give(rows, lambda row: self._is_due(row, dead_letters), look)
        self._liveness.keep_only({(row.id, row.n) for row in rows})
        for queue, keys in buried.items():
            if keys:
                queue.forget_dead(sorted(keys))

    def _try_to_look_at(self, row: TaskRow, dead_letters: set[str]) -> bool:
        """Whether the task still waits for a worker, as far as could be seen."""
        try:
            return self._look_at(row, dead_letters)
        except UnavailableError as error:
            self._liveness.is_dead(row.id, row.n, None)
            log.warning("task %s: %s", row.id, error)
        except Exception:
            # One task that nobody foresaw must not keep the others from being looked after.
            log.exception("task %s could not be looked at", row.id)
        return False

    def _is_due(self, row: TaskRow, dead_letters: set[str]) -> bool:
        return f"{row.id}:{row.n}" in dead_letters or self._is_message_over(row) or self._is_past(row.deadline)

    def _look_at(self, row: TaskRow, dead_letters: set[str]) -> bool:
        names = TaskNames(row.id)
        if not row.confirmed:
            confirm(self._store, row)
            self._ledger.mark_confirmed(row.id)
        if fold(self._store, self._ledger, row.id):
            return False
        if self._is_past(row.deadline):
            reason = Reason(
                code="deadline", message="The task got no verdict before its deadline.", fix="Submit it again."
            )
            decide(self._store, row.id, Verdict.EXPIRED, reason)
            fold(self._store, self._ledger, row.id)
            return False
        claim = self._store.look(names.claim(row.n))
        if claim is None:
            self._without_claim(row, dead_letters)
            return True
        self._ledger.started(row.id, row.n)
        newest = newest_segment(self._store, row.id, row.n)
        if (released := _released(last_event(self._store, row.id, row.n, newest))) is not None:
            code, message = released
            if code == INTERRUPTED and 1 < row.max_attempts < _MOST_ATTEMPTS:
                self._ledger.send_next(row.id, row.n, after=0.0, detail=message, spare=True)
                return False
            why = f"the worker gave it back ({code}: {message})"
            self._next_attempt(row, why, time.time() + min(_BACK_OFF_S * 2 ** (row.n - 1), BACK_OFF_MAX_S))
        elif self._liveness.is_dead(row.id, row.n, f"{claim.version}/{newest and (newest[0], newest[1].version)}"):
            self._next_attempt(row, "the worker stopped giving signs of life", 0.0)
        return False

    def _without_claim(self, row: TaskRow, dead_letters: set[str]) -> None:
        """R3: only a message that is certainly gone is sent again, else a long queue would be flooded."""
        key = f"{row.id}:{row.n}"
        if self._is_message_over(row) or key in dead_letters:
            self._ledger.send_again(row.id, row.n)

    def _is_message_over(self, row: TaskRow) -> bool:
        return row.sent_at is not None and max(row.sent_at, row.send_after) + self._side.message_life_s < time.time()

    def _next_attempt(self, row: TaskRow, why: str, after: float) -> None:
        if row.n < row.max_attempts:
            failpoints.hit("reconciler.before_resend")
            if self._ledger.send_next(row.id, row.n, after=after, detail=why):
                log.warning("task %s: attempt %d ended without a verdict (%s); sending the next", row.id, row.n, why)
            failpoints.hit("reconciler.after_resend")
            return
        reason = Reason(
            code="attempts_used_up",
            message=f"All {row.max_attempts} attempts ended without a verdict; the last one because {why}.",
            fix="Look at the log of the worker, then `codalab-nb retry`.",
        )
        failpoints.hit("reconciler.before_lost")
        decide(self._store, row.id, Verdict.LOST, reason)
        fold(self._store, self._ledger, row.id)

    def _is_past(self, deadline: float) -> bool:
        wall, monotonic = self._started
        return time.time() > deadline and wall + (time.monotonic() - monotonic) > deadline


def _released(event: dict[str, Any] | None) -> tuple[str, str] | None:
    """Why it was given back: the last thing a supervisor says of an attempt. A released attempt is silent, too."""
    if event is None or event.get("type") != "released":
        return None
    body = event.get("body")
    body = body if isinstance(body, dict) else {}
    return str(body.get("reason", "unknown")), str(body.get("message", ""))
