"""Making pools, inviting workers, revoking, removing: what an operator does, and what it changes in the home."""

from __future__ import annotations

import datetime as dt
import getpass
import json
import os
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codalab_nb import wiring
from codalab_nb.errors import InputError, Problems
from codalab_nb.model.base import utc_now
from codalab_nb.model.names import TaskNames
from codalab_nb.model.pool import LOCAL, SIGN_EVERY_S, AzurePool, Invite, Invited, Queues, is_pool_name
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.pools_workers import SeenWorker
from codalab_nb.site.site import Site
from codalab_nb.stores.ports import SiteStore

LONGEST_INVITE = dt.timedelta(days=366)
SHORTEST_INVITE = dt.timedelta(hours=1)
_SIGN_GRACE_S = 10.0
_MARK = "pool.json"  # in the pool's store: whose it is


@dataclass(frozen=True)
class Place:
    """Where a pool is, and how its operator enters. Secrets are not shown in a repr of it."""

    namespace: str | None = None  # None: that of the connection string
    queues: Queues | None = None  # None: named after the pool
    account_url: str | None = None
    prefix: str | None = None

    def __or__(self, other: Place) -> Place:
        """What `other` says goes before."""
        return Place(
            other.namespace or self.namespace,
            other.queues or self.queues,
            other.account_url or self.account_url,
            other.prefix or self.prefix,
        )


def place_from_outputs(data: bytes, name: str) -> Place:
    """The outputs of the Bicep template as `az deployment … --query properties.outputs` prints them.

    Raises InputError(pool_outputs).
    """
    try:
        value = json.loads(data)
        if isinstance(value, dict) and "properties" in value:  # the whole deployment
            value = value["properties"]["outputs"]
        told = {key: one["value"] if isinstance(one, dict) else one for key, one in value.items()}
        if not all(isinstance(one, str) for one in told.values()):
            raise TypeError
        return Place(
            namespace=told["serviceBusNamespace"],
            queues=Queues(
                urgent=told["urgentQueue"], background=told["backgroundQueue"], responses=told["responseQueue"]
            ),
            account_url=told["accountUrl"],
            prefix=told["containerPrefix"],
        )
    except KeyError as error:
        problem = f"there is no {error}"
    except (ValueError, TypeError, AttributeError):
        problem = "it is not JSON of that shape"
    raise InputError(
        "pool_outputs",
        f"{name} does not hold the outputs of the pool template: {problem}.",
        "az deployment group show -g GROUP -n DEPLOYMENT --query properties.outputs > FILE",
    )


def create(
    site: Site, name: str, place: Place, *, connection: str | None = None, account_key: str | None = None
) -> tuple[AzurePool, list[str]]:
    """Makes the queues that are missing, tries everything once, and only then writes the definition down.

    For a pool that is there, at the same place, it mends: queues that were deleted are made again, keys are read again,
    tasks whose messages went with the queues are sent again.

    `connection`: of a rule with Manage, used now and not kept; None: as who is signed in with Microsoft Entra.
    `account_key`: kept, in the private definition; None: the site signs in. Returns the pool and warnings.
    Raises InputError, UnavailableError; then nothing was changed here, and it may be repeated.
    """
    problems = Problems()
    there = _there_already(site, name, place, problems)
    if there is not None:
        place = Place(there.namespace, there.queues, there.account_url, there.prefix)
        account_key = account_key or there.account_key
    _check_place(place, connection, problems)
    problems.raise_if_any()
    assert place.account_url is not None
    queues = place.queues or Queues.of(name)
    admin = wiring.pool_admin(connection, place.namespace)
    try:
        site_keys, worker_keys = admin.make(queues)
        pool = AzurePool(
            name=name,
            namespace=place.namespace or admin.host,
            queues=queues,
            account_url=place.account_url.rstrip("/"),
            prefix=place.prefix or name[:25].rstrip("-"),
            created_at=there.created_at if there else utc_now(),
            site_keys=site_keys,
            account_key=account_key,
            worker_keys=worker_keys,
        )
    finally:
        admin.close()
    side = wiring.open_pool(pool, site.places, site.settings)
    try:
        for queue in side.tasks.values():
            queue.waiting()
        warnings = _mark(side.store, pool)
    finally:
        side.close()
    if there is None:
        site.pools.files.create(pool)
    else:
        _mend(site, pool)
    return pool, warnings


def _there_already(site: Site, name: str, place: Place, problems: Problems) -> AzurePool | None:
    """The pool of that name when `place` says nothing else than where it is; else a problem."""
    if not is_pool_name(name) or name == LOCAL:
        problems.add(
            "pool_name",
            "The pool `local` is this machine." if name == LOCAL else f"{name!r} cannot be the name of a pool.",
            "Choose another name: lower-case letters, digits and single hyphens, a letter first, at most 40.",
        )
        return None
    there = site.pools.files.read(name)
    if there is None:
        return None
    known = Place(there.namespace, there.queues, there.account_url, there.prefix)
    if known | place != known:
        problems.add(
            "pool_exists",
            f"There is a pool {name!r} already, at another place: {there.namespace}, {there.account_url}.",
            f"Choose another name, or first: codalab-nb pool rm {name}",
        )
    return there


