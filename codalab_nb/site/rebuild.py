"""A ledger from the store alone, for when the ledger was lost (RELIABILITY 2.2, row 22)."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from codalab_nb.bells import Bell
from codalab_nb.errors import CodalabError
from codalab_nb.model.names import TaskNames
from codalab_nb.model.pool import LOCAL
from codalab_nb.model.task import TaskDocument
from codalab_nb.site.ledger import Ledger, TaskRow
from codalab_nb.site.pools import Pools
from codalab_nb.site.verdicts import fold
from codalab_nb.stores.ports import NotFound, SiteStore

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rebuilt:
    """What was found: tasks entered, how many of them are open (they go on), and ids nobody was ever told of."""

    tasks: int
    open: int
    unconfirmed: tuple[str, ...]


def row_of(
    document: TaskDocument, position: int, *, pool: str | None = None, n: int = 1, confirmed: bool = False
) -> TaskRow:
    """The row that accepts `document`, in the pool it was found in."""
    shown = {name: value for name, value in document.parameters.items() if name != "dataset" or not document.method}
    return TaskRow(
        id=document.task,
        label=document.label,
        notebook=document.notebook.path,
        pool=pool or document.pool,
        priority=document.priority,
        submitted_at=document.created_at.timestamp(),
        deadline=document.deadline.timestamp(),
        max_attempts=document.max_attempts,
        document_sha256=hashlib.sha256(document.to_bytes()).hexdigest(),
        batch=document.batch,
        position=position,
        dataset=document.dataset,
        method=document.method,
        parameters=shown,
        retry_of=document.retry_of,
        n=n,
        confirmed=confirmed,
    )


def rebuild(
    store: SiteStore, ledger: Ledger, *, pool: str = LOCAL, progress: Callable[[int], None] = lambda _done: None
) -> Rebuilt:
    """Enters every task of a pool's store that was accepted (or ever claimed) and is not in the ledger; rows that are
    there stay.

    A task document that was never confirmed as accepted belongs to a submit that died: it is listed, not run.
    """
    ids = sorted({name.split("/")[1] for name in store.list("tasks/") if name.endswith("/task.json")})
    positions = _positions(store)
    entered, unconfirmed = 0, []
    for done, task in enumerate(ids):
        progress(done)
        if ledger.get(task) is not None:
            continue
        names = TaskNames(task)
        try:
            document = TaskDocument.model_validate_json(store.read(names.document))
        except (ValidationError, NotFound):
            continue
        n = 1
        while store.look(names.claim(n + 1)) is not None:
            n += 1
        accepted = store.look(names.accepted) is not None
        # Whatever ended before the reconciler came by has no accepted.json, but it has been claimed or decided.
        if not accepted and store.look(names.claim(n)) is None and store.look(names.result) is None:
            unconfirmed.append(task)
            continue
        ledger.accept([row_of(document, positions.get(task, 0), pool=pool, n=n, confirmed=accepted)])
        fold(store, ledger, task)
        entered += 1
    return Rebuilt(entered, len(ledger.open_tasks(pool)), tuple(unconfirmed))


def open_ledger(path: Path, pools: Pools, bell: Bell | None = None) -> Ledger:
    """The ledger at `path`; one that is not there (removed, or left behind by an uninstall) is made from the stores.

    A damaged file is not replaced: that raises UnavailableError(database_damaged). A pool that cannot be reached is
    left out, and said in the log: `monitor --rebuild` adds its tasks when it is back.
    """
    ledger = Ledger(path, bell)
    if not ledger.complete:
        for name in pools.names():
            try:
                rebuild(pools.side(name).store, ledger, pool=name)
            except CodalabError as error:
                if name == LOCAL:
                    raise
                log.warning("the tasks of pool %s are not in the new ledger: %s", name, error)
        ledger.mark_complete()
    return ledger


def _positions(store: SiteStore) -> dict[str, int]:
    """Where each task stands in its batch."""
    positions: dict[str, int] = {}
    for name in store.list("batches/"):
        try:
            tasks = json.loads(store.read(name))["tasks"]
        except (ValueError, KeyError, TypeError):
            continue
        positions.update({task: position for position, task in enumerate(tasks)})
    return positions
