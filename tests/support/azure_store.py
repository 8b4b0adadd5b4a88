"""A site and its workers on a storage account, for tests of the store."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codalab_nb.model.base import new_id, utc_now
from codalab_nb.model.bundle import FileRef
from codalab_nb.model.task import TaskDocument
from codalab_nb.stores.azure import AzureStore
from codalab_nb.stores.azure_attempt import AzureAttempt, AzureAttempts
from codalab_nb.stores.azure_cache import Cache
from tests.support.azurite import Account


def document_of(task: str, digests: Sequence[str] = (), timeout_s: float = 3600.0) -> TaskDocument:
    """A task with these blobs as its inputs; the first one is its notebook."""
    refs = [FileRef(path=f"file{i}", size=0, sha256=digest) for i, digest in enumerate(digests or ["0" * 64])]
    return TaskDocument(
        task=task,
        created_at=utc_now(),
        deadline=utc_now() + dt.timedelta(days=1),
        notebook=refs[0],
        inputs=tuple(refs[1:]),
        interpreter="/usr/bin/python3",
        submitter="somebody",
        label="x",
    )


class Lab:
    """Each `site()` is a client of its own; workers get what a message would bring them, a link, and nothing else."""

    def __init__(self, account: Account, folder: Path, **options: Any) -> None:
        self.account = account
        self.folder = folder
        self.prefix = f"test{secrets.token_hex(4)}"
        self._options = options
        if account.certificate is not None:
            self._options["certificate"] = str(account.certificate)
        self.workers = self.process()
        self._sites: list[AzureStore] = []

    def process(self, cache: Cache | None = None, **options: Any) -> AzureAttempts:
        """What another worker process has."""
        known = {**self._options, **options}
        known.pop("credential", None)
        return AzureAttempts(cache or Cache(self.folder / "worker"), **known)

    def site(self, **options: Any) -> AzureStore:
        known = {**self._options, **options}
        known.pop("part_s", None)
        credential = known.pop("credential", self.account.key)
        store = AzureStore(self.account.url, credential, prefix=self.prefix, cache=self.folder / "site", **known)
        self._sites.append(store)
        return store

    def link(self, task: str, n: int = 1, inputs: Sequence[str] = (), life_s: float = 600) -> str:
        """The link that a message would bring; the task's document is in the store by then."""
        site = self._sites[0] if self._sites else self.site()
        document = document_of(task, inputs)
        site.create(f"tasks/{task}/task.json", document.to_bytes())
        return site.grant(document, n, utc_now() + dt.timedelta(seconds=life_s))

    def attempt(self, task: str | None = None, n: int = 1, *, inputs: Sequence[str] = ()) -> AzureAttempt:
        task = task or new_id()
        return self.workers.open(task, n, self.link(task, n, inputs))

    def close(self) -> None:
        self.workers.close()
        for store in self._sites:
            store.close()
