"""What people are shown of systematic analysis, whatever front end shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class CellState(StrEnum):
    """Where a data set × configuration stands. All but the first four come with the reason why there is no result."""

    DONE = "done"
    RUNNING = "running"
    QUEUED = "queued"  # sent; a worker takes it when nobody waits
    PLANNED = "planned"  # will be sent
    OVER_BUDGET = "over_budget"  # will be sent when the budget is renewed
    UNFIT = "unfit"  # the method does not fit the data set, or cannot run here
    FAILED = "failed"  # ran, and is not run again
    NOT_ASKED = "not_asked"  # no rule asks for it


@dataclass(frozen=True)
class Column:
    """A configuration as a column of the matrix."""

    key: str  # of the configuration
    method: str
    title: str
    words: str  # `model = forest`; "" for the defaults
    question: str  # the kind of question it answers; scores are compared within one
    measure: str  # what the score is, in words; "" where there is none


@dataclass(frozen=True)
class Cell:
    """One cell. `score`: higher is better; None where there is none (yet). `task`: the run, where there was one."""

    state: CellState
    reason: str = ""
    task: str | None = None
    score: float | None = None
    seconds: float | None = None
    best: bool = False  # the best score of its row within one kind of question, where at least two have one


@dataclass(frozen=True)
class Row:
    """A data set, with one cell for each column."""

    dataset: str  # NAME@2
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Matrix:
    """Data sets × configurations. `total`: data sets there are, of which `rows` may be a page."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    total: int
    counts: dict[CellState, int] = field(default_factory=dict)  # of the whole matrix


@dataclass(frozen=True)
class Spent:
    """Of one rule's budget in the last 24 hours. None: no limit."""

    rule: str
    tasks: int
    tasks_limit: int | None
    cpu_seconds: float
    cpu_seconds_limit: float | None
    problem: str = ""  # why it is not followed, e.g. it names a method that is not installed


@dataclass(frozen=True)
class Status:
    """`on`: switched on by a person; `working`: a process of the home follows the rules now."""

    on: bool
    working: bool
    doing: str  # one sentence
    rules: tuple[Spent, ...]
    counts: dict[CellState, int]


@dataclass(frozen=True)
class Near:
    """A data set that speaks for a recommendation, and how the configuration did there."""

    dataset: str
    score: float
    place: int  # of the configuration among the `of` that ran there, from 1
    of: int


@dataclass(frozen=True)
class Recommended:
    """A configuration recommended for a data set.

    `score` is what to expect, `low` to `high` what it was on four of five data sets; None where nothing is known.
    `why`: one or two plain sentences. `badge`: the best of its kind of question, of which others were compared.
    """

    method: str
    title: str
    parameters: dict[str, Any]
    words: str
    question: str
    measure: str
    why: str
    badge: bool
    score: float | None = None
    low: float | None = None
    high: float | None = None
    seconds: float | None = None
    runs: int = 0  # data sets on which it ran
    near: tuple[Near, ...] = ()


@dataclass(frozen=True)
class Advice:
    """What to try on one data set, best first within each kind of question. `evidence`: results of how many data sets
    it rests on; `note`: what to know about all of it, e.g. that there is no evidence yet."""

    dataset: str
    recommended: tuple[Recommended, ...]
    evidence: int
    note: str = ""
