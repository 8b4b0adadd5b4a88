"""A configuration: a method with the values it was given, as one name. It is what results are compared by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from codalab_nb.model.method import Method


@dataclass(frozen=True, eq=False)
class Configuration:
    """`parameters`: the given values that differ from the method's defaults; everything else is left to the defaults
    and the data set. Equal configurations have equal keys."""

    method: str
    parameters: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def key(self) -> str:
        """`de-continuous`, or `predict-class model="forest" n_features=50`: names sorted, values as JSON."""
        given = (f"{name}={json.dumps(value)}" for name, value in sorted(self.parameters.items()))
        return " ".join([self.method, *given])

    @property
    def words(self) -> str:
        """For people: `model = forest, n_features = 50`; "" with the defaults alone."""
        return ", ".join(f"{name} = {value}" for name, value in sorted(self.parameters.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Configuration) and self.key == other.key  # to Python, 1 and 1.0 and True are the same

    def __hash__(self) -> int:
        return hash(self.key)


def configure(method: Method, given: Mapping[str, Any]) -> Configuration:
    """With the values that are the method's defaults left out: giving a default is giving nothing."""
    own = {name: value for name, value in given.items() if not _is_default(method, name, value)}
    return Configuration(method.name, MappingProxyType(dict(sorted(own.items()))))


def parse_key(key: str) -> Configuration:
    """The configuration that a key names. Raises ValueError."""
    method, _, rest = key.partition(" ")
    parameters = {}
    decoder = json.JSONDecoder()
    while rest:
        name, separator, rest = rest.partition("=")
        if not separator or not name:
            raise ValueError(f"{key!r} names no configuration")
        try:
            value, end = decoder.raw_decode(rest)
        except ValueError:
            end = -1
        if rest[end : end + 1] not in ("", " ") or end < 0:
            raise ValueError(f"{key!r} names no configuration")
        parameters[name] = value
        rest = rest[end + 1 :]
    return Configuration(method, MappingProxyType(parameters))


def _is_default(method: Method, name: str, value: Any) -> bool:
    parameter = method.parameters.get(name)
    if parameter is None:
        return False
    default = "" if parameter.default is None and parameter.type == "string" else parameter.default
    return bool(value == default) and isinstance(value, bool) == isinstance(default, bool)
