"""The life of a task is a table; these tests walk it without queue or clock."""

from __future__ import annotations

import itertools

import pytest

from codalab_nb.errors import ProtocolError
from codalab_nb.model.task import OPEN, TABLE, TERMINAL, State, Step, Verdict, advance


def test_every_state_has_a_row_and_verdicts_are_the_terminal_ones() -> None:
    """A new state cannot be forgotten anywhere: rows, terminal states and verdicts are the same set of words."""
    assert set(TABLE) == set(State)
    assert {str(state) for state in TERMINAL} == {str(verdict) for verdict in Verdict}
    assert {str(state) for state in OPEN} == {"queued", "running"}


@pytest.mark.parametrize(("state", "step"), list(itertools.product(State, Step)))
def test_steps_follow_the_table(state: State, step: Step) -> None:
    """I5: nothing leaves a verdict, and an illegal step says which task, state and step."""
    if step in TABLE[state]:
        assert advance("t", state, step) is TABLE[state][step]
    else:
        assert state in TERMINAL
        with pytest.raises(ProtocolError, match=f"t is {state}.*{step}"):
            advance("t", state, step)


def test_every_open_state_reaches_every_verdict() -> None:
    """No open task is stuck: each verdict is one step away."""
    for state in OPEN:
        assert set(TABLE[state].values()) >= TERMINAL
