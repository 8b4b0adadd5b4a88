"""Takes the politeness from background tasks: they step behind everything else on the machine, and on one that others
keep busy the night of a bench would never end. Needs the right to do so (root); without it nothing is changed.

Everything else stays as it is. How polite they are is measured in tests of the worker, not here.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import Self

from tests.support.home import Home

_EVERY_S = 0.3


class Hurry:
    """A thread that looks for processes of the home which gave way, and takes it back. Use it in a `with`."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hurry", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(_EVERY_S):
            for pid in self._home.processes():
                with contextlib.suppress(OSError):  # it ended, or we may not
                    for thread in Path(f"/proc/{pid}/task").iterdir():
                        _awake(int(thread.name))
                    group = Path(f"/proc/{pid}/autogroup")
                    if not group.read_text().rstrip().endswith("nice 0"):
                        group.write_text("0")


def _awake(thread: int) -> None:
    if os.sched_getscheduler(thread) == os.SCHED_IDLE:
        os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))
