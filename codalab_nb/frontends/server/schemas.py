"""JSON Schemas of several data sets, and of several methods, as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from codalab_nb.model.base import JsonObject


def joined(schemas: Mapping[str, JsonObject]) -> JsonObject:
    """One schema for a method on several data sets (name → its schema for it).

    Choices are those of any of them: a value holds where the data set has it (`choosing.several`). Where the defaults
    differ there is none: each data set then keeps its own unless a person chooses, which its description says.
    """
    first = next(iter(schemas.values()))
    properties: dict[str, JsonObject] = {}
    required: list[str] = []
    for name in first["properties"]:
        each = {dataset: schema["properties"][name] for dataset, schema in schemas.items()}
        properties[name] = _choosable(_joined(each))
        if any("default" not in one for one in each.values()):
            required.append(name)
    return {**first, "properties": properties, "required": required}


def _joined(each: Mapping[str, JsonObject]) -> JsonObject:
    schemas = list(each.values())
    one = dict(schemas[0])
    if all(schema == schemas[0] for schema in schemas):
        return one
    if all("enum" in schema for schema in schemas):
        one["enum"] = list(dict.fromkeys(choice for schema in schemas for choice in schema["enum"]))
    else:  # of a general table the columns are listed, of a matrix any gene may be named
        one.pop("enum", None)
    if any(schema.get("default") != one.get("default") for schema in schemas):
        one.pop("default", None)
        own = {name: schema["default"] for name, schema in each.items() if "default" in schema}
        told = ", ".join(f"{default or 'none'} ({name})" for name, default in own.items())
        one["description"] = f"{one.get('description', '')}. Unless you choose one: {told}".lstrip(". ")
    return one


def _choosable(schema: JsonObject) -> JsonObject:
    """An empty list of choices is no JSON Schema."""
    if schema.get("enum") == []:
        del schema["enum"]
        schema["readOnly"] = True
        schema["description"] = f"{schema.get('description', '')} (nothing to choose in these data)".strip()
    return schema


def alike(schemas: Sequence[JsonObject]) -> JsonObject:
    """What several methods ask for alike, to be asked once: the same name, type, choices, range and default."""
    found: dict[str, list[JsonObject]] = {}
    for schema in schemas:
        for name, one in schema["properties"].items():
            found.setdefault(name, []).append(one)
    shared = {
        name: ones[0]
        for name, ones in found.items()
        if len(ones) > 1 and all(_core(one) == _core(ones[0]) for one in ones)
    }
    required = [name for name in shared if any(name in schema["required"] for schema in schemas)]
    return {"type": "object", "properties": shared, "required": required}


def _core(schema: JsonObject) -> dict[str, Any]:
    """Without the words: they may be put differently."""
    return {key: value for key, value in schema.items() if key not in ("title", "description")}
