"""The first rows of a data set's matrix or sample table, as they stand in the file."""

from __future__ import annotations

from collections.abc import Sequence

from codalab_nb.errors import InputError
from codalab_nb.frontends.choosing.preview import first_rows
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import operation
from codalab_nb.frontends.server.wire import datasets

MOST_ROWS, MOST_COLUMNS = 200, 200
_LONGEST_CELL = 500


@operation("previewDataset")
def preview_dataset(context: Context, reference: str, table: str | None, rows: int | None) -> datasets.Preview:
    site = context.site
    document = site.catalog.dataset(reference)
    profile = document.profile
    if table not in (None, "matrix", "samples"):
        raise InputError("request", f"There is no table {table!r} of a data set.", "Ask for `matrix` or `samples`.")
    file = profile.samples if table == "samples" else profile.matrix
    found = first_rows(site.store, document, file, min(rows or 20, MOST_ROWS)) if file is not None else []
    n_rows = profile.n_features if profile.orientation == "genes_in_rows" else profile.n_samples
    return preview(found, None if table == "samples" or file is None else n_rows)


def preview(rows: Sequence[Sequence[str]], n_rows: int | None, columns: int = MOST_COLUMNS) -> datasets.Preview:
    """`rows`: the first is the header. Columns and cells beyond what a page can show are cut."""
    width = max(map(len, rows), default=0)
    shown = min(width, columns)
    cut = [tuple(_cell(cell) for cell in (*row, *[""] * width)[:shown]) for row in rows]
    return datasets.Preview(
        columns=cut[0] if cut else (),
        rows=tuple(cut[1:]),
        n_rows=n_rows,
        n_columns=width,
        more_columns=width > shown,
    )


def _cell(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"
