"""Commands, their flags, and what is told about a typing slip. One grammar for the command line and the magics.

argparse reads the values; which command is meant, and whether each flag exists, is looked at before, so that every
slip is told at once with the nearest word, and so that flags may stand anywhere.
"""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NoReturn

from codalab_nb.errors import InputError, Problems
from codalab_nb.frontends.cli.output import Output

PROG = "codalab-nb"
Handler = Callable[[argparse.Namespace, Output], int]
_NUMBER = re.compile(r"-\d+(\.\d+)?")
_EMPTY = "Leave it out, or look whether a variable of your shell is empty."
_HELP = ("-h", "--help")


class Command(argparse.ArgumentParser):
    """One command: its flags, and where its handler stands (`module:function`, imported when it is used)."""

    def __init__(
        self, path: tuple[str, ...], help_text: str, handler: str, details: str = "", *, prog: str | None = None
    ) -> None:
        description = f"{help_text[0].upper()}{help_text[1:]}."
        super().__init__(
            prog=prog or " ".join((PROG, *path)),
            description=description,
            epilog=details or None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            add_help=False,
        )
        self.path = path
        self.summary = help_text
        self.flags: dict[str, argparse.Action] = {}
        self._handler = handler

    def add_argument(self, *names: Any, **options: Any) -> argparse.Action:
        action = super().add_argument(*names, **options)
        self.flags.update(dict.fromkeys(action.option_strings, action))
        return action

    def error(self, message: str) -> NoReturn:
        """Called by argparse."""
        raise InputError("usage", f"{self.prog}: {message}.", f"`{self.prog} --help` shows how.")

    @property
    def handler(self) -> Handler:
        module, _, name = self._handler.partition(":")
        found: Handler = getattr(import_module(f"codalab_nb.frontends.cli.{module}"), name)
        return found

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Raises InputError(usage) with every flag that does not exist or lacks its value."""
        if any(word in _HELP for word in words[: words.index("--") if "--" in words else None]):
            return argparse.Namespace(handler=_show, text=self.format_help(), json=False)
        flags, rest = self._sorted_out(words)
        args = self.parse_args([*flags, "--", *rest] if rest else flags)
        args.handler = self.handler
        return args

    def _sorted_out(self, words: Sequence[str]) -> tuple[list[str], list[str]]:
        """Flags with their values, then the rest: argparse itself refuses `add a.csv --name x b.csv`."""
        problems = Problems()
        flags: list[str] = []
        rest: list[str] = []
        waiting = list(words)
        while waiting:
            word = waiting.pop(0)
            if word == "--":
                rest += waiting
                break
            if word == "-" or not word.startswith("-") or _NUMBER.fullmatch(word):
                rest.append(word)
                continue
            name, value = _split(word)
            action = self.flags.get(name)
            if action is None:
                near = _near(name, self.flags)
                problems.add(
                    "usage", f"`{self.prog}` has no flag {name}.{near}", f"`{self.prog} --help` lists its flags."
                )
            elif action.nargs == 0:
                flags.append(name)
                if value is not None:
                    problems.add("usage", f"{name} takes no value.", f"Write {name} alone.")
            elif value is None and not waiting:
                problems.add("usage", f"{name} needs a value.", f"`{name} {action.metavar or action.dest.upper()}`")
            else:
                given = waiting.pop(0) if value is None else value
                if not given.strip():
                    problems.add("usage", f"The value of {name} is empty.", _EMPTY)
                    continue
                flags.append(f"{name}={given}" if name.startswith("--") else f"{name}{given}")
        if any(not word.strip() for word in rest):
            problems.add("usage", f"`{self.prog}` was given an empty argument.", _EMPTY)
        problems.raise_if_any()
        return flags, rest


def _split(word: str) -> tuple[str, str | None]:
    """`--name=x` → (`--name`, `x`); `-pK=V` → (`-p`, `K=V`); without a value in the same word: None."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name, value if equals else None
    return word[:2], word[2:] or None


def _near(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, [*known, "--help"], n=1, cutoff=0.6)
    return f" Did you mean {close[0]}?" if close else ""


def _show(args: argparse.Namespace, out: Output) -> int:
    out.data(args.text.rstrip("\n"))
    return 0


