"""`codalab-nb status`: tasks as they are now, one line each, or one task in full."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

from codalab_nb.errors import Problems
from codalab_nb.frontends.cli import asking, summary
from codalab_nb.frontends.cli.exits import STATE_STYLES, label, short
from codalab_nb.frontends.cli.notable import notable
from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.run import python_of
from codalab_nb.frontends.cli.text import count, duration, iso, moment, when
from codalab_nb.frontends.cli.watching import Watch
from codalab_nb.model.pool import LOCAL
from codalab_nb.model.task import OPEN, State
from codalab_nb.site import embedded
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.results import damage
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task

# What a worker said, and the steps of the history, in words for people; `--json` keeps the names.
_SAID: dict[str, tuple[str, str]] = {
    "cell_finished": ("cell run", "cells run"),
    "output": ("output", "outputs"),
    "metric": ("metric", "metrics"),
    "released": ("attempt given back", "attempts given back"),
}
_PLAIN = {
    "resent": "put in line again",
    "released": "given back",
    "message gone": "its place in the queue was lost",
}


def status(args: argparse.Namespace, out: Output) -> int:
    problems = Problems()
    since = asking.age("--since", args.since, problems)
    limit = _limit(args.limit, problems)
    state = _state(args.state, problems)
    problems.raise_if_any()
    with Site.open() as site:
        site.serve_if_needed()
        if args.reference:
            tasks = site.tasks(args.reference)
            if len(tasks) == 1:
                _one(site, tasks[0], out)
                return 0
            rows = [_folded(site, task.row) for task in tasks]
            shown = [row for row in rows if state in (None, site.state_of(row))][: limit or None]
        else:
            rows = site.ledger.find(
                states={state, *OPEN} if state else (),
                dataset=args.dataset,
                method=args.method,
                since=None if since is None else time.time() - since,
                limit=None if state else limit,
                service=False,
                background=args.background,
            )
            shown = [row for row in (_folded(site, row) for row in rows) if state in (None, site.state_of(row))][:limit]
        if out.json:
            out.object([as_json(site, row) for row in shown])
        else:
            _table(site, shown, limit, out)
            if not (args.reference or args.background):
                _tell_of_background(site, args, state, since, out)
            _tell_if_stuck(site, shown, out)
    return 0


def _tell_of_background(
    site: Site, args: argparse.Namespace, state: State | None, since: float | None, out: Output
) -> None:
    found = site.ledger.background_count(
        states=[state] if state else (),
        dataset=args.dataset,
        method=args.method,
        since=None if since is None else time.time() - since,
    )
    if found:
        out.say(f"Left out: {count(found, 'task')} of systematic analysis; --background lists them, too.", "dim")


def _limit(text: str, problems: Problems) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    problems.add("usage", f"--limit {text!r} is not a number of tasks.", "--limit 100")
    return 1


def _state(text: str | None, problems: Problems) -> State | None:
    if text is None:
        return None
    try:
        return State(text)
    except ValueError:
        problems.add("usage", f"--state {text!r} is not a state.", f"There are: {', '.join(State)}.")
        return None


def _folded(site: Site, row: TaskRow, *, far: bool = False) -> TaskRow:
    """The row after a verdict that the ledger does not know yet; with `far` a store far away is asked, too."""
    if row.pool != LOCAL and not far:
        return row
    return site.ledger.get(row.id) or row if row.is_open and site.fold(row.id) is not None else row


def as_json(site: Site, row: TaskRow) -> dict[str, Any]:
    return {
        "task": row.id,
        "state": site.state_of(row).value,
        "batch": row.batch,
        "dataset": row.dataset,
        "method": row.method,
        "notebook": row.notebook,
        "label": row.label,
        "parameters": row.parameters,
        "attempts": Task(site, row.id).attempts,
        "pool": row.pool,
        "priority": row.priority.value,
        "submitted_at": iso(row.submitted_at),
        "finished_at": iso(row.finished_at),
        "seconds": row.seconds,
        "reason": row.reason.model_dump(exclude_none=True) if row.reason else None,
        "metrics": row.metrics,
        "retry_of": row.retry_of,
    }


def _table(site: Site, rows: Sequence[TaskRow], limit: int, out: Output) -> None:
    if not rows:
        out.say("No task was found. `codalab-nb demo` makes some; without filters, `codalab-nb status` lists all.")
        return
    told = notable(site, rows)
    lines = []
    for row in rows:
        what = f"{label(row)} {told[row.id]}".strip() if row.method else row.label
        why = row.reason.message.partition("\n")[0] if row.reason else summary.metrics(row.metrics, 3)
        lines.append([short(row.id), site.state_of(row), what, when(row.submitted_at), duration(row.seconds), why])
    out.table(("task", "state", "what", "submitted", "took", "result"), lines)
    if len(rows) == limit:
        out.say(f"The {count(limit, 'newest task')} {'is' if limit == 1 else 'are'} shown; --limit shows more.", "dim")


def _tell_if_stuck(site: Site, rows: Sequence[TaskRow], out: Output) -> None:
    holder = embedded.current(site.places) if any(row.is_open for row in rows) else None
    if holder is not None and holder.note:
        out.warn(f"No work is taken: {holder.note}. Put that right, then: codalab-nb stop, and any command.")


def _one(site: Site, task: Task, out: Output) -> None:
    row = _folded(site, task.row, far=True)
    result = site.result(task.id)
    broken = damage(task.store, result) if result else []
    watch = Watch(site, [task])
    events = watch.look()
    counted: dict[str, int] = {}
    for _, event in events:
        counted[str(event.get("type"))] = counted.get(str(event.get("type")), 0) + 1
    document = task.document
    if out.json:
        more = {
            "history": [{**step, "at": iso(step["at"])} for step in site.ledger.history(task.id)],
            "events": counted,
            "warnings": list(document.warnings),
            "damage": broken,
            "place_in_queue": watch.seen[0].place,
            "cell": watch.seen[0].cell,
            "cells": watch.seen[0].cells,
            "kernel": document.kernel,
            "sandbox": watch.seen[0].sandbox,
        }
        ended = summary.as_json(task) if result else {}
        out.object([{**ended, **as_json(site, row), **more}])
        return
    state = site.state_of(row)
    seen = watch.seen[0]
    where = f", {seen.where}" if state is State.RUNNING and seen.where else ""
    place = f": {seen.waits}" if seen.waits else f", number {seen.place} in line" if seen.place else ""
    out.data(f"{row.id}: {state}{where}{place}", STATE_STYLES[state])
    out.fields(
        [
            ("what", label(row)),
            ("parameters", "\n".join(f"{name} = {value!r}" for name, value in row.parameters.items())),
            ("submitted", moment(row.submitted_at)),
            ("finished", moment(row.finished_at)),
            ("took", duration(row.seconds)),
            ("attempts", f"{Task(site, row.id).attempts} of at most {row.max_attempts}"),
            ("kernel", document.kernel + python_of(document)),
            ("sandbox", seen.sandbox or ""),
            ("batch", row.batch or ""),
            ("retry of", row.retry_of or ""),
            ("history", "\n".join(_step(step) for step in site.ledger.history(task.id))),
            ("so far", ", ".join(count(counted[kind], *noun) for kind, noun in _SAID.items() if counted.get(kind))),
        ],
        talk=False,
    )
    for warning in document.warnings:
        out.warn(warning)
    for fault in broken:
        out.say(f"damaged: {fault}. Run it again: codalab-nb retry {short(row.id)}", "red")
    if result is not None:
        summary.tell(site, task, out)
    _tell_if_stuck(site, [row], out)


def _step(step: dict[str, Any]) -> str:
    detail = f": {_PLAIN.get(step['detail'], step['detail'])}" if step["detail"] else ""
    attempt = f" (attempt {step['n']})" if step["n"] else ""
    return f"{moment(step['at'])} {_PLAIN.get(step['step'], step['step'])}{attempt}{detail}"
