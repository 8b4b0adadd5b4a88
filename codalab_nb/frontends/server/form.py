"""The form: what can be set for the chosen methods on the chosen data sets, and what is wrong with the values now.

Asked for again whenever a value changes, so it reads documents and computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from codalab_nb.errors import InputError, Problem
from codalab_nb.frontends.choosing.directions import meaning, references
from codalab_nb.frontends.choosing.several import for_each
from codalab_nb.frontends.choosing.typed import NotYet, read
from codalab_nb.frontends.choosing.words import plain
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.methods import INSTALL, chosen_datasets, chosen_methods
from codalab_nb.frontends.server.operations import operation
from codalab_nb.frontends.server.schemas import alike, joined
from codalab_nb.frontends.server.times import Times
from codalab_nb.frontends.server.wire import common, methods
from codalab_nb.model.base import Json, JsonObject
from codalab_nb.model.choices import check_parameters, parameter_schema
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.method import Method, fits
from codalab_nb.site.catalog import missing_imports
from codalab_nb.site.site import Site


@operation("form")
def form(context: Context, body: methods.FormRequest) -> methods.Form:
    site = context.site
    documents = chosen_datasets(site, body.datasets)
    templates = chosen_methods(site, body.methods)
    times = Times(site, list(templates))
    made: list[methods.MethodForm] = []
    schemas: list[JsonObject] = []
    seconds: list[float | None] = []
    for template in templates.values():
        method = template.method
        fitting = {name: one for name, one in documents.items() if fits(method, one.profile)[0]}
        if fitting:
            one = _of_method(method, fitting, given(body, method), times)
            made.append(one)
            schemas.append(one.schema_)
            seconds += [times.of(method, document) for document in fitting.values()]
    problems = []
    if not seconds:
        chosen = documents and templates
        told = "None of the chosen methods fits the chosen data sets." if chosen else "Nothing is chosen."
        fix = "Choose a data set and a method that fits it."
        problems.append(common.Problem(code="nothing_to_do", message=told, fix=fix))
    return methods.Form(
        methods=tuple(made),
        shared=alike(schemas),
        tasks=len(seconds),
        expected_seconds=_together(site, seconds),
        ready=bool(seconds) and not any(one.problems for one in made),
        problems=tuple(problems),
    )


def given(body: methods.FormRequest | methods.Analyze, method: Method) -> dict[str, Json]:
    """What a person set for this method: numbers that came as text are numbers, where they spell one."""
    values = {**body.shared, **body.own.get(method.name, {})}
    return {name: _typed(method, name, value) for name, value in values.items() if name in method.parameters}


def _typed(method: Method, name: str, value: Any) -> Json:
    parameter = method.parameters[name]
    if isinstance(value, str) and parameter.type in ("integer", "number"):
        try:
            return read(parameter.as_schema(), value)
        except NotYet:
            return value
    known: Json = value
    return known


def _of_method(
    method: Method, documents: Mapping[str, DatasetDocument], values: Mapping[str, Json], times: Times
) -> methods.MethodForm:
    own = for_each(method, list(documents.values()), values)
    each = {name: own[document.reference] for name, document in documents.items()}
    schemas = {name: parameter_schema(method, one.profile, each[name]) for name, one in documents.items()}
    schema = joined(schemas)
    defaults = {name: one["default"] for name, one in schema["properties"].items() if "default" in one}
    asked = [
        methods.ReferenceQuestion(parameter=name, sentence=found[0], proposed=found[1], dataset=document.reference)
        for key, document in documents.items()
        for name in references(method)
        if (found := meaning(method, document.profile, name, _values(schemas[key], each[key]).get, each[key]))
    ]
    expected = [times.of(method, document) for document in documents.values()]
    return methods.MethodForm(
        method=method.name,
        title=method.title,
        datasets=tuple(documents),
        schema=schema,
        ui_schema={"ui:order": list(method.parameters)},
        values={**defaults, **values},
        references=tuple(asked),
        problems=tuple(_problems(method, documents, each, schema)),
        expected_seconds=sum(filter(None, expected)) if all(one is not None for one in expected) else None,
    )


def _values(schema: JsonObject, given: Mapping[str, Json]) -> dict[str, Json]:
    defaults = {name: one.get("default") for name, one in schema["properties"].items()}
    return {**defaults, **given}


def _problems(
    method: Method,
    documents: Mapping[str, DatasetDocument],
    each: Mapping[str, Mapping[str, Json]],
    schema: JsonObject,
) -> list[common.Problem]:
    """Each is told once, and for which data set where it is not one of all."""
    found: dict[Problem, list[str]] = {}
    if missing := missing_imports(method):
        found[Problem("method_imports", f"It needs {', '.join(missing)}.", f"{INSTALL}.")] = list(documents)
    for name, document in documents.items():
        try:
            check_parameters(method, document.profile, each[name])
        except InputError as error:
            for problem in error.problems:
                found.setdefault(problem, []).append(name)
    told = []
    for problem, where in found.items():
        title = schema["properties"].get(problem.at, {}).get("title", problem.at)
        problem = _in_words(problem, title, each[where[0]], schema)
        prefix = f"On {', '.join(where)}: " if len(where) < len(documents) else ""
        told.append(common.Problem(code=problem.code, message=prefix + problem.message, fix=problem.fix, at=problem.at))
    return told


def _in_words(problem: Problem, title: str | None, values: Mapping[str, Json], schema: JsonObject) -> Problem:
    """Beside a field, by its title, and for a number what is wanted."""
    name = problem.at
    message, fix = plain(problem.message), plain(problem.fix)
    if name is None or title is None:
        return Problem(problem.code, message, fix, name)
    declared = schema["properties"].get(name, {})
    if declared.get("type") in ("integer", "number") and problem.code in ("param_type", "param_range"):
        try:
            read(declared, str(values.get(name, "")))
        except NotYet as wanted:
            return Problem(problem.code, str(wanted), "", name)
    if problem.code == "param_missing":
        return Problem(problem.code, "Choose one." if "enum" in declared else "Fill this in.", "", name)
    if message.startswith(f"{name} "):
        message = f"“{title}”{message.removeprefix(name)}"
    return Problem(problem.code, message, fix, name)


def _together(site: Site, seconds: Sequence[float | None]) -> float | None:
    """Until the last has ended, with as many at a time as the worker runs; None if one is not known."""
    known = [one for one in seconds if one is not None]
    if len(known) != len(seconds) or not known:
        return None
    return max(max(known), sum(known) / site.settings.slots)
