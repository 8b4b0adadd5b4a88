"""A queue on Azure Service Bus. Settings it expects of the queue: `QUEUE_SETTINGS` (whoever makes pools reads them).

Message id. Each send gets its own (`key:random`), so that the service drops only the repetition of one send whose
answer was lost. The key alone would be wrong: a message that was buried or lost is sent again under its key, at once,
and the service would swallow it while its window lasts. Two sends of one attempt are harmless: one claim wins.

No lock is ever renewed. Clocks: the life of a message counts from the service's clock; a delay is a moment that we name
by ours, which must be right to a few seconds (tokens need that, too).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from azure.servicebus import ServiceBusMessage, ServiceBusReceivedMessage

from codalab_nb.queues.ports import Abilities, DeadLetter, Received
from codalab_nb.queues.servicebus_access import TRY_S, Credential, Namespace, refuse_expired
from codalab_nb.queues.servicebus_errors import in_our_words
from codalab_nb.queues.servicebus_link import Clock, ReceiverLink, SenderLink, Settling

LOCK_S: Final = 60.0
MAX_DELIVERIES: Final = 10

# Expired messages need no dead letter: the site knows their life, and hints may be forgotten.
QUEUE_SETTINGS: Final[dict[str, Any]] = {
    "lock_duration": dt.timedelta(seconds=LOCK_S),
    "max_delivery_count": MAX_DELIVERIES,
    "requires_duplicate_detection": True,
    "duplicate_detection_history_time_window": dt.timedelta(minutes=10),
    "dead_lettering_on_message_expiration": False,
    "requires_session": False,
}

_MAX_DELAY_S = 120.0  # the longest delay of a send
_PEEK_AT_ONCE = 100
_MOST_PEEKED = 5_000  # a view for people, and what one pass of the reconciler can use
# What the service calls its own reasons, in the words that every queue uses.
_REASONS = {"MaxDeliveryCountExceeded": "max_deliveries", "TTLExpiredException": "expired"}
_FORGET_WAIT_S = 1.0  # no further dead letter within this time: that was all


@dataclass
class _InHand:
    """A message that was received and not settled yet, with the link that may do it fastest."""

    link: ReceiverLink
    message: ServiceBusReceivedMessage
    received_at: float


class ServiceBusQueue:
    """Sender, receiver and admin of a queue, as far as the credential allows. Safe to share among threads.

    Each thread that waits has a link of its own; nothing is connected before it is needed. `lock_s`: the lock time that
    the queue was made with. `try_s`: no try of one operation takes longer. `clock`: monotonic.
    """

    abilities = Abilities(replaces=False, hides_locked=False)

    def __init__(
        self,
        namespace: Namespace,
        name: str,
        credential: Credential,
        *,
        lock_s: float = LOCK_S,
        try_s: float = TRY_S,
        clock: Clock = time.monotonic,
    ) -> None:
        self.name = name
        self._namespace = namespace
        self._credential = credential
        self._lock_s = lock_s
        self._try_s = try_s
        self._clock = clock
        self._client = namespace.client(credential, try_s)
        self._lock = threading.Lock()  # of the three below
        self._idle: list[ReceiverLink] = []
        self._in_hand: dict[str, _InHand] = {}
        self._closed = False
        self._sending = threading.Lock()
        self._sender = SenderLink(self._client, name, try_s=try_s)
        self._looking = threading.Lock()
        self._peeker = self._new_link()
        self._graves = self._new_link(dead_letters=True)

    # --- sender

    def send(self, key: str, body: bytes, *, life_s: float, delay_s: float = 0.0) -> None:
        message = ServiceBusMessage(
            body,
            subject=key,
            message_id=f"{key}:{secrets.token_hex(4)}",
            time_to_live=dt.timedelta(seconds=life_s),
        )
        if delay_s > 0:
            message.scheduled_enqueue_time_utc = dt.datetime.now(dt.UTC) + dt.timedelta(
                seconds=min(delay_s, _MAX_DELAY_S)
            )
        with self._sending, self._in_our_words():
            self._sender.send(message)

    # --- receiver

    def receive(self, timeout_s: float) -> Received | None:
        link = self._take_link()
        message = None
        try:
            with self._in_our_words():
                message = link.receive(timeout_s)
        finally:
            if message is None:
                self._give_link(link)
        if message is None:
            return None
        token = str(message.lock_token)
        with self._lock:
            self._in_hand[token] = _InHand(link, message, self._clock())
        return Received(
            key=_key(message),
            body=_body(message),
            deliveries=(message.delivery_count or 0) + 1,
            token=token,
        )

    def ack(self, message: Received) -> bool:
        return self._settle(message, _completing)

    def abandon(self, message: Received) -> bool:
        return self._settle(message, _abandoning)

    def bury(self, message: Received, reason: str) -> bool:
        return self._settle(message, lambda held: lambda receiver: receiver.dead_letter_message(held, reason=reason))

    def pause(self) -> None:
        with self._lock:
            promised = [link for link in self._idle if link.has_credit]
            self._idle = [link for link in self._idle if not link.has_credit]
        for link in promised:
            link.pause()
            self._give_link(link)

    def _settle(self, message: Received, how: Callable[[ServiceBusReceivedMessage], Settling]) -> bool:
        with self._lock:
            held = self._in_hand.pop(message.token, None)
        if held is None:  # settled before, or its lock ended so long ago that its link was needed elsewhere
            return False
        try:
            with self._in_our_words():
                return held.link.settle(how(held.message))
        finally:
            self._give_link(held.link)

    def _take_link(self) -> ReceiverLink:
        """A link that nobody uses: first one that has been promised a message, else a new one."""
        with self._lock:
            now = self._clock()
            for token, held in list(self._in_hand.items()):
                if now - held.received_at > self._lock_s:  # never settled
                    self._idle.append(self._in_hand.pop(token).link)
            self._idle.sort(key=lambda link: link.has_credit)
            if self._idle:
                return self._idle.pop()
        return self._new_link()

    def _new_link(self, *, dead_letters: bool = False) -> ReceiverLink:
        return ReceiverLink(self._client, self.name, dead_letters=dead_letters, try_s=self._try_s, clock=self._clock)

    def _give_link(self, link: ReceiverLink) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(link)
                return
        link.close()

    # --- admin

    def dead_letters(self) -> Sequence[DeadLetter]:
        with self._looking, self._in_our_words():
            return [DeadLetter(_key(message), _body(message), _reason(message)) for message in _peek_all(self._graves)]

    def forget_dead(self, keys: Sequence[str]) -> None:
        wanted = set(keys)
        with self._looking, self._in_our_words():
            others: list[ServiceBusReceivedMessage] = []
            present = sum(1 for message in _peek_all(self._graves) if _key(message) in wanted)
            try:
                while present > 0 and (message := self._graves.receive(_FORGET_WAIT_S)) is not None:
                    if _key(message) in wanted:
                        self._graves.settle(_completing(message))
                        present -= 1
                    else:  # kept locked meanwhile, so that it does not come again and again
                        others.append(message)
            finally:
                for message in others:
                    self._graves.settle(_abandoning(message))
                self._graves.pause()

    def waiting(self) -> Sequence[str]:
        with self._looking, self._in_our_words():
            return [_key(message) for message in _peek_all(self._peeker)]

    def close(self) -> None:
        with self._lock:
            self._closed = True
            links = self._idle + [held.link for held in self._in_hand.values()] + [self._peeker, self._graves]
            self._idle, self._in_hand = [], {}
        for link in links:
            link.pause()  # closing takes the SDK a second, and the process may end before; this does not
            link.close()
        self._sender.close()

    @contextlib.contextmanager
    def _in_our_words(self) -> Iterator[None]:
        refuse_expired(self._credential, self.name)
        with in_our_words(self.name, self._namespace.host):
            yield


def _completing(message: ServiceBusReceivedMessage) -> Settling:
    return lambda receiver: receiver.complete_message(message)


def _abandoning(message: ServiceBusReceivedMessage) -> Settling:
    return lambda receiver: receiver.abandon_message(message)


def _key(message: ServiceBusReceivedMessage) -> str:
    return message.subject or str(message.message_id)


def _reason(message: ServiceBusReceivedMessage) -> str:
    reason = message.dead_letter_reason or "unknown"
    return _REASONS.get(reason, reason)


def _body(message: ServiceBusReceivedMessage) -> bytes:
    """The bytes as sent. What somebody else put there in another shape is empty: it will be buried as malformed."""
    try:
        return b"".join(message.body)
    except TypeError:
        return b""


def _peek_all(link: ReceiverLink) -> Iterator[ServiceBusReceivedMessage]:
    after, seen = 0, 0
    while seen < _MOST_PEEKED and (page := link.peek(_PEEK_AT_ONCE, after)):
        yield from page
        seen += len(page)
        after = page[-1].sequence_number or after + len(page)
