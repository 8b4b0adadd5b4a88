"""The worker: receive, claim, ack, look once more, run, publish, commit. Read `Supervisor.handle` first.

It creates names of its own attempt and `result.json`, and nothing else; it judges nobody's liveness and counts nothing.
"""

from __future__ import annotations

import contextlib
import getpass
import logging
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import ValidationError

from codalab_nb import failpoints
from codalab_nb.errors import CodalabError, ProtocolError, UnavailableError
from codalab_nb.model.base import utc_now
from codalab_nb.model.event import EventType
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import Claim, Hint, Message, Result
from codalab_nb.queues.ports import Received, Receiver, Sender
from codalab_nb.settings import Settings
from codalab_nb.stores.once import create_once
from codalab_nb.stores.ports import AttemptStore, NotFound
from codalab_worker.attempt import Attempt, Decided, Outcome, Released
from codalab_worker.publishing import publish
from codalab_worker.staging import Verified, process_name
from codalab_worker.warm import Warmth

log = logging.getLogger(__name__)

_RELEASES_IN_A_ROW = 3
_WAIT_S = 1.0  # of a slot, until it looks whether it shall end
_HINT_LIFE_S = 600.0
_DRAIN_LOOK_S = 0.1
_QUIET_S = 15.0


@dataclass(frozen=True)
class Trouble:
    """What keeps a worker from taking work, since when, and when it was met last: monotonic seconds."""

    error: CodalabError
    since: float
    last: float


@dataclass
class _Lane:
    """A queue, and how many of its tasks are in hand now."""

    tasks: Receiver
    gives_way: bool  # begins nothing while the slots are full
    busy: int = 0


