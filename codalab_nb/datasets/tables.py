"""Text tables as people have them: which separator, which decimal mark, is every row whole; then read in pieces.

The file is looked at once as bytes (binary files, rows of unequal length) and once by pandas, in chunks of
about two million cells, so that a table of hundreds of megabytes is profiled in a few hundred megabytes.
"""

from __future__ import annotations

import csv
import errno
import gzip
import io
import re
import stat
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from codalab_nb.errors import InputError
from codalab_nb.model.dataset import TableFile

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".tsv", ".tab", ".txt")
SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".ods")
READABLE = (*SUFFIXES, ".xlsx", ".xlsm", ".xls", ".gct", ".h5ad")  # what `reading.read_file` can make a table of
# What counts as "no value". Not "None": untreated samples are often called so.
MISSING_WORDS = (
    "",
    "NA",
    "N/A",
    "n/a",
    "n.a.",
    "n.d.",
    "#N/A",
    "#NA",
    "#DIV/0!",
    "#VALUE!",
    "NaN",
    "nan",
    "NULL",
    "null",
    "<NA>",
)
CELLS_PER_CHUNK = 2_000_000
_SEPARATORS = (",", "\t", ";", "|")
HEAD_BYTES = 1 << 20


def is_table_name(path: Path) -> bool:
    return suffix_of(path) in SUFFIXES


def is_readable_name(path: Path) -> bool:
    return suffix_of(path) in READABLE


def read_header(path: Path, table: TableFile) -> list[str]:
    """Names of the columns, stripped; an empty first name becomes `id`, another empty one `column N`."""
    with open_bytes(path) as raw, io.TextIOWrapper(raw, table.encoding, newline="") as text:
        names = [name.strip() for name in next(filter(any, csv.reader(text, delimiter=table.separator)))]
    if table.row_names:
        names = ["id", *names]
    return [name or ("id" if place == 0 else f"column {place + 1}") for place, name in enumerate(names)]


