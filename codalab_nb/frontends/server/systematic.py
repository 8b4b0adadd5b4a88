"""Systematic analysis: the switch, what it does, and the matrix of data sets × configurations.

What it stands on (numpy and more) is imported when it is first asked for, in a thread for slow operations: a server
starts without it, and nothing quick waits for it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from codalab_nb.errors import InputError
from codalab_nb.frontends.choosing.words import plain
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import Download, operation
from codalab_nb.frontends.server.spreadsheet import as_csv
from codalab_nb.frontends.server.wire.systematic import Matrix, MatrixColumn, MatrixRow, SystematicStatus
from codalab_nb.site.site import Site

if TYPE_CHECKING:
    from codalab_nb.systematic import view

_USUAL_PAGE, _LARGEST_PAGE = 100, 500
_WORDS = {
    "over_budget": "over budget",
    "unfit": "does not fit",
    "not_asked": "not asked",
}


@operation("systematic", slow=True)
def status(context: Context) -> SystematicStatus:
    from codalab_nb.systematic import control

    return _told(control.status(context.site))


@operation("startSystematic", slow=True)
def start(context: Context) -> SystematicStatus:
    from codalab_nb.systematic import control

    control.start(context.site)
    return _told(control.status(context.site))


@operation("stopSystematic", slow=True)
def stop(context: Context) -> SystematicStatus:
    from codalab_nb.systematic import control

    control.stop(context.site)
    return _told(control.status(context.site))


@operation("matrix", slow=True)
def matrix(
    context: Context,
    question: str | None,
    q: str | None,
    sort: str | None,
    order: str | None,
    offset: int | None,
    limit: int | None,
) -> Matrix:
    size = min(_USUAL_PAGE if limit is None else limit, _LARGEST_PAGE)
    first = offset or 0
    found, rows = _asked(context.site, question, q, sort, order, first, size)
    return Matrix(
        columns=tuple(MatrixColumn.model_validate(column, from_attributes=True) for column in found.columns),
        rows=tuple(MatrixRow.model_validate(_in_plain_words(row), from_attributes=True) for row in rows),
        total=found.total,
        offset=first,
        questions=tuple(_questions(context.site)),
        counts={state.value: number for state, number in found.counts.items()},
    )


@operation("matrixTable", slow=True)
def matrix_table(
    context: Context, question: str | None, q: str | None, sort: str | None, order: str | None
) -> Download:
    """One line for each cell: what programs and pivot tables take."""
    found, rows = _asked(context.site, question, q, sort, order, 0, None)
    head = ["data set", "method", "settings", "question", "state", "score", "measure", "best", "seconds", "why", "task"]
    lines: list[list[object]] = [list(head)]
    for row in rows:
        for column, cell in zip(found.columns, row.cells, strict=True):
            state = _WORDS.get(cell.state.value, cell.state.value)
            score = "" if cell.score is None else cell.score
            lines.append(
                [
                    row.dataset,
                    column.method,
                    column.words,
                    column.question,
                    state,
                    score,
                    column.measure,
                    "best" if cell.best else "",
                    "" if cell.seconds is None else round(cell.seconds, 3),
                    _plain(cell.reason),
                    cell.task or "",
                ]
            )
    return Download(as_csv(lines), "systematic-analysis.csv", "text/csv")


def _in_plain_words(row: view.Row) -> view.Row:
    """Reasons without the flags of the command line."""
    return replace(row, cells=tuple(replace(cell, reason=_plain(cell.reason)) for cell in row.cells))


_plain = lru_cache(2_000)(plain)  # the same few reasons stand in thousands of cells


def _told(status: view.Status) -> SystematicStatus:
    return SystematicStatus.model_validate(status, from_attributes=True)


def _asked(
    site: Site,
    question: str | None,
    q: str | None,
    sort: str | None,
    order: str | None,
    offset: int,
    limit: int | None,
) -> tuple[view.Matrix, tuple[view.Row, ...]]:
    """The matrix that was asked for, and of its rows those of the page, in order."""
    from codalab_nb.systematic import control

    if order not in (None, "up", "down"):
        raise InputError("request", f"`order` is to be `up` or `down`, not {order[:50]!r}.", "")
    if question is not None and question not in {*_questions(site), *site.catalog.templates()}:
        raise InputError("question_unknown", f"No method answers the kind of question {question[:80]!r}.", "")
    named = _named(site, q)
    if named is not None and not named:
        found = control.matrix(site, question=question, limit=0)
        return _without_rows(found), ()
    if sort is None:
        found = control.matrix(site, question=question, datasets=named or (), offset=offset, limit=limit)
        return found, found.rows
    found = control.matrix(site, question=question, datasets=named or ())
    place = next((i for i, column in enumerate(found.columns) if column.key == sort), None)
    if place is None:
        raise InputError("configuration_unknown", f"There is no column {sort[:80]!r} (any more).", "Read it again.")
    rows = _sorted(found.rows, place, down=order != "up")
    return found, rows[offset : None if limit is None else offset + limit]


def _without_rows(found: view.Matrix) -> view.Matrix:
    from codalab_nb.systematic.view import Matrix

    return Matrix(found.columns, (), 0, found.counts)


def _sorted(rows: tuple[view.Row, ...], place: int, *, down: bool) -> tuple[view.Row, ...]:
    """By the score in one column; rows that have none there stay last, as they were."""
    scored = [row for row in rows if row.cells[place].score is not None]
    others = [row for row in rows if row.cells[place].score is None]
    return (*sorted(scored, key=lambda row: row.cells[place].score or 0.0, reverse=down), *others)


def _named(site: Site, q: str | None) -> list[str] | None:
    """Data sets whose name has all the words; None without words."""
    words = (q or "").casefold().split()
    if not words:
        return None
    references = [document.reference for document in site.catalog.datasets()]
    return [one for one in references if all(word in one.casefold() for word in words)]


def _questions(site: Site) -> list[str]:
    """Those that methods have in common, or may have, in the order of the alphabet."""
    return sorted({one.method.answers for one in site.catalog.templates().values() if one.method.answers})
