"""How long a method takes on a data set: what earlier runs took, else what the method says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.method import Method
from codalab_nb.site.site import Site

_LAST = 5  # runs that count


class Times:
    def __init__(self, site: Site, methods: Sequence[str]) -> None:
        self._runs: dict[tuple[str, str], list[float]] = {}
        for method, dataset, seconds in site.ledger.run_times(methods) if methods else ():
            self._runs.setdefault((method, dataset.partition("@")[0]), []).append(seconds)

    def of(self, method: Method, document: DatasetDocument) -> float | None:
        """Seconds, of any version of the data set; None where nobody knows."""
        runs = self._runs.get((method.name, document.name))
        return round(median(runs[:_LAST]), 1) if runs else method.usual_seconds