def open_bytes(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if path.suffix.lower() == ".gz" else path.open("rb")


def check_file(path: Path, what: str = "file") -> None:
    """Raises InputError (missing_file, unreadable_file) unless `path` is a regular file, or a link to one.

    A pipe or a device would be waited for without end; so nothing is opened here.
    """
    spelling = "Check the spelling, and the folder you are in."
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise InputError("missing_file", f"There is no {what} {path}.", spelling) from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            told = f"{path} is a link that leads back to itself; there is no {what} behind it."
            raise InputError("missing_file", told, "Name the file itself, or mend the link.") from error
        told = f"{path} cannot be read: {error.strerror}."
        raise InputError("unreadable_file", told, "Make it readable, or choose another file.") from error
    if not stat.S_ISREG(mode):
        told = f"{path} is not a regular file but a {_file_type(mode)}."
        raise InputError("unreadable_file", told, "Save what it holds in a file, and name that file.")


def is_regular(path: Path) -> bool:
    try:
        check_file(path)
    except InputError:
        return False
    return True


def _file_type(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "folder"
    return "pipe" if stat.S_ISFIFO(mode) else "socket" if stat.S_ISSOCK(mode) else "device"


def sniff(path: Path, name: str, *, any_ending: bool = False) -> TableFile:
    """How to read the text table at `path`, which is called `name` in its data set. `any_ending`: its content is known
    to be text, so it may be called .xls, as some programs call their tables.

    Raises InputError: missing_file, unreadable_file, spreadsheet, binary_file, empty_table, ragged_rows.
    """
    check_file(path)
    if suffix_of(path) in SPREADSHEETS and not any_ending:
        raise InputError(
            "spreadsheet",
            f"{path.name} is a spreadsheet.",
            "In Excel or LibreOffice, save the sheet as CSV and add that file.",
        )
    try:
        with open_bytes(path) as raw:
            head = raw.read(HEAD_BYTES)
    except (OSError, EOFError) as error:
        raise InputError(
            "unreadable_file",
            f"{path.name} cannot be read: {error}.",
            "Check the file; if it is compressed, pack it again.",
        ) from error
    if not head.strip():
        raise InputError(
            "empty_table", f"{path.name} is empty.", "Save the table again, and look at the file before adding it."
        )
    encoding = encoding_of(path, head)
    text = head.decode(encoding, errors="replace")
    lines = [line for line in text.splitlines()[:50] if line.strip()]
    if len(head) == HEAD_BYTES and len(lines) > 1:
        lines = lines[:-1] if len(text.splitlines()) <= 50 else lines  # the last line may be cut
    try:
        separator = separator_of(lines, path)
        decimal = decimal_of(lines, separator)
        rows = list(csv.reader(lines[:50], delimiter=separator))
    except csv.Error as error:  # a cell of more than 131,072 characters
        raise _no_rows(path, _open_quote(text) or error) from error
    row_names = len(rows) > 1 and all(len(row) == len(rows[0]) + 1 for row in rows[1:])
    table = TableFile(path=name, separator=separator, decimal=decimal, encoding=encoding, row_names=row_names)
    _check_rows(path, table, len(rows[0]) + row_names)
    return table


def chunks(path: Path, table: TableFile, *, only: Sequence[int] | None = None) -> Iterator[pd.DataFrame]:
    """The rows in pieces of about CELLS_PER_CHUNK cells.

    Numbers come as float64 or int64, other columns as text, values without meaning (MISSING_WORDS) as missing;
    column labels are positions; `only` picks some of them. The row labels are 0, 1, 2, … over the whole file.
    """
    import pandas as pd

    header = read_header(path, table)
    yield from pd.read_csv(
        path,
        sep=table.separator,
        decimal=table.decimal,
        encoding=table.encoding,
        header=0,
        names=list(range(len(header))),
        usecols=None if only is None else list(only),
        index_col=False,
        keep_default_na=False,
        na_values=list(MISSING_WORDS),
        skipinitialspace=True,
        chunksize=max(200, CELLS_PER_CHUNK // (len(header) if only is None else max(1, len(only)))),
        low_memory=False,
    )


def read_small(path: Path, table: TableFile, *, only: Sequence[int] | None = None) -> pd.DataFrame:
    """A whole table, or some columns of it: text stripped, numbers as numbers, columns named as by `read_header`."""
    import pandas as pd

    frame = pd.concat(chunks(path, table, only=only), ignore_index=True)
    header = read_header(path, table)
    frame.columns = pd.Index([header[int(place)] for place in frame.columns])
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = (
                frame[name].astype("object").map(lambda value: value.strip() if isinstance(value, str) else value)
            )
    return frame


def suffix_of(path: Path) -> str:
    """The ending in lower case, `.gz` looked through: `counts.CSV.gz` → `.csv`."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def encoding_of(path: Path, head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if head.startswith(b"PK\x03\x04") or head.startswith(b"\xd0\xcf\x11\xe0"):
        raise InputError(
            "spreadsheet",
            f"{path.name} is a spreadsheet or an archive, whatever its name says.",
            "Save the sheet as CSV and add that file.",
        )
    if b"\0" in head:
        at = head.index(b"\0")
        raise InputError(
            "binary_file", f"{path.name} is not a text table: byte {at} is zero.", "Export the table as CSV (UTF-8)."
        )
    try:
        # A character may be cut at the end of the head.
        head[: -4 if len(head) == HEAD_BYTES else None].decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252" if not re.search(rb"[\x81\x8d\x8f\x90\x9d]", head) else "latin-1"
    return "utf-8-sig"


def separator_of(lines: list[str], path: Path) -> str:
    """The one that gives the most columns with the most equal rows; a tab wins ties in a .tsv."""
    best = (0.0, ",")
    for separator in _SEPARATORS:
        widths = [len(row) for row in csv.reader(lines, delimiter=separator)]
        usual = max(set(widths), key=widths.count)
        score = (usual > 1) * (widths.count(usual) / len(widths) + min(usual, 50) / 1000)
        if separator == "\t" and suffix_of(path) in (".tsv", ".tab"):
            score += 0.2
        best = max(best, (score, separator), key=lambda pair: pair[0])
    return best[1]


def decimal_of(lines: list[str], separator: str) -> str:
    if separator == ",":
        return "."
    cells = [cell.strip() for row in csv.reader(lines[1:], delimiter=separator) for cell in row]
    commas = sum(bool(re.fullmatch(r"[-+]?\d+,\d+([eE][-+]?\d+)?", cell)) for cell in cells)
    points = sum(bool(re.fullmatch(r"[-+]?\d*\.\d+([eE][-+]?\d+)?", cell)) for cell in cells)
    return "," if commas > points else "."


def _check_rows(path: Path, table: TableFile, width: int) -> None:
    """Every row has `width` cells. pandas would fill a short row with missing values and say nothing."""
    wrong: list[tuple[int, int]] = []
    n_rows = 0
    try:
        with open_bytes(path) as raw, io.TextIOWrapper(raw, table.encoding, newline="") as text:
            for number, cells in _row_widths(text, table.separator):
                n_rows += 1
                if n_rows > 1 and cells != width and len(wrong) < 6:
                    wrong.append((number, cells))
    except UnicodeDecodeError as error:
        raise InputError(
            "encoding",
            f"{path.name} is not {table.encoding} text throughout: {error.reason} at byte {error.start}.",
            "Save it as CSV (UTF-8).",
        ) from error
    except (OSError, EOFError) as error:
        raise InputError(
            "unreadable_file",
            f"{path.name} cannot be read: {error}.",
            "Check the file; if it is compressed, pack it again.",
        ) from error
    except csv.Error as error:
        raise _no_rows(path, error) from error
    if n_rows < 2:
        raise InputError(
            "empty_table",
            f"{path.name} has a header and no rows.",
            "Save the table again, and look at the file before adding it.",
        )
    if wrong:
        listed = ", ".join(f"line {number} has {cells}" for number, cells in wrong[:5]) + (
            ", …" if len(wrong) > 5 else ""
        )
        raise InputError(
            "ragged_rows",
            f"{path.name}: the header has {width} columns, but {listed}.",
            "Every row needs as many cells as the header. Remove title lines; quote text that holds separators.",
        )


def _row_widths(text: IO[str], separator: str) -> Iterator[tuple[int, int]]:
    """Line number and number of cells of each row that is not empty. Counting separators is 20 × faster than csv."""
    number = 0
    for line in text:
        number += 1
        if '"' in line:
            cells, lines = _quoted_row(line, text, separator, number)
            yield number, cells
            number += lines - 1
        elif line.strip():
            yield number, line.count(separator) + 1


def _quoted_row(line: str, following: Iterator[str], separator: str, number: int) -> tuple[int, int]:
    """Cells and lines of the row that begins with `line`; a quoted cell may go on in the lines that follow.

    A quotation mark that is missing would swallow rows up to the next one, so the end of a cell of many lines is
    looked at strictly. csv gives up after 131,072 characters of one cell, however long the file is.
    """
    reader = csv.reader(chain([line], following), delimiter=separator, skipinitialspace=True, strict=True)
    try:
        return len(next(reader)), reader.line_num
    except csv.Error as error:
        if reader.line_num == 1:  # text behind a closing mark, as in "a" ,1: odd, but the row is whole
            loose = csv.reader([line, ""], delimiter=separator, skipinitialspace=True)
            cells = len(next(loose))
            if loose.line_num == 1:
                return cells, 1
        raise csv.Error(f"the quotation mark opened in line {number} is never closed") from error


def _open_quote(text: str) -> csv.Error | None:
    """What is wrong with the quotation marks, if the separator is not known yet."""
    for separator in _SEPARATORS:
        try:
            for _ in _row_widths(io.StringIO(text), separator):
                pass
        except csv.Error as error:
            return error
    return None


def _no_rows(path: Path, error: csv.Error) -> InputError:
    return InputError(
        "ragged_rows",
        f"{path.name} is not a table: {error}.",
        "Look at the file in a text editor; a quotation mark may be missing.",
    )
