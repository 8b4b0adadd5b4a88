"""`cancel`, `retry`, `rm`: several at once; what cannot be done is told, what can is done."""

from __future__ import annotations

import argparse

from codalab_nb.errors import InputError, Problems
from codalab_nb.frontends.cli.exits import all_tasks, label, short
from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.text import count, size
from codalab_nb.model.task import Verdict
from codalab_nb.site.cleanup import remove_tasks
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task

_FAILED = (Verdict.FAILED, Verdict.EXPIRED, Verdict.LOST)


def cancel(args: argparse.Namespace, out: Output) -> int:
    """A task that had ended before is told, and is no error: it is not running, as asked."""
    problems = Problems()
    with Site.open() as site:
        told = []
        for task in all_tasks(site, args.references, problems):
            won = task.cancel()
            told.append({"task": task.id, "cancelled": won, "state": task.state.value})
            if won:
                out.id(task.id)
            elif not out.json:
                out.say(f"Task {short(task.id)} ({label(task.row)}) had ended already: {task.state}.")
    if out.json and not problems.found:
        out.object(told)
    problems.raise_if_any()
    return 0


def retry(args: argparse.Namespace, out: Output) -> int:
    problems = Problems()
    with Site.open() as site:
        pairs = retried(site, args, problems)
        for old, task in pairs:
            out.id(task.id)
            if not out.json:
                out.say(f"  {short(task.id)} runs {label(task.row)} again (was {short(old.id)})", "dim")
        if not pairs and not problems.found:
            out.say("None of them failed: nothing to run again.")
        elif pairs:
            out.say(f"Submitted {count(len(pairs), 'task')}. Follow: codalab-nb status", "dim")
        if out.json and not problems.found:
            out.object([{"task": task.id, "retry_of": old.id, "batch": task.row.batch} for old, task in pairs])
    problems.raise_if_any()
    return 0


def retried(site: Site, args: argparse.Namespace, problems: Problems) -> list[tuple[Task, Task]]:
    """Submits again what the arguments name; (old, new) in their order. What cannot be is a problem, not an error."""
    chosen = []
    for task in all_tasks(site, args.references, problems):
        result = site.fold(task.id)
        if result is None:
            if not args.failed:
                problems.add(
                    "task_open",
                    f"Task {short(task.id)} ({label(task.row)}) is {task.state}.",
                    "Wait, or cancel it first.",
                )
        elif not args.failed or result.verdict in _FAILED:
            chosen.append(task)
    try:
        return list(zip(chosen, site.retry(chosen), strict=True))
    except InputError as error:
        problems.take(error)
        return []


def rm(args: argparse.Namespace, out: Output) -> int:
    problems = Problems()
    with Site.open() as site:
        ended = []
        for task in all_tasks(site, args.references, problems):
            if task.row.is_open and site.fold(task.id) is None:
                problems.add(
                    "task_open",
                    f"Task {short(task.id)} ({label(task.row)}) has not ended.",
                    f"Cancel it first: codalab-nb cancel {short(task.id)}",
                )
            else:
                ended.append(task.id)
        freed = remove_tasks(site, ended)
        for task_id in ended:
            out.id(task_id)
        if ended:
            out.say(f"Removed {count(len(ended), 'task')}, {size(freed)}.", "dim")
        if out.json and not problems.found:
            out.object({"removed": ended, "bytes": freed})
    problems.raise_if_any()
    return 0
