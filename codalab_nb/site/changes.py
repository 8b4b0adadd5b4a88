"""Watching tasks of several pools at once."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

from codalab_nb.stores.ports import Changes

_TURN_S = 0.1  # stores tell of changes each in its own way, so they are asked in turn


class _Several:
    def __init__(self, several: Sequence[Changes]) -> None:
        self._several = several

    def wait(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while True:
            for changes in self._several:
                left = deadline - time.monotonic()
                if changes.wait(max(0.0, min(_TURN_S, left))):
                    return True
            if time.monotonic() >= deadline:
                return False


@contextlib.contextmanager
def watch_all(each: Sequence[AbstractContextManager[Changes]]) -> Iterator[Changes]:
    """One watch over all of them; see `SiteStore.changes`."""
    with contextlib.ExitStack() as stack:
        entered = [stack.enter_context(one) for one in each]
        yield entered[0] if len(entered) == 1 else _Several(entered)
