"""What a task made: the notebook as it grows, files, log, provenance."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import Field

from codalab_nb.frontends.server.wire.tasks import StateName, Why
from codalab_nb.model.base import Document


class LiveNotebook(Document):
    """The notebook with the outputs made so far; later events (of attempt `n`, after `seq`) come over the stream."""

    task: str
    state: StateName
    n: int = Field(description="the attempt; 0 before the first")
    seq: int
    notebook: dict[str, Any] = Field(description="nbformat 4 JSON, nothing of it trusted")
    cell: int | None = Field(None, description="the cell that runs, as an index into `notebook.cells`; null: none")
    offset: int = Field(description="cells of `notebook` before the submitted notebook's first: events count from that")
    truncated: bool = False
    why: Why | None = None


class ResultFile(Document):
    """A file of the result bundle."""

    path: str
    size: int
    kind: Literal["figure", "table", "notebook", "report", "other"]
    title: str | None = None
    alt: str | None = Field(None, description="of a figure, for who cannot see it")
    group: str | None = Field(None, description="the same figure or table in several formats has one group")
    note: str = Field("", description="a warning, as: a .csv opened in Excel damages gene names like SEPT2")


class ResultFiles(Document):
    files: tuple[ResultFile, ...]
    skipped: tuple[str, ...]
    folder: str | None


class LogLine(Document):
    at: dt.datetime
    n: int
    cell: int | None = Field(None, description="from 1")
    kind: str
    text: str


class Log(Document):
    lines: tuple[LogLine, ...]
    truncated: bool


class Input(Document):
    path: str
    size: int
    sha256: str


class Provenance(Document):
    """What ran on what, so that it can be done again."""

    task: str
    dataset: str | None
    method: str | None
    notebook: str
    notebook_sha256: str
    parameters: dict[str, Any]
    inputs: tuple[Input, ...]
    environment: dict[str, Any]
    submitted_at: dt.datetime
    finished_at: dt.datetime | None
    worker: str | None
    sandbox: str | None
    methods_paragraph: str | None = Field(None, description="for a paper, as the notebook wrote it")
    references: tuple[str, ...] = ()
    commands: tuple[str, ...] = Field(description="what one would type to do it again")


class Copy(Document):
    """Copies something of a result into the server's file browser, under a name that is free."""

    what: Literal["notebook", "file"]
    file: str | None = None
    folder: str = Field("", description="relative to the server's root")


class Copied(Document):
    path: str = Field(description="relative to the server's root")
    code: str | None = Field(None, description="for a table: Python that reads the copy from a notebook beside it")


class Report(Document):
    """`report.html` and how far it is: it is made by a task of its own, in the sandbox."""

    ready: bool
    task: str
    path: str | None = Field(None, description="of the finished report, below /codalab/api/")
