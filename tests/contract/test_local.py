"""The embedded back ends, judged by the public contract suites."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from codalab_nb.bells import runtime_folder
from codalab_nb.queues.local import LocalQueue
from codalab_nb.stores.local import LocalAttemptStore, LocalStore
from codalab_nb.testing import QueueContract, QueueUnderTest, StoreContract, StoreUnderTest


class LocalUnderTest:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runtime = runtime_folder(folder)

    def site(self) -> LocalStore:
        return LocalStore(self._folder / "store", self._runtime)

    def attempt(self, task: str, n: int, *, inputs: Sequence[str] = ()) -> LocalAttemptStore:
        return self.site().attempt(task, n)


class TestLocalStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> StoreUnderTest:
        return LocalUnderTest(tmp_path)

    def test_no_half_made_file_stays(self, store: StoreUnderTest) -> None:
        """Lost races and refused blobs leave nothing in tmp/."""
        self.test_of_many_creators_at_once_exactly_one_wins(store)
        assert not list(store.site().list("tmp/"))


class TestLocalQueue(QueueContract):
    @pytest.fixture
    def queue(self, tmp_path: Path) -> Iterator[Callable[[float], QueueUnderTest]]:
        made: list[LocalQueue] = []

        def make(lock_s: float) -> LocalQueue:
            made.append(LocalQueue(tmp_path / "queue.db", "q", runtime_folder(tmp_path), lock_s=lock_s))
            return made[-1]

        yield make
        for one in made:
            one.close()
