"""Several queues as one receiver: while an earlier one has a message, later ones wait.

Each queue has a thread that waits in it, so that nobody polls and a message is there as fast as its queue brings it.
What order means: whoever begins to ask looks into the earlier queues first, for `_HEAD_START_S`; after that all are
awaited, and the first message wins. While nobody asks, nothing is kept for us: waits end, promises are taken back
(`Receiver.pause`), and a message that came just then goes to the next who asks, or back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from codalab_nb.errors import CodalabError
from codalab_nb.queues.ports import Received, Receiver

log = logging.getLogger(__name__)

_HEAD_START_S = 0.15  # a round trip to a queue far away
_SLICE_S = 1.0  # of a wait that cannot be interrupted
_LINGER_S = 2.0  # nobody asked for so long: a message in hand goes back, and waiting ends
_RETRY_S = 5.0  # after a queue that failed


@dataclass
class _Held:
    message: Received
    since: float


class OrderedReceiver:
    """`receivers`, the most urgent first. Owns them. Safe to share among threads."""

    def __init__(self, receivers: Sequence[Receiver]) -> None:
        self._receivers = list(receivers)
        self._changed = threading.Condition()  # guards everything below
        self._asking = 0
        self._asked_at = float("-inf")  # when somebody asked last, unless they were served
        self._begun_at = float("-inf")  # since when they ask without being served
        self._held: dict[int, _Held] = {}
        self._errors: dict[int, CodalabError] = {}
        self._threads: list[threading.Thread] = []
        self._closed = False

    def receive(self, timeout_s: float) -> Received | None:
        deadline = time.monotonic() + timeout_s
        with self._changed:
            self._begin()
            try:
                while True:
                    if (found := self._next()) is not None:
                        return found
                    if self._errors:
                        raise self._errors.pop(min(self._errors))
                    now = time.monotonic()
                    if now >= deadline or self._closed:
                        return None
                    # A later queue's message becomes ours when the head start ends, which nobody announces.
                    head_start = self._begun_at + _HEAD_START_S - now
                    self._changed.wait(min(deadline - now, head_start if head_start > 0 else _SLICE_S))
            finally:
                self._asking -= 1

    def _begin(self) -> None:
        now = time.monotonic()
        if not self._is_wanted(now):
            self._begun_at = now
            self._errors.clear()  # what failed before anybody asked is tried anew
        self._asking += 1
        self._asked_at = now
        if not self._threads and not self._closed:
            for place in range(len(self._receivers)):
                thread = threading.Thread(target=self._wait_in, args=(place,), name=f"queue-{place}", daemon=True)
                thread.start()
                self._threads.append(thread)
        self._changed.notify_all()

    def _next(self) -> Received | None:
        now = time.monotonic()
        place = min(self._held, default=None)
        if place is None or (place > 0 and now - self._begun_at < _HEAD_START_S):
            return None
        message = self._held.pop(place).message
        self._asked_at, self._begun_at = float("-inf"), now
        self._changed.notify_all()
        return replace(message, token=f"{place}:{message.token}")

    def _is_wanted(self, now: float) -> bool:
        return self._asking > 0 or now - self._asked_at < _LINGER_S

    # --- one thread for each queue

    def _wait_in(self, place: int) -> None:
        receiver = self._receivers[place]
        while self._wait_for_turn(place):
            try:
                message = receiver.receive(_SLICE_S)
            except CodalabError as error:
                self._failed(place, error)
                continue
            except Exception as error:  # a thread that dies would be a queue that nobody serves
                log.exception("waiting in a queue failed; it is tried again")
                self._failed(place, CodalabError("queue_wait", f"Waiting in a queue failed: {error}"))
                continue
            with self._changed:
                if message is not None:
                    self._held[place] = _Held(message, time.monotonic())
                    self._changed.notify_all()
                rest = not self._is_wanted(time.monotonic())
            if rest:
                self._rest(receiver)

    def _wait_for_turn(self, place: int) -> bool:
        """Returns when this queue shall be waited in; False when all is over."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                held = self._held.get(place)
                if held is not None and now - held.since >= _LINGER_S and self._asking == 0:
                    del self._held[place]
                    self._give_back(place, held.message)
                    continue
                ready_at = self._begun_at + (_HEAD_START_S if place else 0.0)
                if held is None and self._is_wanted(now) and now >= ready_at:
                    return True
                if held is not None:
                    self._changed.wait(max(0.01, held.since + _LINGER_S - now))
                elif self._is_wanted(now):
                    self._changed.wait(max(0.001, ready_at - now))
                else:
                    self._changed.wait()
        return False

    def _failed(self, place: int, error: CodalabError) -> None:
        until = time.monotonic() + float(getattr(error, "retry_after_s", _RETRY_S))
        with self._changed:
            self._errors[place] = error
            self._changed.notify_all()
            while not self._closed and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)

    def _rest(self, receiver: Receiver) -> None:
        try:
            receiver.pause()
        except CodalabError as error:
            log.warning("a queue could not be paused: %s", error)

    def _give_back(self, place: int, message: Received) -> None:
        try:
            self._receivers[place].abandon(message)
        except CodalabError as error:
            log.warning("a message could not be given back and comes again when its lock ends: %s", error)

    # --- settling

    def _of(self, message: Received) -> tuple[Receiver, Received]:
        """Where a message in hand came from, and the message as that queue knows it."""
        place, _, token = message.token.partition(":")
        return self._receivers[int(place)], replace(message, token=token)

    def ack(self, message: Received) -> bool:
        receiver, known = self._of(message)
        return receiver.ack(known)

    def abandon(self, message: Received) -> bool:
        receiver, known = self._of(message)
        return receiver.abandon(known)

    def bury(self, message: Received, reason: str) -> bool:
        receiver, known = self._of(message)
        return receiver.bury(known, reason)

    def pause(self) -> None:
        with self._changed:
            self._asked_at = float("-inf")
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(2 * _SLICE_S)
        for place, held in self._held.items():
            self._give_back(place, held.message)
        self._held.clear()
        for receiver in self._receivers:
            receiver.close()
