"""`codalab-nb results`: show results, or copy them out: a fresh folder for each task, whole or not at all."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from codalab_nb import workbook
from codalab_nb.errors import InputError, Problems, UnavailableError
from codalab_nb.frontends.cli import summary
from codalab_nb.frontends.cli.exits import all_tasks, label, short
from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.page import page
from codalab_nb.frontends.cli.text import duration, moment, number
from codalab_nb.model.bundle import RESERVED_FOLDER, FileRef, Manifest
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task

_CHUNK = 1 << 20
_TABLES = (".csv", ".tsv")


def results(args: argparse.Namespace, out: Output) -> int:
    problems = Problems()
    if args.format is not None and args.format not in FORMATS:
        problems.add("usage", f"--format {args.format!r} is not a format.", f"There are: {', '.join(FORMATS)}.")
    if args.format is not None and args.to is None:
        problems.add("usage", "--format needs a folder to write to.", "Add --to DIR.")
    if args.to is not None and Path(args.to).exists() and not Path(args.to).is_dir():
        problems.add("output_path", f"--to {args.to} is a file.", "Name a folder.")
    with Site.open() as site:
        site.serve_if_needed()
        tasks = all_tasks(site, args.references, problems)
        if args.to is None or problems.found:
            problems.raise_if_any()
            return _show(site, tasks, out)
        told = []
        for task in tasks:
            try:
                folder = write_out(site, task, Path(args.to), args.format or "all", out)
            except InputError as error:
                problems.take(error)
                continue
            told.append({**summary.as_json(task), "to": str(folder)})
            out.id(str(folder))
        if out.json and not problems.found:
            out.object(told)
    problems.raise_if_any()
    return 0


def _show(site: Site, tasks: list[Task], out: Output) -> int:
    ended = [task for task in tasks if site.fold(task.id) is not None]
    if out.json:
        out.object([summary.as_json(task) if task in ended else summary.open_json(task) for task in tasks])
        return 0
    for task in tasks:
        if task not in ended:
            out.say(f"Task {short(task.id)} ({label(task.row)}) has not ended: {task.state}.")
            continue
        if task.folder is not None:
            out.id(str(task.folder))
        summary.tell(site, task, out)
    return 0


# --- writing


def write_out(site: Site, task: Task, to: Path, format_: str, out: Output) -> Path:
    """Raises InputError when there is nothing to write or the bundle is damaged; then nothing of it is left in `to`."""
    if site.fold(task.id) is None:
        raise InputError("task_open", f"Task {short(task.id)} ({label(task.row)}) has not ended.", "Wait for it.")
    manifest, folder = task.manifest, task.folder
    if manifest is None or folder is None:
        why = "its bundle is damaged" if task.result.manifest_sha256 else "it left no files"
        message = f"Task {short(task.id)} ({label(task.row)}) ended {task.verdict}, and {why}."
        raise InputError("no_result", message, f"Run it again: codalab-nb retry {short(task.id)}")
    made = _make_folder(to)
    temporary = to / f".codalab-{uuid.uuid4().hex}"
    try:
        temporary.mkdir()
        FORMATS[format_](_Bundle(task, manifest, folder, out), temporary)
        return _appear(temporary, to, _name(task.row))
    except OSError as error:
        raise UnavailableError(
            "output_path", f"{to} cannot be written: {error.strerror}.", "Free some space, or name another folder."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        for parent in made:
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()


def _make_folder(to: Path) -> list[Path]:
    """Makes `to`; the folders that were made, the innermost first."""
    missing = [folder for folder in (to, *to.parents) if not folder.exists()]
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            "output_path", f"The folder {to} cannot be made: {error.strerror}.", "Name another."
        ) from error
    return missing


def _appear(temporary: Path, to: Path, name: str) -> Path:
    """Gives the finished folder the first free name; rename refuses one that is taken by a folder with files."""
    for counter in range(1, 10_000):
        target = to / (name if counter == 1 else f"{name}-{counter}")
        if not os.path.lexists(target):
            return temporary.rename(target)
    raise InputError("file_exists", f"{to} has too many copies of {name}.", "Name another folder.")


def _name(row: TaskRow) -> str:
    """`golub-1-pca-overview-1a2b3c4d`: letters that every file system takes."""
    told = f"{row.dataset}-{row.method}" if row.method else row.notebook.removesuffix(".ipynb")
    return f"{re.sub(r'[^A-Za-z0-9._]+', '-', told).strip('-._')[:80] or 'task'}-{short(row.id)}"


class _Bundle:
    """A result bundle on its way out. Every file is checked against its digest while it is copied."""

    def __init__(self, task: Task, manifest: Manifest, folder: Path, out: Output) -> None:
        self.task = task
        self.manifest = manifest
        self.out = out
        self._folder = folder
        own = [ref for ref in manifest.files if not ref.path.startswith(f"{RESERVED_FOLDER}/")]
        self.own = [ref for ref in own if ref.path != manifest.notebook]
        self.notebook_ref = next(ref for ref in manifest.files if ref.path == manifest.notebook)

    def copy(self, ref: FileRef, to: Path) -> None:
        target = to / ref.path
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        try:
            reader = (self._folder / ref.path).open("rb")
        except FileNotFoundError as error:
            raise self._damaged(ref, "is missing") from error
        with reader, target.open("xb") as writer:
            while chunk := reader.read(_CHUNK):
                digest.update(chunk)
                writer.write(chunk)
        if digest.hexdigest() != ref.sha256:
            raise self._damaged(ref, "was changed")

    def _damaged(self, ref: FileRef, what: str) -> InputError:
        name = short(self.task.id)
        return InputError(
            "result_damaged", f"{ref.path} of task {name} {what}.", f"Run it again: codalab-nb retry {name}"
        )

    def notebook(self, to: Path) -> dict[str, Any]:
        """The executed notebook, checked by copying it to `to`."""
        self.copy(self.notebook_ref, to)
        read: dict[str, Any] = json.loads((to / self.notebook_ref.path).read_bytes())
        return read


def facts(task: Task) -> list[tuple[str, str]]:
    """What ran on what, and how it ended, in words."""
    row, result = task.row, task.result
    return [
        ("task", task.id),
        ("data set", row.dataset or ""),
        ("method", row.method or ""),
        ("notebook", row.notebook),
        *((f"parameter {name}", str(value)) for name, value in row.parameters.items()),
        (
            "verdict",
            f"{result.verdict}" + (f": {result.reason.message.partition(chr(10))[0]}" if result.reason else ""),
        ),
        ("submitted", moment(row.submitted_at)),
        ("took", duration(result.seconds)),
        *((f"metric {name}", number(value)) for name, value in task.metrics.items()),
    ]


def details(told: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of the facts that are folded away."""
    return [fact for fact in told if fact[0].startswith(("task", "submitted", "notebook", "parameter "))]


