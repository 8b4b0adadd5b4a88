"""The watch process: dispatches what the ledger accepted, folds what the stores committed, repairs the rest.

Any number may run; all state is in stores and ledger. Three movements for each pool that has open tasks:
dispatch (outbox → queue), fold (`result.json` → row), reconcile (everything that fell out of the first two).
Pools are watched by threads of their own: one that is down holds up no other.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from pydantic import TypeAdapter, ValidationError

from codalab_nb.errors import CodalabError
from codalab_nb.model.names import TaskNames
from codalab_nb.model.pool import LOCAL, WorkerSign
from codalab_nb.model.task import Hint
from codalab_nb.settings import Settings
from codalab_nb.site.dispatch import Dispatcher
from codalab_nb.site.ledger import Ledger
from codalab_nb.site.pools import Pools
from codalab_nb.site.reconciler import Reconciler
from codalab_nb.site.verdicts import fold
from codalab_nb.wiring import PoolSide

log = logging.getLogger(__name__)

_LONGEST_PAUSE_S = 60.0  # between two tries at a pool that is down
_OUTBOX_S = 2.0  # between two looks into the outbox where nobody rings

_response: TypeAdapter[Hint | WorkerSign] = TypeAdapter(Hint | WorkerSign)


class PoolWatch:
    """Watches one pool until told to stop."""

    def __init__(self, ledger: Ledger, side: PoolSide) -> None:
        self.side = side
        self._ledger = ledger
        self.dispatcher = Dispatcher(ledger, side)
        self.reconciler = Reconciler(ledger, side)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        steps = [("responses", self._take_one), ("reconcile", self._pass_and_pause)]
        if not self.side.quick:
            steps.append(("dispatch", self._dispatch_when_due))
        for name, step in steps:
            thread = threading.Thread(target=self._guarded, args=(step,), name=f"{name}-{self.side.name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def tell_to_stop(self) -> None:
        self._stop.set()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def run_pass(self) -> None:
        self.dispatcher.send_all()
        self.reconciler.run_pass()
        self.dispatcher.send_all()

    def _guarded(self, step: Callable[[], None]) -> None:
        """A back end that fails does not end the watch; it is tried again after a pause that grows."""
        failures = 0
        while not self._stop.is_set():
            try:
                step()
                failures = 0
                continue
            except CodalabError as error:
                log.error("pool %s: %s", self.side.name, error)
            except Exception:
                log.exception("pool %s: a monitor loop failed; it goes on", self.side.name)
            self._stop.wait(min(self.side.pass_s * 2**failures, _LONGEST_PAUSE_S))
            failures = min(failures + 1, 16)

    def _pass_and_pause(self) -> None:
        if self.side.quick:
            self.run_pass()
        else:  # sending has a thread of its own: ten thousand tasks in the outbox keep nobody from looking after others
            self.reconciler.run_pass()
        self._stop.wait(self.side.pass_s)

    def _dispatch_when_due(self) -> None:
        """Whoever submitted left the sending to us: the ledger rings, and a connection is there already."""
        with self._ledger.changes.listen() or _Deaf(self._stop) as listener:
            while not self._stop.is_set():
                self.dispatcher.send_all()
                listener.wait(_OUTBOX_S)

    def _take_one(self) -> None:
        message = self.side.responses.receive(timeout_s=1.0)
        if message is not None:
            self.take_response(message.body)
            self.side.responses.ack(message)

    def take_responses(self, patience_s: float) -> None:
        """Takes what lies on the response queue; returns when nothing more came for `patience_s`."""
        while (message := self.side.responses.receive(timeout_s=patience_s)) is not None:
            self.take_response(message.body)
            self.side.responses.ack(message)

    def take_response(self, body: bytes) -> None:
        """A hint, or a worker's sign of life; anything else is dropped."""
        try:
            response = _response.validate_json(body)
        except ValidationError:
            log.warning("pool %s: a response that cannot be read was dropped", self.side.name)
            return
        if isinstance(response, WorkerSign):
            self._ledger.workers.saw(self.side.name, response)
        else:
            self._take_hint(response.task)

    def _take_hint(self, task: str) -> None:
        """A hint says "look at this task" and is believed in nothing else; ids that are not open are dropped, and so
        are those of another pool: its workers have no say there."""
        try:
            names = TaskNames(task)
        except ValueError:
            log.warning("pool %s: a hint that cannot be read was dropped", self.side.name)
            return
        row = self._ledger.get(task)
        if row is None or not row.is_open or row.pool != self.side.name:
            return
        store = self.side.store
        if fold(store, self._ledger, task) is None and store.look(names.claim(row.n)) is not None:
            self._ledger.started(task, row.n)


class _Deaf:
    """In place of a listener where nobody rings."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def wait(self, timeout_s: float) -> bool:
        return self._stop.wait(timeout_s)

    def __enter__(self) -> _Deaf:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Monitor:
    """Watches every pool that has open tasks."""

    def __init__(self, ledger: Ledger, pools: Pools, settings: Settings) -> None:
        self._ledger = ledger
        self._pools = pools
        self._pass_s = settings.reconcile
        self._watches: dict[str, PoolWatch] = {}
        self._unknown: set[str] = set()  # said once
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        for watch in self._current():
            watch.start()
        self._thread = threading.Thread(target=self._look_for_pools, name="pools", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
        for watch in self._watches.values():
            watch.tell_to_stop()
        for watch in self._watches.values():
            watch.stop()

    def run_pass(self) -> None:
        """One whole pass over all pools: what an embedded process does every few seconds, and `monitor --once` once.

        Raises what the first pool that failed raised, after all had their turn.
        """
        self._current()
        first: CodalabError | None = None
        for watch in self._watches.values():
            try:
                watch.run_pass()
            except CodalabError as error:
                first = first or error
        if first is not None:
            raise first

    def take_response(self, body: bytes, *, pool: str = LOCAL) -> None:
        """What was received on the response queue of `pool`."""
        self._current()
        self._watches[pool].take_response(body)

    def _current(self) -> list[PoolWatch]:
        """Brings the watches up to date; those that are new. A pool that cannot be opened is tried at the next look."""
        new = []
        for name in sorted(self._ledger.open_pools() | {LOCAL}):
            try:
                side = self._pools.side(name)
            except CodalabError as error:
                if name not in self._unknown:
                    log.error("pool %s: %s", name, error)
                self._unknown.add(name)
                continue
            self._unknown.discard(name)
            watch = self._watches.get(name)
            if watch is None or watch.side is not side:
                if watch is not None:
                    watch.tell_to_stop()
                new.append(PoolWatch(self._ledger, side))
                self._watches[name] = new[-1]
        return new

    def _look_for_pools(self) -> None:
        while not self._stop.wait(self._pass_s):
            try:
                for watch in self._current():
                    watch.start()
            except CodalabError as error:
                log.error("%s", error)
            except Exception:
                log.exception("the look for pools failed; it goes on")
