"""A code cell's text split into plain Python and the notebook commands around it, without importing IPython.

`%run x.py`, `!cat data.csv`, `files = !ls`, `help?` and cells such as `%%bash` are not Python. Here they are taken
out line by line (line numbers stay), so that `ast` can read what remains.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

# Cell magics whose body is Python run in the notebook's own kernel.
_PYTHON_BODIES = frozenset({"time", "timeit", "capture", "prun", "python", "python3", "pypy"})

_COMMAND = re.compile(r"^(?P<indent>\s*)(?:(?P<target>[\w\s,.\[\]]+?)=\s*)?(?P<mark>%|!!?)(?P<text>[^=%].*)$")
_HELP = re.compile(r"^\s*(\?{1,2}[%\w.*]+|[%\w.*]+\?{1,2})\s*$")


@dataclass(frozen=True)
class Command:
    """One notebook command: `mark` is `%`, `!` or `%%`; `body` is what a `%%` cell holds, unless that is Python."""

    mark: str
    text: str
    body: str = ""


@dataclass(frozen=True)
class CellSource:
    """`tree` is None where the rest is not Python: another language's cell, or a syntax error."""

    python: str
    tree: ast.Module | None
    commands: tuple[Command, ...] = ()


def split_cell(source: str) -> CellSource:
    """Never raises: what cannot be read as Python comes back with no tree."""
    lines = source.splitlines()
    start = next((index for index, line in enumerate(lines) if line.strip()), 0)
    if lines and lines[start].startswith("%%"):
        head, body = lines[start][2:].strip(), "\n".join(lines[start + 1 :])
        if head.split(" ", 1)[0] not in _PYTHON_BODIES:
            return CellSource("", None, (Command("%%", head, body),))
        inner = split_cell("\n" * (start + 1) + body)
        return CellSource(inner.python, inner.tree, (Command("%%", head), *inner.commands))
    tree = parse(source)
    if tree is not None:
        return CellSource(source, tree)
    kept: list[str] = []
    commands: list[Command] = []
    for line in lines:
        match = _COMMAND.match(line)
        if match:
            commands.append(Command(match["mark"][0], match["text"].strip()))
            target = f"{match['target'].strip()} = None" if match["target"] else "pass"
            kept.append(f"{match['indent']}{target}")
        else:
            kept.append("" if _HELP.match(line) else line)
    python = "\n".join(kept)
    return CellSource(python, parse(python), tuple(commands))


def parse(source: str) -> ast.Module | None:
    """The syntax tree, or None. Silent: a strange escape in somebody's string is not our user's warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
