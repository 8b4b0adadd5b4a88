"""The background process of the embedded mode: one worker and one monitor for a user and home.

`python -m codalab_nb.background`. SIGTERM: running tasks get the grace time, what is left is released and runs
again later. SIGUSR1: a newer version asks for the place; running tasks may end, however long that takes.
"""

from __future__ import annotations

import logging
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
from codalab_nb.site.monitor import Monitor
from codalab_nb.site.pools import Pools
from codalab_nb.site.rebuild import open_ledger
from codalab_nb.systematic.hosting import Hosted
from codalab_worker.supervisor import Supervisor
from codalab_worker.warm import Warmth

log = logging.getLogger(__name__)

_TICK_S = 0.5
_GAVE_UP_S = 30.0  # a worker that takes no more work tells why for so long; then the next command starts another
_LOCK_WAIT_S = 1.0
_HANDOVER_WAIT_S = 7 * 86400.0  # a predecessor may have to finish a long task


class Asked:
    """The signal that asked us to go. Listens from the first moment: a newer client may ask while we start."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._event = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, self._take)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        self.number = number
        self._event.set()

    def wait(self, timeout_s: float) -> bool:
        return self._event.wait(timeout_s)


class Service:
    """Worker and monitor of one home, from lock to idle."""

    def __init__(self, places: Places, settings: Settings, lock: int, asked: Asked) -> None:
        self._lock = lock
        self._asked = asked
        self._settings = settings
        self._pools = Pools(places, settings)
        self._ledger = open_ledger(places.ledger, self._pools, places.ledger_bell)
        self._planner = Hosted(places)
        self._monitor = Monitor(self._ledger, self._pools, settings)
        side = wiring.local_worker_side(places, settings)
        self._warmth = Warmth(places.scratch, sandbox=settings.sandbox, ready=settings.warm, mask=places.home)
        self._supervisor = Supervisor(
            side.tasks, side.open_attempt, side.responses, self._warmth, settings, background=side.background
        )

    def run(self) -> None:
        """Serves until asked to go, or until nothing was there to do for the idle time."""
        self._warmth.warm(sys.executable)
        self._monitor.start()
        self._supervisor.start()
        log.info("serving %s: %d slots, sandbox %s", self._settings.home, self._settings.slots, self._warmth.sandbox)
        last_busy = time.monotonic()
        gave_up_at: float | None = None
        while not self._asked.wait(_TICK_S):
            self._planner.look()
            if self._supervisor.busy or self._planner.wanted or self._ledger.has_open():
                last_busy = time.monotonic()
            if (note := self._supervisor.gave_up) and gave_up_at is None:
                embedded.write_holder(self._lock, note)
                gave_up_at = time.monotonic()
            if gave_up_at is not None and time.monotonic() - gave_up_at > _GAVE_UP_S:
                log.info("making room for a fresh start")
                break
            if time.monotonic() - last_busy > self._settings.idle:
                log.info("idle for %.0f s: going away", self._settings.idle)
                break
        self._planner.close()
        # Asked to make room: whatever runs may end, unless somebody says `stop` meanwhile.
        self._supervisor.drain(lambda: None if self._asked.number == signal.SIGUSR1 else self._settings.grace)
        self._monitor.stop()
        self._pools.close()
        self._warmth.close()

    @property
    def gave_up(self) -> bool:
        return self._supervisor.gave_up is not None

    def has_work(self) -> bool:
        return self._ledger.has_open()


def _configure_log() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for talkative in ("asyncio", "azure"):  # the SDK tells each request
        logging.getLogger(talkative).setLevel(logging.WARNING)


def main() -> int:
    _configure_log()
    asked = Asked()
    try:
        settings = settings_.load()
        places = places_.prepare(settings)
        return _serve(places, settings, asked)
    except CodalabError as error:
        log.error("%s: %s", error.code, error)
        return error.exit_code


def _serve(places: Places, settings: Settings, asked: Asked) -> int:
    holder = embedded.current(places)
    newer = holder is not None and holder.version != __version__
    # Of several that could follow an older one, one waits; the others leave.
    turn = embedded.take_lock(places.successor, wait_s=0) if newer else None
    if newer and turn is None:
        return 0
    lock = embedded.take_lock(places.lock, wait_s=_HANDOVER_WAIT_S if newer else _LOCK_WAIT_S)
    if lock is None:
        return 0  # two starts at once: the other one serves
    if turn is not None:
        os.close(turn)
    while True:
        embedded.write_holder(lock)
        service = Service(places, settings, lock, asked)
        service.run()
        os.close(lock)
        # A task may have been accepted while we were going: its submitter still saw our lock.
        if asked.number is not None or service.gave_up or not service.has_work():
            return 0
        lock = embedded.take_lock(places.lock, wait_s=0)
        if lock is None:
            return 0


if __name__ == "__main__":
    sys.exit(main())
