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
_Key = tuple[str | None, str | None, str | None]  # batch, data set, method


def notable(site: Site, rows: Iterable[TaskRow]) -> dict[str, str]:
    """Task id → `alpha=0.01, reference=AML`; empty for a task that took all defaults."""
    rows = list(rows)
    defaults: dict[_Key, Mapping[str, Any]] = {}
    for row in rows:
        if _key(row) not in defaults:
            defaults[_key(row)] = _defaults(site, row)
    varied = _varied(rows)
    told = {}
    for row in rows:
        usual = defaults[_key(row)]
        own = {
            name: value
            for name, value in row.parameters.items()
            if (_key(row), name) in varied or value not in ("", usual.get(name, _ABSENT))
        }
        spelled = (f"{name}={number(value) if type(value) is float else value}" for name, value in own.items())
        told[row.id] = ", ".join(spelled)
    return told


def _key(row: TaskRow) -> _Key:
    return row.batch, row.dataset, row.method


def _varied(rows: Iterable[TaskRow]) -> set[tuple[_Key, str]]:
    """Parameters that differ among the tasks of one batch: those of a sweep."""
    values: dict[tuple[_Key, str], set[str]] = {}
    for row in rows:
        for name, value in row.parameters.items():
            values.setdefault((_key(row), name), set()).add(repr(value))
    return {key for key, different in values.items() if len(different) > 1 and key[0][0] is not None}


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
