"""Everything that is known of methods on data sets, as rows: what came with the project, what systematic analysis found
here, and what people ran themselves. From these rows, and nothing else, recommendations are made."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from codalab_nb.errors import InputError
from codalab_nb.model.choices import check_parameters
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.method import Method
from codalab_nb.model.task import Priority, State
from codalab_nb.site.catalog import Template
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.site import Site
from codalab_nb.systematic import shipped
from codalab_nb.systematic.configuration import Configuration, configure, parse_key
from codalab_nb.systematic.evidence import Evidence, Run, gather
from codalab_nb.systematic.families import related
from codalab_nb.systematic.journal import Entry, Journal

_LOOKED_UP = ("content", "samples")  # sketches by which an origin shows; gene names are shared by strangers
_MOST_HOLDERS = 50
_LOOKED_AT = 20_000  # of people's own runs, the last ones


@dataclass(frozen=True)
class Known:
    """One run: where, of what, how good (NaN: no score; -inf: it failed), how long (NaN: not known), and by which task,
    if it was one of this site."""

    dataset: str
    question: str
    configuration: str
    score: float
    seconds: float
    task: str | None = None
    waited_for: bool = False  # by a person: it had the machine for itself, as far as others let it


@dataclass(frozen=True)
class Measured:
    """The meta-features and sketches of a data set; its family as the project's own table calls it, if it is there."""

    features: Mapping[str, float]
    sketches: Mapping[str, Sequence[int]]
    family: str | None = None


class Knowledge:
    """The rows of a site at one moment."""

    def __init__(self, site: Site, journal: Journal) -> None:
        self._templates = site.catalog.templates()
        self.measured: dict[str, Measured] = {}
        self.runs: list[Known] = []
        # A data set that was removed, and another one added under its name: what was known is of the old one.
        self._made_at = {one.reference: one.created_at.timestamp() for one in site.catalog.datasets()}
        self._read_shipped()
        self._read_journal(journal)
        self._read_people(site)
        self.families = _families(self.measured)

    def evidence(self, question: str) -> Evidence:
        """What is known of the configurations that answer `question`."""
        runs = [
            Run(one.dataset, self.family(one.dataset), one.configuration, one.score, one.seconds)
            for one in self.runs
            if one.question == question
        ]
        names = sorted({name for one in self.measured.values() for name in one.features})
        table = {
            dataset: [one.features.get(name, math.nan) for name in names] for dataset, one in self.measured.items()
        }
        return gather(runs, table)

    def features(self, dataset: str) -> list[float]:
        """In the order of `evidence`; NaN where one is not known."""
        names = sorted({name for one in self.measured.values() for name in one.features})
        known = self.measured.get(dataset)
        return [known.features.get(name, math.nan) if known else math.nan for name in names]

    def family(self, dataset: str) -> str:
        return self.families.get(dataset, dataset)

    def seen(self, dataset: str, question: str) -> dict[str, Known]:
        """Configuration → its run on that very data set, those with a score and those that failed."""
        return {
            one.configuration: one
            for one in self.runs
            if one.dataset == dataset and one.question == question and not math.isnan(one.score)
        }

    def usual_seconds(self) -> dict[str, float]:
        """Configuration → how long a run takes for whoever waits for it: the median of people's own runs. Without one
        at most what was measured in the background, where a run gives way to everything, or on another machine."""
        waited: dict[str, list[float]] = defaultdict(list)
        all_of: dict[str, list[float]] = defaultdict(list)
        for one in self.runs:
            if math.isfinite(one.seconds):
                (waited if one.waited_for else all_of)[one.configuration].append(one.seconds)
        usual = {name: min(_median(times), self._declared(name)) for name, times in all_of.items()}
        return {**usual, **{name: _median(times) for name, times in waited.items()}}

    def _declared(self, configuration: str) -> float:
        template = self._templates.get(parse_key(configuration).method)
        return (template.method.usual_seconds if template else None) or math.inf

    # --- the three sources

    def _read_shipped(self) -> None:
        with contextlib.suppress(ValueError):  # a table that somebody damaged is as good as none
            known = shipped.read()
            for dataset in known.datasets.values():
                self.measured[dataset.dataset] = Measured(dataset.features, dataset.sketches, dataset.family)
            for run in known.runs:
                score = -math.inf if run.state == State.FAILED else run.score
                self.runs.append(Known(run.dataset, run.question, run.configuration, score, run.seconds))

    def _read_journal(self, journal: Journal) -> None:
        scores = {}
        entries = [one for one in journal.entries.values() if not self._is_of_another(one.dataset, one.sent_at)]
        for entry in entries:
            if entry.kind == "profile" and entry.features:
                features = {name: math.nan if value is None else value for name, value in entry.features.items()}
                self.measured[entry.dataset] = Measured(features, entry.sketches)
            elif entry.kind == "score" and entry.score is not None:
                scores[entry.dataset, entry.configuration] = entry.score
        for entry in entries:
            if entry.kind == "run" and entry.state == State.FAILED:
                self._add(entry, -math.inf)
            if entry.kind == "run" and entry.state == State.SUCCEEDED:
                if entry.score is not None:
                    scores[entry.dataset, entry.configuration] = entry.score
                self._add(entry, scores.get((entry.dataset, entry.configuration), math.nan))

    def _is_of_another(self, dataset: str, at: float) -> bool:
        return at < self._made_at.get(dataset, -math.inf)

    def _add(self, entry: Entry, score: float) -> None:
        template = self._templates.get(parse_key(entry.configuration).method)
        if template is not None:
            seconds = math.nan if entry.seconds is None else entry.seconds
            question = template.method.answers or template.method.name
            self.runs.append(Known(entry.dataset, question, entry.configuration, score, seconds, entry.task))

    def _read_people(self, site: Site) -> None:
        """What people ran, where it is a plain run of a method: on the data set as it is understood."""
        counted = {one.task for one in self.runs}
        documents: dict[str, DatasetDocument | None] = {}
        for row in site.ledger.find(states=(State.SUCCEEDED,), service=False, limit=_LOOKED_AT):
            template = self._templates.get(row.method or "")
            if template is None or row.dataset is None or row.id in counted:
                continue
            if self._is_of_another(row.dataset, row.submitted_at):
                continue
            if row.dataset not in documents:
                documents[row.dataset] = _document(site, row.dataset)
            document = documents[row.dataset]
            found = as_configured(template, document, row) if document is not None else None
            if found is None:
                continue
            score = template.method.score_of(row.metrics)
            question = template.method.answers or template.method.name
            seconds = math.nan if row.seconds is None else row.seconds
            score = math.nan if score is None else score
            waited_for = row.priority == Priority.URGENT
            self.runs.append(Known(row.dataset, question, found.key, score, seconds, row.id, waited_for))


