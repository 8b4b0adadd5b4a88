"""The planner as a child of the background process: there while it is wanted, started again when it dies."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import time

from codalab_nb.places import Places

log = logging.getLogger(__name__)

LOCK = "planner.lock"
NICENESS = 10
_AGAIN_S, _AGAIN_MOST_S = 5.0, 300.0  # after it died; each time twice as long
_WELL_S = 600.0  # who lived so long was well


class Hosted:
    """Call `look` now and then, and `close` at the end."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._pause_s = _AGAIN_S
        self._not_before = 0.0

    @property
    def wanted(self) -> bool:
        """Whether a person switched it on."""
        return self._places.systematic_switch.exists()

    def look(self) -> None:
        """Starts it where it is wanted and not there. It ends by itself when it is not wanted any more."""
        now = time.monotonic()
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return
            if code != 0:
                self._pause_s = _AGAIN_S if now - self._started_at > _WELL_S else min(2 * self._pause_s, _AGAIN_MOST_S)
                log.error("the planner of systematic analysis ended (%d); next try in %.0f s", code, self._pause_s)
                self._not_before = now + self._pause_s
            self._release()
        if self.wanted and now >= self._not_before:
            self._start(now)

    def _start(self, now: float) -> None:
        self._started_at = now
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "codalab_nb.systematic"],
                stdin=subprocess.PIPE,  # which it reads to learn of our end
                cwd="/",
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        except OSError as error:
            log.error("the planner of systematic analysis cannot be started: %s", error)
            self._not_before = now + self._pause_s

    def close(self) -> None:
        """Ends it; it may be in the midst of anything."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            self._process.kill()
            self._process.wait()
            self._release()

    def _release(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._process = None
