"""A worker's side of Azure Blob Storage: one attempt, from the link to its grant and from nothing else.

The service enforces what the grant says (create and append in the task's container; read the names listed). This
module asks for nothing else, tells a lost race from a right that has ended (both are 403), and never lists.
"""

from __future__ import annotations

import concurrent.futures
import email.utils
import os
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from azure.core import MatchConditions
from azure.storage.blob import BlobClient
from pydantic import ValidationError

from codalab_nb import failpoints
from codalab_nb.errors import ProtocolError, UnavailableError
from codalab_nb.model import names
from codalab_nb.model.grant import Grant
from codalab_nb.stores.azure_appends import Appends
from codalab_nb.stores.azure_cache import Cache, Lease
from codalab_nb.stores.azure_edge import (
    PART_S,
    PATIENCE_S,
    Cause,
    Edge,
    Refused,
    client_options,
    make_transport,
    surprise,
    travels_in_the_clear,
)
from codalab_nb.stores.azure_fetch import Progress, no_progress
from codalab_nb.stores.azure_parts import PART_BYTES, part_name
from codalab_nb.stores.azure_watch import MARK_LIFE_S
from codalab_nb.stores.ports import Forbidden, NotFound

_WATCHED_S = 0.8  # between two appends while somebody watches; with the viewer's own pause less than a second
_LOOK_FOR_WATCHERS_S = 4.0
_PARTS_AT_A_TIME = 2  # each is held in memory


class AzureAttempts:
    """What a worker process keeps for all its attempts: connections and the cache of inputs."""

    def __init__(
        self,
        cache: Cache,
        *,
        patience_s: float = PATIENCE_S,
        part_s: float = PART_S,
        certificate: str | None = None,
        progress: Progress = no_progress,
    ) -> None:
        self.cache = cache
        self.edge = Edge(patience_s, part_s)
        self.progress = progress
        self._transport = make_transport(certificate)

    def open(self, task: str, n: int, link: str) -> AzureAttempt:
        """The attempt that `link` grants. Nothing is asked of the store before the first use."""
        return AzureAttempt(self, task, n, link)

    def client(self, link: str) -> BlobClient:
        if travels_in_the_clear(link):
            raise ProtocolError("bad_grant", "The link to the grant is not one that is safe on the way (https).")
        try:
            return BlobClient.from_blob_url(link, **client_options(self._transport))
        except ValueError as error:
            raise ProtocolError("bad_grant", "The link to the grant is not one.") from Cause(type(error).__name__)

    def close(self) -> None:
        self._transport.close()


