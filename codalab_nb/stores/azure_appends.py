"""Appending without reading: how a worker knows what stands at the end of its events."""

from __future__ import annotations

import threading
from typing import Protocol

from codalab_nb.errors import ProtocolError, UnavailableError
from codalab_nb.stores.ports import UncertainWrite


class _Blobs(Protocol):
    def create_append_blob(self, name: str) -> None: ...
    def append_at(self, name: str, position: int, data: bytes) -> bool: ...


class Appends:
    """The end of one append blob, as its only writer knows it.

    Reading it back is not among a worker's rights, and it need not be: an append is done whole or not at all, at the
    position it names or nowhere, and nobody else appends here. So what was sent without an answer is either all there
    or not there, and the next append finds out.
    """

    def __init__(self) -> None:
        self._length = 0
        self._last: tuple[int, bytes] | None = None  # position and bytes of what was appended last
        self._unsure: bytes | None = None  # sent for the position `_length`, never answered
        self._made = False
        self._lock = threading.Lock()

    def append(self, blobs: _Blobs, name: str, position: int, data: bytes) -> int:
        with self._lock:
            if self._last == (position, data):
                return position + len(data)  # said twice
            if position != self._length:
                raise ProtocolError(
                    "append_position", f"{name} has {self._length} bytes; an append for byte {position} makes no sense."
                )
            if not self._made:
                blobs.create_append_blob(name)
                self._made = True
            if self._unsure is not None:
                data = self._settle(blobs, name, data)
            if data:
                self._send(blobs, name, data)
            return self._length

    def _settle(self, blobs: _Blobs, name: str, data: bytes) -> bytes:
        """Finds out about the append without an answer; returns what of `data` is still to be sent."""
        unsure = self._unsure
        assert unsure is not None
        if not data.startswith(unsure):
            data = unsure + data
        if blobs.append_at(name, self._length, data):
            self._took(data)
            return b""
        self._took(unsure)
        return data[len(unsure) :]

    def _send(self, blobs: _Blobs, name: str, data: bytes) -> None:
        try:
            done = blobs.append_at(name, self._length, data)
        except UncertainWrite:
            self._unsure = data
            raise
        if not done:
            raise UnavailableError(
                "events_foreign", f"Somebody else has written to {name}.", "Look for a second worker with this grant."
            )
        self._took(data)

    def _took(self, data: bytes) -> None:
        self._last = (self._length, data)
        self._length += len(data)
        self._unsure = None
