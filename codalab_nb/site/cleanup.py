"""The collector: what nobody needs any more. Never what an open task or a kept result needs."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from codalab_nb.errors import CodalabError, InputError, UnavailableError
from codalab_nb.model import names
from codalab_nb.model.base import is_id
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.pool import LOCAL
from codalab_nb.model.task import TERMINAL, TaskDocument
from codalab_nb.stores.ports import NotFound, SiteStore

if TYPE_CHECKING:
    from codalab_nb.site.site import Site

log = logging.getLogger(__name__)

# Half-made files and blobs without a reference may belong to a submit that is under way.
_YOUNG_S = 3600.0


@dataclass(frozen=True)
class Cleaned:
    """What was removed, or would be: tasks, blobs, half-made files, and the bytes of the blobs and results."""

    tasks: int
    blobs: int
    temporary: int
    bytes: int
    left_out: tuple[str, ...] = ()  # pools that could not be reached


def remove_tasks(site: Site, tasks: Iterable[str]) -> int:
    """Removes ended tasks with their results; the bytes freed.

    The task document goes first, so that a half-removed task is never taken for one that still has to run; the
    ledger's row goes last: it finds the rest.
    """
    freed = 0
    for task in tasks:
        with contextlib.suppress(InputError):  # its pool was removed: what lies there is not ours any more
            freed += _remove_folder(site.store_of(task), names.TaskNames(task))
        site.ledger.remove([task])
    return freed


def _remove_folder(store: SiteStore, task: names.TaskNames) -> int:
    freed = 0
    for name in (task.document, *list(store.list(task.folder))):
        look = store.look(name)
        freed += look.size if look else 0
        store.delete(name)
    return freed


def clean(site: Site, *, older_than_s: float, dry_run: bool = False) -> Cleaned:
    """Removes results older than `older_than_s`, then blobs that nothing refers to, then old half-made files.

    Raises UnavailableError(store_damaged), before any blob is touched, when a document cannot be read: what it
    needs is not known then.
    """
    done, left_out = [], []
    for pool in site.pools.names():
        try:
            done.append(_clean_pool(site, pool, site.pools.side(pool).store, older_than_s, dry_run))
        except CodalabError as error:
            if pool == LOCAL:
                raise
            log.warning("pool %s is not cleaned: %s", pool, error)
            left_out.append(pool)
    return Cleaned(
        sum(one.tasks for one in done),
        sum(one.blobs for one in done),
        sum(one.temporary for one in done),
        sum(one.bytes for one in done),
        tuple(left_out),
    )


def _clean_pool(site: Site, pool: str, store: SiteStore, older_than_s: float, dry_run: bool) -> Cleaned:
    before = time.time() - older_than_s
    ended = site.ledger.find(states=TERMINAL, pool=pool)
    old = [row.id for row in ended if (row.finished_at or row.submitted_at) < before]
    freed = sum(_size(store, names.TaskNames(task).folder) for task in old) if dry_run else remove_tasks(site, old)
    if not dry_run:
        _remove_leftovers(site, store)
    needed = _needed_blobs(store, set(old))
    blobs = 0
    for name in list(store.list("blobs/sha256/")):
        look = store.look(name)
        if name.rpartition("/")[2] in needed or look is None or look.age_s < _YOUNG_S:
            continue
        # Only if it is as it was looked at: a submit touches what it is going to use.
        if dry_run or store.delete(name, version=look.version):
            blobs += 1
            freed += look.size
    temporary = 0
    for name in list(store.list("tmp/")):
        look = store.look(name)
        if look is not None and look.age_s > _YOUNG_S:
            temporary += 1
            if not dry_run:
                store.delete(name)
    return Cleaned(len(old), blobs, temporary, freed)


def _size(store: SiteStore, prefix: str) -> int:
    return sum(look.size for name in store.list(prefix) if (look := store.look(name)))


def _remove_leftovers(site: Site, store: SiteStore) -> None:
    """Folders of tasks that have no document: what a worker still wrote while its task was removed."""
    ids: dict[str, bool] = {}
    young = set()
    for name in store.list("tasks/"):
        task = name.split("/")[1]
        ids[task] = ids.get(task, False) or name == f"tasks/{task}/task.json"
        look = store.look(name)
        if look is None or look.age_s < _YOUNG_S:
            young.add(task)
    for task, has_document in ids.items():
        if not has_document and task not in young and is_id(task) and site.ledger.get(task) is None:
            _remove_folder(store, names.TaskNames(task))


def _needed_blobs(store: SiteStore, going: set[str]) -> set[str]:
    """Digests that a data set or a kept task names, read from the documents themselves, not from the ledger."""
    needed: set[str] = set()
    for name in [*store.list("datasets/"), *store.list("tasks/")]:
        try:
            if name.startswith("datasets/"):
                needed |= {ref.sha256 for ref in DatasetDocument.model_validate_json(store.read(name)).files}
            elif name.count("/") == 2 and name.endswith("/task.json") and name.split("/")[1] not in going:
                document = TaskDocument.model_validate_json(store.read(name))
                needed |= {ref.sha256 for ref in (document.notebook, *document.inputs)}
        except NotFound:
            continue  # removed meanwhile
        except ValidationError as error:
            raise UnavailableError(
                "store_damaged", f"{name} in the store cannot be read.", "Move it away, then clean again."
            ) from error
    return needed
