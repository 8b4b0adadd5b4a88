"""The one watcher of a server: hears of news by the bells of ledger and store, and tells every open page.

One thread writes the messages of all pages; two more only wait for a bell. A page is sent its next message when the one
before has left. Of what happens meanwhile only the newest word is written, from ledger and store: a slow page costs no
memory, and learns all the same. No page, no threads.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from queue import Empty, SimpleQueue

from codalab_nb.errors import CodalabError
from codalab_nb.frontends.server import status
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.feed_page import News, Page
from codalab_nb.frontends.server.wire.tasks import Progress
from codalab_nb.model.pool import LOCAL
from codalab_nb.model.task import State
from codalab_nb.site.site import Site
from codalab_nb.stores.ports import Changes
from codalab_nb.systematic.status_file import StatusFile

log = logging.getLogger(__name__)

_SLOW_LOOK_S = 1.0  # behind the bells; and for what no bell tells: a death, a full disk, a new data set
_PROGRESS_S = 0.25
_MOST_RUNNING = 200  # tasks whose signs of life are looked at


class Feed:
    """Pages come and go by `attach` and `detach`, from any thread."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._pages: list[Page] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._rings: SimpleQueue[str] = SimpleQueue()
        self._closed = False

    def attach(self, page: Page) -> None:
        with self._lock:
            if self._closed:
                return
            self._pages.append(page)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="codalab-feed", daemon=True)
                self._thread.start()
        self._wake.set()

    def detach(self, page: Page) -> None:
        with self._lock:
            if page in self._pages:
                self._pages.remove(page)
        self._wake.set()

    def wake(self) -> None:
        """A page has something to say, or took its message."""
        self._wake.set()

    def datasets_changed(self) -> None:
        self._rings.put("datasets")
        self._wake.set()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._pages.clear()
            thread = self._thread
        self._wake.set()
        if thread is not None:
            thread.join(5)

    # --- the thread

    def _run(self) -> None:
        while True:
            try:
                site = self._context.site
                with _Bells(site, self._ring):
                    self._serve(_Looks(self._context))
            except CodalabError as error:
                log.warning("no news for the pages for now: %s", error)
                time.sleep(_SLOW_LOOK_S)
            except Exception:
                log.exception("the watcher of the pages failed; it goes on")
                time.sleep(_SLOW_LOOK_S)
            with self._lock:
                if not self._pages:
                    self._thread = None
                    return

    def _ring(self, what: str) -> None:
        self._rings.put(what)
        self._wake.set()

    def _serve(self, looks: _Looks) -> None:
        """Until the last page has gone."""
        looked_at = 0.0
        pages: list[Page] = []
        while True:
            with self._lock:
                before, pages = pages, list(self._pages)
            for page in before:
                if page not in pages:
                    page.closed()
            if not pages:
                return
            rung = self._rung()
            slow = time.monotonic() - looked_at >= _SLOW_LOOK_S
            if slow:
                looked_at = time.monotonic()
                looks.slow()
            news = looks.news(store=slow or "store" in rung, ledger=slow or "ledger" in rung)
            if "datasets" in rung:
                news.datasets = True
            said = False
            for page in pages:
                said = _tell(page, news) or said
            if not said:
                self._wake.wait(min(_SLOW_LOOK_S, looks.due_s()))
            self._wake.clear()  # whoever wakes us has said why before: that is looked at next

    def _rung(self) -> set[str]:
        found = set()
        while True:
            try:
                found.add(self._rings.get_nowait())
            except Empty:
                return found


def _tell(page: Page, news: News) -> bool:
    """Whether it was sent something. What one page asks for does not keep the others from their news."""
    try:
        page.take(news)
        return page.say()
    except CodalabError as error:
        log.warning("a page is not told: %s", error)
    except Exception:
        log.exception("a page is hung up on: what it asked for cannot be told")
        page.hang_up()
    return False


