"""What a notebook says about its parameters, and text turned into the types it says."""

from __future__ import annotations

import ast
import difflib
import io
import json
import math
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from codalab_nb.errors import InputError, Problem
from codalab_nb.model.base import JsonObject
from codalab_nb.model.cell_source import split_cell
from codalab_nb.model.parameters import parse_value

_COMMENT = re.compile(r"#\s*(type:\s*(?P<type>\S*)\s*)?(?P<help>.*)")
_OPTIONAL = re.compile(r"(?:typing\.)?Optional\[(?P<inner>.+)\]|(?P<left>.+?)\s*\|\s*None|None\s*\|\s*(?P<right>.+)")
_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


@dataclass(frozen=True)
class DeclaredParameter:
    """One assignment of the `parameters` cell."""

    name: str
    type: str | None  # as written: an annotation, or `# type: int`; None where the notebook does not say
    default: str  # its source
    help: str = ""  # the comment at the end of its last line


def parameters_cell(notebook: JsonObject) -> int | None:
    """The index of the first cell tagged `parameters`: the one papermill takes."""
    cells = enumerate(notebook["cells"])
    return next((index for index, cell in cells if "parameters" in cell["metadata"].get("tags", ())), None)


def declared_parameters(notebook: JsonObject) -> tuple[DeclaredParameter, ...]:
    """What the `parameters` cell of a Python notebook assigns, in order; the last assignment of a name counts.

    As `papermill --help-notebook` finds it, but read with `ast`: several lines, several targets and `=` inside a
    value do not confuse it. Empty where there is no such cell or it is not Python.
    """
    index = parameters_cell(notebook)
    if index is None:
        return ()
    cell = split_cell(notebook["cells"][index]["source"])
    if cell.tree is None:
        return ()
    comments = _comments(cell.python)
    found: dict[str, DeclaredParameter] = {}
    for statement in cell.tree.body:
        match = _COMMENT.match(comments.get(statement.end_lineno or 0, ""))
        commented = match["type"] if match else None
        help_text = match["help"].strip() if match else ""
        for name, annotation, value in _assignments(statement):
            default = ast.get_source_segment(cell.python, value) or ""
            found[name] = DeclaredParameter(name, annotation or commented or None, default, help_text)
    return tuple(found.values())


def unknown_parameters(names: Iterable[str], notebook: JsonObject) -> tuple[Problem, ...]:
    """One problem (`param_unknown`) for each name the notebook does not declare.

    For a method they are refusals; for a plain notebook warnings, because it may use a name without declaring it.
    """
    declared = [parameter.name for parameter in declared_parameters(notebook)]
    problems = []
    for name in names:
        if name in declared:
            continue
        near = difflib.get_close_matches(name, declared, n=1, cutoff=0.6)
        if near:
            fix = f"Did you mean {near[0]}?"
        elif declared:
            fix = f"It declares {', '.join(declared[:20])}."
        else:
            fix = "Tag the cell that assigns its parameters with `parameters`; values are set after that cell."
        problems.append(Problem("param_unknown", f"The notebook declares no parameter {name}.", fix))
    return tuple(problems)


def coerce(text: str, declared_type: str | None, *, name: str = "the parameter") -> Any:
    """`text` from a command line as the declared type; without one, or with one we do not know, papermill's rule.

    Raises InputError(`param_value`) if the text does not spell such a value.
    """
    kind = (declared_type or "").strip().strip("\"'")
    optional = _OPTIONAL.fullmatch(kind)
    if optional:
        if text in ("None", "null"):
            return None
        kind = (optional["inner"] or optional["left"] or optional["right"]).strip()
    if kind == "str":
        return text
    try:
        if kind == "bool":
            return _boolean(text)
        if kind == "int":
            return int(text)
        if kind == "float":
            return _finite(text)
        if re.fullmatch(r"(?:typing\.)?(?:list|List|Sequence)(?:\[.*\])?", kind):
            return _container(text, list)
        if re.fullmatch(r"(?:typing\.)?(?:dict|Dict|Mapping)(?:\[.*\])?", kind):
            return _container(text, dict)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        message = f"{name} is declared as {kind}, and {text[:80]!a} is not one."
        example = {"bool": "true or false", "int": "5", "float": "0.05"}.get(kind, '[1, 2] or {"a": 1}, as JSON')
        raise InputError("param_value", message, f"Write it as {example}.") from error
    return parse_value(text)


def _assignments(statement: ast.stmt) -> Iterator[tuple[str, str | None, ast.expr]]:
    """Name, annotation and value of each plain name that a statement assigns."""
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        annotation = statement.annotation
        written = ast.unparse(annotation).strip("\"'")
        yield statement.target.id, written, statement.value
    elif isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                yield target.id, None, statement.value
            elif isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
                for part, value in zip(target.elts, statement.value.elts, strict=False):
                    if isinstance(part, ast.Name):
                        yield part.id, None, value


def _comments(source: str) -> dict[int, str]:
    """The comment of each line that has one; line numbers from 1."""
    found: dict[int, str] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                found[token.start[0]] = token.string
    except (tokenize.TokenError, SyntaxError):
        pass  # comments are help texts: those found so far will do
    return found


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in (*_TRUE, *_FALSE):
        raise ValueError(text)
    return word in _TRUE


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _container(text: str, kind: type[list[Any]] | type[dict[str, Any]]) -> Any:
    """A list or dictionary, spelled as JSON or as a Python literal."""
    try:
        value = json.loads(text)
    except ValueError:
        value = ast.literal_eval(text.strip())
    if not isinstance(value, kind):
        raise ValueError(text)
    return value
