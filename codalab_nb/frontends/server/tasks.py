"""Operations on tasks: the list a page at a time, one in full, and what can be done to many at once."""

from __future__ import annotations

from collections.abc import Sequence

from codalab_nb.errors import InputError, Problems
from codalab_nb.frontends.server import task_lines
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import operation
from codalab_nb.frontends.server.wire.tasks import TaskDetail, TaskPage
from codalab_nb.model.base import is_id
from codalab_nb.model.task import State
from codalab_nb.site.ledger_pages import Filters, Place

_USUAL_PAGE = 100
_LARGEST_PAGE = 500
_MOST_WORDS = 20


@operation("listTasks")
def list_tasks(
    context: Context,
    q: str | None,
    state: tuple[str, ...],
    dataset: str | None,
    method: str | None,
    batch: str | None,
    systematic: str | None,
    limit: int | None,
    before: str | None,
) -> TaskPage:
    site = context.site
    words = (q or "").split()[:_MOST_WORDS]
    filters = Filters(
        words=words,
        titled=[_titled(context, word) for word in words],
        states=_states(state),
        dataset=dataset,
        method=method,
        batch=batch,
        background=systematic == "yes",
    )
    size = min(limit or _USUAL_PAGE, _LARGEST_PAGE)
    rows = site.ledger.pages.page(filters, before=None if before is None else _place(before), limit=size + 1)
    total, busy = site.ledger.pages.totals(filters)
    last = rows[size - 1] if len(rows) > size else None
    return TaskPage(
        tasks=tuple(task_lines.line(context, row) for row in rows[:size]),
        next=None if last is None else f"{last.submitted_at!r}_{last.position}_{last.id}",
        total=total,
        busy_total=busy,
    )


def _titled(context: Context, word: str) -> list[str]:
    """The methods whose title, which the list shows, has the word."""
    folded = word.casefold()
    return [name for name, one in context.site.catalog.templates().items() if folded in one.method.title.casefold()]


def _states(names: Sequence[str]) -> list[State]:
    problems = Problems()
    found = []
    for name in names:
        try:
            found.append(State(name))
        except ValueError:
            problems.add("request", f"{name[:50]!r} is not a state.", f"There are: {', '.join(State)}.")
    problems.raise_if_any()
    return found


def _place(text: str) -> Place:
    submitted, _, rest = text.partition("_")
    position, _, task = rest.partition("_")
    try:
        if is_id(task):
            return Place(float(submitted), int(position), task)
    except ValueError:
        pass
    raise InputError("request", "`before` is not what an earlier page gave as `next`.", "Read the list from its top.")


@operation("getTask", slow=True)
def get_task(context: Context, task: str) -> TaskDetail:
    return task_lines.detail(context, task_lines.row_of(context.site, task))
