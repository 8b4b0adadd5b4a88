"""Bytes: the sections that proton hides, and the annotations by which the SDK knows a message."""

from __future__ import annotations

from typing import Any

from proton import Condition, Data, Message, Terminus, symbol, timestamp

from tests.support.broker.errors import Refused
from tests.support.broker.state import State, Stored

MAX_MESSAGE_BYTES = 256 * 1024

_HEADER = b"\x00\x53\x70"
_DATA = b"\x00\x53\x75"
_STATES = {State.ACTIVE: 0, State.LOCKED: 0, State.SCHEDULED: 2}


def encode(message: Stored, *, peeked: bool = False) -> bytes:
    """`message` as it travels to a receiver (or, `peeked`, inside a reply to a peek: without its lock)."""
    content = message.content
    annotations = dict(content.annotations or {})
    annotations.pop(symbol("x-opt-locked-until"), None)
    annotations[symbol("x-opt-sequence-number")] = message.number
    annotations[symbol("x-opt-enqueue-sequence-number")] = message.number
    annotations[symbol("x-opt-enqueued-time")] = timestamp(int(message.enqueued * 1000))
    annotations[symbol("x-opt-message-state")] = _STATES[message.state]
    if message.locked_until and not peeked:
        annotations[symbol("x-opt-locked-until")] = timestamp(int(message.locked_until * 1000))
    if message.source:
        annotations[symbol("x-opt-deadletter-source")] = message.source
    content.annotations = annotations
    return _with_header(content, message.failures)


def _with_header(content: Any, failures: int) -> bytes:
    """proton leaves out a delivery-count of 0, which the SDK then reads as None: the header is written by hand."""
    raw = bytes(content.encode())
    data = Data()
    if raw.startswith(_HEADER):
        raw = raw[data.decode(raw) :]
        data.clear()
    data.put_described()
    data.enter()
    data.put_ulong(0x70)
    data.put_list()
    data.enter()
    data.put_bool(bool(content.durable))
    data.put_ubyte(content.priority)
    if content.ttl:
        data.put_uint(int(content.ttl * 1000))
    else:
        data.put_null()
    data.put_bool(False)
    data.put_uint(failures)
    data.exit()
    data.exit()
    encoded: bytes = data.encode()
    return encoded + raw


def decode(raw: bytes) -> Any:
    message = Message()
    message.decode(raw)
    return message


def unpack(raw: bytes) -> list[Any]:
    """The messages of one transfer. A batch is a message whose data sections each hold an encoded message
    (message-format 0x80013700, which proton does not show: the bytes tell)."""
    parts, position, data = [], 0, Data()
    while position < len(raw):
        data.clear()
        length = data.decode(raw[position:])
        if raw[position : position + 3] == _DATA:
            short = raw[position + 3] == 0xA0
            parts.append(raw[position + (5 if short else 8) : position + length])
        position += length
    sections = all(len(part) > 3 and part[:2] == b"\x00\x53" and 0x70 <= part[2] <= 0x78 for part in parts)
    return [decode(part) for part in (parts if parts and sections else [raw])]


def due(content: Any) -> float | None:
    """When a message wants to be enqueued, Unix seconds, taken off it; None: now."""
    annotations = dict(content.annotations or {})
    at = annotations.pop(symbol("x-opt-scheduled-enqueue-time"), None)
    content.annotations = annotations
    return None if at is None else int(at) / 1000


def condition(refused: Refused) -> Any:
    # The info must not be empty: the SDK reads it by index when a send is rejected.
    return Condition(refused.condition, refused.text, {symbol("broker"): "double"})


def close_with(endpoint: Any, refused: Refused) -> None:
    endpoint.condition = condition(refused)
    endpoint.close()


def refuse_link(link: Any, refused: Refused) -> None:
    """As the service does: an attach with null source and target, then a detach with the error."""
    link.source.type = link.target.type = Terminus.UNSPECIFIED
    link.open()
    close_with(link, refused)


def mirror(link: Any) -> None:
    link.source.copy(link.remote_source)
    link.target.copy(link.remote_target)
