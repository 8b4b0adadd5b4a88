"""A thread that follows tasks to their verdicts and has them drawn, not more often than an eye can follow."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from codalab_nb.frontends.cli.watching import Seen, Watch
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task

log = logging.getLogger(__name__)
REDRAW_S = 0.08
Events = Sequence[tuple[Seen, dict[str, Any]]]


class Follower:
    """`draw(events, stuck)` is called in the thread with what came since the last call; the last call has it all.

    The first call is made by `start`, in the caller's thread, so that what is shown first is never empty.
    """

    def __init__(self, site: Site, tasks: Sequence[Task], draw: Callable[[Events, str], None]) -> None:
        self.watch = Watch(site, tasks)
        self.ended = threading.Event()
        self._draw = draw
        self._steps = self.watch.steps()

    def start(self) -> None:
        self._step()
        if self.watch.open:
            threading.Thread(target=self._run, name="codalab-follow", daemon=True).start()
        else:
            self.ended.set()

    def _step(self) -> bool:
        """False after the last one."""
        events = next(self._steps, None)
        if events is None:
            return False
        self._draw(events, self.watch.stuck)
        return True

    def _run(self) -> None:
        try:
            began = time.monotonic()
            while self._step():
                # What comes meanwhile is drawn together the next time.
                time.sleep(max(0.0, REDRAW_S - (time.monotonic() - began)))
                began = time.monotonic()
        except Exception:  # the display stops, the task does not; a traceback in a thread helps nobody
            log.exception("the display of a task stopped")
        finally:
            self.ended.set()
