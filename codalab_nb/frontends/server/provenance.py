"""What ran on what: for the page, for a paper, and to do it again."""

from __future__ import annotations

import datetime as dt
import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

from codalab_nb.errors import CodalabError, InputError
from codalab_nb.frontends.cli.watching import markdown_of
from codalab_nb.frontends.server import task_lines
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import operation
from codalab_nb.frontends.server.outgoing import plain
from codalab_nb.frontends.server.results import Bundle, bundle_of, outputs
from codalab_nb.frontends.server.wire import results
from codalab_nb.model.base import JsonObject
from codalab_nb.model.bundle import RESERVED_FOLDER
from codalab_nb.model.method import DATASET_PARAMETER
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import Claim, TaskDocument
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.tasks import Task
from codalab_nb.stores.ports import NotFound

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.*?)[ \t]*#*$")
_PARAGRAPH = "methods paragraph"  # the heading below which a notebook says what was done, for a paper
_LONGEST = 20_000
_LARGEST_FACTS = 8 << 20  # bytes of the environment


@operation("provenance", slow=True)
def provenance(context: Context, task: str) -> results.Provenance:
    site = context.site
    row = task_lines.row_of(site, task)
    one = Task(site, task)
    try:
        document = one.document
    except (NotFound, ValueError):
        raise InputError("task_damaged", "What was submitted is not stored any more.", "Remove the task.") from None
    try:
        bundle: Bundle | None = bundle_of(context, task)
    except InputError:
        bundle = None
    template = site.catalog.templates().get(document.method or "")
    environment = _environment(bundle) if bundle else {}
    return results.Provenance(
        task=task,
        dataset=document.dataset,
        method=document.method,
        notebook=document.notebook.path,
        notebook_sha256=document.notebook.sha256,
        parameters=plain(document.parameters),
        inputs=tuple(results.Input(path=ref.path, size=ref.size, sha256=ref.sha256) for ref in document.inputs),
        environment=plain(environment),
        submitted_at=document.created_at,
        finished_at=None if row.finished_at is None else dt.datetime.fromtimestamp(row.finished_at, dt.UTC),
        worker=_worker(one, row),
        sandbox=sandbox if isinstance(sandbox := environment.get("sandbox"), str) else None,
        methods_paragraph=plain(_paragraph(bundle)) if bundle else None,
        references=template.method.references if template else (),
        commands=tuple(_commands(document)),
    )


def methods_paragraph(notebook: JsonObject) -> str | None:
    """What stands below the heading `Methods paragraph` in the Markdown that a notebook shows; the last one counts."""
    found: list[str] = []
    for output in outputs(notebook):
        found += _below(markdown_of(output) or "")
    return found[-1][:_LONGEST] if found else None


def _below(markdown: str) -> Iterator[str]:
    lines: list[str] | None = None
    for line in [*markdown.splitlines(), "# end"]:
        heading = _HEADING.match(line)
        if heading is None:
            if lines is not None:
                lines.append(line)
            continue
        if lines is not None and (text := "\n".join(lines).strip()):
            yield text
        lines = [] if heading[1].casefold() == _PARAGRAPH else None


def _paragraph(bundle: Bundle) -> str | None:
    try:
        return methods_paragraph(bundle.notebook())
    except InputError:
        return None


def _environment(bundle: Bundle) -> dict[str, Any]:
    try:
        ref, path = bundle.file(f"{RESERVED_FOLDER}/environment.json")
        read = json.loads(path.read_bytes()) if ref.size <= _LARGEST_FACTS else {}
    except (CodalabError, OSError, ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _worker(task: Task, row: TaskRow) -> str | None:
    try:
        claim = Claim.model_validate_json(task.store.read(TaskNames(task.id).claim(row.n)))
    except (CodalabError, ValueError):
        return None
    return claim.worker


def _commands(document: TaskDocument) -> Iterator[str]:
    """What one would type to do it again."""
    own = {} if document.method is None else {DATASET_PARAMETER}
    values = {name: value for name, value in document.parameters.items() if name not in own}
    words = [word for name, value in values.items() for word in ("-p", f"{name}={_spelled(value)}")]
    if document.method and document.dataset:
        yield shlex.join(["codalab-nb", "analyze", document.dataset, "-m", document.method, *words])
    elif document.source:
        yield shlex.join(["codalab-nb", "run", document.source, *words])
    yield shlex.join(["codalab-nb", "results", document.task[-8:], "--to", "results"])


def _spelled(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, list | dict) else str(value)
