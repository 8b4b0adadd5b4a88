"""A sheet as it is: rows of cells, with their addresses. No meaning yet; `layout` finds that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

FORMULA, SUMS_UP, NO_RESULT = 1, 2, 4
Cell = object  # None, str, int, float, bool, datetime, date, time, timedelta


@dataclass
class Grid:
    """The rows that hold anything, without trailing empty cells.

    numbers: the row number (1 = the first line of the sheet or file) of each row.
    formulas: (row number, column) of cells that hold a formula → FORMULA, plus SUMS_UP where it works on a range
        (AVERAGE, SUM, …), plus NO_RESULT where the file does not hold its result.
    widths: cells per row as written, for text files only.
    separator: between the cells of a text file; "" in a workbook.
    merged: (first row, first column, last row, last column), row numbers and columns as in `where`.
    """

    name: str
    rows: list[list[Cell]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    formulas: dict[tuple[int, int], int] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    is_workbook: bool = True
    separator: str = ""
    hidden: bool = False

    def cell(self, row: int, column: int) -> Cell:
        """The cell in the `row`-th row kept here (from 0) and `column` (from 0); None beyond its end."""
        cells = self.rows[row]
        return cells[column] if column < len(cells) else None

    def column(self, column: int, rows: Sequence[int]) -> list[Cell]:
        return [cells[column] if column < len(cells) else None for cells in map(self.rows.__getitem__, rows)]

    @property
    def width(self) -> int:
        return max(map(len, self.rows), default=0)

    def where(self, row: int, column: int) -> str:
        """`Data!C7` in a workbook, `line 7, column 3` in a text file."""
        if self.is_workbook:
            return f"{self.name}!{letters(column)}{self.numbers[row]}"
        return f"line {self.numbers[row]}, column {column + 1}"

    def line(self, row: int) -> str:
        return f"{self.name}!{self.numbers[row]}" if self.is_workbook else f"line {self.numbers[row]}"

    def spoken(self, row: int) -> str:
        """As `line`, for a sentence which speaks of this sheet already."""
        return f"row {self.numbers[row]}" if self.is_workbook else f"line {self.numbers[row]}"

    def formula(self, row: int, column: int) -> int:
        """FORMULA, SUMS_UP and NO_RESULT as bits; 0: no formula."""
        return self.formulas.get((self.numbers[row], column), 0)

    def merge_of(self, row: int, column: int) -> tuple[int, int, int, int] | None:
        number = self.numbers[row]
        return next((one for one in self.merged if one[0] <= number <= one[2] and one[1] <= column <= one[3]), None)


def letters(column: int) -> str:
    """0 → A, 25 → Z, 26 → AA."""
    text, number = "", column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text


def place(reference: str) -> tuple[int, int]:
    """`C7` → (7, 2): the row number and the column from 0."""
    split = next((at for at, sign in enumerate(reference) if sign.isdigit()), len(reference))
    column = 0
    for sign in reference[:split].upper():
        column = column * 26 + ord(sign) - 64
    return int(reference[split:]), column - 1
