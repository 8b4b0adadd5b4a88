"""What a queue holds and how a message moves through it. No protocol here: links see it through `BrokerQueue`."""

from __future__ import annotations

import heapq
import itertools
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.support.broker.clock import Clock
from tests.support.broker.errors import lock_lost

DEAD = "/$deadletterqueue"


@dataclass
class QueueSettings:
    """How a queue was made. Times in seconds; `duplicate_window_s` 0: no duplicate detection."""

    name: str
    lock_s: float = 60.0
    max_deliveries: int = 10
    life_s: float | None = None
    dead_letter_expired: bool = False
    duplicate_window_s: float = 0.0


class State(StrEnum):
    ACTIVE = "active"
    SCHEDULED = "scheduled"
    LOCKED = "locked"


class Stored:
    """One message. `content` is the decoded AMQP message; `failures` counts deliveries that came to nothing."""

    def __init__(self, number: int, content: Any, now: float) -> None:
        self.number = number
        self.content = content
        self.enqueued = now
        self.expires: float | None = None
        self.failures = 0
        self.state = State.ACTIVE
        self.due = 0.0  # when a scheduled one becomes active
        self.token: uuid.UUID | None = None
        self.locked_until = 0.0
        self.link: Any = None  # who holds the lock
        self.source: str | None = None  # the queue it died in


