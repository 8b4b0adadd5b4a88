"""The `$management` node of a queue: requests, and replies with a status. Peek, schedule, and settling by token."""

from __future__ import annotations

import uuid
from typing import Any

from proton import UNDESCRIBED, Array, Data, timestamp

from tests.support.broker import wire
from tests.support.broker.claims import LISTEN, SEND
from tests.support.broker.errors import VENDOR, Refused
from tests.support.broker.state import BrokerQueue, State

Answer = tuple[int, Any]

# What each operation needs, and how it is counted.
OPERATIONS = {
    "peek-message": (LISTEN, "peek"),
    "renew-lock": (LISTEN, "renew"),
    "update-disposition": (LISTEN, "settle-by-token"),
    "schedule-message": (SEND, "schedule"),
    "cancel-scheduled-message": (SEND, "cancel-scheduled"),
}


def answer(queue: BrokerQueue, operation: str, body: dict[str, Any]) -> Answer:
    """Status and body of the reply. Raises Refused."""
    if operation == "peek-message":
        return _peek(queue, body)
    if operation == "schedule-message":
        return _schedule(queue, body)
    if operation == "cancel-scheduled-message":
        return _cancel(queue, body)
    if operation == "renew-lock":
        return _renew(queue, body)
    if operation == "update-disposition":
        return _settle(queue, body)
    raise Refused("amqp:not-implemented", f"The operation '{operation}' is not known.", 501)


def _peek(queue: BrokerQueue, body: dict[str, Any]) -> Answer:
    first, count = int(body["from-sequence-number"]), int(body["message-count"])
    found, room = [], wire.MAX_MESSAGE_BYTES
    for message in queue.messages():
        if message.number < first:
            continue
        raw = wire.encode(message, peeked=True)
        room -= len(raw)
        if len(found) == count or room < 0:
            break
        found.append({"message": raw})
    return (200, {"messages": found}) if found else (204, None)


def _schedule(queue: BrokerQueue, body: dict[str, Any]) -> Answer:
    numbers = []
    for item in body["messages"]:
        content = wire.decode(bytes(item["message"]))
        stored = queue.put(content, due=wire.due(content))
        numbers.append(stored.number if stored else 0)
    return 200, {"sequence-numbers": Array(UNDESCRIBED, Data.LONG, *numbers)}


def _cancel(queue: BrokerQueue, body: dict[str, Any]) -> Answer:
    scheduled = {one.number: one for one in queue.messages() if one.state is State.SCHEDULED}
    for number in body["sequence-numbers"]:
        if int(number) not in scheduled:
            raise Refused(VENDOR + "message-not-found", f"The scheduled message {number} was not found.", 404)
        queue.complete(scheduled[int(number)])
    return 200, None


def _renew(queue: BrokerQueue, body: dict[str, Any]) -> Answer:
    until = []
    for token in body["lock-tokens"]:
        message = queue.held(_token(token))
        queue.renew(message)
        until.append(timestamp(int(message.locked_until * 1000)))
    return 200, {"expirations": Array(UNDESCRIBED, Data.TIMESTAMP, *until)}


def _settle(queue: BrokerQueue, body: dict[str, Any]) -> Answer:
    for token in body["lock-tokens"]:
        message = queue.held(_token(token))
        what = str(body["disposition-status"])
        if what == "completed":
            queue.complete(message)
        elif what == "abandoned":
            queue.abandon(message)
        elif what == "suspended":
            queue.bury(message, body.get("deadletter-reason"), body.get("deadletter-description"))
        else:
            raise Refused("amqp:not-implemented", f"The disposition '{what}' is not known.", 501)
    return 200, None


def _token(value: Any) -> uuid.UUID:
    return value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))
