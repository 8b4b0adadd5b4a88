"""What the cells of one column mean: numbers in every spelling people use, no value, dates, text.

Nothing is guessed: `1,234` is 1234 or 1.234 only if other cells of the same sheet show which mark is which.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from codalab_nb.datasets.grid import Grid
from codalab_nb.datasets.tables import MISSING_WORDS

# Among numbers these say "no value" too. Among texts they may mean something: ND is "newly diagnosed" elsewhere.
_NO_NUMBER = frozenset(
    {word.casefold() for word in MISSING_WORDS}
    | {"nd", "n.d", "n/d", "n.a", "#ref!", "#num!", "#name?", "#null!", "#value", "-", "--", "–", "—", "−", ".", "?"}
    | {"missing", "none", "not detected", "not determined", "not measured", "k.a.", "k. a.", "n. d.", "n. a."}
)
_NO_TEXT = frozenset(MISSING_WORDS)
_SPACES = re.compile("(?<=\\d)[\\s\u00a0\u2009\u202f'’](?=\\d{3}(?!\\d))")  # 1 234 567 and the Swiss 1'234'567
_PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_COMMA = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?")
_THOUSANDS_COMMA = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?")
_THOUSANDS_POINT = re.compile(r"[-+]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?")
_UNSURE_COMMA = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")  # 1,234
_UNSURE_POINT = re.compile(r"[-+]?[1-9]\d{0,2}\.\d{3}")  # 1.234
_LIMIT = re.compile(
    r"[<>≤≥]=?\s*(?:[-+]?\d[\d.,]*(?:e[-+]?\d+)?|[lu]?lo[dq]|m?dl|limit|detection limit)"
    r"|b(?:dl|lo?q|lod)|(?:below|under) (?:lod|loq|limit|detection|detection limit)"
)
_LONG = re.compile(r"[-+]?[1-9]\d{3,}")  # 1234: thousands are not marked here


@dataclass
class Marks:
    """Which marks the texts of one sheet use for sure: 13441,0 shows a decimal comma, 10,673.5 a thousands comma."""

    decimal_comma: int = 0
    decimal_point: int = 0
    thousands_comma: int = 0
    thousands_point: int = 0
    point_unclear: bool = False  # 1.526 may be 1526; set by `of_grid`, which sees what stands beside it

    @classmethod
    def of_grid(cls, grid: Grid) -> Marks:
        """The marks of a whole sheet. `1.526` is unclear in it if nothing shows that the point is a decimal one.

        Beside bare whole numbers it may be 1526 anywhere; where all numbers are so, only in workbooks and files
        with `;`, which countries with decimal commas write: `%.3f` gives the same in files with commas or tabs.
        """
        marks = cls.seen_in(cell for row in grid.rows for cell in row if isinstance(cell, str))
        if marks.decimal_point or marks.decimal_comma or marks.thousands_point or grid.separator == ",":
            return marks
        unsure = {c for row in grid.rows for c, cell in enumerate(row) if _unsure_point(cell)}
        beside = [cell for row in grid.rows for c, cell in enumerate(row) if c in unsure]
        known = [cell for cell in beside if isinstance(cell, str) and _LONG.fullmatch(cell.strip())]
        whole = any(isinstance(cell, str) and cell.strip().isdigit() for cell in beside)
        marks.point_unclear = bool(unsure) and not known and (whole or grid.separator in (";", ""))
        return marks

    @classmethod
    def seen_in(cls, texts: Iterable[str]) -> Marks:
        marks = cls()
        for text in texts:
            if text[-1:].isdigit() or text.endswith((" ", ",", ".")):
                marks._look(_bare(text))
        return marks

    def _look(self, text: str) -> None:
        if (
            text.isdigit()
            or not any(mark in text for mark in ".,")
            or _UNSURE_COMMA.fullmatch(text)
            or _UNSURE_POINT.fullmatch(text)
        ):
            return
        if _THOUSANDS_COMMA.fullmatch(text):
            self.thousands_comma += 1
            self.decimal_point += "." in text
        elif _THOUSANDS_POINT.fullmatch(text):
            self.thousands_point += 1
            self.decimal_comma += "," in text
        elif _COMMA.fullmatch(text):
            self.decimal_comma += 1
        elif "." in text and _PLAIN.fullmatch(text):
            self.decimal_point += 1

    def number(self, text: str) -> float | None:
        """The number that `text` spells, or None: it is none, or it could be one of two (`candidates` has them)."""
        text = _bare(text)
        if _UNSURE_COMMA.fullmatch(text):
            return self._unsure_comma(text)
        if _UNSURE_POINT.fullmatch(text):
            european = (self.decimal_comma or self.thousands_point) and not self.decimal_point
            if self.point_unclear:
                return None
            return float(text.replace(".", "")) if european else float(text)
        if _PLAIN.fullmatch(text):
            return float(text)
        if _THOUSANDS_COMMA.fullmatch(text):
            return float(text.replace(",", ""))
        if _THOUSANDS_POINT.fullmatch(text):
            return float(text.replace(".", "").replace(",", "."))
        if _COMMA.fullmatch(text):
            return float(text.replace(",", "."))
        return None

    def _unsure_comma(self, text: str) -> float | None:
        if self.decimal_comma and not self.thousands_comma:
            return float(text.replace(",", "."))
        if (self.thousands_comma or self.decimal_point) and not self.decimal_comma:
            return float(text.replace(",", ""))
        return None


def candidates(text: str) -> tuple[str, ...]:
    """The two numbers which `1,234` or an unclear `1.234` may be; () for any other text."""
    bare = _bare(text)
    if _UNSURE_POINT.fullmatch(bare):
        return (bare.replace(".", ""), bare)
    return (bare.replace(",", ""), bare.replace(",", ".")) if _UNSURE_COMMA.fullmatch(bare) else ()


def _unsure_point(cell: object) -> bool:
    return isinstance(cell, str) and len(cell) < 12 and _UNSURE_POINT.fullmatch(cell.strip()) is not None


@dataclass
class Numbers:
    """A column read as numbers. `odd`: places of cells that hold something else; they are NaN in `values`."""

    values: npt.NDArray[np.float64]
    odd: list[int] = field(default_factory=list)
    missing: Counter[str] = field(default_factory=Counter)  # spelling → cells, empty ones as ""
    limits: Counter[str] = field(default_factory=Counter)  # `<LOD`, `<0.5`: below (or above) what can be measured
    as_text: list[int] = field(default_factory=list)  # numbers that were stored as text in a workbook
    other_marks: list[int] = field(default_factory=list)  # with a decimal comma or thousands marks


def is_missing(cell: object) -> bool:
    """No value, where a number is expected."""
    return cell is None or (isinstance(cell, str) and cell.strip().casefold() in _NO_NUMBER)


def is_limit(cell: object) -> bool:
    """`<LOD`, `<0.5`, `BLQ`: a value that could not be measured, but is known to be small (or large)."""
    return isinstance(cell, str) and _LIMIT.fullmatch(cell.strip().casefold()) is not None


def is_number(cell: object, marks: Marks) -> bool:
    if isinstance(cell, str):
        if _PLAIN.fullmatch(cell):
            return True
        return bool(_looks_numeric(cell)) and (marks.number(cell) is not None or bool(candidates(cell)))
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def to_numbers(cells: Sequence[object], marks: Marks, *, limits_missing: bool = False) -> Numbers:
    """The cells as float64; what is neither a number nor a known word for "no value" is kept in `odd`.

    limits_missing: `<LOD` is no value; else it is odd.
    """
    if set(map(type, cells)) <= {int, float, type(None)}:
        values = np.array(cells, dtype=np.float64)
        empty = int(np.isnan(values).sum())
        return Numbers(values, missing=Counter({"": empty} if empty else {}))
    found = Numbers(np.full(len(cells), np.nan))
    if marks.point_unclear and any(isinstance(cell, float) and not cell.is_integer() for cell in cells):
        marks = replace(marks, point_unclear=False)  # among broken numbers, text that looks like one is one too
    for place, cell in enumerate(cells):
        if isinstance(cell, str):
            if is_missing(cell):
                found.missing[cell.strip()] += 1
                continue
            number = marks.number(cell) if _looks_numeric(cell) else _infinite(cell)
            if number is None and limits_missing and is_limit(cell):
                found.limits[cell.strip()] += 1
                continue
            if number is None:
                found.odd.append(place)
                continue
            found.values[place] = number
            found.as_text.append(place)
            if not _PLAIN.fullmatch(cell.strip()) or number != _float(cell):
                found.other_marks.append(place)
        elif cell is None or cell != cell:
            found.missing[""] += 1
        elif isinstance(cell, int | float) and not isinstance(cell, bool):
            found.values[place] = cell
        else:
            found.odd.append(place)
    return found


def to_text(cell: object) -> str | float:
    """The cell as text (stripped), NaN for no value. Dates as 2022-11-21, whole numbers without a point."""
    if isinstance(cell, str):
        text = cell.strip()
        return np.nan if text in _NO_TEXT else text
    if cell is None or cell != cell:
        return np.nan
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    return str(cell)


def as_name(cell: object) -> str:
    """The cell as the name of a row or a column; a date as a spreadsheet shows it (4-Sep), for it may be a gene."""
    if isinstance(cell, dt.date):
        return f"{cell.day}-{_MONTHS[cell.month - 1]}"
    text = to_text(cell)
    return text if isinstance(text, str) else cell.strip() if isinstance(cell, str) else ""


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _bare(text: str) -> str:
    text = text.strip().replace("−", "-")  # a typographic minus
    return _SPACES.sub("", text) if len(text) > 4 else text


def _looks_numeric(text: str) -> bool:
    """Cheap: has a digit, and begins as numbers do."""
    text = text.strip()
    return bool(text) and (text[0] in "+-−.," or text[0].isdecimal()) and text[-1] in "0123456789.,"


def _infinite(text: str) -> float | None:
    return float(text) if text.strip().casefold() in ("inf", "-inf", "+inf", "infinity", "-infinity") else None


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
