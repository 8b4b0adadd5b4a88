"""Data sets: the list, one of them, a person's word on it, away with it."""

from __future__ import annotations

from codalab_nb.frontends.server import dataset_words
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import operation
from codalab_nb.frontends.server.wire import common, datasets


@operation("listDatasets")
def list_datasets(context: Context, q: str | None) -> datasets.DatasetList:
    found = context.site.catalog.datasets()
    words = (q or "").casefold().split()
    if words:
        found = [one for one in found if all(word in dataset_words.searched(one.name, one.profile) for word in words)]
    return datasets.DatasetList(datasets=tuple(map(dataset_words.summary, found)))


@operation("getDataset")
def get_dataset(context: Context, reference: str) -> datasets.Dataset:
    catalog = context.site.catalog
    return dataset_words.in_full(catalog, catalog.dataset(reference))


@operation("setDataset", slow=True)
def set_dataset(context: Context, reference: str, body: datasets.Answer) -> datasets.Dataset:
    """A new version with the answer; the same version where it says nothing new."""
    catalog = context.site.catalog
    document = catalog.set(
        reference, roles=body.roles, kind=body.kind, level=body.reference, renames=body.renames, accept=body.accept
    )
    context.datasets_changed()
    return dataset_words.in_full(catalog, document)


@operation("removeDataset")
def remove_dataset(context: Context, reference: str) -> common.Done:
    context.site.catalog.remove(reference)
    context.datasets_changed()
    return common.Done()
