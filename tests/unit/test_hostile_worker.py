"""What the owner of a worker may write in the name of a task that came to it: nonsense, too much, or lies. The task may
be lost to that; the list of tasks, the other tasks and the site are not."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codalab_nb.model.base import new_id, utc_now
from codalab_nb.model.names import TaskNames
from codalab_nb.model.pool import WorkerSign
from codalab_nb.model.task import State
from codalab_nb.site import events, results
from codalab_nb.site.cleanup import _needed_blobs
from codalab_nb.site.events import EventReader, last_event, newest_segment
from codalab_nb.site.ledger import Ledger, TaskRow
from codalab_nb.site.pools_workers import SeenWorker
from codalab_nb.site.reconciler import _released
from codalab_nb.site.results import read_manifest, read_result
from codalab_nb.site.verdicts import fold
from codalab_nb.stores.local import LocalStore


class Prey:
    """A store, a ledger, and one open task in both."""

    def __init__(self, folder: Path) -> None:
        self.store = LocalStore(folder / "store", folder / "run")
        self.ledger = Ledger(folder / "ledger.db")
        self.task = new_id()
        self.names = TaskNames(self.task)
        self.submitted_at = time.time()
        row = TaskRow(
            id=self.task, label="x", notebook="x.ipynb", pool="lab", submitted_at=self.submitted_at,
            deadline=self.submitted_at + 1e5, max_attempts=3, document_sha256="0" * 64,
        )  # fmt: skip
        self.ledger.accept([row])

    def commit(self, *, manifest: dict[str, Any] | None = None, **fields: Any) -> TaskRow:
        """The row after a worker has written a claim and a result with these fields."""
        n = fields.get("n", 1)
        claim = {"nonce": "a", "worker": "w", "started_at": utc_now().isoformat()}
        self.store.create(f"tasks/{self.task}/attempts/{n}/claim.json", json.dumps(claim).encode())
        result = {"task": self.task, "n": 1, "nonce": "a", "verdict": "succeeded", "decided_at": utc_now().isoformat()}
        if manifest is not None:
            data = json.dumps(manifest).encode()
            self.store.create(self.names.manifest(1), data)
            result["manifest_sha256"] = hashlib.sha256(data).hexdigest()
        self.store.create(self.names.result, json.dumps({**result, **fields}).encode())
        assert fold(self.store, self.ledger, self.task) is not None
        row = self.ledger.get(self.task)
        assert row is not None
        return row


@pytest.fixture
def prey(tmp_path: Path) -> Iterator[Prey]:
    one = Prey(tmp_path)
    yield one
    one.ledger.close()


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 10**30},
        {"n": 2**40},
        {"n": 0},
        {"n": -1},
        {"decided_at": "0001-01-01T00:00:00"},
        {"decided_at": "0001-01-01T00:00:00+23:59"},
        {"decided_at": "9999-12-31T23:59:59-23:59"},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"seconds": -1},
        {"stopped_at": 10**40},
        {"verdict": "failed", "reason": {"code": "x", "message": "m", "cell": 10**40}},
        {"verdict": "failed", "reason": {"code": "x", "message": "A" * 2_000_000}},
    ],
    ids=str,
)
def test_a_result_that_makes_no_sense_ends_its_task(prey: Prey, fields: dict[str, Any]) -> None:
    """Numbers that SQLite, calendars and JSON cannot hold once left a task open for ever, or broke every list."""
    row = prey.commit(**fields)
    assert (row.state, row.n) == (State.FAILED, 1)
    assert row.reason is not None
    assert row.reason.code == "bad_result"


@pytest.mark.parametrize("decided_at", ["1975-01-01T00:00:00Z", "2999-01-01T00:00:00+05:00"])
def test_a_clock_that_lies_does_not_move_a_task_in_time(prey: Prey, decided_at: str) -> None:
    """Retention and durations go by it."""
    row = prey.commit(decided_at=decided_at)
    assert row.state is State.SUCCEEDED
    assert row.finished_at is not None
    assert prey.submitted_at <= row.finished_at <= time.time()


def test_metrics_that_no_honest_worker_passes_on_are_left_out(prey: Prey) -> None:
    metrics = {"auc": 0.5, "nan": float("nan"), "inf": float("inf"), "n" * 65: 1.0, "": 1.0}
    metrics |= {f"m{number}": 1.0 for number in range(5000)}
    row = prey.commit(manifest={"notebook": "a.ipynb", "files": [], "metrics": metrics})
    assert row.metrics["auc"] == 0.5
    assert len(row.metrics) == 1000
    assert not {"nan", "inf", "n" * 65, ""} & row.metrics.keys()


def test_neither_result_nor_manifest_is_read_without_end(prey: Prey, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int | None] = []
    read = LocalStore.read

    def noting(store: LocalStore, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        asked.append(limit)
        return read(store, name, offset, limit)

    monkeypatch.setattr(LocalStore, "read", noting)
    monkeypatch.setattr(results, "LONGEST_MANIFEST", 1000)
    files = [{"path": f"{number}.csv", "size": 0, "sha256": "0" * 64} for number in range(100)]
    prey.commit(manifest={"notebook": "a.ipynb", "files": files})
    result = read_result(prey.store, prey.task)
    assert result is not None
    assert read_manifest(prey.store, result) is None
    assert asked
    assert None not in asked


def _say(prey: Prey, *lines: bytes, segment: int = 0) -> None:
    prey.store.create(prey.names.events(1, segment), b"".join(lines))


def _line(seq: object, kind: object = "output", body: object = None, n: object = 1, at: object = "2026-01-01") -> bytes:
    event = {"v": 1, "n": n, "seq": seq, "at": at, "type": kind, "body": {} if body is None else body}
    return json.dumps(event).encode() + b"\n"


def test_lines_that_are_no_events_are_passed_over(prey: Prey) -> None:
    odd = [
        _line(float("inf")), _line(True), _line("2"), _line(10**400), _line(2, body=[1]), _line(2, kind=None),
        _line(2, at=None), _line(2, n=True), _line(2, n=7), b"[" * 100_000 + b"\n", b"\xff\n", b"7\n", b"null\n", b"\n",
    ]  # fmt: skip
    _say(prey, _line(1), *odd, _line(3))
    assert [event["seq"] for event in EventReader(prey.store, prey.task, 1).new()] == [1, 3]


def test_events_without_end_are_not_all_read(prey: Prey, monkeypatch: pytest.MonkeyPatch) -> None:
    """Portions of a known size, lines that are longer are none, and after the most that is heard nothing more is."""
    monkeypatch.setattr(events, "_AT_ONCE", 1000)
    monkeypatch.setattr(events, "_MOST_BYTES", 5000)
    many = [_line(seq) for seq in range(2, 200)]
    _say(prey, _line(1), b"x" * 1500 + b"\n", *many)
    reader = EventReader(prey.store, prey.task, 1)
    heard = [event["seq"] for event in reader.new()]
    assert heard[0] == 1
    assert heard[1:] == list(range(2, len(heard) + 1))
    assert 20 < len(heard) < 100
    assert reader.new() == []


def test_a_line_that_grows_is_heard_when_it_is_whole(prey: Prey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_AT_ONCE", 1000)
    whole = _line(1, body={"text": "x" * 500})
    path = prey.store.path(prey.names.events(1))
    _say(prey, whole[:300])
    reader = EventReader(prey.store, prey.task, 1)
    assert reader.new() == []
    path.write_bytes(whole + _line(2))
    assert [event["seq"] for event in reader.new()] == [1, 2]


def test_segments_without_end_are_not_all_looked_at(prey: Prey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_MOST_SEGMENTS", 3)
    for segment in range(5):
        _say(prey, _line(segment + 1), segment=segment)
    newest = newest_segment(prey.store, prey.task, 1)
    assert newest is not None
    assert newest[0] == 2
    assert len(EventReader(prey.store, prey.task, 1).new()) == 3


@pytest.mark.parametrize("body", [[], None, "x", 7])
def test_an_odd_release_does_not_stop_the_reconciler(prey: Prey, body: object) -> None:
    """It once raised at each pass, so that the attempt was never judged dead."""
    _say(prey, json.dumps({"v": 1, "n": 1, "seq": 1, "at": "x", "type": "released", "body": body}).encode() + b"\n")
    event = last_event(prey.store, prey.task, 1, newest_segment(prey.store, prey.task, 1))
    assert _released(event) is None


def test_a_result_file_called_task_json_is_no_task(prey: Prey) -> None:
    """One such file, of any notebook, once ended all cleaning: the collector took it for a damaged document."""
    prey.store.create(f"{prey.names.files(1)}task.json", b"not one")
    prey.store.create(f"{prey.names.files(1)}deeper/task.json", b"not one")
    assert _needed_blobs(prey.store, set()) == set()


def _sign(**fields: Any) -> bytes:
    now = utc_now().isoformat()
    usual = {"worker": "w", "program": "1", "sandbox": "b", "slots": 1, "since": now, "at": now}
    return json.dumps({**usual, **fields}).encode()


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", 1e18])
def test_a_sign_of_life_from_outside_the_calendar_is_dropped(at: object) -> None:
    """`pool show` counts with it."""
    with pytest.raises(ValueError, match="WorkerSign"):
        WorkerSign.model_validate_json(_sign(at=at))


def test_what_a_worker_says_of_itself_steers_no_terminal() -> None:
    sign = WorkerSign.model_validate_json(_sign(worker="w\x1b[2J\nx", note="\x1b]0;t\x07", kernels=["a\r\u202eb"]))
    assert all(text.isprintable() for text in (sign.worker, sign.note, *sign.kernels))
    assert abs(SeenWorker(sign, time.time()).skew_s) < 60
