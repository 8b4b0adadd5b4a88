"""What a notebook reports: display data of one MIME type. Metrics are never seen as outputs; figures and tables are."""

from __future__ import annotations

import math
from typing import Any

MIME = "application/vnd.codalab.report+json"
_MAX_NAME = 200


class BadReport(Exception):
    """The report is not {"metric": name, "value": number}; the text says what was found."""


def is_display(report: Any) -> bool:
    """True for a reported figure or table: an output like others, with words about it for a view."""
    return isinstance(report, dict) and "metric" not in report and ("figure" in report or "table" in report)


def read_metric(report: Any) -> tuple[str, float]:
    """Name and value of a reported metric. Raises BadReport."""
    if not isinstance(report, dict) or set(report) != {"metric", "value"}:
        found = ", ".join(sorted(map(str, report)))[:200] if isinstance(report, dict) else type(report).__name__
        raise BadReport(f"a metric report has exactly the keys metric and value; found {found}")
    name, value = report["metric"], report["value"]
    if not isinstance(name, str) or not name.strip() or len(name) > _MAX_NAME or not name.isprintable():
        raise BadReport(f"a metric's name is a printable text of 1 to {_MAX_NAME} characters; found {str(name)[:80]!r}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadReport(f"the value of metric {name!r} must be a number; found {str(value)[:80]!r}")
    try:
        number = float(value)
    except OverflowError as error:
        raise BadReport(f"the value of metric {name!r} is too large for a number of 64 bits") from error
    if not math.isfinite(number):
        raise BadReport(f"the value of metric {name!r} must be finite; found {number}")
    return name, number
