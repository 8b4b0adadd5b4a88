"""The simulation behind docs/understand/scale.md: it queues rightly, and the page shows what was measured."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.bench.scale import BEGIN, END, NOTE, SIZES, simulate, stepped, table, waits


def test_tasks_wait_for_the_worker_that_is_free_first() -> None:
    """Two workers, three tasks at once: the third begins when the shorter one ends."""
    arrived, takes = np.array([0.0, 0.0, 0.0, 100.0]), np.array([10.0, 4.0, 1.0, 1.0])
    assert waits(arrived, takes, 2).tolist() == [0.0, 0.0, 4.0, 0.0]


def test_waits_agree_with_the_theory_of_one_queue() -> None:
    """M/M/1 at 70 %: the mean wait is 0.7 / 0.3 times the mean length."""
    rng = np.random.default_rng(1)
    arrived, takes = np.cumsum(rng.exponential(1 / 0.7, 200_000)), rng.exponential(1.0, 200_000)
    assert waits(arrived, takes, 1).mean() == pytest.approx(0.7 / 0.3, rel=0.1)


def test_no_day_loses_tasks() -> None:
    """Each task of the day is there once."""
    for size in SIZES[:2]:
        assert len(simulate(size).waited_s) == size.tasks


def test_prices_by_step() -> None:
    """What is included is free, and only what lies above a step has its price."""
    assert stepped(15.0, ((10.0, 0.0), (math.inf, 2.0))) == 10.0


def test_the_page_shows_what_was_measured() -> None:
    """The line of measured figures; the table beside it may differ in the last digit with another numpy."""
    written = NOTE.read_text().split(BEGIN)[1].split(END)[0]
    assert written.splitlines()[-1] == table().splitlines()[-1], "python -m tests.bench.scale --write"
