"""Systematic analysis in words and in JSON: what it does, what of its budgets is used, and what is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from typing import Any

from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.text import count, cut, duration, folded, one_line, pad, width
from codalab_nb.systematic.rules import Budget
from codalab_nb.systematic.view import Cell, CellState, Column, Matrix, Status

# For people: in a sentence, and the mark of a cell that has no score.
WORDS = {
    CellState.DONE: "done",
    CellState.RUNNING: "running",
    CellState.QUEUED: "sent to a worker",
    CellState.PLANNED: "planned",
    CellState.OVER_BUDGET: "over budget",
    CellState.UNFIT: "does not fit",
    CellState.FAILED: "failed",
    CellState.NOT_ASKED: "not asked",
}
MARKS = {
    CellState.DONE: "ok",
    CellState.RUNNING: "runs",
    CellState.QUEUED: "sent",
    CellState.PLANNED: "…",
    CellState.OVER_BUDGET: "later",
    CellState.UNFIT: "-",
    CellState.FAILED: "!",
    CellState.NOT_ASKED: "",
}
_WIDEST_NAME, _WIDEST_HEAD, _GAP = 24, 16, 2


def question(slug: str) -> str:
    """`small-samples` → `Small samples`, as a heading; what answers no question that others answer is named so."""
    words = slug.replace("-", " ")
    return f"{words[:1].upper()}{words[1:]}" if words else "On their own"


def score(value: float | None) -> str:
    """Two decimals, as differences below are noise; three digits where scores are no shares."""
    if value is None:
        return ""
    return f"{value:.2f}" if abs(value) < 10 else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"


def hours(seconds: float) -> str:
    """`0.4`, `8`, `12.5`: CPU hours, as a budget has them."""
    return f"{seconds / 3600:.2f}".rstrip("0").rstrip(".") if seconds < 36_000 else f"{seconds / 3600:.0f}"


def budget(of: Budget) -> str:
    """`at most 8 CPU hours and 200 tasks a day`."""
    parts = [
        f"{hours(of.cpu_seconds or 0)} CPU hours" if of.cpu_hours is not None else "",
        count(of.tasks, "task") if of.tasks is not None else "",
    ]
    told = " and ".join(filter(None, parts))
    return f"at most {told} a day" if told else "without a limit"


def counts(of: dict[CellState, int]) -> str:
    """`142 done, 2 running, 41 planned, 17 do not fit`: what there is, in the order of the states."""
    words = {**WORDS, CellState.UNFIT: "do not fit"}
    return ", ".join(f"{of[state]:,} {words[state]}" for state in CellState if of.get(state))


# --- what it does


def tell(status: Status, out: Output) -> None:
    out.data(f"Systematic analysis is {'on' if status.on else 'off'}.", "bold")
    if status.doing or (status.on and not status.working):
        out.prose(f"  {status.doing or 'It is about to begin.'}", hang="  ", talk=False)
    if found := counts(status.counts):
        out.fields([("results", found)], talk=False)
    if not status.rules:
        out.data("  There is no rule: nothing is asked for.")
        return
    out.data()
    rows = [
        [
            one.rule,
            _used(f"{one.tasks:,}", None if one.tasks_limit is None else f"{one.tasks_limit:,}"),
            _used(hours(one.cpu_seconds), None if one.cpu_seconds_limit is None else hours(one.cpu_seconds_limit)),
            f"left out: {one.problem}" if one.problem else "",
        ]
        for one in status.rules
    ]
    head = ["rule", "tasks in 24 h", "CPU hours in 24 h", "remark"]
    shown = len(head) if any(row[-1] for row in rows) else len(head) - 1
    out.table(head[:shown], [row[:shown] for row in rows])


def _used(amount: str, limit: str | None) -> str:
    return amount if limit is None else f"{amount} of {limit}"


def status_json(status: Status) -> dict[str, Any]:
    return {
        "on": status.on,
        "working": status.working,
        "doing": status.doing,
        "rules": [asdict(one) for one in status.rules],
        "counts": {state.value: status.counts.get(state, 0) for state in CellState},
    }


# --- the matrix


def tell_matrix(matrix: Matrix, out: Output) -> None:
    """Data sets × configurations, grouped by kind of question, in as many pieces as the terminal asks for."""
    if not matrix.rows or not matrix.columns:
        missing = "data set" if matrix.columns else "configuration that a rule asks for or that ran"
        out.say(f"There is no {missing} yet.")
        return
    for head, lines in _pieces(matrix, out.room):
        out.data()
        out.data(head, "bold")
        for line in lines:
            out.data(line)
    out.data()
    for line in _legend(matrix):
        out.prose(line, "dim", "  ", talk=False)
    if len(matrix.rows) < matrix.total:
        out.say(f"{len(matrix.rows):,} of {count(matrix.total, 'data set')} are shown; --limit shows more.", "dim")


@dataclass(frozen=True)
class _Printed:
    """A column as it is printed: its heading in lines, its cells. `title`: above the first of a kind of question."""

    title: str
    heading: Sequence[str]
    cells: Sequence[str]

    @property
    def width(self) -> int:
        return max(map(width, (self.title, *self.heading, *self.cells)))


def _ordered(columns: Sequence[Column]) -> list[tuple[int, Column]]:
    """Place and column; those of one kind of question together, where the first of them stands, and none last."""
    firsts = {column.question: place for place, column in reversed(list(enumerate(columns)))}
    return sorted(enumerate(columns), key=lambda pair: (not pair[1].question, firsts[pair[1].question]))


def _pieces(matrix: Matrix, room: int | None) -> Iterator[tuple[str, list[str]]]:
    """Of each the line of questions, then the other lines."""
    names = [one_line(row.dataset) for row in matrix.rows]
    widest = max(map(width, names))
    first = widest if room is None else min(widest, _WIDEST_NAME)
    left = [cut(name, first) for name in names]
    piece: list[_Printed] = []
    before = None
    for place, column in _ordered(matrix.columns):
        printed = _printed(column, [row.cells[place] for row in matrix.rows], whole=room is None)
        shown = replace(printed, title="") if column.question == before else printed
        if piece and room is not None and first + sum(_GAP + one.width for one in (*piece, shown)) > room:
            yield _lines(left, first, piece)
            piece, shown = [], printed
        piece.append(shown)
        before = column.question
    yield _lines(left, first, piece)


def _printed(column: Column, cells: Iterable[Cell], *, whole: bool) -> _Printed:
    words = [column.method, *(column.words.replace(" = ", "=").split(", ") if column.words else [])]
    heading = [part for word in words for part in ([one_line(word)] if whole else folded(one_line(word), _WIDEST_HEAD))]
    return _Printed(one_line(question(column.question)), heading, [_mark(cell) for cell in cells])


def _mark(cell: Cell) -> str:
    if cell.state is CellState.DONE and cell.score is not None:
        return score(cell.score) + ("*" if cell.best else "")
    return MARKS[cell.state]


def _lines(names: Sequence[str], first: int, piece: Sequence[_Printed]) -> tuple[str, list[str]]:
    def line(left: str, parts: Iterable[str]) -> str:
        padded = (pad(part, one.width) for part, one in zip(parts, piece, strict=True))
        return (" " * _GAP).join([pad(left, first), *padded]).rstrip()

    headings = zip_longest(*(one.heading for one in piece), fillvalue="")
    rows = zip(names, zip(*(one.cells for one in piece), strict=True), strict=True)
    return line("", (one.title for one in piece)), [
        *(line("", parts) for parts in headings),
        *(line(name, parts) for name, parts in rows),
    ]


def _legend(matrix: Matrix) -> list[str]:
    """What the scores are, and the marks that are in the table."""
    cells = [cell for row in matrix.rows for cell in row.cells]
    lines = []
    if any(cell.score is not None for cell in cells):
        of: dict[str, dict[str, None]] = {}
        for place, column in _ordered(matrix.columns):
            if column.measure and any(row.cells[place].score is not None for row in matrix.rows):
                of.setdefault(question(column.question), {})[column.measure] = None
        lines.append("Numbers are scores; more is better, within one data set and one kind of question.")
        lines += [f"{name}: {'; '.join(measures)}." for name, measures in of.items()]
    shown = {cell.state for cell in cells if not (cell.state is CellState.DONE and cell.score is not None)}
    scored = {CellState.DONE: "done, without a score"}
    told = ["* = the best of its row and question"] if any(cell.best for cell in cells) else []
    told += [f"{MARKS[state] or 'blank'} = {scored.get(state, WORDS[state])}" for state in CellState if state in shown]
    return [*lines, f"{'; '.join(told)}.", "Why: codalab-nb systematic status --why DATASET"]


def tell_why(matrix: Matrix, out: Output) -> None:
    """The row of one data set, a line for each cell."""
    for row in matrix.rows:
        out.data()
        out.data(row.dataset, "bold")
        rows = [
            [
                column.method + (f" ({column.words})" if column.words else ""),
                WORDS[cell.state],
                score(cell.score) + (" *" if cell.best else ""),
                duration(cell.seconds),
                cell.reason,
            ]
            for place, column in _ordered(matrix.columns)
            for cell in [row.cells[place]]
        ]
        out.table(("method", "state", "score", "took", "why"), rows)


def matrix_json(matrix: Matrix) -> dict[str, Any]:
    return {
        "columns": [asdict(column) for column in matrix.columns],
        "rows": [{"dataset": row.dataset, "cells": [asdict(cell) for cell in row.cells]} for row in matrix.rows],
        "total": matrix.total,
        "counts": {state.value: matrix.counts.get(state, 0) for state in CellState},
    }
