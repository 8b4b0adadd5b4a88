"""Excel workbooks (.xlsx, .xlsm) as grids. Macros are never run, links to other files never followed.

openpyxl reads the cells (read-only, the stored results of formulas). What it does not tell in that mode, which cells
hold formulas and which are merged, is looked up in the raw bytes (`archive.look_through`).
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codalab_nb.errors import InputError
from codalab_nb.packing.archive import SheetMarks, check_workbook, damaged, look_through
from codalab_nb.packing.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_COLUMNS = 1 << 14  # what Excel allows
MOST_CELLS = 40_000_000  # about 2.5 GB of memory


def read_workbook(path: Path) -> list[Grid]:
    """One grid per worksheet, in the workbook's order; an empty sheet is a grid without rows.

    Raises InputError: password_protected, old_workbook, not_what_it_says, damaged_workbook, workbook_too_large.
    """
    check_workbook(path)
    import openpyxl

    with path.open("rb") as raw, warnings.catch_warnings():  # given a name, openpyxl would judge by its ending
        # openpyxl tells of parts it leaves out (drop-down lists, conditional colours): none holds a measurement.
        warnings.simplefilter("ignore", UserWarning)
        try:
            book = openpyxl.load_workbook(raw, read_only=True, data_only=True, keep_links=False)
        except Exception as error:  # a damaged file ends in whichever error its damage leads to
            raise damaged(path, _words(error)) from error
        try:
            return [_grid(path, sheet) for sheet in book.worksheets]
        except InputError:
            raise
        except Exception as error:
            raise damaged(path, _words(error)) from error
        finally:
            book.close()


def _grid(path: Path, sheet: Any) -> Grid:
    marks = look_through(path, sheet._worksheet_path)
    grid = Grid(sheet.title, formulas=marks.formulas, merged=marks.merged, hidden=sheet.sheet_state != "visible")
    sheet.reset_dimensions()  # they may claim a million rows, and rows would be filled up to them
    if marks.values:
        _fill(path, grid, marks, sheet.iter_rows(values_only=True))
    return grid


def _fill(path: Path, grid: Grid, marks: SheetMarks, rows: Iterable[tuple[object, ...]]) -> None:
    """Stops at the last cell with a value: a million formatted but empty rows below it are not parsed."""
    seen = cells = 0
    for number, row in enumerate(rows, start=1):
        if len(row) > MOST_COLUMNS:
            raise damaged(path, f"row {number} of the sheet {grid.name!r} has {len(row):,} cells")
        seen += len(row) - row.count(None)
        values = list(row)
        while values and (values[-1] is None or values[-1] == ""):
            values.pop()
        if values:
            grid.rows.append(values)
            grid.numbers.append(number)
            cells += len(values)
        if cells > MOST_CELLS:
            raise InputError(
                "workbook_too_large",
                f"Sheet {grid.name!r} of {path.name} has more than {MOST_CELLS:,} cells.",
                "Save it as CSV and add that file.",
            )
        if seen >= marks.values:
            break


def _words(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return f"{type(error).__name__}: {text}" if isinstance(error, KeyError | IndexError | AttributeError) else text
