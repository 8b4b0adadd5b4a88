"""The store on Azure Blob Storage, judged by the public contract suite through the real SDK and a real socket."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from codalab_nb.model.base import utc_now
from codalab_nb.model.bundle import FileRef
from codalab_nb.model.task import TaskDocument
from codalab_nb.stores.azure import AzureStore
from codalab_nb.stores.azure_attempt import AzureAttempt, AzureAttempts
from codalab_nb.stores.azure_cache import Cache
from codalab_nb.testing import StoreContract, StoreUnderTest
from tests.support.azurite import Account


def document_of(task: str, digests: Sequence[str]) -> TaskDocument:
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


class AzureUnderTest:
    """Each `site()` is a client of its own; workers get what a message would bring them, a link, and nothing else."""

    def __init__(self, account: Account, folder: Path) -> None:
        self._account = account
        self._folder = folder
        self._prefix = f"test{secrets.token_hex(4)}"
        self._workers = AzureAttempts(Cache(folder / "worker"))
        self._sites: list[AzureStore] = []

    def site(self) -> AzureStore:
        store = AzureStore(self._account.url, self._account.key, prefix=self._prefix, cache=self._folder / "site")
        self._sites.append(store)
        return store

    def attempt(self, task: str, n: int, *, inputs: Sequence[str] = ()) -> AzureAttempt:
        expires = utc_now() + dt.timedelta(minutes=10)
        return self._workers.open(task, n, self.site().grant(document_of(task, inputs), n, expires))

    def close(self) -> None:
        self._workers.close()
        for store in self._sites:
            store.close()


class TestAzureStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path, account: Account) -> Iterator[StoreUnderTest]:
        under_test = AzureUnderTest(account, tmp_path)
        yield under_test
        under_test.close()
