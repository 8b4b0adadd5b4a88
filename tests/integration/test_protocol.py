"""Broken infrastructure and forged messages, on the real queue, store and ledger."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from codalab_nb import Options, Site
from codalab_nb.model.base import new_id, utc_now
from codalab_nb.model.event import EventType
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import Claim, Message, Result, State, Verdict
from codalab_nb.site import cleanup
from codalab_nb.site.ledger import Ledger
from codalab_nb.site.monitor import Monitor
from codalab_nb.site.parameter_values import Spelled
from codalab_nb.site.rebuild import rebuild
from codalab_nb.stores.local import LocalStore
from codalab_worker.events import EventLog
from tests.support.home import PATIENCE_S, Home, wait_for
from tests.support.notebooks import write


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Site]:
    """A site where nobody works: the test plays worker and monitor itself."""
    with Home(tmp_path / "idle") as home, home.site(serve=False) as site:
        yield site


def monitor(site: Site) -> Monitor:
    return Monitor(site.ledger, site.pools, site.settings)


def notebook(folder: Path) -> Path:
    return write(folder / "n.ipynb", "print(1)")


def test_ten_copies_of_a_message_start_one_attempt(site: Site, home: Home, folder: Path) -> None:
    """I12: duplicates find the claim and are forgotten."""
    task = site.run(write(folder / "n.ipynb", "import time\ntime.sleep(0.5)"))
    for copy in range(10):
        site.queue.send(f"{task.id}:1:{copy}", Message(task=task.id, n=1).to_bytes(), life_s=60)
    assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
    wait_for(lambda: not [key for key in home.messages() if key.startswith(task.id)])
    assert (home.starts(task.id), len(home.attempts(task.id))) == (1, 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"{}",
        b'{"version":1,"task":"../../etc","n":1}',
        b'{"version":1,"task":"x","n":0}',
        b"x" * 200_000,
    ],
    ids=["empty", "bytes", "fields", "path", "number", "large"],
)
def test_poison_is_buried_and_the_worker_lives(site: Site, folder: Path, body: bytes) -> None:
    """I15: at first sight, with its reason; the next task runs."""
    site.queue.send("poison", body, life_s=60)
    wait_for(lambda: [letter.key for letter in site.queue.dead_letters()] != [] or not site.queue.waiting())
    assert site.run(notebook(folder)).wait(PATIENCE_S).verdict == Verdict.SUCCEEDED


def test_forged_hints_change_nothing(idle: Site, tmp_path: Path) -> None:
    """I14: a hint is only "look": unknown ids, other tasks, nonsense and a megabyte are all the same to the ledger."""
    task = idle.run(notebook(tmp_path))
    watch = monitor(idle)
    for body in (b"", b"nonsense", b"y" * (1 << 20), json.dumps({"task": new_id()}).encode(), b'{"task": "../x"}'):
        watch.take_response(body)
    watch.take_response(json.dumps({"version": 1, "task": task.id}).encode())
    assert task.row.state == State.QUEUED


def claim(site: Site, task: str, nonce: str = "right") -> None:
    document = Claim(nonce=nonce, worker="w", started_at=utc_now())
    site.store.create(TaskNames(task).claim(1), document.to_bytes())


def result(task: str, **fields: object) -> bytes:
    values = {"task": task, "n": 1, "nonce": "right", "verdict": "succeeded", "decided_at": utc_now(), **fields}
    return Result.model_validate(values).to_bytes()


@pytest.mark.parametrize(
    ("forged", "why"),
    [
        (lambda task: b"", "cannot be read"),
        (lambda task: b'{"verdict": "succ', "cannot be read"),
        (lambda task: result(task, nonce="wrong"), "does not come from"),
        (lambda task: result(task, n=2), "never claimed"),
        (lambda task: result(task, n=None), "names no attempt"),
        (lambda task: result(task, verdict="lost"), "cannot decide"),
        (lambda task: result(new_id()), "another task"),
    ],
)
def test_a_malformed_result_means_failed(idle: Site, tmp_path: Path, forged: object, why: str) -> None:
    """I22, decision 10: the name is taken, so it means something, and always the same."""
    task = idle.run(notebook(tmp_path))
    claim(idle, task.id)
    idle.store.create(TaskNames(task.id).result, forged(task.id))  # type: ignore[operator]
    monitor(idle).run_pass()
    row = task.row
    assert row.state == State.FAILED
    assert row.reason is not None
    assert row.reason.code == "bad_result"
    assert why in row.reason.message


def test_a_lost_message_is_sent_again_when_its_life_is_over_and_not_before(tmp_path: Path) -> None:
    """R3: a waiting queue is never flooded, a lost message never forgotten."""
    with Home(tmp_path / "idle", CODALAB_NB_MESSAGE_LIFE="1") as home, home.site() as site:
        task = site.run(notebook(tmp_path))
        message = site.queue.receive(5)
        assert message is not None
        site.queue.ack(message)  # as if a broker had lost it
        watch = monitor(site)
        watch.run_pass()
        assert site.queue.waiting() == []

        def sent_again() -> bool:
            watch.run_pass()
            return list(site.queue.waiting()) == [f"{task.id}:1"]

        wait_for(sent_again)


def test_a_dead_letter_is_sent_again(idle: Site, tmp_path: Path) -> None:
    """R3's other half: what a queue gave up on is not lost."""
    task = idle.run(notebook(tmp_path))
    message = idle.queue.receive(5)
    assert message is not None
    idle.queue.bury(message, "max_deliveries")
    monitor(idle).run_pass()
    assert list(idle.queue.waiting()) == [f"{task.id}:1"]
    assert not idle.queue.dead_letters()


