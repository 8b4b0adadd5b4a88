"""Public contract suites: every store and every queue, ours or yours, is judged by the same tests.

Subclass one in a test module, name the class `Test…`, and give it the fixture it asks for. The suites look at
behaviour only, and verify through a second object where the contract speaks of durability.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import pytest

from codalab_nb.errors import CodalabError, InputError
from codalab_nb.model.base import new_id
from codalab_nb.model.names import TaskNames, blob
from codalab_nb.queues.ports import Abilities, QueueAdmin, Receiver, Sender
from codalab_nb.stores.once import create_once
from codalab_nb.stores.ports import AttemptStore, Forbidden, NotFound, SiteStore

CONTESTANTS = 8

_T = TypeVar("_T")


class StoreUnderTest(Protocol):
    """What a store suite needs: the site's view, and a worker's view of one attempt."""

    def site(self) -> SiteStore: ...
    def attempt(self, task: str, n: int, *, inputs: Sequence[str] = ()) -> AttemptStore:
        """`inputs`: digests of the blobs that the attempt may read, where a store keeps count of them."""


class StoreContract:
    """Fixture `store`: a fresh, empty StoreUnderTest. `site()` may be called again: the same store, another client."""

    @pytest.fixture
    @abstractmethod
    def store(self, tmp_path: Path) -> StoreUnderTest: ...

    def test_created_bytes_are_read_back_by_another_client(self, store: StoreUnderTest) -> None:
        """What was created is there for everybody, byte for byte."""
        name = TaskNames(new_id()).document
        data = bytes(range(256)) * 100
        assert store.site().create(name, data)
        assert store.site().read(name) == data
        assert store.site().read(name, 256) == data[256:]
        assert store.site().read(name, len(data) + 5) == b""

    def test_the_first_creator_wins_and_bytes_never_change(self, store: StoreUnderTest) -> None:
        """I2: a name that was once readable keeps its bytes, whoever tries what."""
        name = TaskNames(new_id()).result
        assert store.site().create(name, b"first")
        assert not store.site().create(name, b"second")
        assert store.site().read(name) == b"first"

    def test_of_many_creators_at_once_exactly_one_wins(self, store: StoreUnderTest) -> None:
        """I7: the claim and the verdict rest on this."""
        name = TaskNames(new_id()).result
        won = _race(lambda i: store.site().create(name, f"{i}".encode()))
        assert sum(won) == 1
        assert store.site().read(name) == str(won.index(True)).encode()

    def test_create_once_tells_each_contestant_the_truth(self, store: StoreUnderTest) -> None:
        """The nonce read-back: who won knows it, who lost knows it, also when asked twice."""
        name = TaskNames(new_id()).result
        documents = [json.dumps({"nonce": str(i)}).encode() for i in range(CONTESTANTS)]
        won = _race(lambda i: create_once(store.site(), name, documents[i], str(i)))
        assert sum(won) == 1
        assert create_once(store.site(), name, documents[won.index(True)], str(won.index(True)))

    def test_absent_names_are_not_found(self, store: StoreUnderTest) -> None:
        """Absence is an answer of its own, never an empty document."""
        names = TaskNames(new_id())
        with pytest.raises(NotFound):
            store.site().read(names.document)
        assert store.site().look(names.document) is None

    def test_look_sees_every_change(self, store: StoreUnderTest) -> None:
        """Liveness is judged by `version`: it changes with every append and at no other time."""
        task = new_id()
        worker, name = store.attempt(task, 1), TaskNames(task).events(1)
        worker.create(TaskNames(task).claim(1), b"{}")
        position = worker.append(name, 0, b"one\n")
        first = store.site().look(name)
        assert first is not None
        unchanged = store.site().look(name)
        assert unchanged is not None
        assert unchanged.version == first.version
        worker.append(name, position, b"two\n")
        second = store.site().look(name)
        assert second is not None
        assert (second.size, second.version != first.version) == (8, True)
        assert second.age_s < 60

    def test_append_can_be_repeated(self, store: StoreUnderTest) -> None:
        """After a lost answer the same append is sent again: the line stands there once."""
        task = new_id()
        worker, name = store.attempt(task, 1), TaskNames(task).events(1)
        worker.create(TaskNames(task).claim(1), b"{}")
        position = worker.append(name, 0, b"one\n")
        assert worker.append(name, position, b"two\n") == 8
        assert worker.append(name, position, b"two\n") == 8
        assert store.site().read(name) == b"one\ntwo\n"

    def test_blobs_are_checked_and_kept_once(self, store: StoreUnderTest, tmp_path: Path) -> None:
        """A blob's name is its digest, for bytes and files alike; wrong bytes never get the name."""
        data = b"x" * 3_000_000
        digest = hashlib.sha256(data).hexdigest()
        source = tmp_path / "source"
        source.write_bytes(data)
        assert store.site().put_blob(source, digest)
        assert not store.site().put_blob(data, digest)
        assert store.attempt(new_id(), 1, inputs=[digest]).blob(digest, len(data)).read_bytes() == data
        other = hashlib.sha256(b"other").hexdigest()
        with pytest.raises(InputError, match="changed"):
            store.site().put_blob(source, other)
        assert store.site().look(blob(other)) is None

    def test_files_come_back_as_they_were(self, store: StoreUnderTest, tmp_path: Path) -> None:
        """Result files of any size arrive whole, and are write-once like everything else."""
        task = new_id()
        names = TaskNames(task)
        source = tmp_path / "table.csv"
        source.write_bytes(b"a,b\n" * 1_000_000)
        worker = store.attempt(task, 1)
        assert worker.create_file(names.files(1) + "deep/er/table.csv", source)
        assert not worker.create_file(names.files(1) + "deep/er/table.csv", source)
        assert (store.site().folder(names.files(1)) / "deep/er/table.csv").read_bytes() == source.read_bytes()

    def test_list_and_delete(self, store: StoreUnderTest) -> None:
        """The collector sees everything below a prefix and removes exactly what it names."""
        task, other = TaskNames(new_id()), TaskNames(new_id())
        for name in (task.document, task.result, other.document):
            store.site().create(name, b"{}")
        assert sorted(store.site().list(task.folder)) == sorted([task.document, task.result])
        store.site().delete(task.result)
        store.site().delete(task.result)
        assert list(store.site().list(task.folder)) == [task.document]
        assert store.site().look(other.document) is not None

    def test_a_blob_that_was_touched_is_not_deleted(self, store: StoreUnderTest) -> None:
        """The collector looked, then a submit used the blob: the delete meant for the old look does nothing."""
        data = b"wanted again"
        digest = hashlib.sha256(data).hexdigest()
        store.site().put_blob(data, digest)
        old = store.site().look(blob(digest))
        assert old is not None
        time.sleep(0.02)  # a touch within the clock's grain could not be seen
        assert not store.site().put_blob(data, digest)
        assert not store.site().delete(blob(digest), version=old.version)
        assert store.site().read(blob(digest)) == data
        new = store.site().look(blob(digest))
        assert new is not None
        assert store.site().delete(blob(digest), version=new.version)
        assert store.site().look(blob(digest)) is None

    @pytest.mark.parametrize("n", [1, 2])
    def test_a_worker_reaches_the_names_of_its_attempt_only(self, store: StoreUnderTest, n: int) -> None:
        """I13: everything else is refused: other tasks, other attempts, the site's documents, blobs, `..`."""
        task, other = new_id(), new_id()
        names, foreign = TaskNames(task), TaskNames(other)
        store.site().create(names.document, b"{}")
        store.site().create(foreign.document, b"{}")
        worker = store.attempt(task, n)
        assert worker.read(names.document) == b"{}"
        for name in (
            names.document,
            names.accepted,
            names.claim(n + 1),
            names.attempt(n) + "../9/claim.json",
            foreign.result,
            foreign.claim(n),
            blob("0" * 64),
            "datasets/x/1.json",
            "../outside",
        ):
            with pytest.raises(Forbidden):
                worker.create(name, b"forged")
        for name in (foreign.document, names.claim(n + 1), "datasets/x/1.json"):
            with pytest.raises(Forbidden):
                worker.read(name)
        with pytest.raises(Forbidden):
            worker.append(names.result, 0, b"x")
        for verb in ("list", "delete", "put_blob", "folder", "look"):
            assert not hasattr(worker, verb)
        assert store.site().read(foreign.document) == b"{}"

    def test_a_watcher_is_told_of_appends_and_results(self, store: StoreUnderTest) -> None:
        """Views are pushed: a watcher wakes for a line and for the verdict of its task."""
        task = new_id()
        worker, names = store.attempt(task, 1), TaskNames(task)
        worker.create(names.claim(1), b"{}")
        with store.site().changes(task) as changes, store.site().changes(None) as all_changes:
            worker.append(names.events(1), 0, b"line\n")
            assert changes.wait(30)
            assert all_changes.wait(30)
            worker.create(names.result, b"{}")
            assert changes.wait(30)
            assert all_changes.wait(30)


