"""The table of a batch: data sets × methods with states, metrics and first figures; also for a spreadsheet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from codalab_nb.errors import CodalabError, InputError
from codalab_nb.frontends.server import task_lines
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import Download, operation
from codalab_nb.frontends.server.spreadsheet import as_csv
from codalab_nb.frontends.server.wire.tasks import Batch, Cell, MetricColumn, Task
from codalab_nb.model.bundle import RESERVED_FOLDER
from codalab_nb.model.task import TERMINAL, State
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.results import read_manifest
from codalab_nb.site.site import Site

_PICTURES = (".png", ".jpg", ".jpeg", ".gif")


def rows_of(site: Site, batch: str) -> list[TaskRow]:
    """In the order they were asked for. Raises InputError(batch_unknown)."""
    rows = sorted(site.ledger.find(batch=batch), key=lambda row: (row.submitted_at, row.position))
    if not rows:
        raise InputError("batch_unknown", "There is no such batch any more.", "Look at the list of tasks.")
    return rows


@operation("getBatch", slow=True)
def get_batch(context: Context, batch: str) -> Batch:
    rows = rows_of(context.site, batch)
    tasks = [task_lines.line(context, row) for row in rows]
    return Batch(
        batch=batch,
        submitted_at=tasks[0].submitted_at,
        datasets=tuple(dict.fromkeys(row.dataset for row in rows if row.dataset)),
        methods=tuple(dict.fromkeys(row.method for row in rows if row.method)),
        varying=tuple(_varying(rows)),
        metrics=tuple(_columns(context.site, tasks)),
        cells=tuple(Cell(task=task, figure=_first_figure(context.site, task)) for task in tasks),
    )


def _varying(rows: Sequence[TaskRow]) -> list[str]:
    """Of a sweep: tasks of one method on one data set have them differently."""
    values: dict[tuple[str | None, str | None, str], set[str]] = {}
    for row in rows:
        for name, value in row.parameters.items():
            values.setdefault((row.dataset, row.method, name), set()).add(repr(value))
    return list(dict.fromkeys(name for (_, _, name), several in values.items() if len(several) > 1))


def _columns(site: Site, tasks: Sequence[Task]) -> list[MetricColumn]:
    """As the methods declare them, then what else was reported."""
    templates = site.catalog.templates()
    found: dict[str, MetricColumn] = {}
    reported = list(dict.fromkeys(name for task in tasks for name in task.metrics))
    for method in dict.fromkeys(task.method for task in tasks if task.method):
        for one in templates[method].method.metrics if method in templates else ():
            if one.name in reported:
                found.setdefault(one.name, MetricColumn(name=one.name, title=one.title, better=one.better))
    for name in reported:
        found.setdefault(name, MetricColumn(name=name, title=name))
    return list(found.values())


def _first_figure(site: Site, task: Task) -> str | None:
    """The one that its method names first, else the first picture among its files."""
    if State(task.state) not in TERMINAL:
        return None
    try:
        result = site.result(task.task)
        manifest = read_manifest(site.store_of(task.task), result) if result is not None else None
    except CodalabError:
        return None
    if manifest is None:
        return None
    pictures = [
        file.path
        for file in manifest.files
        if file.path.lower().endswith(_PICTURES) and not file.path.startswith(f"{RESERVED_FOLDER}/")
    ]
    template = site.catalog.templates().get(task.method) if task.method else None
    wanted = template.method.first_figure if template else None
    named = [path for path in pictures if PurePosixPath(path).stem == wanted]
    return next(iter(named or pictures), None)


@operation("batchTable", slow=True)
def batch_table(context: Context, batch: str) -> Download:
    rows = rows_of(context.site, batch)
    tasks = [task_lines.line(context, row) for row in rows]
    varying, metrics = _varying(rows), _columns(context.site, tasks)
    head = ["data set", "method", *varying, "state", "seconds", *(one.name for one in metrics), "why", "task"]
    lines: list[list[object]] = [list(head)]
    for task in tasks:
        lines.append(
            [
                task.dataset or "",
                task.method or task.label,
                *(task.parameters.get(name, "") for name in varying),
                task.state,
                "" if task.seconds is None else round(task.seconds, 3),
                *(task.metrics.get(one.name, "") for one in metrics),
                _why(task),
                task.task,
            ]
        )
    return Download(as_csv(lines), f"batch-{batch[-8:]}.csv", "text/csv")


def _why(task: Task) -> str:
    if task.why is None:
        return ""
    where = f"cell {task.why.cell}: " if task.why.cell else ""
    return where + task.why.message.partition("\n")[0]
