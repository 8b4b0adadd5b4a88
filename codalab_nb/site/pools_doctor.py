"""Does each pool work, and what in it ends soon? Asks the services, changes nothing."""

from __future__ import annotations

import datetime as dt
import email.utils
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

from codalab_nb.errors import CodalabError
from codalab_nb.model.base import utc_now
from codalab_nb.model.pool import LOCAL, AzurePool
from codalab_nb.site import pools_admin
from codalab_nb.site.pools import Pools
from codalab_nb.site.pools_workers import Workers

SOON = dt.timedelta(days=7)
_SKEW_S = 120.0  # tokens allow for a few minutes
_ASK_S = 10.0


@dataclass(frozen=True)
class Finding:
    """`broken`: it does not work; else it works, or `odd`: it will not for long, or not well."""

    pool: str
    message: str
    fix: str = ""
    broken: bool = False
    odd: bool = False


def look(pools: Pools, workers: Workers | None) -> Iterator[Finding]:
    """`workers` is None where there is no ledger yet."""
    for name in pools.names():
        if name == LOCAL:
            continue
        try:
            definition = pools.definition(name)
            assert isinstance(definition, AzurePool)
            yield from _look_at(pools, definition, workers)
        except CodalabError as error:
            for problem in error.problems:
                yield Finding(name, problem.message, problem.fix, broken=True)


def _look_at(pools: Pools, pool: AzurePool, workers: Workers | None) -> Iterator[Finding]:
    side = pools.side(pool.name)
    waiting = sum(len(queue.waiting()) for queue in side.tasks.values())
    side.store.look("pool.json")
    seen = workers.of(pool.name) if workers is not None else []
    there = [one for one in seen if one.is_there]
    workers_there = f"{len(there):,} worker{'' if len(there) == 1 else 's'} there"
    yield Finding(pool.name, f"queues and store can be reached; {waiting:,} waiting, {workers_there}")
    ahead_s = _ahead_of(pool.account_url)
    if ahead_s is not None and abs(ahead_s) > _SKEW_S:
        way = "ahead of" if ahead_s > 0 else "behind"
        message = f"the clock of this machine is {abs(ahead_s):,.0f} s {way} that of the storage account"
        yield Finding(pool.name, message, "Set it (timedatectl set-ntp true): grants and tokens go by it.", odd=True)
    for invited in pools_admin.ending(pool, SOON):
        used = [one.sign.worker for one in there if one.sign.invite == invited.id]
        whose = f", of {used[0]}," if used else ""
        yield Finding(
            pool.name,
            f"the invite {invited.id}{whose} ends at {invited.expires_at:%Y-%m-%d %H:%M} UTC",
            f"If it is still needed: codalab-nb pool invite {pool.name}, and join again with that file.",
            odd=True,
        )
    for one in there:
        if abs(one.skew_s) > _SKEW_S:
            yield Finding(
                pool.name,
                f"the clock of {one.sign.worker} differs from this machine's by {abs(one.skew_s):,.0f} s",
                "Set the clock of whichever is wrong.",
                odd=True,
            )


def _ahead_of(account_url: str) -> float | None:
    """Seconds that our clock is ahead of the service's; None when it does not say. Any answer has its time."""
    if not account_url.startswith(("https://", "http://127.0.0.1")):
        return None
    try:
        with urllib.request.urlopen(f"{account_url}/?comp=list", timeout=_ASK_S) as answer:  # noqa: S310 (checked above)
            date = answer.headers.get("Date")
    except urllib.error.HTTPError as error:
        date = error.headers.get("Date")
        error.close()
    except OSError:
        return None
    try:
        return (utc_now() - email.utils.parsedate_to_datetime(date)).total_seconds() if date else None
    except ValueError:
        return None
