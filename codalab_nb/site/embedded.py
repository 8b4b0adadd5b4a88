"""The one background process of a user and home: is it there, start it, ask it to make room, stop it.

Whoever holds the lock on `background.lock` is the process; the file says who that is. The lock dies with
its holder, also after kill -9, so nothing has to be cleaned up and nothing can be left behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from codalab_nb._version import __version__
from codalab_nb.errors import UnavailableError
from codalab_nb.places import Places

# Variables the background process may inherit: what programs need to run, and our own settings. Nothing else of the
# shell that happened to start it, since it outlives that shell and serves all others.
_KEEP = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "USER",
    "LOGNAME",
    "XDG_DATA_HOME",
    "JUPYTER_PATH",
)


@dataclass(frozen=True)
class Background:
    """What the lock file tells about its holder."""

    pid: int
    version: str
    interpreter: str
    started_at: float  # Unix seconds
    note: str = ""  # why it takes no work, when it does not


def take_lock(path: Path, *, wait_s: float) -> int | None:
    """A descriptor that holds the lock until it is closed or we die; None if another has it after `wait_s`."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(fd, 0)  # whoever is named there is dead
            return fd
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(fd)
                return None
            time.sleep(0.02 if wait_s < 60 else 0.2)


def write_holder(fd: int, note: str = "") -> None:
    holder = Background(os.getpid(), __version__, sys.executable, time.time(), note)
    data = json.dumps(asdict(holder)).encode()
    os.ftruncate(fd, 0)
    os.pwrite(fd, data, 0)


def current(places: Places) -> Background | None:
    """The background process of the home, or None."""
    return holder_of(places.lock)


def holder_of(path: Path) -> Background | None:
    """Who holds that lock now, or None. Never takes it, so that a process that is starting is not disturbed."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        try:
            # A shared lock may be probed by many at once; the starting process tries for longer than this takes.
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
        except BlockingIOError:
            pass
        try:
            return Background(**json.loads(os.pread(fd, 65536, 0)))
        except (ValueError, TypeError):
            # It has just taken the lock and not yet said who it is.
            return Background(0, __version__, sys.executable, time.time())
    finally:
        os.close(fd)


def ensure(places: Places) -> Background | None:
    """Makes sure that a background process of at least our version serves this home; the old one, if it was there.

    An older one is asked to finish what it runs and take no more; the new one waits for its lock. Returns at once:
    what was submitted is durable and is found whenever the process is ready.
    """
    holder = current(places)
    if holder is not None and _version(holder.version) >= _version(__version__):
        return holder
    if holder is not None:
        _signal(holder, signal.SIGUSR1)
    spawn(places)
    return None


_started: list[subprocess.Popen[bytes]] = []


def spawn(places: Places) -> None:
    """Starts the background process, detached: it outlives us, our terminal and our notebook server."""
    environment = {name: value for name, value in os.environ.items() if name in _KEEP or name.startswith("CODALAB_NB_")}
    environment["CODALAB_NB_HOME"] = str(places.home)
    # A long-lived caller (a notebook server) reaps what it started and what has ended since.
    _started[:] = [process for process in _started if process.poll() is None]
    try:
        with places.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "codalab_nb.background"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=environment,
                start_new_session=True,
            )
            _started.append(process)
    except OSError as error:
        raise UnavailableError(
            "background_failed", f"The background process cannot be started: {error}.", f"See {places.log}."
        ) from error


def stop(places: Places, timeout_s: float) -> Background | None:
    """Asks the process to release what it runs and go; the one that was there, or None. Raises UnavailableError."""
    holder = current(places)
    if holder is None:
        return None
    _signal(holder, signal.SIGTERM)
    deadline = time.monotonic() + timeout_s
    while current(places) is not None:
        if time.monotonic() > deadline:
            raise UnavailableError(
                "background_busy",
                f"The background process {holder.pid} did not stop within {timeout_s:.0f} s.",
                f"Wait, or end it with `kill -9 {holder.pid or 'ITS-PID'}`: nothing is lost, what ran is run again.",
            )
        time.sleep(0.02)
    return holder


def _signal(holder: Background, number: signal.Signals) -> None:
    if holder.pid > 0:
        with contextlib.suppress(ProcessLookupError):
            os.kill(holder.pid, number)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())
