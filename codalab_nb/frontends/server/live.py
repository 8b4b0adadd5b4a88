"""The notebook of a task as it is now: waiting, growing while it runs, or as it was executed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codalab_nb.frontends.server import task_lines
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import operation
from codalab_nb.frontends.server.outgoing import plain
from codalab_nb.frontends.server.wire.results import LiveNotebook
from codalab_nb.model import names
from codalab_nb.model.base import JsonObject
from codalab_nb.model.outputs import fold_outputs
from codalab_nb.site.events import TaskReader
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.results import read_manifest
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task
from codalab_nb.stores.ports import NotFound

_LARGEST = 60 << 20  # of an executed notebook; workers keep to 50 MB
_LOST: JsonObject = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@dataclass(frozen=True)
class _Heard:
    """What an attempt said so far."""

    n: int
    seq: int
    events: list[Mapping[str, Any]]  # as `fold_outputs` takes them
    running: int | None  # the cell that runs, as events count
    truncated: bool


@operation("liveNotebook", slow=True)
def live_notebook(context: Context, task: str) -> LiveNotebook:
    site = context.site
    row = task_lines.row_of(site, task)
    heard = _hear(site, task)
    executed = _executed(site, row)
    if executed is not None:
        notebook, offset = executed, 0
    else:
        notebook, offset = _folded(_submitted(site, task), row, heard)
    running = heard.running if row.is_open else None
    return LiveNotebook(
        task=task,
        state=site.state_of(row).value,
        n=heard.n,
        seq=heard.seq,
        notebook=plain(notebook),
        cell=None if running is None else running + offset,
        offset=offset,
        truncated=heard.truncated or _was_cut(site, row),
        why=task_lines.why(row.reason),
    )


def _hear(site: Site, task: str) -> _Heard:
    """What the last attempt said: what those before it said is not part of the result."""
    n, seq, running, truncated = 0, 0, None, False
    events: list[Mapping[str, Any]] = []
    for event in TaskReader(site.store_of(task), task).new():
        kind, body = event.get("type"), event.get("body")
        if event["n"] != n:
            n, running, truncated, events = event["n"], None, False, []
        seq = event["seq"]
        if not isinstance(body, dict):
            continue
        cell = body.get("cell")
        if kind == "truncated":
            truncated = True
        elif kind == "cell_started" and type(cell) is int:
            running = cell
        elif kind == "cell_finished":
            running = None
        events.append({**body, "type": kind})
    return _Heard(n, seq, events, running, truncated)


def _folded(notebook: JsonObject, row: TaskRow, heard: _Heard) -> tuple[JsonObject, int]:
    """The submitted notebook with what was heard; before its first cell the parameters, where there are any."""
    bare = {**notebook, "cells": [_without_outputs(cell) for cell in notebook["cells"]]}
    source = "\n".join(f"{name} = {value!r}" for name, value in row.parameters.items())
    said = any(event.get("cell") == -1 for event in heard.events)
    if not source and not said:
        return fold_outputs(bare, heard.events), 0
    # Folded as a notebook whose first cell they are, so that every other cell keeps its distance to it.
    parameters: JsonObject = {
        "cell_type": "code",
        "execution_count": None,
        "id": "codalab-parameters",
        "metadata": {"tags": ["injected-parameters"]},
        "outputs": [],
        "source": source,
    }
    shifted = [
        {**event, "cell": event["cell"] + 1} if type(event.get("cell")) is int else event for event in heard.events
    ]
    return fold_outputs({**bare, "cells": [parameters, *bare["cells"]]}, shifted), 1


def _without_outputs(cell: JsonObject) -> JsonObject:
    return {**cell, "outputs": [], "execution_count": None} if cell.get("cell_type") == "code" else cell


def _was_cut(site: Site, row: TaskRow) -> bool:
    """Whether the worker left off some output, each output at its own limit."""
    result = None if row.is_open else site.result(row.id)
    manifest = read_manifest(site.store_of(row.id), result) if result is not None else None
    return manifest is not None and manifest.truncated


def _submitted(site: Site, task: str) -> JsonObject:
    one = Task(site, task)
    try:
        notebook: JsonObject = json.loads(one.store.read(names.blob(one.document.notebook.sha256)))
    except (NotFound, ValueError):
        return _LOST
    return notebook if isinstance(notebook.get("cells"), list) else _LOST


def _executed(site: Site, row: TaskRow) -> JsonObject | None:
    """The executed notebook of the result bundle; None where there is none, or it was damaged: then the events tell."""
    if row.is_open:
        return None
    path = Task(site, row.id).notebook
    try:
        if path is None or path.is_symlink() or path.stat().st_size > _LARGEST:
            return None
        notebook: JsonObject = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return notebook if isinstance(notebook, dict) and isinstance(notebook.get("cells"), list) else None
