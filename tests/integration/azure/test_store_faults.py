"""What networks and overloaded services do to the store on Azure, and what becomes of it (THREATS I3, I4, I5)."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from codalab_nb import settings
from codalab_nb.bells import runtime_folder
from codalab_nb.errors import CodalabError, InputError, UnavailableError
from codalab_nb.model.base import new_id
from codalab_nb.model.names import TaskNames, blob
from codalab_nb.model.task import Message
from codalab_nb.queues.local import LocalQueue
from codalab_nb.stores.azure_containers import Containers
from codalab_nb.stores.azure_fetch import PART_BYTES
from codalab_nb.stores.once import create_once
from codalab_nb.stores.ports import AttemptStore, Damaged, NotFound, UncertainWrite
from codalab_worker.supervisor import Supervisor
from codalab_worker.warm import Warmth
from tests.support.azure_store import Lab
from tests.support.azurite import Account
from tests.support.fault_proxy import Busy, Cut, CutReply, FaultProxy, Flip, LostReply, Slow


@pytest.fixture
def lab(proxy: FaultProxy, account: Account, tmp_path: Path) -> Iterator[Lab]:
    """Everything goes through the proxy, with a patience of seconds where the real one is longer than a minute."""
    lab = Lab(dataclasses.replace(account, url=proxy.url), tmp_path, patience_s=4.0)
    yield lab
    lab.close()


def told(error: BaseException) -> str:
    """All that a log could show of an error: its chain and tracebacks."""
    return "".join(traceback.format_exception(error)) + repr(error)


@pytest.mark.parametrize(
    "fault", [Busy(503), Busy(500, "InternalError"), Busy(429, "TooManyRequests"), Cut(), LostReply()]
)
def test_what_passes_is_outlived(lab: Lab, proxy: FaultProxy, fault: Busy | Cut | LostReply) -> None:
    """I3: failures in a row, of whatever kind, cost time and nothing else; each create tells the truth."""
    site, task = lab.site(), new_id()
    proxy.fault(fault, method="PUT", part="task.json", times=2)
    assert site.create(TaskNames(task).document, b"{}")
    assert not site.create(TaskNames(task).document, b"{}")
    proxy.fault(fault, method="GET", times=2)
    assert site.read(TaskNames(task).document) == b"{}"
    proxy.fault(fault, method="HEAD", times=2)
    assert site.look(TaskNames(task).document) is not None


def test_an_answer_cut_short_is_asked_for_again(lab: Lab, proxy: FaultProxy) -> None:
    """Half an answer is none."""
    site, name = lab.site(), TaskNames(new_id()).document
    site.create(name, b"x" * 100_000)
    proxy.fault(CutReply(50_000), method="GET", times=2)
    assert site.read(name) == b"x" * 100_000


def test_a_service_that_asks_for_time_gets_it(lab: Lab, proxy: FaultProxy) -> None:
    """Retry-After is respected: hammering a throttled account keeps it throttled."""
    site, name = lab.site(), TaskNames(new_id()).document
    proxy.fault(Busy(503, retry_after=1), method="PUT", part="task.json", times=1)
    site.create(name, b"{}")
    first, second = [line.at for line in proxy.journal if "task.json" in line.path]
    assert second - first >= 1.0


def test_what_stays_is_told_in_words(lab: Lab, proxy: FaultProxy) -> None:
    """I3: after its patience the store says what the service answered and that nothing was lost, with code and fix."""
    site, name = lab.site(patience_s=0.5), TaskNames(new_id()).document
    proxy.fault(Busy(503))
    with pytest.raises(UnavailableError, match="503 ServerBusy") as caught:
        site.read(name)
    assert caught.value.code == "store_busy"
    assert "Nothing was lost" in caught.value.fix
    proxy.heal()
    with pytest.raises(NotFound):
        site.read(name)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/devstoreaccount1", "https://account.blob.core.invalid"])
def test_an_account_that_cannot_be_reached(account: Account, tmp_path: Path, url: str) -> None:
    """Nobody listens, or the name resolves to nothing: the error tells which, and exits with 3."""
    lab = Lab(dataclasses.replace(account, url=url), tmp_path, patience_s=0.3)
    with pytest.raises(UnavailableError, match="cannot be reached") as caught:
        lab.site().read(TaskNames(new_id()).document)
    assert (caught.value.code, caught.value.exit_code) == ("store_unreachable", 3)
    lab.close()


@pytest.mark.parametrize("url", ["", "account", "https://example.org", "http://account.blob.core.windows.net"])
def test_an_address_that_is_none(account: Account, tmp_path: Path, url: str) -> None:
    """A key is never sent to an address without TLS, and a typing error is told as one."""
    lab = Lab(dataclasses.replace(account, url=url), tmp_path)
    with pytest.raises(InputError, match=r"https://ACCOUNT\.blob") as caught:
        lab.site()
    assert caught.value.code == "store_address"
    lab.close()


@pytest.mark.parametrize("prefix", ["", "A", "with_underscore", "-x", "x" * 26])
def test_a_prefix_that_names_no_container(prefix: str) -> None:
    """Azure's own rule for names of containers, told before anything is made."""
    with pytest.raises(InputError) as caught:
        Containers(prefix)
    assert caught.value.code == "store_prefix"


