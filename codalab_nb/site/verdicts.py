"""The site's part in the race for `result.json`, and rows that follow what the store says."""

from __future__ import annotations

import json
import secrets
import time

from codalab_nb import failpoints
from codalab_nb.model.base import utc_now
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import Reason, Result, Verdict
from codalab_nb.site.events import last_event, newest_segment
from codalab_nb.site.ledger import Ledger, TaskRow
from codalab_nb.site.liveness import MISSED_HEARTBEATS
from codalab_nb.site.results import read_manifest, read_result
from codalab_nb.stores.once import create_once
from codalab_nb.stores.ports import SiteStore


def decide(store: SiteStore, task: str, verdict: Verdict, reason: Reason) -> bool:
    """The site's way to end a task: takes part in the race for `result.json`. True if it won."""
    nonce = secrets.token_hex(16)
    result = Result(task=task, n=None, nonce=nonce, verdict=verdict, reason=reason, decided_at=utc_now())
    return create_once(store, TaskNames(task).result, result.to_bytes(), nonce)


def confirm(store: SiteStore, row: TaskRow) -> None:
    """Writes down in the store that the row was committed: from this a lost ledger knows what was accepted."""
    store.create(TaskNames(row.id).accepted, json.dumps({"submitted_at": row.submitted_at}).encode())


def fold(store: SiteStore, ledger: Ledger, task: str) -> Result | None:
    """Brings the row of `task` to what the store says. Anyone may do it, any number of times."""
    result = read_result(store, task)
    if result is None:
        return None
    failpoints.hit("monitor.before_row")
    manifest = read_manifest(store, result)
    ledger.end(result, metrics=manifest.metrics if manifest else {})
    failpoints.hit("monitor.after_row")
    return result


def seems_running(store: SiteStore, row: TaskRow, heartbeat_s: float, *, since: float = 0.0) -> bool:
    """Whether somebody gives signs of life for the row's attempt, by the store's own clock. For views only.

    `since` (Unix seconds): older signs do not count.
    """
    names = TaskNames(row.id)
    newest = newest_segment(store, row.id, row.n)
    look = newest[1] if newest else store.look(names.claim(row.n))
    if look is None or look.age_s >= min(MISSED_HEARTBEATS * heartbeat_s, time.time() - since):
        return False
    event = last_event(store, row.id, row.n, newest)
    return event is None or event.get("type") != "released"
