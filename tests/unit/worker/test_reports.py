"""Metric reports (THREATS O14)."""

from __future__ import annotations

from typing import Any

import pytest

from codalab_worker.reports import BadReport, read_metric


@pytest.mark.parametrize("value", [0, 1.5, -3, 10**20])
def test_numbers(value: float) -> None:
    """Whole and real numbers are metrics."""
    assert read_metric({"metric": "f1 score", "value": value}) == ("f1 score", float(value))


@pytest.mark.parametrize(
    "report",
    [
        {"metric": "a", "value": float("nan")},
        {"metric": "a", "value": float("inf")},
        {"metric": "a", "value": "1"},
        {"metric": "a", "value": None},
        {"metric": "a", "value": True},
        {"metric": "a", "value": [1]},
        {"metric": "a", "value": 10**400},
        {"metric": "", "value": 1},
        {"metric": "a\nb", "value": 1},
        {"metric": "a" * 201, "value": 1},
        {"metric": 5, "value": 1},
        {"metric": "a", "value": 1, "more": 2},
        {"metric": "a"},
        {},
        [],
        "text",
        None,
    ],
)
def test_everything_else_is_refused(report: Any) -> None:
    """In words that say what was found."""
    with pytest.raises(BadReport, match="metric"):
        read_metric(report)
