"""Create-if-absent that knows who won, also when the answer was lost (RELIABILITY, decision 7)."""

from __future__ import annotations

import json
from typing import Protocol

from codalab_nb.stores.ports import Damaged, NotFound, UncertainWrite


class _CreateAndRead(Protocol):
    def create(self, name: str, data: bytes) -> bool: ...
    def read(self, name: str) -> bytes: ...


def create_once(store: _CreateAndRead, name: str, data: bytes, nonce: str, *, tries: int = 3) -> bool:
    """True if `data`, which carries `nonce`, is what stands at `name` for ever; False if another's bytes do.

    After an uncertain write the name is read back: own nonce means won, another's means lost,
    nothing there means that the write never happened and may be tried again.
    Raises UncertainWrite when `tries` writes in a row stayed without answer and without effect.
    """
    for attempt in range(1, tries + 1):
        try:
            if store.create(name, data):
                return True
            # An SDK may repeat a request of its own that had succeeded: then "exists" is our own success.
            return _nonce_at(store, name) == nonce
        except UncertainWrite:
            try:
                return _nonce_at(store, name) == nonce
            except NotFound:
                if attempt == tries:
                    raise
    raise AssertionError("unreachable")


def _nonce_at(store: _CreateAndRead, name: str) -> str | None:
    try:
        value = json.loads(store.read(name))
    except (ValueError, RecursionError, Damaged):
        return None
    return value.get("nonce") if isinstance(value, dict) else None
