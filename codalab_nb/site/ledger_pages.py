"""The list of tasks a page at a time, with filters and totals: as quick with ten thousand tasks as with ten."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from codalab_nb.model.task import OPEN, SERVICE, Priority, State
from codalab_nb.sqlite import Database

_Row = TypeVar("_Row")
_INDEX = "CREATE INDEX IF NOT EXISTS task_newest ON task (submitted_at, position, id)"
_OPEN = ", ".join(f"'{state}'" for state in sorted(OPEN))
NOT_SERVICE = f"(method IS NULL OR substr(method, 1, 1) <> '{SERVICE}')"
NOT_BACKGROUND = f"priority <> '{Priority.BACKGROUND}'"
_SEARCHED = ("label", "dataset", "method", "notebook", "id")


@dataclass(frozen=True)
class Place:
    """After which row a page starts."""

    submitted_at: float
    position: int
    id: str


@dataclass(frozen=True)
class Filters:
    """All that is given must be met. `words`: each stands in one of the texts of a task, or names one of `titled`:
    the methods whose title has the word, which the ledger does not know. `dataset` is with or without @version.
    `background`: also what systematic analysis runs, of which there may be many times more than a person's tasks."""

    words: Sequence[str] = ()
    titled: Sequence[Sequence[str]] = field(default=())
    states: Sequence[State] = ()
    dataset: str | None = None
    method: str | None = None
    batch: str | None = None
    background: bool = False


class Pages(Generic[_Row]):
    """Reads of one ledger file."""

    def __init__(self, database: Database, read: Callable[[sqlite3.Row], _Row]) -> None:
        self._database = database
        self._read = read
        if not database.query("SELECT 1 FROM sqlite_master WHERE name = 'task_newest'"):
            with database.transaction() as db:
                db.execute(_INDEX)

    def page(self, filters: Filters, *, before: Place | None = None, limit: int) -> list[_Row]:
        """Newest first."""
        where, values = _conditions(filters)
        if before is not None:
            where.append("(submitted_at, position, id) < (?, ?, ?)")
            values += [before.submitted_at, before.position, before.id]
        sql = (
            f"SELECT * FROM task WHERE {' AND '.join(where)}"  # noqa: S608
            " ORDER BY submitted_at DESC, position DESC, id DESC LIMIT ?"
        )
        return [self._read(row) for row in self._database.query(sql, (*values, limit))]

    def totals(self, filters: Filters) -> tuple[int, int]:
        """How many tasks meet the filters, and how many of those are open."""
        where, values = _conditions(filters)
        sql = f"SELECT count(*) AS n, sum(state IN ({_OPEN})) AS open FROM task WHERE {' AND '.join(where)}"  # noqa: S608
        row = self._database.query(sql, tuple(values))[0]
        return int(row["n"]), int(row["open"] or 0)

    def busy(self) -> tuple[int, int]:
        """How many tasks of people are queued, and how many run."""
        sql = (
            f"SELECT state, count(*) AS n FROM task WHERE state IN ({_OPEN})"  # noqa: S608
            f" AND {NOT_SERVICE} AND {NOT_BACKGROUND} GROUP BY state"
        )
        found = {row["state"]: int(row["n"]) for row in self._database.query(sql)}
        return found.get(State.QUEUED, 0), found.get(State.RUNNING, 0)

    def rows(self, tasks: Sequence[str]) -> list[_Row]:
        """Those of `tasks` that are there, in no order."""
        found: list[_Row] = []
        for start in range(0, len(tasks), 500):
            part = tuple(tasks[start : start + 500])
            sql = f"SELECT * FROM task WHERE id IN ({', '.join('?' * len(part))})"  # noqa: S608
            found += [self._read(row) for row in self._database.query(sql, part)]
        return found


def _conditions(filters: Filters) -> tuple[list[str], list[object]]:
    where: list[str] = [NOT_SERVICE] if filters.background else [NOT_SERVICE, NOT_BACKGROUND]
    values: list[object] = []
    for place, word in enumerate(filters.words):
        pattern = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        texts = [f"{column} LIKE ? ESCAPE '\\'" for column in _SEARCHED]
        values += [pattern] * len(texts)
        methods = tuple(filters.titled[place]) if place < len(filters.titled) else ()
        if methods:
            texts.append(f"method IN ({', '.join('?' * len(methods))})")
            values += methods
        where.append(f"({' OR '.join(texts)})")
    if filters.states:
        where.append(f"state IN ({', '.join('?' * len(filters.states))})")
        values += filters.states
    for column, value in (("batch", filters.batch), ("method", filters.method)):
        if value is not None:
            where.append(f"{column} = ?")
            values.append(value)
    if filters.dataset is not None:
        where.append("(dataset = ? OR substr(dataset, 1, instr(dataset, '@') - 1) = ?)")
        values += [filters.dataset, filters.dataset]
    return where, values