def _check_place(place: Place, connection: str | None, problems: Problems) -> None:
    if place.account_url is None:
        problems.add(
            "pool_account", "A pool needs a storage account.", "--account https://ACCOUNT.blob.core.windows.net"
        )
    elif not re.fullmatch(r"https?://[^/\s?]+(/[^/\s?]+)?/?", place.account_url):
        problems.add(
            "pool_account",
            f"{place.account_url!r} is not the address of a storage account.",
            "It looks like https://ACCOUNT.blob.core.windows.net",
        )
    if connection is None and place.namespace is None:
        problems.add(
            "pool_namespace",
            "A pool needs a Service Bus namespace.",
            "--from the outputs of the template; or --servicebus-connection-env NAME, a connection string with Manage.",
        )


def _mend(site: Site, pool: AzurePool) -> None:
    now = utc_now()

    def with_keys(current: AzurePool) -> AzurePool:
        end = {} if current.worker_keys == pool.worker_keys else {"revoked_at": now}
        invites = tuple(one if one.revoked_at else one.model_copy(update=end) for one in current.invites)
        return pool.model_copy(update={"invites": invites})

    site.pools.files.change(pool.name, with_keys)
    store = site.pools.side(pool.name).store
    for row in site.ledger.open_tasks(pool.name):
        if store.look(TaskNames(row.id).claim(row.n)) is None:
            site.ledger.send_again(row.id, row.n)  # a second message does no harm


def _mark(store: SiteStore, pool: AzurePool) -> list[str]:
    """Writes down in the pool's store whose it is; a warning when it is somebody else's already."""
    owner = f"{getpass.getuser()}@{os.uname().nodename}"
    mark = {"version": 1, "pool": pool.name, "owner": owner, "created_at": pool.created_at.isoformat()}
    if store.create(_MARK, json.dumps(mark).encode()):
        return []
    try:
        there = json.loads(store.read(_MARK))
        if (there["pool"], there["owner"]) == (pool.name, owner):
            return []
        whose = f"of the pool {there['pool']!r}, made by {there['owner']} at {there['created_at']}"
    except (ValueError, KeyError, TypeError):
        whose = "of somebody unknown"
    return [
        f"The containers {pool.prefix}-… in {pool.account_url} are those {whose}. One pool belongs to one site: two "
        "that use the same take each other's responses, and clean up each other's results."
    ]


def azure_pool(site: Site, name: str) -> AzurePool:
    """Raises InputError(pool_unknown, pool_local)."""
    definition = site.pools.definition(name)
    if isinstance(definition, AzurePool):
        return definition
    raise InputError(
        "pool_local",
        "The pool `local` is this machine: it needs no workers from elsewhere, and stays.",
        "Make one that others can join: codalab-nb pool create NAME",
    )


def invite(site: Site, name: str, life: dt.timedelta) -> Invite:
    """An invite of its own for one worker; the site remembers that it made it. Nothing is asked of Azure."""
    azure_pool(site, name)
    if not SHORTEST_INVITE <= life <= LONGEST_INVITE:
        raise InputError("invite_life", f"An invite cannot be good for {life}.", "Between 1h and 366d: --expires 30d")
    made: list[Invite] = []

    def add(pool: AzurePool) -> AzurePool:
        now = utc_now()
        expires = (now + life).replace(microsecond=0)
        taken = {one.expires_at for one in pool.invites}
        while expires in taken:  # a token is its expiry and a signature: with a second of its own it is its own token
            expires -= dt.timedelta(seconds=1)
        one = Invite(
            id=secrets.token_hex(4),
            pool=pool.name,
            namespace=pool.namespace,
            queues=pool.queues,
            tokens=wiring.worker_tokens(pool, expires),
            account_url=pool.account_url,
            made_at=now,
            expires_at=expires,
            heartbeat_s=pool.heartbeat_s,
            lock_s=pool.lock_s,
        )
        made.append(one)
        return _with_invite(pool, Invited(id=one.id, made_at=now, expires_at=expires))

    site.pools.files.change(name, add)
    return made[-1]


def _with_invite(pool: AzurePool, new: Invited) -> AzurePool:
    kept = [one for one in pool.invites if one.expires_at > new.made_at - dt.timedelta(days=90)]
    return pool.model_copy(update={"invites": (*kept, new)})


@dataclass(frozen=True)
class Revoked:
    """Who must join again: workers that were there, and invites that had not expired."""

    workers: tuple[str, ...]
    invites: tuple[str, ...]


