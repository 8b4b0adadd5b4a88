"""Which tasks a pass over a far-away pool looks at, and in which order its outbox is emptied."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from codalab_nb import places as places_
from codalab_nb import settings as settings_
from codalab_nb import wiring
from codalab_nb.model.base import new_id
from codalab_nb.model.pool import LocalPool
from codalab_nb.model.task import Priority, State
from codalab_nb.queues.local import LocalQueue
from codalab_nb.queues.ports import DeadLetter
from codalab_nb.site.attention import Attention
from codalab_nb.site.dispatch import Dispatcher
from codalab_nb.site.ledger import Ledger, TaskRow
from codalab_nb.site.reconciler import Reconciler
from codalab_nb.wiring import PoolSide


def row(number: int, **fields: object) -> TaskRow:
    values: dict[str, object] = {
        "id": new_id(), "label": "x", "notebook": "x.ipynb", "pool": "local", "submitted_at": float(number),
        "deadline": 9e9, "max_attempts": 3, "document_sha256": "0" * 64, "sent_at": 100.0 + number, "confirmed": True,
    }  # fmt: skip
    return TaskRow(**{**values, **fields})  # type: ignore[arg-type]


class Looks:
    """Tasks of `taken` turn out not to wait any more."""

    def __init__(self, *taken: TaskRow) -> None:
        self._taken = {one.id for one in taken}
        self.at: list[str] = []

    def __call__(self, one: TaskRow) -> bool:
        self.at.append(one.id)
        return one.id not in self._taken


def _never(_row: TaskRow) -> bool:
    return False


def test_few_tasks_are_all_looked_at_once_a_pass() -> None:
    rows = [row(number) for number in range(30)]
    looks = Looks()
    Attention(10.0).give(rows, _never, looks)
    assert sorted(looks.at) == sorted(one.id for one in rows)


def test_ten_thousand_that_wait_cost_little_and_each_has_its_turn() -> None:
    """It was two requests for each of them at every pass."""
    rows = [row(number) for number in range(10_000)]
    attention = Attention(10.0)
    seen: set[str] = set()
    for _ in range(91):
        looks = Looks()
        attention.give(rows, _never, looks)
        assert len(looks.at) == len(set(looks.at)) <= 130
        seen |= set(looks.at)
    assert seen == {one.id for one in rows}


def test_what_runs_and_what_is_due_is_always_looked_at() -> None:
    rows = [row(number) for number in range(1000)]
    running = [replace(rows[500], state=State.RUNNING), replace(rows[900], state=State.RUNNING)]
    due = rows[700]
    looks = Looks()
    Attention(10.0).give([*running, *rows], lambda one: one is due, looks)
    assert {running[0].id, running[1].id, due.id} <= set(looks.at)


@pytest.mark.parametrize("priority", list(Priority))
def test_those_next_in_line_are_followed_while_somebody_takes_them(priority: Priority) -> None:
    """A hundred hints were lost: one pass finds all of it, in the queue where it happened."""
    rows = [row(number, priority=priority) for number in range(1000)]
    others = [row(number, priority=other) for number in range(500) for other in Priority if other is not priority]
    looks = Looks(*rows[:100])
    Attention(10.0).give([*others, *reversed(rows)], _never, looks)
    assert {one.id for one in rows[:110]} <= set(looks.at)


def test_new_tasks_are_confirmed_some_at_a_time() -> None:
    rows = [row(number, confirmed=False, sent_at=None) for number in range(5000)]
    looks = Looks()
    Attention(10.0).give(rows, _never, looks)
    assert 100 <= len(looks.at) <= 160


class Recording(LocalQueue):
    """A queue that tells what is sent, and to whom it may concern at each send."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "queue.db", "recording", folder / "run", lock_s=15.0)
        self.sent: list[str] = []
        self.looks = 0
        self.at_send: Callable[[], None] = lambda: None

    def dead_letters(self) -> Sequence[DeadLetter]:
        self.looks += 1
        return super().dead_letters()

    def send(self, key: str, body: bytes, *, life_s: float, delay_s: float = 0.0) -> None:
        self.at_send()
        self.sent.append(key.partition(":")[0])
        super().send(key, body, life_s=life_s, delay_s=delay_s)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    one = Ledger(tmp_path / "ledger.db")
    yield one
    one.close()


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    one = Recording(tmp_path)
    yield one
    one.close()


@pytest.fixture
def side(recording: Recording, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[PoolSide]:
    monkeypatch.setenv("CODALAB_NB_HOME", str(tmp_path / "home"))
    config = settings_.load()
    one = wiring.open_pool(LocalPool(), places_.prepare(config), config)
    yield replace(one, tasks=dict.fromkeys(Priority, recording))
    one.close()


def test_two_threads_do_not_send_the_same(ledger: Ledger, recording: Recording, side: PoolSide) -> None:
    rows = [row(number, sent_at=None) for number in range(20)]
    ledger.accept(rows)
    dispatcher = Dispatcher(ledger, side)
    both = threading.Barrier(2, timeout=20)
    found: list[int] = []

    def other() -> None:
        both.wait()
        found.append(dispatcher.send_all())
        both.wait()

    def wait_for_the_other() -> None:
        recording.at_send = lambda: None
        both.wait()
        both.wait()

    recording.at_send = wait_for_the_other
    thread = threading.Thread(target=other)
    thread.start()
    assert dispatcher.send_all() == 20
    thread.join()
    assert found == [0]
    assert recording.sent == [one.id for one in rows]


def test_what_a_person_waits_for_goes_before_the_rest_of_a_large_batch(
    ledger: Ledger, recording: Recording, side: PoolSide
) -> None:
    batch = [row(number, sent_at=None, priority=Priority.BACKGROUND) for number in range(500)]
    urgent = row(1000, sent_at=None)
    ledger.accept(batch)

    def submit_meanwhile() -> None:
        if len(recording.sent) == 10:
            ledger.accept([urgent])

    recording.at_send = submit_meanwhile
    assert Dispatcher(ledger, side).send_all() == 501
    assert recording.sent.index(urgent.id) <= 50
    assert ledger.unsent() == []


def test_a_pool_far_away_where_nothing_is_open_is_left_alone(
    ledger: Ledger, recording: Recording, side: PoolSide
) -> None:
    """One pass more looks into its queues, for what was buried last; then nothing is asked of them."""
    reconciler = Reconciler(ledger, replace(side, shared=True))
    one = row(1, sent_at=None)
    for _ in range(3):
        reconciler.run_pass()
    assert recording.looks == 2  # one for each priority
    ledger.accept([one])
    for _ in range(3):
        reconciler.run_pass()
    assert recording.looks == 8
