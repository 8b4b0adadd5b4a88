"""The collector: what nobody needs any more. Never what an open task or a kept result needs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codalab_nb.model import names
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.task import TERMINAL, TaskDocument
from codalab_nb.stores.ports import NotFound, SiteStore

if TYPE_CHECKING:
    from codalab_nb.site.site import Site

# Half-made files and blobs without a reference may belong to a submit that is under way.
_YOUNG_S = 3600.0


@dataclass(frozen=True)
class Cleaned:
    """What was removed, or would be: tasks, blobs, half-made files, and the bytes of the blobs and results."""

    tasks: int
    blobs: int
    temporary: int
    bytes: int


def remove_tasks(site: Site, tasks: Iterable[str]) -> int:
    """Removes ended tasks with their results; the bytes freed. The ledger's row goes last: it finds the rest."""
    freed = 0
    for task in tasks:
        for name in list(site.store.list(names.TaskNames(task).folder)):
            look = site.store.look(name)
            freed += look.size if look else 0
            site.store.delete(name)
        site.ledger.remove([task])
    return freed


def clean(site: Site, *, older_than_s: float, dry_run: bool = False) -> Cleaned:
    """Removes results older than `older_than_s`, then blobs that nothing refers to, then old half-made files."""
    before = time.time() - older_than_s
    old = [row.id for row in site.ledger.find(states=TERMINAL) if (row.finished_at or row.submitted_at) < before]
    store = site.store
    freed = 0
    if dry_run:
        for task in old:
            for name in store.list(names.TaskNames(task).folder):
                look = store.look(name)
                freed += look.size if look else 0
    else:
        freed = remove_tasks(site, old)
    needed = _needed_blobs(store, set(old))
    blobs = 0
    for name in list(store.list("blobs/sha256/")):
        look = store.look(name)
        if name.rpartition("/")[2] in needed or look is None or look.age_s < _YOUNG_S:
            continue
        blobs += 1
        freed += look.size
        if not dry_run:
            store.delete(name)
    temporary = 0
    for name in list(store.list("tmp/")):
        look = store.look(name)
        if look is not None and look.age_s > _YOUNG_S:
            temporary += 1
            if not dry_run:
                store.delete(name)
    return Cleaned(len(old), blobs, temporary, freed)


def _needed_blobs(store: SiteStore, going: set[str]) -> set[str]:
    """Digests that a data set or a kept task names, read from the documents themselves, not from the ledger."""
    needed: set[str] = set()
    for name in store.list("datasets/"):
        needed |= {ref.sha256 for ref in DatasetDocument.model_validate_json(store.read(name)).files}
    for name in store.list("tasks/"):
        if not name.endswith("/task.json") or name.split("/")[1] in going:
            continue
        try:
            document = TaskDocument.model_validate_json(store.read(name))
        except NotFound:
            continue
        needed |= {ref.sha256 for ref in (document.notebook, *document.inputs)}
    return needed
