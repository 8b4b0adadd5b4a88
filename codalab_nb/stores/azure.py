"""Azure Blob Storage as a store: the site's side. The worker's side is `azure_attempt`.

One process shares one `AzureStore` among its threads. Immutable things (blobs, results) are kept in a local cache
folder; everything else is asked each time.
"""

from __future__ import annotations

import datetime as dt
import email.utils
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.storage.blob import BlobClient, BlobSasPermissions, BlobServiceClient, BlobType, ContainerSasPermissions

from codalab_nb import failpoints
from codalab_nb.errors import InputError
from codalab_nb.model import names
from codalab_nb.model.grant import Grant
from codalab_nb.model.names import is_events
from codalab_nb.model.task import TaskDocument
from codalab_nb.stores.azure_cache import DEFAULT_BYTES, Cache
from codalab_nb.stores.azure_containers import Containers
from codalab_nb.stores.azure_edge import (
    PATIENCE_S,
    Edge,
    Refused,
    client_options,
    make_transport,
    surprise,
    travels_in_the_clear,
)
from codalab_nb.stores.azure_fetch import Progress, no_progress
from codalab_nb.stores.azure_results import Results
from codalab_nb.stores.azure_signing import Signer
from codalab_nb.stores.azure_upload import upload
from codalab_nb.stores.azure_watch import Watching
from codalab_nb.stores.ports import Changes, Damaged, Forbidden, Look, NotFound

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_SPARE_S = 3600.0  # what was used in the last hour stays: readers of the site hold no leases


