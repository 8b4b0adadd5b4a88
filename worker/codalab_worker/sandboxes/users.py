"""A user of its own for each box, when the worker runs as root: a second wall, should a namespace ever fail."""

from __future__ import annotations

import socket

from codalab_nb.errors import UnavailableError

# Above every range that distributions, systemd or container tools hand out, below the sign bit.
_FIRST, _LAST = 2_000_000_000, 2_000_065_535


class BoxUser:
    """A uid that no other box on this machine has. Held by the name of an abstract socket: freed even by kill -9."""

    def __init__(self) -> None:
        self._claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        for uid in range(_FIRST, _LAST + 1):
            try:
                self._claim.bind(f"\0codalab_nb/uid/{uid}")
            except OSError:
                continue
            self.uid = uid
            return
        self._claim.close()
        raise UnavailableError("no_free_user", f"All user numbers from {_FIRST} to {_LAST} are taken by boxes.")

    def release(self) -> None:
        self._claim.close()
