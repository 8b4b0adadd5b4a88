"""What a queue must do. It only makes the protocol fast: it may lose, double and reorder, and nothing is lost.

Order: oldest visible message first, without promise. A received message is locked for the queue's lock time and
comes again when it was neither settled nor its lock renewed: no lock is ever renewed. Settling with a lock that has
passed on is not an error; it just does nothing (`False`).

Errors owed: UnavailableError when the queue cannot be reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Received:
    """A message in hand: `body` as sent, `deliveries` counted from 1, `token` to settle it with."""

    key: str
    body: bytes
    deliveries: int
    token: str


@dataclass(frozen=True)
class DeadLetter:
    key: str
    body: bytes
    reason: str


@dataclass(frozen=True)
class Abilities:
    """What not every back end can do; each says so of itself."""

    replaces: bool  # a second send with a key that still waits replaces the first message
    hides_locked: bool  # `waiting` leaves out what a receiver has in hand at this moment


@runtime_checkable
class Sender(Protocol):
    def send(self, key: str, body: bytes, *, life_s: float, delay_s: float = 0.0) -> None:
        """Makes the message durable. A second send with a key that still waits replaces it instead of doubling it,
        where the queue can (a capability, not a promise). `delay_s`: not to be received before; at most two minutes."""


@runtime_checkable
class Receiver(Protocol):
    def receive(self, timeout_s: float) -> Received | None:
        """The next message, locked for us, or None after `timeout_s` seconds."""

    def ack(self, message: Received) -> bool:
        """Deletes it. False when our lock had passed on."""

    def abandon(self, message: Received) -> bool:
        """Gives it back at once. After `max_deliveries` it becomes a dead letter."""

    def bury(self, message: Received, reason: str) -> bool:
        """Makes it a dead letter at first sight: nobody will ever understand it."""

    def pause(self) -> None:
        """Nobody will ask for a while: no message is kept for us meanwhile. The next `receive` ends it."""

    def close(self) -> None: ...


@runtime_checkable
class QueueAdmin(Protocol):
    """The site's own look at a queue."""

    def dead_letters(self) -> Sequence[DeadLetter]: ...

    def forget_dead(self, keys: Sequence[str]) -> None: ...

    def waiting(self) -> Sequence[str]:
        """Keys of messages that wait, oldest first: a view for people (place in the queue)."""

    def close(self) -> None: ...


class TaskQueue(Sender, QueueAdmin, Protocol):
    """One of a pool's task queues, as the site sees it."""
