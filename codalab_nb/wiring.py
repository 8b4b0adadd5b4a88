"""The only module that names concrete back ends. Everything else takes what it is given.

The Azure packages are imported when a pool needs them, and not before: they are an extra.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from codalab_nb.errors import ProtocolError, UnavailableError
from codalab_nb.model.pool import LOCAL, SITE_RULE, WORKER_RULE, AzurePool, Invite, LocalPool, QueueKeys, Queues
from codalab_nb.model.task import Message, Priority
from codalab_nb.places import Places
from codalab_nb.queues.local import LocalQueue
from codalab_nb.queues.ordered import OrderedReceiver
from codalab_nb.queues.ports import Receiver, Sender, TaskQueue
from codalab_nb.settings import Settings
from codalab_nb.stores.local import LocalStore
from codalab_nb.stores.ports import AttemptStore, Granting, SiteStore

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from codalab_nb.queues.servicebus import ServiceBusQueue
    from codalab_nb.queues.servicebus_access import Credential


@dataclass(frozen=True)
class PoolSide:
    """One pool as the site has it: everything that is read, sent and repaired there."""

    name: str
    store: SiteStore
    tasks: Mapping[Priority, TaskQueue]
    responses: Receiver
    grants: Granting | None  # None: the pool's workers need no written grants (they share our home)
    quick: bool  # a send needs no connection made first: whoever submits sends, too, and nobody else has to wake up
    shared: bool  # its workers are not ours alone: they have their own Python, and see what waits in the queues
    heartbeat_s: float  # how often its workers give signs of life while they run a task
    pass_s: float  # between two looks for tasks that were left alone
    message_life_s: float
    close: Callable[[], None]


@dataclass(frozen=True)
class WorkerSide:
    """What a worker of a pool gets, and no more: listen on tasks, send on responses, one attempt's names at a time."""

    pool: str
    tasks: Receiver  # urgent ones first; with `background` only these
    background: Receiver | None  # background tasks, to be served beside the urgent ones; None: they come with `tasks`
    responses: Sender
    open_attempt: Callable[[Message], AttemptStore]  # raises ProtocolError for a message without its grant
    heartbeat_s: float
    close: Callable[[], None]


def open_pool(definition: LocalPool | AzurePool, places: Places, settings: Settings) -> PoolSide:
    """The site's side of a pool; nothing is connected before it is used.

    Raises UnavailableError(azure_missing), InputError (addresses that are none).
    """
    if isinstance(definition, AzurePool):
        return _azure_pool(definition, places)
    urgent, background, responses = _local_queues(places, settings)
    return PoolSide(
        name=definition.name,
        store=LocalStore(places.store, places.runtime),
        tasks={Priority.URGENT: urgent, Priority.BACKGROUND: background},
        responses=responses,
        grants=None,
        quick=True,
        shared=False,
        heartbeat_s=settings.heartbeat,
        pass_s=settings.reconcile,
        message_life_s=settings.message_life,
        close=urgent.close,  # the queues are one file
    )


def local_worker_side(places: Places, settings: Settings) -> WorkerSide:
    """The worker's side of the pool `local`, for a process of the home's owner."""
    urgent, background, responses = _local_queues(places, settings)
    store = LocalStore(places.store, places.runtime)
    return WorkerSide(
        pool=LOCAL,
        tasks=urgent,
        background=background,
        responses=responses,
        open_attempt=lambda message: store.attempt(message.task, message.n),
        heartbeat_s=settings.heartbeat,
        close=urgent.close,
    )


def _local_queues(places: Places, settings: Settings) -> tuple[LocalQueue, LocalQueue, LocalQueue]:
    """Urgent tasks, background tasks, responses. The names of the first and the last are those of the oldest homes."""
    urgent = LocalQueue(places.queue, f"{LOCAL}-tasks", places.runtime, lock_s=settings.lock)
    return urgent, urgent.behind(f"{LOCAL}-background"), urgent.beside(f"{LOCAL}-responses")


# --- Azure


@contextlib.contextmanager
def azure_extra() -> Iterator[None]:
    """Around imports of the Azure packages."""
    try:
        yield
    except ImportError as error:
        if not (error.name or "").startswith("azure"):
            raise
        raise UnavailableError(
            "azure_missing",
            f"This pool is on Azure, and {error.name} is not installed here.",
            "pip install 'codalab-nb[azure]'",
        ) from error


def sign_in() -> TokenCredential:
    """Whoever runs this process, as Microsoft Entra knows them: `az login`, a managed identity, AZURE_… variables."""
    with azure_extra():
        from azure.identity import DefaultAzureCredential
    # It tells its nine ways to fail whenever nobody is signed in; our own error says what to do.
    logging.getLogger("azure.identity").setLevel(logging.CRITICAL)
    return DefaultAzureCredential()


