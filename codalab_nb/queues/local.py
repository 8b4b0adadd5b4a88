"""A queue in an SQLite file: many processes of one user, durable, and quiet when there is nothing to do."""

from __future__ import annotations

import copy
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from codalab_nb.bells import Bell, Listener
from codalab_nb.queues.ports import Abilities, DeadLetter, Received
from codalab_nb.sqlite import Database

_SCHEMA = """
CREATE TABLE message (
  queue TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL,
  visible_at REAL NOT NULL,     -- wall clock, Unix seconds
  expires_at REAL NOT NULL,
  locked_until REAL, token TEXT, deliveries INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (queue, key)
);
CREATE INDEX message_visible ON message (queue, visible_at);
CREATE TABLE dead (
  queue TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (queue, key)
);
"""

# A listener that missed a ring (or a message whose delay or lock ends) is found by this slow look.
_SLOW_LOOK_S = 1.0

_MAX_DELAY_S = 120.0  # the longest delay of a send

# Locked messages come back when their lock ends. Two clauses heal a clock that was set back: no delay and no lock
# may reach further into the future than the longest there is.
_TAKE = """
UPDATE message SET locked_until = :now + :lock, token = :token, deliveries = deliveries + 1
WHERE queue = :queue AND key = (
  SELECT key FROM message WHERE queue = :queue AND expires_at > :now
    AND (visible_at <= :now OR visible_at > :now + :delay)
    AND (locked_until IS NULL OR locked_until <= :now OR locked_until > :now + :lock)
  ORDER BY visible_at LIMIT 1)
RETURNING key, body, deliveries
"""


class LocalQueue:
    """Sender, receiver and admin of queue `name` in the file `path`. Safe to share among threads."""

    abilities = Abilities(replaces=True, hides_locked=True)

    def __init__(self, path: Path, name: str, runtime: Path, *, lock_s: float = 15.0, max_deliveries: int = 10) -> None:
        self.name = name
        self._runtime = runtime
        self._lock_s = lock_s
        self._max_deliveries = max_deliveries
        self._bell = Bell(runtime / f"q-{name}")
        self._before: LocalQueue | None = None
        self._database = Database(
            path,
            _SCHEMA,
            rebuild_hint="Stop everything (`codalab-nb stop`), remove the file, and repeat: it is rebuilt.",
        )

    def beside(self, name: str) -> LocalQueue:
        """Another queue of the same file."""
        other = copy.copy(self)
        other.name = name
        other._bell = Bell(self._runtime / f"q-{name}")
        other._before = None
        return other

    def behind(self, name: str) -> LocalQueue:
        """Another queue of the same file, for what can wait: while this one has a message, that one brings none."""
        other = self.beside(name)
        other._before = self
        return other

    # --- sender

    def send(self, key: str, body: bytes, *, life_s: float, delay_s: float = 0.0) -> None:
        now = time.time()
        with self._database.transaction() as db:
            db.execute(
                "INSERT INTO message (queue, key, body, visible_at, expires_at) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET body = excluded.body, expires_at = excluded.expires_at",
                (self.name, key, body, now + min(delay_s, _MAX_DELAY_S), now + delay_s + life_s),
            )
            db.execute("DELETE FROM message WHERE queue = ? AND expires_at <= ?", (self.name, now))
        self._bell.ring()

    # --- receiver

    def receive(self, timeout_s: float) -> Received | None:
        if (message := self._take()) or timeout_s <= 0:
            return message
        deadline = time.monotonic() + timeout_s
        with self.listen() as listener:
            while not (message := self._take()):
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                listener.wait(min(left, _SLOW_LOOK_S))
            return message

    def listen(self) -> Listener:
        """For a receiver that also waits for other things."""
        return self._bell.listen()

    def _values(self) -> dict[str, object]:
        return {"queue": self.name, "now": time.time(), "lock": self._lock_s, "delay": _MAX_DELAY_S}

    def _has_message(self) -> bool:
        """Whether somebody could take one now."""
        return bool(
            self._database.query(
                "SELECT 1 FROM message WHERE queue = :queue AND expires_at > :now"
                " AND (visible_at <= :now OR visible_at > :now + :delay)"
                " AND (locked_until IS NULL OR locked_until <= :now OR locked_until > :now + :lock) LIMIT 1",
                self._values(),
            )
        )

    def _take(self) -> Received | None:
        # A cheap look first: most wake-ups of a herd find nothing, and a write transaction is not for that.
        if not self._has_message() or (self._before is not None and self._before._has_message()):
            return None
        token = uuid.uuid4().hex
        with self._database.transaction() as db:
            # The time is asked under the write lock: a receiver that waited for it with an older one would take the
            # lock just made for one from the future, which is how a clock set back looks.
            row = db.execute(_TAKE, {**self._values(), "token": token}).fetchone()
        if row is None:
            return None
        message = Received(key=row["key"], body=row["body"], deliveries=row["deliveries"], token=token)
        if message.deliveries > self._max_deliveries:  # whoever takes it dies of it
            self.bury(message, "max_deliveries")
            return None
        return message

    def ack(self, message: Received) -> bool:
        with self._database.transaction() as db:
            return db.execute(
                "DELETE FROM message WHERE queue = ? AND key = ? AND token = ?", (self.name, message.key, message.token)
            ).rowcount == 1  # fmt: skip

    def abandon(self, message: Received) -> bool:
        if message.deliveries >= self._max_deliveries:
            return self.bury(message, "max_deliveries")
        with self._database.transaction() as db:
            given_back = db.execute(
                "UPDATE message SET locked_until = NULL, token = NULL WHERE queue = ? AND key = ? AND token = ?",
                (self.name, message.key, message.token),
            ).rowcount
        self._bell.ring()
        return given_back == 1

    def bury(self, message: Received, reason: str) -> bool:
        with self._database.transaction() as db:
            buried = db.execute(
                "INSERT OR REPLACE INTO dead (queue, key, body, reason)"
                " SELECT queue, key, body, ? FROM message WHERE queue = ? AND key = ? AND token = ?",
                (reason, self.name, message.key, message.token),
            ).rowcount
            db.execute(
                "DELETE FROM message WHERE queue = ? AND key = ? AND token = ?", (self.name, message.key, message.token)
            )
        return buried == 1

    def pause(self) -> None:
        """Nothing is ever kept for a receiver that does not ask."""

    # --- admin

    def dead_letters(self) -> Sequence[DeadLetter]:
        rows = self._database.query("SELECT key, body, reason FROM dead WHERE queue = ?", (self.name,))
        return [DeadLetter(row["key"], row["body"], row["reason"]) for row in rows]

    def forget_dead(self, keys: Sequence[str]) -> None:
        with self._database.transaction() as db:
            db.executemany("DELETE FROM dead WHERE queue = ? AND key = ?", [(self.name, key) for key in keys])

    def waiting(self) -> Sequence[str]:
        rows = self._database.query(
            "SELECT key FROM message WHERE queue = ? AND expires_at > ? AND locked_until IS NULL ORDER BY visible_at",
            (self.name, time.time()),
        )
        return [row["key"] for row in rows]

    def close(self) -> None:
        self._database.close()
