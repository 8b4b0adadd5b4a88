"""The broker's time: the real one plus what a test added. Five-minute locks then cost nothing.

The offset only grows the broker's side: the SDK under test keeps its own clock, so what it believes (a lock that is
still good) and what the broker knows (it ended) can differ, as they do between machines.
"""

from __future__ import annotations

import threading
import time


class Clock:
    def __init__(self) -> None:
        self._offset = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Unix seconds as the broker sees them."""
        return time.time() + self._offset

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._offset += seconds
