"""A thread that follows tasks to their verdicts and has them drawn, not more often than an eye can follow."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from codalab_nb.errors import CodalabError
from codalab_nb.frontends.cli.watching import Seen, Watch
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task

log = logging.getLogger(__name__)
REDRAW_S = 0.08
_AGAIN_S = 1.0  # after something that did not work
_PATIENCE = 300  # so many times in a row
Events = Sequence[tuple[Seen, dict[str, Any]]]


class Follower:
    """`draw(events, stuck)` is called in the thread with what came since the last call; the last call has it all.

    The first call is made by `start`, in the caller's thread, so that what is shown first is never empty.
    """

    def __init__(
        self,
        site: Site,
        tasks: Sequence[Task],
        draw: Callable[[Events, str], None],
        stopped: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.watch = Watch(site, tasks)
        self.ended = threading.Event()
        self._draw, self._stopped = draw, stopped
        self._given_up = threading.Event()
        self._steps = self.watch.steps()

    def start(self) -> None:
        self._step()
        if self.watch.open:
            threading.Thread(target=self._run, name="codalab-follow", daemon=True).start()
        else:
            self.ended.set()

    def stop(self) -> None:
        """Follows no further: what it drew is not shown any more."""
        self._given_up.set()

    def _step(self) -> bool:
        """False after the last one."""
        events = next(self._steps, None)
        if events is None:
            return False
        self._draw(events, self.watch.stuck)
        return True

    def _run(self) -> None:
        failed = 0
        try:
            while not self._given_up.is_set():
                began = time.monotonic()
                try:
                    if not self._step():
                        return
                    failed = 0
                except (CodalabError, OSError, sqlite3.Error):
                    # A full disk, too many open files, a locked ledger: they pass, and the display goes on.
                    failed += 1
                    if failed > _PATIENCE:
                        raise
                    self._steps = self.watch.steps()
                    time.sleep(_AGAIN_S)
                # What comes meanwhile is drawn together the next time.
                time.sleep(max(0.0, REDRAW_S - (time.monotonic() - began)))
        except Exception as error:  # the display stops, the task does not
            log.debug("the display of a task stopped", exc_info=True)
            with contextlib.suppress(Exception):
                self._stopped(f"{type(error).__name__}: {error}"[:200])
        finally:
            self.ended.set()
