"""Systematic analysis: what is recommended, what it does, and the matrix of data sets × configurations."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from codalab_nb.frontends.server.wire.methods import Recommendation
from codalab_nb.model.base import Document

CellStateName = Literal["done", "running", "queued", "planned", "over_budget", "unfit", "failed", "not_asked"]


class Advice(Document):
    """What to try on one data set, best first within each kind of question."""

    dataset: str
    recommended: tuple[Recommendation, ...]
    evidence: int = Field(description="results of how many data sets it rests on")
    note: str = Field("", description="what to know about all of it, e.g. that there is no evidence yet")


class AdviceList(Document):
    """What is known of several data sets without looking at them anew, in the order they were asked for."""

    advice: tuple[Advice, ...]


class Spent(Document):
    """Of one rule's budget in the last 24 hours; null: no limit."""

    rule: str
    tasks: int
    tasks_limit: int | None = None
    cpu_seconds: float
    cpu_seconds_limit: float | None = None
    problem: str = Field("", description="why the rule is not followed")


class SystematicStatus(Document):
    """`on`: switched on by a person; `working`: a process of the home follows the rules now."""

    on: bool
    working: bool
    doing: str = Field(description="one sentence")
    rules: tuple[Spent, ...]
    counts: dict[CellStateName, int] = Field(description="cells of the whole matrix in each state")


class MatrixColumn(Document):
    """A configuration: a method with given values."""

    key: str
    method: str
    title: str
    words: str = Field(description="the given values, as `model = forest`; empty with the defaults alone")
    question: str = Field(description="the kind of question it answers, or its method, which nothing is compared with")
    measure: str = Field(description="what the score is, in words; empty where there is none")


class MatrixCell(Document):
    """One data set × configuration. `score`: higher is better; null where there is none (yet)."""

    state: CellStateName
    reason: str = ""
    task: str | None = Field(None, description="the run, where there was one")
    score: float | None = None
    seconds: float | None = None
    best: bool = Field(False, description="the best score of its row within one kind of question")


class MatrixRow(Document):
    """A data set, with one cell for each column."""

    dataset: str
    cells: tuple[MatrixCell, ...]


class Matrix(Document):
    """A page of the matrix. `total`: data sets that meet the filter; `counts`: cells of all of it, by state."""

    columns: tuple[MatrixColumn, ...]
    rows: tuple[MatrixRow, ...]
    total: int
    offset: int
    questions: tuple[str, ...] = Field(description="all kinds of question that methods answer")
    counts: dict[CellStateName, int]
