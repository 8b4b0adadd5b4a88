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

import psutil

from codalab_nb.site import embedded
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
            holder = embedded.current(self._home.places)
            if holder is None or not holder.pid:
                continue
            # What runs in a sandbox has nothing of the home in its environment; it is known by its parents.
            with contextlib.suppress(psutil.Error):
                for process in psutil.Process(holder.pid).children(recursive=True):
                    with contextlib.suppress(OSError):  # it ended, or we may not
                        _awake(process.pid)


def _awake(pid: int) -> None:
    idle = False
    for thread in Path(f"/proc/{pid}/task").iterdir():
        if os.sched_getscheduler(int(thread.name)) == os.SCHED_IDLE:
            os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))
            idle = True
    if idle:
        Path(f"/proc/{pid}/autogroup").write_text("0")