class Supervisor:
    """Serves one pool with `settings.slots` tasks at a time.

    `background`: a queue of tasks that never take the place of another: they begin while slots are free, and those of
    `tasks` do not count them; so there may be `slots` tasks of each kind. None: all come with `tasks`, and each counts.
    `most_memory`: bytes that one task may have here, however much it asks for; None: what it asks for.
    """

    def __init__(
        self,
        tasks: Receiver,
        open_attempt: Callable[[Message], AttemptStore],
        hints: Sender,
        warmth: Warmth,
        settings: Settings,
        *,
        background: Receiver | None = None,
        most_memory: int | None = None,
    ) -> None:
        self._lanes = [_Lane(tasks, gives_way=False)]
        if background is not None:
            self._lanes.append(_Lane(background, gives_way=True))
        self._open_attempt = open_attempt
        self._hints = hints
        self._warmth = warmth
        self._settings = settings
        self._most_memory = most_memory
        self._name = process_name()
        self._submitter = getpass.getuser()
        self._verified = Verified()
        self._draining = threading.Event()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._releases = 0
        self._ended: Counter[str] = Counter()
        self._lock = threading.Condition()  # guards lanes and counts; told when a task ends
        self.trouble: Trouble | None = None  # while the queue or the store cannot be used
        self.gave_up: str | None = None  # why this worker takes no more work

    # --- life

    def start(self) -> None:
        for lane in self._lanes:
            for slot in range(self._settings.slots):
                name = f"background-{slot}" if lane.gives_way else f"slot-{slot}"
                thread = threading.Thread(target=self._serve, args=(lane,), name=name, daemon=True)
                thread.start()
                self._threads.append(thread)

    @property
    def busy(self) -> int:
        """Tasks in hand now."""
        return sum(lane.busy for lane in self._lanes)

    @property
    def ended(self) -> dict[str, int]:
        """How the attempts that ran here ended: how many with each verdict, and how many were `released`."""
        with self._lock:
            return dict(self._ended)

    def drain(self, grace_s: Callable[[], float | None]) -> None:
        """Takes no more work. Running tasks may end within `grace_s()` (None: however long); the rest is released.

        It is asked again and again: somebody who waited patiently may become impatient.
        """
        self._draining.set()
        begun = time.monotonic()
        while living := [thread for thread in self._threads if thread.is_alive()]:
            grace = grace_s()
            if grace is not None and time.monotonic() - begun >= grace:
                break
            living[0].join(_DRAIN_LOOK_S)
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _serve(self, lane: _Lane) -> None:
        while not self._draining.is_set() and self.gave_up is None:
            try:
                if lane.gives_way and not self._has_room():
                    continue
                message = lane.tasks.receive(timeout_s=_WAIT_S)
                self._is_over(message is not None)
                if message is None:
                    continue
                if self._draining.is_set():  # told to stop while it waited: the message is for whoever comes next
                    lane.tasks.abandon(message)
                    break
                with self._lock:
                    lane.busy += 1
                try:
                    self.handle(message, lane.tasks)
                finally:
                    with self._lock:
                        lane.busy -= 1
                        self._lock.notify_all()
            except CodalabError as error:
                self._met(error)
                self._draining.wait(1.0)
            except Exception:
                log.exception("worker: a slot failed; it goes on with the next task")
                self._draining.wait(1.0)

    def _has_room(self) -> bool:
        """Waits a while until a slot is free. One that waits for a message may still begin beside a task that came in
        the meantime; no kind ever has more than `slots`."""
        with self._lock:
            return self._lock.wait_for(lambda: self.busy < self._settings.slots, _WAIT_S)

    def _met(self, error: CodalabError) -> None:
        """Told once, and again when it is another one: a network that is away for an hour is one line."""
        known, now = self.trouble, time.monotonic()
        if known is not None and known.error.code == error.code:
            self.trouble = Trouble(known.error, known.since, now)
            return
        log.error("worker: %s", error)
        self.trouble = Trouble(error, now, now)

    def _is_over(self, served: bool) -> None:
        """Trouble is over when a message comes, or when nothing was met for a while: a queue that failed is not tried
        at each call, so one quiet call says nothing."""
        known = self.trouble
        if known is not None and (served or time.monotonic() - known.last > _QUIET_S):
            log.info("worker: %s is over", known.error.code)
            self.trouble = None

    # --- the story

    def handle(self, received: Received, tasks: Receiver) -> None:
        """From a message of `tasks` to the verdict."""
        failpoints.hit("worker.after_receive")
        message = self._understand(received, tasks)
        if message is None:
            return
        try:
            store = self._open_attempt(message)
        except ProtocolError as error:  # it does not bring what its pool's messages bring
            tasks.bury(received, error.code)
            raise
        with contextlib.closing(store):
            self._handle(received, tasks, message, store)

    def _handle(self, received: Received, tasks: Receiver, message: Message, store: AttemptStore) -> None:
        names = TaskNames(message.task)
        if not self._exists(store, names, received, tasks):
            return
        nonce = secrets.token_hex(16)
        claim = Claim(nonce=nonce, worker=self._name, started_at=utc_now())
        try:
            won = create_once(store, names.claim(message.n), claim.to_bytes(), nonce)
        except UnavailableError:
            tasks.abandon(received)
            raise
        failpoints.hit("worker.after_claim")
        try:
            tasks.ack(received)
        except UnavailableError as error:
            # The claim is ours, and that is what counts; the message comes again, finds the claim, and is forgotten.
            log.warning("the message of task %s could not be acknowledged: %s", message.task, error)
        if not won:
            return
        failpoints.hit("worker.after_ack")
        if _decided(store, names):
            return
        failpoints.hit("worker.after_look")
        self._work(message, store, nonce)

    def _exists(self, store: AttemptStore, names: TaskNames, received: Received, tasks: Receiver) -> bool:
        """False for a task that was removed after it was sent: its message is settled, and nothing is made for it."""
        try:
            store.read(names.document)
        except NotFound:
            tasks.ack(received)
            return False
        except UnavailableError as error:
            if error.code == "grant_expired":  # it will not get better by waiting: the site sends a fresh one
                tasks.bury(received, error.code)
            else:
                tasks.abandon(received)
            raise
        except ProtocolError as error:
            tasks.bury(received, error.code)
            raise
        return True

    def _understand(self, received: Received, tasks: Receiver) -> Message | None:
        """The message, or None after it was settled: poison is buried at first sight, a newer version given back."""
        try:
            message = Message.model_validate_json(received.body)
            TaskNames(message.task)
        except ValidationError as error:
            if any(detail["loc"] == ("version",) and isinstance(detail["input"], int) for detail in error.errors()):
                tasks.abandon(received)
            else:
                tasks.bury(received, "malformed")
            log.warning("a message that cannot be read: %s", error.errors()[0]["msg"])
            return None
        except ValueError:
            tasks.bury(received, "malformed")
            return None
        return message

    def _work(self, message: Message, store: AttemptStore, nonce: str) -> None:
        attempt = Attempt(
            message.task,
            message.n,
            store,
            self._warmth,
            self._verified,
            heartbeat_s=self._settings.heartbeat,
            submitter=self._submitter,
            stopping=self._stopping,
            most_memory=self._most_memory,
        )
        try:
            self._hint(message.task)
            attempt.begin(self._name)
            log.info("task %s: attempt %d begins", message.task, message.n)
            outcome = attempt.run()
            self._commit(attempt, outcome, store, nonce)
            self._releases = 0
        except Decided:
            log.info("task %s was decided elsewhere; attempt %d stops", message.task, message.n)
        except Released as released:
            self._release(attempt, released)
        except UnavailableError as error:
            self._release(attempt, Released(error.code, str(error)))
        except Exception as error:
            log.exception("task %s: attempt %d met what nobody foresaw", message.task, message.n)
            self._release(attempt, Released("internal", f"{type(error).__name__}: {error}"))
        finally:
            attempt.close()

    def _commit(self, attempt: Attempt, outcome: Outcome, store: AttemptStore, nonce: str) -> None:
        assert attempt.events is not None
        manifest_sha256 = None
        if attempt.document is not None and outcome.notebook is not None:
            manifest_sha256 = publish(
                store,
                attempt.task,
                attempt.n,
                notebook_name=attempt.document.notebook.path,
                notebook=outcome.notebook,
                found=outcome.found,
                skipped=outcome.skipped,
                environment=outcome.environment,
                metrics=outcome.metrics,
                truncated=outcome.truncated,
                still_wanted=attempt.check_wanted,
            )
        result = Result(
            task=attempt.task,
            n=attempt.n,
            nonce=nonce,
            verdict=outcome.verdict,
            reason=outcome.reason,
            manifest_sha256=manifest_sha256,
            decided_at=utc_now(),
            seconds=outcome.seconds,
            stopped_at=outcome.stopped_at,
        )
        attempt.events.flush()  # what was said until the verdict stands there before it
        failpoints.hit("worker.before_commit")
        won = create_once(store, TaskNames(attempt.task).result, result.to_bytes(), nonce)
        failpoints.hit("worker.after_commit")
        if won:
            log.info("task %s: attempt %d: %s after %.1f s", attempt.task, attempt.n, outcome.verdict, outcome.seconds)
            with self._lock:
                self._ended[outcome.verdict] += 1
            attempt.events.write(EventType.FINISHED, {"verdict": outcome.verdict})
        self._hint(attempt.task)
        failpoints.hit("worker.after_hint")

    def _release(self, attempt: Attempt, released: Released) -> None:
        log.warning("task %s: attempt %d released (%s): %s", attempt.task, attempt.n, released.reason, released)
        try:
            assert attempt.events is not None
            attempt.events.write(EventType.RELEASED, {"reason": released.reason, "message": str(released)})
        except CodalabError as error:  # then it will be judged dead: the same, later
            log.warning("could not say so: %s", error)
        with self._lock:
            self._ended["released"] += 1
            if self._stopping.is_set():
                return
            self._releases += 1
            if self._releases >= _RELEASES_IN_A_ROW:
                self.gave_up = f"{_RELEASES_IN_A_ROW} tasks in a row could not be run here; the last one: {released}"
                log.error("this worker takes no more work: %s", self.gave_up)

    def _hint(self, task: str) -> None:
        """Tells the monitor where to look. Best effort: the reconciler finds it anyway."""
        try:
            self._hints.send(f"{task}:{secrets.token_hex(4)}", Hint(task=task).to_bytes(), life_s=_HINT_LIFE_S)
        except CodalabError as error:
            log.warning("hint for %s: %s", task, error)


def _decided(store: AttemptStore, names: TaskNames) -> bool:
    try:
        store.read(names.result)
    except NotFound:
        return False
    return True
