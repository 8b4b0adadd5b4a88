"""Tasks and batches: lists, one of them, what can be done to them."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import Field

from codalab_nb.frontends.server.wire.common import Note
from codalab_nb.model.base import Document

StateName = Literal["queued", "running", "succeeded", "failed", "cancelled", "expired", "lost"]


class Why(Document):
    """Why a task ended as it did. `cell` counts from 1, as people do."""

    code: str
    message: str
    fix: str = ""
    cell: int | None = None


class Progress(Document):
    """How far a task is. `cell` counts from 1; null before the first."""

    task: str
    cell: int | None = None
    cells: int | None = None
    place: int | None = Field(None, description="in the queue, from 1; null when not waiting there, or unknown")
    running_s: float | None = Field(None, description="since it started, when this was sent")


class Task(Document):
    """One line of the list."""

    task: str
    state: StateName
    label: str
    dataset: str | None = None
    method: str | None = None
    title: str | None = Field(None, description="of the method")
    notebook: str
    batch: str | None = None
    pool: str
    parameters: dict[str, Any]
    attempts: int
    submitted_at: dt.datetime
    finished_at: dt.datetime | None = None
    seconds: float | None = None
    why: Why | None = None
    metrics: dict[str, float]
    retry_of: str | None = None
    progress: Progress | None = Field(None, description="while it is open")
    service: bool = Field(False, description="made by the project for a person, as a report is: lists leave it out")
    systematic: bool = Field(False, description="made by systematic analysis: lists leave it out unless asked for")


class TaskPage(Document):
    """Newest first. `next` goes into `before` of the next request; null after the last page."""

    tasks: tuple[Task, ...]
    next: str | None = None
    total: int = Field(description="tasks that meet the filters")
    busy_total: int = Field(description="open tasks that meet the filters")


class Step(Document):
    """One line of a task's history."""

    at: dt.datetime
    step: str
    words: str
    attempt: int | None = None


class TaskDetail(Task):
    warnings: tuple[str, ...]
    kernel: str
    sandbox: str | None = None
    max_attempts: int
    deadline: dt.datetime
    history: tuple[Step, ...]
    damage: tuple[str, ...] = Field((), description="what of its result does not have the digest it had")
    folder: str | None = Field(None, description="of the result bundle, on the server's machine")


class Act(Document):
    """One thing to do to many tasks; `batches` stand for all their tasks."""

    action: Literal["cancel", "retry", "remove"]
    tasks: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    failed_only: bool = Field(False, description="retry: leave out what succeeded, runs or waits")


class ActedOn(Document):
    task: str
    done: bool
    message: str = Field("", description="why not, in words")
    new_task: str | None = None


class Acted(Document):
    """What happened to each, in the order of the request."""

    tasks: tuple[ActedOn, ...]
    batch: str | None = Field(None, description="of the new tasks of a retry, when they form one")


class Again(Document):
    """The choices a task or batch was made with, for `copy and change`."""

    kind: Literal["analysis", "notebook"]
    datasets: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    own: dict[str, dict[str, Any]] = Field(default_factory=dict)
    notebook: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    notes: tuple[Note, ...] = Field(
        (), description="what is not as it was: a newer version of a data set, a method gone"
    )


class MetricColumn(Document):
    name: str
    title: str
    better: Literal["higher", "lower", "none"] = "none"


class Cell(Document):
    """One task of a batch in its table."""

    task: Task
    figure: str | None = Field(None, description="its first figure, a file of the result; null when there is none")


class Batch(Document):
    """Data sets × methods of one click."""

    batch: str
    submitted_at: dt.datetime
    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    varying: tuple[str, ...] = Field(description="names of the parameters that differ among its tasks")
    metrics: tuple[MetricColumn, ...]
    cells: tuple[Cell, ...]
