"""The choices that a task or a batch was made with, for "copy and change": and what is not as it was then."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codalab_nb.errors import InputError
from codalab_nb.frontends.server import task_lines
from codalab_nb.frontends.server.batches import rows_of
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import operation
from codalab_nb.frontends.server.outgoing import plain
from codalab_nb.frontends.server.wire.common import Note
from codalab_nb.frontends.server.wire.tasks import Again
from codalab_nb.model.dataset import parse_reference
from codalab_nb.model.task import TaskDocument
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task
from codalab_nb.stores.ports import NotFound

_VALUES = 5


@operation("taskAgain")
def task_again(context: Context, task: str) -> Again:
    row = task_lines.row_of(context.site, task)
    return _analysis(context.site, [row]) if row.method else _notebook(context, row)


@operation("batchAgain")
def batch_again(context: Context, batch: str) -> Again:
    rows = [row for row in rows_of(context.site, batch) if row.method]
    if not rows:
        raise InputError("not_an_analysis", "That batch holds no analysis of data sets.", "Retry its tasks instead.")
    return _analysis(context.site, rows)


def _analysis(site: Site, rows: Sequence[TaskRow]) -> Again:
    notes: list[Note] = []
    datasets = [name for name in dict.fromkeys(row.dataset for row in rows) if name and _is_there(site, name, notes)]
    methods = []
    templates = site.catalog.templates()
    for name in dict.fromkeys(row.method for row in rows if row.method):
        if name in templates:
            methods.append(name)
        else:
            notes.append(Note(code="method_gone", text=f"The method {name} is not installed any more."))
    own = {name: _own(name, [row for row in rows if row.method == name], notes) for name in methods}
    for name, values in own.items():
        for parameter in [one for one in values if one not in templates[name].method.parameters]:
            del values[parameter]
            notes.append(Note(code="parameter_gone", text=f"{name} has no parameter {parameter} any more."))
    return Again(kind="analysis", datasets=tuple(datasets), methods=tuple(methods), own=plain(own), notes=tuple(notes))


def _is_there(site: Site, reference: str, notes: list[Note]) -> bool:
    name, number = parse_reference(reference)
    versions = site.catalog.versions(name)
    if number not in versions:
        notes.append(Note(code="dataset_gone", text=f"The data set {reference} was removed."))
        return False
    if number != versions[-1]:
        text = f"This was made from {reference}; there is a newer {name}@{versions[-1]}."
        notes.append(Note(code="dataset_newer", text=text))
    return True


def _own(method: str, rows: Sequence[TaskRow], notes: list[Note]) -> dict[str, Any]:
    """The values that all tasks of the method have alike. What differs between them is told, and left to be chosen."""
    values: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.parameters.items():
            if value not in values.setdefault(name, []):
                values[name].append(value)
    for name, several in values.items():
        if len(several) > 1:
            told = ", ".join(str(value) for value in several[:_VALUES]) + (", …" if len(several) > _VALUES else "")
            notes.append(Note(code="differed", text=f"{name} of {method} differed between the tasks: {plain(told)}."))
    return {name: several[0] for name, several in values.items() if len(several) == 1}


def _notebook(context: Context, row: TaskRow) -> Again:
    try:
        document: TaskDocument = Task(context.site, row.id).document
    except (NotFound, ValueError):
        raise InputError("task_damaged", "What was submitted is not stored any more.", "Remove the task.") from None
    notes = []
    place = _below(context.root, document.source)
    if place is None:
        where = document.source or row.notebook
        text = f"The notebook is not in the folder of this server any more: {where}. Open it to run it again."
        notes.append(Note(code="notebook_gone", text=plain(text)))
    return Again(kind="notebook", notebook=place, parameters=plain(document.parameters), notes=tuple(notes))


def _below(root: Path, source: str | None) -> str | None:
    """The path relative to the server's folder of a notebook that is still there."""
    if source is None:
        return None
    try:
        base, path = root.resolve(), Path(source).resolve()
        return path.relative_to(base).as_posix() if path.is_file() else None
    except (OSError, ValueError):
        return None
