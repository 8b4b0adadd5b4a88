"""The state of each cell of the board with its reason, as people are told."""

from __future__ import annotations

import numpy as np

from codalab_nb.model.task import State
from codalab_nb.systematic.board import NO_RULE, Board, Standing
from codalab_nb.systematic.journal import REFUSED
from codalab_nb.systematic.view import Cell, CellState

_ENDED_OTHERWISE = {
    State.CANCELLED: "Cancelled by a person.",
    State.EXPIRED: "It expired before a worker could finish it.",
    State.LOST: "Its attempts were used up by failures of the machine.",
}


def cell(board: Board, i: int, j: int) -> Cell:
    standing = board.standing(i, j)
    if standing is not None:
        return _told(board, standing)
    if not board.fit[i, j]:
        return Cell(CellState.UNFIT, board.why_unfit(i, j))
    rule = int(board.asked[i, j])
    if rule == NO_RULE:
        return Cell(CellState.NOT_ASKED, "No rule asks for it.")
    name = board.rules[rule].name
    if not board.has_budget(rule):
        return Cell(CellState.OVER_BUDGET, f"The budget of the rule {name} for the last 24 hours is used.")
    return Cell(CellState.PLANNED, f"The rule {name} asks for it.")


def _told(board: Board, standing: Standing) -> Cell:
    run, score = standing.run, standing.score
    if run.state == REFUSED:
        return Cell(CellState.UNFIT, run.reason)
    if run.state is None:
        running = standing.open_state is not State.QUEUED
        return Cell(CellState.RUNNING if running else CellState.QUEUED, task=run.task)
    if run.state != State.SUCCEEDED:
        reason = run.reason or _ENDED_OTHERWISE.get(State(run.state), "It failed.")
        return Cell(CellState.FAILED, reason, run.task, seconds=run.seconds)
    value, why = run.score, ""
    if board.is_label_free(run.configuration):
        value = score.score if score else None
        why = _no_score(score.state if score else None, score.reason if score else "") if value is None else ""
    return Cell(CellState.DONE, why, run.task, value, run.seconds)


def _no_score(state: str | None, reason: str) -> str:
    if state is None:
        return "Its score is not worked out yet."
    if state == State.SUCCEEDED:
        return reason or "It has no score here."
    return f"Its score could not be worked out: {reason or state}"


def counts(board: Board) -> dict[CellState, int]:
    """How many cells are in each state, of the whole board; quick, whatever its size."""
    able = np.array(
        [board.has_budget(place) for place in range(len(board.rules))] + [False], dtype=bool
    )  # last: no rule
    open_ = ~board.settled & board.fit
    asked = board.asked != NO_RULE
    found = {
        CellState.UNFIT: int((~board.settled & ~board.fit).sum()),
        CellState.NOT_ASKED: int((open_ & ~asked).sum()),
        CellState.OVER_BUDGET: int((open_ & asked & ~able[board.asked]).sum()),
        CellState.PLANNED: int((open_ & asked & able[board.asked]).sum()),
    }
    for standing in board.standings().values():
        state = _told(board, standing).state
        found[state] = found.get(state, 0) + 1
    return found
