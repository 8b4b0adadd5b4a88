"""The queue on Service Bus, judged by the public suite over real sockets."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from codalab_nb.queues.ports import DeadLetter, Received
from codalab_nb.queues.servicebus import ServiceBusQueue
from codalab_nb.testing import QueueContract, QueueUnderTest
from tests.support.servicebus import Bench, open_bench

CLIENTS = 2  # opening and closing a link takes the SDK about a second in all


class Glued:
    """One of several clients. A message is settled by the client that received it: its lock belongs to that link."""

    def __init__(self, client: ServiceBusQueue, received_by: dict[str, ServiceBusQueue]) -> None:
        self._client = client
        self._received_by = received_by
        self.abilities = client.abilities

    def send(self, key: str, body: bytes, *, life_s: float, delay_s: float = 0.0) -> None:
        self._client.send(key, body, life_s=life_s, delay_s=delay_s)

    def receive(self, timeout_s: float) -> Received | None:
        message = self._client.receive(timeout_s)
        # What a wait leaves behind must not keep messages from the next client, as it would not in separate processes.
        self._client.pause()
        if message is not None:
            self._received_by[message.token] = self._client
        return message

    def ack(self, message: Received) -> bool:
        return self._received_by[message.token].ack(message)

    def abandon(self, message: Received) -> bool:
        return self._received_by[message.token].abandon(message)

    def bury(self, message: Received, reason: str) -> bool:
        return self._received_by[message.token].bury(message, reason)

    def pause(self) -> None:
        self._client.pause()

    def dead_letters(self) -> Sequence[DeadLetter]:
        return self._client.dead_letters()

    def forget_dead(self, keys: Sequence[str]) -> None:
        self._client.forget_dead(keys)

    def waiting(self) -> Sequence[str]:
        return self._client.waiting()

    def close(self) -> None:
        """The fixture closes the clients."""


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with open_bench() as bench:
        yield bench


class TestServiceBusQueue(QueueContract):
    @pytest.fixture
    def queue(self, tmp_path: Path, bench: Bench) -> Iterator[Callable[[float], QueueUnderTest]]:
        name = f"contract-{uuid.uuid4().hex[:12]}"
        clients: list[ServiceBusQueue] = []
        received_by: dict[str, ServiceBusQueue] = {}
        turn = itertools.count()

        def make(lock_s: float) -> QueueUnderTest:
            if not clients:
                bench.make_queue(name, lock_s=lock_s)
                clients.extend(bench.open(name, lock_s=lock_s) for _ in range(CLIENTS))
            return Glued(clients[next(turn) % CLIENTS], received_by)

        yield make
        for client in clients:
            client.close()
        bench.delete_queue(name)
