"""A worker of one pool, from its invite to its end: serves, says that it lives, stops in good order.

SIGTERM: no more work is taken; running tasks get the grace time, what is left is released and runs elsewhere. A second
signal ends the grace at once. When the invite ends or is revoked, what runs may end first: it has grants of its own.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

import psutil

from codalab_nb import wiring
from codalab_nb._version import __version__
from codalab_nb.errors import CodalabError, UnavailableError
from codalab_nb.model.base import utc_now
from codalab_nb.model.pool import SIGN_EVERY_S, SIGN_LIFE_S, Invite, WorkerSign
from codalab_nb.settings import Settings
from codalab_worker import kernelspecs
from codalab_worker.program.health import Health, HealthPage
from codalab_worker.program.joined import Joined, Serving, write_serving
from codalab_worker.sandboxes import probing
from codalab_worker.staging import process_name
from codalab_worker.supervisor import Supervisor
from codalab_worker.warm import Warmth

log = logging.getLogger(__name__)

_TICK_S = 0.2
_FINAL = (
    "queue_forbidden",
    "queue_credential",
    "queue_token",
    "queue_token_expired",
    "queue_gone",
)  # troubles that waiting does not end …
_FINAL_AFTER_S = 30.0  # … when they last so long
_WARN_DAYS = 7
_LEFT_TO_THE_MACHINE = 0.1  # of its memory


class Asked:
    """Signals that ask us to go: how many came, and the last one."""

    def __init__(self) -> None:
        self.times = 0
        self.number: int | None = None
        self._event = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._take)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        self.times += 1
        self.number = number
        self._event.set()

    def wait(self, timeout_s: float) -> bool:
        return self._event.wait(timeout_s)


class PoolWorker:
    """Everything one process has to serve a pool."""

    def __init__(self, joined: Joined, invite: Invite, settings: Settings, *, port: int = 0) -> None:
        """Raises UnavailableError: no_sandbox, port_taken, azure_missing."""
        self._invite = invite
        self._settings = settings
        self._since = utc_now()
        self._started = time.monotonic()
        self._draining = False
        self._end: str = ""  # why it stops by itself
        self._said_at = float("-inf")
        self._warmth = _walled(joined, settings)
        try:
            self._side = wiring.worker_side(invite, joined.cache)
            own = settings.model_copy(update={"heartbeat": self._side.heartbeat_s})
            self._supervisor = Supervisor(
                self._side.tasks,
                self._side.open_attempt,
                self._side.responses,
                self._warmth,
                own,
                most_memory=_share(settings.slots),
            )
            self._page = _page(self.health, port)
        except BaseException:
            self._warmth.close()
            raise
        self.port = self._page.port
        self._kernels = ("python3", *sorted(set(kernelspecs.installed(sys.executable)) - {"python3"}))

    def health(self) -> Health:
        trouble = self._supervisor.gave_up or self._end
        if not trouble and (met := self._supervisor.trouble) is not None:
            trouble = f"{met.error.code}: {met.error.message}"
        return Health(
            pool=self._invite.pool,
            version=__version__,
            sandbox=self._warmth.sandbox,
            slots=self._settings.slots,
            busy=self._supervisor.busy,
            ended=self._supervisor.ended,
            uptime_s=round(time.monotonic() - self._started, 1),
            invite_expires_s=round((self._invite.expires_at - utc_now()).total_seconds(), 1),
            draining=self._draining,
            trouble=trouble,
        )

    def serve(self, asked: Asked) -> int:
        """Until asked to go (0), or until it can do nothing any more (3)."""
        self._warmth.warm(sys.executable)
        self._supervisor.start()
        self._say()
        days = (self._invite.expires_at - utc_now()).days
        log.log(
            logging.WARNING if days < _WARN_DAYS else logging.INFO,
            "serving %s with %d slot(s), sandbox %s; the invite is good for %d day(s)",
            self._invite.pool, self._settings.slots, self._warmth.sandbox, days,
        )  # fmt: skip
        while not asked.wait(_TICK_S) and not (end := self._why_end()):
            self._say_when_due()
        else:
            self._end = "" if asked.number is not None else end
        if self._end:
            log.error("this worker stops: %s", self._end)
        self._draining = True
        # Stopping by itself, it is in no hurry: its tasks have grants of their own and may end.
        self._supervisor.drain(lambda: self._grace(asked))
        self._say(leaving=True)
        return 3 if self._end else 0

    def close(self) -> None:
        self._page.close()
        self._side.close()
        self._warmth.close()

    def _grace(self, asked: Asked) -> float | None:
        self._say_when_due()  # what runs may take hours to end
        if asked.times > 1:
            return 0.0
        return self._settings.grace if asked.times else None

    def _why_end(self) -> str:
        if self._supervisor.gave_up:
            return self._supervisor.gave_up
        if self._invite.expires_at <= utc_now():
            return f"its invite to {self._invite.pool} has ended; ask the pool's owner for another"
        met = self._supervisor.trouble
        if met is not None and met.error.code in _FINAL and time.monotonic() - met.since > _FINAL_AFTER_S:
            return str(met.error)
        return ""

    def _say_when_due(self) -> None:
        if time.monotonic() - self._said_at >= SIGN_EVERY_S:
            self._say()

    def _say(self, *, leaving: bool = False) -> None:
        """A sign of life. Best effort: it fills a table for people."""
        self._said_at = time.monotonic()
        load = psutil.getloadavg()[0] / (psutil.cpu_count() or 1)
        sign = WorkerSign(
            worker=process_name(),
            invite=self._invite.id,
            program=__version__,
            python=".".join(map(str, sys.version_info[:3])),
            sandbox=self._warmth.sandbox,
            kernels=self._kernels[:50],
            slots=self._settings.slots,
            busy=self._supervisor.busy,
            load=round(load, 2),
            since=self._since,
            at=utc_now(),
            note=self.health().trouble[:500],
            leaving=leaving,
        )
        try:
            self._side.responses.send(sign.worker, sign.to_bytes(), life_s=SIGN_LIFE_S)
        except CodalabError as error:
            log.warning("could not say that it is here: %s", error)


def serve(joined: Joined, invite: Invite, settings: Settings, *, port: int = 0) -> int:
    """Serves in this process until asked to go; the exit code."""
    asked = Asked()
    with joined.lock() as lock:
        worker = PoolWorker(joined, invite, settings, port=port)
        try:
            write_serving(lock, Serving(os.getpid(), worker.port, time.time(), __version__))
            return worker.serve(asked)
        finally:
            worker.close()


def _page(look: Callable[[], Health], port: int) -> HealthPage:
    try:
        return HealthPage(look, port)
    except (OSError, OverflowError) as error:  # OverflowError: no such port
        raise UnavailableError(
            "port_taken", f"The port {port} of 127.0.0.1 cannot be used: {error}.", "Choose another: --port 0"
        ) from error


def check_sandbox(settings: Settings) -> None:
    """Raises UnavailableError(no_sandbox)."""
    _refuse_none(settings)
    if why := probing.why_not():
        raise UnavailableError("no_sandbox", why, "Look with `codalab-worker doctor`, then join again.")


def _refuse_none(settings: Settings) -> None:
    """Without a sandbox there is no serving: a pool brings other people's notebooks."""
    if settings.sandbox == "none":
        raise UnavailableError(
            "no_sandbox",
            "The settings say sandbox = none, and a pool brings other people's notebooks.",
            "Unset CODALAB_NB_SANDBOX (or the line in codalab.toml), and install bubblewrap.",
        )


def _walled(joined: Joined, settings: Settings) -> Warmth:
    _refuse_none(settings)
    return Warmth(joined.scratch, sandbox="bubblewrap", ready=min(settings.warm, settings.slots), mask=settings.home)


def _share(slots: int) -> int:
    """Bytes of memory that each of the tasks running at once may have."""
    return int(psutil.virtual_memory().total * (1 - _LEFT_TO_THE_MACHINE) / slots)
