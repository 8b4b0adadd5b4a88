"""Whether `1.526` (or `1,526`) in a clean text table is 1.526 or 1526: refused where nothing in the file tells.

A count of 1526 which becomes 1.526 is a result turned upside down, so nothing is guessed. Decimals show themselves:
0.123, 12.5 and 3.14159 have no thousands marks, and 1234 beside 1.526 shows that thousands are not marked.
"""

from __future__ import annotations

import csv
import io
import re
from itertools import islice
from pathlib import Path

from codalab_nb.datasets.tables import open_bytes
from codalab_nb.errors import InputError
from codalab_nb.model.dataset import TableFile

_NAMED = 3


def check_thousands(path: Path, table: TableFile) -> None:
    """Raises InputError(text_in_numbers) if the decimal mark of `table` may as well stand between thousands.

    Where bare whole numbers stand in the same columns, or where all numbers are so; the latter with a point only in
    files with `;`, as `%.3f` gives the same with tabs. In files with commas between the cells a point is decimal.
    """
    if table.separator == "," or not _may_be_thousands(path, table):
        return
    unsure = re.compile(rf"[-+]?[1-9]\d{{0,2}}{re.escape(table.decimal)}\d{{3}}")
    columns: set[int] = set()
    whole: set[int] = set()
    long: set[int] = set()
    examples: list[str] = []
    with open_bytes(path) as raw, io.TextIOWrapper(raw, table.encoding, newline="") as text:
        reader = csv.reader(text, delimiter=table.separator, skipinitialspace=True)
        for row in islice(reader, 1, None):
            for place, cell in enumerate(map(str.strip, row)):
                if cell.isdigit():
                    (long if len(cell) > 3 else whole).add(place)
                elif table.decimal in cell and unsure.fullmatch(cell):
                    columns.add(place)
                    if len(examples) < _NAMED:
                        examples.append(f"{cell!r} in line {reader.line_num}, column {place + 1}")
    if not columns or columns & long:
        return
    if not columns & whole and table.decimal == "." and table.separator != ";":
        return
    mark = "point" if table.decimal == "." else "comma"
    first = examples[0].split("'")[1]
    bare = first.replace(table.decimal, "")
    told = f"{path.name}: nothing shows whether the {mark} stands between thousands or before decimals, as every number"
    told += f" with one has three digits behind it ({', '.join(examples)}): {first} may be {bare} or "
    told += f"{first.replace(',', '.')}."
    fix = f"If {bare} is meant, save the table without marks between thousands. If they are decimals, save it as CSV "
    fix += "with commas between the columns and decimal points."
    raise InputError("text_in_numbers", told, fix)


def _may_be_thousands(path: Path, table: TableFile) -> bool:
    """Cheap: a number with the mark is there, and none that shows a decimal; most files end it in their first lines."""
    mark = re.escape(table.decimal)
    marked = re.compile(rf"{mark}\d")
    number = re.compile(rf"[-+]?\d*{mark}\d+(?:[eE][-+]?\d+)?")
    unsure = re.compile(rf"[-+]?[1-9]\d{{0,2}}{mark}\d{{3}}")
    found = False
    with open_bytes(path) as raw, io.TextIOWrapper(raw, table.encoding, newline="") as text:
        next(text, None)
        for line in text:
            if not marked.search(line):
                continue
            for cell in line.split(table.separator):
                bare = cell.strip(' "\r\n')
                if number.fullmatch(bare):
                    if not unsure.fullmatch(bare):
                        return False
                    found = True
    return found
