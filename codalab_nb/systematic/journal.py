"""What systematic analysis did, as plain lines that are only ever added: results outlive tasks that `clean` removes.

One line when a task is about to be sent, one when it has ended. Whoever holds the lock of the planner writes; all read.
A line that was torn by a crash is left out: the ledger knows the task, and the planner writes the line again.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from codalab_nb.durable import make_folder, sync_folder

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
        """Whether there was anything new."""
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self._read:  # somebody began anew
                    self._read, self.entries = 0, {}
                file.seek(self._read)
                data = file.read()
        except FileNotFoundError:
            return False
        whole = data.rpartition(b"\n")[0]
        self._ends_cleanly = not data or data.endswith(b"\n")
        for line in whole.split(b"\n"):
            self._take(line)
        self._read += len(whole) + 1 if b"\n" in data else 0
        return bool(whole)

    def sent(self, entry: Entry) -> None:
        """To be called before the task is submitted: a task that is in nobody's book would count for nothing."""
        self._append({name: value for name, value in dataclasses.asdict(entry).items() if value not in (None, "", {})})

    def ended(self, task: str, **what: Any) -> None:
        """`what`: fields of Entry."""
        self._append({"id": task, **{name: value for name, value in what.items() if value is not None}})

    def _append(self, line: Mapping[str, Any]) -> None:
        self.refresh()
        # After a torn line, a fresh one begins by itself.
        text = ("" if self._ends_cleanly else "\n") + json.dumps(line) + "\n"
        new = not self.path.exists()
        if new:
            make_folder(self.path.parent)
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, text.encode())
            os.fsync(fd)
        finally:
            os.close(fd)
        if new:
            sync_folder(self.path.parent)
        self.refresh()

    def _take(self, line: bytes) -> None:
        try:
            told = json.loads(line)
            known = self.entries.get(told["id"])
            fields = {name: value for name, value in told.items() if name in _FIELDS}
            if "sketches" in fields:
                fields["sketches"] = {name: tuple(numbers) for name, numbers in fields["sketches"].items()}
            # A task that is sent once more (it was never accepted) starts afresh.
            fresh = "sent_at" in fields
            base = {"configuration": "", "rule": ""}
            self.changed.add(told["id"])
            self.entries[told["id"]] = (
                Entry(**{**base, **fields}) if fresh or known is None else dataclasses.replace(known, **fields)
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return
