"""What a store must do. Two ports, because two kinds of reader have very different rights.

Names are those of `model.names`. All writes are create-if-absent but `append`: bytes that were once
readable at a name never change. A call that returns has made its bytes durable, except `append`, whose
lines are no truth (a lost tail costs a line of live output, never a result).

Errors owed by every implementation: `NotFound`; `Forbidden` for a name outside the caller's rights;
`UncertainWrite` when the answer was lost; UnavailableError (disk_full, home_not_writable, store_error) else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from codalab_nb.errors import ProtocolError, UnavailableError
from codalab_nb.model.task import TaskDocument


class NotFound(UnavailableError):
    """There is nothing at that name."""

    def __init__(self, name: str) -> None:
        super().__init__("not_found", f"The store has nothing at {name}.")


class Forbidden(ProtocolError):
    """The name lies outside what this caller was granted, or it exists and may not be replaced by it."""

    def __init__(self, name: str) -> None:
        super().__init__("forbidden", f"The grant does not cover {name}.")


class UncertainWrite(UnavailableError):
    """The write may or may not have happened: read back and compare (`stores.once`)."""

    def __init__(self, name: str) -> None:
        super().__init__("uncertain_write", f"No answer came for the write of {name}.")


class Damaged(UnavailableError):
    """What the store has at that name is not what was put there: its digest differs."""

    def __init__(self, name: str) -> None:
        super().__init__("store_damaged", f"{name} in the store is damaged: its digest differs.", "Put it there again.")


@dataclass(frozen=True)
class Look:
    """What can be seen of a name without reading it."""

    size: int
    version: str  # changes whenever the bytes change (size and time, or an ETag); compared, never ordered
    age_s: float  # since the last change, by the store's own clock; for display only


@runtime_checkable
class AttemptStore(Protocol):
    """A worker's rights for one attempt (I13): create and append in it, create `result.json`, read what it was given.

    It can not list, overwrite or delete, and it never sees another task or another attempt.
    """

    def create(self, name: str, data: bytes) -> bool:
        """Creates `name` with `data` unless it exists. True: this call made it. False: it was there, unchanged."""

    def create_file(self, name: str, source: Path) -> bool:
        """Like `create`, from a file that does not change meanwhile. Memory use does not grow with its size."""

    def append(self, name: str, position: int, data: bytes) -> int:
        """Writes `data` at `position` (the length known so far) and returns the new length.

        Repeating a call with the same position and data is harmless: what a broken try left is overwritten, or found
        to be there. After an error the next call repeats it, with more lines after it or without.
        """

    @property
    def append_limit(self) -> int | None:
        """How many appends a name takes; after so many the next segment begins, and each has its price: lines are
        gathered. None: any number, they cost nothing."""

    @property
    def append_interval_s(self) -> float | None:
        """Where appends have a price: seconds to leave between two, on the average, so that who watches sees lines in
        time. None: nobody watches, lines may wait for the next heartbeat.

        May ask the store, so only who can wait for an answer asks for it.
        """

    def read(self, name: str) -> bytes: ...

    def blob(self, sha256: str, size: int) -> Path:
        """A local file with the bytes of that digest, to be used read-only. The bytes are NOT verified here:
        the caller checks the digest, and asks once more when it is wrong: then it is read and fetched anew.
        The file stays until `close`. Raises NotFound, Damaged."""

    def close(self) -> None:
        """Gives up what is held for the attempt (its inputs' places in a cache)."""


@runtime_checkable
class SiteStore(Protocol):
    """The site's rights: everything."""

    def create(self, name: str, data: bytes) -> bool: ...

    def read(self, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        """The bytes from `offset` on, at most `limit`; empty when `offset` is the end or beyond.

        Whoever reads what a worker wrote names a limit: it may be of any size. Raises Damaged for a name whose bytes
        may still change although they were committed.
        """

    def look(self, name: str) -> Look | None:
        """None when there is nothing. Raises only when the store cannot tell."""

    def list(self, prefix: str) -> Iterator[str]:
        """All names that start with `prefix` (which ends with a slash), in no order."""

    def delete(self, name: str, *, version: str | None = None) -> bool:
        """Deletes one name; False if it is not there. With `version` (of a look) only if it has not changed since.

        Only the collector and `rm` call it.
        """

    def put_blob(self, source: Path | bytes, sha256: str) -> bool:
        """Stores bytes under their digest; False if they were there (then their time is touched).

        Raises InputError(changed_while_reading) when the bytes have another digest than promised.
        """

    def touch_blob(self, sha256: str) -> bool:
        """True if the blob is there; from then on it counts as used: the collector leaves it. Reads no bytes."""

    def folder(self, prefix: str) -> Path:
        """A local folder that shows what is stored under `prefix`; the caller only reads in it."""

    def changes(self, task: str | None) -> AbstractContextManager[Changes]:
        """Watches one task, or all (None). Enter before the last look; then no change is missed."""


class Granting(Protocol):
    """Writes down what one attempt may use, for workers that share nothing with the site but the store."""

    @property
    def longest_grant_s(self) -> float | None:
        """The longest life of a grant; None where there is no limit. `model.grant.life_s` says what a task needs."""

    def grant(self, document: TaskDocument, n: int, expires: dt.datetime) -> str:
        """Makes `grants/<n>.json`, good until `expires` (aware UTC), and returns the one link that opens it.

        Called again for the same attempt (its message was lost) it makes a fresh one."""


class Changes(Protocol):
    def wait(self, timeout_s: float) -> bool:
        """Returns when something that is watched may have changed (True), or after `timeout_s` (False)."""
