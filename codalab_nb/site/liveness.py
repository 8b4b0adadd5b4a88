"""When is a running attempt dead? Judged by one observer, on its own monotonic clock, from what it has really read.

Dead: the length of the attempt's events (or of its claim) did not change over three heartbeats, seen by
successful looks. A failed look, a restart of the observer, or a pause of the observer itself (a closed
laptop lid suspends worker and monitor together) starts the window anew. No clock of another machine is compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

MISSED_HEARTBEATS = 3


@dataclass
class _Window:
    version: str
    since: float  # monotonic seconds
    looks: int  # successful looks that saw no change


class Liveness:
    """Keeps one window for each attempt that is looked at."""

    def __init__(self, heartbeat_s: float, pass_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._quiet_s = MISSED_HEARTBEATS * heartbeat_s
        # A gap between two looks that is much longer than a pass means that the observer itself did not run.
        self._gap_s = pass_s + 2 * heartbeat_s
        self._clock = clock
        self._windows: dict[tuple[str, int], _Window] = {}
        self._last_pass: float | None = None

    def begin_pass(self) -> None:
        """Call before the looks of a pass. After a gap every window starts anew."""
        now = self._clock()
        if self._last_pass is not None and now - self._last_pass > self._gap_s:
            self._windows.clear()
        self._last_pass = now

    def is_dead(self, task: str, n: int, version: str | None) -> bool:
        """Judges attempt n from one successful look (`version`); None stands for a look that failed."""
        key = (task, n)
        if version is None:
            self._windows.pop(key, None)
            return False
        now = self._clock()
        window = self._windows.get(key)
        if window is None or window.version != version:
            self._windows[key] = _Window(version, now, 1)
            return False
        window.looks += 1
        return now - window.since >= self._quiet_s and window.looks >= 2

    def keep_only(self, keys: set[tuple[str, int]]) -> None:
        """Forgets attempts that are no longer looked at."""
        self._windows = {key: window for key, window in self._windows.items() if key in keys}
