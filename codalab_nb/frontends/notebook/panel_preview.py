"""The first rows of a table of a data set, as they stand in the file."""

from __future__ import annotations

import csv
import gzip
import io
from itertools import islice

from codalab_nb.model import names
from codalab_nb.model.dataset import DatasetDocument, TableFile
from codalab_nb.stores.ports import SiteStore

ROWS, COLUMNS = 6, 9


def first_rows(store: SiteStore, document: DatasetDocument, table: TableFile) -> list[list[str]]:
    """The header and at most ROWS rows, all columns; [] if the file is gone or cannot be read."""
    ref = next((file for file in document.files if file.path == table.path), None)
    if ref is None:
        return []
    path = store.folder(names.blob(ref.sha256))
    rows: list[list[str]] = []
    try:
        with gzip.open(path) if ref.path.lower().endswith(".gz") else path.open("rb") as raw:
            text = io.TextIOWrapper(raw, table.encoding, errors="replace", newline="")
            reader = csv.reader(text, delimiter=table.separator)
            rows.extend(islice(filter(any, reader), ROWS + 1))
    except (OSError, EOFError, csv.Error):  # a preview is a help; what is wrong with a file is told where it is read
        return []
    if rows and table.row_names:
        rows[0] = ["", *rows[0]]
    return rows
