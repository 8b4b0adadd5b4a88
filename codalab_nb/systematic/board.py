"""Where every data set × configuration stands: asked for by which rule, fitting or not, run or not. Arrays, because a
site may have ten thousand data sets and a hundred configurations.

It is made from catalogue × rules × journal, and keeps nothing that these do not tell. `refresh` brings it up to date;
what did not change is not looked at again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codalab_nb.errors import InputError
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.method import fits
from codalab_nb.model.task import State
from codalab_nb.site.catalog import Template, missing_imports
from codalab_nb.site.site import Site
from codalab_nb.systematic import identity
from codalab_nb.systematic.configuration import Configuration, configure, parse_key
from codalab_nb.systematic.journal import REFUSED, Entry, Journal
from codalab_nb.systematic.rule import Rule
from codalab_nb.systematic.rules import RuleBook
from codalab_nb.systematic.view import Spent

DAY_S = 86_400.0
_LONGEST_S = 7 * DAY_S  # of a task, from its submission
NO_RULE = -1
USUAL_S = 10.0  # of a method that says nothing and never ran


@dataclass(frozen=True)
class Standing:
    """A run that was asked for: its entry, that of its score (label-free ones), and how the open one of them stands."""

    run: Entry
    score: Entry | None
    open_state: State | None  # of the task that is open


class Board:
    """`documents` × `configurations`, in the order of names and of rules.

    asked: (n, m) int16, the place in `rules` of the first rule that asks and has budget; where none has, of the first
    that asks; NO_RULE. fit: (n, m) bool. settled: (n, m)
    bool, a run was sent, refused, or has ended.
    """

    def __init__(self, site: Site, journal: Journal, book: RuleBook) -> None:
        self._site = site
        self.journal = journal
        self._book = book
        self.documents: list[DatasetDocument] = []
        self.rules: list[Rule] = []
        self.configurations: list[Configuration] = []
        self.templates: Mapping[str, Template] = {}
        self.asked: NDArray[np.int16] = np.zeros((0, 0), dtype=np.int16)
        self.fit = np.zeros((0, 0), dtype=bool)
        self.settled = np.zeros((0, 0), dtype=bool)
        self.spent: list[Spent] = []
        self._columns_of: list[NDArray[np.intp]] = []  # of each rule, the configurations that it asks for
        self._selected = np.zeros((0, 0), dtype=bool)  # (rules, n)
        self._asked_by: list[bool] | None = None  # which rules had budget when `asked` was worked out
        self._alike: dict[tuple[str, ...], list[int]] = {}  # digests of files → rows
        self._standings: dict[tuple[int, int], Standing] = {}
        self._fits: dict[tuple[str, str], tuple[bool, str]] = {}
        self._data_keys: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self.unscored: set[tuple[int, int]] = set()  # cells whose run is done and whose score was never asked for
        self._run_of: dict[str, str] = {}  # score task → run
        self._open: set[str] = set()
        self._rows: dict[str, int] = {}
        self._columns: dict[str, int] = {}

    def refresh(self, now: float | None = None) -> None:
        """Looks at everything again. Raises UnavailableError (the home's store or ledger)."""
        self.journal.refresh()
        documents = self._site.catalog.datasets()
        rules = self._book.all()
        templates = self._site.catalog.templates()
        if rules != self.rules or templates is not self.templates:
            self._lay_out_columns(rules, templates)
            self._lay_out_rows(documents)
        elif documents != self.documents:
            self._lay_out_rows(documents)
        self._settle()
        self.spent = [self._spent(rule, time.time() if now is None else now) for rule in self.rules]
        self._ask()

    # --- what there is

    def _lay_out_columns(self, rules: list[Rule], templates: Mapping[str, Template]) -> None:
        """Everything is to be looked at anew: no row stays as it was."""
        methods = {name: template.method for name, template in templates.items()}
        self.rules, self.templates = rules, templates
        asks = [rule.configurations(methods) for rule in rules]
        found = {one.key: one for asked in asks for one in asked}
        for method in methods.values():  # what nobody asks for is shown, too: with its reason
            usual = configure(method, {})
            found.setdefault(usual.key, usual)
        order = {name: place for place, name in enumerate(methods)}
        self.configurations = sorted(found.values(), key=lambda one: (self.question(one), order[one.method], one.key))
        self._columns = {one.key: j for j, one in enumerate(self.configurations)}
        self._columns_of = [np.array([self._columns[one.key] for one in asked], dtype=np.intp) for asked in asks]
        self._keys, self.documents, self._rows = {}, [], {}
        self._standings, self.unscored = {}, set()
        self._selected = np.zeros((len(rules), 0), dtype=bool)
        self.fit = np.zeros((0, len(found)), dtype=bool)
        self.settled = np.zeros((0, len(found)), dtype=bool)
        self.journal.changed = set(self.journal.entries)

    def _lay_out_rows(self, documents: list[DatasetDocument]) -> None:
        """Rows of data sets that were there stay as they were: ten thousand are not judged again for a new one."""
        rows = {document.reference: i for i, document in enumerate(documents)}
        shape = len(documents), len(self.configurations)
        selected, fit, settled = (
            np.zeros((len(self.rules), len(rows)), bool),
            np.zeros(shape, bool),
            np.zeros(shape, bool),
        )
        known = {
            name: i for name, i in self._rows.items() if name in rows and documents[rows[name]] == self.documents[i]
        }
        stay = [(rows[name], i) for name, i in known.items()]
        new, old = (np.array(places, dtype=np.intp) for places in (zip(*stay, strict=True) if stay else ((), ())))
        selected[:, new], fit[new], settled[new] = self._selected[:, old], self.fit[old], self.settled[old]
        moved = dict(zip(old.tolist(), new.tolist(), strict=True))
        self._standings = {(moved[i], j): one for (i, j), one in self._standings.items() if i in moved}
        self.unscored = {(moved[i], j) for i, j in self.unscored if i in moved}
        places: dict[str, list[int]] = {}
        for j, one in enumerate(self.configurations):
            places.setdefault(one.method, []).append(j)
        come = [(i, document) for i, document in enumerate(documents) if document.reference not in known]
        for i, document in come:
            selected[:, i] = [rule.selects(document) for rule in self.rules]
            self._data_keys.pop(document.reference, None)  # removed and added again, it may be another one
            for name, of_method in places.items():
                self._fits.pop((document.reference, name), None)
                fit[i, of_method] = self._judged(document, name)[0]
        self.documents, self._rows = documents, rows
        self._selected, self.fit, self.settled = selected, fit, settled
        self._asked_by = None
        self._alike = {}
        for i, document in enumerate(documents):
            self._alike.setdefault(_files(document), []).append(i)
        if come:  # results of a data set that was away, or of one with the same files
            files = {_files(document) for _, document in come}
            references = {documents[i].reference for these in files for i in self._alike[these]}
            self.journal.changed |= {one.id for one in self.journal.entries.values() if one.dataset in references}

    def _ask(self) -> None:
        """Works `asked` out again, if other rules have budget than before."""
        able = [self.has_budget(place) for place in range(len(self.rules))]
        if able == self._asked_by:
            return
        self._asked_by = able
        self.asked = np.full(self.fit.shape, NO_RULE, dtype=np.int16)
        # The last word has the first rule that has budget: one whose budget is used keeps nobody else from work.
        for place in sorted(range(len(self.rules)), key=lambda place: (able[place], -place)):
            self.asked[np.ix_(self._selected[place], self._columns_of[place])] = place

    def question(self, configuration: Configuration) -> str:
        """The kind of question it answers; a method that names none stands for itself."""
        method = self.templates[configuration.method].method
        return method.answers or method.name

    def why_unfit(self, i: int, j: int) -> str:
        return self._judged(self.documents[i], self.configurations[j].method)[1]

    def _judged(self, document: DatasetDocument, name: str) -> tuple[bool, str]:
        known = self._fits.get((document.reference, name))
        if known is None:
            method = self.templates[name].method
            missing = missing_imports(method)
            absent = f"Needs {', '.join(missing)}, not installed here."
            known = (False, absent) if missing else fits(method, document.profile)
            self._fits[document.reference, name] = known
        return known

    # --- what was done

    def run_id(self, i: int, j: int) -> str:
        """The id of the task of a cell. Raises InputError (its notebook is gone)."""
        document, configuration = self.documents[i], self.configurations[j]
        data = self._remember(self._data_keys, document.reference, lambda: identity.data_key(document))
        template = self.templates[configuration.method]
        try:
            key = self._remember(
                self._keys, configuration.key, lambda: identity.configuration_key(configuration, template)
            )
        except OSError as error:
            told = f"The notebook of {configuration.method} cannot be read: {error.strerror}."
            raise InputError("method_unknown", told, "Install the method again.") from error
        return identity.run_id(data, key)

    def profile_id(self, i: int) -> str:
        document = self.documents[i]
        return identity.profile_id(
            self._remember(self._data_keys, document.reference, lambda: identity.data_key(document))
        )

    @staticmethod
    def _remember(known: dict[str, str], name: str, make: Callable[[], str]) -> str:
        if name not in known:
            known[name] = make()
        return known[name]

    def standing(self, i: int, j: int) -> Standing | None:
        """How the run of a cell stands; None where it was never sent, or is not in the ledger (it died on its way)."""
        return self._standings.get((i, j))

    def standings(self) -> Mapping[tuple[int, int], Standing]:
        return self._standings

    def is_label_free(self, configuration: str) -> bool:
        """Whether its score takes a task of its own."""
        score = self.templates[parse_key(configuration).method].method.score
        return score is not None and score.is_label_free

    def _needs_score(self, standing: Standing) -> bool:
        run = standing.run
        return run.state == State.SUCCEEDED and standing.score is None and self.is_label_free(run.configuration)

    def _settle(self) -> None:
        """Looks at what changed, and at what is open."""
        entries = self.journal.entries
        rows = {row.id: row.state for row in self._site.ledger.find(states=(State.QUEUED, State.RUNNING))}
        wanted = self.journal.changed | self._open
        self.journal.changed, self._open = set(), set()
        for task in wanted:
            # A score stands with its run. Somebody who began the journal anew took what was known.
            entry = entries.get(self._run_of.get(task, task))
            if entry is not None and entry.kind == "run":
                for cell in self._cells_of(entry):
                    self._settle_cell(cell, entry, rows)

    def _settle_cell(self, cell: tuple[int, int], run: Entry, rows: Mapping[str, State]) -> None:
        score_task = identity.score_id(run.id)
        self._run_of[score_task] = run.id
        score = self.journal.entries.get(score_task)
        if self._is_lost(run, rows):
            self._standings.pop(cell, None)
            self.unscored.discard(cell)
            self.settled[cell] = False
            return
        known = score if score is not None and not self._is_lost(score, rows) else None
        state = rows.get(run.id) or (rows.get(known.id) if known else None)
        self._standings[cell] = standing = Standing(run, known, state)
        self.settled[cell] = True
        (self.unscored.add if self._needs_score(standing) else self.unscored.discard)(cell)
        if run.state is None or (known is not None and known.state is None):
            self._open.add(run.id)

    def _cells_of(self, run: Entry) -> list[tuple[int, int]]:
        """[] for one that is of another version of the notebook or the data, or of another environment; several where
        the same data have several names."""
        i, j = self._rows.get(run.dataset), self._columns.get(run.configuration)
        if i is None or j is None:
            return []
        try:
            return [(row, j) for row in self._alike[_files(self.documents[i])] if self.run_id(row, j) == run.id]
        except InputError:
            return []

    def is_open(self, entry: Entry) -> bool:
        """Whether its task is there and has no verdict yet (or one that nobody has written down)."""
        return entry.state is None and self._site.ledger.get(entry.id) is not None

    def _is_lost(self, entry: Entry, open_rows: Mapping[str, State]) -> bool:
        """Whether it was to be sent, and whoever sent it died before it was accepted."""
        return entry.state is None and entry.id not in open_rows and self._site.ledger.get(entry.id) is None

    # --- budgets

    def has_budget(self, place: int) -> bool:
        """Whether the rule at that place may start one more task."""
        spent = self.spent[place]
        return (spent.tasks_limit is None or spent.tasks < spent.tasks_limit) and (
            spent.cpu_seconds_limit is None or spent.cpu_seconds < spent.cpu_seconds_limit
        )

    def _spent(self, rule: Rule, now: float) -> Spent:
        """In the last 24 hours. A task that is open counts as a quick one: how long it waits is no cost.

        Times of a clock that was far ahead are not believed, or the rule would rest until they come.
        """
        mine = [one for one in self._lately(now) if one.rule == rule.name]
        recent = [one for one in mine if abs(now - one.sent_at) < DAY_S]
        seconds = sum(_cost(one, now) for one in mine if abs(now - (one.ended_at or now)) < DAY_S)
        problems = rule.problems({name: template.method for name, template in self.templates.items()})
        return Spent(
            rule=rule.name,
            tasks=len(recent),
            tasks_limit=rule.budget.tasks,
            cpu_seconds=seconds,
            cpu_seconds_limit=rule.budget.cpu_seconds,
            problem=" ".join(str(problem) for problem in problems[:3]),
        )

    def _lately(self, now: float) -> Iterator[Entry]:
        """What was run and may have cost something in the last 24 hours; a task may take days."""
        for entry in reversed(self.journal.entries.values()):
            if entry.sent_at < now - _LONGEST_S - DAY_S:
                return
            if entry.state != REFUSED and not entry.stands_for:
                yield entry


def _cost(entry: Entry, now: float) -> float:
    return entry.seconds or 0.0 if entry.state else min(max(now - entry.sent_at, 0.0), USUAL_S)


def _files(document: DatasetDocument) -> tuple[str, ...]:
    return tuple(sorted(file.sha256 for file in document.files))