def _notebook(bundle: _Bundle, to: Path) -> None:
    bundle.copy(bundle.notebook_ref, to)


def _html(bundle: _Bundle, to: Path) -> None:
    with_notebook = (to / bundle.notebook_ref.path).exists()
    scratch = to if with_notebook else to / f".{uuid.uuid4().hex}"
    notebook = json.loads((to / bundle.notebook_ref.path).read_bytes()) if with_notebook else bundle.notebook(scratch)
    if not with_notebook:
        shutil.rmtree(scratch)
    told = facts(bundle.task)
    more = details(told)
    text = page(notebook, bundle.task.row.label, [fact for fact in told if fact not in more], more)
    _free(to, "result", ".html").write_text(text, encoding="utf-8")


def _csv(bundle: _Bundle, to: Path) -> None:
    for ref in bundle.own:
        bundle.copy(ref, to)


def _xlsx(bundle: _Bundle, to: Path) -> None:
    """The tables as sheets, after one that says what they are."""
    scratch = to / f".{uuid.uuid4().hex}"
    sheets = [workbook.Sheet("about", ("what", "value"), facts(bundle.task))]
    for ref in bundle.own:
        if ref.path.endswith(_TABLES):
            bundle.copy(ref, scratch)
            try:
                sheets.append(workbook.read_table(scratch / ref.path, Path(ref.path).name))
            except ValueError as error:
                bundle.out.warn(f"{ref.path} is not in the workbook: {error}.")
    shutil.rmtree(scratch, ignore_errors=True)
    workbook.write(_free(to, "tables", ".xlsx"), sheets)


def _all(bundle: _Bundle, to: Path) -> None:
    for ref in bundle.manifest.files:
        bundle.copy(ref, to)
    _html(bundle, to)
    if any(ref.path.endswith(_TABLES) for ref in bundle.own):
        _xlsx(bundle, to)


def _free(to: Path, stem: str, ending: str) -> Path:
    """A name that no file of the task has."""
    name = to / f"{stem}{ending}"
    return name if not name.exists() else to / f"{stem}-{uuid.uuid4().hex[:8]}{ending}"


FORMATS: dict[str, Callable[[_Bundle, Path], None]] = {
    "notebook": _notebook,
    "html": _html,
    "xlsx": _xlsx,
    "csv": _csv,
    "all": _all,
}