def as_configured(template: Template, document: DatasetDocument, row: TaskRow) -> Configuration | None:
    """The configuration that a run was of; None where it asked something else of the data (another column, say)."""
    method = template.method
    try:
        usual = check_parameters(method, document.profile, {})
    except InputError:
        return None
    given = {name: value for name, value in row.parameters.items() if name in method.parameters}
    if any(given[name] != usual.get(name) for name in given if _is_of_the_data(method, name)):
        return None
    return configure(method, {name: value for name, value in given.items() if not _is_of_the_data(method, name)})


def _is_of_the_data(method: Method, name: str) -> bool:
    """Whether a parameter names something in the data set, as a column or a group."""
    return method.parameters[name].choices_from is not None


def _document(site: Site, reference: str) -> DatasetDocument | None:
    try:
        return site.catalog.dataset(reference)
    except InputError:
        return None


def _families(measured: Mapping[str, Measured]) -> dict[str, str]:
    """Data set → its family: those that share samples or values, directly or through others; and as the project's own
    table says."""
    leader = {name: name for name in measured}

    def find(name: str) -> str:
        while leader[name] != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    first: dict[str, str] = {}
    for name, one in measured.items():
        if one.family is not None:
            leader[find(name)] = find(first.setdefault(one.family, name))
    for this, other in _of_one_origin(measured):
        leader[find(this)] = find(other)
    return {name: find(name) for name in measured}


def _of_one_origin(measured: Mapping[str, Measured]) -> Iterator[tuple[str, str]]:
    """Pairs that were made from one another, as their sketches show. Who may be such a pair is looked up by hash: ten
    thousand data sets have 50 million pairs."""
    pairs: set[tuple[str, str]] = set()
    for kind in _LOOKED_UP:
        holders: dict[int, list[str]] = defaultdict(list)
        for name, one in measured.items():
            for number in one.sketches.get(kind, ()):
                holders[number].append(name)
        for names in holders.values():
            # A hash that very many have is a name like S1: it tells nothing, and would be the square of work.
            pairs.update(itertools.combinations(names[:_MOST_HOLDERS], 2))
    for this, other in pairs:
        if related(measured[this].sketches, measured[other].sketches):
            yield this, other


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
