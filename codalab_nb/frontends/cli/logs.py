"""`codalab-nb logs`: what a task printed, on stdout, while it runs or later."""

from __future__ import annotations

import argparse
import json

from codalab_nb.frontends.cli import sandbox, summary
from codalab_nb.frontends.cli.exits import exit_code
from codalab_nb.frontends.cli.output import Output, StoppedWatching
from codalab_nb.frontends.cli.run_view import Lines, is_stream, say_it_goes_on
from codalab_nb.frontends.cli.watching import Watch, is_traceback, place, printed
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task


def logs(args: argparse.Namespace, out: Output) -> int:
    """With `-f` until the verdict, whose exit code it then has."""
    with Site.open() as site:
        site.serve_if_needed()
        task = site.task(args.task)
        try:
            trace_shown = _show(site, task, out, follow=args.follow)
        except KeyboardInterrupt:
            if args.follow and site.result(task.id) is None:
                say_it_goes_on([task.id], out)
            raise StoppedWatching from None
        result = site.result(task.id)
        if result is None:
            out.say(f"Task {task.state}; `logs -f` goes on until it has ended.", "dim")
            return 0
        if not out.json:
            summary.tell(site, task, out, trace_shown=trace_shown)
        return exit_code([result.verdict]) if args.follow else 0


def _show(site: Site, task: Task, out: Output, *, follow: bool) -> bool:
    """Whether the traceback of the last attempt was shown. With `--json` each event is one line, as written."""
    watch = Watch(site, [task])
    lines = Lines()
    attempt, said_cell, cell, trace_shown = 1, False, 0, False
    ended = site.result(task.id) is not None
    for events in watch.steps() if follow else [watch.look()]:
        for seen, event in events:
            if out.json:
                print(json.dumps(event), file=out.stdout, flush=True)
                continue
            kind = event.get("type")
            if kind in ("started", "cell_started", "cell_finished"):
                _put(lines.rest(), out)
            if kind == "started" and event["n"] > attempt:
                attempt = event["n"]
                out.say(
                    f"--- attempt {attempt}: the one before was given back ({seen.released or 'its worker vanished'})",
                    "yellow",
                )
            if kind == "started":
                sandbox.warn(out, event["body"].get("sandbox"), site.settings.sandbox, ended=ended)
            trace_shown = kind != "started" and (trace_shown or is_traceback(event))
            if kind == "cell_started" and type(event["body"].get("cell")) is int:
                cell, said_cell = event["body"]["cell"], False
            if (text := printed(event)) is not None:
                if not said_cell:
                    out.say(f"--- {place(cell, seen.cells)}", "dim")
                    said_cell = True
                _put(lines.add(text, whole=not is_stream(event)), out)
            if kind == "truncated":
                out.say("--- more was printed than is kept; see the notebook", "yellow")
    _put(lines.rest(), out)
    return trace_shown


def _put(text: str, out: Output) -> None:
    if text:
        out.data(text)
