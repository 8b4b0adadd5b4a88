"""What can be done to many tasks at once. Each has an outcome of its own: one that cannot be done stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from codalab_nb.errors import CodalabError, InputError, UnavailableError
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import operation
from codalab_nb.frontends.server.wire.tasks import Act, Acted, ActedOn
from codalab_nb.model.base import is_id
from codalab_nb.model.task import State, TaskDocument
from codalab_nb.site.cleanup import remove_tasks
from codalab_nb.site.inputs import provide
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task
from codalab_nb.stores.ports import NotFound

_MOST = 50_000
_FEW, _AT_ONCE = 20, 6


@operation("act", slow=True)
def act(context: Context, body: Act) -> Acted:
    site = context.site
    wanted = _wanted(site, body)
    rows = {row.id: row for row in site.ledger.pages.rows(wanted)}
    if body.action == "retry":
        return _retried(site, wanted, rows, failed_only=body.failed_only)
    one = _Each(site, rows, _cancelled if body.action == "cancel" else _removed)
    if len(wanted) <= _FEW:
        return Acted(tasks=tuple(map(one, wanted)))
    # Each waits for the disk several times: that of several at once.
    with ThreadPoolExecutor(_AT_ONCE, "codalab-act") as pool:
        return Acted(tasks=tuple(pool.map(one, wanted)))


class _Each:
    """Does one thing to a task and says how it went. After a fault of store or ledger nothing more is tried: the next
    one would wait as long, and meet the same."""

    def __init__(self, site: Site, rows: Mapping[str, TaskRow], action: Callable[[Site, TaskRow], ActedOn]) -> None:
        self._site = site
        self._rows = rows
        self._action = action
        self._fault = ""

    def __call__(self, task: str) -> ActedOn:
        if self._fault:
            return ActedOn(task=task, done=False, message=self._fault)
        if task not in self._rows:
            return _unknown(task)
        try:
            return self._action(self._site, self._rows[task])
        except CodalabError as error:
            if isinstance(error, UnavailableError):
                self._fault = str(error)
            return ActedOn(task=task, done=False, message=str(error))


def _wanted(site: Site, body: Act) -> list[str]:
    """Each task once, in the order of the request. Raises InputError(batch_unknown, too_large)."""
    found = dict.fromkeys(body.tasks)
    for batch in body.batches:
        rows = site.ledger.find(batch=batch) if is_id(batch) else []
        if not rows:
            raise InputError("batch_unknown", "There is no such batch any more.", "Look at the list of tasks.")
        found |= dict.fromkeys(row.id for row in sorted(rows, key=lambda row: (row.submitted_at, row.position)))
    if len(found) > _MOST:
        raise InputError("too_large", f"That is more than {_MOST:,} tasks.", "Choose fewer at once.")
    return list(found)


def _unknown(task: str) -> ActedOn:
    return ActedOn(task=task, done=False, message="There is no such task any more.")


def _cancelled(site: Site, row: TaskRow) -> ActedOn:
    if site.cancel(row.id):
        return ActedOn(task=row.id, done=True)
    result = site.result(row.id)
    return ActedOn(task=row.id, done=False, message=f"It had ended before: {result.verdict if result else 'removed'}.")


def _removed(site: Site, row: TaskRow) -> ActedOn:
    if row.is_open and site.fold(row.id) is None:
        return ActedOn(task=row.id, done=False, message="It has not ended. Cancel it first.")
    remove_tasks(site, [row.id])
    return ActedOn(task=row.id, done=True)


# --- again, as they were


def _retried(site: Site, wanted: Sequence[str], rows: dict[str, TaskRow], *, failed_only: bool) -> Acted:
    outcomes: dict[str, ActedOn] = {}
    going: list[TaskRow] = []
    for task in wanted:
        row = rows.get(task)
        if row is None:
            outcomes[task] = _unknown(task)
            continue
        state = site.state_of(row)
        if failed_only and state in (State.SUCCEEDED, State.QUEUED, State.RUNNING):
            continue
        if state in (State.QUEUED, State.RUNNING):
            outcomes[task] = ActedOn(task=task, done=False, message=f"It has not ended: it is {state}.")
        elif missing := _missing(site, task):
            outcomes[task] = ActedOn(task=task, done=False, message=missing)
        else:
            going.append(row)
    batches = set()
    for group in _groups(going):
        try:
            made = site.retry([Task(site, row.id) for row in group])
        except CodalabError as error:
            outcomes |= {row.id: ActedOn(task=row.id, done=False, message=str(error)) for row in group}
            continue
        outcomes |= {
            row.id: ActedOn(task=row.id, done=True, new_task=new.id) for row, new in zip(group, made, strict=True)
        }
        batches.add(made[0].row.batch)
    batch = batches.pop() if len(batches) == 1 else None
    return Acted(tasks=tuple(outcomes[task] for task in wanted if task in outcomes), batch=batch)


def _groups(rows: Sequence[TaskRow]) -> Iterator[list[TaskRow]]:
    """What was one batch becomes one again."""
    groups: dict[str, list[TaskRow]] = {}
    for row in rows:
        groups.setdefault(row.batch or row.id, []).append(row)
    yield from groups.values()


def _missing(site: Site, task: str) -> str:
    """Why its bundle cannot be submitted again; empty when it can."""
    store = site.store_of(task)
    try:
        document: TaskDocument = Task(site, task).document
    except (NotFound, ValueError):
        return "What was submitted is not stored any more."
    gone = [ref.path for ref in (document.notebook, *document.inputs) if not provide(store, site.store, ref)]
    if not gone:
        return ""
    return f"Not stored any more: {', '.join(gone[:3])}. Add the data set, or submit the notebook, again."
