"""The `parameters` cell of any notebook as a form, and what a person typed into it as values."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

from codalab_nb.errors import InputError, Problems
from codalab_nb.frontends.choosing.typed import NotYet, read
from codalab_nb.model.base import JsonObject
from codalab_nb.model.declared import DeclaredParameter, coerce, declared_parameters

_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
_UNKNOWN = object()


def schema_of(notebook: JsonObject) -> JsonObject:
    """JSON Schema of what the cell assigns. What is no text, number or yes-or-no is typed as JSON or Python, and says
    so by `x-spelled`; a default that is computed is left out: the field stays empty, and the notebook's own holds."""
    declared = declared_parameters(notebook)
    properties = {parameter.name: _property(parameter) for parameter in declared}
    return {"type": "object", "properties": properties, "required": []}


def values_of(notebook: JsonObject, given: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the fields: what was given, else the defaults."""
    properties = schema_of(notebook)["properties"]
    defaults = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
    return {**defaults, **given}


def read_values(notebook: JsonObject, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a person changed, in the declared types. Raises InputError (param_value), every problem `at` its name."""
    declared = {parameter.name: parameter for parameter in declared_parameters(notebook)}
    problems = Problems()
    values: dict[str, Any] = {}
    for name, value in given.items():
        parameter = declared.get(name)
        schema = _property(parameter) if parameter else {}
        if not isinstance(value, str) or parameter is None or schema == {} or _is_text(schema):
            if value != schema.get("default", _UNKNOWN) or type(value) is not type(schema.get("default")):
                values[name] = value
            continue
        if value.strip() == "" or value == schema.get("default"):
            continue  # the notebook's own holds
        try:
            values[name] = _read(parameter, schema, value)
        except NotYet as wanted:
            problems.add("param_value", f"{name}: {wanted}", at=name)
        except InputError as error:
            for one in error.problems:
                problems.add(one.code, one.message, one.fix, at=name)
    problems.raise_if_any()
    return values


def _read(parameter: DeclaredParameter, schema: JsonObject, text: str) -> Any:
    if schema["type"] in ("integer", "number"):
        return read(schema, text)
    kind = parameter.type
    default = _literal(parameter.default)
    if kind is None and isinstance(default, list | dict):
        kind = type(default).__name__
    return coerce(text, kind, name=parameter.name)


def _is_text(schema: JsonObject) -> bool:
    return schema.get("type") == "string" and "x-spelled" not in schema


def _property(parameter: DeclaredParameter) -> JsonObject:
    default = _literal(parameter.default)
    schema: JsonObject = {"type": _type(parameter, default), "title": parameter.name}
    if parameter.help:
        schema["description"] = parameter.help
    spelled = schema["type"] is None
    if spelled:
        schema |= {"type": "string", "x-spelled": True}
    if default is _UNKNOWN or default is None:
        schema["description"] = f"{schema.get('description', '')} (in the notebook: {parameter.default[:80]})".strip()
    elif spelled:
        schema["default"] = parameter.default
    else:
        schema["default"] = default
    return schema


def _type(parameter: DeclaredParameter, default: object) -> str | None:
    written = re.sub(
        r"^(?:typing\.)?Optional\[(.*)\]$|\s*\|\s*None$|^None\s*\|\s*", r"\1", parameter.type or ""
    ).strip()
    if written in _TYPES:
        return _TYPES[written]
    if parameter.type is None:
        return next((_TYPES[kind.__name__] for kind in (bool, int, float, str) if type(default) is kind), None)
    return None


def _literal(source: str) -> Any:
    """The value of a default that is written out; _UNKNOWN of one that is computed."""
    try:
        value = ast.literal_eval(source)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return _UNKNOWN
    return value if value is None or isinstance(value, bool | int | float | str | list | dict | tuple) else _UNKNOWN
