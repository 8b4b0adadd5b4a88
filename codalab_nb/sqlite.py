"""How we open SQLite: WAL, every commit durable, one connection for each thread, faults in our words."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from codalab_nb.errors import CodalabError, UnavailableError

BUSY_TIMEOUT_S = 10.0
_HAS_TABLES = "SELECT 1 FROM sqlite_master LIMIT 1"


class Database:
    """A database file with the schema `schema` (idempotent SQL). Threads share the object, not the connection."""

    def __init__(self, path: Path, schema: str, *, rebuild_hint: str) -> None:
        self.path = path
        self._rebuild_hint = rebuild_hint
        self._local = threading.local()
        self._all: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._lock = threading.Lock()
        with self.faults():
            there = self.connection.execute(_HAS_TABLES).fetchone()
        if not there:
            with self.transaction() as db:
                # Asked again under the lock: two processes may have found the file empty.
                if not db.execute(_HAS_TABLES).fetchone():
                    for statement in schema.split(";"):
                        db.execute(statement)

    def add_missing(self, table: str, columns: Mapping[str, str], statements: Sequence[str] = ()) -> None:
        """Brings a file of an older version up to date: columns (name: declaration with a default) that `table` lacks,
        and `statements` that are safe to repeat. Additions only: a process of that older version goes on beside us."""
        with self.faults():
            there = {row["name"] for row in self.connection.execute(f"PRAGMA table_info({table})")}
        if columns.keys() <= there and not statements:
            return
        with self.transaction() as db:
            # Asked again under the lock: two processes may have found the same column missing.
            there = {row["name"] for row in db.execute(f"PRAGMA table_info({table})")}
            for name, declaration in columns.items():
                if name not in there:
                    db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {declaration}")
            for statement in statements:
                db.execute(statement)

    @property
    def connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))  # private; WAL files follow
            connection = sqlite3.connect(
                self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=64
            )
            connection.row_factory = sqlite3.Row
            try:
                _use_wal(connection)
                # FULL: a commit that was reported survives a power cut. In WAL mode that is one fsync.
                connection.execute("PRAGMA synchronous=FULL")
            except sqlite3.Error:
                connection.close()
                raise
            self._local.connection = connection
            with self._lock:
                living = []
                for thread, one in self._all:
                    if thread.is_alive():
                        living.append((thread, one))
                    else:
                        one.close()
                self._all = [*living, (threading.current_thread(), connection)]
        return connection

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction that takes its lock at once (no upgrade, no deadlock); durable when it returns."""
        with self.faults():
            connection = self.connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:  # SQLite may have rolled back by itself (a full disk)
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def query(self, sql: str, parameters: tuple[object, ...] | dict[str, object] = ()) -> list[sqlite3.Row]:
        with self.faults():
            return self.connection.execute(sql, parameters).fetchall()

    def close(self) -> None:
        """A thread that is in the midst of a question keeps its connection until it has the answer: to close it under
        its hands would end the process."""
        with self._lock:
            for thread, connection in self._all:
                if thread is threading.current_thread() or not thread.is_alive():
                    connection.close()
            self._all.clear()
        self._local = threading.local()  # the last to hold the others

    @contextlib.contextmanager
    def faults(self) -> Iterator[None]:
        """Maps what SQLite raises to UnavailableError, once, here."""
        try:
            yield
        except CodalabError:
            raise
        except sqlite3.OperationalError as error:
            raise self._operational(error) from error
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
                raise
            raise UnavailableError(
                "database_damaged", f"The database {self.path} is damaged: {error}.", self._rebuild_hint
            ) from error

    def _operational(self, error: sqlite3.OperationalError) -> UnavailableError:
        text = str(error)
        if "locked" in text or "busy" in text:
            return UnavailableError(
                "database_busy",
                f"The database {self.path} stayed locked for {BUSY_TIMEOUT_S:.0f} s.",
                "Try again; the same request is safe to repeat. `codalab-nb doctor` shows who holds it.",
            )
        if "full" in text:
            return UnavailableError(
                "disk_full",
                f"The disk that holds {self.path} is full.",
                "Free some space (`codalab-nb clean`), then repeat.",
            )
        if "readonly" in text or "unable to open" in text:
            return UnavailableError(
                "home_not_writable",
                f"The database {self.path} cannot be written ({text}).",
                "Set CODALAB_NB_HOME to a folder on a local disk that you may write.",
            )
        if "malformed" in text or "no such table" in text or "no such column" in text or "disk I/O" in text:
            return UnavailableError(
                "database_damaged", f"The database {self.path} is damaged: {text}.", self._rebuild_hint
            )
        return UnavailableError("database_error", f"The database {self.path} answers: {text}.", self._rebuild_hint)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switches a new file to WAL. SQLite does not wait for the lock this needs: of two who open a new file at once
    one is told "locked" and has to ask again."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