class PoolAdmin(Protocol):
    """Makes, rekeys and removes a pool's queues; needs more rights than the site keeps."""

    host: str  # of the namespace

    def make(self, queues: Queues) -> tuple[QueueKeys, QueueKeys]:
        """Makes what is missing; the keys of the rules `site` and `worker`. Raises InputError, UnavailableError."""

    def rekey_workers(self, queues: Queues) -> QueueKeys:
        """Ends every invite: fresh keys of the rules `worker`."""

    def remove(self, queues: Queues) -> None: ...

    def close(self) -> None: ...


def pool_admin(connection: str | None, host: str | None) -> PoolAdmin:
    """With a connection string of a rule with Manage, or (None) as who is signed in, for the namespace `host`."""
    with azure_extra():
        from codalab_nb.queues.servicebus_pool import ServiceBusPoolAdmin
    return ServiceBusPoolAdmin(sign_in() if connection is None else connection, host)


def worker_tokens(pool: AzurePool, expires: dt.datetime) -> QueueKeys:
    """What an invite holds: Listen on the two task queues, Send on the responses, until `expires` (aware)."""
    with azure_extra():
        from codalab_nb.queues.servicebus_tokens import make_token

    def token(queue: str, key: str) -> str:
        return make_token(pool.namespace, queue, WORKER_RULE, key, expires)

    queues, keys = pool.queues, pool.worker_keys
    return QueueKeys(
        urgent=token(queues.urgent, keys.urgent),
        background=token(queues.background, keys.background),
        responses=token(queues.responses, keys.responses),
    )


def _azure_pool(pool: AzurePool, places: Places) -> PoolSide:
    with azure_extra():
        from codalab_nb.queues.servicebus_access import RuleKey
        from codalab_nb.stores.azure import AzureStore

    signed_in = functools.cache(sign_in)  # once, and only where a key is missing
    keys = [RuleKey(SITE_RULE, key) for key in pool.site_keys.all] if pool.site_keys else [signed_in()] * 3
    urgent, background, responses = _far_queues(pool, keys)
    store = AzureStore(
        pool.account_url,
        pool.account_key or signed_in(),
        prefix=pool.prefix,
        cache=places.state / "pools" / pool.name / "cache",
    )

    def close() -> None:
        for one in (urgent, background, responses):
            one.close()
        store.close()

    return PoolSide(
        name=pool.name,
        store=store,
        tasks={Priority.URGENT: urgent, Priority.BACKGROUND: background},
        responses=responses,
        grants=store,
        quick=False,
        shared=True,
        heartbeat_s=pool.heartbeat_s,
        pass_s=pool.pass_s,
        message_life_s=pool.message_life_s,
        close=close,
    )


def worker_side(invite: Invite, cache: Path, *, cache_bytes: int | None = None) -> WorkerSide:
    """A worker's side of the pool that `invite` is for. `cache`: a private folder for inputs, shared by its processes.

    Raises UnavailableError(azure_missing), InputError (addresses that are none).
    """
    with azure_extra():
        from codalab_nb.queues.servicebus_access import SharedToken
        from codalab_nb.stores.azure_attempt import AzureAttempts
        from codalab_nb.stores.azure_cache import DEFAULT_BYTES, Cache
    urgent, background, responses = _far_queues(invite, [SharedToken(token) for token in invite.tokens.all])
    attempts = AzureAttempts(Cache(cache, limit_bytes=DEFAULT_BYTES if cache_bytes is None else cache_bytes))
    tasks = OrderedReceiver([urgent, background])

    def open_attempt(message: Message) -> AttemptStore:
        if message.grant is None:
            raise ProtocolError("bad_grant", f"The message of task {message.task} brings no grant.")
        return attempts.open(message.task, message.n, message.grant)

    def close() -> None:
        tasks.close()
        responses.close()
        attempts.close()

    return WorkerSide(
        pool=invite.pool,
        tasks=tasks,
        background=None,
        responses=responses,
        open_attempt=open_attempt,
        heartbeat_s=invite.heartbeat_s,
        close=close,
    )


def _far_queues(where: AzurePool | Invite, credentials: Sequence[Credential]) -> Sequence[ServiceBusQueue]:
    """Urgent tasks, background tasks, responses, with a credential for each."""
    with azure_extra():
        from codalab_nb.queues.servicebus import ServiceBusQueue
        from codalab_nb.queues.servicebus_access import Namespace
    namespace = Namespace(where.namespace)
    pairs = zip(where.queues.all, credentials, strict=True)
    return [ServiceBusQueue(namespace, name, credential, lock_s=where.lock_s) for name, credential in pairs]
