"""Is this workbook safe to open? Asked of its zip archive and its XML before any library reads it.

What protects: sizes are those which the archive declares, and zipfile never unpacks more than declared; a DOCTYPE,
which entity bombs and references to other files need, is refused in every part (the norm, ECMA-376 part 2, forbids
it); rows, tags and the length of a row are counted in the raw bytes, because XML libraries keep every element.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from codalab_nb.datasets.grid import FORMULA, NO_RESULT, SUMS_UP, place
from codalab_nb.errors import InputError

MIB = 1 << 20
MOST_SHEETS = 1024 * MIB  # unpacked; 20,000 × 1,000 numbers take about 700 MiB
MOST_STRINGS = 128 * MIB
MOST_OTHER = 256 * MIB  # pictures, styles, macros: all that is not a sheet
MOST_PART = 32 * MIB  # one part that is read as a whole: styles, relations
MOST_ROWS = 1 << 20  # what Excel allows
MOST_ROW_BYTES = 64 * MIB
MOST_TAGS = 2_000_000  # besides rows and cells
MOST_FORMULAS = 2_000_000  # more are not looked at one by one
_PIECE = 4 * MIB
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SAVE_AGAIN = "Open it in Excel or LibreOffice and save it again, or save the sheet as CSV and add that file."
_SUMS = re.compile(
    rb"\s*(?:_xlfn\.)?(?:AVERAGE|SUM|MEDIAN|MIN|MAX|COUNTA?|STDEV(?:\.[SP]|P|A)?|VAR(?:\.[SP]|P)?|QUARTILE|PERCENTILE"
    rb"|MODE|GEOMEAN|SUBTOTAL|AVERAGEA)(?:\.(?:INC|EXC|SNGL))?\(",
    re.IGNORECASE,
)


@dataclass
class SheetMarks:
    """What the raw bytes of one sheet show. `values`: cells with a value, formula results included."""

    values: int = 0
    rows: int = 0
    formulas: dict[tuple[int, int], int] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)


def check_workbook(path: Path) -> None:
    """Raises InputError (password_protected, old_workbook, not_what_it_says, damaged_workbook, workbook_too_large)
    unless `path` is a workbook that can be read without risk."""
    with path.open("rb") as raw:
        start = raw.read(8)
    if start == _OLE:
        raise _old_format(path)
    if not start.startswith(b"PK"):
        raise _other_format(path, start)
    try:
        with zipfile.ZipFile(path) as archive:
            _check_parts(path, archive)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, ValueError, RuntimeError) as error:
        raise damaged(path, str(error)) from error


def damaged(path: Path, why: str) -> InputError:
    why = why.strip().rstrip(".") or "it is cut short"
    return InputError("damaged_workbook", f"{path.name} is no whole Excel workbook: {why}.", _SAVE_AGAIN)


def look_through(path: Path, part: str) -> SheetMarks:
    """Reads the sheet `part` once as bytes. Raises InputError(damaged_workbook) where no spreadsheet wrote this."""
    marks = SheetMarks()
    rest = b""
    shared: dict[bytes, int] = {}
    tags = 0
    with zipfile.ZipFile(path) as archive, archive.open(part) as raw:
        prefix = _prefix(raw.read(64 * 1024))
        raw.seek(0)
        while piece := raw.read(_PIECE):
            rest += piece
            cut = rest.rfind(b"<" + prefix + b"row")  # the last row may go on in the next piece
            if cut <= 0:
                if len(rest) > MOST_ROW_BYTES:
                    raise damaged(path, f"a row of {part} is longer than any spreadsheet writes")
                continue
            tags += _count(rest[:cut], prefix, marks, shared)
            rest = rest[cut:]
            if marks.rows > MOST_ROWS or tags > MOST_TAGS:
                raise damaged(path, f"{part} has more rows or marks than any spreadsheet writes")
        tags += _count(rest, prefix, marks, shared)
    if marks.rows > MOST_ROWS or tags > MOST_TAGS:
        raise damaged(path, f"{part} has more rows or marks than any spreadsheet writes")
    return marks


def _old_format(path: Path) -> InputError:
    with path.open("rb") as raw:
        head = raw.read(64 * MIB)
    if "EncryptedPackage".encode("utf-16-le") in head:
        return InputError(
            "password_protected",
            f"{path.name} is protected by a password.",
            "Open it in Excel, take the password away (File, Info, Protect Workbook), and save it.",
        )
    return InputError(
        "old_workbook",
        f"{path.name} is a workbook (or another document) in the format of Excel 97.",
        "Open it in Excel or LibreOffice and save it as .xlsx.",
    )


def _other_format(path: Path, start: bytes) -> InputError:
    if not start:
        return InputError("empty_table", f"{path.name} is empty.", "Save the workbook again.")
    return InputError(
        "not_what_it_says",
        f"{path.name} is called like an Excel workbook, but is none.",
        "If it is text, give it the ending .csv or .tsv; else save it again as .xlsx.",
    )


def _check_parts(path: Path, archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    names = {one.filename for one in parts}
    if any(one.flag_bits & 1 for one in parts):
        raise InputError(
            "password_protected", f"{path.name} is protected by a password.", "Save it without the password."
        )
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        what = "an OpenDocument file" if "mimetype" in names else "a zip archive"
        raise InputError(
            "not_what_it_says" if path.suffix.lower() in (".xlsx", ".xlsm") else "spreadsheet",
            f"{path.name} is {what}, not an Excel workbook.",
            "Save the sheet as .xlsx or CSV and add that file; unpack an archive first.",
        )
    if "xl/workbook.bin" in names:
        raise InputError(
            "old_workbook", f"{path.name} is a binary workbook (.xlsb).", "Open it in Excel and save it as .xlsx."
        )
    sheets = sum(one.file_size for one in parts if one.filename.startswith("xl/worksheets/"))
    strings = sum(one.file_size for one in parts if one.filename.casefold().endswith("sharedstrings.xml"))
    other = sum(one.file_size for one in parts) - sheets - strings
    for size, most, what in (
        (sheets, MOST_SHEETS, "sheets"),
        (strings, MOST_STRINGS, "texts"),
        (other, MOST_OTHER, "pictures and other parts"),
    ):
        if size > most:
            raise InputError(
                "workbook_too_large",
                f"The {what} of {path.name} would unpack to {size / MIB:,.0f} MiB; at most {most // MIB:,} are read.",
                "Save the sheet with the measurements as CSV and add that file.",
            )
    for one in parts:
        if one.filename.casefold().endswith((".xml", ".rels")):
            large = one.file_size > MOST_PART
            if (
                large
                and not one.filename.startswith("xl/worksheets/")
                and "sharedstrings" not in one.filename.casefold()
            ):
                raise damaged(path, f"its part {one.filename} is larger than any spreadsheet writes")
            _check_prolog(path, archive, one)


class _Begun(Exception):
    """No error: the root element was reached, and all before it was well."""


def _check_prolog(path: Path, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """No DOCTYPE, and UTF-8: whatever comes before the root element is parsed by expat, nothing behind it."""
    parser = expat.ParserCreate()
    doctype: list[str] = []
    encodings: list[str] = []

    def declared(_version: str, encoding: str | None, _alone: int) -> None:
        encodings.append(encoding or "utf-8")

    def begun(_name: str, _attributes: object) -> None:
        raise _Begun

    parser.XmlDeclHandler = declared
    parser.StartDoctypeDeclHandler = lambda *_: doctype.append(part.filename)
    parser.StartElementHandler = begun
    with archive.open(part) as raw:
        head = raw.read(MIB)
    if not head.strip():
        return
    try:
        parser.Parse(head, False)
        raise damaged(path, f"its part {part.filename} does not begin")
    except _Begun:
        pass
    except expat.ExpatError as error:
        raise damaged(path, f"{part.filename}: {error}") from error
    if doctype:
        raise damaged(path, f"its part {part.filename} declares entities, which no spreadsheet does")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or any(e.casefold() not in ("utf-8", "us-ascii") for e in encodings):
        raise damaged(path, f"its part {part.filename} is not UTF-8")


def _prefix(head: bytes) -> bytes:
    """`x:` where the sheet's tags are written <x:row>, else nothing."""
    match = re.search(rb"<(?!\?)((?:[\w.-]+:)?)worksheet[\s>]", head)
    return match[1] if match else b""


