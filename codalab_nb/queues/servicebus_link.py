"""One receiving and one sending link of the SDK, each used by one thread at a time, and rebuilt instead of repaired.

What bites, and what is done about it:
- Opening may hang for ever (a proxy that accepts and says nothing): it is given up after twice the time of a try.
- A receiver may fall silent, and the service detaches links that idle for ten minutes: after `_SILENT_S` without a
  message the link is made anew.
- A wait that ended leaves the link with a credit: the service may still send one message to a worker that is busy,
  where it lies locked for seconds. `pause` takes the credit back.
- The SDK refuses to settle by its own wall clock: the service alone judges a lock.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, Generic, TypeVar

from azure.servicebus import (
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusReceivedMessage,
    ServiceBusReceiver,
    ServiceBusSender,
)
from azure.servicebus.exceptions import (
    MessageAlreadySettled,
    MessageLockLostError,
    MessageNotFoundError,
    MessageSizeExceededError,
    MessagingEntityNotFoundError,
    ServiceBusAuthenticationError,
    ServiceBusAuthorizationError,
    ServiceBusServerBusyError,
)

from codalab_nb.queues.servicebus_access import TRY_S

_SILENT_S = 240.0  # well below the service's ten minutes; each link adds its own fifth, so that a pool spreads out
_SHORTEST_WAIT_S = 0.05  # the SDK has no "look only"
_SOCKET_S = 0.05  # how often a waiting receiver looks up; 0.4 % of a core
_GONE = (MessageLockLostError, MessageAlreadySettled, MessageNotFoundError)
# A new link would be refused in the same way.
_FINAL = (
    MessageSizeExceededError,
    MessagingEntityNotFoundError,
    ServiceBusAuthenticationError,
    ServiceBusAuthorizationError,
    ServiceBusServerBusyError,
)

_T = TypeVar("_T")
_H = TypeVar("_H", ServiceBusReceiver, ServiceBusSender)
Clock = Callable[[], float]
Settling = Callable[[ServiceBusReceiver], None]


class _Link(Generic[_H]):
    """A handler of the SDK that is opened when it is needed, and thrown away when anything is wrong with it."""

    def __init__(self, client: ServiceBusClient, queue_name: str, *, try_s: float = TRY_S) -> None:
        self._client = client
        self._queue = queue_name
        self._try_s = try_s
        self._handler: _H | None = None

    def _make(self) -> _H:
        raise NotImplementedError

    def _do(self, action: Callable[[_H], _T]) -> _T:
        """Does it, and once more on a new link where that may help. What cannot be reached is told at once."""
        for may_repeat in (True, False):
            handler = self._open()
            try:
                return action(handler)
            except _GONE:
                raise
            except Exception as error:
                self.close()
                if isinstance(error, _FINAL) or not may_repeat:
                    raise
        raise AssertionError("the second try returns or raises")

    def _open(self) -> _H:
        if self._handler is None:
            # Entering opens it, within the time of a try; left to the first receive it would have to fit into its wait.
            self._handler = _within(2 * self._try_s, lambda: self._make().__enter__(), _close)
            self._opened()
        return self._handler

    def _opened(self) -> None:
        """For who wants to know."""

    def close(self) -> None:
        handler, self._handler = self._handler, None
        if handler is not None:
            _in_background(lambda: _close(handler))


class ReceiverLink(_Link[ServiceBusReceiver]):
    """`dead_letters`: the link receives from the dead-letter queue. Foreign exceptions leave every method."""

    def __init__(
        self,
        client: ServiceBusClient,
        queue_name: str,
        *,
        dead_letters: bool = False,
        try_s: float = TRY_S,
        clock: Clock = time.monotonic,
    ) -> None:
        super().__init__(client, queue_name, try_s=try_s)
        self._options: dict[str, Any] = {"sub_queue": "deadletter"} if dead_letters else {}
        self._clock = clock
        self._silent_s = _SILENT_S * random.uniform(0.8, 1.2)  # noqa: S311 (no secret)
        self._heard_at = 0.0
        self.has_credit = False  # the service may send one message although nobody waits

    def _make(self) -> ServiceBusReceiver:
        return self._client.get_queue_receiver(self._queue, prefetch_count=0, socket_timeout=_SOCKET_S, **self._options)

    def _opened(self) -> None:
        self._heard_at = self._clock()

    def receive(self, timeout_s: float) -> ServiceBusReceivedMessage | None:
        deadline = self._clock() + timeout_s
        if self._handler is not None and self._clock() - self._heard_at > self._silent_s:
            self.pause()
            self.close()
        return self._do(lambda receiver: self._receive(receiver, deadline - self._clock()))

    def _receive(self, receiver: ServiceBusReceiver, left_s: float) -> ServiceBusReceivedMessage | None:
        self.has_credit = True
        messages = receiver.receive_messages(max_message_count=1, max_wait_time=max(left_s, _SHORTEST_WAIT_S))
        if not messages:
            return None
        self.has_credit = False
        self._heard_at = self._clock()
        message = messages[0]
        # A clock that is ahead of the service's would make the SDK give up locks that are good.
        message._expiry = dt.datetime.max.replace(tzinfo=dt.UTC)
        return message

    def peek(self, count: int, after: int) -> list[ServiceBusReceivedMessage]:
        """Up to `count` messages that come after number `after`, locked ones included."""
        return self._do(
            lambda receiver: receiver.peek_messages(
                max_message_count=count, sequence_number=after + 1, timeout=self._try_s
            )
        )

    def settle(self, how: Settling) -> bool:
        """False when the lock had passed on. On a new link the SDK settles by the lock's token."""
        try:
            self._do(how)
        except _GONE:
            return False
        return True

    def pause(self) -> None:
        """Takes back the credit, and gives back what came in the meantime."""
        if self._handler is None or not self.has_credit:
            return
        self.has_credit = False
        inner = getattr(self._handler, "_handler", None)
        drain = getattr(getattr(self._handler, "_amqp_transport", None), "drain_and_release_messages", None)
        if inner is None or drain is None:  # another SDK: closing does the same, but opening again takes its time
            self.close()
            return
        try:
            drain(inner)
        except Exception:  # noqa: BLE001 (whatever is wrong with the link, a new one is made when it is needed)
            self.close()

    def close(self) -> None:
        self.has_credit = False
        super().close()


