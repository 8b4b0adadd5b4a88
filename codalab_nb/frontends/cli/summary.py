"""How a task ended, in a few lines: verdict, why, the cell that failed, metrics, files, where to look."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from codalab_nb.frontends.cli.exits import STATE_STYLES, label, short
from codalab_nb.frontends.cli.hints import hint
from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.text import count, duration, number, shown
from codalab_nb.model import names
from codalab_nb.model.outputs import describe_failed_cell
from codalab_nb.model.task import Reason, State
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task
from codalab_nb.stores.ports import NotFound

_TRACE_LINES = 8
_BRIEF_LINES = 3
_TRACE_HEAD = "Traceback (most recent call last)"
_FILES = 6


def as_json(task: Task) -> dict[str, Any]:
    """What `run --json` prints."""
    return {**task.as_json(), "label": task.row.label}


def open_json(task: Task) -> dict[str, Any]:
    """The same members for a task that was only submitted."""
    none = dict.fromkeys(("verdict", "reason", "result", "notebook", "seconds"))
    return {
        "task": task.id,
        "state": task.state.value,
        **none,
        "attempts": 0,
        "files": [],
        "metrics": {},
        "label": task.row.label,
    }


def tell(site: Site, task: Task, out: Output, *, trace_shown: bool = False) -> None:
    """`trace_shown`: the traceback stands above already, as the output of its cell."""
    result = task.result
    took = f" in {duration(result.seconds)}" if result.seconds is not None else ""
    out.say()
    out.say(f"{result.verdict}{took}: {label(task.row)}", STATE_STYLES[State(result.verdict)])
    if task.reason is not None:
        tell_reason(site, task, task.reason, out, trace_shown=trace_shown)
    if result.stopped_at is not None:
        out.say(f"  The notebook ended itself in cell {result.stopped_at + 1}; the cells after it were not run.")
    manifest = task.manifest
    own = [
        name for name in task.files if not name.startswith("_codalab/") and not (manifest and name == manifest.notebook)
    ]
    more = f" and {count(len(own) - _FILES, 'more file')}" if len(own) > _FILES else ""
    out.fields(
        [
            ("metrics", metrics(task.metrics)),
            ("files", ", ".join(own[:_FILES]) + more),
            ("folder", str(task.folder or "")),
            ("notebook", str(task.notebook or "")),
            (
                "copy it",
                f"codalab-nb results {short(task.id)} --to DIR   (with a page to read)" if task.folder else "",
            ),
        ]
    )
    if manifest and manifest.truncated:
        out.warn("Some output was cut at its limit; the notebook says where.")


def tell_reason(site: Site, task: Task, reason: Reason, out: Output, *, trace_shown: bool = False) -> None:
    title, _, trace = reason.message.partition("\n")
    out.prose(f"  {shown(title)}", hang="  ")
    if reason.cell is not None and (notebook := submitted(site, task)) is not None:
        for line in describe_failed_cell(notebook, reason.cell).splitlines():
            out.say(f"  {shown(line)}")
    lines = [line for line in shown(trace).splitlines() if line.strip("- ")]
    most, head = _TRACE_LINES, "Traceback:"
    if trace_shown:
        most, head = _BRIEF_LINES, "The last lines of the traceback, which stands above:"
        known = shown(title).strip()
        lines = [line for line in lines if line.strip() != known and not line.endswith(_TRACE_HEAD)]
    elif len(lines) > most:
        head = f"The last lines of the traceback ({count(len(lines), 'line')} in all):"
    if lines:
        out.say(f"  {head}")
        for line in lines[-most:]:
            out.say(f"    {line}", "dim")
    if reason.fix:
        out.prose(f"  fix: {reason.fix}", hang="    ")
    elif told := hint(reason, network=task.document.network, sandbox=sandbox_of(task) != "none"):
        out.prose(f"  hint: {told}", "yellow", "    ")


def sandbox_of(task: Task) -> str | None:
    """What walled the task in, as its last worker recorded it."""
    started = [event for event in task.events() if event.get("type") == "started"]
    return str(started[-1]["body"].get("sandbox")) if started else None


def metrics(values: Mapping[str, float], most: int = 8) -> str:
    told = [f"{name} {number(value)}" for name, value in list(values.items())[:most]]
    return ", ".join(told) + (", …" if len(values) > most else "")


def submitted(site: Site, task: Task) -> dict[str, Any] | None:
    """The notebook as it was submitted, which is what cell numbers count in; None when it is not stored any more."""
    try:
        notebook: dict[str, Any] = json.loads(site.store_of(task.id).read(names.blob(task.document.notebook.sha256)))
    except (NotFound, ValueError):
        return None
    return notebook
