"""Which parameters of a task are worth showing: those chosen otherwise than the method would have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from codalab_nb.errors import InputError
from codalab_nb.frontends.cli.text import number
from codalab_nb.model.choices import parameter_schema
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.site import Site

_ABSENT = object()


def notable(site: Site, rows: Iterable[TaskRow]) -> dict[str, str]:
    """Task id → `alpha=0.01, reference=AML`; empty for a task that took all defaults."""
    defaults: dict[tuple[str | None, str | None], Mapping[str, Any]] = {}
    told = {}
    for row in rows:
        key = (row.dataset, row.method)
        if key not in defaults:
            defaults[key] = _defaults(site, row)
        own = {
            name: value for name, value in row.parameters.items() if value not in ("", defaults[key].get(name, _ABSENT))
        }
        told[row.id] = ", ".join(
            f"{name}={number(value) if type(value) is float else value}" for name, value in own.items()
        )
    return told


def _defaults(site: Site, row: TaskRow) -> Mapping[str, Any]:
    if row.method is None or row.dataset is None:
        return {}
    try:
        method = site.catalog.template(row.method).method
        profile = site.catalog.dataset(row.dataset).profile
    except InputError:  # removed meanwhile: then all parameters are shown
        return {}
    properties = parameter_schema(method, profile)["properties"]
    return {name: schema["default"] for name, schema in properties.items() if "default" in schema}
