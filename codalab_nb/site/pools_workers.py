"""Workers as their pools have seen them: a table for people. Nobody judges a task by it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from codalab_nb.model.pool import SIGN_LIFE_S, WorkerSign
from codalab_nb.sqlite import Database

_TABLE = """CREATE TABLE IF NOT EXISTS worker (
  pool TEXT NOT NULL, worker TEXT NOT NULL, sign TEXT NOT NULL, seen_at REAL NOT NULL, PRIMARY KEY (pool, worker))"""
_MOST = 2_000  # of one pool; its workers could make up any number of names
_REMEMBERED_S = 30 * 86400.0


@dataclass(frozen=True)
class SeenWorker:
    """A worker's last sign, and when it came here (Unix seconds)."""

    sign: WorkerSign
    seen_at: float

    @property
    def is_there(self) -> bool:
        return not self.sign.leaving and time.time() - self.seen_at < SIGN_LIFE_S

    @property
    def skew_s(self) -> float:
        """By how much its clock is ahead of ours. A sign may have waited in the queue: then it looks behind."""
        return self.sign.at.timestamp() - self.seen_at


class Workers:
    """The table in the ledger's file."""

    def __init__(self, database: Database) -> None:
        self._database = database
        if not database.query("SELECT 1 FROM sqlite_master WHERE name = 'worker'"):
            with database.transaction() as db:
                db.execute(_TABLE)

    def saw(self, pool: str, sign: WorkerSign) -> None:
        now = time.time()
        with self._database.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO worker (pool, worker, sign, seen_at) VALUES (?, ?, ?, ?)",
                (pool, sign.worker, sign.model_dump_json(), now),
            )
            db.execute("DELETE FROM worker WHERE seen_at < ?", (now - _REMEMBERED_S,))
            db.execute(
                "DELETE FROM worker WHERE pool = :pool AND worker NOT IN"
                " (SELECT worker FROM worker WHERE pool = :pool ORDER BY seen_at DESC LIMIT :most)",
                {"pool": pool, "most": _MOST},
            )

    def of(self, pool: str) -> list[SeenWorker]:
        """Those seen in the last month, the one seen last first."""
        rows = self._database.query("SELECT sign, seen_at FROM worker WHERE pool = ? ORDER BY seen_at DESC", (pool,))
        return [SeenWorker(WorkerSign.model_validate_json(row["sign"]), row["seen_at"]) for row in rows]

    def forget(self, pool: str) -> None:
        with self._database.transaction() as db:
            db.execute("DELETE FROM worker WHERE pool = ?", (pool,))