def _count(data: bytes, prefix: bytes, marks: SheetMarks, shared: dict[bytes, int]) -> int:
    """Adds to `marks`; returns the number of tags that are neither rows nor parts of cells."""
    opened = b"<" + prefix
    counts = {name: _tags(data, opened + name) for name in (b"row", b"c", b"v", b"f", b"is", b"t", b"r")}
    marks.rows += counts[b"row"]
    marks.values += counts[b"v"] + counts[b"is"]
    marks.values -= sum(data.count(opened + empty) for empty in (b"v></" + prefix + b"v>", b"v/>", b"v />"))
    if counts[b"f"] and len(marks.formulas) < MOST_FORMULAS:
        _formulas(data, prefix, marks, shared)
    if opened + b"mergeCell " in data:
        for match in re.finditer(opened + rb'mergeCell [^>]*?ref="([A-Z]+\d+):([A-Z]+\d+)"', data):
            first, last = place(match[1].decode()), place(match[2].decode())
            marks.merged.append((*first, *last))
    return data.count(b"<") - data.count(b"</") - sum(counts.values())


def _tags(data: bytes, name: bytes) -> int:
    return data.count(name + b">") + data.count(name + b" ") + data.count(name + b"/>")


def _formulas(data: bytes, prefix: bytes, marks: SheetMarks, shared: dict[bytes, int]) -> None:
    p = re.escape(prefix)
    nothing = rb"(</%bc>|<%bv\s*/>|<%bv></%bv>)" % (p, p, p, p)
    pattern = rb"<%bc ([^>]*)>\s*<%bf([^>]*?)(?:/>|>([^<]*)</%bf>)\s*%b?" % (p, p, p, nothing)
    for match in re.finditer(pattern, data):
        address = re.search(rb'\br="([A-Z]+\d+)"', match[1])
        if not address:
            continue
        text = match[3] or b""
        bits = FORMULA | (SUMS_UP if _SUMS.match(text) and b":" in text else 0)
        group = re.search(rb'\bsi="(\d+)"', match[2])
        if group:  # the first cell of a filled-down formula holds its text
            bits = shared.setdefault(group[1], bits) if not text else bits
            shared[group[1]] = bits
        marks.formulas[place(address[1].decode())] = bits | (
            NO_RESULT if match[4] and b't="str"' not in match[1] else 0  # the result of text may be empty
        )
