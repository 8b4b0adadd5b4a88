"""Submitting the notebook that is open, saved or not: looked at before, then sent."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path

from codalab_nb.errors import InputError, Problem, Problems
from codalab_nb.frontends.choosing.words import plainly
from codalab_nb.frontends.server import security
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.notebook_form import read_values, schema_of, values_of
from codalab_nb.frontends.server.operations import operation
from codalab_nb.frontends.server.submit import options_of
from codalab_nb.frontends.server.wire import common, methods
from codalab_nb.model.base import JsonObject
from codalab_nb.model.cell_source import split_cell
from codalab_nb.model.declared import parameters_cell
from codalab_nb.model.notebook import CheckedNotebook
from codalab_nb.site.requests import Inspected

_PYTHON = ("python", "ipython")


@operation("inspectNotebook", slow=True)
def inspect_notebook(context: Context, body: methods.InspectNotebook) -> methods.NotebookDraft:
    """Never refuses a notebook: what is wrong with it is told as its problems."""
    seen = _inspected(context, body)
    checked = seen.checked
    cell = _cell_problem(checked)
    notebook: JsonObject = checked.notebook if checked else {"cells": [], "metadata": {}}
    packed = [file for file in seen.files if file.packed]
    return methods.NotebookDraft(
        path=body.path,
        kernel=body.kernel or (checked.kernel if checked else ""),
        language=checked.language if checked else "",
        schema=schema_of(notebook),
        values=values_of(notebook, body.parameters),
        files=tuple(
            methods.PackedFile(path=file.path, size=file.size, why=file.why, packed=file.packed) for file in seen.files
        ),
        total_size=sum(file.size for file in packed),
        warnings=tuple(map(_wire, dict.fromkeys(seen.warnings))),
        problems=tuple(map(_wire, dict.fromkeys([*cell, *seen.problems.found]))),
    )


@operation("runNotebook", slow=True)
def run_notebook(context: Context, body: methods.RunNotebook) -> methods.Submitted:
    """With `task`, an id of the page's own, a click that is sent twice makes one task."""
    site = context.site
    problems = Problems()
    options = options_of(body.limits, problems)
    seen = _inspected(context, body)
    problems.found += [*_cell_problem(seen.checked), *seen.problems.found]
    problems.found = list(dict.fromkeys(problems.found))
    problems.raise_if_any()
    assert seen.checked is not None
    draft = site.draft(
        security.contained(context.root, body.path.strip("/")),
        parameters=read_values(seen.checked.notebook, body.parameters),
        inputs=_inputs(context, body.inputs),
        kernel=body.kernel,
        include=body.include,
        exclude=body.exclude,
        options=options,
        task=body.task,
        content=_content(body),
    )
    tasks = site.submit([draft])
    warnings = tuple(map(_wire, dict.fromkeys(draft.warnings)))
    return methods.Submitted(tasks=tuple(task.id for task in tasks), warnings=warnings)


def _inspected(context: Context, body: methods.InspectNotebook) -> Inspected:
    path = security.contained(context.root, body.path.strip("/"))
    content = _content(body)
    site = context.site
    first = site.inspect(path, content=content, include=body.include, exclude=body.exclude)
    if first.checked is None:
        return first
    try:
        values = read_values(first.checked.notebook, body.parameters)
        inputs = _inputs(context, body.inputs)
    except InputError as error:
        first.problems.take(error)
        return first
    if not values and not body.inputs:
        return first
    return site.inspect(
        path,
        parameters=values,
        inputs=inputs,
        include=body.include,
        exclude=body.exclude,
        content=content,
    )


def _content(body: methods.InspectNotebook) -> bytes | None:
    return (
        None if body.content is None else json.dumps(body.content, ensure_ascii=False).encode("utf-8", "surrogatepass")
    )


def _inputs(context: Context, inputs: Mapping[str, str]) -> dict[str, str | Path]:
    """A path of the file browser as a path of this machine; data sets and tasks stay as they are named.

    Raises InputError(input_unknown): no other file of this machine can be named.
    """
    problems = Problems()
    found: dict[str, str | Path] = {}
    for parameter, reference in inputs.items():
        try:
            path = security.contained(context.root, reference.strip("/"))
        except InputError:
            path = None
        if path is not None and path.exists():
            found[parameter] = path
        elif "/" in reference.partition(":")[0] or reference.startswith("~"):
            told = f"There is no file {reference!r} in the file browser."
            problems.add("input_unknown", told, "Choose one there, or a data set, or a task.", at=parameter)
        else:
            found[parameter] = reference
    problems.raise_if_any()
    return found


def _cell_problem(checked: CheckedNotebook | None) -> list[Problem]:
    """What keeps the cell with the parameters from being read, with its line."""
    index = parameters_cell(checked.notebook) if checked is not None else None
    if checked is None or index is None or checked.language not in _PYTHON:
        return []
    source = str(checked.notebook["cells"][index]["source"])
    cell = split_cell(source)
    if cell.tree is not None:
        return []
    where = f"cell {index + 1}"
    told = f"The cell tagged `parameters` ({where}) is not Python"
    try:
        ast.parse(cell.python)
    except SyntaxError as error:
        line = (source.splitlines()[error.lineno - 1 : error.lineno] or [""])[0] if error.lineno else ""
        told += f": {error.msg}, in line {error.lineno}" + (f": `{line.strip()[:80]}`" if line.strip() else "")
    except (ValueError, RecursionError, MemoryError) as error:
        told += f": {error}"
    return [Problem("param_cell", f"{told}.", "Correct it; it would fail when it runs.", where)]


def _wire(problem: Problem) -> common.Problem:
    one = plainly(problem)
    return common.Problem(code=one.code, message=one.message, fix=one.fix, at=one.at)