def test_a_commit_whose_answer_is_lost_counts_once(lab: Lab, proxy: FaultProxy) -> None:
    """I4: the result stands; the worker finds its own nonce there, also if no try is ever answered."""
    for times in (1, 1_000_000):
        task = new_id()
        names = TaskNames(task)
        worker = lab.process(patience_s=1.0).open(task, 1, lab.link(task))
        proxy.fault(LostReply(), method="PUT", part="result.json", times=times)
        mine = json.dumps({"nonce": "mine"}).encode()
        assert create_once(worker, names.result, mine, "mine")
        proxy.heal()
        assert not create_once(lab.attempt(task, 2), names.result, b'{"nonce": "other"}', "other")
        assert lab.site().read(names.result) == mine


def test_a_lost_race_is_not_an_ended_right(lab: Lab) -> None:
    """Both are 403 to a grant that may only create: read back, they are told apart."""
    task = new_id()
    names = TaskNames(task)
    one, other = lab.attempt(task), lab.attempt(task)
    assert create_once(one, names.claim(1), b'{"nonce": "one"}', "one")
    assert not create_once(other, names.claim(1), b'{"nonce": "other"}', "other")
    assert not other.create(names.claim(1), b"{}")
    assert one.create(names.manifest(1), b"{}")
    assert not one.create(names.manifest(1), b"{}")  # a name that it may not read back


def test_a_grant_that_has_ended(lab: Lab, proxy: FaultProxy) -> None:
    """I5: every call says so, in words for the operator, and no text shows a signature."""
    task = new_id()
    names = TaskNames(task)
    late = lab.workers.open(task, 1, lab.link(task, life_s=-60))
    with pytest.raises(UnavailableError) as caught:
        late.read(names.document)
    assert caught.value.code == "grant_expired"
    assert "fresh one" in caught.value.fix
    assert "sig=" not in told(caught.value)

    worker = lab.attempt(task)
    worker.read(names.document)
    worker.append(names.events(1), 0, b"one\n")
    proxy.fault(Busy(403, "AuthenticationFailed"))
    calls = [
        lambda: worker.create(names.claim(1), b"{}"),
        lambda: worker.create(names.manifest(1), b"{}"),
        lambda: worker.append(names.events(1), 4, b"two\n"),
        lambda: worker.read(names.result),
    ]
    for call in calls:
        with pytest.raises(UnavailableError) as caught:
            call()
        assert caught.value.code == "grant_expired"


def test_a_message_whose_grant_has_ended(lab: Lab, tmp_path: Path) -> None:
    """I5: nothing is claimed; the message is a dead letter at once, and the reconciler sends one with a fresh grant."""
    task = new_id()
    runtime = runtime_folder(tmp_path)
    tasks = LocalQueue(tmp_path / "queue.db", "tasks", runtime)
    config = settings.load({"CODALAB_NB_HOME": str(tmp_path), "CODALAB_NB_SANDBOX": "none"})
    warmth = Warmth(tmp_path / "scratch", sandbox="none", ready=0, science=False)

    def open_attempt(message: Message) -> AttemptStore:
        return lab.workers.open(message.task, message.n, message.grant or "")

    supervisor = Supervisor(tasks, open_attempt, tasks.beside("responses"), warmth, config)
    for n, grant in enumerate((lab.link(task, life_s=-60), "no link"), start=1):
        tasks.send(f"{n}", Message(task=task, n=1, grant=grant).to_bytes(), life_s=60)
        received = tasks.receive(5)
        assert received is not None
        with pytest.raises(CodalabError):
            supervisor.handle(received, tasks)
    assert [letter.reason for letter in tasks.dead_letters()] == ["grant_expired", "bad_grant"]
    assert lab.site().look(TaskNames(task).claim(1)) is None
    warmth.close()
    tasks.close()


