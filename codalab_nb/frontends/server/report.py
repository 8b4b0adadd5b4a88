"""report.html: the executed notebook as one page that stands alone, made by a task of its own, in the sandbox.

What a strange notebook left is taken apart and drawn anew by our own code, but not in this process: it is large, it
may be built to break whoever reads it, and the sandbox is there for that. The task is one of the project's own: its id
follows from the result's, so that two clicks ask for one report, and lists leave it out.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import uuid
from pathlib import PurePosixPath

from codalab_nb.errors import InputError
from codalab_nb.frontends.cli.results import details, facts
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import Download, operation
from codalab_nb.frontends.server.outgoing import plain
from codalab_nb.frontends.server.results import Bundle, bundle_of
from codalab_nb.frontends.server.wire import results
from codalab_nb.model.task import SERVICE, State
from codalab_nb.site.requests import Options
from codalab_nb.site.service_notebooks import service_notebooks
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task

FILE = "report.html"
METHOD = f"{SERVICE}report"
_WAIT_S = 15.0  # with a warm kernel it takes one or two
_TIMEOUT_S = 600.0
_TRIES = 50
_waiting = threading.Lock()
_LONGEST_FACT, _MOST_FACTS = 500, 80


@operation("report", slow=True)
def make_report(context: Context, task: str) -> results.Report:
    """Ready where it was made before; else a worker is asked, and waited for a while. One that failed is made anew."""
    bundle = bundle_of(context, task)
    site = context.site
    maker = _newest(site, task)
    if maker is None or (not maker.row.is_open and not _is_done(site, maker)):
        maker = _submit(site, bundle, _free(site, task))
    # One thread at most waits: whoever opens another result needs the others. The page asks again.
    if _waiting.acquire(blocking=False):
        try:
            with contextlib.suppress(TimeoutError):
                maker.wait(_WAIT_S)
        finally:
            _waiting.release()
    done = _is_done(site, maker)
    if not done and maker.state not in (State.QUEUED, State.RUNNING):
        why = maker.reason.message if maker.reason else str(maker.verdict)
        told = f"The report could not be made: {why}"
        raise InputError("report_failed", told, "Try again; “open a copy as a notebook” works without it.")
    return results.Report(ready=done, task=maker.id, path=f"tasks/{task}/{FILE}" if done else None)


@operation("getReport", slow=True)
def get_report(context: Context, task: str) -> Download:
    bundle = bundle_of(context, task)
    maker = _newest(context.site, task)
    if maker is None:
        raise InputError("report_unknown", "There is no report of this result yet.", "Ask for it first.")
    if not _is_done(context.site, maker):
        raise InputError("report_open", "The report is not finished.", "Wait for it, or ask for it again.")
    _, path = bundle_of(context, maker.id).file(FILE)
    return Download(path, f"{PurePosixPath(bundle.row.notebook).stem}-{task[-8:]}-{FILE}", "text/html")


def _submit(site: Site, bundle: Bundle, maker: str) -> Task:
    more = details(told := facts(bundle.task))
    draft = site.draft(
        service_notebooks() / "report.ipynb",
        parameters={
            "title": plain(bundle.row.label)[:_LONGEST_FACT],
            "facts": _short([fact for fact in told if fact not in more]),
            "more": _short(more),
        },
        inputs={"notebook": f"{bundle.task.id}:{bundle.manifest.notebook}"},
        options=Options(timeout_s=_TIMEOUT_S),
        task=maker,
    )
    label = f"Report of {bundle.row.label}"
    document = draft.document.model_copy(update={"method": METHOD, "label": label, "source": None, "warnings": ()})
    return site.submit([dataclasses.replace(draft, document=document)])[0]


def _short(told: list[tuple[str, str]]) -> list[list[str]]:
    return [[plain(name)[:_LONGEST_FACT], plain(value)[:_LONGEST_FACT]] for name, value in told[:_MOST_FACTS]]


def _ids(task: str) -> list[str]:
    """Of the tasks that make, or made, the report of `task`: one for each try."""
    return [str(uuid.uuid5(uuid.UUID(task), f"{METHOD} {number}")) for number in range(1, _TRIES + 1)]


def _newest(site: Site, task: str) -> Task | None:
    found = None
    for one in _ids(task):
        if site.ledger.get(one) is None:
            break
        found = Task(site, one)
    return found


def _free(site: Site, task: str) -> str:
    free = next((one for one in _ids(task) if site.ledger.get(one) is None), None)
    if free is None:
        raise InputError("report_failed", f"The report could not be made in {_TRIES} tries.", "Look at the notebook.")
    return free


def _is_done(site: Site, maker: Task) -> bool:
    return site.fold(maker.id) is not None and maker.row.state is State.SUCCEEDED and FILE in maker.files
