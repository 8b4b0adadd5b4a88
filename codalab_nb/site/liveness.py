"""When is a running attempt dead? Judged by one observer, on its own monotonic clock, from what it has really read.

Dead: the length of the attempt's events (or of its claim) did not change over three heartbeats, seen by
successful looks. A time between two looks that is much longer than a pass counts as one heartbeat only: an observer
that was suspended (a closed lid stops worker and monitor together), or that was slow, has seen nothing meanwhile. A
failed look, and a restart of the observer, start the window anew. No clock of another machine is compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

MISSED_HEARTBEATS = 3


@dataclass
class _Window:
    version: str
    looked_at: float  # monotonic seconds
    quiet_s: float = 0.0  # seen without a change


class Liveness:
    """Keeps one window for each attempt that is looked at; `pass_s` is the usual time between two looks."""

    def __init__(self, heartbeat_s: float, pass_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._heartbeat_s = heartbeat_s
        self._longest_s = 2 * max(heartbeat_s, pass_s)
        self._clock = clock
        self._windows: dict[tuple[str, int], _Window] = {}

    def is_dead(self, task: str, n: int, version: str | None) -> bool:
        """Judges attempt n from one look: `version` is what was seen, None stands for a look that failed."""
        key = (task, n)
        if version is None:
            self._windows.pop(key, None)
            return False
        now = self._clock()
        window = self._windows.get(key)
        if window is None or window.version != version:
            self._windows[key] = _Window(version, now)
            return False
        since = now - window.looked_at
        window.quiet_s += since if since <= self._longest_s else self._heartbeat_s
        window.looked_at = now
        return window.quiet_s > MISSED_HEARTBEATS * self._heartbeat_s

    def keep_only(self, keys: set[tuple[str, int]]) -> None:
        """Forgets attempts that are no longer looked at."""
        self._windows = {key: window for key, window in self._windows.items() if key in keys}