class AzureStore:
    """The site's view of the account at `account_url`, in containers that start with `prefix`.

    `credential`: the account's key, or an identity (azure-identity) with the roles Storage Blob Data Contributor and
    Storage Blob Delegator. `certificate`: a file with whom to trust besides the usual authorities. `patience_s`: for
    how long a service that does not answer is asked again before UnavailableError.
    """

    def __init__(
        self,
        account_url: str,
        credential: str | TokenCredential,
        *,
        prefix: str,
        cache: Path,
        cache_bytes: int = DEFAULT_BYTES,
        patience_s: float = PATIENCE_S,
        certificate: str | None = None,
        progress: Progress = no_progress,
    ) -> None:
        self.containers = Containers(prefix)
        self._edge = Edge(patience_s)
        self._transport = make_transport(certificate)
        try:
            if travels_in_the_clear(account_url):
                raise ValueError("it does not begin with https")
            self._service = BlobServiceClient(account_url, credential, **client_options(self._transport))
        except ValueError as error:
            raise InputError(
                "store_address",
                f"{account_url!r} is not the address of a storage account ({error}).",
                "It looks like https://ACCOUNT.blob.core.windows.net.",
            ) from error
        self._signer = Signer(self._service, self._edge, credential if isinstance(credential, str) else None)
        self._progress = progress
        self._cache = Cache(cache / "blobs", limit_bytes=cache_bytes, spare_s=_SPARE_S)
        self._results = Results(self, cache / "results", limit_bytes=cache_bytes, spare_s=_SPARE_S, progress=progress)

    def close(self) -> None:
        self._transport.close()

    # --- create-if-absent

    def create(self, name: str, data: bytes) -> bool:
        blob = self._blob(name)

        def put() -> None:
            blob.upload_blob(data, length=len(data), overwrite=False, validate_content=True)
            failpoints.hit("commit.after_link")
            if name.endswith("/result.json"):
                failpoints.hit("commit.drop_reply")

        first = name.endswith("/task.json")  # nothing of the task is there before its document
        try:
            self._with_container(name, lambda: self._edge.call(name, put, writes=True), first=first)
        except Refused as refused:
            if refused.status not in (409, 412):
                raise surprise(name, refused) from refused.cause
            # A try without an answer may have been the one that made it.
            return refused.unsure and self.read(name) == data
        return True

    def _with_container(self, name: str, action: Callable[[], None], *, first: bool = False) -> None:
        """Runs `action` with the container made that it needs; `first`: it is probably not there yet."""
        if first:
            self._make_container(name)
        try:
            action()
        except NotFound:
            if first:
                raise
            self._make_container(name)
            action()

    def _make_container(self, name: str) -> None:
        container = self._service.get_container_client(self.containers.place(name)[0])
        try:
            self._edge.call(name, container.create_container)
        except Refused as refused:
            if refused.code != "ContainerAlreadyExists":
                raise surprise(name, refused) from refused.cause

    # --- reading

    def _blob(self, name: str) -> BlobClient:
        container, blob = self.containers.place(name)
        if not blob or blob.endswith("/"):
            raise Forbidden(name)
        return self._service.get_blob_client(container, blob)

    def read(self, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        blob = self._blob(name)

        def get() -> bytes:
            # Without any range the SDK copes with an empty blob by itself.
            start = offset if limit is not None else offset or None
            found = blob.download_blob(offset=start, length=limit)
            # A worker may append to what it created so: a verdict that can be changed later is none.
            if found.properties.blob_type == BlobType.APPENDBLOB and not is_events(name):
                raise Damaged(name)
            return found.readall()

        try:
            return self._edge.call(name, get)
        except Refused as refused:
            if refused.status == 416:  # nothing there, yet
                return b""
            raise surprise(name, refused) from refused.cause

    def read_range(self, name: str, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset` on."""
        try:
            return self._edge.read_range(name, self._blob(name), offset, length)
        except Refused as refused:
            raise surprise(name, refused) from refused.cause

    def look(self, name: str) -> Look | None:
        blob = self._blob(name)
        headers: dict[str, str] = {}

        def note(response: Any) -> None:
            headers.update(response.http_response.headers)

        try:
            found = self._edge.call(name, lambda: blob.get_blob_properties(raw_response_hook=note))
        except NotFound:
            return None
        except Refused as refused:
            raise surprise(name, refused) from refused.cause
        return Look(size=found.size, version=str(found.etag), age_s=_age_s(headers, found.last_modified))

    def list(self, prefix: str) -> Iterator[str]:
        if prefix != "tasks/":
            yield from self._list(*self.containers.place(prefix))
            return
        pages = self._service.list_containers(name_starts_with=f"{self.containers.prefix}-").by_page()
        for container in self._paged("tasks/", pages):
            if self.containers.task_of(container.name):
                yield from self._list(container.name, "")

    def _list(self, container: str, prefix: str) -> Iterator[str]:
        task = self.containers.task_of(container)
        before = f"tasks/{task}/" if task else ""
        pages = self._service.get_container_client(container).list_blob_names(name_starts_with=prefix or None).by_page()
        for blob in self._paged(before + prefix, pages):
            # What a worker named so that it is no name of ours goes when the container goes.
            if self.containers.is_name(before + str(blob)):
                yield before + str(blob)

    def _paged(self, name: str, pages: Iterator[Iterator[Any]]) -> Iterator[Any]:
        """The entries of all pages; a container that is not there has none."""
        while True:
            try:
                page = self._edge.call(name, lambda: next(pages, None))
            except NotFound:
                return
            except Refused as refused:
                raise surprise(name, refused) from refused.cause
            if page is None:
                return
            yield from page

    def folder(self, prefix: str) -> Path:
        digest = prefix.rpartition("/")[2]
        if prefix == names.blob(digest):
            return self._cached(digest)
        return self._results.folder(prefix)

    def _cached(self, sha256: str) -> Path:
        """The blob as a file of the cache; a path where nothing is when the store has none."""
        name = names.blob(sha256)
        if (path := self._cache.path(sha256)).is_file():
            return path
        look = self.look(name)
        if look is None:
            return path
        lease = self._cache.lease(sha256, look.size, partial(self.read_range, name), name, self._progress)
        lease.close()
        return lease.path

    # --- the rest

    def delete(self, name: str, *, version: str | None = None) -> bool:
        blob = self._blob(name)
        condition: dict[str, Any] = {"delete_snapshots": "include"}  # the right to create is one to make those, too
        if version is not None:
            condition |= {"etag": version, "match_condition": MatchConditions.IfNotModified}
        try:
            self._edge.call(name, lambda: blob.delete_blob(**condition), writes=True)
        except NotFound:
            return False
        except Refused as refused:
            if refused.status == 412:
                return False
            raise surprise(name, refused) from refused.cause
        if task := self.containers.task_of(blob.container_name):
            self._leave_no_shell(task, name)
        return True

    def _leave_no_shell(self, task: str, deleted: str) -> None:
        """Removes the container of a task with the last name in it; of a result's many files not each one asks."""
        if deleted.split("/")[-2:-1] in (["files"], ["parts"]) or "/files/" in deleted or "/parts/" in deleted:
            return
        if next(self._list(self.containers.of_task(task), ""), None) is not None:
            return
        container = self._service.get_container_client(self.containers.of_task(task))
        try:
            self._edge.call(deleted, container.delete_container, writes=True)
        except NotFound:
            pass
        except Refused as refused:
            raise surprise(deleted, refused) from refused.cause
        self._results.forget(task)

    def put_blob(self, source: Path | bytes, sha256: str) -> bool:
        if self.touch_blob(sha256):
            return False
        name = names.blob(sha256)
        blob = self._blob(name)
        try:
            self._with_container(name, lambda: upload(self._edge, blob, name, source, sha256, self._progress))
        except Refused as refused:
            if refused.status not in (409, 412):
                raise surprise(name, refused) from refused.cause
            return not self.touch_blob(sha256)
        return True

    def touch_blob(self, sha256: str) -> bool:
        name = names.blob(sha256)
        blob = self._blob(name)
        used = {"used": dt.datetime.now(dt.UTC).isoformat(timespec="seconds")}
        try:
            self._edge.call(name, lambda: blob.set_blob_metadata(used))
        except NotFound:
            return False
        except Refused as refused:
            raise surprise(name, refused) from refused.cause
        return True

    def changes(self, task: str | None) -> AbstractContextManager[Changes]:
        return Watching(self, task)

    def mark_watched(self, task: str) -> None:
        """Lets the task's worker know that somebody looks on: its output then comes at once and not in bundles."""
        name = names.TaskNames(task).watched
        blob = self._blob(name)
        try:
            self._edge.call(name, lambda: blob.upload_blob(b"", length=0, overwrite=True))
        except NotFound:
            pass  # removed meanwhile: there is nothing to see
        except Refused as refused:
            raise surprise(name, refused) from refused.cause

    # --- what a worker may do

    @property
    def longest_grant_s(self) -> float | None:
        return self._signer.longest_s

    def grant(self, document: TaskDocument, n: int, expires: dt.datetime) -> str:
        """Raises InputError(grant_life) besides what every call raises. The link is a secret."""
        of = names.TaskNames(document.task)
        inputs = [ref.sha256 for ref in (document.notebook, *document.inputs)]
        expiry = expires.astimezone(dt.UTC).replace(microsecond=0)
        self._signer.check(expiry)
        readable = [
            of.document,
            of.result,
            of.watched,
            of.claim(n),
            of.grant(n),
            *map(names.blob, dict.fromkeys(inputs)),
        ]
        read = {name: self._link(name, expiry) for name in readable}
        container = self.containers.of_task(document.task)
        grant = Grant(
            task=document.task,
            n=n,
            expires_at=expiry,
            container=self._service.get_container_client(container).url,
            create=self._signer.container(container, ContainerSasPermissions(create=True, add=True), expiry),
            read=read,
        )
        blob = self._blob(of.grant(n))
        data = grant.to_bytes()

        def put() -> None:
            # Overwrites on purpose: a worker that took the name first must not decide what the next one is given.
            blob.upload_blob(data, length=len(data), overwrite=True, validate_content=True)

        try:
            self._with_container(of.grant(n), lambda: self._edge.call(of.grant(n), put, writes=True))
        except Refused as refused:
            raise surprise(of.grant(n), refused) from refused.cause
        return read[of.grant(n)]

    def _link(self, name: str, expiry: dt.datetime) -> str:
        container, blob = self.containers.place(name)
        return self._signer.link(container, blob, BlobSasPermissions(read=True), expiry)


def _age_s(headers: dict[str, str], modified: dt.datetime | None) -> float:
    """Seconds since the last change, both times by the service's clock."""
    said = next((value for key, value in headers.items() if key.lower() == "date"), None)
    now = email.utils.parsedate_to_datetime(said) if said else dt.datetime.now(dt.UTC)
    return max(0.0, (now - modified).total_seconds()) if modified else 0.0
