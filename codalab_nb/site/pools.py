"""The pools of a home: `local`, which is always there, and those that were created."""

from __future__ import annotations

import threading

from codalab_nb import wiring
from codalab_nb.errors import InputError
from codalab_nb.model.pool import LOCAL, LocalPool, PoolDefinition
from codalab_nb.places import Places
from codalab_nb.settings import Settings
from codalab_nb.wiring import PoolSide


class Pools:
    """Opens a pool when it is first needed and keeps it open. Safe to share among threads."""

    def __init__(self, places: Places, settings: Settings) -> None:
        self._places = places
        self._settings = settings
        self._sides: dict[str, PoolSide] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        return [LOCAL]

    def definition(self, name: str) -> PoolDefinition:
        """Raises InputError(pool_unknown)."""
        if name == LOCAL:
            return LocalPool()
        raise InputError(
            "pool_unknown",
            f"There is no pool {name!r}.",
            f"There is {', '.join(self.names())}: `codalab-nb pool list`.",
        )

    def side(self, name: str) -> PoolSide:
        """Raises InputError(pool_unknown), UnavailableError."""
        definition = self.definition(name)
        with self._lock:
            side = self._sides.get(name)
            if side is None:
                side = self._sides[name] = wiring.open_pool(definition, self._places, self._settings)
            return side

    def close(self) -> None:
        with self._lock:
            for side in self._sides.values():
                side.close()
            self._sides.clear()
