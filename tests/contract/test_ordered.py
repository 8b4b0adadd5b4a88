"""Several queues as one receiver, judged by the suite every queue is judged by, and by what order means."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from codalab_nb.bells import runtime_folder
from codalab_nb.errors import UnavailableError
from codalab_nb.queues.local import LocalQueue
from codalab_nb.queues.ordered import OrderedReceiver
from codalab_nb.queues.ports import DeadLetter, Received
from codalab_nb.testing import QueueContract, QueueUnderTest


class Pair:
    """Two embedded queues: sent to the second, so that every test also waits for the first in vain."""

    abilities = LocalQueue.abilities

    def __init__(self, folder: Path, lock_s: float = 60.0) -> None:
        runtime = runtime_folder(folder)
        self.urgent = LocalQueue(folder / "queue.db", "urgent", runtime, lock_s=lock_s)
        self.background = LocalQueue(folder / "queue.db", "background", runtime, lock_s=lock_s)
        self.ordered = OrderedReceiver([self.urgent, self.background])
        self.receive, self.pause = self.ordered.receive, self.ordered.pause
        self.ack, self.abandon, self.bury = self.ordered.ack, self.ordered.abandon, self.ordered.bury

    def send(self, key: str, body: bytes, *, life_s: float, delay_s: float = 0.0) -> None:
        self.background.send(key, body, life_s=life_s, delay_s=delay_s)

    def dead_letters(self) -> Sequence[DeadLetter]:
        return self.background.dead_letters()

    def forget_dead(self, keys: Sequence[str]) -> None:
        self.background.forget_dead(keys)

    def waiting(self) -> Sequence[str]:
        return self.background.waiting()

    def close(self) -> None:
        self.ordered.close()


class TestOrderedReceiver(QueueContract):
    @pytest.fixture
    def queue(self, tmp_path: Path) -> Iterator[Callable[[float], QueueUnderTest]]:
        made: list[Pair] = []

        def make(lock_s: float) -> QueueUnderTest:
            if not made:
                made.append(Pair(tmp_path, lock_s))
            return made[0]

        yield make
        for one in made:
            one.close()

    def test_delay_and_life(self, queue: Callable[[float], QueueUnderTest]) -> None:
        """A back-off is not received before its time. (Lives are the queue's matter: it may be in hand already.)"""
        queue(60).send("later", b"2", life_s=60, delay_s=0.6)
        sent = time.monotonic()
        assert queue(60).receive(0.05) is None
        later = queue(60).receive(10)
        assert later is not None
        assert later.key == "later"
        assert time.monotonic() - sent >= 0.5


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(tmp_path)
    yield pair
    pair.close()


def test_urgent_messages_come_first_however_long_the_others_wait(pair: Pair) -> None:
    """A batch of a thousand background tasks delays nobody's click."""
    for i in range(5):
        pair.background.send(f"b{i}", b"", life_s=60)
    for i in range(5):
        pair.urgent.send(f"u{i}", b"", life_s=60)
    keys = []
    for _ in range(10):
        message = pair.receive(10)
        assert message is not None
        keys.append(message.key)
        assert pair.ack(message)
    assert keys == [f"u{i}" for i in range(5)] + [f"b{i}" for i in range(5)]


def test_a_sleeping_receiver_is_woken_by_either(pair: Pair) -> None:
    """Nobody polls: whichever queue gets a message ends the wait."""
    for queue in (pair.urgent, pair.background):
        got: list[Received | None] = []
        thread = threading.Thread(target=lambda got=got: got.append(pair.receive(30)))
        thread.start()
        queue.send(queue.name, b"", life_s=60)
        thread.join(30)
        assert [message.key for message in got if message] == [queue.name]


def test_what_came_while_nobody_asks_goes_to_others(pair: Pair, tmp_path: Path) -> None:
    """A worker that got its task keeps no second one: another worker has it within seconds, long before a lock ends."""
    assert pair.receive(0.3) is None  # both queues are waited in now
    pair.urgent.send("mine", b"", life_s=60)
    message = pair.receive(10)
    assert message is not None
    pair.background.send("for others", b"", life_s=60)
    other = pair.background.receive(20)
    assert other is not None
    assert other.key == "for others"


def test_a_queue_that_fails_does_not_stop_the_other(pair: Pair) -> None:
    """The background queue was deleted: it is said, and urgent tasks go on."""

    class Gone(LocalQueue):
        def receive(self, timeout_s: float) -> Received | None:
            time.sleep(0.01)
            raise UnavailableError("queue_gone", "There is no queue.")

    gone = Gone.__new__(Gone)
    gone.__dict__.update(pair.background.__dict__)
    receiver = OrderedReceiver([pair.urgent, gone])
    with pytest.raises(UnavailableError):
        receiver.receive(10)
    pair.urgent.send("a", b"", life_s=60)
    message = receiver.receive(10)
    assert message is not None
    assert message.key == "a"
    receiver.close()
