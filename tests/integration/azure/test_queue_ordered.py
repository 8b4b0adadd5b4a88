"""A worker on two queues of Service Bus: urgent first, and nothing is kept while it is busy."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from codalab_nb.queues.ordered import OrderedReceiver
from tests.support.servicebus import SDK_LEAVES_SOCKETS, Bench, open_double

pytestmark = SDK_LEAVES_SOCKETS


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with open_double() as bench:
        yield bench
    gc.collect()


def test_urgent_first_and_no_message_is_held_by_a_busy_worker(bench: Bench) -> None:
    """A link that waited in vain has a credit left: it is taken back, or the next background task would lie locked."""
    assert bench.broker is not None
    for name in ("urgent", "background"):
        bench.make_queue(name)
    urgent, background = bench.open("urgent"), bench.open("background")
    worker = OrderedReceiver([bench.open("urgent"), bench.open("background")])
    background.send("b", b"", life_s=600)
    urgent.send("u", b"", life_s=600)
    for key in ("u", "b"):
        message = worker.receive(10)
        assert message is not None
        assert message.key == key
        assert worker.ack(message)
    assert worker.receive(0.5) is None  # both links wait
    urgent.send("long task", b"", life_s=600)
    message = worker.receive(10)
    assert message is not None
    assert worker.ack(message)
    background.send("for others", b"", life_s=600)
    other = background.receive(20)
    assert other is not None
    assert other.key == "for others"
    assert background.ack(other)
    for queue in (urgent, background, worker):
        queue.close()
