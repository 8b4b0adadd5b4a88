"""Which methods fit the chosen data sets, and why the others do not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.method import Method
from codalab_nb.site.catalog import Catalog


@dataclass(frozen=True)
class Fit:
    """A method, and for each chosen data set whether it fits and the sentence that says why or why not."""

    method: Method
    told: Mapping[str, tuple[bool, str]]  # name of the data set → (fits, sentence)

    @property
    def anywhere(self) -> bool:
        return any(fits for fits, _ in self.told.values())

    @property
    def everywhere(self) -> bool:
        return all(fits for fits, _ in self.told.values())


def judged(catalog: Catalog, chosen: Iterable[tuple[str, DatasetDocument]]) -> list[Fit]:
    """Every method, those that fit all chosen data sets first, then those that fit some; quick ones before slow ones.
    [] if none is chosen.

    `chosen`: what a data set is to be called in `Fit.told`, and the data set.
    """
    told: dict[str, dict[str, tuple[bool, str]]] = {}
    methods: dict[str, Method] = {}
    for name, document in chosen:
        for offer in catalog.offers(document.profile):
            methods[offer.template.method.name] = offer.template.method
            told.setdefault(offer.template.method.name, {})[name] = (offer.fits, offer.reason)
    found = [Fit(method, told[name]) for name, method in methods.items()]
    return sorted(found, key=lambda fit: (not fit.everywhere, not fit.anywhere, how_long(fit.method)))


def how_long(method: Method) -> float:
    """Seconds by its own word; who does not say counts as slow."""
    return method.usual_seconds or math.inf