def test_past_its_deadline_a_task_expires(idle: Site, tmp_path: Path) -> None:
    """L3: every task has a verdict by its deadline and one pass."""
    draft = idle.draft(notebook(tmp_path))
    late = draft.document.model_copy(update={"deadline": utc_now() - dt.timedelta(seconds=1)})
    (task,) = idle.submit([type(draft)(late, draft.sources)])
    monitor(idle).run_pass()
    assert (task.row.state, task.row.reason.code if task.row.reason else "") == (State.EXPIRED, "deadline")


def test_a_queue_that_is_down_does_not_refuse_tasks(idle: Site, tmp_path: Path) -> None:
    """I1: accepted all the same, dispatched when it is back."""
    idle.queue.close()
    idle.places.queue.rename(tmp_path / "away")
    idle.places.queue.mkdir()
    task = idle.run(notebook(tmp_path))
    assert task.row.sent_at is None
    idle.places.queue.rmdir()
    (tmp_path / "away").rename(idle.places.queue)
    idle.queue.close()
    monitor(idle).run_pass()
    assert list(idle.queue.waiting()) == [f"{task.id}:1"]


def test_a_ledger_that_is_gone_comes_back_by_itself(idle: Site, tmp_path: Path) -> None:
    """Results kept by an uninstall, or a deleted file, do not look like "there is nothing"."""
    ended, waiting = idle.run(notebook(tmp_path)), idle.run(notebook(tmp_path))
    idle.cancel(ended.id)
    idle.ledger.close()
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (idle.places.home / name).unlink(missing_ok=True)
    with Site(idle.places, idle.settings, serve=False) as again:
        assert {row.id: row.state for row in again.ledger.find()} == {
            ended.id: State.CANCELLED,
            waiting.id: State.QUEUED,
        }
        assert again.task(ended.id).verdict == Verdict.CANCELLED


def released(site: Site, task: str, n: int, reason: str) -> None:
    """What a worker leaves behind that took attempt n and gave it back."""
    names = TaskNames(task)
    document = Claim(nonce="n", worker="w", started_at=utc_now())
    site.store.create(names.claim(n), document.to_bytes())
    pen = EventLog(LocalStore(site.places.store, site.places.runtime).attempt(task, n), task, n)
    pen.write(EventType.STARTED)
    pen.write(EventType.RELEASED, {"reason": reason, "message": "as it goes"})


@pytest.mark.parametrize(
    ("reason", "attempts", "verdict"),
    [("interrupted", None, None), ("disk_full", None, Verdict.LOST), ("interrupted", 1, Verdict.LOST)],
)
def test_a_stop_in_good_order_uses_up_no_attempt(
    idle: Site, tmp_path: Path, reason: str, attempts: int | None, verdict: Verdict | None
) -> None:
    """Shutting the laptop down three times loses nothing; other releases count, and the strict mode stays strict."""
    (task,) = idle.submit([idle.draft(notebook(tmp_path), options=Options(max_attempts=attempts))])
    watch = monitor(idle)
    for n in range(1, 6):
        if task.row.n == n and task.row.is_open:
            released(idle, task.id, n, reason)
            watch.run_pass()
    row = task.row
    assert (None if row.is_open else row.state) == verdict
    assert row.n <= row.max_attempts
    assert row.n == (6 if verdict is None else attempts or 3)


