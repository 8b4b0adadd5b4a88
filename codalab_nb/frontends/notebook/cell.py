"""`%%codalab`: one cell on a worker, with variables in and out."""

from __future__ import annotations

import difflib
import json
import keyword
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codalab_nb import variables
from codalab_nb.errors import InputError, Problems
from codalab_nb.frontends.cli import asking
from codalab_nb.frontends.cli.exits import short
from codalab_nb.frontends.cli.grammar import Command
from codalab_nb.frontends.cli.text import harmless
from codalab_nb.frontends.notebook.scene import PART, RETURNED
from codalab_nb.model.base import JsonObject
from codalab_nb.model.task import Verdict
from codalab_nb.site.requests import Draft
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task

PARAMETER = "codalab_variables"
_RESERVED = ("codalab_nb", PARAMETER)
_LONGEST_ERROR, _LONGEST_TRACE = 2_000, 40_000  # characters that a notebook file should carry
# Colours and weights; what hides text (8) or makes it blink (5, 6) is none of them.
_COLOUR = re.compile(r"(\x1b\[(?:(?:[0-4]|2[1-9]|[349][0-7]|[34]9|[34]8;5;\d{1,3})(?:;(?=\d))?){0,6}m)")


class CellFailedError(Exception):
    """The cell did not succeed on the worker. Shown as the traceback that its own kernel made there."""

    def __init__(self, message: str, traceback: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.traceback = list(traceback)

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback through our own code."""
        return self.traceback or [f"CellFailedError: {self}"]


def command() -> Command:
    """The flags of `%%codalab`, spelled as those of `run` where they mean the same."""
    cell = Command(
        ("%%codalab",),
        "run this cell on a worker",
        "run:run",
        "JSON values, numpy arrays and pandas DataFrames can travel. Interrupt the kernel to cancel the task.",
        prog="%%codalab",
    )
    cell.add_argument("rest", nargs="*")
    cell.add_argument("-h", "--help", action="store_true", help="show this help")
    cell.add_argument("-i", dest="sent", action="append", default=[], metavar="NAME", help="a variable to send along")
    cell.add_argument("-o", dest="wanted", action="append", default=[], metavar="NAME", help="a variable to get back")
    cell.add_argument("-k", dest="kernel", metavar="KERNEL", help="default: python3, with this kernel's interpreter")
    cell.add_argument("--include", action="append", default=[], metavar="GLOB", help="files to send, as 'data/*.csv'")
    cell.add_argument("--timeout", metavar="DURATION", help="time limit: 90s, 15m, 2h")
    cell.add_argument("--memory", metavar="SIZE", help="memory limit: 500M, 8G")
    cell.add_argument("--network", action="store_true", help="let the cell use the network")
    cell.add_argument("--pass-env", action="append", default=[], metavar="NAME", help="pass this variable of yours")
    cell.add_argument("--pool", metavar="P", default="local", help="who runs it: `%%codalab pool list`; default: local")
    return cell


def drafted(site: Site, args: Any, source: str, namespace: dict[str, Any], folder: Path, name: str) -> Draft:
    """The task of one cell. `folder` takes the variables on their way. Raises InputError with every slip at once."""
    problems = Problems()
    try:
        here = Path.cwd()
    except FileNotFoundError:
        raise InputError("no_folder", "The folder of this notebook is gone.", "Change to another: %cd ~") from None
    sent, wanted = _names("-i", args.sent, problems), _names("-o", args.wanted, problems)
    options = asking.options(args, problems)
    values = {}
    for variable in sent:
        if variable in namespace:
            values[variable] = namespace[variable]
        else:
            near = difflib.get_close_matches(variable, namespace, n=1)
            fix = f"Did you mean {near[0]}?" if near else "Set it first; `%whos` lists what there is."
            problems.add("variable_unknown", f"-i {variable}: there is no such variable here.", fix)
    if values:
        try:
            variables.write(folder / "sent", values)
        except variables.NotPortableError as error:
            for sentence in error.problems:
                problems.add("variable_type", sentence)
        except OSError as error:
            problems.add(
                "disk_full", f"The variables cannot be written: {error.strerror}.", "Make room, or set TMPDIR."
            )
    draft = None
    try:
        draft = site.draft(
            here / name,
            content=json.dumps(notebook(source, list(values), wanted)).encode(errors="surrogatepass"),
            inputs={PARAMETER: folder / "sent"} if values and not problems.found else {},
            kernel=args.kernel,
            include=args.include,
            options=options,
        )
    except InputError as error:
        problems.take(error)
    problems.raise_if_any()
    assert draft is not None
    return draft


def _names(flag: str, texts: Sequence[str], problems: Problems) -> list[str]:
    """`-i a -i b` and `-i a,b` are the same."""
    names = list(dict.fromkeys(name.strip() for text in texts for name in text.split(",") if name.strip()))
    for name in names:
        if not variables.NAME.fullmatch(name) or keyword.iskeyword(name) or name in _RESERVED:
            told = f"{flag} {name!r} is not the name of a variable that can travel."
            problems.add("usage", told, "Plain letters, digits and _, at most 64; no word of Python's own.")
    return [name for name in names if variables.NAME.fullmatch(name)]


def notebook(source: str, sent: Sequence[str], wanted: Sequence[str]) -> JsonObject:
    """The cell as a notebook of its own, between what fetches variables and what hands them over.

    The person's cell stays one cell, so that line numbers in tracebacks are those of the cell.
    """
    cells = [_cell("cell", source)]
    if sent or wanted:
        # Where variables go is settled before the person's cell, which may change folders and names as it likes.
        prepare = "import codalab_nb.variables\n"
        if sent:
            prepare += f"globals().update(codalab_nb.variables.read({PARAMETER}))\ndel {PARAMETER}\n"
        prepare += f"codalab_nb.variables.prepare({RETURNED!r})\ndel codalab_nb"
        cells.insert(0, _cell("in", prepare))
    if sent:
        cells.insert(0, _cell("declared", f'{PARAMETER} = ""', "parameters"))
    if wanted:
        cells.append(_cell("out", f"__import__('codalab_nb.variables').variables.hand_over({list(wanted)!r})"))
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _cell(part: str, source: str, *tags: str) -> JsonObject:
    return {
        "cell_type": "code",
        "id": f"codalab-{part}",
        "execution_count": None,
        "metadata": {PART: part, "tags": list(tags)},
        "outputs": [],
        "source": source,
    }


def returned(task: Task, args: Any) -> dict[str, Any]:
    """The variables that came back. Raises CellFailedError when the cell did not succeed."""
    if task.verdict is not Verdict.SUCCEEDED:
        raise failure(task)
    names = _names("-o", args.wanted, Problems())
    if not names:
        return {}
    assert task.folder is not None
    try:
        return variables.read(task.folder / RETURNED, names)
    except (OSError, ValueError, variables.NotPortableError) as error:
        stopped = task.result.stopped_at is not None
        why = "the cell ended itself before they were handed over" if stopped else str(error)
        raise CellFailedError(f"{', '.join(names)} did not come back from task {short(task.id)}: {why}") from None


def failure(task: Task) -> CellFailedError:
    """The traceback of the worker's kernel, or why there is none."""
    reason = task.reason
    told = reason.message.partition("\n")[0] if reason else f"the task was {task.verdict}"
    if reason and reason.fix:
        told = f"{told} {reason.fix}"
    said: Any = None
    for event in task.events():
        body = event.get("body")
        output = body.get("output") if event.get("type") == "output" and isinstance(body, dict) else None
        if isinstance(output, dict) and output.get("output_type") == "error":
            said = output
        elif event.get("type") == "started":
            said = None
    if said is None:
        return CellFailedError(f"{told} (task {short(task.id)})")
    evalue = _cut(str(said.get("evalue")), _LONGEST_ERROR)
    if said.get("ename") == variables.NotPortableError.__name__:  # in words, and in no line of the person's
        return CellFailedError(harmless(evalue))
    trace = "\n".join(line for line in said.get("traceback", ()) if isinstance(line, str))
    head = f"On the worker, in task {short(task.id)}:"
    lines = _coloured(_cut(trace, _LONGEST_TRACE)).split("\n")
    return CellFailedError(harmless(f"{said.get('ename')}: {evalue}"), [head, *lines])


def _cut(words: str, most: int) -> str:
    """The first and the last of a long text."""
    if len(words) <= most:
        return words
    told = f"… {len(words) - most:,} characters are in the executed notebook …"
    return f"{words[: most // 2]}\n{told}\n{words[-most // 2 :]}"


def _coloured(text: str) -> str:
    """Colours stay, any other control sequence is spelled out."""
    parts = _COLOUR.split(text)
    return "".join(part if i % 2 else harmless(part) for i, part in enumerate(parts))


def name_for(source: str) -> str:
    """A file name that tells cells apart in lists of tasks, from the first line of code."""
    lines = (line.strip() for line in source.splitlines())
    first = next((line for line in lines if line and not line.startswith(("#", "%"))), "")
    words = re.sub(r"[^A-Za-z0-9]+", "-", first).strip("-")[:32].rstrip("-")
    return f"cell-{words}.ipynb" if words else "cell.ipynb"


def temporary() -> tempfile.TemporaryDirectory[str]:
    """Where variables wait until they are stored; gone when the submit is done."""
    return tempfile.TemporaryDirectory(prefix="codalab-nb-")
