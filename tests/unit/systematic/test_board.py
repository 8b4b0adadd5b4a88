"""Where every cell stands, and budgets, with the ledger and the files as they are."""

from __future__ import annotations

import dataclasses

import pytest

from codalab_nb import Site
from codalab_nb.model.task import Verdict
from codalab_nb.systematic import control
from codalab_nb.systematic.board import DAY_S, Board
from codalab_nb.systematic.journal import Entry, Journal
from codalab_nb.systematic.rules import RuleBook
from codalab_nb.systematic.service import Service
from codalab_nb.systematic.view import CellState
from tests.support.systematic import add_table, board_of, end_all, rule

NOW = 1_000_000.0
METHOD = "compare-groups"


def ask(site: Site, *texts: str) -> None:
    for text in texts:
        RuleBook(site.places.rules).add(text, replace=True)


def state(site: Site, dataset: str, method: str = METHOD) -> CellState:
    matrix = control.matrix(site, datasets=[dataset])
    (place,) = (j for j, column in enumerate(matrix.columns) if column.key == method)
    return matrix.rows[0].cells[place].state


def work(site: Site, verdict: Verdict = Verdict.SUCCEEDED, service: Service | None = None) -> list[str]:
    """What ran until nothing more is asked for."""
    service = service or Service(site)
    ran: list[str] = []
    for _ in range(50):
        service.step()
        if not (ended := end_all(site, verdict)):
            return ran
        ran += ended
    raise AssertionError("it never comes to an end")


def test_from_planned_to_done(site: Site) -> None:
    add_table(site, "a")
    assert state(site, "a") is CellState.NOT_ASKED
    ask(site, rule(methods=METHOD))
    assert state(site, "a") is CellState.PLANNED
    service = Service(site)
    service.step()
    assert state(site, "a") is CellState.QUEUED
    work(site, service=service)
    assert state(site, "a") is CellState.DONE
    assert state(site, "a", "survival") is CellState.UNFIT


def test_what_failed_is_not_run_again(site: Site) -> None:
    add_table(site, "a")
    ask(site, rule(methods=METHOD))
    ran = work(site, Verdict.FAILED)
    assert len(ran) == len(set(ran)) == 2  # with the profile, which nobody tries again either
    assert state(site, "a") is CellState.FAILED
    assert work(site) == []


def test_results_outlive_their_tasks(site: Site) -> None:
    add_table(site, "a")
    ask(site, rule(methods=METHOD))
    site.ledger.remove(work(site))
    assert state(site, "a") is CellState.DONE
    assert work(site) == []


def test_the_same_data_under_two_names_run_once(site: Site) -> None:
    add_table(site, "a", file="same")
    add_table(site, "b", file="same")
    ask(site, rule(methods=METHOD))
    ran = work(site)
    assert len(ran) == len(set(ran)) == 3  # profile, run, score
    assert [state(site, name) for name in "ab"] == [CellState.DONE] * 2
    assert work(site) == []


def test_other_data_under_an_old_name_are_new(site: Site) -> None:
    add_table(site, "a")
    ask(site, rule(methods=METHOD))
    service = Service(site)
    before = work(site, service=service)
    site.catalog.remove("a")
    add_table(site, "a", seed=9)
    assert state(site, "a") is CellState.PLANNED
    after = work(site, service=service)
    assert len(after) == len(before)
    assert not set(before) & set(after)


def test_data_that_come_back_are_known(site: Site) -> None:
    add_table(site, "a")
    ask(site, rule(methods=METHOD))
    service = Service(site)
    work(site, service=service)
    site.catalog.remove("a")
    assert work(site, service=service) == []
    add_table(site, "a")
    assert work(site, service=service) == []
    assert state(site, "a") is CellState.DONE