def test_tasks_removed_while_their_messages_wait(tmp_path: Path) -> None:
    """The worker forgets them, makes nothing for them, and goes on with what is wanted."""
    with Home(tmp_path / "home") as home, home.site() as site:
        gone = [site.run(notebook(tmp_path)) for _ in range(4)]
        for task in gone:
            task.cancel()
        cleanup.remove_tasks(site, [task.id for task in gone])
        wanted = site.run(notebook(tmp_path))
        home.background()
        assert wanted.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
        wait_for(lambda: not [key for key in home.messages() if not key.startswith(wanted.id)])
        assert {name.split("/")[1] for name in site.store.list("tasks/")} == {wanted.id}


def test_a_clock_set_back_hides_no_message(idle: Site, tmp_path: Path) -> None:
    """I6: what was sent "two hours in the future" is received now."""
    task = idle.run(notebook(tmp_path))
    with contextlib.closing(sqlite3.connect(idle.places.queue)) as db, db:
        db.execute("UPDATE message SET visible_at = visible_at + 7200, expires_at = expires_at + 7200")
    message = idle.queue.receive(5)
    assert message is not None
    assert message.key == f"{task.id}:1"


def test_a_row_that_nobody_foresaw_does_not_stop_the_others(idle: Site, tmp_path: Path) -> None:
    """What a sandbox said last may be nested as deep as it likes; every other task is looked after all the same."""
    odd, late = idle.run(notebook(tmp_path)), idle.draft(notebook(tmp_path))
    claim(idle, odd.id)
    attempt = LocalStore(idle.places.store, idle.places.runtime).attempt(odd.id, 1)
    attempt.append(TaskNames(odd.id).events(1), 0, b"[" * 20_000 + b"\n")
    past = late.document.model_copy(update={"deadline": utc_now() - dt.timedelta(seconds=1)})
    (task,) = idle.submit([type(late)(past, late.sources)])
    monitor(idle).run_pass()
    assert task.row.state == State.EXPIRED


def test_nobody_works_so_nothing_runs(idle: Site, tmp_path: Path) -> None:
    """A sign of life of a moment ago does not make a task "running" when its process is gone."""
    task = idle.run(notebook(tmp_path))
    claim(idle, task.id)
    assert task.state == State.QUEUED


def test_a_number_that_became_text_is_remarked(idle: Site, tmp_path: Path) -> None:
    """Papermill's rule makes a true text of `false`; nobody expects that."""
    path = write(tmp_path / "n.ipynb", "print(flag)", parameters="flag = True\nname = 'x'\nalpha = 0.05")
    draft = idle.draft(path, parameters={"flag": Spelled("false"), "name": Spelled("y"), "alpha": Spelled("0.1")})
    assert [warning.code for warning in draft.warnings] == ["param_text"]


def test_a_lost_ledger_is_rebuilt_from_the_store(idle: Site, tmp_path: Path) -> None:
    """Row 22: verdicts, batches and open tasks come back; what nobody was told of is listed and not run."""
    ended, waiting = idle.run(notebook(tmp_path)), idle.run(notebook(tmp_path))
    idle.cancel(ended.id)
    monitor(idle).run_pass()
    orphan = idle.draft(notebook(tmp_path))
    idle.store.create(TaskNames(orphan.document.task).document, orphan.document.to_bytes())
    before = {row.id: row for row in idle.ledger.find()}
    fresh = Ledger(tmp_path / "new.db")
    found = rebuild(idle.store, fresh)
    assert (found.tasks, found.open, found.unconfirmed) == (2, 1, (orphan.document.task,))
    after = {row.id: row for row in fresh.find()}
    assert {task: (row.state, row.label, row.document_sha256) for task, row in after.items()} == {
        task: (row.state, row.label, row.document_sha256) for task, row in before.items()
    }
    assert after[waiting.id].sent_at is None
    fresh.close()
