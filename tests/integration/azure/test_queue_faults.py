"""What a namespace far away does to a queue, by the real SDK over real sockets: nothing is lost, people are told."""

from __future__ import annotations

import gc
import socket
import threading
import uuid
from collections.abc import Iterator

import pytest

from codalab_nb.errors import ProtocolError, UnavailableError
from codalab_nb.queues.ports import Received
from codalab_nb.queues.servicebus import ServiceBusQueue
from codalab_nb.queues.servicebus_access import Namespace, RuleKey
from codalab_nb.queues.servicebus_errors import QueueBusyError
from tests.support.broker import Broker
from tests.support.servicebus import SDK_LEAVES_SOCKETS, Bench, open_double

pytestmark = SDK_LEAVES_SOCKETS

TRY_S = 10.0


class Clock:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with open_double() as bench:
        yield bench
    gc.collect()  # sockets that the SDK left go now, and not in another module


@pytest.fixture
def broker(bench: Bench) -> Iterator[Broker]:
    assert bench.broker is not None
    yield bench.broker
    bench.broker.set_faults(
        busy=0, busy_attach=0, swallow_management=0, swallow_sends=0, refuse_settle=0, duplicate=0,
        drop_locks_with_link=0,
    )  # fmt: skip


@pytest.fixture
def name(bench: Bench, broker: Broker) -> Iterator[str]:
    name = f"faults-{uuid.uuid4().hex[:8]}"
    bench.make_queue(name)
    yield name
    bench.delete_queue(name)


@pytest.fixture
def queue(bench: Bench, name: str) -> Iterator[ServiceBusQueue]:
    queue = bench.open(name, try_s=TRY_S)
    yield queue
    queue.close()


def take(queue: ServiceBusQueue, timeout_s: float = 10) -> Received:
    message = queue.receive(timeout_s)
    assert message is not None
    return message


def test_a_cut_connection_is_not_noticed_by_who_waits(queue: ServiceBusQueue, broker: Broker, name: str) -> None:
    """A wait survives the cut and gets what is sent afterwards; so do a send and a look."""
    queue.send("before", b"1", life_s=600)
    assert queue.ack(take(queue))
    got: list[Received | None] = []
    thread = threading.Thread(target=lambda: got.append(queue.receive(20)))
    thread.start()
    assert broker.cut() >= 2
    queue.send("after", b"2", life_s=600)
    thread.join(30)
    assert [message.key for message in got if message] == ["after"]
    assert queue.waiting() == ["after"]
    broker.cut()
    assert queue.waiting() == ["after"]
    assert queue.dead_letters() == []


@pytest.mark.parametrize("how", ["cut", "detached"])
def test_a_message_in_hand_is_settled_over_a_new_link(
    queue: ServiceBusQueue, broker: Broker, name: str, how: str
) -> None:
    """The connection broke between receive and ack: the lock is still ours, so the message is deleted."""
    queue.send("a", b"1", life_s=600)
    message = take(queue)
    if how == "cut":
        broker.cut()
    else:
        broker.detach_all()
    assert queue.ack(message)
    assert broker.messages(name) == []


def test_where_a_lost_connection_loses_its_locks_the_message_comes_again(
    queue: ServiceBusQueue, broker: Broker
) -> None:
    """The harsher reading of the service's documents: an ack that is too late is told, and harms nobody."""
    broker.set_faults(drop_locks_with_link=1)
    queue.send("a", b"1", life_s=600)
    message = take(queue)
    broker.cut()
    assert not queue.ack(message)
    again = take(queue)
    assert (again.key, again.deliveries) == ("a", 2)
    assert queue.ack(again)


def test_links_that_idled_for_ten_minutes_work_on(queue: ServiceBusQueue, broker: Broker, name: str) -> None:
    """The service detaches idle links; a worker that waited all night gets the morning's first task."""
    queue.send("evening", b"1", life_s=600)
    assert queue.ack(take(queue))
    assert queue.receive(0.1) is None
    broker.advance(601)
    assert broker.receivers(name) == 0
    queue.send("morning", b"2", life_s=600)
    assert take(queue).key == "morning"


def test_a_silent_receiver_is_replaced(bench: Bench, broker: Broker, name: str) -> None:
    """A link that looks well and brings nothing any more: after some minutes without a word it is made anew."""
    clock = Clock()
    queue = bench.open(name, try_s=TRY_S, clock=clock)
    assert queue.receive(0.1) is None
    assert broker.silence() >= 1
    queue.send("a", b"1", life_s=600)
    assert queue.receive(0.3) is None
    clock.now += 300
    assert take(queue).key == "a"
    queue.close()


def test_throttling_is_told_with_how_long_to_wait(queue: ServiceBusQueue, broker: Broker, name: str) -> None:
    """50009 is no fault of the pool: the caller learns when to come again, and nothing is sent twice."""
    broker.set_faults(busy=1)
    with pytest.raises(QueueBusyError) as caught:
        queue.send("a", b"1", life_s=600)
    assert caught.value.retry_after_s == 4
    assert caught.value.code == "queue_busy"
    queue.send("a", b"1", life_s=600)
    assert len(broker.messages(name)) == 1
    broker.set_faults(busy_attach=1)
    with pytest.raises(QueueBusyError):
        queue.receive(1)
    assert take(queue).key == "a"


