"""Which tasks changed, in what order: for who follows the ledger, and goes on after a pause where they stopped.

One row a task, with the number of its last change: however often a task changed, whoever was away learns of it once.
Triggers give the number, in the transaction of the change itself, so that no writer can forget it, of whatever version.
A ledger made anew starts above all numbers of the one before, and says so: its first row names no task, and whoever
asks for what came before it is told to read everything.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass

from codalab_nb.bells import Bell, Listener
from codalab_nb.sqlite import Database

_TABLE = "CREATE TABLE change (seq INTEGER PRIMARY KEY AUTOINCREMENT, task TEXT NOT NULL UNIQUE, gone INTEGER NOT NULL)"
_RENEW = "BEGIN DELETE FROM change WHERE task = {id}; INSERT INTO change (task, gone) VALUES ({id}, {gone}); END"
# What a person can see of a task; not that it was sent, or confirmed.
_TRIGGERS = {
    "task_came": "AFTER INSERT ON task " + _RENEW.format(id="NEW.id", gone=0),
    "task_moved": "AFTER UPDATE OF state, n, reason, metrics ON task " + _RENEW.format(id="NEW.id", gone=0),
    "task_went": "AFTER DELETE ON task " + _RENEW.format(id="OLD.id", gone=1),
}
_NOTHING = ""  # the task of the row below which nothing is known any more
_MOST_GONE = 20_000  # removed tasks that are remembered


@dataclass(frozen=True)
class Change:
    """`gone`: the task was removed."""

    seq: int
    task: str
    gone: bool


class TooLongAgo(Exception):
    """What changed after that number is not known any more."""


class ChangeLog:
    """The changes of one ledger file. Whoever makes some rings the `bell` after their commit."""

    def __init__(self, database: Database, bell: Bell | None) -> None:
        self._database = database
        self._bell = bell
        if not database.query("SELECT 1 FROM sqlite_master WHERE name = 'change'"):
            with database.transaction() as db:
                _make(db)
        self._forget_oldest()

    def ring(self) -> None:
        if self._bell is not None:
            self._bell.ring()

    def listen(self) -> Listener | None:
        """Wakes up after changes, of any process. None where nobody rings: then look now and then."""
        return self._bell.listen() if self._bell is not None else None

    @property
    def head(self) -> int:
        """The number of the last change."""
        return int(self._database.query("SELECT max(seq) AS seq FROM change")[0]["seq"])

    def after(self, seq: int, limit: int) -> list[Change]:
        """The first `limit` changes after number `seq`, oldest first. Raises TooLongAgo."""
        rows = self._database.query("SELECT * FROM change WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
        if any(row["task"] == _NOTHING for row in rows):
            raise TooLongAgo(seq)
        return [Change(row["seq"], row["task"], bool(row["gone"])) for row in rows]

    def _forget_oldest(self) -> None:
        oldest = "SELECT seq FROM change WHERE gone ORDER BY seq DESC LIMIT 1 OFFSET ?"
        if not self._database.query(oldest, (2 * _MOST_GONE,)):
            return
        with self._database.transaction() as db:
            row = db.execute(oldest, (_MOST_GONE,)).fetchone()
            if row is not None:
                db.execute("DELETE FROM change WHERE gone AND seq < ?", (row["seq"],))
                db.execute("UPDATE change SET task = ? WHERE seq = ?", (_NOTHING, row["seq"]))


def _make(db: sqlite3.Connection) -> None:
    # Asked again under the lock: two processes may have found the same ledger without it.
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'change'").fetchone():
        return
    db.execute(_TABLE)
    # Milliseconds: no ledger has ever more changes than it is old. Exact in JavaScript for another 285,000 years.
    db.execute("INSERT INTO change (seq, task, gone) VALUES (?, ?, 1)", (int(time.time() * 1000), _NOTHING))
    db.execute("INSERT INTO change (task, gone) SELECT id, 0 FROM task ORDER BY submitted_at, position")
    for name, what in _TRIGGERS.items():
        db.execute(f"CREATE TRIGGER {name} {what}")
