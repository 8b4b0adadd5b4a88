"""Which format a file has (its content decides, not its ending), and which of its tables is the matrix."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from codalab_nb.datasets.annotated import SIGNATURE, read_h5ad
from codalab_nb.datasets.assemble import table_of
from codalab_nb.datasets.cells import Marks
from codalab_nb.datasets.gct import VERSIONS, read_gct
from codalab_nb.datasets.layout import find_layout
from codalab_nb.datasets.reading import Reading, ReadingNote, ReadTable
from codalab_nb.datasets.tables import SPREADSHEETS, check_file, open_bytes, sniff, suffix_of
from codalab_nb.datasets.text_grid import check_widths, is_clean, read_text
from codalab_nb.datasets.thousands import check_thousands
from codalab_nb.datasets.workbook import read_workbook
from codalab_nb.errors import InputError
from codalab_nb.model.alike import sample_key
from codalab_nb.model.dataset import counted
from codalab_nb.model.design import meant

_WORKBOOK = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0")
_WORKBOOK_ENDINGS = (".xlsx", ".xlsm")
# Beginnings of files that people send by mistake, and how to get a table out of them.
_NO_TABLES = {
    b"%PDF": ("a PDF document", "Ask for the table itself; numbers copied out of a PDF are not reliable."),
    b"\x89PNG": ("a picture", "Ask for the table itself."),
    b"\xff\xd8\xff": ("a picture", "Ask for the table itself."),
    b"{\\rtf": ("a text document (RTF)", "Save the table as .xlsx or CSV."),
    b"RDX": ("an R workspace", "In R: load() it, and write.csv(x, 'x.csv')."),
    b"RDA": ("an R workspace", "In R: load() it, and write.csv(x, 'x.csv')."),
    b"X\n\x00\x00": ("an R object (.rds)", "In R: write.csv(as.matrix(readRDS(…)), 'x.csv')."),
    b"PAR1": ("a Parquet file", "Export it as CSV."),
    b"BZh": ("a packed file (bzip2)", "Unpack it first."),
    b"\xfd7zXZ": ("a packed file (xz)", "Unpack it first."),
    b"Rar!": ("an archive", "Unpack it first."),
    b"7z\xbc\xaf": ("an archive", "Unpack it first."),
}


def read(path: Path, *, sheet: str | None = None, samples_sheet: str | None = None) -> Reading:
    """See `reading.read_file`."""
    check_file(path)
    start = _start(path)
    if start.startswith(_WORKBOOK) or (suffix_of(path) in _WORKBOOK_ENDINGS and not _is_text(start)):
        return _workbook(path, sheet, samples_sheet)
    for name in filter(None, (sheet, samples_sheet)):
        told = f"{path.name} is no workbook, so it has no sheet {name!r}."
        raise InputError("unknown_sheet", told, "Leave the name of the sheet away, or name the workbook.")
    if start.startswith(SIGNATURE):
        return _reading(path, "h5ad", read_h5ad(path))
    if start.removeprefix(b"\xef\xbb\xbf").startswith(VERSIONS):
        return _reading(path, "gct", read_gct(path))
    _refuse_others(path, start)
    return _text(path, start)


def _start(path: Path) -> bytes:
    """The first bytes, unpacked where the file is gzipped."""
    try:
        with open_bytes(path) as raw:
            return raw.read(512)
    except (OSError, EOFError) as error:
        why = f"{path.name} cannot be read: {error}."
        fix = "Check the file; if it is compressed, pack it again."
        raise InputError("unreadable_file", why, fix) from error


def _is_text(start: bytes) -> bool:
    return bool(start.strip()) and b"\0" not in start


def _refuse_others(path: Path, start: bytes) -> None:
    for beginning, (what, fix) in _NO_TABLES.items():
        if start.startswith(beginning):
            raise InputError("not_what_it_says", f"{path.name} is {what}, not a table.", fix)
    if start.startswith(b"\x1f\x8b"):
        told = f"{path.name} is packed (gzip), and its name does not say so."
        raise InputError("not_what_it_says", told, f"Rename it to {path.name}.gz.")
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html", b"<?xml", b"<table")):
        told = f"{path.name} is a web page or XML, not a table, whatever its name says."
        raise InputError("not_what_it_says", told, "Open it in Excel or LibreOffice and save it as .xlsx or CSV.")
    if suffix_of(path) == ".h5ad":
        told = f"{path.name} is called like an AnnData file, but is none."
        raise InputError("not_what_it_says", told, "Write it again with `adata.write_h5ad`, or export CSV.")


def _reading(path: Path, kind: str, table: ReadTable) -> Reading:
    return Reading(path, "gct" if kind == "gct" else "h5ad", table=table, notes=table.notes)


# --- text


def _text(path: Path, start: bytes) -> Reading:
    notes: list[ReadingNote] = []
    if suffix_of(path) in (*SPREADSHEETS, ".gct") and _is_text(start):
        told = f"{path.name} is a text table, whatever its ending says; it was read as one."
        notes.append(ReadingNote("not_what_it_says", told))
    ragged: InputError | None = None
    try:
        direct = sniff(path, path.name, any_ending=True)
        if direct.row_names or is_clean(path, direct):  # row names without a header: what R writes, never by hand
            check_thousands(path, direct)
            return Reading(path, "text", direct=direct, notes=tuple(notes))
    except InputError as error:
        # Title lines make rows of unequal length; a quotation mark that is never closed is another matter.
        if error.code != "ragged_rows" or isinstance(error.__cause__, csv.Error):
            raise
        ragged = error
    try:
        grid = read_text(path)
    except csv.Error as error:
        raise ragged or InputError("ragged_rows", f"{path.name} is not a table: {error}.", "Look at it.") from error
    layout = find_layout(grid, Marks.of_grid(grid))
    if not layout.body or layout.names is None:
        raise ragged or InputError("empty_table", f"No table was found in {path.name}.", "Look at the file.")
    if ragged is not None and layout.is_plain:
        raise ragged
    check_widths(path, grid, layout.names, layout.body)
    table = table_of(grid)
    return Reading(path, "text", table=table, notes=(*notes, *table.notes))


# --- workbooks


def _workbook(path: Path, sheet: str | None, samples_sheet: str | None) -> Reading:
    if path.suffix.lower() == ".gz":
        told = f"{path.name} is a workbook inside a gzip file."
        raise InputError("spreadsheet", told, "Unpack it first.")
    grids = {grid.name: grid for grid in read_workbook(path)}
    tables = {name: table_of(grid) for name, grid in grids.items()}
    for name in filter(None, (sheet, samples_sheet)):
        if name not in tables or tables[name].looks == "nothing":
            _unknown_sheet(path, name, tables)
    found = {name: table for name, table in tables.items() if table.looks != "nothing"}
    if not found:
        told = f"No sheet of {path.name} holds a table."
        raise InputError("empty_table", told, "A table needs a line that names the columns, and rows below it.")
    chosen = tables[sheet] if sheet else _most_numbers([t for name, t in found.items() if name != samples_sheet])
    _check_results(path, chosen)
    others = tuple(table for table in found.values() if table is not chosen)
    samples = tables[samples_sheet] if samples_sheet else _sample_table(chosen, others)
    notes = _sheet_notes(path, chosen, others, samples, asked=sheet is not None)
    if path.suffix.lower() == ".xlsm" or suffix_of(path) == ".xls":
        notes += _name_notes(path)
    told_samples = samples.notes if samples is not None else ()
    return Reading(path, "workbook", None, chosen, others, samples, (*notes, *chosen.notes, *told_samples))


def _unknown_sheet(path: Path, name: str, tables: dict[str, ReadTable]) -> None:
    known = [one for one, table in tables.items() if table.looks != "nothing"]
    if name in tables:
        raise InputError("unknown_sheet", f"The sheet {name!r} of {path.name} holds no table.", _sheets(known))
    told = f"There is no sheet {name!r} in {path.name}.{meant(name, list(tables))}"
    raise InputError("unknown_sheet", told, _sheets(known))


def _sheets(names: Sequence[str]) -> str:
    return f"Sheets with a table: {', '.join(map(repr, names))}." if names else "No sheet of it holds a table."


def _most_numbers(tables: Sequence[ReadTable]) -> ReadTable:
    """The sheet with the most measurements; a matrix before anything else; the first of equals."""
    return max(tables, key=lambda table: (table.looks == "matrix", len(table.values) * len(table.frame)))


def _sample_table(matrix: ReadTable, others: Sequence[ReadTable]) -> ReadTable | None:
    """The sheet that names most of the samples; names may differ as `AML 13` and `AML_13` do."""
    ids = [] if matrix.id_place is None else matrix.frame.iloc[:, matrix.id_place].tolist()
    sides = [{sample_key(name) for name in matrix.value_names}, {sample_key(str(name)) for name in ids}]
    best: tuple[float, ReadTable | None] = (0.5, None)  # at least half of the samples
    for table in others:
        if table.looks == "matrix":
            continue
        for place, name in enumerate(table.frame.columns):
            if place in table.values:
                continue
            cells = {sample_key(str(cell)) for cell in table.frame.iloc[:, place] if cell == cell}
            share = max((len(cells & side) / len(side) for side in sides if side), default=0.0)
            if share > best[0] and name is not None and len(table.frame.columns) > 1:
                best = (share, table)
    return best[1]


def _sheet_notes(
    path: Path, chosen: ReadTable, others: Sequence[ReadTable], samples: ReadTable | None, *, asked: bool
) -> list[ReadingNote]:
    if not others or (asked and samples is None):
        return []
    told = f"Of {counted(len(others) + 1, 'sheet')} with a table in {path.name}, {chosen.name!r} "
    told += "was named as the one with the measurements" if asked else "holds the most measurements and was read"
    if samples is not None:
        told += f"; {samples.name!r} names the same samples and is taken as the sample table"
    rest = [table.name for table in others if table is not samples]
    told += f". Not used: {', '.join(map(repr, rest))} (--sheet chooses another)." if rest else "."
    return [ReadingNote("sheet_chosen", told, tuple(table.name for table in others))]


def _name_notes(path: Path) -> list[ReadingNote]:
    if path.suffix.lower() == ".xlsm":
        return [ReadingNote("macros", f"{path.name} may hold macros; they were neither run nor read.")]
    told = f"{path.name} is really a workbook of today (.xlsx); it was read as one."
    return [ReadingNote("not_what_it_says", told)]


def _check_results(path: Path, chosen: ReadTable) -> None:
    if not chosen.without_results:
        return
    cells = ", ".join(chosen.without_results[:5]) + (", …" if len(chosen.without_results) > 5 else "")
    raise InputError(
        "formulas_without_values",
        f"{path.name} has {counted(len(chosen.without_results), 'formula')} without a stored result: {cells}.",
        "Open the workbook in Excel or LibreOffice and save it: then the results are in the file.",
    )
