"""What a person has chosen in the panel, and what follows from it. Knows no widgets, so that it is tested as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from codalab_nb import examples
from codalab_nb.errors import InputError, Problems
from codalab_nb.frontends.choosing.batch import drafts as batch_drafts
from codalab_nb.frontends.choosing.fits import Fit, judged
from codalab_nb.frontends.choosing.words import roughly, searched
from codalab_nb.model.base import Json, JsonObject
from codalab_nb.model.choices import parameter_schema
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.method import Method
from codalab_nb.settings import parse_duration, parse_size
from codalab_nb.site.requests import Draft, Options
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Batch
from codalab_nb.systematic.view import Advice, Recommended

_T = TypeVar("_T")


@dataclass(frozen=True)
class Advanced:
    """Limits as typed; empty text means the site's own."""

    timeout: str = ""
    memory: str = ""
    network: bool = False


class PanelState:
    """Data sets × methods × settings, as chosen so far; `analyze` submits them as one batch."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.documents: dict[str, DatasetDocument] = {}  # the newest version of each data set
        self.chosen: list[str] = []  # names of data sets, in the order they were chosen
        self.methods: list[str] = []
        self.looked_at: str | None = None  # the data set whose details are shown
        self.advanced = Advanced()
        self._given: dict[tuple[str, str | None], dict[str, Json]] = {}
        self._fits: tuple[list[str], list[Fit]] = ([], [])  # for which versions, and what fits them
        self.looks = 0  # at what others may have changed
        self.advice: dict[str, Advice] = {}  # version of a data set → what is recommended, as far as it was looked up
        self.refresh()

    # --- data

    def refresh(self) -> None:
        """Reads the data sets anew: others may have added or removed some."""
        self.looks += 1
        self._fits = ([], [])
        self.documents = {document.name: document for document in self.site.catalog.datasets()}
        self.chosen = [name for name in self.chosen if name in self.documents]
        if self.looked_at not in self.documents:
            self.looked_at = self.chosen[-1] if self.chosen else None
        self._forget_what_does_not_fit()

    def found(self, search: str) -> list[DatasetDocument]:
        """Data sets with every word of `search` in their name, their groups or their columns; chosen ones always."""
        words = search.casefold().split()
        return [
            document
            for document in self.documents.values()
            if document.name in self.chosen or all(word in searched(document.name, document.profile) for word in words)
        ]

    def choose(self, name: str, chosen: bool) -> None:
        if chosen and name not in self.chosen:
            self.chosen.append(name)
            self.looked_at = name
        elif not chosen and name in self.chosen:
            self.chosen.remove(name)
            if self.looked_at == name and self.chosen:
                self.looked_at = self.chosen[-1]
        self._forget_what_does_not_fit()

    def add(
        self, table: Path, *, samples: str | Path | None = None, sheet: str = "", name: str = ""
    ) -> DatasetDocument:
        """Adds a data set and chooses it. `samples`: a file, or a sheet of the workbook. Raises InputError."""
        catalog = self.site.catalog
        return self._added(
            catalog.add([table], samples=samples, sheet=sheet.strip() or None, name=name.strip() or None)
        )

    def add_example(self) -> DatasetDocument:
        folder = examples.example_folder()
        expression, samples = folder / "expression.csv", folder / "samples.csv"
        return self._added(self.site.add_dataset(expression, samples=samples, name=examples.GOLUB))

    def revise(
        self,
        name: str,
        *,
        roles: Mapping[str, str] | None = None,
        kind: str | None = None,
        level: str | None = None,
        accept: bool = False,
    ) -> DatasetDocument:
        """A new version with a person's word on roles, kind of values, reference level. Raises InputError."""
        document = self.documents[name]
        return self._added(
            self.site.catalog.set(document.reference, roles=roles, kind=kind, level=level, accept=accept)
        )

    def _added(self, document: DatasetDocument) -> DatasetDocument:
        self.documents[document.name] = document
        self.documents = dict(sorted(self.documents.items()))
        self.choose(document.name, True)
        self.looked_at = document.name
        self._forget_what_does_not_fit()
        return document

    # --- methods

    def versions(self) -> list[str]:
        """References of the chosen data sets."""
        return [self.documents[name].reference for name in self.chosen if name in self.documents]

    def fits(self) -> list[Fit]:
        """Every method, those that fit all chosen data sets first, then those that fit some; recommended ones before
        others."""
        versions = self.versions()
        known, found = self._fits
        if versions != known:
            found = judged(self.site.catalog, ((name, self.documents[name]) for name in self.chosen))
            self._fits = (versions, found)
        # Advice comes when it comes, in a thread: the order is not kept.
        return sorted(
            found, key=lambda fit: (not fit.everywhere, not fit.anywhere, not self.recommended(fit.method.name))
        )

    def choose_method(self, name: str, chosen: bool) -> None:
        if chosen and name not in self.methods:
            self.methods.append(name)
        elif not chosen and name in self.methods:
            self.methods.remove(name)

    def _forget_what_does_not_fit(self) -> None:
        fitting = {fit.method.name for fit in self.fits() if fit.anywhere}
        self.methods = [name for name in self.methods if name in fitting]

    # --- what is recommended

    def known_advice(self, versions: Sequence[str]) -> dict[str, Advice]:
        """What the results that there are speak for; runs nothing. May take a moment. Raises CodalabError."""
        from codalab_nb.systematic import advice  # not before it is needed: it brings numpy along

        return advice.recommend_known(self.site, versions) if versions else {}

    def take_advice(self, found: Mapping[str, Advice]) -> None:
        self.advice = dict(found)

    def recommended(self, method: str) -> list[tuple[str, Recommended]]:
        """Chosen data set and settings, where this method is recommended."""
        return [
            (name, one)
            for name in self.chosen
            if (told := self.advice.get(self.documents[name].reference))
            for one in told.recommended
            if one.method == method and one.badge
        ]

    def use(self, dataset: str, one: Recommended) -> None:
        """Chooses what is recommended for a data set, with its settings."""
        self.choose_method(one.method, True)
        for values, given in self._settings_of(dataset, one):
            given.update(values)

    def uses(self, dataset: str, one: Recommended) -> bool:
        """Whether it is chosen with these settings."""
        pairs = self._settings_of(dataset, one)
        return one.method in self.methods and all(given.items() >= values.items() for values, given in pairs)

    def _settings_of(self, dataset: str, one: Recommended) -> list[tuple[dict[str, Json], dict[str, Json]]]:
        """The recommended values, beside what a person set where they belong: for all data sets, or for this one."""
        method = next(fit.method for fit in self.fits() if fit.method.name == one.method)
        shared = self.shared(method) if len(self.datasets_of(method)) > 1 else ()
        of_all = {name: value for name, value in one.parameters.items() if name in shared}
        own = {name: value for name, value in one.parameters.items() if name not in shared}
        return [(of_all, self.given(one.method, None)), (own, self.given(one.method, dataset))]

    # --- what is to be done

    def work(self) -> list[tuple[DatasetDocument, Method]]:
        """What Analyze would run: every chosen method on every chosen data set that it fits."""
        fits = {fit.method.name: fit for fit in self.fits()}
        return [
            (self.documents[dataset], fits[method].method)
            for dataset in self.chosen
            for method in self.methods
            if fits[method].told[dataset][0]
        ]

    def left_out(self) -> list[tuple[str, Method, str]]:
        """Data set, method and reason of what was chosen and does not fit together."""
        return [
            (dataset, fit.method, reason)
            for fit in self.fits()
            if fit.method.name in self.methods
            for dataset, (fits, reason) in fit.told.items()
            if not fits
        ]

    # --- settings

    def datasets_of(self, method: Method) -> list[DatasetDocument]:
        return [document for document, one in self.work() if one.name == method.name]

    def shared(self, method: Method) -> list[str]:
        """Parameters set once for all data sets: all but those whose choices a data set gives."""
        if len(self.datasets_of(method)) == 1:
            return list(method.parameters)
        return [name for name, parameter in method.parameters.items() if parameter.choices_from is None]

    def given(self, method: str, dataset: str | None) -> dict[str, Json]:
        """What a person set: for one data set, or (None) for all of them. Kept when the choice of data changes."""
        return self._given.setdefault((method, dataset), {})

    def schema(self, method: Method, document: DatasetDocument, given: Mapping[str, Json]) -> JsonObject:
        return parameter_schema(method, document.profile, given)

    def options(self) -> Options:
        """Raises InputError with every wrong limit."""
        problems, limits = Problems(), self.advanced
        timeout = _measured("timeout", "Time limit", limits.timeout, parse_duration, problems)
        memory = _measured("memory", "Memory limit", limits.memory, parse_size, problems)
        problems.raise_if_any()
        return Options(timeout_s=timeout, memory_bytes=memory, network=limits.network)

    def usual_time(self) -> str:
        """`about 3 s`, from what the methods declare; empty where one declares nothing."""
        known = [method.usual_seconds for _, method in self.work() if method.usual_seconds is not None]
        return f"about {roughly(sum(known))}" if known else ""

    # --- analyze

    def drafts(self) -> list[Draft]:
        """What `analyze` would submit. Raises InputError with every problem at once."""
        problems = Problems()
        options = Options()
        try:
            options = self.options()
        except InputError as error:
            problems.take(error)
        return batch_drafts(self.site, self.work(), self._given_for, options, problems)

    def _given_for(self, document: DatasetDocument, method: Method) -> dict[str, Json]:
        return {**self.given(method.name, None), **self.given(method.name, document.name)}

    def analyze(self) -> Batch:
        """Submits all of it as one batch, or nothing. Raises InputError with every problem, UnavailableError."""
        drafts = self.drafts()
        batch = drafts[0].document.batch
        assert batch is not None
        return Batch(self.site, batch, self.site.submit(drafts))


def _measured(code: str, title: str, text: str, read: Callable[[object], _T], problems: Problems) -> _T | None:
    if not text.strip():
        return None
    try:
        return read(text)
    except ValueError as error:
        problems.add(code, f"{title}: {error}.")
        return None
