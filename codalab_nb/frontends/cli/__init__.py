"""The command `codalab-nb`: parse, call the site, show its answer.

grammar.py     commands, flags, typing slips         output.py, text.py   where words go, made harmless
commands.py    the list of them all                  watching.py          what a running task has reached
one file per family of commands                      run_view.py, batch_view.py   that, shown live
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence

from codalab_nb.errors import CodalabError
from codalab_nb.frontends.cli.commands import build_parser
from codalab_nb.frontends.cli.output import Output, StoppedWatching

__all__ = ["Output", "build_parser", "main", "perform"]

INTERRUPTED = 130
_BROKEN_PIPE = 141  # what a shell reports for SIGPIPE
_OUR_FAULT = 70


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command on this process' streams; the exit code. Never raises."""
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    out = Output(sys.stdout, sys.stderr, json="--json" in words)
    try:
        code = perform(words, out)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _forget_stdout()
        return _BROKEN_PIPE


def perform(words: Sequence[str], out: Output) -> int:
    """One command with its errors told. Raises BrokenPipeError only."""
    try:
        args = build_parser().parse(words)
        return int(args.handler(args, out))
    except CodalabError as error:
        out.failure(error)
        return error.exit_code
    except StoppedWatching:
        return INTERRUPTED
    except KeyboardInterrupt:
        out.say()
        out.say("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the last line of defence
        from codalab_nb.frontends.cli.crash import told

        out.failure(told(error))
        return _OUR_FAULT


def _forget_stdout() -> None:
    """Whoever read us has gone; without this the interpreter would complain when it flushes at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
