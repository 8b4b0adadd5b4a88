"""The OpenAPI document, made from `routes.py` and `wire/`.

`python -m codalab_nb.frontends.server.openapi` writes it beside this file; a test holds the two equal.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from codalab_nb._version import __version__
from codalab_nb.frontends.server.routes import PREFIX, ROUTES, Query, Route
from codalab_nb.frontends.server.wire import common, events

FILE = Path(__file__).with_name("openapi.json")
_REF = "#/components/schemas/{model}"
_STREAM: tuple[tuple[str, Any, JsonSchemaMode], ...] = (
    ("FromPage", events.FromPage, "validation"),
    ("FromServer", events.FromServer, "serialization"),
)


def document() -> dict[str, Any]:
    """OpenAPI 3.1. The two sides of the WebSocket stand among the schemas as `FromPage` and `FromServer`."""
    answers = {route.answer for route in ROUTES if not isinstance(route.answer, str)} | {common.Failure}
    requests = {route.request for route in ROUTES if route.request is not None and not isinstance(route.request, str)}
    # A field with a default is always there in an answer, and may be left out of a request.
    components = {**_schemas(requests, "validation"), **_schemas(answers, "serialization")}
    for name, union, mode in _STREAM:
        schema = TypeAdapter(union).json_schema(ref_template=_REF, mode=mode)
        components |= schema.pop("$defs", {})
        components[name] = schema
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.verb.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "codalab_nb", "version": __version__, "license": {"name": "BSD-3-Clause"}},
        "servers": [{"url": PREFIX}],
        "paths": paths,
        "components": {"schemas": dict(sorted(components.items()))},
    }


def _schemas(models: set[type[BaseModel]], mode: JsonSchemaMode) -> dict[str, Any]:
    ordered = sorted(models, key=lambda model: (model.__module__, model.__qualname__))
    _, schemas = models_json_schema([(model, mode) for model in ordered], ref_template=_REF)
    return dict(schemas["$defs"])


def _operation(route: Route) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "parameters": [*parameters, *map(_query, route.query)],
        "responses": {
            str(route.status): {"description": route.summary, "content": _content(route.answer)},
            "default": {"description": "Refused, or not to be had now", "content": _content(common.Failure)},
        },
    }
    if route.request is not None:
        operation["requestBody"] = {"required": True, "content": _content(route.request)}
    return operation


def _query(query: Query) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": query.type}
    if query.many:
        schema = {"type": "array", "items": schema}
    return {"name": query.name, "in": "query", "description": query.description, "schema": schema}


def _content(kind: type[BaseModel] | str) -> dict[str, Any]:
    if isinstance(kind, str):
        return {kind: {"schema": {} if kind == "application/json" else {"type": "string", "format": "binary"}}}
    return {"application/json": {"schema": {"$ref": _REF.format(model=kind.__name__)}}}


if __name__ == "__main__":
    FILE.write_text(json.dumps(document(), indent=1) + "\n", encoding="utf-8")
