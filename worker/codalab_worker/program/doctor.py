"""`codalab-worker doctor`: would serving work here, and if not, what to do? It changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import psutil

from codalab_nb import wiring
from codalab_nb.errors import CodalabError
from codalab_nb.model.base import utc_now
from codalab_nb.model.pool import Invite
from codalab_nb.places import Places
from codalab_nb.settings import Settings
from codalab_worker.program.joined import Joined, all_joined
from codalab_worker.sandboxes import probing

Level = Literal["ok", "warning", "problem"]
_LITTLE_SPACE, _NO_SPACE = 5 << 30, 500 << 20
_WARN_DAYS = 7
_LOOK_S = 3.0  # opening two queues far away takes about one


@dataclass(frozen=True)
class Check:
    """One line: what was looked at, how it is, in words, and what to do when it is not ok."""

    check: str
    level: Level
    message: str
    fix: str = ""


def checks(places: Places, settings: Settings) -> Iterator[Check]:
    """The machine first, then each pool that it has joined."""
    if settings.sandbox == "none":
        yield Check("sandbox", "problem", "the settings say sandbox = none", "Unset CODALAB_NB_SANDBOX.")
    elif why := probing.why_not():
        yield Check("sandbox", "problem", why, "sudo apt install bubblewrap")
    else:
        yield Check("sandbox", "ok", "bubblewrap works")
    yield _disk(places)
    memory = psutil.virtual_memory().total / 1e9
    yield Check("machine", "ok", f"{psutil.cpu_count() or 1} processors, {memory:.0f} GB of memory")
    joined = all_joined(places)
    if not joined:
        yield Check("pools", "warning", "none joined yet", "codalab-worker join INVITE-FILE")
    for one in joined:
        yield from _pool(one)


def _disk(places: Places) -> Check:
    free = shutil.disk_usage(places.state).free
    told = f"{free / 1e9:,.1f} GB free at {places.state}"
    if free < _NO_SPACE:
        return Check("disk", "problem", told, "Free some, or set CODALAB_NB_HOME to a folder on another disk.")
    return Check("disk", "warning" if free < _LITTLE_SPACE else "ok", told)


def _pool(joined: Joined) -> Iterator[Check]:
    name = f"pool {joined.pool}"
    try:
        invite = joined.invite()
    except CodalabError as error:
        yield Check(name, "problem", error.message, error.fix)
        return
    days = (invite.expires_at - utc_now()).days
    level: Level = "warning" if days < _WARN_DAYS else "ok"
    fix = f"Ask the pool's owner for another in time: codalab-nb pool invite {joined.pool}" if days < _WARN_DAYS else ""
    yield Check(name, level, f"the invite is good for {days} more day(s)", fix)
    if (serving := joined.serving()) is not None:
        yield Check(name, "ok", f"process {serving.pid} serves it; http://127.0.0.1:{serving.port}/health")
        return
    try:
        try_out(invite, joined)
    except CodalabError as error:
        yield Check(name, "problem", error.message, error.fix)
    else:
        yield Check(name, "ok", "its queues can be reached; nobody serves it here now: codalab-worker run")


def try_out(invite: Invite, joined: Joined) -> None:
    """Asks for a message once and gives it back. Raises UnavailableError for its address, the network, its tokens."""
    side = wiring.worker_side(invite, joined.cache)
    try:
        message = side.tasks.receive(timeout_s=_LOOK_S)
        if message is not None:
            side.tasks.abandon(message)
    finally:
        side.close()
