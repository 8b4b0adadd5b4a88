"""Slow work in a thread, so that the notebook does not freeze; what goes wrong comes back as problems to show."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from codalab_nb.errors import CodalabError, Problem

_T = TypeVar("_T")


class Work:
    """One thing at a time: a click while something is under way does nothing."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(
        self, work: Callable[[], _T], done: Callable[[_T], None], failed: Callable[[Sequence[Problem]], None]
    ) -> bool:
        """Runs `work`, then `done` with its value or `failed` with its problems, all in a thread. False if busy."""

        def run() -> None:
            try:
                done(work())
            except Exception as error:  # noqa: BLE001 (a thread's error would be seen by nobody)
                failed(problems_of(error))

        with self._lock:
            if self.busy:
                return False
            self._thread = threading.Thread(target=run, name="codalab-panel", daemon=True)
            self._thread.start()
        return True

    def wait(self, timeout_s: float = 60) -> None:
        """Returns when nothing is under way. For programs and tests. Raises TimeoutError."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                raise TimeoutError(f"the panel is still busy after {timeout_s:g} s")


def problems_of(error: Exception) -> Sequence[Problem]:
    if isinstance(error, CodalabError):
        return error.problems
    if isinstance(error, MemoryError):
        return [Problem("memory", "There is not enough memory for this file.", "Close other notebooks, or cut it.")]
    told = f"Something unexpected went wrong ({type(error).__name__}: {error})."
    return [Problem("unexpected", told, "Nothing was changed. Please report it, with this sentence.")]
