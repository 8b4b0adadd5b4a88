"""Data sets: what is in them, what is proposed, and the person's word on it."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field

from codalab_nb.frontends.server.wire.common import Note
from codalab_nb.model.base import Document
from codalab_nb.model.dataset import Role


class Group(Document):
    """One group of a column and how many samples it has."""

    name: str
    n: int


class Column(Document):
    """A column of the sample table, or of a general table."""

    name: str
    type: Literal["groups", "numbers", "text"]
    source: Literal["file", "header", "names", "user"]
    role: Role | None = None
    role_proposed: bool = False
    groups: tuple[Group, ...] = ()
    missing: int = 0


class Reference(Document):
    """The group that the others are compared with: up = higher than in `group`."""

    column: str
    group: str
    why: str
    proposed: bool


class Answer(Document):
    """A person's word on a data set, as PATCH takes it. What is left out stays as it is."""

    roles: dict[str, str] = Field(default_factory=dict, description="column → role, or `none` to take a role away")
    kind: Literal["counts", "linear", "log"] | None = None
    reference: str | None = Field(None, description="the group of the condition that others are compared with")
    renames: dict[str, str] = Field(default_factory=dict, description="`COLUMN:OLD` → NEW; an existing name merges")
    accept: bool = Field(False, description="take everything that is proposed and not said otherwise here")


class Choice(Document):
    """A button below a question: its words, and what to send when it is clicked."""

    label: str
    answer: Answer


class Question(Document):
    """Something that was proposed and nobody has confirmed, with the answers one can click."""

    code: str
    text: str
    choices: tuple[Choice, ...]


class DatasetFile(Document):
    path: str
    size: int


class DatasetSummary(Document):
    """One line of the list: the newest version of a data set."""

    name: str
    version: int
    reference: str = Field(description="NAME@VERSION, as requests take it")
    created_at: dt.datetime
    shape: str = Field(description="in words: `38 samples × 3,051 genes`")
    kind: Literal["counts", "linear", "log", "none"]
    kind_words: str
    groups: str = Field("", description="in words: `AML (11), ALL (27)`; empty when there is no condition")
    warnings: int
    questions: int


class DatasetList(Document):
    datasets: tuple[DatasetSummary, ...]


class Dataset(DatasetSummary):
    """All that is known of one version."""

    files: tuple[DatasetFile, ...]
    orientation: Literal["genes_in_rows", "samples_in_rows", "table", "files"]
    orientation_why: str
    n_samples: int
    n_features: int
    missing: int
    columns: tuple[Column, ...]
    reference_group: Reference | None = None
    reading: tuple[Note, ...] = Field(description="how the files were read, where that was not plain")
    notes: tuple[Note, ...] = Field(description="the plain-word warnings of the profile")
    open_questions: tuple[Question, ...]
    groups_from_names: tuple[str, ...] = Field((), description="one per sample; when no file gives groups")
    versions: tuple[int, ...]


class AddDataset(Document):
    """Files → the next version of a data set. Exactly one of `uploads`, `paths` and `example` names the files."""

    uploads: tuple[str, ...] = Field((), description="ids of finished uploads")
    paths: tuple[str, ...] = Field((), description="files of the server's file browser, relative to its root")
    example: str | None = None
    name: str | None = None
    samples: str | None = Field(None, description="an upload id, a path, or a sheet of the workbook")
    sheet: str | None = Field(None, description="the sheet with the measurements")
    answer: Answer = Answer()


class Upload(Document):
    """A file on its way in."""

    id: str
    name: str
    size: int


class Example(Document):
    """A data set that comes with the project."""

    name: str
    title: str
    sentence: str
    shape: str
    added: bool


class ExampleList(Document):
    examples: tuple[Example, ...]


class Preview(Document):
    """The first rows of a table, as text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_rows: int | None = Field(None, description="of the whole table, where that is known")
    n_columns: int
    more_columns: bool = False


class SampleTable(Document):
    """Which sample is in which group: a row per sample, in the order of the matrix. Cells are text; "" is missing."""

    columns: tuple[str, ...] = Field(description="the first is the sample's name")
    rows: tuple[tuple[str, ...], ...]
    proposed: tuple[str, ...] = Field((), description="columns read out of the sample names, which nobody confirmed")
    editable: bool = True
    why_not: str = ""
