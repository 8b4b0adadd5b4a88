"""The values a run's parameters get: typed as they are declared, checked against the data set, defaults filled in."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from codalab_nb.errors import InputError, Problem, Problems
from codalab_nb.model.base import Json, JsonObject
from codalab_nb.model.choices import check_parameters, value_from_text
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.declared import coerce, declared_parameters
from codalab_nb.model.method import fits
from codalab_nb.model.pool import LOCAL
from codalab_nb.site.catalog import Template, missing_imports


class Spelled(str):
    """A value as typed on a command line: it takes the type the parameter declares, else papermill's rule."""


def method_values(
    template: Template, dataset: DatasetDocument, given: Mapping[str, Any], *, pool: str
) -> dict[str, Json]:
    """All parameters of a run of `template` on `dataset`, but for the folder of the data set itself.

    Raises InputError with everything that forbids the run (method_does_not_fit, method_imports, param_…).
    """
    method = template.method
    problems = Problems()
    ok, reason = fits(method, dataset.profile)
    if not ok:
        problems.add(
            "method_does_not_fit",
            f"{method.name} does not fit {dataset.reference}: {reason}",
            f"`codalab-nb method list --for {dataset.reference}` shows what fits.",
        )
    # Workers of another pool have an environment of their own, which nobody can look into from here.
    if pool == LOCAL and (missing := missing_imports(method)):
        problems.add(
            "method_imports", f"{method.name} needs {', '.join(missing)}.", "pip install 'codalab-nb[analysis]'"
        )
    values = _spelled_for_method(template, given, problems)
    clean: dict[str, Json] = {}
    if ok:
        try:
            clean = check_parameters(method, dataset.profile, values)
        except InputError as error:
            problems.take(error)
    problems.raise_if_any()
    return clean


def typed_values(
    values: Mapping[str, Any], notebook: JsonObject, problems: Problems, warnings: list[Problem]
) -> dict[str, Any]:
    """As a notebook declares them; what cannot be is added to `problems`, what looks like a slip to `warnings`."""
    declared = {parameter.name: parameter for parameter in declared_parameters(notebook)}
    found: dict[str, Any] = {}
    for name, value in values.items():
        parameter = declared.get(name)
        try:
            type_name = parameter.type if parameter else None
            found[name] = coerce(str(value), type_name, name=name) if isinstance(value, Spelled) else value
        except InputError as error:
            problems.take(error)
            continue
        if parameter and isinstance(value, Spelled) and isinstance(found[name], str) and _is_number(parameter.default):
            message = f"{name} is {parameter.default} in the notebook, and {str(value)[:40]!r} is passed as text."
            warnings.append(Problem("param_text", message, "Write a number, or True or False, with a capital letter."))
    return found


def _is_number(source: str) -> bool:
    """True for the source of a number or of True or False."""
    try:
        return isinstance(ast.literal_eval(source), bool | int | float)
    except (ValueError, SyntaxError):
        return False


def _spelled_for_method(template: Template, values: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        try:
            known = isinstance(value, Spelled) and name in template.method.parameters
            found[name] = value_from_text(template.method, name, value) if known else value
        except InputError as error:
            problems.take(error)
    return found