def test_a_lost_file_of_a_data_set_holds_nothing_up(site: Site) -> None:
    lost = add_table(site, "a")
    add_table(site, "b", seed=1)
    ask(site, rule(methods=METHOD))
    (blob,) = site.places.store.glob(f"blobs/**/{lost.files[0].sha256}")
    blob.unlink()
    work(site)
    assert (state(site, "a"), state(site, "b")) == (CellState.UNFIT, CellState.DONE)


def test_a_result_that_was_removed_half_is_not_waited_for(site: Site) -> None:
    """`end_all` writes no result: the ledger says succeeded, and there are no files."""
    add_table(site, "a")
    ask(site, rule(methods=METHOD))
    assert len(work(site)) == 3


def test_a_damaged_journal_is_no_end(site: Site) -> None:
    add_table(site, "a")
    ask(site, rule(methods=METHOD))
    service = Service(site)
    work(site, service=service)
    with service._journal.path.open("a") as file:
        file.write('{"id": "x", "state": "failed"}\n{"torn')
    assert work(site, service=service) == []
    service._journal.path.unlink()
    board_of(site)
    service.step()


def test_a_rule_whose_budget_is_used_keeps_nobody_from_work(site: Site) -> None:
    for i in range(2):
        add_table(site, f"a{i}", seed=i)
    ask(site, rule("first", methods=METHOD, priority=5, budget="tasks = 1"))
    work(site)
    assert CellState.OVER_BUDGET in control.status(site).counts
    ask(site, rule("second", methods=METHOD))
    work(site)
    assert [state(site, f"a{i}") for i in range(2)] == [CellState.DONE] * 2
    spent = {one.rule: one.tasks for one in control.status(site).rules}
    assert spent == {"first": 1, "second": 5}


# --- budgets


def board_with(site: Site, *entries: Entry, budget: str = "tasks = 2\ncpu_hours = 1") -> Board:
    ask(site, rule(budget=budget))
    journal = Journal(site.places.systematic)
    for entry in entries:
        journal.sent(dataclasses.replace(entry, state=None))
        if entry.state:
            journal.ended(entry.id, state=entry.state, seconds=entry.seconds, ended_at=entry.ended_at)
    board = board_of(site)
    board.refresh(NOW)
    return board


def ran(name: str, at: float, seconds: float = 1.0, **more: object) -> Entry:
    usual = Entry(name, "run", "gone@1", METHOD, "all", at, "succeeded", at + seconds, seconds)
    return dataclasses.replace(usual, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entries", "able"),
    [
        ([], True),
        ([ran("1", NOW - 5)], True),
        ([ran("1", NOW - 5), ran("2", NOW - 4)], False),  # exactly the limit
        ([ran("1", NOW - DAY_S - 1), ran("2", NOW - 4)], True),  # yesterday's does not count
        ([ran("1", NOW - 3600, 3600.0)], False),
        ([ran("1", NOW - 3 * DAY_S, 3 * DAY_S - 5)], False),  # days long, ended just now
        ([ran("1", NOW - 3 * DAY_S, 2 * DAY_S - 5)], True),  # and ended yesterday
        ([ran("1", NOW - 5, state=None)], True),
        ([ran("1", NOW + 300, 10.0), ran("2", NOW + 310, 10.0)], False),  # the clock went back a little
        ([ran("1", NOW + 400 * DAY_S, 3600.0), ran("2", NOW + 400 * DAY_S)], True),  # it was a year ahead
        ([ran("1", NOW - 5, rule="other"), ran("2", NOW - 4)], True),
        ([ran("1", NOW - 5, state="refused"), ran("2", NOW - 4)], True),
        ([ran("1", NOW - 5, stands_for="x"), ran("2", NOW - 4)], True),  # a person's own run
    ],
)
def test_budgets_are_of_the_last_day(site: Site, entries: list[Entry], able: bool) -> None:
    assert board_with(site, *entries).has_budget(0) is able


def test_without_a_limit_there_is_always_budget(site: Site) -> None:
    assert board_with(site, *(ran(str(i), NOW - i, 9e9) for i in range(20)), budget="").has_budget(0)
