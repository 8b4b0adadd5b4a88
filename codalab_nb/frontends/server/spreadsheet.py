"""Tables for a spreadsheet, as CSV that runs nothing there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from codalab_nb.frontends.server.outgoing import plain

# What a spreadsheet takes for a formula. https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(rows: Iterable[Sequence[Any]]) -> bytes:
    """With a byte order mark: Excel reads it as UTF-8 then, and so does everything else."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return made.getvalue().encode("utf-8-sig")


def _cell(value: Any) -> Any:
    """Numbers as they are; text that a spreadsheet would run as a formula gets a leading apostrophe."""
    if isinstance(value, bool | int | float):
        return value
    text = plain(str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text
