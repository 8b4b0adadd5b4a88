"""The only module that names concrete back ends. Everything else takes what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from codalab_nb.model.pool import LOCAL, LocalPool, PoolDefinition
from codalab_nb.model.task import Message, Priority
from codalab_nb.places import Places
from codalab_nb.queues.local import LocalQueue, LocalReceiver
from codalab_nb.queues.ports import Receiver, Sender, TaskQueue
from codalab_nb.settings import Settings
from codalab_nb.stores.local import LocalStore
from codalab_nb.stores.ports import AttemptStore, Granting, SiteStore

POOL = LOCAL


@dataclass(frozen=True)
class PoolSide:
    """One pool as the site has it: everything that is read, sent and repaired there."""

    name: str
    store: SiteStore
    tasks: Mapping[Priority, TaskQueue]
    responses: Receiver
    grants: Granting | None  # None: the pool's workers need no written grants (they share our home)
    heartbeat_s: float  # how often its workers give signs of life
    pass_s: float  # between two looks for tasks that were left alone
    message_life_s: float

    def close(self) -> None:
        for queue in self.tasks.values():
            queue.close()
        self.responses.close()


@dataclass(frozen=True)
class WorkerSide:
    """What a worker of a pool gets, and no more: listen on tasks, send on responses, one attempt's names at a time."""

    tasks: Receiver  # urgent ones first
    responses: Sender
    open_attempt: Callable[[Message], AttemptStore]


def open_pool(definition: PoolDefinition, places: Places, settings: Settings) -> PoolSide:
    """The site's side of a pool. Raises UnavailableError."""
    urgent, background, responses = _local_queues(places, settings)
    return PoolSide(
        name=definition.name,
        store=LocalStore(places.store, places.runtime),
        tasks={Priority.URGENT: urgent, Priority.BACKGROUND: background},
        responses=responses,
        grants=None,
        heartbeat_s=settings.heartbeat,
        pass_s=settings.reconcile,
        message_life_s=settings.message_life,
    )


def home_store(places: Places) -> SiteStore:
    """What belongs to the home whatever pools there are: data sets; and the tasks of the pool `local`."""
    return LocalStore(places.store, places.runtime)


def local_worker_side(places: Places, settings: Settings) -> WorkerSide:
    """The worker's side of the pool `local`, for a process of the home's owner."""
    urgent, background, responses = _local_queues(places, settings)
    store = LocalStore(places.store, places.runtime)
    return WorkerSide(
        tasks=LocalReceiver(urgent, background),
        responses=responses,
        open_attempt=lambda message: store.attempt(message.task, message.n),
    )


def _local_queues(places: Places, settings: Settings) -> tuple[LocalQueue, LocalQueue, LocalQueue]:
    """Urgent tasks, background tasks, responses. The names of the first and the last are those of the oldest homes."""
    urgent = LocalQueue(places.queue, f"{LOCAL}-tasks", places.runtime, lock_s=settings.lock)
    return urgent, urgent.beside(f"{LOCAL}-background", same_bell=True), urgent.beside(f"{LOCAL}-responses")


__all__ = ["POOL", "LocalPool", "PoolSide", "WorkerSide", "home_store", "local_worker_side", "open_pool"]