class SenderLink(_Link[ServiceBusSender]):
    def _make(self) -> ServiceBusSender:
        return self._client.get_queue_sender(self._queue)

    def send(self, message: ServiceBusMessage) -> None:
        """Twice with the same message id at the most: the service drops the second if the first had arrived."""
        self._do(lambda sender: sender.send_messages(message, timeout=self._try_s))


def _within(seconds: float, make: Callable[[], _T], undo: Callable[[_T], None]) -> _T:
    """What `make` gives, or TimeoutError; what it gives too late is undone."""
    made: Future[_T] = Future()

    def run() -> None:
        try:
            value = make()
        except Exception as error:  # noqa: BLE001 (raised again where it is waited for)
            if made.set_running_or_notify_cancel():
                made.set_exception(error)
            return
        if made.set_running_or_notify_cancel():
            made.set_result(value)
        else:
            undo(value)

    _in_background(run)
    try:
        return made.result(seconds)
    except FutureTimeoutError:
        if made.cancel():
            raise TimeoutError(f"no answer within {seconds:.0f} s") from None
        return made.result()  # it came at this very moment


def _close(handler: ServiceBusReceiver | ServiceBusSender) -> None:
    with contextlib.suppress(Exception):  # it is thrown away
        handler.close()


def _in_background(action: Callable[[], object]) -> None:
    threading.Thread(target=action, name="servicebus", daemon=True).start()
