"""GCT, the format of the Broad Institute: `#1.2` (genes × samples), `#1.3` (also rows and columns that describe).

Source: https://software.broadinstitute.org/software/igv/GCT and https://clue.io/connectopedia/gct_format.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import NoReturn

import pandas as pd

from codalab_nb.datasets.reading import ReadTable, Stray
from codalab_nb.datasets.tables import MISSING_WORDS, open_bytes
from codalab_nb.errors import InputError

VERSIONS = (b"#1.2", b"#1.3")


def read_gct(path: Path) -> ReadTable:
    """One table with the genes in its rows. Raises InputError(damaged_gct) where the sizes do not agree."""
    with open_bytes(path) as raw, io.TextIOWrapper(raw, "utf-8-sig", errors="replace", newline=None) as text:
        version = text.readline().strip()
        sizes = text.readline().split()
        try:
            n_rows, n_columns, *more = (int(size) for size in sizes)
        except ValueError:
            _refuse(path, f"its second line should give the numbers of rows and columns, and is {' '.join(sizes)!r}")
        n_about_rows, n_about_samples = more if version == "#1.3" and len(more) == 2 else (1, 0)
        header = [name.strip() for name in text.readline().rstrip("\r\n").split("\t")]
        first = 1 + n_about_rows
        if len(header) != first + n_columns:
            _refuse(path, f"its second line speaks of {n_columns} samples, its third names {len(header) - first}")
        about = [text.readline().rstrip("\r\n").split("\t") for _ in range(n_about_samples)]
        try:
            frame = pd.read_csv(
                text,
                sep="\t",
                header=None,
                names=list(range(len(header))),
                index_col=False,
                dtype=dict.fromkeys(range(first), "object"),
                keep_default_na=False,
                na_values=list(MISSING_WORDS),
                low_memory=False,
            )
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            _refuse(path, str(error).strip())
    if len(frame) != n_rows:
        _refuse(path, f"its second line speaks of {n_rows} rows, and {len(frame)} follow")
    strays = _strays(frame, header, first)
    for place in range(first, len(header)):
        if pd.api.types.is_numeric_dtype(frame[place]):
            frame[place] = frame[place].astype("float64")
    frame.columns = pd.Index([name or ("id" if at == 0 else f"column {at + 1}") for at, name in enumerate(header)])
    labels = {row[0].strip(): [cell.strip() or None for cell in row[first:]] for row in about if row and row[0].strip()}
    return ReadTable(
        path.name,
        frame,
        "matrix",
        id_place=0,
        values=tuple(range(first, len(header))),
        attributes=pd.DataFrame(labels, index=pd.Index(header[first:]), dtype="object"),
        strays=tuple(strays),
        orientation="genes_in_rows",
        orientation_why="the file is a GCT, which has genes in its rows",
    )


def _strays(frame: pd.DataFrame, header: list[str], first: int) -> list[Stray]:
    strays = []
    for place in range(first, len(header)):
        column = frame[place]
        if pd.api.types.is_numeric_dtype(column):
            continue
        odd = column.notna() & pd.to_numeric(column, errors="coerce").isna()
        for row in odd.to_numpy().nonzero()[0].tolist():
            where = f"line {row + 4}, column {place + 1}"
            strays.append(Stray(where, str(frame.iat[row, 0]), header[place], str(column.iat[row])))
    return strays


def _refuse(path: Path, why: str) -> NoReturn:
    raise InputError(
        "damaged_gct",
        f"{path.name} is no whole GCT file: {why}.",
        "Export it again; or remove its first two lines, and add it as a text table (.tsv).",
    )
