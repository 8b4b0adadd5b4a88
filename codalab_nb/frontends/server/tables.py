"""Tables of a result: their first rows for the page, and as workbooks in which text stays text."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path, PurePosixPath

from codalab_nb import workbook
from codalab_nb.errors import InputError
from codalab_nb.frontends.choosing.preview import MOST_READ, read_rows
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.datasets_preview import preview
from codalab_nb.frontends.server.files import TABLES, WORKBOOKS
from codalab_nb.frontends.server.operations import Download, operation
from codalab_nb.frontends.server.outgoing import plain
from codalab_nb.frontends.server.results import Bundle, bundle_of, reported
from codalab_nb.frontends.server.wire import datasets

MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_USUAL, _MOST = 100, 1000  # rows
_CONVERTED = 128 << 20  # bytes; a larger table takes too long, and no spreadsheet program opens it
_CELLS = 5_000_000  # of a table that becomes a workbook: each takes some sixty bytes of this server's memory


@operation("getTable", slow=True)
def get_table(context: Context, task: str, path: str, rows: int | None) -> datasets.Preview:
    bundle = bundle_of(context, task)
    ref, place = bundle.file(path)
    separator = _separator(path)
    wanted = min(rows or _USUAL, _MOST)
    try:
        found = read_rows(place, separator, wanted + 1, packed=False)
    except (OSError, csv.Error) as error:
        raise InputError("table_unreadable", f"{path} cannot be read as a table: {error}.", "Download it.") from error
    told = next((one.rows for one in reported(bundle) if path in one.files), None)
    if ref.size <= MOST_READ:  # else nobody read it to its end
        told = (
            max(0, len(found) - 1) if len(found) <= wanted else told if told is not None else _count(place, separator)
        )
    return preview([[plain(cell) for cell in row] for row in found], told)


@operation("getWorkbook", slow=True)
def get_workbook(context: Context, task: str, path: str) -> Download:
    """The one that the notebook wrote beside the table where there is one: it knows what was text."""
    bundle = bundle_of(context, task)
    ref, place = bundle.file(path)
    name = f"{PurePosixPath(path).stem}.xlsx"
    if PurePosixPath(path).suffix.lower() in WORKBOOKS:
        return Download(place, name, MEDIA)
    _separator(path)
    if (beside := _beside(bundle, path)) is not None:
        return Download(beside, name, MEDIA)
    if ref.size > _CONVERTED:
        told = f"{path} has {ref.size >> 20} MB, which no spreadsheet program opens."
        raise InputError("table_size", told, "Download it as it is, and read it with Python or R.")
    with tempfile.TemporaryDirectory(prefix="codalab-nb-") as folder:
        made = Path(folder) / "table.xlsx"
        try:
            workbook.write(made, [workbook.read_table(place, PurePosixPath(path).name, most_cells=_CELLS)])
        except (ValueError, csv.Error) as error:
            raise InputError(
                "table_unreadable", f"{path} cannot become a workbook: {error}.", "Download it."
            ) from error
        return Download(made.read_bytes(), name, MEDIA)


def _beside(bundle: Bundle, path: str) -> Path | None:
    told = next((one for one in reported(bundle) if path in one.files), None)
    for name in told.files if told else ():
        if PurePosixPath(name).suffix.lower() in WORKBOOKS:
            return bundle.file(name)[1]
    return None


def _separator(path: str) -> str:
    ending = PurePosixPath(path).suffix.lower()
    if ending not in TABLES:
        raise InputError("table_unknown", f"{path} is no .csv or .tsv table.", "Download it.")
    return "\t" if ending == ".tsv" else ","


def _count(place: Path, separator: str) -> int | None:
    try:
        with place.open(encoding="utf-8-sig", errors="replace", newline="") as text:
            return max(0, sum(map(bool, csv.reader(text, delimiter=separator))) - 1)
    except (OSError, csv.Error):
        return None
