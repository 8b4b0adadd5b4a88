"""The pools of a home: `local`, which is always there, and those that were created."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from codalab_nb import wiring
from codalab_nb.errors import InputError
from codalab_nb.model.pool import LOCAL, AzurePool, LocalPool, QueueKeys, is_pool_name
from codalab_nb.places import Places
from codalab_nb.settings import Settings
from codalab_nb.site.pools_files import PoolFiles
from codalab_nb.wiring import PoolSide


class Pools:
    """Opens a pool when it is first needed and keeps it open, until its definition changes. Safe to share among
    threads."""

    def __init__(self, places: Places, settings: Settings) -> None:
        self._places = places
        self._settings = settings
        self.files = PoolFiles(places.home / "pools")
        self._open: dict[str, _Open] = {}
        self._retired: list[PoolSide] = []
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """`local` first, then the others by name."""
        return [LOCAL, *self.files.names()]

    def definition(self, name: str) -> LocalPool | AzurePool:
        """Raises InputError(pool_unknown), UnavailableError(pool_damaged)."""
        if name == LOCAL:
            return LocalPool()
        found = self.files.read(name) if is_pool_name(name) else None
        if found is None:
            known = ", ".join(self.names())
            wanted = name if is_pool_name(name) else "NAME"
            raise InputError(
                "pool_unknown",
                f"There is no pool {name!r}.",
                f"There is {known}. Another one is made by: codalab-nb pool create {wanted}",
            )
        return found

    def side(self, name: str) -> PoolSide:
        """Raises InputError(pool_unknown), UnavailableError."""
        stamp = "" if name == LOCAL else self.files.stamp(name)
        with self._lock:
            there = self._open.get(name)
            if there is not None and there.stamp == stamp:
                return there.side
            definition = self.definition(name)
            needs = _needs(definition)
            if there is None or there.needs != needs:
                if there is not None:
                    self._retired.append(there.side)  # threads may be in the middle of using it
                there = _Open(stamp, needs, wiring.open_pool(definition, self._places, self._settings))
            self._open[name] = replace(there, stamp=stamp)
            return there.side

    def close(self) -> None:
        with self._lock:
            for side in (*self._retired, *(one.side for one in self._open.values())):
                side.close()
            self._open.clear()
            self._retired.clear()


@dataclass(frozen=True)
class _Open:
    """An open side, the stamp of the definition it was last compared with, and what it was opened from."""

    stamp: str
    needs: LocalPool | AzurePool
    side: PoolSide


def _needs(definition: LocalPool | AzurePool) -> LocalPool | AzurePool:
    """What the site's side depends on: an invite, or fresh keys for workers, change nothing for it."""
    if isinstance(definition, LocalPool):
        return definition
    nothing = QueueKeys(urgent="", background="", responses="")
    return definition.model_copy(update={"invites": (), "worker_keys": nothing})
