"""The sample table: shown, edited in place, pasted from a spreadsheet."""

from __future__ import annotations

from codalab_nb.datasets import sample_table
from codalab_nb.frontends.server import dataset_words
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import operation
from codalab_nb.frontends.server.wire import datasets

_MOST = 20_000  # rows to be edited in a page; single cells are described by a file


@operation("getSamples", slow=True)
def get_samples(context: Context, reference: str) -> datasets.SampleTable:
    catalog = context.site.catalog
    profile = catalog.dataset(reference).profile
    table = catalog.samples(reference)
    if table is None:
        return datasets.SampleTable(columns=(), rows=(), editable=False, why_not=sample_table.why_not(profile))
    proposed = [one.name for one in profile.columns if one.source == "names" and (one.role_proposed or not one.role)]
    told = ""
    if len(table.rows) > _MOST:
        told = f"It has {len(table.rows):,} rows; the first {_MOST:,} are shown. Change them in a file instead."
    return datasets.SampleTable(
        columns=table.columns,
        rows=table.rows[:_MOST],
        proposed=tuple(proposed),
        editable=not told,
        why_not=told,
    )


@operation("setSamples", slow=True)
def set_samples(context: Context, reference: str, body: datasets.SampleTable) -> datasets.Dataset:
    """Refuses with every problem at once, `at` the sample, row or column. The same table again is no new version."""
    catalog = context.site.catalog
    document = catalog.set(reference, samples=sample_table.Table(body.columns, body.rows))
    context.datasets_changed()
    return dataset_words.in_full(catalog, document)
