"""Excel workbooks (.xlsx, .xlsm) as grids. Macros are never run, links to other files never followed.

openpyxl reads the workbook's parts, its texts and its formats. The cells are read here, row by row, from the sheet's
XML by the parser of the standard library: much faster than through openpyxl where defusedxml is installed, which
Jupyter brings. What defusedxml protects from is refused before (`archive.check_workbook`).
"""

from __future__ import annotations

import datetime as dt
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree

from codalab_nb.datasets.archive import check_workbook, damaged, look_through
from codalab_nb.datasets.grid import Cell, Grid, place
from codalab_nb.errors import InputError

MOST_COLUMNS = 1 << 14  # what Excel allows
MOST_CELLS = 40_000_000  # about 2.5 GB of memory
_NAMESPACES = (
    "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}",
    "{http://purl.oclc.org/ooxml/spreadsheetml/main}",  # "strict" workbooks
)


def read_workbook(path: Path) -> list[Grid]:
    """One grid per worksheet, in the workbook's order; an empty sheet is a grid without rows.

    Raises InputError: password_protected, old_workbook, not_what_it_says, damaged_workbook, workbook_too_large.
    """
    check_workbook(path)
    # Given a name, openpyxl would judge by its ending. It warns of parts it leaves out (drop-down lists, colours that
    # depend on values): none holds a measurement.
    with path.open("rb") as raw, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            return list(_grids(path, raw))
        except InputError:
            raise
        except Exception as error:  # a damaged file ends in whichever error its damage leads to
            raise damaged(path, _words(error)) from error


def _grids(path: Path, raw: IO[bytes]) -> Iterator[Grid]:
    from openpyxl.reader.excel import ExcelReader
    from openpyxl.styles.stylesheet import apply_stylesheet

    reader: Any = ExcelReader(raw, read_only=True, data_only=True, keep_links=False)
    reader.read_manifest()
    reader.read_strings()
    reader.read_workbook()
    apply_stylesheet(reader.archive, reader.wb)
    values = _Values(reader.shared_strings, reader.wb)
    for sheet, relation in reader.parser.find_sheets():
        if relation.target in reader.valid_files and relation.Type.endswith("/worksheet"):
            marks = look_through(path, relation.target)
            hidden = sheet.state != "visible"
            grid = Grid(sheet.name, formulas=marks.formulas, merged=marks.merged, hidden=hidden)
            if marks.values:
                _fill(path, grid, marks.values, _rows(reader.archive, relation.target, values))
            yield grid


class _Values:
    """What a cell's text means: a number, a date by its format, a shared text, a truth value, an error."""

    def __init__(self, strings: list[str], book: Any) -> None:
        self.strings = strings
        self.epoch = book.epoch
        self.dates: frozenset[str] = frozenset(map(str, book._date_formats))
        self.spans: frozenset[str] = frozenset(map(str, book._timedelta_formats))

    def of(self, cell: ElementTree.Element, ns: str) -> Cell:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            texts = [run.text or "" for run in cell.findall(f"{ns}is/{ns}t") + cell.findall(f"{ns}is/{ns}r/{ns}t")]
            return "".join(texts)
        text = cell.findtext(f"{ns}v")
        if not text:
            return None
        if kind == "n":
            number = float(text)
            if (style := cell.get("s")) in self.dates:
                return self._date(number, style in self.spans)
            return int(text) if text.isdecimal() and len(text) < 16 else number
        if kind == "s":
            return self.strings[int(text)]
        if kind == "b":
            return text.strip() not in ("0", "false")
        if kind == "d":
            return dt.datetime.fromisoformat(text.strip())
        return text  # the result of a formula, or an error as #DIV/0!

    def _date(self, number: float, span: bool) -> Cell:
        from openpyxl.utils.datetime import from_excel

        try:
            return from_excel(number, self.epoch, timedelta=span)
        except (OverflowError, ValueError):
            return "#VALUE!"  # as a spreadsheet shows a date it cannot


def _rows(archive: zipfile.ZipFile, part: str, values: _Values) -> Iterator[tuple[int, list[Cell]]]:
    """Row number and cells of each row that is in the file, up to the last cell with a value."""
    with archive.open(part) as raw:
        number = 0
        columns: dict[str, int] = {}  # A → 0, AB → 27
        for _, element in ElementTree.iterparse(raw):  # noqa: S314 — no DOCTYPE: check_workbook refused it
            namespace, _, tag = element.tag.rpartition("}")
            if tag != "row" or f"{namespace}}}" not in _NAMESPACES:
                continue
            ns = f"{namespace}}}"
            number = int(element.get("r") or number + 1)
            cells: list[Cell] = []
            column = -1
            for cell in element:
                address = cell.get("r")
                if address:
                    named = address.rstrip("0123456789")
                    column = columns[named] if named in columns else columns.setdefault(named, place(named + "1")[1])
                else:
                    column += 1
                if len(cell) and column >= 0:
                    value = values.of(cell, ns)
                    if value is not None and value != "":
                        if column >= MOST_COLUMNS:
                            raise ValueError(f"row {number} has more than {MOST_COLUMNS:,} cells")
                        cells += [None] * (column + 1 - len(cells))
                        cells[column] = value
            element.clear()
            yield number, cells


def _fill(path: Path, grid: Grid, n_values: int, rows: Iterator[tuple[int, list[Cell]]]) -> None:
    """Stops at the last cell with a value: a million formatted but empty rows below it are not parsed."""
    seen = n_cells = 0
    for number, cells in rows:
        if not cells:
            continue
        grid.rows.append(cells)
        grid.numbers.append(number)
        n_cells += len(cells)
        seen += len(cells) - cells.count(None)
        if n_cells > MOST_CELLS:
            raise InputError(
                "workbook_too_large",
                f"Sheet {grid.name!r} of {path.name} has more than {MOST_CELLS:,} cells.",
                "Save it as CSV and add that file.",
            )
        if seen >= n_values:
            break


def _words(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return f"{type(error).__name__}: {text}" if isinstance(error, KeyError | IndexError | AttributeError) else text
