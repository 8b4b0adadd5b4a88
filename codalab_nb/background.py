"""The background process of the embedded mode: one worker and one monitor for a user and home.

`python -m codalab_nb.background`. SIGTERM: running tasks get the grace time, what is left is released and runs
again later. SIGUSR1: a newer version asks for the place; running tasks may end, however long that takes.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import signal
import sys
import threading
import time
from types import FrameType

from codalab_nb import places as places_
from codalab_nb import settings as settings_
from codalab_nb import wiring
from codalab_nb._version import __version__
from codalab_nb.errors import CodalabError
from codalab_nb.places import Places
from codalab_nb.redaction import RedactingFormatter
from codalab_nb.settings import Settings
from codalab_nb.site import embedded
from codalab_nb.site.ledger import Ledger
from codalab_nb.site.monitor import Monitor
from codalab_worker.supervisor import Supervisor
from codalab_worker.warm import Warmth

log = logging.getLogger(__name__)

_TICK_S = 0.5
_LOCK_WAIT_S = 1.0
_HANDOVER_WAIT_S = 7 * 86400.0  # a predecessor may have to finish a long task


class Service:
    """Worker and monitor of one home, from lock to idle."""

    def __init__(self, places: Places, settings: Settings, lock: int) -> None:
        self._lock = lock
        self._settings = settings
        self._ledger = Ledger(places.ledger)
        store = wiring.site_store(places)
        tasks = wiring.task_queue(places, settings)
        self._monitor = Monitor(
            self._ledger, store, tasks, tasks, wiring.response_queue(places, settings), settings
        )
        side = wiring.WorkerSide(places, settings)
        self._warmth = Warmth(places.scratch, sandbox=settings.sandbox, ready=settings.warm, mask=places.home)
        self._supervisor = Supervisor(side.tasks, side.open_attempt, side.hints, self._warmth, settings)
        self._asked: signal.Signals | None = None
        self._wake = threading.Event()

    def ask(self, number: int, _frame: FrameType | None = None) -> None:
        self._asked = signal.Signals(number)
        self._wake.set()

    def run(self) -> None:
        """Serves until asked to go, or until nothing was there to do for the idle time."""
        self._warmth.warm(sys.executable)
        self._monitor.start()
        self._supervisor.start()
        log.info("serving %s: %d slots, sandbox %s", self._settings.home, self._settings.slots, self._warmth.sandbox)
        last_busy, noted = time.monotonic(), ""
        while self._asked is None:
            self._wake.wait(_TICK_S)
            if self._supervisor.busy or self._ledger.has_open():
                last_busy = time.monotonic()
            if (note := self._supervisor.gave_up or "") != noted:
                embedded.write_holder(self._lock, note)
                noted = note
            if time.monotonic() - last_busy > self._settings.idle:
                log.info("idle for %.0f s: going away", self._settings.idle)
                break
        self._supervisor.drain(self._settings.grace if self._asked == signal.SIGTERM else None)
        self._monitor.stop()
        self._warmth.close()

    def has_work(self) -> bool:
        return self._ledger.has_open()

    @property
    def asked(self) -> signal.Signals | None:
        return self._asked


def _configure_log() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def main() -> int:
    _configure_log()
    try:
        settings = settings_.load()
        places = places_.prepare(settings)
        return _serve(places, settings)
    except CodalabError as error:
        log.error("%s: %s", error.code, error)
        return error.exit_code


def _serve(places: Places, settings: Settings) -> int:
    holder = embedded.current(places)
    newer = holder is not None and holder.version != __version__
    lock = embedded.take_lock(places.lock, wait_s=_HANDOVER_WAIT_S if newer else _LOCK_WAIT_S)
    if lock is None:
        return 0  # two starts at once: the other one serves
    while True:
        embedded.write_holder(lock)
        service = Service(places, settings, lock)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, service.ask)
        service.run()
        os.close(lock)
        # A task may have been accepted while we were going: its submitter still saw our lock.
        if service.asked is not None or not service.has_work():
            return 0
        lock = embedded.take_lock(places.lock, wait_s=0)
        if lock is None:
            return 0


if __name__ == "__main__":
    sys.exit(main())