class QueueUnderTest(Sender, Receiver, QueueAdmin, Protocol):
    """All three sides of a queue in one object, or glued together for the test."""

    abilities: Abilities


class QueueContract:
    """Fixture `queue`: makes an empty queue with the given lock time; called again: the same queue, another client."""

    @pytest.fixture
    @abstractmethod
    def queue(self, tmp_path: Path) -> Callable[[float], QueueUnderTest]: ...

    def test_a_message_comes_once_while_it_is_locked(self, queue: Callable[[float], QueueUnderTest]) -> None:
        """Of many receivers one gets it."""
        queue(60).send("a", b"body", life_s=60)
        got = _race(lambda _i: queue(60).receive(0.5))
        assert [message.body for message in got if message] == [b"body"]

    def test_acked_is_gone(self, queue: Callable[[float], QueueUnderTest]) -> None:
        """I6's other half: nobody else deletes, and what is deleted does not come back."""
        queue(0.2).send("a", b"body", life_s=60)
        message = queue(0.2).receive(5)
        assert message is not None
        assert message.deliveries == 1
        assert queue(0.2).ack(message)
        assert queue(0.2).receive(0.5) is None

    def test_a_lock_that_ends_brings_it_back_and_the_late_ack_does_nothing(
        self, queue: Callable[[float], QueueUnderTest]
    ) -> None:
        """A worker that died between receive and claim delays its task by one lock time, no more."""
        queue(0.3).send("a", b"body", life_s=60)
        first = queue(0.3).receive(5)
        again = queue(0.3).receive(10)
        assert first is not None
        assert again is not None
        assert again.deliveries == 2
        assert not queue(0.3).ack(first)
        assert queue(0.3).ack(again)

    def test_abandoned_comes_at_once_and_is_buried_in_the_end(self, queue: Callable[[float], QueueUnderTest]) -> None:
        """A message that everybody gives back does not circle for ever."""
        queue(60).send("a", b"body", life_s=600)
        for _ in range(10):
            message = queue(60).receive(5)
            assert message is not None
            assert queue(60).abandon(message)
        assert queue(60).receive(0.2) is None
        assert [(letter.key, letter.reason) for letter in queue(60).dead_letters()] == [("a", "max_deliveries")]

    def test_poison_is_buried_at_first_sight(self, queue: Callable[[float], QueueUnderTest]) -> None:
        """With its reason, and forgotten when the site says so; the key may be sent again."""
        queue(60).send("a", b"\xff\x00", life_s=60)
        message = queue(60).receive(5)
        assert message is not None
        assert queue(60).bury(message, "malformed")
        assert [(letter.body, letter.reason) for letter in queue(60).dead_letters()] == [(b"\xff\x00", "malformed")]
        queue(60).forget_dead(["a"])
        assert not queue(60).dead_letters()
        queue(60).send("a", b"good", life_s=60)
        assert queue(60).receive(5) is not None

    def test_delay_and_life(self, queue: Callable[[float], QueueUnderTest]) -> None:
        """A back-off is not received before its time, a message whose life is over never."""
        queue(60).send("short", b"1", life_s=0.2)
        queue(60).send("later", b"2", life_s=60, delay_s=0.6)
        sent = time.monotonic()
        message = queue(60).receive(0.05)
        assert message is None or message.key == "short"
        later = queue(60).receive(10)
        assert later is not None
        assert later.key == "later"
        assert time.monotonic() - sent >= 0.5
        if message is not None:
            queue(60).ack(message)
        assert queue(60).receive(0.3) is None

    def test_a_sleeping_receiver_is_woken(self, queue: Callable[[float], QueueUnderTest]) -> None:
        """Light tasks are quick because nobody polls: a send from another client ends the wait."""
        got: list[bytes] = []
        ready = threading.Event()

        def receive() -> None:
            ready.set()
            message = queue(60).receive(30)
            got.append(message.body if message else b"")

        thread = threading.Thread(target=receive)
        thread.start()
        ready.wait(10)
        queue(60).send("a", b"woken", life_s=60)
        thread.join(30)
        assert got == [b"woken"]

    def test_a_second_send_with_its_key_gets_through(self, queue: Callable[[float], QueueUnderTest]) -> None:
        """A dispatcher that died after the send does it again: the newer message is there, the older one may be."""
        queue(60).send("a", b"older", life_s=60)
        queue(60).send("a", b"newer", life_s=60)
        got = [message.body for _ in range(2) if (message := queue(60).receive(1))]
        assert got == ([b"newer"] if queue(60).abilities.replaces else [b"older", b"newer"])

    def test_waiting_is_what_nobody_has_in_hand(self, queue: Callable[[float], QueueUnderTest]) -> None:
        """A view for people; a back end that cannot tell a locked message from a waiting one says so."""
        queue(60).send("a", b"", life_s=60)
        assert list(queue(60).waiting()) == ["a"]
        assert queue(60).receive(5) is not None
        assert list(queue(60).waiting()) == ([] if queue(60).abilities.hides_locked else ["a"])

    def test_oldest_first(self, queue: Callable[[float], QueueUnderTest]) -> None:
        """Without contention the order is that of sending, and `waiting` shows it."""
        for key in ("a", "b", "c"):
            queue(60).send(key, key.encode(), life_s=60)
        assert list(queue(60).waiting()) == ["a", "b", "c"]
        assert [message.key for _ in range(3) if (message := queue(60).receive(5))] == ["a", "b", "c"]


def _race(action: Callable[[int], _T]) -> list[_T]:
    """Runs `action(i)` in CONTESTANTS threads that start together; their results in order."""
    barrier = threading.Barrier(CONTESTANTS)
    results: dict[int, _T] = {}
    failures: list[CodalabError] = []

    def run(i: int) -> None:
        barrier.wait()
        try:
            results[i] = action(i)
        except CodalabError as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(CONTESTANTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    return [results[i] for i in range(CONTESTANTS)]
