"""The WebSocket `/codalab/api/events`: what each side may say, one JSON object a message, told apart by `type`."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import Field

from codalab_nb.frontends.server.wire.common import Busy, Status
from codalab_nb.frontends.server.wire.tasks import Progress, Task
from codalab_nb.model.base import Document
from codalab_nb.model.event import EventType


class Hello(Document):
    """The page's first word: everything in the ledger after sequence number `after` (null: from now on)."""

    type: Literal["hello"] = "hello"
    after: int | None = None


class WatchTask(Document):
    """Send the live events of this task, too: of attempt `n` those after `seq`, and of later attempts all."""

    type: Literal["watch"] = "watch"
    task: str
    n: int = 0
    seq: int = 0


class UnwatchTask(Document):
    type: Literal["unwatch"] = "unwatch"
    task: str


FromPage = Annotated[Hello | WatchTask | UnwatchTask, Field(discriminator="type")]


class LedgerChanged(Document):
    """Rows that are new or changed since the last message, and ids that were removed. Resume after `seq`."""

    type: Literal["ledger"] = "ledger"
    seq: int
    tasks: tuple[Task, ...]
    removed: tuple[str, ...] = ()
    busy: Busy


class ProgressMade(Document):
    """How far open tasks are; at most a few times a second, the newest word on each."""

    type: Literal["progress"] = "progress"
    tasks: tuple[Progress, ...]


class LiveEvent(Document):
    """A line of an attempt's events, as the worker's supervisor stamped it; `body` came out of a sandbox."""

    n: int
    seq: int
    at: dt.datetime
    type: EventType
    body: dict[str, Any]


class TaskEvents(Document):
    """Live events of a watched task, in order. `ended`: there will be no more."""

    type: Literal["events"] = "events"
    task: str
    events: tuple[LiveEvent, ...]
    ended: bool = False


class DatasetsChanged(Document):
    """Data sets were added, changed or removed: ask for the list again."""

    type: Literal["datasets"] = "datasets"


class SystematicChanged(Document):
    """Systematic analysis was switched on or off, or does something else now: ask again."""

    type: Literal["systematic"] = "systematic"


class StatusChanged(Document):
    type: Literal["status"] = "status"
    status: Status


class Reset(Document):
    """What lies after the page's sequence number cannot be told any more: read the lists again, go on from `seq`."""

    type: Literal["reset"] = "reset"
    seq: int


FromServer = Annotated[
    LedgerChanged | ProgressMade | TaskEvents | DatasetsChanged | SystematicChanged | StatusChanged | Reset,
    Field(discriminator="type"),
]
