"""The only module that names concrete back ends. Everything else takes what it is given."""

from __future__ import annotations

from codalab_nb.places import Places
from codalab_nb.queues.local import LocalQueue
from codalab_nb.queues.ports import Receiver, Sender
from codalab_nb.settings import Settings
from codalab_nb.stores.local import LocalStore
from codalab_nb.stores.ports import AttemptStore, SiteStore

POOL = "local"  # the pool of the embedded mode


def site_store(places: Places) -> SiteStore:
    return LocalStore(places.store, places.runtime)


def task_queue(places: Places, settings: Settings) -> LocalQueue:
    """The pool's task queue, as the site sees it: sender and admin."""
    return LocalQueue(places.queue, f"{POOL}-tasks", places.runtime, lock_s=settings.lock)


def response_queue(places: Places, settings: Settings) -> LocalQueue:
    return LocalQueue(places.queue, f"{POOL}-responses", places.runtime, lock_s=settings.lock)


class WorkerSide:
    """What a worker of the pool gets, and no more: listen on tasks, send hints, one attempt's names at a time."""

    def __init__(self, places: Places, settings: Settings) -> None:
        self.tasks: Receiver = task_queue(places, settings)
        self.hints: Sender = response_queue(places, settings)
        self._store = LocalStore(places.store, places.runtime)

    def open_attempt(self, task: str, n: int) -> AttemptStore:
        return self._store.attempt(task, n)
