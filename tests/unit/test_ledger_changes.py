"""Following the ledger: every change has a number, and whoever was away learns of each task once."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codalab_nb.bells import Bell
from codalab_nb.model.base import new_id, utc_now
from codalab_nb.model.task import Result, State, Verdict
from codalab_nb.site import ledger_changes
from codalab_nb.site.ledger import Ledger, TaskRow
from codalab_nb.site.ledger_changes import TooLongAgo
from codalab_nb.site.ledger_pages import Filters, Place


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    one = Ledger(tmp_path / "ledger.db", Bell(tmp_path / "b"))
    yield one
    one.close()


def row(label: str = "x", *, at: float = 1.0, position: int = 0, batch: str | None = None, **more: str) -> TaskRow:
    return TaskRow(
        id=new_id(),
        label=label,
        notebook=f"{label}.ipynb",
        pool="local",
        submitted_at=at,
        deadline=at + 60,
        max_attempts=3,
        document_sha256="0" * 64,
        position=position,
        batch=batch,
        **more,  # type: ignore[arg-type]
    )


def end(ledger: Ledger, task: str) -> None:
    ledger.end(Result(task=task, n=None, nonce="", verdict=Verdict.CANCELLED, decided_at=utc_now()), metrics={})


def test_a_task_that_changed_often_is_told_once(ledger: Ledger) -> None:
    start = ledger.changes.head
    one, other = row(), row()
    ledger.accept([one, other])
    ledger.started(one.id, 1)
    end(ledger, one.id)
    changes = ledger.changes.after(start, 10)
    assert [(change.task, change.gone) for change in changes] == [(other.id, False), (one.id, False)]
    assert changes[-1].seq == ledger.changes.head
    assert ledger.changes.after(ledger.changes.head, 10) == []


def test_what_nobody_sees_is_no_change(ledger: Ledger) -> None:
    one = row()
    ledger.accept([one])
    head = ledger.changes.head
    ledger.mark_sent(one.id, 1, 2.0)
    ledger.mark_confirmed(one.id)
    ledger.accept([one])
    assert ledger.changes.head == head


def test_a_removal_is_a_change(ledger: Ledger) -> None:
    one = row()
    ledger.accept([one])
    end(ledger, one.id)
    head = ledger.changes.head
    ledger.remove([one.id])
    assert [(change.task, change.gone) for change in ledger.changes.after(head, 10)] == [(one.id, True)]


def test_changes_ring(ledger: Ledger) -> None:
    listener = ledger.changes.listen()
    assert listener is not None
    with listener:
        one = row()
        ledger.accept([one])
        assert listener.wait(5)
        ledger.started(one.id, 1)
        assert listener.wait(5)
        end(ledger, one.id)
        assert listener.wait(5)
        ledger.remove([one.id])
        assert listener.wait(5)


def test_a_ledger_made_anew_says_that_the_past_is_unknown(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "a.db")
    first.accept([row() for _ in range(5)])
    old = first.changes.head
    first.close()
    time.sleep(0.01)  # the numbers of a ledger start at the millisecond it was made in
    second = Ledger(tmp_path / "b.db")
    with pytest.raises(TooLongAgo):
        second.changes.after(old, 10)
    second.close()


def test_a_ledger_of_an_older_version_gets_numbers(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    old = Ledger(path)
    rows = [row(str(at), at=at) for at in (3.0, 1.0, 2.0)]
    old.accept(rows)
    old.close()
    with sqlite3.connect(path) as db:
        db.executescript(
            "DROP TRIGGER task_came; DROP TRIGGER task_moved; DROP TRIGGER task_went; DROP TABLE change;"
            "DROP INDEX task_newest;"
        )
    db.close()
    new = Ledger(path)
    base = new.changes.head - 3
    assert [change.task for change in new.changes.after(base, 10)] == [rows[1].id, rows[2].id, rows[0].id]
    new.started(rows[0].id, 1)
    assert new.changes.after(base + 3, 10)[0].task == rows[0].id
    new.close()


def test_the_oldest_removals_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_changes, "_MOST_GONE", 5)
    ledger = Ledger(tmp_path / "ledger.db")
    start = ledger.changes.head
    gone, kept = [row() for _ in range(20)], row()
    ledger.accept([*gone, kept])
    for one in gone:
        end(ledger, one.id)
    ledger.remove([one.id for one in gone])
    late = ledger.changes.after(start, 100)[-3].seq
    ledger.close()
    again = Ledger(tmp_path / "ledger.db")
    with pytest.raises(TooLongAgo):
        again.changes.after(start, 100)
    assert [change.task for change in again.changes.after(late, 100)] == [one.id for one in gone[-2:]]
    again.close()


def test_pages_follow_each_other_without_gap_or_repeat(ledger: Ledger) -> None:
    rows = [row(at=float(at // 4), position=at % 4) for at in range(50)]
    ledger.accept(rows)
    found: list[TaskRow] = []
    place = None
    while page := ledger.pages.page(Filters(), before=place, limit=7):
        found += page
        place = Place(page[-1].submitted_at, page[-1].position, page[-1].id)
    assert [one.id for one in found] == [one.id for one in reversed(rows)]


def test_filters_and_totals(ledger: Ledger) -> None:
    rows = [
        row("PCA of golub", dataset="golub@1", method="pca"),
        row("50%_done", dataset="golub@2", method="volcano"),
        row("other", batch="b"),
    ]
    ledger.accept(rows)
    end(ledger, rows[0].id)

    def found(**filters: object) -> list[str]:
        given = Filters(**filters)  # type: ignore[arg-type]
        page = ledger.pages.page(given, limit=10)
        assert ledger.pages.totals(given) == (len(page), sum(one.is_open for one in page))
        return sorted(one.label for one in page)

    assert found(words=["golub", "pca"]) == ["PCA of golub"]
    assert found(words=["%"]) == ["50%_done"]
    assert found(words=["_"]) == ["50%_done"]
    assert found(words=["gene"], titled=[["volcano"]]) == ["50%_done"]
    assert found(dataset="golub") == ["50%_done", "PCA of golub"]
    assert found(dataset="golub@1") == ["PCA of golub"]
    assert found(batch="b") == ["other"]
    assert found(states=[State.CANCELLED, State.RUNNING]) == ["PCA of golub"]
    assert found(method="pca", states=[State.QUEUED]) == []
    assert ledger.pages.busy() == (2, 0)
    assert {one.id for one in ledger.pages.rows([rows[0].id, "absent"])} == {rows[0].id}
