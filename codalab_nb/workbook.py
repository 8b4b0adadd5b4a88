"""Tables as an .xlsx workbook. Text stays text: a spreadsheet program turns no gene symbol into a date.

The format is ECMA-376; a cell of type `inlineStr` holds text that is never read as a number, date or formula, and the
number format `@` keeps it text when a person edits the cell. Written by hand because openpyxl takes eight times as
long (0.4 s for 3,051 genes) and puts the time of day into the file.
"""

from __future__ import annotations

import csv
import math
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS, MAX_COLUMNS, MAX_TEXT = 1_048_576, 16_384, 32_767  # Excel's specifications and limits
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?([eE][+-]?\d{1,3})?")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CODE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")  # `_x0041_` would be read as `A`
_SPECIAL = re.compile(f"[&<>]|{_NOT_XML.pattern}|{_CODE.pattern}")
_NO_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same tables give the same bytes
_TEXT, _HEADER = 1, 2  # places in the list of styles
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)  # number format 49 is `@`: text


@dataclass(frozen=True)
class Sheet:
    """A table; cells are text as in the file, `head` its first row. Where `numeric` is not given, a column whose
    every value spells a number becomes numbers."""

    name: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[bool] | None = None


def read_table(path: Path, name: str, *, most_cells: int | None = None) -> Sheet:
    """A .csv or .tsv file. Raises ValueError for one that has more rows or columns than a sheet, more cells than
    `most_cells`, or is not text. No more than that is ever in memory."""
    table: list[list[str]] = []
    cells = 0
    with path.open(encoding="utf-8-sig", newline="") as lines:
        try:
            for row in csv.reader(lines, delimiter="\t" if name.endswith(".tsv") else ","):
                table.append(row)
                cells += len(row)
                if len(table) > MAX_ROWS or len(row) > MAX_COLUMNS:
                    raise ValueError(f"it has more than {MAX_ROWS:,} rows or {MAX_COLUMNS:,} columns")
                if most_cells is not None and cells > most_cells:
                    raise ValueError(f"it has more than {most_cells:,} cells")
        except csv.Error as error:
            raise ValueError(f"it cannot be read as a table: {error}") from error
    return Sheet(name, table[0] if table else (), table[1:])


def from_frame(frame: pd.DataFrame, name: str) -> Sheet:
    """The columns of a data frame, without its row names: numbers as numbers, everything else as text."""
    spelled = [_spell(frame.iloc[:, place]) for place in range(frame.shape[1])]
    rows = list(zip(*(cells for cells, _ in spelled), strict=True))
    return Sheet(name, [str(column) for column in frame.columns], rows, [is_number for _, is_number in spelled])


