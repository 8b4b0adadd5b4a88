"""A task as one line of the list, and in full: from its row, as far as store and workers are now."""

from __future__ import annotations

import datetime as dt
from typing import Any

from codalab_nb.errors import InputError
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.outgoing import plain
from codalab_nb.frontends.server.wire.tasks import Progress, Task, TaskDetail, Why
from codalab_nb.frontends.server.wire.tasks import Step as StepLine
from codalab_nb.model.names import TaskNames
from codalab_nb.model.pool import LOCAL
from codalab_nb.model.task import Priority, Reason, State, Step, is_service
from codalab_nb.site.events import TaskReader
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.results import damage
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task as SiteTask
from codalab_nb.stores.ports import NotFound

_STEPS = {
    "started": "started",
    "resent": "put in line again",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
    "expired": "expired: its deadline passed",
    "lost": "lost: all its attempts were used up",
}
_DETAILS = {"message gone": "its place in the queue was lost"}


def row_of(site: Site, task: str) -> TaskRow:
    """The row after whatever verdict there is. Raises InputError(task_unknown)."""
    row = site.ledger.get(task)
    if row is None:
        raise InputError(
            "task_unknown", "There is no such task any more.", "It was removed: look at the list of tasks."
        )
    return folded(site, row)


def folded(site: Site, row: TaskRow) -> TaskRow:
    """The row after a verdict that the ledger does not know yet. One store is asked for it, wherever that is."""
    return site.ledger.get(row.id) or row if row.is_open and site.fold(row.id) is not None else row


def line(context: Context, row: TaskRow) -> Task:
    return Task(**_fields(context, row))


def _fields(context: Context, row: TaskRow) -> dict[str, Any]:
    site = context.site
    state, progress = row.state, None
    if row.is_open and row.pool == LOCAL:
        row = folded(site, row)
        state = site.state_of(row)
        progress = context.progress.of(row, state)
    elif row.is_open:
        # A list asks no store over a network: what the ledger knows is told, which the background process looks after.
        progress = Progress(task=row.id)
    template = site.catalog.templates().get(row.method) if row.method else None
    return {
        "task": row.id,
        "state": state.value,
        "label": plain(row.label),
        "dataset": row.dataset,
        "method": row.method,
        "title": template.method.title if template else None,
        "notebook": plain(row.notebook),
        "batch": row.batch,
        "pool": row.pool,
        "parameters": plain(row.parameters),
        "attempts": _attempts(site, row),
        "submitted_at": _time(row.submitted_at),
        "finished_at": None if row.finished_at is None else _time(row.finished_at),
        "seconds": row.seconds,
        "why": why(row.reason),
        "metrics": plain(row.metrics),
        "retry_of": row.retry_of,
        "progress": progress,
        "service": is_service(row.method),
        "systematic": row.priority is Priority.BACKGROUND,
    }


def why(reason: Reason | None) -> Why | None:
    if reason is None:
        return None
    cell = None if reason.cell is None or reason.cell < 0 else reason.cell + 1
    return Why(code=plain(reason.code), message=plain(reason.message), fix=plain(reason.fix), cell=cell)


def detail(context: Context, row: TaskRow) -> TaskDetail:
    """Reads every file of the result, to say whether they are what they were: seconds for a large one."""
    site = context.site
    fields = _fields(context, row)
    task = SiteTask(site, row.id)
    try:
        document = task.document
    except (NotFound, ValueError):
        raise InputError(
            "task_damaged", "What was submitted is not in the store any more.", "Remove the task."
        ) from None
    result = site.result(row.id)
    started = [event for event in TaskReader(task.store, row.id).new() if event.get("type") == "started"]
    body = started[-1].get("body") if started else None
    folder = task.folder if result is not None else None
    return TaskDetail(
        **fields,
        warnings=plain(list(document.warnings)),
        kernel=document.kernel,
        sandbox=plain(str(body["sandbox"])) if isinstance(body, dict) and body.get("sandbox") else None,
        max_attempts=row.max_attempts,
        deadline=document.deadline,
        history=tuple(_step(step) for step in site.ledger.history(row.id)),
        damage=tuple(damage(task.store, result)) if result is not None else (),
        folder=str(folder) if folder is not None else None,
    )


def _step(step: dict[str, Any]) -> StepLine:
    detail = step["detail"] or ""
    words = _STEPS.get(step["step"], step["step"]) + (f": {_DETAILS.get(detail, plain(detail))}" if detail else "")
    return StepLine(at=_time(step["at"]), step=step["step"], words=words, attempt=step["n"] or None)


def _attempts(site: Site, row: TaskRow) -> int:
    """Attempts that a worker has claimed so far; the row's may still wait for one."""
    if row.state is State.RUNNING or row.seconds is not None:
        return row.n
    if row.pool == LOCAL:
        claimed = site.store.look(TaskNames(row.id).claim(row.n)) is not None
    else:
        claimed = any(step["step"] == Step.STARTED and step["n"] == row.n for step in site.ledger.history(row.id))
    return row.n if claimed else row.n - 1


def _time(unix: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(unix, dt.UTC)
