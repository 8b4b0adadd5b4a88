"""Where a command's words go: ids and data to stdout, talk to stderr.

With `--json` one JSON value, and nothing else, goes to stdout. The magics give it streams of their own.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from codalab_nb.errors import CodalabError, Problem
from codalab_nb.frontends.cli import text

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


class StoppedWatching(KeyboardInterrupt):
    """Ctrl-C while a task was followed; what goes on, and how to follow it, was said."""


class Output:
    """The two streams of one command. Everything printed here is made harmless first.

    `page`: both streams are one page of so many columns that a person reads, as the output of a notebook's cell.
    """

    def __init__(
        self, stdout: TextIO, stderr: TextIO, *, json: bool = False, live: bool | None = None, page: int | None = None
    ) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self.json = json
        self._page = page
        dumb = os.environ.get("TERM", "") in ("", "dumb")
        self.live = (stderr.isatty() and not dumb) if live is None else live
        self._colour_talk = self.live and not os.environ.get("NO_COLOR")
        self._colour_data = self._colour_talk and stdout.isatty()

    @property
    def columns(self) -> int:
        return self._page or shutil.get_terminal_size((80, 24)).columns

    def _is_read(self, *, talk: bool) -> bool:
        """True where a person reads it, who wants lines of a width; False for a program, which wants them whole."""
        return self._page is not None or (self.stderr if talk else self.stdout).isatty()

    @property
    def room(self) -> int | None:
        """Columns of a line of data where a person reads it; None where a program does, which wants lines whole."""
        return self.columns if self._is_read(talk=False) else None

    @property
    def together(self) -> bool:
        """Data and talk meet before one person: what was printed as data need not be said again."""
        return not self.json and self._is_read(talk=False) and self._is_read(talk=True)

    # --- data

    def id(self, identifier: str) -> None:
        """An id for scripts: a line of its own on stdout; with `--json` the object at the end names it."""
        if not self.json:
            self.data(identifier)

    def data(self, line: str = "", style: str = "") -> None:
        print(_styled(self._here(line), style, self._colour_data), file=self.stdout, flush=True)

    def verbatim(self, whole: str) -> None:
        """A file's text to the last character, for `> FILE`; only what would steer a terminal is spelled out."""
        ends = whole.replace("\r\n", "\n")
        self.stdout.write(whole if text.harmless(ends) == ends else text.harmless(ends))
        self.stdout.flush()

    def _here(self, line: str) -> str:
        """Harmless, and with commands as one types them here."""
        told = text.harmless(line)
        return told.replace("codalab-nb ", "%codalab ") if self._page else told

    def object(self, value: Any) -> None:
        # ASCII only: no control or direction mark of a file name reaches the terminal.
        print(json.dumps(value, indent=2, default=str), file=self.stdout, flush=True)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], *, talk: bool = False) -> None:
        """Wrapped to the terminal's width where there is a terminal; whole where a program reads it."""
        first, *lines = text.layout(head, rows, self.columns if self._is_read(talk=talk) else None)
        (self.say if talk else self.data)(first, "bold")
        for line in lines:
            (self.say if talk else self.data)(line)

    # --- talk

    def say(self, line: str = "", style: str = "") -> None:
        print(_styled(self._here(line), style, self._colour_talk), file=self.stderr, flush=True)

    def fields(self, pairs: Iterable[tuple[str, str]], *, talk: bool = True) -> None:
        """Name and value on each line, values aligned; those without a value are left out."""
        put = self.say if talk else self.data
        room = self.columns - 14 if self._is_read(talk=talk) else None
        for name, value in pairs:
            if value:
                first, *more = [part for line in value.split("\n") for part in text.wrapped(line, room, "  ")]
                put(f"  {name:<11} {first}")
                for line in more:
                    put(f"  {'':<11} {line}")

    def prose(self, words: str, style: str = "", hang: str = "", *, talk: bool = True) -> None:
        """A sentence, wrapped to the terminal; whole where a program reads it."""
        live = self.live if talk and self._page is None else self._is_read(talk=talk)
        for line in text.wrapped(words, self.columns if live else None, hang):
            (self.say if talk else self.data)(line, style)

    def warn(self, message: str) -> None:
        self.prose(f"warning: {message}", "yellow", "  ")

    def problems(self, found: Iterable[Problem], word: str = "error", style: str = "red") -> None:
        for problem in found:
            self.prose(f"{word}: {problem.message}", style, "  ")
            if problem.fix:
                self.prose(f"  fix: {problem.fix}", "", "    ")

    def failure(self, error: CodalabError) -> None:
        """How every command ends that was refused or could not be done."""
        if self.json:
            self.object(error.as_json())
        else:
            self.problems(error.problems)


def _styled(line: str, style: str, colour: bool) -> str:
    return f"\x1b[{_STYLES[style]}m{line}\x1b[0m" if style and colour else line