def write(path: Path, sheets: Sequence[Sheet]) -> None:
    """One file with all sheets; their names are cut and made distinct as the format wants it."""
    names = sheet_names([sheet.name for sheet in sheets])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        _put(package, "[Content_Types].xml", [_content_types(len(sheets))])
        _put(package, "_rels/.rels", [_relations([("officeDocument", "xl/workbook.xml")])])
        listed = "".join(
            f'<sheet name="{escape(name, {chr(34): "&quot;"})}" sheetId="{i}" r:id="rId{i}"/>'
            for i, name in enumerate(names, start=1)
        )
        _put(
            package,
            "xl/workbook.xml",
            [f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>'],
        )
        targets = [("worksheet", f"worksheets/sheet{i}.xml") for i in range(1, len(sheets) + 1)]
        _put(package, "xl/_rels/workbook.xml.rels", [_relations([*targets, ("styles", "styles.xml")])])
        _put(package, "xl/styles.xml", [_STYLES])
        for i, sheet in enumerate(sheets, start=1):
            _put(package, f"xl/worksheets/sheet{i}.xml", _sheet(sheet))


def sheet_names(wanted: Iterable[str]) -> list[str]:
    """At most 31 characters, none of []:*?/\\, distinct without regard to case."""
    names: list[str] = []
    for name in wanted:
        base = _NO_NAME.sub("_", _legal(name)).strip("'")[:31] or "table"
        chosen, number = base, 2
        while chosen.casefold() in (taken.casefold() for taken in names):
            ending = f" ({number})"
            chosen, number = base[: 31 - len(ending)] + ending, number + 1
        names.append(chosen)
    return names


def _put(package: zipfile.ZipFile, name: str, parts: Iterable[str]) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    with package.open(info, "w", force_zip64=True) as file:
        for part in chain([_HEAD], parts):
            file.write(part.encode())


def _content_types(sheets: int) -> str:
    parts = [
        ("/xl/workbook.xml", "sheet.main"),
        ("/xl/styles.xml", "styles"),
        *((f"/xl/worksheets/sheet{i}.xml", "worksheet") for i in range(1, sheets + 1)),
    ]
    listed = "".join(f'<Override PartName="{name}" ContentType="{_SHEET_TYPE}.{kind}+xml"/>' for name, kind in parts)
    relations = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    return (
        f'<Types xmlns="{_TYPES}">{relations}<Default Extension="xml" ContentType="application/xml"/>{listed}</Types>'
    )


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="rId{i}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{_RELATIONS}">{listed}</Relationships>'


def _sheet(sheet: Sheet) -> Iterator[str]:
    """The first row is bold and stays in sight; columns are as wide as what the first hundred rows hold."""
    columns = max((len(row) for row in (sheet.head, *sheet.rows)), default=0)
    numeric = sheet.numeric or [_is_numeric(sheet.rows, column) for column in range(columns)]
    yield f'<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
    yield '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
    if columns:
        yield f"<cols>{''.join(_width(sheet, column) for column in range(columns))}</cols>"
    yield "<sheetData>"
    yield f"<row>{''.join(_text(value, _HEADER) for value in sheet.head)}</row>"
    for row in sheet.rows:
        yield _row(row, numeric)
    yield "</sheetData></worksheet>"


def _width(sheet: Sheet, column: int) -> str:
    longest = max(len(row[column]) for row in (sheet.head, *islice(sheet.rows, 100)) if column < len(row))
    return f'<col min="{column + 1}" max="{column + 1}" width="{min(max(longest + 2, 9), 50)}" customWidth="1"/>'


def _spell(column: pd.Series) -> tuple[list[str], bool]:
    """Each value as text, and whether the column holds numbers that a spreadsheet keeps: 15 digits, no infinity."""
    column = column.infer_objects()
    missing = column.isna().tolist()
    values: list[Any] = column.astype(object).tolist()
    kind = column.dtype.kind
    is_number = kind in "iuf" and all(
        gone or (math.isfinite(value) if kind == "f" else abs(value) < 10**15)
        for value, gone in zip(values, missing, strict=True)
    )
    return ["" if gone else str(value) for value, gone in zip(values, missing, strict=True)], is_number


def _is_numeric(rows: Sequence[Sequence[str]], column: int) -> bool:
    """Every value spells a number that a spreadsheet keeps: `007` and identifiers of 16 digits do not."""
    values = [row[column] for row in rows if column < len(row) and row[column]]
    return bool(values) and all(_NUMBER.fullmatch(value) for value in values)


def _row(cells: Sequence[str], numeric: Sequence[bool]) -> str:
    spelled = (_cell(value, is_number) for value, is_number in zip(cells, numeric, strict=False))
    return f"<row>{''.join(spelled)}</row>"


def _cell(value: str, is_number: bool) -> str:
    return f"<c><v>{value}</v></c>" if is_number and value else _text(value, _TEXT)


def _text(value: str, style: int) -> str:
    if not value:
        return "<c/>"
    told = value
    if _SPECIAL.search(value) or len(value) > MAX_TEXT:
        told = escape(_CODE.sub("_x005F_", _legal(value)[:MAX_TEXT]))
    return f'<c t="inlineStr" s="{style}"><is><t xml:space="preserve">{told}</t></is></c>'


def _legal(text: str) -> str:
    """Characters that XML does not have, spelled out."""
    return _NOT_XML.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
