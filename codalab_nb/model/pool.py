"""A pool: the queues its tasks wait in, the store they lie in, and who serves them. One pool is one trust domain.

`LocalPool` and `AzurePool` are what the site keeps (with secrets: the file is private), `Invite` is all that a worker
gets, `WorkerSign` what a worker says of itself.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, TypeAdapter

from codalab_nb.model.base import Document, Moment

LOCAL = "local"  # the pool of the embedded mode: always there, on this machine, served by the background process

SIGN_EVERY_S = 30.0  # between two signs of life of a worker that has joined a pool
SIGN_LIFE_S = 3 * SIGN_EVERY_S  # of such a message: an older one says nothing about now
WORKER_RULE, SITE_RULE = "worker", "site"  # names of the authorization rules of a pool's queues

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME = 40  # queues and containers are named after the pool, and their names have limits


def is_pool_name(text: str) -> bool:
    return len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) is not None


def _pool_name(text: str) -> str:
    if not is_pool_name(text):
        raise ValueError(f"{text!r} cannot be the name of a pool: lower-case letters, digits and hyphens, at most 40")
    return text


def _one_line(text: str) -> str:
    """What a terminal shows as it stands: a worker that tells its name steers no screen."""
    return "".join(char if char.isprintable() else " " for char in text)


PoolName = Annotated[str, AfterValidator(_pool_name)]


class LocalPool(Document):
    """The pool of the embedded mode."""

    kind: Literal["local"] = "local"
    name: PoolName = LOCAL


class Queues(Document):
    """The names of a pool's queues."""

    urgent: str
    background: str
    responses: str

    @classmethod
    def of(cls, pool: str) -> Queues:
        return cls(urgent=f"{pool}-urgent", background=f"{pool}-background", responses=f"{pool}-responses")

    @property
    def all(self) -> tuple[str, str, str]:
        return self.urgent, self.background, self.responses


class QueueKeys(Document):
    """One secret for each queue of a pool."""

    urgent: str = Field(repr=False)
    background: str = Field(repr=False)
    responses: str = Field(repr=False)

    @property
    def all(self) -> tuple[str, str, str]:
        return self.urgent, self.background, self.responses


class Invited(Document):
    """What the site remembers of an invite it made; nothing in it is secret."""

    id: str
    made_at: dt.datetime
    expires_at: dt.datetime
    revoked_at: dt.datetime | None = None


class AzurePool(Document):
    """A pool on Azure Service Bus and Blob Storage, as the site keeps it."""

    kind: Literal["azure"] = "azure"
    version: Literal[1] = 1
    name: PoolName
    namespace: str  # NAME.servicebus.windows.net, or 127.0.0.1:PORT for a stand-in without TLS
    queues: Queues
    account_url: str
    prefix: str  # of the pool's containers in that account
    created_at: dt.datetime
    # None: the site signs in with Microsoft Entra, as whoever runs it (`az login`, a managed identity).
    site_keys: QueueKeys | None = None  # of the rules `site`
    account_key: str | None = Field(None, repr=False)
    worker_keys: QueueKeys  # of the rules `worker`: invites are signed with them
    invites: tuple[Invited, ...] = ()
    heartbeat_s: float = 5.0
    pass_s: float = 10.0
    message_life_s: float = 3600.0
    lock_s: float = 60.0


PoolDefinition = Annotated[LocalPool | AzurePool, Field(discriminator="kind")]


class Invite(Document):
    """All that a worker needs to serve a pool, and all that it may do: listen on two queues, send on one, until the
    tokens expire. What a task needs comes with its message."""

    version: Literal[1] = 1
    id: str
    pool: PoolName
    namespace: str
    queues: Queues
    tokens: QueueKeys  # Listen on the two task queues, Send on the responses
    account_url: str  # where the links in messages lead: for `doctor`; nothing in here opens it
    made_at: dt.datetime
    expires_at: dt.datetime
    heartbeat_s: float = 5.0
    lock_s: float = 60.0


class WorkerSign(Document):
    """A worker's sign of life, on the pool's response queue, every `SIGN_EVERY_S` and at once after it joined.

    Forged ones are harmless: they fill a table for people, and nobody decides by it.
    """

    version: Literal[1] = 1
    worker: Annotated[
        str, AfterValidator(_one_line), Field(min_length=1, max_length=200)
    ]  # host:pid, as it signs its claims
    invite: Annotated[str, AfterValidator(_one_line), Field(max_length=64)] = ""
    program: Annotated[str, AfterValidator(_one_line), Field(max_length=40)]  # version of codalab-nb
    python: Annotated[str, AfterValidator(_one_line), Field(max_length=40)] = ""
    sandbox: Annotated[str, AfterValidator(_one_line), Field(max_length=40)]
    kernels: tuple[Annotated[str, AfterValidator(_one_line), Field(max_length=100)], ...] = Field((), max_length=50)
    slots: Annotated[int, Field(ge=0, le=10_000)]
    busy: Annotated[int, Field(ge=0, le=10_000)] = 0
    load: Annotated[float, Field(ge=0, le=1e6)] = 0.0  # processes that want to run, for each processor
    since: Moment  # when this worker started
    at: Moment  # now, by the worker's clock: a difference of minutes is told
    note: Annotated[str, AfterValidator(_one_line), Field(max_length=500)] = (
        ""  # why it takes no work, when it does not
    )
    leaving: bool = False  # its last sign


pool_definition: TypeAdapter[LocalPool | AzurePool] = TypeAdapter(PoolDefinition)
