"""What the cells of a notebook, or a Python file, mention: paths, patterns, modules.

Looks at the text only, never at the disk. Sure things are worked out: `Path("data") / "x.csv"`,
`os.path.join("data", name)`, `f"{FOLDER}/x.csv"` with a FOLDER assigned once.
"""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterable, Iterator, Mapping

from codalab_nb.model.cell_source import CellSource, Command, split_cell
from codalab_nb.packing.constants import Constants
from codalab_nb.packing.mentions import Kind, Reference, literal, text_references
from codalab_nb.packing.python_references import tree_references

_SILENT_CELLS = frozenset({"html", "HTML", "javascript", "js", "markdown", "latex", "svg", "SVG", "writefile", "file"})
_SHELL_CELLS = frozenset({"bash", "sh", "script", "system", "sx", "!"})


def cell_references(cells: Iterable[CellSource], skip: Mapping[int, frozenset[str]]) -> Iterator[tuple[int, Reference]]:
    """The references of each cell with its index. `skip`: names whose assignment in that cell is replaced anyway."""
    known = list(cells)
    trees = [cell.tree and _without(cell.tree, skip.get(index, frozenset())) for index, cell in enumerate(known)]
    constants = Constants([tree for tree in trees if tree is not None], unknown=frozenset().union(*skip.values()))
    for index, (cell, tree) in enumerate(zip(known, trees, strict=True)):
        if tree is not None:
            yield from ((index, found) for found in tree_references(tree, constants, cell.python))
        elif cell.python:
            yield from ((index, found) for found in text_references(cell.python))
        for command in cell.commands:
            yield from ((index, found) for found in _command_references(command))


def file_references(source: str, path: str) -> list[Reference]:
    """The references of a Python file at `path` (relative to the notebook), read as its own little notebook."""
    cell = split_cell(source)
    if cell.tree is None:
        return list(text_references(source))
    return list(tree_references(cell.tree, Constants([cell.tree], file=path), source))


def _without(tree: ast.Module, names: frozenset[str]) -> ast.Module:
    """The tree without the plain assignments to `names`."""

    def replaced(statement: ast.stmt) -> bool:
        if isinstance(statement, ast.Assign):
            return all(isinstance(target, ast.Name) and target.id in names for target in statement.targets)
        return isinstance(statement, ast.AnnAssign) and getattr(statement.target, "id", None) in names

    return ast.Module([statement for statement in tree.body if not replaced(statement)], []) if names else tree


def _command_references(command: Command) -> Iterator[Reference]:
    name, _, rest = command.text.partition(" ")
    if command.mark == "%%":
        if name in _SHELL_CELLS:
            for line in command.body.splitlines():
                yield from _words(line)
        elif name not in _SILENT_CELLS:
            yield from text_references(command.body)
    elif command.mark == "!":
        yield from _words(command.text)
    elif name in ("load_ext", "reload_ext"):
        yield Reference(Kind.MODULE, rest.strip())
    else:
        yield from _words(rest)
        if name == "run":
            yield from (Reference(Kind.PATH, f"{word}.py", word=True) for word in rest.split())
        yield from text_references(rest)


def _words(line: str) -> Iterator[Reference]:
    """The words of a shell line that may be files; what `>` writes to is left out."""
    try:
        words = shlex.split(line)
    except ValueError:  # an open quotation
        words = line.split()
    for before, word in zip(["", *words], words, strict=False):
        if before.endswith(">") or word.startswith((">", "-", "$", "{")):
            word = word.partition("=")[2] if word.startswith("-") else ""
        yield from literal(word, word="/" not in word)
