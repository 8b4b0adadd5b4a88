"""What systematic analysis did, as plain lines that are only ever added: results outlive tasks that `clean` removes.

One line when a task is about to be sent, one when it has ended. Whoever holds the lock of the planner writes; all read.
A line that was torn by a crash is left out: the ledger knows the task, and the planner writes the line again.
"""

from __future__ import annotations

import dataclasses
import errno
import functools
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from codalab_nb.durable import make_folder, sync_folder
from codalab_nb.errors import UnavailableError
from codalab_nb.model.task import TERMINAL
from codalab_nb.systematic.configuration import parse_key

FILE = "runs.jsonl"
REFUSED = "refused"  # the state of what could not even be submitted
Kind = Literal["run", "score", "profile"]


@dataclass(frozen=True)
class Entry:
    """One task. `state`: None while it is open, else its verdict, or `refused`: it could not even be submitted.

    `score`: of a run with a natural score, or of a score task. `stands_for`: a person's own run of the very same thing,
    whose result counts instead. `features`, `sketches`: of a profile.
    """

    id: str
    kind: Kind
    dataset: str  # NAME@2
    configuration: str  # key; "" of a profile
    rule: str
    sent_at: float
    state: str | None = None
    ended_at: float | None = None
    seconds: float | None = None
    score: float | None = None
    reason: str = ""
    stands_for: str | None = None
    features: Mapping[str, float | None] = field(default_factory=dict)
    sketches: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def task(self) -> str:
        """The task that has the result."""
        return self.stands_for or self.id


_parse = functools.lru_cache(maxsize=1024)(parse_key)  # there are few, and very many lines
_STATES = {None, REFUSED, *TERMINAL}
_FIELDS = {one.name for one in dataclasses.fields(Entry)}


class Journal:
    """The lines of one home, by task; `refresh` reads what was added since."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.entries: dict[str, Entry] = {}  # in the order in which they were sent
        self.changed: set[str] = set()  # ids, since whoever looks at them emptied it
        self._read = 0
        self._ends_cleanly = True
        self.refresh()

    def refresh(self) -> bool:
        """Whether there was anything new. Raises UnavailableError."""
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self._read:  # somebody began anew
                    self._read, self.entries = 0, {}
                file.seek(self._read)
                data = file.read()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _unavailable(self.path, "read", error) from error
        whole = data.rpartition(b"\n")[0]
        self._ends_cleanly = not data or data.endswith(b"\n")
        for line in whole.split(b"\n"):
            self._take(line)
        self._read += len(whole) + 1 if b"\n" in data else 0
        return bool(whole)

    def sent(self, entry: Entry) -> None:
        """To be called before the task is submitted: a task that is in nobody's book would count for nothing.

        Raises UnavailableError, as `ended`: then nothing may be submitted.
        """
        self._append({name: value for name, value in dataclasses.asdict(entry).items() if value not in (None, "", {})})

    def ended(self, task: str, **what: Any) -> None:
        """`what`: fields of Entry."""
        self._append({"id": task, **{name: value for name, value in what.items() if value is not None}})

    def _append(self, line: Mapping[str, Any]) -> None:
        self.refresh()
        # After a torn line, a fresh one begins by itself.
        text = ("" if self._ends_cleanly else "\n") + json.dumps(line) + "\n"
        new = not self.path.exists()
        try:
            if new:
                make_folder(self.path.parent)
            with open(self.path, "ab", buffering=0, opener=_private) as file:
                if file.write(text.encode()) != len(text):  # what was written is left out as a torn line
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
            if new:
                sync_folder(self.path.parent)
        except OSError as error:
            raise _unavailable(self.path, "written", error) from error
        self.refresh()

    def _take(self, line: bytes) -> None:
        try:
            told = json.loads(line)
            fields = {name: value for name, value in told.items() if name in _FIELDS}
            if "sketches" in fields:
                fields["sketches"] = {name: tuple(numbers) for name, numbers in fields["sketches"].items()}
            if "sent_at" in fields:  # also of a task that is sent once more (it was never accepted): it starts afresh
                entry = Entry(**{"configuration": "", "rule": "", **fields})
            else:
                entry = dataclasses.replace(self.entries[told["id"]], **fields)
            _check(entry)
            if "sent_at" in fields:
                self.entries.pop(entry.id, None)
            self.entries[entry.id] = entry
            self.changed.add(entry.id)
        except (ValueError, KeyError, TypeError, AttributeError):
            return


def _check(entry: Entry) -> None:
    """Raises ValueError or TypeError for what nobody wrote like that: a line that was damaged, or changed by hand."""
    _parse(entry.configuration)
    if not {type(entry.id), type(entry.dataset), type(entry.rule), type(entry.reason)} == {str}:
        raise TypeError("no text")
    if not (isinstance(entry.features, Mapping) and isinstance(entry.sketches, Mapping)):
        raise TypeError("no names")
    if entry.kind not in get_args(Kind) or entry.state not in _STATES:
        raise ValueError("no kind or no state")
    for number in (entry.sent_at, entry.ended_at or 0.0, entry.seconds or 0.0, entry.score or 0.0):
        math.isnan(number)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _unavailable(path: Path, done: str, error: OSError) -> UnavailableError:
    return UnavailableError(
        "journal_unusable", f"{path} cannot be {done}: {error.strerror}.", "Is the disk full? May you write there?"
    )
