"""The ledger on a real SQLite file: accepting, stepping, and never telling two stories."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from codalab_nb.errors import InputError, UnavailableError
from codalab_nb.model.base import new_id
from codalab_nb.model.task import Priority, Reason, Result, State, Verdict
from codalab_nb.site.ledger import Ledger, TaskRow
from codalab_nb.site.ledger_pages import Filters
from codalab_nb.site.references import find_reference


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    one = Ledger(tmp_path / "ledger.db")
    yield one
    one.close()


def row(task: str | None = None, **fields: object) -> TaskRow:
    values: dict[str, object] = {
        "id": task or new_id(),
        "label": "x",
        "notebook": "x.ipynb",
        "pool": "local",
        "submitted_at": 1.0,
        "deadline": 2.0,
        "max_attempts": 3,
        "document_sha256": "0" * 64,
    }
    return TaskRow(**{**values, **fields})  # type: ignore[arg-type]


def result(task: str, verdict: Verdict = Verdict.SUCCEEDED) -> Result:
    now = dt.datetime.now(dt.UTC)
    return Result(task=task, n=1, nonce="n", verdict=verdict, reason=Reason(code="c", message="m"), decided_at=now)


def test_accepting_twice_is_accepting_once(ledger: Ledger) -> None:
    """A submitter that was killed before it heard "accepted" may say it again."""
    one = row()
    ledger.accept([one])
    ledger.mark_sent(one.id, 1, 5.0)
    ledger.accept([one])
    assert [(found.id, found.sent_at) for found in ledger.find()] == [(one.id, 5.0)]


def test_another_request_with_the_same_id_is_refused_whole(ledger: Ledger) -> None:
    """A batch is accepted as a whole or not at all."""
    one = row()
    ledger.accept([one])
    with pytest.raises(InputError, match="other contents"):
        ledger.accept([row(), row(one.id, document_sha256="1" * 64)])
    assert len(ledger.find()) == 1


def test_lists_of_people_leave_out_what_systematic_analysis_runs(ledger: Ledger) -> None:
    """Ten thousand tasks of the night do not bury the one that a person waits for."""
    mine = row(dataset="golub@1", method="de-counts", submitted_at=1.0)
    others = [
        row(dataset="golub@1", method="de-counts", submitted_at=2.0, priority=Priority.BACKGROUND),
        row(dataset="iris@3", method="heat-map", submitted_at=3.0, priority=Priority.BACKGROUND),
        row(dataset="iris@3", method="_score", submitted_at=4.0, priority=Priority.BACKGROUND),
    ]
    ledger.accept([mine, *others])
    ledger.started(others[1].id, 1)
    assert ledger.find(service=False, background=False) == [mine]
    assert [one.id for one in ledger.find(service=False)] == [others[1].id, others[0].id, mine.id]
    assert len(ledger.find()) == 4
    assert ledger.background_count() == 2  # and the service task is in no list at all
    assert ledger.background_count(dataset="golub") == 1
    assert ledger.background_count(states=[State.RUNNING], method="heat-map", since=2.5) == 1
    assert ledger.background_count(method="pca-overview") == 0
    assert ledger.pages.page(Filters(), limit=9) == [mine]
    assert ledger.pages.totals(Filters()) == (1, 1)
    assert ledger.pages.totals(Filters(background=True)) == (3, 3)
    assert ledger.pages.busy() == (1, 0)
    assert find_reference(ledger, "@last", "id") == mine.id


def test_a_terminal_row_never_changes(ledger: Ledger) -> None:
    """I5, whoever folds what afterwards; and history tells each step once."""
    one = row()
    ledger.accept([one])
    ledger.started(one.id, 1)
    assert ledger.end(result(one.id), metrics={"a": 1.0})
    assert not ledger.end(result(one.id, Verdict.FAILED), metrics={})
    ledger.started(one.id, 1)
    assert not ledger.send_next(one.id, 1, after=0, detail="")
    assert not ledger.send_again(one.id, 1)
    found = ledger.get(one.id)
    assert found is not None
    assert (found.state, found.metrics) == (State.SUCCEEDED, {"a": 1.0})
    assert [(step["before"], step["after"]) for step in ledger.history(one.id)] == [
        ("queued", "running"),
        ("running", "succeeded"),
    ]


def test_of_two_reconcilers_one_sends_the_next_attempt(ledger: Ledger) -> None:
    """Two monitors at once: attempt n+1 goes to the outbox once."""
    one = row()
    ledger.accept([one])
    ledger.mark_sent(one.id, 1, 5.0)
    barrier, won = threading.Barrier(4), []

    def send() -> None:
        barrier.wait()
        won.append(ledger.send_next(one.id, 1, after=0, detail="dead"))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False, False, False, True]
    assert [(found.n, found.sent_at) for found in ledger.unsent()] == [(2, None)]


def test_filters(ledger: Ledger) -> None:
    """What `status` offers: state, data set with and without version, method, since, limit, newest first."""
    old = row(submitted_at=1.0, dataset="golub@1", method="pca")
    new = row(submitted_at=9.0, dataset="golub@2", method="de")
    ledger.accept([old, new])
    assert [found.id for found in ledger.find()] == [new.id, old.id]
    assert [found.id for found in ledger.find(dataset="golub")] == [new.id, old.id]
    assert [found.id for found in ledger.find(dataset="golub@1")] == [old.id]
    assert [found.id for found in ledger.find(method="de")] == [new.id]
    assert [found.id for found in ledger.find(since=5)] == [new.id]
    assert [found.id for found in ledger.find(limit=1)] == [new.id]
    assert ledger.find(states=[State.LOST]) == []


def test_a_damaged_file_is_told_and_not_replaced(tmp_path: Path) -> None:
    """I21: no silent fresh start; the message says how to rebuild."""
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(UnavailableError, match=r"monitor --rebuild") as caught:
        Ledger(path)
    assert caught.value.code == "database_damaged"
    assert path.read_bytes().startswith(b"not a database")
