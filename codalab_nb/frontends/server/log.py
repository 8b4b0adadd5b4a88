"""What a task printed, line by line, with the time and the cell: what happened, in the order in which it did."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from codalab_nb.frontends.cli.text import shown
from codalab_nb.frontends.cli.watching import printed
from codalab_nb.frontends.server import task_lines
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import operation
from codalab_nb.frontends.server.outgoing import plain
from codalab_nb.frontends.server.wire.results import Log, LogLine
from codalab_nb.site.events import TaskReader

_MOST_LINES = 5_000  # the last ones: a page shows no more at once
_LONGEST = 10_000


@operation("log", slow=True)
def log(context: Context, task: str) -> Log:
    row = task_lines.row_of(context.site, task)
    lines: list[LogLine] = []
    cell: int | None = None
    truncated = False
    for event in TaskReader(context.site.store_of(row.id), row.id).new():
        kind, body = str(event.get("type")), event.get("body")
        body = body if isinstance(body, dict) else {}
        at = _time(event.get("at"))
        if at is None or kind in ("heartbeat", "cell_finished", "clear_output"):
            continue
        if type(body.get("cell")) is int:
            cell = body["cell"] + 1 if body["cell"] >= 0 else None
        if kind == "started":
            cell = None
        truncated = truncated or kind == "truncated"
        if text := _words(kind, event, body):
            output = body.get("output")
            name = output.get("name") if isinstance(output, dict) else None
            told = name if name in ("stdout", "stderr") else kind
            lines.append(LogLine(at=at, n=event["n"], cell=cell, kind=told, text=plain(text)))
    return Log(lines=tuple(lines[-_MOST_LINES:]), truncated=truncated or len(lines) > _MOST_LINES)


def _words(kind: str, event: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    match kind:
        case "started":
            return f"Attempt {event['n']} started" + (f", sandbox {body['sandbox']}" if body.get("sandbox") else "")
        case "cell_started":
            return "Cell started"
        case "output":
            return shown(printed(event) or "")[:_LONGEST].rstrip("\n")
        case "metric":
            return f"{body.get('name')} = {body.get('value')}"
        case "truncated":
            return "More was printed than is kept here; the executed notebook has more of it."
        case "released":
            return f"Given back: {body.get('message') or body.get('reason') or 'unknown'}"
        case "finished":
            return "Finished"
    return ""


def _time(at: object) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(str(at))
    except ValueError:
        return None