def revoke(site: Site, name: str, *, connection: str | None = None) -> Revoked:
    """Ends every invite of the pool. Tasks that run go on and end: what they need came with their grants.

    `connection` as for `create`. May be repeated when it was broken off.
    """
    pool = azure_pool(site, name)
    workers = tuple(one.sign.worker for one in there(site, name))
    admin = wiring.pool_admin(connection, pool.namespace)
    try:
        keys = admin.rekey_workers(pool.queues)
    finally:
        admin.close()
    now = utc_now()
    ended = tuple(one.id for one in pool.invites if one.revoked_at is None and one.expires_at > now)

    def rekeyed(current: AzurePool) -> AzurePool:
        invites = tuple(
            one if one.revoked_at else one.model_copy(update={"revoked_at": now}) for one in current.invites
        )
        return current.model_copy(update={"worker_keys": keys, "invites": invites})

    site.pools.files.change(name, rekeyed)
    return Revoked(workers, ended)


def remove(site: Site, name: str, *, connection: str | None = None, queues: bool = False) -> int:
    """Forgets a pool, and with `queues` deletes its queues. The number of results that stay in its store, which
    cannot be read from here any more. Raises InputError(pool_busy) while tasks are open."""
    pool = azure_pool(site, name)
    refuse_busy(site, name)
    if queues:
        admin = wiring.pool_admin(connection, pool.namespace)
        try:
            admin.remove(pool.queues)
        finally:
            admin.close()
    site.pools.files.remove(name)
    site.ledger.workers.forget(name)
    return len(site.ledger.find(pool=name))


def refuse_busy(site: Site, name: str) -> None:
    """Raises InputError(pool_busy) while tasks of the pool are open."""
    if open_ := site.ledger.open_tasks(name):
        raise InputError(
            "pool_busy",
            f"The pool {name} has {len(open_):,} open task{'s' if len(open_) > 1 else ''}.",
            f"Wait for them, or cancel them: codalab-nb cancel {open_[0].id[-8:]}",
        )


def living(pool: AzurePool) -> list[Invited]:
    """Invites that may still be used, the one that ends first in front."""
    now = utc_now()
    good = [one for one in pool.invites if one.revoked_at is None and one.expires_at > now]
    return sorted(good, key=lambda one: one.expires_at)


def ending(pool: AzurePool, within: dt.timedelta) -> list[Invited]:
    return [one for one in living(pool) if one.expires_at - utc_now() < within]


def there(site: Site, name: str) -> list[SeenWorker]:
    return [one for one in site.ledger.workers.of(name) if one.is_there]


def sees(name: str) -> str:
    """What `invite` says before one hands the file over."""
    return (
        f"Whoever holds this file can take tasks of the pool {name}, sees every message that waits in its queues, and "
        "reads notebook, inputs, parameters and passed variables of each task it takes; nothing of other pools, and "
        "nothing of this machine."
    )


def why_waits(site: Site, row: TaskRow) -> str | None:
    """Why a queued task waits although nothing is wrong with it; None when a worker is there, or may be."""
    if row.pool == LOCAL:
        return None
    listened_s = time.time() - (row.sent_at or row.submitted_at)
    if listened_s < SIGN_EVERY_S + _SIGN_GRACE_S and azure_pool(site, row.pool).invites:
        return None  # signs of life are only taken while somebody has a task there
    return no_worker(site, row.pool)


def no_worker(site: Site, name: str) -> str | None:
    """Why tasks of a pool wait when nobody is there to take them; None when somebody is, or nobody can know."""
    if name == LOCAL:
        return None
    seen = site.ledger.workers.of(name)
    if any(one.is_there and not one.sign.note for one in seen):
        return None
    if stuck := next((one for one in seen if one.is_there), None):
        return f"the workers of pool {name} take no work: {stuck.sign.note}"
    if seen:
        last = dt.datetime.fromtimestamp(seen[0].seen_at, dt.UTC)
        return f"no worker has been seen in pool {name} since {last:%Y-%m-%d %H:%M} UTC"
    return f"no worker has been seen in pool {name} yet: codalab-nb pool invite {name}"


def as_json(site: Site, name: str) -> Mapping[str, Any]:
    """What `pool list --json` says of one pool; nothing in it is secret."""
    definition = site.pools.definition(name)
    counted = {"open": len(site.ledger.open_tasks(name))}
    if not isinstance(definition, AzurePool):
        return {"pool": name, "kind": definition.kind, **counted}
    return {
        "pool": name,
        "kind": definition.kind,
        "namespace": definition.namespace,
        "queues": definition.queues.model_dump(),
        "account": definition.account_url,
        "prefix": definition.prefix,
        "created_at": definition.created_at,
        "signs_in": definition.account_key is None,
        "workers": len(there(site, name)),
        **counted,
    }