def test_no_error_shows_a_signature(lab: Lab, proxy: FaultProxy, caplog: pytest.LogCaptureFixture) -> None:
    """C13: whatever breaks, on whichever side, the link that could be used by others is in no text of ours."""
    task = new_id()
    names = TaskNames(task)
    link = lab.link(task)
    worker = lab.process(patience_s=0.3).open(task, 1, link)
    worker.read(names.document)
    shown = []
    for fault in (Busy(), Cut(), LostReply(), Busy(403, "AuthenticationFailed"), Busy(400, "InvalidInput")):
        proxy.fault(fault)
        for call in (
            lambda: worker.read(names.result),
            lambda: worker.create(names.result, b"{}"),
            lambda: worker.append(names.events(1), 0, b"x"),
            lambda: lab.process(patience_s=0.3).open(task, 1, link).read(names.document),
        ):
            with pytest.raises(CodalabError) as caught:
                call()
            shown.append(told(caught.value))
        proxy.heal()
    nobody = link.replace(lab.account.url, "http://127.0.0.1:9/devstoreaccount1")
    with pytest.raises(CodalabError) as caught:
        lab.process(patience_s=0.3).open(task, 1, nobody).read(names.document)
    shown.append(told(caught.value))
    signature = link.split("sig=")[1].split("&")[0]
    for text in (*shown, caplog.text):
        assert "sig=" not in text.replace("sig=[redacted]", "")
        assert signature not in text


def test_an_append_whose_answer_is_lost_stands_once(lab: Lab, proxy: FaultProxy) -> None:
    """The line is neither doubled nor lost, whether a later try is answered or only the next append."""
    task = new_id()
    name = TaskNames(task).events(1)
    worker = lab.process(patience_s=1.0).open(task, 1, lab.link(task))
    position = worker.append(name, 0, b"one\n")
    proxy.fault(LostReply(), method="PUT", part="comp=appendblock", times=1)
    position = worker.append(name, position, b"two\n")
    proxy.fault(LostReply(), method="PUT", part="comp=appendblock")
    with pytest.raises(UncertainWrite):
        worker.append(name, position, b"three\n")
    proxy.heal()
    position = worker.append(name, position, b"three\nfour\n")
    assert lab.site().read(name) == b"one\ntwo\nthree\nfour\n"
    proxy.fault(Busy(), method="PUT", part="comp=appendblock")
    with pytest.raises(UnavailableError):
        worker.append(name, position, b"five\n")
    proxy.heal()
    worker.append(name, position, b"five\nsix\n")
    assert lab.site().read(name) == b"one\ntwo\nthree\nfour\nfive\nsix\n"


def test_a_removed_task_is_gone_for_its_worker(lab: Lab) -> None:
    """`rm` takes the container: the worker is told "nothing there", which it takes as "nobody wants it"."""
    task = new_id()
    names = TaskNames(task)
    worker = lab.attempt(task)
    worker.create(names.claim(1), b"{}")
    for name in list(lab.site().list(names.folder)):
        lab.site().delete(name)
    assert list(lab.site().list(names.folder)) == []
    for call in (
        lambda: worker.read(names.result),
        lambda: worker.append(names.events(1), 0, b"x"),
        lambda: worker.create(names.manifest(1), b"{}"),
    ):
        with pytest.raises(NotFound):
            call()


def test_an_input_that_trickles_is_given_up(lab: Lab, proxy: FaultProxy) -> None:
    """I3: bytes that come so slowly that no limit on a single read ends them do not hold a worker for ever."""
    data = b"x" * 200_000
    digest = hashlib.sha256(data).hexdigest()
    lab.site().put_blob(data, digest)
    task = new_id()
    worker = lab.process(patience_s=0.5, part_s=0.7).open(task, 1, lab.link(task, inputs=[digest]))
    proxy.fault(Slow(10), method="GET", part=digest)
    with pytest.raises(UnavailableError):
        worker.blob(digest, len(data))
    proxy.heal()
    assert worker.blob(digest, len(data)).read_bytes() == data


def test_bits_that_flip_on_the_way(lab: Lab, proxy: FaultProxy) -> None:
    """I23: what arrived is checked against its digest before it gets its name; fetched once more it is right."""
    data = b"y" * (PART_BYTES + 100)
    digest = hashlib.sha256(data).hexdigest()
    site = lab.site()
    site.put_blob(data, digest)
    worker = lab.attempt(inputs=[digest])
    proxy.fault(Flip(), method="GET", part=digest, times=1)
    with pytest.raises(Damaged):
        worker.blob(digest, len(data))
    assert worker.blob(digest, len(data)).read_bytes() == data
    assert site.look(blob(digest)) is not None


def test_a_second_writer_is_noticed(lab: Lab) -> None:
    """Lines of another process with the same grant do not mix unseen with ours."""
    task = new_id()
    name = TaskNames(task).events(1)
    one, other = lab.attempt(task), lab.attempt(task)
    position = one.append(name, 0, b"one\n")
    with pytest.raises(UnavailableError, match="Somebody else"):
        other.append(name, 0, b"two!\n")
    assert one.append(name, position, b"three\n") == 10
