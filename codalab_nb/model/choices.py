"""A method's parameters for one data set: the choices filled in, and a person's values checked against them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from codalab_nb.errors import InputError, Problems
from codalab_nb.model.base import Json, JsonObject
from codalab_nb.model.dataset import Column, Profile
from codalab_nb.model.design import meant, propose_reference
from codalab_nb.model.method import Method, Parameter, has_type


def parameter_schema(method: Method, profile: Profile, given: Mapping[str, Json] | None = None) -> JsonObject:
    """JSON Schema (an object) of the method's parameters, choices and defaults taken from the data set.

    `given` are the values chosen so far: the choices of `levels(condition)` follow the chosen column.
    A parameter without a default is `required`: the data set does not tell, so a person must.
    """
    chosen: dict[str, Json] = dict(given or {})
    properties: dict[str, JsonObject] = {}
    for name in _in_order(method):
        schema = _filled(method, method.parameters[name], profile, chosen)
        properties[name] = schema
        if name not in chosen and "default" in schema:
            chosen[name] = schema["default"]
    return {
        "type": "object",
        "title": method.title,
        "properties": {name: properties[name] for name in method.parameters},
        "required": [name for name in method.parameters if "default" not in properties[name]],
        "additionalProperties": False,
    }


def check_parameters(method: Method, profile: Profile, given: Mapping[str, Json]) -> dict[str, Json]:
    """All parameters with their values, defaults filled in, in the method's order.

    One default stays as the notebook has it: a reference level which is proposed and which nobody has chosen. The
    notebook then takes the proposal and says so in its results, which a filled-in value would hide.
    Raises InputError with every problem: param_unknown, param_type, param_range, param_choice, param_missing.
    """
    problems = Problems()
    for name in given:
        if name not in method.parameters:
            fix = f"Parameters: {', '.join(method.parameters) or 'none'}."
            problems.add(
                "param_unknown",
                f"{method.name} has no parameter {name!r}.{meant(name, list(method.parameters))}",
                fix,
                at=name,
            )
    known = {name: _plain(value) for name, value in given.items() if name in method.parameters}
    schema = parameter_schema(method, profile, known)
    values: dict[str, Json] = {}
    for name, parameter in method.parameters.items():
        properties = schema["properties"][name]
        if name in known:
            check_value(problems, name, known[name], properties)
            values[name] = known[name]
        elif "default" in properties:
            proposed = (
                parameter.default_from == "reference"
                and parameter.default == ""
                and _only_proposed(profile, properties)
            )
            values[name] = "" if proposed else properties["default"]
        else:
            choices = _listed(properties.get("enum", ()))
            problems.add(
                "param_missing",
                f"{method.name} needs a value for {name!r}: {parameter.title}.",
                f"Give it with -p {name}=VALUE.{choices}",
                at=name,
            )
    for name, parameter in method.parameters.items():
        other = parameter.differs_from
        if other and name in values and values.get(other) == values[name] and values[name] != "":
            problems.add(
                "param_choice",
                f"{name} and {other} are both {values[name]!r}.",
                "Choose two different values.",
                at=name,
            )
    problems.raise_if_any()
    return values


def value_from_text(method: Method, name: str, text: str) -> Json:
    """What `-p name=text` means: text taken in the declared type. Raises InputError (param_unknown, param_type)."""
    parameter = method.parameters.get(name)
    if parameter is None:
        known = list(method.parameters)
        raise InputError(
            "param_unknown",
            f"{method.name} has no parameter {name!r}.{meant(name, known)}",
            f"Parameters: {', '.join(known)}.",
        )
    try:
        if parameter.type == "boolean":
            return {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}[
                text.strip().casefold()
            ]
        if parameter.type == "integer":
            return int(text)
        return float(text) if parameter.type == "number" else str(text)
    except (KeyError, ValueError) as error:
        raise InputError(
            "param_type", f"{name} must be {_ARTICLE[parameter.type]}; found {text!r}.", parameter.description
        ) from error


_ARTICLE = {"string": "a text", "integer": "a whole number", "number": "a number", "boolean": "true or false"}


def _plain(value: Json) -> Json:
    """A value of a subclass (a marked text, a numpy float) as the plain type, which is what `enum` holds."""
    if isinstance(value, str):
        return str(value)
    return float(value) if isinstance(value, float) else value


def check_value(problems: Problems, name: str, value: Json, schema: JsonObject) -> None:
    if not has_type(value, schema["type"]):
        problems.add(
            "param_type",
            f"{name} must be {_ARTICLE[schema['type']]}; found {value!r}.",
            schema.get("description", ""),
            at=name,
        )
        return
    if "enum" in schema and not any(value == choice and type(value) is type(choice) for choice in schema["enum"]):
        choices = schema["enum"]
        close = (
            meant(value, [choice for choice in choices if isinstance(choice, str)]) if isinstance(value, str) else ""
        )
        problems.add("param_choice", f"{name} cannot be {value!r}.{close}", _listed(choices).strip(), at=name)
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(value, int | float) and ((low is not None and value < low) or (high is not None and value > high)):
        allowed = (
            f"between {low} and {high}"
            if low is not None and high is not None
            else f"at least {low}"
            if high is None
            else f"at most {high}"
        )
        told = f"{name} must be {allowed}; found {value}."
        problems.add("param_range", told, schema.get("description", ""), at=name)


def _only_proposed(profile: Profile, schema: JsonObject) -> bool:
    reference = profile.reference
    return reference is not None and reference.proposed and reference.level == schema["default"]


def _listed(choices: Sequence[Json]) -> str:
    if not choices:
        return ""
    shown = ", ".join(repr(choice) for choice in choices[:20])
    return f" Choices: {shown}{', …' if len(choices) > 20 else ''}."


def _in_order(method: Method) -> list[str]:
    """Parameters which others depend on come first; a circle is cut at the first one declared."""
    ordered: list[str] = []
    waiting = list(method.parameters)
    while waiting:
        ready = [name for name in waiting if _depends_on(method.parameters[name]) <= set(ordered)] or waiting[:1]
        ordered += ready
        waiting = [name for name in waiting if name not in ready]
    return ordered


def _depends_on(parameter: Parameter) -> set[str]:
    levels_of = re.fullmatch(r"levels\((.*)\)", parameter.choices_from or "")
    return {name for name in (levels_of[1] if levels_of else None, parameter.differs_from) if name}


def _filled(method: Method, parameter: Parameter, profile: Profile, chosen: Mapping[str, Json]) -> JsonObject:
    schema = parameter.as_schema()
    source = parameter.choices_from
    if source is None:
        return schema
    if source == "values":
        if profile.is_matrix:
            return schema  # any gene: too many to list
        choices = [column.name for column in profile.columns if column.type == "numbers"]
        default = None
    elif source.startswith(("columns", "numbers")):
        kind, _, roles = source.partition(":")
        columns = [
            column
            for column in profile.columns
            if (len(column.levels) > 1 if kind == "columns" else column.type == "numbers")
        ]
        preferred = next(filter(None, map(profile.by_role, roles.split(",") if roles else ())), None)
        choices = [column.name for column in sorted(columns, key=lambda column: column is not preferred)]
        default = preferred.name if preferred and parameter.default_from == "role" else None
    else:
        column = _column_of(source, profile, chosen)
        choices = [level.name for level in column.levels if level.n >= method.needs.min_per_group] if column else []
        default = _default_level(method, parameter, profile, column, choices, chosen)
    if parameter.optional:
        own = [str(parameter.default)] if parameter.default else []  # as `auto`: the notebook then decides by the data
        choices = [*own, "", *choices]
        default = default or (own[0] if own else "")
    schema["enum"] = choices
    schema.pop("default", None)
    if default is not None:
        schema["default"] = default
    return schema


def _column_of(source: str, profile: Profile, chosen: Mapping[str, Json]) -> Column | None:
    levels_of = re.fullmatch(r"levels\((.*)\)", source)
    if levels_of is None:
        return profile.by_role("condition")
    name = chosen.get(levels_of[1])
    return profile.column(name) if isinstance(name, str) else None


def _default_level(
    method: Method,
    parameter: Parameter,
    profile: Profile,
    column: Column | None,
    choices: Sequence[str],
    chosen: Mapping[str, Json],
) -> str | None:
    """The proposed reference, or the only other group; None when a person must choose."""
    if column is None:
        return None
    if parameter.default_from == "reference":
        known = (
            profile.reference
            if profile.reference and profile.reference.column == column.name
            else propose_reference(column)
        )
        name = next(name for name, one in method.parameters.items() if one is parameter)
        taken = [chosen.get(other) for other, one in method.parameters.items() if one.differs_from == name]
        left = [level for level in choices if level not in taken]
        if known and known.level in left:
            return known.level
        return left[0] if len(left) == 1 else None
    if parameter.default_from == "other":
        others = [level for level in choices if level != chosen.get(parameter.differs_from or "")]
        return others[0] if len(others) == 1 else None
    return None