@dataclass
class Grammar:
    """All commands. `parse` is the only way in."""

    commands: dict[tuple[str, ...], Command] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)  # first words → what is done when nothing follows
    aliases: dict[str, str] = field(default_factory=dict)
    sections: list[tuple[str, list[Command]]] = field(default_factory=list)

    def section(self, title: str) -> None:
        self.sections.append((title, []))

    def add(self, path: str, help_text: str, handler: str, details: str = "") -> Command:
        command = Command(tuple(path.split()), help_text, handler, details)
        command.add_argument("-h", "--help", action="store_true", help="show this help")
        self.commands[command.path] = command
        self.sections[-1][1].append(command)
        return command

    def words(self, *group: str) -> list[str]:
        """The words that may come next: commands, or what follows the words of a group. For completion."""
        if not group:
            return [*dict.fromkeys(path[0] for path in self.commands), *self.aliases]
        path = self._path(group)
        size = len(path)
        return [*dict.fromkeys(one[size] for one in self.commands if one[:size] == path and len(one) > size)]

    def is_group(self, words: Sequence[str]) -> bool:
        return bool(words) and " ".join(self._path(words)) in self.groups

    def _path(self, words: Sequence[str]) -> tuple[str, ...]:
        return (self.aliases.get(words[0], words[0]), *words[1:])

    def find(self, words: Sequence[str]) -> tuple[Command, Sequence[str]]:
        """The command that `words` start with, and the words after it. Raises InputError(usage)."""
        path = self._path(words)
        size = next((n for n in range(len(path), 0, -1) if path[:n] in self.commands), 0)
        if size:
            return self.commands[path[:size]], words[size:]
        if not self.is_group(words[:1]):
            raise InputError("usage", *self._unknown(words[0]))
        size = next(n for n in range(len(path), 0, -1) if self.is_group(words[:n]))
        group = " ".join(path[:size])
        if len(words) == size or words[size].startswith("-"):
            return self.commands[(*path[:size], self.groups[group])], words[size:]
        known = self.words(*path[:size])
        fix = f"There are: {', '.join(f'{PROG} {group} {word}' for word in known)}."
        raise InputError("usage", f"`{group}` has no command {words[size]!r}.{_near(words[size], known)}", fix)

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """What was asked: `.handler(args, out)` does it. Raises InputError(usage)."""
        if not words or words[0] in (*_HELP, "help"):
            return argparse.Namespace(handler=_show, text=self.overview(), json=False)
        if words[0] in ("--version", "-V"):
            from codalab_nb._version import __version__

            return argparse.Namespace(handler=_show, text=f"{PROG} {__version__}", json=False)
        if words[-1] in _HELP and self.is_group(words[:-1]):
            return argparse.Namespace(handler=_show, text=self._group_help(self._path(words[:-1])), json=False)
        command, rest = self.find(words)
        return command.read(rest)

    def _unknown(self, word: str) -> tuple[str, str]:
        if word.startswith("-"):
            return f"{word} stands before a command.", f"Write the command first: `{PROG} status {word}`."
        if word.endswith(".ipynb"):
            return f"{word!r} is not a command.", f"To run the notebook: `{PROG} run {word}`."
        near = _near(word, self.words())
        return f"There is no command {word!r}.{near}", f"`{PROG} --help` lists all commands."

    def _group_help(self, group: tuple[str, ...]) -> str:
        lines = [
            f"  {' '.join(path):<21} {command.summary}"
            for path, command in self.commands.items()
            if path[: len(group)] == group
        ]
        return "\n".join([f"usage: {PROG} {' '.join(group)} COMMAND …", "", *lines])

    def _overview_line(self, command: Command) -> str:
        """Of a command; those of a group inside a group share one."""
        shown, summary = command.path, command.summary
        if len(shown) > 2:
            shown = shown[:2]
            summary = f"{', '.join(self.words(*shown))}: `{PROG} {' '.join(shown)} --help`"
        return f"  {' '.join(shown):<17} {summary}"

    def overview(self) -> str:
        lines = [
            f"usage: {PROG} COMMAND …",
            "",
            "Pick data sets and methods, run notebooks on workers, look at the results.",
        ]
        for title, commands in self.sections:
            lines += ["", f"{title}:"]
            lines += dict.fromkeys(map(self._overview_line, commands))
        lines += ["", f"New here? `{PROG} demo` shows it all on real data."]
        lines += [f"A command explained: `{PROG} COMMAND --help`."]
        return "\n".join(lines)
