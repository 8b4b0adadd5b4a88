"""One value for several data sets: it holds where the data set has that choice, the others keep their own default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from codalab_nb.model.base import Json
from codalab_nb.model.choices import parameter_schema
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.method import Method


def for_each(
    method: Method, documents: Sequence[DatasetDocument], values: Mapping[str, Json]
) -> dict[str, dict[str, Json]]:
    """Reference of the data set → the values that hold there. One that is a choice in none of them holds in all, so
    that it is told to be wrong."""
    found = {document.reference: _known(method, document, values) for document in documents}
    everywhere = {name for name in values if all(name not in one for one in found.values())}
    for one in found.values():
        one |= {name: values[name] for name in everywhere}
    return found


def _known(method: Method, document: DatasetDocument, values: Mapping[str, Json]) -> dict[str, Json]:
    known = dict(values)
    while True:
        properties = parameter_schema(method, document.profile, known)["properties"]
        strange = [
            name
            for name, value in known.items()
            if name in properties
            and "x-choices-from" in properties[name]
            and value not in properties[name].get("enum", [value])
        ]
        if not strange:
            return known
        del known[strange[0]]  # one at a time: the choices of the next may depend on it
