"""The order in which the planner runs what rules ask for, until everything is done, each thing once."""

from __future__ import annotations

from collections import Counter

import pytest

from codalab_nb import Site
from codalab_nb.model.task import Priority, Verdict, is_service
from codalab_nb.systematic import control
from codalab_nb.systematic.board import NO_RULE
from codalab_nb.systematic.planner import Planner
from codalab_nb.systematic.rules import RuleBook
from codalab_nb.systematic.service import Service
from codalab_nb.systematic.view import CellState
from tests.support.systematic import add_table, board_of, end_all, rule

METHODS = "check-my-data compare-groups correlation"


@pytest.fixture
def asked(site: Site) -> Site:
    for i in range(3):
        add_table(site, f"a{i}", seed=i)
    RuleBook(site.places.rules).add(rule("low", methods=METHODS))
    return site


def ran(site: Site, most: int = 60) -> list[tuple[str, str, str]]:
    """Kind, data set and configuration of what ran, in the order in which it was sent, until nothing is left."""
    service = Service(site)
    for _ in range(most):
        service.step()
        if not end_all(site):
            return [(one.kind, one.dataset, one.configuration) for one in service._journal.entries.values()]
    raise AssertionError("it never comes to an end")


def test_everything_gets_done_once(asked: Site) -> None:
    done = ran(asked)
    assert max(Counter(done).values()) == 1
    board = board_of(asked)
    wanted = board.fit & (board.asked != NO_RULE)
    assert sum(kind == "run" for kind, _, _ in done) == int(wanted.sum()) > 3
    assert bool((board.settled == wanted).all())
    assert sum(kind == "profile" for kind, _, _ in done) == 3
    assert Planner(board).next() is None


def test_a_data_set_is_measured_before_anything_runs_there(asked: Site) -> None:
    first = {}
    for kind, dataset, _ in ran(asked):
        first.setdefault(dataset, kind)
    assert set(first.values()) == {"profile"}


def test_a_score_completes_what_ran_before_anything_new(asked: Site) -> None:
    service = Service(asked)
    for _ in range(60):
        service.step()
        board = board_of(asked)
        if not end_all(asked):
            break
        service._write_down()
        board = board_of(asked)
        step = Planner(board).next()
        assert not board.unscored or (step is not None and step.kind == "score")


def test_the_higher_priority_comes_first(asked: Site) -> None:
    RuleBook(asked.places.rules).add(rule("high", methods="check-my-data", priority=3))
    runs = [configuration for kind, _, configuration in ran(asked) if kind == "run"]
    assert runs[:3] == ["check-my-data"] * 3


def test_what_is_quick_comes_first_where_nothing_is_known(asked: Site) -> None:
    board = board_of(asked)
    planner = Planner(board)
    step = planner.next()
    assert step is not None
    free = [j for j in range(len(board.configurations)) if board.fit[0, j] and board.asked[0, j] != NO_RULE]
    values = planner._values()[0]
    quickest = min(free, key=planner.seconds_of)
    assert values[quickest] == max(values[j] for j in free)


def test_never_over_budget(asked: Site) -> None:
    RuleBook(asked.places.rules).add(rule("low", methods=METHODS, budget="tasks = 4"), replace=True)
    assert len(ran(asked)) == 4
    (spent,) = control.status(asked).rules
    assert (spent.tasks, spent.tasks_limit) == (4, 4)
    assert control.status(asked).counts[CellState.OVER_BUDGET] > 0


def test_nothing_is_sent_while_a_person_waits(asked: Site) -> None:
    service = Service(asked)
    service.step()
    ahead = len(asked.ledger.open_tasks())
    assert 0 < ahead <= 2 * asked.settings.slots
    assert {row.priority for row in asked.ledger.open_tasks()} == {Priority.BACKGROUND}
    asked.analyze(["a0"], ["check-my-data"])
    assert "nobody else waits" in service.step()
    assert len(asked.ledger.open_tasks()) == ahead + 1
    end_all(asked)
    service.step()
    assert asked.ledger.has_open()


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.CANCELLED, Verdict.EXPIRED, Verdict.LOST])
def test_what_ended_otherwise_is_told_and_left(asked: Site, verdict: Verdict) -> None:
    service = Service(asked)
    for _ in range(30):
        service.step()
        if not end_all(asked, verdict):
            break
    counts = control.status(asked).counts
    assert counts[CellState.FAILED] > 3
    assert counts[CellState.PLANNED] == 0
    assert not asked.ledger.has_open()


def test_who_starts_again_after_each_task_does_nothing_twice(asked: Site) -> None:
    seen: list[str] = []
    for _ in range(60):
        Service(asked).step()
        ended = end_all(asked)
        seen += ended
        if not ended:
            break
    assert len(seen) == len(set(seen))
    assert Planner(board_of(asked)).next() is None


def test_a_planner_that_died_between_journal_and_ledger(asked: Site) -> None:
    """The journal tells of tasks that were never accepted: the next planner sends them."""
    Service(asked).step()
    sent = {row.id for row in asked.ledger.open_tasks()}
    lost = next(row.id for row in asked.ledger.open_tasks() if not is_service(row.method))
    end_all(asked)
    asked.ledger.remove([lost])
    again: list[str] = []
    for _ in range(60):
        Service(asked).step()
        again += (ended := end_all(asked))
        if not ended:
            break
    assert lost in again
    assert len(again) == len(set(again))
    assert not (sent - {lost}) & set(again)


def test_a_damaged_rule_is_told(site: Site) -> None:
    add_table(site, "a")
    site.places.rules.mkdir(parents=True)
    (site.places.rules / "mine.toml").write_text("name = ")
    assert "mine" in Service(site).step()
