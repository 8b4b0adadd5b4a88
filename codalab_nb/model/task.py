"""A task, its life as a table, and the two small documents that workers race to create."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from codalab_nb.errors import ProtocolError
from codalab_nb.model.base import Document, JsonObject, Moment
from codalab_nb.model.bundle import Digest, FileRef, RelativePath

MIB = 1 << 20


class State(StrEnum):
    """Where a task is. Beside each: who moves it on, and what happens after a crash."""

    QUEUED = "queued"  # a worker's claim moves it on; if everything dies: the reconciler sends its message again
    RUNNING = "running"  # the worker's commit, or a cancel; if the worker dies: the reconciler sends attempt n+1
    SUCCEEDED = "succeeded"  # for ever
    FAILED = "failed"  # for ever: the task's own fault, never retried by itself
    CANCELLED = "cancelled"  # for ever
    EXPIRED = "expired"  # for ever: its deadline passed
    LOST = "lost"  # for ever: its attempts were used up by infrastructure


class Step(StrEnum):
    """What the monitor may record about a task."""

    STARTED = "started"
    RESENT = "resent"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    LOST = "lost"


_ENDINGS = {
    Step.SUCCEEDED: State.SUCCEEDED,
    Step.FAILED: State.FAILED,
    Step.CANCELLED: State.CANCELLED,
    Step.EXPIRED: State.EXPIRED,
    Step.LOST: State.LOST,
}

TABLE: dict[State, dict[Step, State]] = {
    State.QUEUED: {Step.STARTED: State.RUNNING, Step.RESENT: State.QUEUED, **_ENDINGS},
    State.RUNNING: {Step.STARTED: State.RUNNING, Step.RESENT: State.QUEUED, **_ENDINGS},
    State.SUCCEEDED: {},
    State.FAILED: {},
    State.CANCELLED: {},
    State.EXPIRED: {},
    State.LOST: {},
}

TERMINAL = frozenset(state for state, row in TABLE.items() if not row)
OPEN = frozenset(TABLE) - TERMINAL


def advance(task: str, state: State, step: Step) -> State:
    """The state after `step`. Raises ProtocolError naming task, state and step; an illegal step changes nothing."""
    after = TABLE[state].get(step)
    if after is None:
        raise ProtocolError("illegal_step", f"Task {task} is {state} and cannot take the step {step}.")
    return after


class Verdict(StrEnum):
    """How a task ended: the terminal states, as committed in `result.json`."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    LOST = "lost"

    @property
    def step(self) -> Step:
        return Step(self.value)


class Priority(StrEnum):
    """Which of a pool's two task queues a task waits in; a worker takes from the urgent one first."""

    URGENT = "urgent"  # a person waits for it
    BACKGROUND = "background"  # systematic analysis: whenever nobody waits


SERVICE = "_"  # so begins the method of a task that the project itself made for a person; no name of a method may


def is_service(method: str | None) -> bool:
    """Whether that is a task of the project's own, as one that makes a report: lists leave it out."""
    return method is not None and method.startswith(SERVICE)


class Limits(Document):
    """What one attempt may use. Over a limit the verdict is `failed`, except output: that is cut and marked."""

    timeout_s: Annotated[float, Field(gt=0, le=7 * 86400)] = 3600.0
    memory_bytes: Annotated[int, Field(ge=64 * MIB)] = 4096 * MIB
    processes: Annotated[int, Field(ge=16, le=65536)] = 256
    files_bytes: Annotated[int, Field(ge=0)] = 1024 * MIB  # result files together
    files: Annotated[int, Field(ge=0)] = 10_000
    events_bytes: Annotated[int, Field(ge=0)] = 10 * MIB  # streamed live, for each attempt
    output_text_bytes: Annotated[int, Field(ge=0)] = 1 * MIB  # text of one output in the executed notebook
    outputs: Annotated[int, Field(ge=0)] = 10_000
    notebook_bytes: Annotated[int, Field(ge=0)] = 50 * MIB


class TaskDocument(Document):
    """The task bundle's own document, `task.json`: everything a worker needs to know, and nothing else."""

    version: Literal[1] = 1
    task: str
    created_at: dt.datetime
    deadline: dt.datetime  # aware UTC; past it the reconciler commits `expired`
    notebook: FileRef
    inputs: tuple[FileRef, ...] = ()  # paths relative to the task's working folder; read-only there
    parameters: JsonObject = Field(default_factory=dict)
    kernel: str = "python3"
    interpreter: str  # absolute path of the submitter's Python: what `python3` means; "": the worker's own
    limits: Limits = Limits()
    network: bool = False
    environment: dict[str, str] = Field(default_factory=dict)  # variables the submitter chose to pass
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 3
    pool: str = "local"
    priority: Priority = Priority.URGENT
    submitter: str  # who asks, as the operating system names them; a worker without a sandbox refuses strangers
    # For people and views only; no worker decides by them.
    label: str
    batch: str | None = None
    dataset: str | None = None  # NAME@2
    method: str | None = None
    retry_of: str | None = None
    source: str | None = None  # where the notebook came from
    warnings: tuple[str, ...] = ()

    @model_serializer(mode="wrap")
    def _without_what_is_usual(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """An urgent task's document reads as it did before there were two priorities: for workers and homes that are
        older than the field, and so that its digest stays what it was."""
        fields: dict[str, Any] = handler(self)
        if fields.get("priority") == Priority.URGENT:
            del fields["priority"]
        return fields


INTERRUPTED = "interrupted"  # why an attempt is released when its worker was told to stop


Cell = Annotated[int, Field(ge=-1, le=1_000_000)]


class Claim(Document):
    """`claim.json`: whoever creates it owns attempt n."""

    nonce: str
    worker: str
    started_at: dt.datetime


class Reason(Document):
    """Why a task did not succeed: `code` for programs, `message` for people, the cell where there is one."""

    code: str
    message: str
    fix: str = ""
    cell: Cell | None = None  # index in the submitted notebook; -1 is the cell with the injected parameters


class Result(Document):
    """`result.json`, the only commit. Made by attempt `n`, or by the site (`n` is None: cancelled, expired, lost)."""

    version: Literal[1] = 1
    task: str
    n: Annotated[int, Field(ge=1, le=1_000_000)] | None
    nonce: str
    verdict: Verdict
    reason: Reason | None = None
    manifest_sha256: Digest | None = None
    decided_at: Moment
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = (
        None  # from start to the end of the run, by the worker's monotonic clock
    )
    stopped_at: Cell | None = None  # the notebook ended itself early (SystemExit(0)) in this cell


class Message(Document):
    """What travels on a task queue: a wake-up naming the attempt. Truth stays in the store."""

    version: Literal[1] = 1
    task: str
    n: Annotated[int, Field(ge=1)]
    grant: str | None = None


class Hint(Document):
    """What travels on a response queue: "look at this task". Forged, doubled or lost ones are harmless."""

    version: Literal[1] = 1
    task: str


__all__ = [
    "INTERRUPTED",
    "OPEN",
    "SERVICE",
    "TABLE",
    "TERMINAL",
    "Claim",
    "Hint",
    "Limits",
    "Message",
    "Priority",
    "Reason",
    "RelativePath",
    "Result",
    "State",
    "Step",
    "TaskDocument",
    "Verdict",
    "advance",
    "is_service",
]
