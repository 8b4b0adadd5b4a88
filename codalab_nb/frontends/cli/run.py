"""`codalab-nb run`: any notebook, once."""

from __future__ import annotations

import argparse
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

from codalab_nb.errors import InputError, Problems
from codalab_nb.frontends.cli import asking, summary
from codalab_nb.frontends.cli.exits import exit_code, short
from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.run_view import follow
from codalab_nb.frontends.cli.text import count, duration, size
from codalab_nb.model.task import TaskDocument
from codalab_nb.site.requests import Draft
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task


def run(args: argparse.Namespace, out: Output) -> int:
    with Site.open() as site:
        draft = drafted(site, args)
        if args.dry_run:
            show_bundle(draft, out)
            return 0
        out.problems(draft.warnings, "warning", "yellow")
        task = site.submit([draft])[0]
        out.id(task.id)
        if args.no_wait:
            if out.json:
                out.object(summary.open_json(task))
            out.say(f"Submitted. Follow it: codalab-nb logs -f {short(task.id)}", "dim")
            return 0
        trace_shown = follow(site, task, out)
        if args.copy:
            copy_notebook(task, Path(args.copy), out)
        if out.json:
            out.object(summary.as_json(task))
        else:
            summary.tell(site, task, out, trace_shown=trace_shown)
        return exit_code([task.verdict])


def drafted(site: Site, args: argparse.Namespace) -> Draft:
    """What the arguments of `run` ask for. Raises InputError with every slip and everything the site refuses."""
    problems = Problems()
    parameters = asking.parameters(args, problems)
    inputs = asking.pairs("-i", args.inputs, problems, what="PARAM=PATH, PARAM=DATASET or PARAM=TASK[:FILE]")
    options = asking.options(args, problems)
    _check_copy(args, problems)
    draft = None
    try:
        draft = site.draft(
            args.notebook,
            parameters=parameters,
            inputs=inputs,
            kernel=args.kernel,
            include=args.include,
            options=options,
        )
    except InputError as error:
        problems.take(error)
    problems.raise_if_any()
    assert draft is not None
    return draft


def _check_copy(args: argparse.Namespace, problems: Problems) -> None:
    if not args.copy:
        return
    target = Path(args.copy)
    if args.no_wait:
        problems.add(
            "usage", "-o needs the executed notebook, and --no-wait does not wait for it.", "Leave one of them out."
        )
    elif target.is_dir():
        problems.add(
            "output_path", f"-o {target} is a folder.", f"Name a file in it: -o {target / Path(args.notebook).name}"
        )
    elif not target.parent.is_dir():
        problems.add("output_path", f"-o {target}: there is no folder {target.parent}.", "Make it first.")
    elif not os.access(target.parent, os.W_OK):
        problems.add("output_path", f"-o {target}: the folder {target.parent} cannot be written.", "Name another.")
    elif target.exists() and Path(args.notebook).exists() and target.samefile(args.notebook):
        problems.add(
            "output_path", f"-o {target} is the notebook itself.", "Name another file: it would be overwritten."
        )


def copy_notebook(task: Task, target: Path, out: Output) -> None:
    """As papermill does, an older copy is replaced; the new one appears whole."""
    if task.notebook is None:
        out.warn(f"There is no executed notebook to write to {target}.")
        return
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        shutil.copyfile(task.notebook, temporary)
        temporary.replace(target)
    except OSError as error:
        out.warn(f"{target} cannot be written: {error.strerror}. The notebook is {task.notebook}.")
    finally:
        temporary.unlink(missing_ok=True)


def show_bundle(draft: Draft, out: Output) -> None:
    document = draft.document
    if out.json:
        out.object(_bundle_json(draft))
        return
    out.data(f"{document.label}: nothing was stored, this is what would be sent", "bold")
    rows = [[ref.path, size(ref.size)] for ref in (document.notebook, *document.inputs)]
    out.table(("file", "size"), rows)
    limits = document.limits
    out.fields(
        [
            (
                "in all",
                f"{count(len(rows), 'file')}, {size(sum(ref.size for ref in (document.notebook, *document.inputs)))}",
            ),
            ("parameters", "\n".join(f"{name} = {value!r}" for name, value in document.parameters.items())),
            (
                "kernel",
                document.kernel + python_of(document),
            ),
            (
                "limits",
                f"{duration(limits.timeout_s)}, {size(limits.memory_bytes)} of memory, {limits.processes} processes",
            ),
            ("network", "allowed" if document.network else "none"),
            ("variables", ", ".join(document.environment)),
        ],
        talk=False,
    )
    out.problems(draft.warnings, "warning", "yellow")


def python_of(document: TaskDocument) -> str:
    """What the kernel python3 means for a task, in brackets; empty for other kernels."""
    if document.kernel != "python3":
        return ""
    return f" ({document.interpreter or 'of the worker'})"


def _bundle_json(draft: Draft) -> dict[str, Any]:
    document = draft.document
    return {
        "notebook": document.notebook.model_dump(),
        "files": [ref.model_dump() for ref in document.inputs],
        "parameters": document.parameters,
        "kernel": document.kernel,
        "limits": document.limits.model_dump(),
        "network": document.network,
        "environment": sorted(document.environment),
        "warnings": [warning.__dict__ for warning in draft.warnings],
    }
