"""What Service Bus and its SDK say, in our words: mapped once, here; the cause is kept, no credential is shown."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator

from azure.core.exceptions import ClientAuthenticationError
from azure.servicebus.exceptions import (
    MessageSizeExceededError,
    MessagingEntityDisabledError,
    MessagingEntityNotFoundError,
    OperationTimeoutError,
    ServiceBusAuthenticationError,
    ServiceBusAuthorizationError,
    ServiceBusCommunicationError,
    ServiceBusConnectionError,
    ServiceBusError,
    ServiceBusQuotaExceededError,
    ServiceBusServerBusyError,
)

from codalab_nb.errors import CodalabError, ProtocolError, UnavailableError
from codalab_nb.redaction import redact

_NETWORK = (OperationTimeoutError, ServiceBusCommunicationError, ServiceBusConnectionError)
_BUSY_S = 10.0  # what to wait when the service asks for patience without a figure


class QueueBusyError(UnavailableError):
    """The namespace is throttled (error 50009, or 429): come again after `retry_after_s` seconds."""

    def __init__(self, queue: str, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(
            "queue_busy",
            f"Service Bus asks for patience: the queue '{queue}' gets more requests than its namespace may serve.",
            f"It is tried again after {retry_after_s:.0f} s by itself. If this goes on: a Premium namespace, or fewer "
            "workers in this one.",
        )


@contextlib.contextmanager
def in_our_words(queue: str, host: str) -> Iterator[None]:
    """Maps everything that leaves the block; our own errors pass."""
    try:
        yield
    except CodalabError:
        raise
    except Exception as error:
        # The SDK lets RuntimeError, ValueError and AttributeError out where a link is gone at the wrong moment.
        raise mapped(error, queue, host) from error


def mapped(error: Exception, queue: str, host: str) -> CodalabError:
    said = redact(str(error)).strip()
    if isinstance(error, ServiceBusServerBusyError) or "50009" in said:
        found = re.search(r"wait (\d+) second", said)
        return QueueBusyError(queue, float(found[1]) if found else _BUSY_S)
    if isinstance(error, ServiceBusAuthorizationError):
        return UnavailableError(
            "queue_forbidden",
            f"The credential in use may not do this on the queue '{queue}': {said}",
            "It was made for another queue or another verb, has expired or was revoked. Workers: join the pool again "
            "with a fresh invite. Sites: look at the pool with `codalab-nb pool show`.",
        )
    status, reason = _token_answer(error)
    if isinstance(error, MessagingEntityNotFoundError) or status == 404:
        return UnavailableError(
            "queue_gone",
            f"There is no queue '{queue}' at {host}; it was deleted, or the pool was never made.",
            "Ask the pool's owner. Tasks that were sent to it are sent again once the pool is there.",
        )
    if isinstance(error, ServiceBusAuthenticationError | ClientAuthenticationError):
        said = redact(reason) or said
        return UnavailableError(
            "queue_credential",
            f"Service Bus at {host} did not accept the credential for the queue '{queue}': {said}",
            "Its key was changed (`pool revoke`), it has expired, or this machine's clock is wrong. Workers: join the "
            "pool again with a fresh invite. Sites: sign in again, or look at the pool's settings.",
        )
    if isinstance(error, MessagingEntityDisabledError):
        return UnavailableError("queue_disabled", f"The queue '{queue}' is disabled.", "Enable it in the Azure portal.")
    if isinstance(error, ServiceBusQuotaExceededError):
        return UnavailableError(
            "queue_full",
            f"The queue '{queue}' or its namespace is full: {said}",
            "Wait until workers have taken messages, or raise the quota of the queue.",
        )
    if isinstance(error, MessageSizeExceededError):
        return ProtocolError("message_too_large", f"A message for the queue '{queue}' is too large: {said}")
    if _cause(error, socket.gaierror):
        return UnavailableError(
            "queue_address",
            f"The name {host} cannot be resolved, so the queue '{queue}' cannot be reached.",
            "Check the network and the name of the namespace; it is tried again by itself.",
        )
    if isinstance(error, ServiceBusError) and not isinstance(error, _NETWORK):
        return UnavailableError(
            "queue_failed",
            f"Service Bus at {host} could not do what was asked on the queue '{queue}': {said}",
            "It is tried again by itself. If it lasts: look at the health of the namespace in the Azure portal.",
        )
    return UnavailableError(
        "queue_unreachable",
        f"The queue '{queue}' at {host} cannot be reached: {said or type(error).__name__}",
        "It is tried again by itself. If it lasts: check the network; port 5671 must be open to the outside.",
    )


def _token_answer(error: Exception) -> tuple[int | None, str]:
    """What the service answered to our token, where that was the trouble: a status, and why in its words."""
    inner = getattr(error, "inner_exception", None)
    status, reason = getattr(inner, "status_code", None), getattr(inner, "status_description", None)
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason or "")
    return (status if isinstance(status, int) else None), text


def _cause(error: BaseException | None, kind: type[BaseException]) -> bool:
    """Whether `kind` stands anywhere behind `error`."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, kind):
            return True
        seen.add(id(error))
        inner = getattr(error, "inner_exception", None)
        error = error.__cause__ or error.__context__ or (inner if isinstance(inner, BaseException) else None)
    return False