def test_a_send_whose_answer_was_lost_is_stored_once(bench: Bench, broker: Broker, name: str) -> None:
    """It is repeated under the same message id, and the service drops the repetition."""
    queue = bench.open(name, try_s=2.0)
    broker.set_faults(swallow_sends=1)
    queue.send("a", b"1", life_s=600)
    assert broker.operations(name)["send"] == 2
    assert [message.content.subject for message in broker.messages(name)] == ["a"]
    queue.close()


def test_the_same_key_gets_through_again_at_once(queue: ServiceBusQueue, broker: Broker, name: str) -> None:
    """The reconciler sends an attempt again whose message died; duplicate detection must not swallow it."""
    queue.send("task:1", b"old", life_s=600)
    assert queue.bury(take(queue), "malformed")
    queue.send("task:1", b"new", life_s=600)
    assert take(queue).body == b"new"


def test_a_look_whose_answer_was_lost_is_repeated(bench: Bench, broker: Broker, name: str) -> None:
    """Views and the reconciler go through the management link, whose replies can be lost, too."""
    queue = bench.open(name, try_s=2.0)
    queue.send("a", b"1", life_s=600)
    broker.set_faults(swallow_management=1)
    assert queue.waiting() == ["a"]
    queue.close()


def test_a_refused_settlement_is_tried_on_a_new_link_and_told_in_the_end(
    queue: ServiceBusQueue, broker: Broker, name: str
) -> None:
    """The service sometimes refuses to settle although the lock is good. The claim has decided already."""
    queue.send("a", b"1", life_s=600)
    broker.set_faults(refuse_settle=1)
    assert queue.ack(take(queue))
    queue.send("b", b"2", life_s=600)
    message = take(queue)
    broker.set_faults(refuse_settle=2)
    with pytest.raises(UnavailableError) as caught:
        queue.ack(message)
    assert caught.value.code == "queue_failed"
    broker.advance(61)
    again = take(queue)
    assert (again.key, again.deliveries) == ("b", 2)
    assert queue.ack(again)


def test_the_service_alone_judges_a_lock(queue: ServiceBusQueue, broker: Broker, name: str) -> None:
    """A lock that ended by the service's clock is lost; one that ended only by ours is good (clocks differ)."""
    queue.send("a", b"1", life_s=600)
    late = take(queue)
    broker.advance(61)
    assert not queue.ack(late)
    assert queue.ack(take(queue))
    try:
        broker.advance(-3600)
        queue.send("b", b"2", life_s=600)
        assert queue.ack(take(queue))
    finally:
        broker.advance(3600 - 61)


def test_a_message_delivered_twice_is_two_messages_in_hand(queue: ServiceBusQueue, broker: Broker, name: str) -> None:
    """Whoever holds a copy can settle it; the protocol's claim makes the second harmless."""
    broker.set_faults(duplicate=1)
    queue.send("a", b"1", life_s=600)
    first, second = take(queue), take(queue)
    assert (first.key, first.body) == (second.key, second.body)
    assert queue.ack(first)
    assert queue.ack(second)


def test_a_queue_deleted_under_a_listener_is_told_and_works_once_it_is_back(
    bench: Bench, queue: ServiceBusQueue, broker: Broker, name: str
) -> None:
    """A pool was removed while its workers listened: exit with words, not an endless silence."""
    assert queue.receive(0.1) is None
    failed: list[str] = []

    def wait() -> None:
        try:
            queue.receive(20)
        except UnavailableError as error:
            failed.append(error.code)

    thread = threading.Thread(target=wait)
    thread.start()
    bench.delete_queue(name)
    thread.join(30)
    assert failed == ["queue_gone"]
    with pytest.raises(UnavailableError, match="deleted"):
        queue.send("a", b"1", life_s=600)
    bench.make_queue(name)
    queue.send("a", b"1", life_s=600)
    assert take(queue).key == "a"


def test_a_message_that_is_too_large_is_our_fault(queue: ServiceBusQueue) -> None:
    """Messages are wake-ups of a few hundred bytes; one of 300 KB is a bug, not something to try again."""
    with pytest.raises(ProtocolError) as caught:
        queue.send("a", b"x" * 300_000, life_s=60)
    assert caught.value.code == "message_too_large"


def test_a_peeker_takes_no_message_from_receivers(queue: ServiceBusQueue, broker: Broker, name: str) -> None:
    """The site looks every few seconds; that must not lock what workers wait for."""
    assert queue.waiting() == []
    queue.send("a", b"1", life_s=600)
    assert queue.waiting() == ["a"]
    assert broker.operations(name)["receive"] == 0


def test_an_address_that_answers_nothing_is_given_up() -> None:
    """A proxy that accepts connections and stays silent would hold the SDK for ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
        queue = ServiceBusQueue(Namespace(host), "q", RuleKey("r", "k"), try_s=0.3)
        with pytest.raises(UnavailableError) as caught:
            queue.receive(0.1)
        assert caught.value.code == "queue_unreachable"
        queue.close()


@pytest.mark.parametrize(("host", "code"), [("nowhere.invalid", "queue_address"), ("127.0.0.1:1", "queue_unreachable")])
def test_a_namespace_that_cannot_be_reached_is_named(host: str, code: str) -> None:
    """Name resolution that fails and a port that is closed are told apart, with the host in the text."""
    queue = ServiceBusQueue(Namespace(host), "q", RuleKey("r", "a-secret-key"), try_s=2)
    for action in (lambda: queue.receive(0.1), lambda: queue.send("a", b"", life_s=1), queue.dead_letters):
        with pytest.raises(UnavailableError) as caught:
            action()
        assert caught.value.code == code
        assert host in str(caught.value)
        assert "a-secret-key" not in str(caught.value)
    queue.close()
