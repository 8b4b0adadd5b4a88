"""The pools that this machine has joined: their invites, kept private, and which process serves each of them now.

Below the home: `worker/POOL/invite.json` (mode 0600: it is a credential), `worker/POOL/lock` (held by the process that
serves, which writes into it who it is; the lock dies with its holder, also after kill -9), scratch and cache.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import ValidationError

from codalab_nb.durable import make_folder
from codalab_nb.errors import InputError, UnavailableError
from codalab_nb.model.base import utc_now
from codalab_nb.model.pool import Invite, is_pool_name
from codalab_nb.places import Places

_NEW_INVITE = "Ask the pool's owner for another: `codalab-nb pool invite POOL`."
_STOP_LOOK_S = 0.05
_LOCK_WAIT_S = 1.0  # who asks whether somebody serves holds the lock for a moment
_LONGEST_INVITE = 64 << 10


@dataclass(frozen=True)
class Serving:
    """What the process that serves a pool says of itself."""

    pid: int
    port: int  # of its health page on 127.0.0.1
    started_at: float  # Unix seconds
    version: str


class Joined:
    """One pool's folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pool = folder.name

    @property
    def invite_file(self) -> Path:
        return self.folder / "invite.json"

    @property
    def scratch(self) -> Path:
        return self.folder / "scratch"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def invite(self) -> Invite:
        """Raises InputError(invite_damaged, invite_expired)."""
        return read_invite(self.invite_file)

    def keep(self, invite: Invite) -> None:
        """Replaces what was kept before, whole or not at all."""
        make_folder(self.folder)
        fresh = self.folder / "invite.json.new"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(invite.to_bytes())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.invite_file)

    def forget(self) -> None:
        self.invite_file.unlink(missing_ok=True)

    def serving(self) -> Serving | None:
        """Who serves this pool now. Never takes the lock, so that a process that is starting is not disturbed."""
        try:
            fd = os.open(self.folder / "lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
        except BlockingIOError:
            with suppress(ValueError, TypeError):
                return Serving(**json.loads(os.pread(fd, 65536, 0)))
            return Serving(0, 0, time.time(), "")  # it has just taken the lock and not yet said who it is
        finally:
            os.close(fd)

    @contextmanager
    def lock(self) -> Iterator[int]:
        """Holds the lock. Raises UnavailableError(already_serving)."""
        make_folder(self.folder)
        fd = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._take(fd)
            os.ftruncate(fd, 0)
            yield fd
        finally:
            os.close(fd)

    def _take(self, fd: int) -> None:
        deadline = time.monotonic() + _LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() < deadline:
                    time.sleep(_STOP_LOOK_S)
                    continue
                other = self.serving()
                raise UnavailableError(
                    "already_serving",
                    f"The process {other.pid if other else '?'} serves the pool {self.pool} here already.",
                    "Give that one more slots (`--slots`), or use another CODALAB_NB_HOME for a second one.",
                ) from None

    def stop(self, timeout_s: float) -> Serving | None:
        """Asks the process to finish and go; who it was, or None. Raises UnavailableError(worker_busy)."""
        serving = self.serving()
        if serving is None:
            return None
        if serving.pid > 0:
            with suppress(ProcessLookupError):
                os.kill(serving.pid, signal.SIGTERM)
        deadline = time.monotonic() + timeout_s
        while self.serving() is not None:
            if time.monotonic() > deadline:
                raise UnavailableError(
                    "worker_busy",
                    f"The worker {serving.pid} did not stop within {timeout_s:.0f} s.",
                    f"Wait, or `kill -9 {serving.pid or 'ITS-PID'}`: nothing is lost, what ran is run again elsewhere.",
                )
            time.sleep(_STOP_LOOK_S)
        return serving


def write_serving(fd: int, serving: Serving) -> None:
    os.ftruncate(fd, 0)
    os.pwrite(fd, json.dumps(asdict(serving)).encode(), 0)


def read_invite(path: Path) -> Invite:
    """Raises InputError: missing_file, invite_damaged, invite_newer, invite_expired."""
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST_INVITE)
    except OSError as error:
        raise InputError("missing_file", f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    try:
        invite = Invite.model_validate_json(data)
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False)
        if any(one["loc"] == ("version",) for one in told) and b'"version"' in data:
            raise InputError(
                "invite_newer",
                f"{path} was made by a newer version of codalab-nb.",
                "pip install -U 'codalab-nb[azure]'",
            ) from error
        raise InputError("invite_damaged", f"{path} is no invite: {told[0]['msg']}.", _NEW_INVITE) from error
    now = utc_now()
    if invite.expires_at <= now:
        raise InputError(
            "invite_expired",
            f"The invite to {invite.pool} was good until {invite.expires_at:%Y-%m-%d %H:%M} UTC; by the clock of this "
            f"machine it is {now:%Y-%m-%d %H:%M} UTC.",
            _NEW_INVITE,
        )
    return invite


def folder_of(places: Places, pool: str) -> Joined:
    return Joined(places.state / "worker" / pool)


def all_joined(places: Places) -> list[Joined]:
    """Every pool with an invite here, by name."""
    files = (places.state / "worker").glob("*/invite.json")
    return [Joined(file.parent) for file in sorted(files) if is_pool_name(file.parent.name)]


def the_pool(places: Places, pool: str | None) -> Joined:
    """The named one, or the only one. Raises InputError(not_joined, which_pool)."""
    joined = all_joined(places)
    if pool is None and len(joined) == 1:
        return joined[0]
    names = [one.pool for one in joined]
    if pool is None and joined:
        raise InputError("which_pool", f"This machine has joined {', '.join(names)}.", "Name one: --pool POOL")
    found = next((one for one in joined if one.pool == pool), None)
    if found is None:
        what = f"has not joined {pool}" if pool else "has joined no pool"
        raise InputError("not_joined", f"This machine {what}.", "codalab-worker join INVITE-FILE")
    return found
