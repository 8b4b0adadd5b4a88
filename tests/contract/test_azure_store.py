"""The store on Azure Blob Storage, judged by the public contract suite through the real SDK and a real socket."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from codalab_nb.model.base import utc_now
from codalab_nb.stores.azure_attempt import AzureAttempt
from codalab_nb.testing import StoreContract, StoreUnderTest
from tests.support.azure_store import Lab, document_of
from tests.support.azurite import Account, Token


class AzureUnderTest(Lab):
    def attempt(self, task: str, n: int = 1, *, inputs: Sequence[str] = ()) -> AzureAttempt:  # type: ignore[override]
        """Without a task document: the suite makes its own, or none."""
        link = self.site().grant(document_of(task, inputs), n, utc_now() + dt.timedelta(minutes=10))
        return self.workers.open(task, n, link)


class TestAzureStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path, account: Account) -> Iterator[StoreUnderTest]:
        under_test = AzureUnderTest(account, tmp_path)
        yield under_test
        under_test.close()


class TestAzureStoreOfAnIdentity(StoreContract):
    """The same with a bearer token in the place of the account's key: grants are user delegation SAS."""

    @pytest.fixture
    def store(self, tmp_path: Path, entra_account: Account) -> Iterator[StoreUnderTest]:
        under_test = AzureUnderTest(entra_account, tmp_path, credential=Token())
        yield under_test
        under_test.close()
