"""The watch process: dispatches what the ledger accepted, folds what the store committed, repairs the rest.

Any number may run; all state is in store and ledger. Three movements:
dispatch (outbox → queue), fold (`result.json` → row), reconcile (everything that fell out of the first two).
Only the reconciler judges liveness.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable

from pydantic import ValidationError

from codalab_nb import failpoints
from codalab_nb.errors import CodalabError, UnavailableError
from codalab_nb.model.base import utc_now
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import INTERRUPTED, Hint, Message, Reason, Result, Verdict
from codalab_nb.queues.ports import QueueAdmin, Receiver, Sender
from codalab_nb.settings import Settings
from codalab_nb.site.events import last_event
from codalab_nb.site.ledger import Ledger, TaskRow
from codalab_nb.site.liveness import MISSED_HEARTBEATS, Liveness
from codalab_nb.site.results import read_manifest, read_result
from codalab_nb.stores.once import create_once
from codalab_nb.stores.ports import SiteStore

log = logging.getLogger(__name__)

_BACK_OFF_S = 1.0  # after a release; doubles with each attempt
_BACK_OFF_MAX_S = 60.0
# An attempt that its owner stopped in good order is nobody's fault and does not count; but not for ever.
_MOST_ATTEMPTS = 100


class Dispatcher:
    """Outbox to queue. May run anywhere, twice at once, or die at any point: a second message is harmless."""

    def __init__(self, ledger: Ledger, queue: Sender, settings: Settings) -> None:
        self._ledger = ledger
        self._queue = queue
        self._life_s = settings.message_life

    def send(self, row: TaskRow) -> None:
        message = Message(task=row.id, n=row.n)
        # Never longer than the longest back-off, whatever was done to the clock since.
        delay = min(max(0.0, row.send_after - time.time()), _BACK_OFF_MAX_S)
        failpoints.hit("dispatch.before_send")
        self._queue.send(f"{row.id}:{row.n}", message.to_bytes(), life_s=self._life_s, delay_s=delay)
        failpoints.hit("dispatch.after_send")
        self._ledger.mark_sent(row.id, row.n, time.time())

    def send_all(self) -> int:
        """Sends whatever waits in the outbox; the number sent. A queue that is down is tried again at the next pass."""
        sent = 0
        for row in self._ledger.unsent():
            try:
                self.send(row)
            except UnavailableError as error:
                log.warning("dispatch of %s waits: %s", row.id, error)
                break
            sent += 1
        return sent


def decide(store: SiteStore, task: str, verdict: Verdict, reason: Reason) -> bool:
    """The site's way to end a task: takes part in the race for `result.json`. True if it won."""
    nonce = secrets.token_hex(16)
    result = Result(task=task, n=None, nonce=nonce, verdict=verdict, reason=reason, decided_at=utc_now())
    return create_once(store, TaskNames(task).result, result.to_bytes(), nonce)


def confirm(store: SiteStore, row: TaskRow) -> None:
    """Writes down in the store that the row was committed: from this a lost ledger knows what was accepted."""
    store.create(TaskNames(row.id).accepted, json.dumps({"submitted_at": row.submitted_at}).encode())


def fold(store: SiteStore, ledger: Ledger, task: str) -> Result | None:
    """Brings the row of `task` to what the store says. Anyone may do it, any number of times."""
    result = read_result(store, task)
    if result is None:
        return None
    failpoints.hit("monitor.before_row")
    manifest = read_manifest(store, result)
    ledger.end(result, metrics=manifest.metrics if manifest else {})
    failpoints.hit("monitor.after_row")
    return result


