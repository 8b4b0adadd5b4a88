"""The first rows of a table, as they stand in the file."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from codalab_nb.model import names
from codalab_nb.model.dataset import DatasetDocument, TableFile
from codalab_nb.stores.ports import SiteStore

MOST_READ = 16 << 20  # characters; a file without line breaks is not read as a whole to show six rows of it


def place_of(store: SiteStore, document: DatasetDocument, name: str) -> Path | None:
    """Where the bytes of a file of a data set lie; None if the data set has no such file, or its bytes are gone."""
    ref = next((file for file in document.files if file.path == name), None)
    path = store.folder(names.blob(ref.sha256)) if ref is not None else None
    return path if path is not None and path.is_file() else None


def first_rows(store: SiteStore, document: DatasetDocument, table: TableFile, most: int) -> list[list[str]]:
    """The header and at most `most` rows, all columns; [] if the file is gone or cannot be read."""
    path = place_of(store, document, table.path)
    if path is None:
        return []
    try:  # a preview is a help; what is wrong with a file is told where it is read
        rows = read_rows(path, table.separator, most + 1, table.encoding, packed=table.path.lower().endswith(".gz"))
    except (OSError, EOFError, csv.Error):
        return []
    if rows and table.row_names:
        rows[0] = ["", *rows[0]]
    return rows


def read_rows(path: Path, separator: str, most: int, encoding: str = "utf-8-sig", *, packed: bool) -> list[list[str]]:
    """The first rows of a text table that are not empty, of its first `MOST_READ` characters.

    Raises OSError, EOFError (cut short), csv.Error.
    """
    with gzip.open(path) if packed else path.open("rb") as raw:
        text = io.TextIOWrapper(raw, encoding, errors="replace", newline="")
        return list(islice(filter(any, csv.reader(_lines(text), delimiter=separator)), most))


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """A line break may stand in quotes, so a single row may be as long as the file: all of it counts."""
    left = MOST_READ
    while left > 0 and (line := text.readline(left)):
        left -= len(line)
        yield line
