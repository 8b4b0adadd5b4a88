"""The ledger: SQL tables of tasks and batches. The row is the outbox, and a view of the store's truth.

A task is accepted when its row is committed. State and history change in one transaction, and only by the
table in `model.task`. A terminal row never changes.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from codalab_nb.bells import Bell
from codalab_nb.errors import InputError, ProtocolError
from codalab_nb.model.task import OPEN, Priority, Reason, Result, State, Step, advance
from codalab_nb.site.ledger_changes import ChangeLog
from codalab_nb.site.ledger_pages import NOT_BACKGROUND, NOT_SERVICE, Pages
from codalab_nb.site.pools_workers import Workers
from codalab_nb.sqlite import Database

_SCHEMA = """
CREATE TABLE task (
  id TEXT PRIMARY KEY, batch TEXT, position INTEGER NOT NULL, state TEXT NOT NULL,
  label TEXT NOT NULL, dataset TEXT, method TEXT, notebook TEXT NOT NULL, parameters TEXT NOT NULL,
  pool TEXT NOT NULL, submitted_at REAL NOT NULL, deadline REAL NOT NULL, max_attempts INTEGER NOT NULL,
  document_sha256 TEXT NOT NULL, retry_of TEXT,
  n INTEGER NOT NULL DEFAULT 1,          -- the attempt that is sent, runs, or ended the task
  sent_at REAL,                          -- NULL: attempt n waits in the outbox
  send_after REAL NOT NULL DEFAULT 0,    -- back-off of a released attempt
  confirmed INTEGER NOT NULL DEFAULT 0,  -- accepted.json is written
  reason TEXT, manifest_sha256 TEXT, metrics TEXT, seconds REAL, finished_at REAL,
  priority TEXT NOT NULL DEFAULT 'urgent'
);
CREATE INDEX task_state ON task (state);
CREATE INDEX task_batch ON task (batch);
CREATE INDEX task_submitted ON task (submitted_at);
CREATE TABLE history (
  task TEXT NOT NULL, at REAL NOT NULL, step TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
  n INTEGER, detail TEXT
);
CREATE INDEX history_task ON history (task);
"""

# Columns that ledgers of older versions lack, with the value their tasks have.
_ADDED = {"priority": "TEXT NOT NULL DEFAULT 'urgent'"}

_OPEN = "('queued', 'running')"
assert {f"'{state}'" for state in OPEN} == set(_OPEN.strip("()").split(", "))


@dataclass(frozen=True)
class TaskRow:
    """One row. Times are Unix seconds, UTC."""

    id: str
    label: str
    notebook: str
    pool: str
    submitted_at: float
    deadline: float
    max_attempts: int
    document_sha256: str
    state: State = State.QUEUED
    batch: str | None = None
    position: int = 0
    dataset: str | None = None
    method: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    retry_of: str | None = None
    priority: Priority = Priority.URGENT
    n: int = 1
    sent_at: float | None = None
    send_after: float = 0.0
    confirmed: bool = False
    reason: Reason | None = None
    manifest_sha256: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    seconds: float | None = None
    finished_at: float | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


_COLUMNS = tuple(column.name for column in fields(TaskRow))


def _to_row(row: sqlite3.Row) -> TaskRow:
    values = {name: row[name] for name in _COLUMNS}
    values["state"] = State(values["state"])
    values["priority"] = Priority(values["priority"])
    values["parameters"] = json.loads(values["parameters"])
    values["metrics"] = json.loads(values["metrics"] or "{}")
    values["reason"] = Reason.model_validate_json(values["reason"]) if values["reason"] else None
    values["confirmed"] = bool(values["confirmed"])
    return TaskRow(**values)


def _to_columns(task: TaskRow) -> dict[str, object]:
    values = asdict(task)
    values["parameters"] = json.dumps(task.parameters)
    values["metrics"] = json.dumps(task.metrics)
    values["reason"] = task.reason.model_dump_json() if task.reason else None
    return values


class Ledger:
    """All reads and writes of the ledger file. Safe to share among threads and processes. `bell` rings at changes."""

    def __init__(self, path: Path, bell: Bell | None = None) -> None:
        self._database = Database(
            path,
            _SCHEMA,
            rebuild_hint=f"Stop everything (`codalab-nb stop`), move {path} away, run `codalab-nb monitor --rebuild`.",
        )
        self._database.add_missing("task", _ADDED)
        self.changes = ChangeLog(self._database, bell)
        self.pages = Pages(self._database, _to_row)
        self.workers = Workers(self._database)

    def close(self) -> None:
        self._database.close()

    @property
    def complete(self) -> bool:
        """False for a file that was just made, or whose rebuilding from the store did not come to its end."""
        return bool(self._database.query("PRAGMA user_version")[0][0])

    def mark_complete(self) -> None:
        with self._database.faults():
            self._database.connection.execute("PRAGMA user_version = 1")

    # --- accepting

    def accept(self, tasks: Sequence[TaskRow]) -> None:
        """Commits all rows in one transaction; when it returns, the tasks are accepted.

        A row that is there already with the same document is left as it is (the same request, sent again).
        Raises InputError(id_conflict) when an id is there with another document; then no row is written.
        """
        columns = ", ".join(_COLUMNS)
        marks = ", ".join(f":{name}" for name in _COLUMNS)
        with self._database.transaction() as db:
            for task in tasks:
                there = db.execute("SELECT document_sha256 FROM task WHERE id = ?", (task.id,)).fetchone()
                if there is None:
                    db.execute(f"INSERT INTO task ({columns}) VALUES ({marks})", _to_columns(task))  # noqa: S608
                elif there["document_sha256"] != task.document_sha256:
                    raise InputError(
                        "id_conflict",
                        f"There is a task {task.id} already, with other contents.",
                        "Leave the id out, or submit exactly the same request again.",
                    )
        self.changes.ring()

    # --- reading

    def get(self, task: str) -> TaskRow | None:
        rows = self._database.query("SELECT * FROM task WHERE id = ?", (task,))
        return _to_row(rows[0]) if rows else None

    def find(
        self,
        *,
        states: Iterable[State] = (),
        batch: str | None = None,
        dataset: str | None = None,
        method: str | None = None,
        pool: str | None = None,
        since: float | None = None,
        limit: int | None = None,
        service: bool = True,
        background: bool = True,
    ) -> list[TaskRow]:
        """Rows that meet all given conditions, newest first; `dataset` with or without its @version.

        Without `service`: those that people see, and not what the project made for them (`is_service`).
        Without `background`: not what systematic analysis runs.
        """
        where, values = _conditions(states, {"batch": batch, "method": method, "pool": pool}, dataset, since)
        where += [] if service else [NOT_SERVICE]
        where += [] if background else [NOT_BACKGROUND]
        sql = f"SELECT * FROM task WHERE {' AND '.join(where)} ORDER BY submitted_at DESC, position DESC"  # noqa: S608
        if limit is not None:
            sql += f" LIMIT {int(limit)}"
        return [_to_row(row) for row in self._database.query(sql, tuple(values))]

    def background_count(
        self,
        *,
        states: Iterable[State] = (),
        dataset: str | None = None,
        method: str | None = None,
        since: float | None = None,
    ) -> int:
        """How many rows `find` leaves out without `background`, of those it gives without `service`."""
        where, values = _conditions(states, {"method": method}, dataset, since)
        sql = f"SELECT count(*) AS n FROM task WHERE {' AND '.join(where)} AND {NOT_SERVICE} AND NOT {NOT_BACKGROUND}"  # noqa: S608
        return int(self._database.query(sql, tuple(values))[0]["n"])

    def run_times(self, methods: Sequence[str], limit: int = 500) -> list[tuple[str, str, float]]:
        """Method, data set (NAME@2) and seconds of runs that succeeded, the last first; looks at the last `limit`."""
        marks = ", ".join("?" * len(methods))
        sql = (
            "SELECT method, dataset, seconds FROM task WHERE state = 'succeeded' AND seconds IS NOT NULL"  # noqa: S608
            f" AND dataset IS NOT NULL AND method IN ({marks}) ORDER BY submitted_at DESC LIMIT ?"
        )
        return [(row["method"], row["dataset"], row["seconds"]) for row in self._database.query(sql, (*methods, limit))]

    def open_tasks(self, pool: str | None = None) -> list[TaskRow]:
        """Open rows, of one pool or of all, newest first."""
        return self.find(states=OPEN, pool=pool)

    def open_pools(self) -> set[str]:
        """The pools that have open tasks."""
        sql = f"SELECT DISTINCT pool FROM task WHERE state IN {_OPEN}"  # noqa: S608
        return {row["pool"] for row in self._database.query(sql)}

    def pool_of(self, task: str) -> str | None:
        rows = self._database.query("SELECT pool FROM task WHERE id = ?", (task,))
        return rows[0]["pool"] if rows else None

    def has_open(self) -> bool:
        return bool(self._database.query(f"SELECT 1 FROM task WHERE state IN {_OPEN} LIMIT 1"))  # noqa: S608

    def unsent(self, pool: str | None = None, *, limit: int = -1) -> list[TaskRow]:
        """Open rows, of one pool or of all, whose attempt waits in the outbox: urgent ones first, then the oldest."""
        sql = (
            f"SELECT * FROM task WHERE sent_at IS NULL AND state IN {_OPEN} AND (:pool IS NULL OR pool = :pool)"  # noqa: S608
            " ORDER BY priority = 'background', submitted_at, position LIMIT :limit"
        )
        return [_to_row(row) for row in self._database.query(sql, {"pool": pool, "limit": limit})]

    def ids_ending(self, ending: str, column: str) -> list[str]:
        """Ids of tasks (column `id`) or batches (column `batch`) that end with `ending`, at most 3, newest first."""
        if column not in ("id", "batch"):
            raise ValueError(column)
        sql = f"SELECT {column} AS it FROM task WHERE substr({column}, -?) = ? GROUP BY {column} ORDER BY max(submitted_at) DESC LIMIT 3"  # noqa: S608, E501
        return [row["it"] for row in self._database.query(sql, (len(ending), ending))]

    def history(self, task: str) -> list[dict[str, Any]]:
        rows = self._database.query("SELECT * FROM history WHERE task = ? ORDER BY at", (task,))
        return [dict(row) for row in rows]

    # --- the dispatcher's and the reconciler's marks

    def mark_sent(self, task: str, n: int, at: float) -> None:
        with self._database.transaction() as db:
            db.execute("UPDATE task SET sent_at = ? WHERE id = ? AND n = ?", (at, task, n))

    def mark_confirmed(self, task: str) -> None:
        with self._database.transaction() as db:
            db.execute("UPDATE task SET confirmed = 1 WHERE id = ?", (task,))

    def started(self, task: str, n: int) -> None:
        """Attempt `n` was claimed. Nothing happens when the row knows that, or more, already."""
        self._step(task, Step.STARTED, n, "state = 'queued' AND n <= :n", {})

    def send_next(self, task: str, n: int, *, after: float, detail: str, spare: bool = False) -> bool:
        """Puts attempt n+1 into the outbox if the row is still at `n`; of several callers one gets True.

        With `spare` attempt n does not count against the task's attempts: it may have one more.
        """
        values: dict[str, object] = {"next": n + 1, "after": after, "spare": int(spare)}
        change = "n = :next, sent_at = NULL, send_after = :after, max_attempts = max_attempts + :spare"
        return self._step(task, Step.RESENT, n, "n = :n", values, change, detail=detail)

    def send_again(self, task: str, n: int) -> bool:
        """Puts attempt n into the outbox once more (its message is gone, and nobody claimed it)."""
        return self._step(
            task, Step.RESENT, n, "n = :n AND sent_at IS NOT NULL", {}, "sent_at = NULL", detail="message gone"
        )

    def end(self, result: Result, *, metrics: dict[str, float]) -> bool:
        """Folds a committed result into its row. True if this call did it; a terminal row never changes."""
        values: dict[str, object] = {
            "reason": result.reason.model_dump_json() if result.reason else None,
            "manifest": result.manifest_sha256,
            "metrics": json.dumps(metrics),
            "seconds": result.seconds,
            "finished": result.decided_at.timestamp(),  # by a clock that may be wrong, or lie: kept between two of ours
            "now": time.time(),
        }
        change = (
            "reason = :reason, manifest_sha256 = :manifest, metrics = :metrics, seconds = :seconds,"
            " finished_at = max(min(:finished, :now), min(submitted_at, :now)), n = max(n, :n)"
        )
        return self._step(result.task, result.verdict.step, result.n or 0, "1", values, change)

    def _step(
        self,
        task: str,
        step: Step,
        n: int,
        condition: str,
        values: dict[str, object],
        change: str = "n = n",
        *,
        detail: str = "",
    ) -> bool:
        with self._database.transaction() as db:
            row = db.execute(
                f"SELECT state FROM task WHERE id = :id AND state IN {_OPEN} AND {condition}",  # noqa: S608
                {"id": task, "n": n, **values},
            ).fetchone()
            if row is None:
                return False
            before = State(row["state"])
            after = advance(task, before, step)
            updated = db.execute(
                f"UPDATE task SET state = :state, {change} WHERE id = :id",  # noqa: S608
                {"id": task, "n": n, "state": after, **values},
            ).rowcount
            if updated != 1:
                raise ProtocolError("ledger", f"Task {task} vanished from the ledger inside a transaction.")
            db.execute(
                "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?)", (task, time.time(), step, before, after, n, detail)
            )
        self.changes.ring()
        return True

    def remove(self, tasks: Sequence[str]) -> None:
        """Forgets terminal rows and their history. Open rows stay."""
        with self._database.transaction() as db:
            for task in tasks:
                gone = db.execute(f"DELETE FROM task WHERE id = ? AND state NOT IN {_OPEN}", (task,)).rowcount  # noqa: S608
                if gone:
                    db.execute("DELETE FROM history WHERE task = ?", (task,))
        self.changes.ring()


def _conditions(
    states: Iterable[State], columns: Mapping[str, str | None], dataset: str | None, since: float | None
) -> tuple[list[str], list[object]]:
    """Of a WHERE, and their values; a column with None is any."""
    where: list[str] = ["1"]
    values: list[object] = []
    wanted = list(states)
    if wanted:
        where.append(f"state IN ({', '.join('?' * len(wanted))})")
        values.extend(wanted)
    for column, value in columns.items():
        if value is not None:
            where.append(f"{column} = ?")
            values.append(value)
    if dataset is not None:
        where.append("(dataset = ? OR substr(dataset, 1, instr(dataset, '@') - 1) = ?)")
        values += [dataset, dataset]
    if since is not None:
        where.append("submitted_at >= ?")
        values.append(since)
    return where, values