class Reconciler:
    """One stateless pass over the open rows (its only memory is when it last saw which attempt move)."""

    def __init__(self, ledger: Ledger, store: SiteStore, tasks: QueueAdmin, settings: Settings) -> None:
        self._ledger = ledger
        self._store = store
        self._tasks = tasks
        self._life_s = settings.message_life
        self._liveness = Liveness(settings.heartbeat, settings.reconcile)
        # Deadlines must have passed on both clocks: a wall clock set forward by an hour ends nothing early.
        self._started = (time.time(), time.monotonic())

    def run_pass(self) -> None:
        rows = self._ledger.open_tasks()
        dead_letters = {letter.key for letter in self._tasks.dead_letters()}
        for row in rows:
            try:
                self._look_at(row, dead_letters)
            except UnavailableError as error:
                self._liveness.is_dead(row.id, row.n, None)
                log.warning("task %s: %s", row.id, error)
            except Exception:
                # One task that nobody foresaw must not keep the others from being looked after.
                log.exception("task %s could not be looked at", row.id)
        self._liveness.keep_only({(row.id, row.n) for row in rows})
        if dead_letters:
            self._tasks.forget_dead(sorted(dead_letters))

    def _look_at(self, row: TaskRow, dead_letters: set[str]) -> None:
        names = TaskNames(row.id)
        if not row.confirmed:
            confirm(self._store, row)
            self._ledger.mark_confirmed(row.id)
        if fold(self._store, self._ledger, row.id):
            return
        if self._is_past(row.deadline):
            reason = Reason(
                code="deadline", message="The task got no verdict before its deadline.", fix="Submit it again."
            )
            decide(self._store, row.id, Verdict.EXPIRED, reason)
            fold(self._store, self._ledger, row.id)
            return
        claim = self._store.look(names.claim(row.n))
        if claim is None:
            self._without_claim(row, dead_letters)
            return
        self._ledger.started(row.id, row.n)
        events = self._store.look(names.events(row.n))
        if (released := self._released(row)) is not None:
            code, message = released
            if code == INTERRUPTED and 1 < row.max_attempts < _MOST_ATTEMPTS:
                self._ledger.send_next(row.id, row.n, after=0.0, detail=message, spare=True)
                return
            why = f"the worker gave it back ({code}: {message})"
            self._next_attempt(row, why, time.time() + min(_BACK_OFF_S * 2 ** (row.n - 1), _BACK_OFF_MAX_S))
        elif self._liveness.is_dead(row.id, row.n, f"{claim.version}/{events.version if events else ''}"):
            self._next_attempt(row, "the worker stopped giving signs of life", 0.0)

    def _without_claim(self, row: TaskRow, dead_letters: set[str]) -> None:
        """R3: only a message that is certainly gone is sent again, else a long queue would be flooded."""
        key = f"{row.id}:{row.n}"
        gone = row.sent_at is not None and max(row.sent_at, row.send_after) + self._life_s < time.time()
        if gone or key in dead_letters:
            self._ledger.send_again(row.id, row.n)

    def _released(self, row: TaskRow) -> tuple[str, str] | None:
        # The last thing a supervisor says of an attempt. Asked before liveness: a released attempt is silent, too.
        event = last_event(self._store, row.id, row.n)
        if event is None or event.get("type") != "released":
            return None
        body = event.get("body", {})
        return str(body.get("reason", "unknown")), str(body.get("message", ""))

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


class Monitor:
    """Runs the three movements until told to stop."""

    def __init__(
        self,
        ledger: Ledger,
        store: SiteStore,
        tasks: Sender,
        tasks_admin: QueueAdmin,
        hints: Receiver,
        settings: Settings,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._hints = hints
        self._pass_s = settings.reconcile
        self.dispatcher = Dispatcher(ledger, tasks, settings)
        self.reconciler = Reconciler(ledger, store, tasks_admin, settings)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for name, loop in (("hints", self._hint_loop), ("reconcile", self._reconcile_loop)):
            thread = threading.Thread(target=self._guarded, args=(loop,), name=f"monitor-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def run_pass(self) -> None:
        """One whole pass: what an embedded process does every few seconds, and `monitor --once` does once."""
        self.dispatcher.send_all()
        self.reconciler.run_pass()
        self.dispatcher.send_all()

    def _guarded(self, loop: Callable[[], None]) -> None:
        """A back end that fails does not end the watch; it is tried again after a pause."""
        while not self._stop.is_set():
            try:
                loop()
            except CodalabError as error:
                log.error("%s", error)
                self._stop.wait(self._pass_s)
            except Exception:
                log.exception("a monitor loop failed; it goes on")
                self._stop.wait(self._pass_s)

    def _reconcile_loop(self) -> None:
        while not self._stop.is_set():
            self.run_pass()
            self._stop.wait(self._pass_s)

    def _hint_loop(self) -> None:
        while not self._stop.is_set():
            message = self._hints.receive(timeout_s=1.0)
            if message is None:
                continue
            self.take_hint(message.body)
            self._hints.ack(message)

    def take_hint(self, body: bytes) -> None:
        """A hint says "look at this task" and is believed in nothing else; ids that are not open are dropped."""
        try:
            task = Hint.model_validate_json(body).task
            names = TaskNames(task)
        except (ValidationError, ValueError):
            log.warning("a hint that cannot be read was dropped")
            return
        row = self._ledger.get(task)
        if row is None or not row.is_open:
            return
        if fold(self._store, self._ledger, task) is None and self._store.look(names.claim(row.n)) is not None:
            self._ledger.started(task, row.n)


def seems_running(store: SiteStore, row: TaskRow, heartbeat_s: float, *, since: float = 0.0) -> bool:
    """Whether somebody gives signs of life for the row's attempt, by the store's own clock. For views only.

    `since` (Unix seconds): older signs do not count.
    """
    names = TaskNames(row.id)
    look = store.look(names.events(row.n)) or store.look(names.claim(row.n))
    if look is None or look.age_s >= min(MISSED_HEARTBEATS * heartbeat_s, time.time() - since):
        return False
    event = last_event(store, row.id, row.n)
    return event is None or event.get("type") != "released"
