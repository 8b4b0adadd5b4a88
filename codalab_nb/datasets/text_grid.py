"""Text tables which are more than a header and rows: title lines, two header rows, footnotes, mixed decimal marks.

A clean text table never comes here: it is read in pieces from the file itself. Whether it is clean is judged by its
first and last lines, and, for files that are not large, by the text that stands among its numbers.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from pathlib import Path

import pandas as pd

from codalab_nb.datasets.cells import Marks, is_limit, is_missing, is_number
from codalab_nb.datasets.grid import Cell, Grid
from codalab_nb.datasets.layout import MOSTLY, find_layout
from codalab_nb.datasets.tables import HEAD_BYTES, chunks, encoding_of, open_bytes, separator_of
from codalab_nb.errors import InputError
from codalab_nb.model.dataset import TableFile

MOST_BYTES = 64 << 20  # unpacked; larger text is only read in pieces, so it has to be clean
_EDGE = 60  # lines looked at from either end; fewer of very wide tables
_EDGE_CELLS = 20_000


def is_clean(path: Path, table: TableFile) -> bool:
    """Whether a plain reader gets the table right: one header line, and nothing but data below it."""
    first, last = _edges(path, table.encoding)
    width = max((line.count(table.separator) + 1 for line in first), default=1)
    kept = max(12, min(_EDGE, _EDGE_CELLS // width))
    first, last = first[:kept], last[-kept:]
    try:
        rows = list(csv.reader([*first, *last], delimiter=table.separator, skipinitialspace=True))
    except csv.Error:
        return True
    if table.row_names and rows:
        rows[0] = ["", *rows[0]]
    grid = _grid(path.name, enumerate(rows, start=1), table.separator)
    marks = _marks(grid, table)
    layout = find_layout(grid, marks)
    if not layout.is_plain and layout.body:
        return False
    return _unpacked_size(path) > MOST_BYTES or not _other_spellings(path, table, marks)


def read_text(path: Path) -> Grid:
    """All cells as text. Raises InputError: text_too_large, ragged_rows."""
    if _unpacked_size(path) > MOST_BYTES:
        raise InputError(
            "text_too_large",
            f"{path.name} is large ({MOST_BYTES >> 20} MiB or more) and not a clean table: it has title lines, several "
            "header rows, lines below the table, or numbers in several spellings.",
            "Keep one header line and the rows of data, and save it again.",
        )
    with open_bytes(path) as raw:
        head = raw.read(HEAD_BYTES)
    encoding = encoding_of(path, head)
    lines = [line for line in head.decode(encoding, errors="replace").splitlines()[:_EDGE] if line.strip()]
    separator = separator_of(lines, path)
    with open_bytes(path) as raw, io.TextIOWrapper(raw, encoding, newline="") as text:
        reader = csv.reader(text, delimiter=separator, skipinitialspace=True)
        return _grid(path.name, ((reader.line_num, row) for row in reader), separator)


def check_widths(path: Path, grid: Grid, names: int, body: list[int]) -> None:
    """Every row of the table has as many cells as its header. Raises InputError(ragged_rows) with the lines."""
    width = grid.widths[names]
    wrong = [row for row in body if grid.widths[row] != width]
    if wrong:
        listed = ", ".join(f"line {grid.numbers[row]} has {grid.widths[row]}" for row in wrong[:5])
        raise InputError(
            "ragged_rows",
            f"{path.name}: the header has {width} columns, but {listed}{', …' if len(wrong) > 5 else ''}.",
            "Every row needs as many cells as the header. Quote text that holds separators.",
        )


def _grid(name: str, rows: object, separator: str) -> Grid:
    grid = Grid(name, is_workbook=False, separator=separator)
    for number, row in rows:  # type: ignore[attr-defined]
        cells: list[Cell] = list(row)
        while cells and not str(cells[-1]).strip():
            cells.pop()
        if cells:
            grid.rows.append([cell if cell != "" else None for cell in cells])
            grid.numbers.append(number)
            grid.widths.append(len(row))
    return grid


def _edges(path: Path, encoding: str) -> tuple[list[str], list[str]]:
    """The first and the last lines; the last ones are not asked of the whole of a large packed file twice."""
    first: list[str] = []
    last: deque[str] = deque(maxlen=_EDGE)
    with open_bytes(path) as raw, io.TextIOWrapper(raw, encoding, errors="replace", newline="") as text:
        for line in text:
            if len(first) < _EDGE:
                first.append(line)
            else:
                last.append(line)
    return first, list(last)


def _marks(grid: Grid, table: TableFile) -> Marks:
    marks = Marks.seen_in(cell for row in grid.rows for cell in row if isinstance(cell, str))
    if table.decimal == ",":
        marks.decimal_comma += 1
    return marks


def _other_spellings(path: Path, table: TableFile, marks: Marks) -> bool:
    """Whether a column of numbers holds text that is a number, or no value, in a spelling pandas does not know."""
    for chunk in chunks(path, table):
        for place in chunk.columns:
            column = chunk[place]
            if pd.api.types.is_numeric_dtype(column):
                continue
            known = column.dropna()
            texts = known[pd.to_numeric(known, errors="coerce").isna()]
            if 0 < len(texts) <= MOSTLY * len(known) or (len(texts) == len(known) and _all_numbers(texts, marks)):
                return any(is_missing(text) or is_limit(text) or is_number(text, marks) for text in map(str, texts))
    return False


def _all_numbers(texts: pd.Series, marks: Marks) -> bool:
    some = [str(text) for text in texts[:50]]
    return bool(some) and sum(is_number(text, marks) for text in some) > MOSTLY * len(some)


def _unpacked_size(path: Path) -> int:
    if path.suffix.lower() != ".gz":
        return path.stat().st_size
    size = 0
    with open_bytes(path) as raw:
        while size <= MOST_BYTES and (piece := raw.read(1 << 20)):
            size += len(piece)
    return size
