"""A home with small data sets, and tasks that end as a test says, without a worker: for systematic analysis."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

from codalab_nb import Site
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.task import Result, Verdict
from codalab_nb.systematic.board import Board
from codalab_nb.systematic.journal import Journal
from codalab_nb.systematic.rules import RuleBook


def add_table(site: Site, name: str, *, seed: int = 0, groups: bool = True, file: str = "") -> DatasetDocument:
    """A small table of two groups, whose content depends on `seed`; `file`: what its file is called."""
    chance = random.Random(seed)
    rows = [f"{'ab'[i % 2]},{chance.gauss(i % 2, 1):.6f},{chance.gauss(0, 1):.6f}" for i in range(12)]
    path = Path(site.places.home) / f"{file or name}.csv"
    path.write_text("group,one,two\n" + "\n".join(rows) + "\n")
    document = site.add_dataset(path, name=name, accept=True, roles={"group": "condition"} if groups else {})
    path.unlink()
    return document


def board_of(site: Site) -> Board:
    """As a new process sees it."""
    board = Board(site, Journal(site.places.systematic), RuleBook(site.places.rules))
    board.refresh()
    return board


def end(site: Site, task: str, verdict: Verdict = Verdict.SUCCEEDED, *, seconds: float = 1.0, **metrics: float) -> None:
    """The task's result as the ledger folds it."""
    result = Result(
        task=task, n=1, nonce="0" * 32, verdict=verdict, decided_at=dt.datetime.now(dt.UTC), seconds=seconds
    )
    assert site.ledger.end(result, metrics=metrics)


def end_all(site: Site, verdict: Verdict = Verdict.SUCCEEDED, **metrics: float) -> list[str]:
    """Everything that is open; the ids."""
    rows = site.ledger.open_tasks()
    for row in rows:
        end(site, row.id, verdict, **metrics)
    return [row.id for row in rows]


def rule(name: str = "all", *, methods: str = "", priority: int = 0, budget: str = "", datasets: str = "") -> str:
    """The text of one."""
    parts = [f'name = "{name}"', f"priority = {priority}"]
    parts += [f"[datasets]\n{datasets}"] if datasets else []
    parts += [f'[[methods]]\nmethod = "{one}"' for one in methods.split()]
    parts += [f"[budget]\n{budget}"] if budget else []
    return "\n".join(parts) + "\n"


def lines(journal: Journal) -> int:
    return journal.path.read_bytes().count(b"\n") if journal.path.exists() else 0


__all__ = ["add_table", "board_of", "end", "end_all", "lines", "rule"]