class AzureAttempt:
    """An AttemptStore. Used by the threads of one attempt; `close` gives its inputs back to the cache."""

    append_limit = 45_000  # a blob takes 50,000 appends

    def __init__(self, process: AzureAttempts, task: str, n: int, link: str) -> None:
        self._process = process
        self._edge = process.edge
        self._names = names.TaskNames(task)
        self._n = n
        self._link = link
        self._granted: Grant | None = None
        self._lock = threading.Lock()
        self._leases: dict[str, list[Lease]] = {}
        self._clients: dict[str, BlobClient] = {}
        self._appends: dict[str, Appends] = {}
        self._document: bytes | None = None
        self._watched = False
        self._looked_at = float("-inf")

    def close(self) -> None:
        with self._lock:
            leases = [lease for held in self._leases.values() for lease in held]
            self._leases.clear()
        for lease in leases:
            lease.close()

    # --- the grant

    @property
    def _grant(self) -> Grant:
        with self._lock:
            if self._granted is None:
                self._granted = self._read_grant()
            return self._granted

    def _read_grant(self) -> Grant:
        name = self._names.grant(self._n)
        try:
            blob = self._process.client(self._link)
            data = self._edge.call(name, lambda: blob.download_blob().readall())
        except Refused as refused:
            raise self._over(refused) from refused.cause
        try:
            grant = Grant.model_validate_json(data)
        except ValidationError as error:
            raise ProtocolError("bad_grant", f"The grant of attempt {self._n} cannot be read.") from Cause(
                f"{error.error_count()} fields are wrong"
            )
        if (grant.task, grant.n) != (self._names.task, self._n):
            raise ProtocolError("bad_grant", f"The grant is for attempt {grant.n} of task {grant.task}.")
        return grant

    def _over(self, refused: Refused) -> UnavailableError:
        until = f" until {self._granted.expires_at:%Y-%m-%d %H:%M} UTC" if self._granted else ""
        return UnavailableError(
            "grant_expired",
            f"The store no longer takes the grant of attempt {self._n} of task {self._names.task}, which was made to"
            f" last{until or ' for its message and its run'} ({refused.status} {refused.code}).",
            "The site gives the next attempt a fresh one. If each attempt ends so, the site's clock may be wrong.",
        )

    def _reader(self, name: str) -> BlobClient:
        link = self._grant.read.get(name)
        if link is None:
            raise Forbidden(name)
        return self._client(link)

    def _writer(self, name: str) -> BlobClient:
        """For a name in the task's own container."""
        if not self._may_create(name):
            raise Forbidden(name)
        below = quote(name.removeprefix(self._names.folder))
        return self._client(f"{self._grant.container}/{below}?{self._grant.create}")

    def _client(self, link: str) -> BlobClient:
        with self._lock:
            if link not in self._clients:
                if len(self._clients) > 200:  # one for each result file would add up
                    self._clients.clear()
                self._clients[link] = self._process.client(link)
            return self._clients[link]

    def _may_create(self, name: str) -> bool:
        parts = name.split("/")
        inside = name.startswith(self._names.attempt(self._n)) and not {"", ".", ".."} & set(parts)
        return inside or name == self._names.result

    # --- create-if-absent

    def create(self, name: str, data: bytes) -> bool:
        blob = self._writer(name)

        def put() -> None:
            blob.upload_blob(data, length=len(data), overwrite=False, validate_content=True)
            failpoints.hit("commit.after_link")
            if name == self._names.result:
                failpoints.hit("commit.drop_reply")

        try:
            self._edge.call(name, put, writes=True)
        except Refused as refused:
            return self._lost(name, data, refused)
        return True

    def _lost(self, name: str, data: bytes, refused: Refused) -> bool:
        """What a refused create means: it was there (then True if an unanswered try of ours made it), or we may not."""
        if refused.status not in (401, 403, 409, 412):
            raise surprise(name, refused) from refused.cause
        if name in self._grant.read:
            try:
                return self.read(name) == data and refused.unsure
            except NotFound:
                # It is not there, and still we may not make it: the right to create has ended.
                raise self._over(refused) from refused.cause
        if refused.status in (401, 403):
            self._assure(refused)
        return False

    def _assure(self, refused: Refused) -> None:
        """Raises UnavailableError(grant_expired) unless the grant still opens what it did; all of it ends at once."""
        try:
            self.read(self._names.result)
        except NotFound:
            pass
        except UnavailableError as error:
            raise self._over(refused) from error

    def create_file(self, name: str, source: Path) -> bool:
        # The source may be what a stranger's notebook left: never follow a link, never open a pipe.
        fd = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            size = os.fstat(fd).st_size
            if size <= PART_BYTES:
                made = self.create(name, os.pread(fd, size, 0))
                self._process.progress(name, size, size)
                return made
            return self._create_parts(name, fd, size)
        finally:
            os.close(fd)

    def _create_parts(self, name: str, fd: int, size: int) -> bool:
        """Parts that are there already, from a try that was broken off, are not sent again."""
        path = name.removeprefix(self._names.files(self._n))
        if path == name:
            raise Forbidden(name)
        done = 0
        lock = threading.Lock()

        def one(index: int) -> bool:
            nonlocal done
            data = os.pread(fd, PART_BYTES, index * PART_BYTES)
            made = self.create(part_name(self._names, self._n, path, index), data)
            with lock:
                done += len(data)
                self._process.progress(name, done, size)
            return made

        with concurrent.futures.ThreadPoolExecutor(_PARTS_AT_A_TIME, thread_name_prefix="parts") as pool:
            return all(list(pool.map(one, range(-(-size // PART_BYTES)))))

    # --- appending

    def append(self, name: str, position: int, data: bytes) -> int:
        if not name.startswith(self._names.events(self._n).removesuffix("000.jsonl")):
            raise Forbidden(name)
        with self._lock:
            appends = self._appends.setdefault(name, Appends())
        return appends.append(self, name, position, data)

    def append_at(self, name: str, position: int, data: bytes) -> bool:
        """False when the blob does not end at `position`. Raises UncertainWrite."""
        blob = self._writer(name)

        def put() -> None:
            failpoints.hit("events.mid_append")
            blob.append_block(data, length=len(data), appendpos_condition=position, validate_content=True)

        try:
            self._edge.call(name, put, writes=True)
        except Refused as refused:
            if refused.code == "AppendPositionConditionNotMet":
                # Only we write here: a try without an answer has done its work, or (False) an earlier call's has.
                return refused.unsure
            if refused.status in (401, 403):
                raise self._over(refused) from refused.cause
            raise surprise(name, refused) from refused.cause
        return True

    def create_append_blob(self, name: str) -> None:
        """Makes it, unless it is there."""
        blob = self._writer(name)
        try:
            self._edge.call(
                name, lambda: blob.create_append_blob(match_condition=MatchConditions.IfMissing), writes=True
            )
        except Refused as refused:
            self._lost(name, b"", refused)

    @property
    def append_interval_s(self) -> float | None:
        """Asks, now and then, whether somebody watches."""
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_FOR_WATCHERS_S:
            self._looked_at = now
            self._watched = self._mark_is_fresh()
        return _WATCHED_S if self._watched else None

    def _mark_is_fresh(self) -> bool:
        """Both times are the store's own: when the mark was made, and when it answered."""
        headers: dict[str, str] = {}

        def note(response: Any) -> None:
            headers.update({key.lower(): value for key, value in response.http_response.headers.items()})

        blob = self._reader(self._names.watched)
        try:
            self._edge.call(self._names.watched, lambda: blob.get_blob_properties(raw_response_hook=note))
        except NotFound:
            return False
        except Refused as refused:
            raise self._over(refused) from refused.cause
        times = [email.utils.parsedate_to_datetime(headers[key]) for key in ("date", "last-modified") if key in headers]
        return len(times) == 2 and (times[0] - times[1]).total_seconds() <= MARK_LIFE_S

    # --- reading

    def read(self, name: str) -> bytes:
        if name == self._names.document and self._document is not None:
            return self._document  # it never changes
        blob = self._reader(name)
        try:
            data = self._edge.call(name, lambda: blob.download_blob().readall())
        except Refused as refused:
            if refused.status in (401, 403):
                raise self._over(refused) from refused.cause
            raise surprise(name, refused) from refused.cause
        if name == self._names.document:
            self._document = data
        return data

    def blob(self, sha256: str, size: int) -> Path:
        name = names.blob(sha256)
        self._reader(name)
        # Asked for once more, it was not what it should be, or two inputs are the same file: then it is read in full.
        lease = self._process.cache.lease(
            sha256, size, partial(self._read_range, name), name, self._process.progress, check=sha256 in self._leases
        )
        with self._lock:
            self._leases.setdefault(sha256, []).append(lease)
        return lease.path

    def _read_range(self, name: str, offset: int, length: int) -> bytes:
        try:
            return self._edge.read_range(name, self._reader(name), offset, length)
        except Refused as refused:
            if refused.status in (401, 403):
                raise self._over(refused) from refused.cause
            raise surprise(name, refused) from refused.cause