class _Bells:
    """Waits for the bells of a site's ledger and of its own store, each in a thread, and passes their rings on.

    Of other pools the ledger tells: the background process looks after them.
    """

    def __init__(self, site: Site, ring: Callable[[str], None]) -> None:
        self._ring = ring
        self._stopped = threading.Event()
        ledger = site.ledger.changes.listen()
        self._heard: list[tuple[str, AbstractContextManager[Changes]]] = [
            ("store", site.pools.side(LOCAL).store.changes(None))
        ]
        if ledger is not None:
            self._heard.append(("ledger", ledger))

    def __enter__(self) -> _Bells:
        for what, bell in self._heard:
            threading.Thread(target=self._wait, args=(what, bell), name=f"codalab-bell-{what}", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()

    def _wait(self, what: str, bell: AbstractContextManager[Changes]) -> None:
        with bell as changes:
            while not self._stopped.is_set():
                if changes.wait(_SLOW_LOOK_S):
                    self._ring(what)


class _Looks:
    """What is looked at once for all pages."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._site = context.site
        self._shown: dict[str, State] = {}
        self._datasets = self._names_of_datasets()
        self._systematic = self._looks_of_systematic()
        self._status = status.now(context)
        self._news = News(self._status)
        self._progress_at = 0.0
        self._progress_due = True

    def slow(self) -> None:
        """What no bell tells of."""
        site = self._site
        rows = site.ledger.find(states=[State.RUNNING], pool=LOCAL, limit=_MOST_RUNNING)
        for row in rows:
            if site.fold(row.id) is not None:
                continue  # the ledger's bell tells
            state = site.state_of(row)
            if self._shown.setdefault(row.id, State.RUNNING) is not state:
                self._shown[row.id] = state
                self._news.retell.add(row.id)
        self._shown = {row.id: self._shown[row.id] for row in rows if row.id in self._shown}
        datasets = self._names_of_datasets()
        if datasets != self._datasets:
            self._datasets, self._news.datasets = datasets, True
        if (systematic := self._looks_of_systematic()) != self._systematic:
            self._systematic, self._news.systematic = systematic, True
        site.serve_if_needed()
        now = status.now(self._context)
        # What every message about the ledger tells is no news of its own.
        if now.model_copy(update={"busy": self._status.busy, "seq": self._status.seq}) != self._status:
            self._news.status = self._status = now

    def news(self, *, store: bool, ledger: bool) -> News:
        news, self._news = self._news, News(self._status)
        news.store, news.ledger = store, ledger
        self._progress_due = self._progress_due or store or ledger
        if self._progress_due and time.monotonic() - self._progress_at >= _PROGRESS_S:
            self._progress_at, self._progress_due = time.monotonic(), False
            news.progress = self._progress()
        return news

    def due_s(self) -> float:
        """How long there is nothing to do unless a bell rings."""
        if not self._progress_due:
            return _SLOW_LOOK_S
        return max(0.0, self._progress_at + _PROGRESS_S - time.monotonic())

    def _progress(self) -> dict[str, Progress]:
        """Of the tasks that run, and of those that are next in line."""
        book, ledger = self._context.progress, self._site.ledger
        found = {}
        for row in ledger.find(states=[State.RUNNING], pool=LOCAL, limit=_MOST_RUNNING):
            progress = book.of(row, self._shown.get(row.id, State.RUNNING))
            if progress is not None:
                found[row.id] = progress
        return {**book.next_in_line(), **found} if ledger.pages.busy()[0] else found

    def _names_of_datasets(self) -> frozenset[str]:
        return frozenset(self._site.store.list("datasets/"))

    def _looks_of_systematic(self) -> tuple[object, ...]:
        """The switch, what the planner says of itself, and when the rules were changed."""
        places = self._site.places
        told = StatusFile.read(places.systematic)
        rules = sorted((file.name, _changed_at(file)) for file in places.rules.glob("*.toml"))
        return places.systematic_switch.exists(), told and (told.doing, dict(told.counts)), rules


def _changed_at(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