class BrokerQueue:
    """A queue or, when `dead_letters`, the dead-letter queue of one. Used from the broker's thread only."""

    def __init__(self, settings: QueueSettings, clock: Clock, *, dead_letters: bool = False) -> None:
        self.settings = settings
        self.operations: Counter[str] = Counter()
        self.links: list[Any] = []  # competing receivers, round robin
        below = QueueSettings(settings.name + DEAD, settings.lock_s)
        self.dead = None if dead_letters else BrokerQueue(below, clock, dead_letters=True)
        self._clock = clock
        self._messages: dict[int, Stored] = {}
        self._locked: dict[uuid.UUID, Stored] = {}
        self._numbers = itertools.count(1)
        self._ready: list[int] = []  # heap: numbers that may be active
        self._timers: list[tuple[float, int]] = []  # heap: when a message wants to be looked at
        self._seen: dict[Any, float] = {}  # message ids for duplicate detection

    def messages(self) -> Iterator[Stored]:
        """All of them, in the order of their numbers."""
        return iter([self._messages[number] for number in sorted(self._messages)])

    # --- in

    def put(self, content: Any, *, due: float | None = None) -> Stored | None:
        """Stores a message; None for a duplicate, which is accepted and dropped as the service does."""
        now = self._clock.now()
        if self._is_duplicate(content.id, now):
            self.operations["duplicate-dropped"] += 1
            return None
        message = Stored(next(self._numbers), content, now)
        self._messages[message.number] = message
        life = min((life for life in (content.ttl, self.settings.life_s) if life), default=None)
        if due is not None and due > now:
            message.state, message.due = State.SCHEDULED, due
            self._wake(message, due)
        else:
            heapq.heappush(self._ready, message.number)
        if life is not None:
            message.expires = max(now, due or now) + life
            self._wake(message, message.expires)
        return message

    def put_copy(self, message: Stored) -> None:
        """The same message once more, as a broker that failed over may deliver it."""
        number = next(self._numbers)
        self._messages[number] = Stored(number, message.content, message.enqueued)
        heapq.heappush(self._ready, number)

    def _is_duplicate(self, key: Any, now: float) -> bool:
        window = self.settings.duplicate_window_s
        if not window or key is None:
            return False
        self._seen = {old: at for old, at in self._seen.items() if at > now - window}
        if key in self._seen:
            return True
        self._seen[key] = now
        return False

    # --- out

    def take(self, link: Any) -> Stored | None:
        """Locks the oldest active message for `link`."""
        now = self._clock.now()
        while self._ready:
            message = self._messages.get(heapq.heappop(self._ready))
            if message is None or message.state is not State.ACTIVE:
                continue
            if message.expires is not None and message.expires <= now:
                self._expire(message)
                continue
            message.state, message.link, message.token = State.LOCKED, link, uuid.uuid4()
            message.locked_until = now + self.settings.lock_s
            self._locked[message.token] = message
            self._wake(message, message.locked_until)
            return message
        return None

    def held(self, token: uuid.UUID) -> Stored:
        """The message locked with `token`. Raises Refused when that lock has ended."""
        message = self._locked.get(token)
        if message is None or message.locked_until <= self._clock.now():
            raise lock_lost()
        return message

    def renew(self, message: Stored) -> None:
        message.locked_until = self._clock.now() + self.settings.lock_s
        self._wake(message, message.locked_until)

    def complete(self, message: Stored) -> None:
        self._forget(message)

    def abandon(self, message: Stored) -> None:
        message.failures += 1
        self.release(message)
        if self.dead is not None and message.failures >= self.settings.max_deliveries:
            text = f"Message could not be consumed after {message.failures} delivery attempts."
            self.bury(message, "MaxDeliveryCountExceeded", text)

    def release(self, message: Stored) -> None:
        """Back without being counted."""
        self._unlock(message)
        heapq.heappush(self._ready, message.number)

    def bury(self, message: Stored, reason: str | None, description: str | None) -> None:
        if self.dead is None:  # what dies in a dead-letter queue stays there
            self.abandon(message)
            return
        self._forget(message)
        extra = {"DeadLetterReason": reason, "DeadLetterErrorDescription": description}
        properties = dict(message.content.properties or {})
        message.content.properties = properties | {name: text for name, text in extra.items() if text is not None}
        message.content.ttl = 0
        dead = self.dead.put(message.content)
        if dead is not None:
            dead.enqueued, dead.failures, dead.source = message.enqueued, message.failures, self.settings.name

    def drop_link(self, link: Any, *, with_locks: bool) -> None:
        """A receiver went away. Its locks stay until they end, unless `with_locks`."""
        if link in self.links:
            self.links.remove(link)
        if with_locks:
            for message in [one for one in self._messages.values() if one.link == link]:
                self.abandon(message)

    def _unlock(self, message: Stored) -> None:
        if message.token is not None:
            self._locked.pop(message.token, None)
        message.state, message.token, message.link, message.locked_until = State.ACTIVE, None, None, 0.0

    def _forget(self, message: Stored) -> None:
        self._unlock(message)
        self._messages.pop(message.number, None)

    def clear(self) -> None:
        self._messages.clear()
        self._locked.clear()
        self._ready.clear()
        self._timers.clear()
        self._seen.clear()
        if self.dead is not None:
            self.dead.clear()

    # --- time

    def _wake(self, message: Stored, at: float) -> None:
        heapq.heappush(self._timers, (at, message.number))

    def tick(self) -> None:
        """Ends locks, delays and lives that are over."""
        now = self._clock.now()
        while self._timers and self._timers[0][0] <= now:
            message = self._messages.get(heapq.heappop(self._timers)[1])
            if message is None:
                continue
            if message.state is State.SCHEDULED and message.due <= now:
                message.state, message.enqueued = State.ACTIVE, now
                heapq.heappush(self._ready, message.number)
            if message.state is State.LOCKED and message.locked_until <= now:
                self.operations["lock-ended"] += 1
                self.abandon(message)
            if message.state is State.ACTIVE and message.expires is not None and message.expires <= now:
                self._expire(message)
        if self.dead is not None:
            self.dead.tick()

    def _expire(self, message: Stored) -> None:
        self.operations["expired"] += 1
        if self.settings.dead_letter_expired and self.dead is not None:
            self.bury(message, "TTLExpiredException", "The message expired and was dead lettered.")
        else:
            self._forget(message)
