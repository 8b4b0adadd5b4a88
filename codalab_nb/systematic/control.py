"""Systematic analysis as people switch it and look at it; the same for every front end."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence

from codalab_nb.durable import make_folder, sync_folder
from codalab_nb.errors import UnavailableError
from codalab_nb.model.task import State
from codalab_nb.places import Places
from codalab_nb.site import embedded
from codalab_nb.site.site import Site
from codalab_nb.systematic import cells
from codalab_nb.systematic.board import Board
from codalab_nb.systematic.configuration import Configuration
from codalab_nb.systematic.hosting import LOCK
from codalab_nb.systematic.journal import Journal
from codalab_nb.systematic.knowledge import as_configured
from codalab_nb.systematic.rules import EVERYDAY, RuleBook
from codalab_nb.systematic.status_file import StatusFile
from codalab_nb.systematic.view import Cell, CellState, Column, Matrix, Row, Status

_LOOKED_AT = 20_000  # of people's own runs, the last ones
_RECENT_S = 30.0  # the planner tells what it does more often than that


def is_on(places: Places) -> bool:
    return places.systematic_switch.exists()


def start(site: Site) -> bool:
    """Switches it on; True if there was no rule and EVERYDAY was added. Raises UnavailableError."""
    book = RuleBook(site.places.rules)
    added = not book.names()
    if added:
        book.add(EVERYDAY)
    switch = site.places.systematic_switch
    try:
        make_folder(switch.parent)
        switch.write_text(json.dumps({"since": time.time()}))
        sync_folder(switch.parent)
    except OSError as error:
        raise _not_writable(switch.parent, error) from error
    site.keep_serving()
    return added


def stop(site: Site) -> None:
    """Switches it off: nothing more is sent; what is under way ends. Raises UnavailableError."""
    switch = site.places.systematic_switch
    try:
        switch.unlink(missing_ok=True)
        if switch.parent.exists():
            sync_folder(switch.parent)
    except OSError as error:
        raise _not_writable(switch.parent, error) from error
    site.places.ledger_bell.ring()


def status(site: Site) -> Status:
    """Raises UnavailableError (the home's store or ledger)."""
    board = _board(site)
    working = is_working(site.places)
    told = StatusFile.read(site.places.systematic)
    fresh = working and told is not None and time.time() - told.at < _RECENT_S
    return Status(
        on=is_on(site.places),
        working=working,
        doing=told.doing if fresh and told is not None else "",
        rules=tuple(board.spent),
        counts=_counts(board, _by_people(site, board)),
    )


def is_working(places: Places) -> bool:
    """Whether a planner of this home is there."""
    return embedded.holder_of(places.systematic / LOCK) is not None


def matrix(
    site: Site,
    *,
    question: str | None = None,
    datasets: Sequence[str] = (),
    offset: int = 0,
    limit: int | None = None,
) -> Matrix:
    """Data sets × configurations as they stand, whether it is on or not.

    question: columns of that kind only. datasets: names (the newest version of each); none: all. `offset`, `limit`: a
    page of the rows. Raises UnavailableError.
    """
    board = _board(site)
    columns = [j for j, one in enumerate(board.configurations) if question is None or board.question(one) == question]
    wanted = {name.partition("@")[0] for name in datasets}
    chosen = [i for i, one in enumerate(board.documents) if not wanted or one.name in wanted]
    page = chosen[offset : None if limit is None else offset + limit]
    people = _by_people(site, board)
    return Matrix(
        columns=tuple(_column(board, board.configurations[j]) for j in columns),
        rows=tuple(_row(board, i, columns, people) for i in page),
        total=len(chosen),
        counts=_counts(board, people),
    )


def _board(site: Site) -> Board:
    board = Board(site, Journal(site.places.systematic), RuleBook(site.places.rules))
    board.refresh()
    return board


def _column(board: Board, one: Configuration) -> Column:
    method = board.templates[one.method].method
    return Column(one.key, one.method, method.title, one.words, board.question(one), method.measure)


def _by_people(site: Site, board: Board) -> dict[tuple[int, int], Cell]:
    """Cells that systematic analysis has not come to, and that a person ran."""
    rows = {document.reference: i for i, document in enumerate(board.documents)}
    columns = {one.key: j for j, one in enumerate(board.configurations)}
    found: dict[tuple[int, int], Cell] = {}
    for run in site.ledger.find(states=(State.SUCCEEDED,), service=False, background=False, limit=_LOOKED_AT):
        template, i = board.templates.get(run.method or ""), rows.get(run.dataset or "")
        if template is None or i is None or run.submitted_at < board.documents[i].created_at.timestamp():
            continue
        configuration = as_configured(template, board.documents[i], run)
        j = columns.get(configuration.key) if configuration is not None else None
        if j is not None and (i, j) not in found and not board.settled[i, j]:
            score = template.method.score_of(run.metrics)
            found[i, j] = Cell(CellState.DONE, "A person ran it.", run.id, score, run.seconds)
    return found


def _counts(board: Board, people: Mapping[tuple[int, int], Cell]) -> dict[CellState, int]:
    found = cells.counts(board)
    for i, j in people:
        found[cells.cell(board, i, j).state] -= 1
    found[CellState.DONE] = found.get(CellState.DONE, 0) + len(people)
    return found


def _row(board: Board, i: int, columns: Sequence[int], people: Mapping[tuple[int, int], Cell]) -> Row:
    found = [people.get((i, j)) or cells.cell(board, i, j) for j in columns]
    scored: dict[str, list[float]] = {}
    for j, cell in zip(columns, found, strict=True):
        if cell.score is not None:
            scored.setdefault(board.question(board.configurations[j]), []).append(cell.score)
    best = {question: max(scores) for question, scores in scored.items() if len(scores) > 1}
    marked = [
        _marked(cell, best.get(board.question(board.configurations[j]), math.nan))
        for j, cell in zip(columns, found, strict=True)
    ]
    return Row(board.documents[i].reference, tuple(marked))


def _marked(cell: Cell, best: float) -> Cell:
    if cell.state is not CellState.DONE or cell.score is None or cell.score != best:
        return cell
    return Cell(cell.state, cell.reason, cell.task, cell.score, cell.seconds, best=True)


def _not_writable(folder: object, error: OSError) -> UnavailableError:
    return UnavailableError(
        "systematic_not_writable",
        f"{folder} cannot be written: {error.strerror}.",
        "Is the disk full? May you write there?",
    )
