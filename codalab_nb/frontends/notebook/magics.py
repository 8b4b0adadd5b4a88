"""`%codalab` and `%%codalab`: the command line's words and flags, with a value that lives in the notebook."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from codalab_nb.errors import CodalabError, InputError, Problems
from codalab_nb.frontends.cli import analyze, batch_view, build_parser, ending, run, run_view, summary
from codalab_nb.frontends.cli.exits import short
from codalab_nb.frontends.cli.output import Output, StoppedWatching
from codalab_nb.frontends.notebook import cell, session
from codalab_nb.frontends.notebook.showing import show_rich
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Batch, Task
from codalab_nb.systematic.view import Advice, Matrix

Value = Task | Batch | Advice | Matrix | None
_HELP = {"-h", "--help"}
_VARIABLE = re.compile(r"([A-Za-z_][\w.-]*=)?\$([A-Za-z_]\w*)")
# ` # …` at the end, outside of quotation marks, as Python's own comments.
_COMMENT = re.compile(r"(?<=\s)#[^'\"]*$")
_COLUMNS = 100  # of the output of a cell: what fits beside the panels of JupyterLab


@magics_class
class CodalabMagics(Magics):  # type: ignore[misc]
    @no_var_expand  # type: ignore[untyped-decorator]
    @line_cell_magic  # type: ignore[untyped-decorator]
    def codalab(self, line: str, source: str | None = None) -> Value:
        try:
            words = [_expanded(word, self.shell.user_ns) for word in _split(line)]
            if source is None:
                return on_line(words)
            on_cell(words, source, self.shell)
            return None
        except CodalabError as error:
            # What was wrong and what to do, in place of a traceback through our own code.
            told = _told(error)
            error._render_traceback_ = lambda: told  # type: ignore[attr-defined]
            raise
        except StoppedWatching:
            raise KeyboardInterrupt from None  # what waits for the value must not go on without it


CodalabMagics.codalab.__doc__ = (
    "Data sets, methods and notebooks on workers: the words are those of the command `codalab-nb`.\n\n"
    + build_parser().overview().replace("codalab-nb", "%codalab")
    + "\n\nThe first cell line `%%codalab` runs the whole cell on a worker:\n\n"
    + cell.command().format_help()
)


def _split(line: str) -> list[str]:
    try:
        return shlex.split(_COMMENT.sub("", line))
    except ValueError as error:
        raise InputError("usage", f"%codalab {line}: {error}.", "Close the quotation mark.") from None


def _expanded(word: str, namespace: Mapping[str, Any]) -> str:
    """`$name` and `key=$name` take the value of a plain variable of the notebook; anything else stays as typed."""
    found = _VARIABLE.fullmatch(word)
    value = namespace.get(found[2]) if found else None
    return f"{found[1] or ''}{value}" if found and type(value) in (str, int, float, bool) else word


def _told(error: CodalabError) -> list[str]:
    lines = []
    for problem in error.problems:
        lines.append(f"\x1b[31m{problem.message}\x1b[0m")
        if problem.fix:
            lines.append(f"  {problem.fix.replace('`codalab-nb ', '`%codalab ')}")
    return lines


def _out(words: Sequence[str]) -> Output:
    """In a notebook all words go to standard output: the other stream looks like an error there."""
    json = "--json" in words
    if getattr(session.shell(), "kernel", None) is None:
        return Output(sys.stdout, sys.stderr, json=json)
    return Output(sys.stdout, sys.stdout, json=json, live=False, page=_COLUMNS)


# --- %codalab


def on_line(words: list[str]) -> Value:
    """One command; its value where it has one that can be shown. Raises CodalabError."""
    grammar = build_parser()
    if words in (["analyze"], ["panel"]):
        _panel()
        return None
    args = grammar.parse(words)
    out = _out(words)
    path = grammar.find(words)[0].path if hasattr(args, "json") and not hasattr(args, "text") else ()
    act = _VALUED.get(path)
    if act is not None and not args.json:
        return act(args, out)
    args.handler(args, out)
    return None


def _panel() -> None:
    from codalab_nb.frontends.notebook.panel import panel

    panel()


def _run(args: argparse.Namespace, out: Output) -> Value:
    site = session.site()
    draft = run.drafted(site, args)
    if args.dry_run:
        run.show_bundle(draft, out)
        return None
    out.problems(draft.warnings, "warning", "yellow")
    task = site.submit([draft])[0]
    if session.interactive() or args.no_wait:
        if args.copy:
            # Where that is now: the notebook may change its folder before the task has ended.
            target = str(Path(args.copy).absolute())
            threading.Thread(target=_copy_when_ended, args=(task, target, out), daemon=True).start()
        return task
    trace_shown = run_view.follow(site, task, out)
    if args.copy:
        run.copy_notebook(task, Path(args.copy), out)
    summary.tell(site, task, out, trace_shown=trace_shown)
    return task


def _copy_when_ended(task: Task, target: str, out: Output) -> None:
    run.copy_notebook(task.wait(), Path(target), out)


def _analyze(args: argparse.Namespace, out: Output) -> Value:
    site = session.site()
    batch = analyze.submitted(site, args, out)
    for warning in dict.fromkeys(warning for task in batch for warning in task.document.warnings):
        out.warn(warning)
    if not session.interactive() and not args.no_wait:
        _follow(site, batch, out)
    return batch


def _follow(site: Site, batch: Batch, out: Output) -> None:
    batch_view.follow(site, batch, out)
    batch_view.tell(site, batch, out)


def _status(args: argparse.Namespace, out: Output) -> Value:
    if not args.reference or not session.interactive():
        args.handler(args, out)
        return None
    site = session.site()
    site.serve_if_needed()
    tasks = site.tasks(args.reference)
    return tasks[0] if len(tasks) == 1 else site.batch(tasks[0].row.batch or args.reference)


def _retry(args: argparse.Namespace, out: Output) -> Value:
    site, problems = session.site(), Problems()
    pairs = ending.retried(site, args, problems)
    if problems.found and pairs:
        out.say(f"Submitted again: {', '.join(short(new.id) for _, new in pairs)}")
    problems.raise_if_any()
    if not pairs:
        out.say("None of them failed: nothing to run again.")
        return None
    tasks = [new for _, new in pairs]
    value = tasks[0] if len(tasks) == 1 else Batch(site, tasks[0].row.batch or tasks[0].id, tasks)
    if session.interactive():
        return value
    if isinstance(value, Batch):
        _follow(site, value, out)
    else:
        summary.tell(site, value, out, trace_shown=run_view.follow(site, value, out))
    return value


def _recommend(args: argparse.Namespace, out: Output) -> Value:
    from codalab_nb.frontends.cli import recommend  # it brings scikit-learn along

    if session.has_page():
        return recommend.advised(session.site(), args, out)
    args.handler(args, out)
    return None


def _systematic_status(args: argparse.Namespace, out: Output) -> Value:
    """The table is the value; all else is told in words."""
    from codalab_nb.frontends.cli import systematic

    if args.matrix and not args.why and session.has_page():
        return systematic.table(session.site(), args)
    args.handler(args, out)
    return None


_VALUED: dict[tuple[str, ...], Callable[[argparse.Namespace, Output], Value]] = {
    ("run",): _run,
    ("analyze",): _analyze,
    ("status",): _status,
    ("retry",): _retry,
    ("recommend",): _recommend,
    ("systematic", "status"): _systematic_status,
}


# --- %%codalab


def on_cell(words: list[str], source: str, shell: Any) -> None:
    """Runs the cell on a worker, shows its outputs as they come, brings variables back.

    Raises InputError before anything is submitted, CellFailedError with the worker's traceback after.
    """
    command = cell.command()
    if _HELP & set(words):
        _out(words).data(command.format_help())
        return
    args = command.read(words)
    if args.rest:
        raise InputError("usage", f"%%codalab was given {args.rest[0]!r}.", "Variables are named with -i and -o.")
    site, out = session.site(), _out(words)
    with cell.temporary() as folder:
        draft = cell.drafted(site, args, source, shell.user_ns, Path(folder), cell.name_for(source))
        out.problems(draft.warnings, "warning", "yellow")
        task = Task(site, draft.document.task)
        try:
            site.submit([draft])
            _watch(site, task, out)
        except KeyboardInterrupt:
            _interrupted(site, task, out)
    shell.push(cell.returned(task, args))


def _interrupted(site: Site, task: Task, out: Output) -> None:
    """As an interrupt ends a cell that runs here. Who presses twice interrupts the cancelling too: once more then."""
    for _ in range(3):
        try:
            if site.ledger.get(task.id) is None:
                raise KeyboardInterrupt  # before it was accepted: there is nothing to cancel
            won = task.cancel()
            break
        except KeyboardInterrupt:
            if site.ledger.get(task.id) is None:
                raise
    else:
        out.say(f"Interrupted again and again: task {short(task.id)} goes on. %codalab cancel {short(task.id)}")
        raise KeyboardInterrupt
    out.say("Interrupted: the task was cancelled." if won else f"Interrupted, but the task had ended: {task.verdict}.")


def _watch(site: Site, task: Task, out: Output) -> None:
    if session.interactive():
        from codalab_nb.frontends.notebook.display import show

        view = show(task, as_cell=True)
        while not view.follower.ended.wait(0.5):
            pass  # in pieces, so that an interrupt is heard everywhere
        task.wait()
        return
    try:
        run_view.follow(site, task, out)
    except StoppedWatching:
        raise KeyboardInterrupt from None
    show_rich(task)
