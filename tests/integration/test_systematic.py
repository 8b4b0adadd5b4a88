"""Systematic analysis as it is: the real background process, planner, workers and sandbox; and kill -9 of them all."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from codalab_nb import Site
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.task import TERMINAL, Priority, State
from codalab_nb.systematic import advice, control
from codalab_nb.systematic.journal import Journal
from codalab_nb.systematic.rules import RuleBook
from codalab_nb.systematic.view import Cell, CellState
from tests.support.home import Home, wait_for
from tests.support.notebooks import write

LONG_S = 240.0
RULE = """
name = "quick"
[[methods]]
method = "check-my-data"
[[methods]]
method = "de-counts"
[[methods]]
method = "pca-overview"
parameters = { scale = [false, true] }
"""
SETTLED = {CellState.DONE, CellState.FAILED, CellState.UNFIT, CellState.NOT_ASKED}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home(tmp_path / "home") as home:
        yield home


@pytest.fixture
def site(home: Home) -> Iterator[Site]:
    with home.site(serve=True) as site:
        yield site


def add(site: Site, folder: Path, name: str, seed: int = 0, genes: int = 60) -> DatasetDocument:
    """Logarithms of two groups of six, of which ten genes differ."""
    values = np.random.default_rng(seed).normal(8, 1, (genes, 12))
    values[:10, 6:] += 3
    header = ",".join(["gene", *(f"{name}_control_{i}" for i in range(6)), *(f"{name}_treated_{i}" for i in range(6))])
    rows = [f"g{i}," + ",".join(f"{value:.4f}" for value in row) for i, row in enumerate(values)]
    (folder / f"{name}.csv").write_text("\n".join([header, *rows]) + "\n")
    return site.add_dataset(folder / f"{name}.csv", name=name, accept=True)


def cells(site: Site) -> dict[tuple[str, str], Cell]:
    matrix = control.matrix(site)
    return {
        (row.dataset, column.key): cell
        for row in matrix.rows
        for column, cell in zip(matrix.columns, row.cells, strict=True)
    }


def finished(site: Site) -> bool:
    return {cell.state for cell in cells(site).values()} <= SETTLED and not site.ledger.has_open()


def until(site: Site, condition: Callable[[], object]) -> None:
    """Looks again whenever the ledger changes: each look costs something, and what is waited for needs the machine."""
    deadline = time.monotonic() + LONG_S
    with contextlib.closing(site.ledger.changes.listen()) as listener:  # type: ignore[type-var]
        while not condition():
            assert time.monotonic() < deadline, control.status(site)
            site.serve_if_needed()  # as any command does; whoever was killed may hold its lock for a moment longer
            listener.wait(1.0)


def test_the_matrix_fills_by_itself_and_each_cell_has_a_reason(site: Site, tmp_path: Path) -> None:
    first = add(site, tmp_path, "first")
    RuleBook(site.places.rules).add(RULE)
    assert control.start(site) is False
    until(site, lambda: finished(site))
    found = cells(site)
    for key in ("check-my-data", "pca-overview", "pca-overview scale=true"):
        cell = found[first.reference, key]
        assert (cell.state, cell.reason) == (CellState.DONE, "")
        assert cell.task is not None
        assert site.task(cell.task).state is State.SUCCEEDED
    assert found[first.reference, "pca-overview"].score is not None
    unfit = found[first.reference, "de-counts"]
    assert unfit.state is CellState.UNFIT
    assert unfit.reason.startswith("Needs counts")
    assert found[first.reference, "heat-map"].state is CellState.NOT_ASKED
    status = control.status(site)
    assert (status.on, status.working) == (True, True)
    assert status.rules[0].tasks == 4  # three runs and the profile

    # A new data set is analysed although nobody asks for it.
    second = add(site, tmp_path, "second", seed=1)
    until(site, lambda: finished(site))
    assert cells(site)[second.reference, "pca-overview scale=true"].state is CellState.DONE

    # What was found speaks for the next one, without a run.
    known = advice.recommend_known(site, [second.reference])[second.reference]
    overview = next(one for one in known.recommended if one.question == "overview")
    assert overview.badge
    assert overview.why.startswith("It ran on this very data set")
    assert all(one.method != "de-counts" for one in known.recommended)

    # Switched off, it ends, and a third one stays as it is.
    control.stop(site)
    until(site, lambda: not control.status(site).working)
    third = add(site, tmp_path, "third", seed=2)
    assert cells(site)[third.reference, "pca-overview"].state is CellState.PLANNED
    assert not site.ledger.has_open()


def test_killed_at_any_moment_nothing_is_lost_or_done_twice(home: Home, tmp_path: Path) -> None:
    moments = random.Random(7)
    with home.site(serve=True) as site:
        for number in range(3):
            add(site, tmp_path, f"set{number}", seed=number)
        RuleBook(site.places.rules).add(RULE)
        control.start(site)
        for _ in range(4):
            before = len(Journal(site.places.systematic).entries)
            until(site, lambda before=before: len(Journal(site.places.systematic).entries) > before or finished(site))
            time.sleep(moments.random() * 2)  # the moment is what is tried
            home.kill_everything()
            site.serve_if_needed()
        until(site, lambda: finished(site))
        rows = site.ledger.find()
        assert {row.state for row in rows} == {State.SUCCEEDED}
        runs = Counter((row.dataset, row.method, str(sorted(row.parameters.items()))) for row in rows)
        assert set(runs.values()) == {1}
        assert len(runs) == 3 * 4
        for row in rows:  # each was committed once, however often it was begun
            assert sum(events[-1]["type"] == "finished" for events in home.attempts(row.id) if events) == 1
        journal = Journal(site.places.systematic)
        assert {entry.id for entry in journal.entries.values()} >= {row.id for row in rows}
        assert {entry.state for entry in journal.entries.values()} <= {"succeeded", "refused"}


def test_what_a_person_ran_is_not_run_again(site: Site, tmp_path: Path) -> None:
    document = add(site, tmp_path, "mine")
    done = site.analyze([document.reference], ["pca-overview", "check-my-data"]).wait().tasks
    # The matrix shows them at once, whatever the rules say.
    shown = cells(site)[document.reference, "pca-overview"]
    assert (shown.state, shown.task, shown.reason) == (CellState.DONE, done[0].id, "A person ran it.")
    assert control.status(site).counts[CellState.DONE] == 2
    RuleBook(site.places.rules).add(RULE)
    control.start(site)
    until(site, lambda: finished(site))
    found = cells(site)
    assert {found[document.reference, key].task for key in ("pca-overview", "check-my-data")} == {
        one.id for one in done
    }
    assert found[document.reference, "pca-overview"].score is not None
    again = site.ledger.find(method="pca-overview")
    assert len(again) == 2  # the person's, and the other parameters


def test_it_waits_while_a_person_waits_and_keeps_its_budget(site: Site, tmp_path: Path) -> None:
    long = site.run(write(tmp_path / "long.ipynb", "import time\ntime.sleep(600)"))
    wait_for(lambda: long.state is State.RUNNING)
    document = add(site, tmp_path, "data")
    RuleBook(site.places.rules).add(RULE + "[budget]\ntasks = 2\n")
    control.start(site)
    until(site, lambda: "nobody else waits" in control.status(site).doing)
    assert site.ledger.find(dataset=document.name) == []
    long.cancel()
    until(site, lambda: len(site.ledger.find(dataset=document.name, states=TERMINAL)) == 2)
    until(site, lambda: "budget" in control.status(site).doing)
    assert all(row.priority is Priority.BACKGROUND for row in site.ledger.find(dataset=document.name))
    states = Counter(cell.state for cell in cells(site).values())
    assert states[CellState.DONE] == 1  # and the profile
    assert states[CellState.OVER_BUDGET] == 2
    over = next(cell for cell in cells(site).values() if cell.state is CellState.OVER_BUDGET)
    assert "quick" in over.reason
