"""The supervisor's pen on a real store: numbers, limits, and nothing that can flood past them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codalab_nb.bells import runtime_folder
from codalab_nb.model.base import new_id
from codalab_nb.model.event import Event, EventType
from codalab_nb.model.names import TaskNames
from codalab_nb.stores.local import LocalStore
from codalab_worker.events import EventLog

OUTPUT = {"output_type": "stream", "name": "stdout", "text": "x" * 1000}


class Attempt:
    def __init__(self, folder: Path) -> None:
        self.task = new_id()
        self.store = LocalStore(folder / "store", runtime_folder(folder))
        attempt = self.store.attempt(self.task, 1)
        attempt.create(TaskNames(self.task).claim(1), b"{}")
        self.log = EventLog(attempt, self.task, 1)

    def lines(self) -> list[dict[str, Any]]:
        for line in self.store.read(TaskNames(self.task).events(1)).splitlines():
            Event.model_validate_json(line)  # every line is an event as documented, and nothing more
        return [json.loads(line) for line in self.store.read(TaskNames(self.task).events(1)).splitlines()]


@pytest.mark.parametrize("kind", ["output", "clear_output", "metric", "cell_started"])
def test_no_kind_of_line_gets_past_the_limit(tmp_path: Path, kind: str) -> None:
    """Whatever a sandbox repeats: the file stays near its limit, says once that it was cut, and the pen writes on."""
    attempt = Attempt(tmp_path)
    attempt.log.set_limit(50_000)
    line = (
        {"type": kind, "cell": 1, "output": OUTPUT} if kind == "output" else {"type": kind, "cell": 1, "x": "y" * 900}
    )
    for _ in range(300):
        attempt.log.relay([line] * 10)
    attempt.log.write(EventType.HEARTBEAT)
    lines = attempt.lines()
    size = len(attempt.store.read(TaskNames(attempt.task).events(1)))
    assert size < 50_000 + (1 << 20) + 10_000
    assert [entry["type"] for entry in lines].count("truncated") == 1
    assert lines[-1]["type"] == "heartbeat"
    assert [entry["seq"] for entry in lines] == list(range(1, len(lines) + 1))


def test_progress_is_told_after_the_outputs_were_cut(tmp_path: Path) -> None:
    """A watcher still sees which cell runs."""
    attempt = Attempt(tmp_path)
    attempt.log.set_limit(2_000)
    attempt.log.relay([{"type": "output", "cell": 0, "output": OUTPUT}] * 5)
    attempt.log.relay([{"type": "cell_started", "cell": 1}])
    assert attempt.lines()[-1]["type"] == "cell_started"
