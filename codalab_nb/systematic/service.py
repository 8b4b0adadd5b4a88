"""The planner at work: looks what ended, sends what is next, a few ahead, while nobody waits.

It is a process of its own, beside the one that serves the home, so that no thought of it slows a task down; and it may
be killed at any moment: ledger and journal tell the next one everything.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from codalab_nb.errors import CodalabError, InputError, UnavailableError
from codalab_nb.model.names import TaskNames
from codalab_nb.model.pool import LOCAL
from codalab_nb.model.task import TERMINAL, Priority, State
from codalab_nb.site.catalog import Template
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.requests import Draft, Options
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task
from codalab_nb.systematic.board import Board
from codalab_nb.systematic.cells import counts
from codalab_nb.systematic.identity import score_id
from codalab_nb.systematic.journal import REFUSED, Entry, Journal
from codalab_nb.systematic.knowledge import Knowledge
from codalab_nb.systematic.planner import Planner, Step
from codalab_nb.systematic.rules import RuleBook
from codalab_nb.systematic.same import find_same
from codalab_nb.systematic.service_tasks import SCORE_FILE, profile_draft, read_profile, read_score, score_draft
from codalab_nb.systematic.status_file import StatusFile

log = logging.getLogger(__name__)

_LOOK_S = 2.0  # without a bell: for a new data set, a rule, a budget that is renewed
_REST_S = 15.0  # when the store or the ledger cannot be used
_ATTEMPTS = 20  # it is there for days, and a machine that is switched off each evening is no fault of the task
_PATIENCE = 8  # times the time limit of a person's task
_DIED_S = 60.0  # a submit that took so long is over
_LEARN_AGAIN = 0.1  # when so much more is known, relatively


class Service:
    """Follows the rules of a site until it is switched off, or until methods or packages change: what a process knows
    of these it keeps, and the next one is started at once."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._journal = Journal(site.places.systematic)
        self._board = Board(site, self._journal, RuleBook(site.places.rules))
        self._planner = Planner(self._board)
        self._learned_from = -1
        self._installed = _installed(site)
        # The limit is of time on the clock, and a task that gives way to everything may stand still for hours.
        patient = min(_PATIENCE * site.settings.timeout, site.settings.deadline)
        self._options = Options(
            priority=Priority.BACKGROUND, timeout_s=patient, max_attempts=max(_ATTEMPTS, site.settings.max_attempts)
        )

    def run(self, stop: threading.Event) -> None:
        with contextlib.ExitStack() as stack:
            listener = self._site.ledger.changes.listen()
            if listener is not None:
                stack.enter_context(listener)
            told = ""
            while not stop.is_set() and self._site.places.systematic_switch.exists():
                if _installed(self._site) != self._installed:
                    log.info("methods or packages changed: beginning anew")
                    return
                try:
                    doing = self.step()
                    self._tell(doing, {str(state): n for state, n in counts(self._board).items()})
                    pause = _LOOK_S
                except UnavailableError as error:
                    doing, pause = f"Waits: {error}", _REST_S
                    if doing != told:  # not every few seconds for a week
                        log.warning("systematic analysis waits: %s", error)
                    self._tell(doing, {})  # the board may be half laid out
                told = doing
                if listener is not None:
                    listener.wait(pause)
                else:
                    stop.wait(pause)

    def step(self) -> str:
        """One look at everything; what it does now, in a sentence. Raises UnavailableError."""
        self._write_down()
        self._board.refresh()
        self._learn()
        waiting = self._site.ledger.open_tasks(LOCAL)  # what waits in a pool far away takes nothing here
        if any(row.priority == Priority.URGENT for row in waiting):
            return "Waits until nobody else waits for a result."
        ahead = len(waiting)
        while ahead < 2 * self._site.settings.slots:
            step = self._planner.next()
            if step is None:
                break
            ahead += self._send(step)
            self._board.refresh()
        if ahead:
            return f"{ahead} {'task is' if ahead == 1 else 'tasks are'} under way."
        return self._why_idle()

    def _why_idle(self) -> str:
        if not self._board.rules:
            damaged = list(RuleBook(self._site.places.rules).damaged())
            if damaged:
                return f"The rule {damaged[0]} cannot be read: `codalab-nb systematic rule show {damaged[0]}`."
            return "There is no rule: `codalab-nb systematic rule add FILE`."
        if not self._board.documents:
            return "There is no data set yet: `codalab-nb dataset add FILE`."
        spent = [rule.name for place, rule in enumerate(self._board.rules) if not self._board.has_budget(place)]
        if spent:
            return f"The budget of the last 24 hours is used ({', '.join(spent)}); it goes on when it is renewed."
        return "Everything that the rules ask for is done."

    # --- what ended

    def _write_down(self) -> None:
        self._journal.refresh()
        for entry in [one for one in self._journal.entries.values() if one.state is None]:
            row = self._site.ledger.get(entry.id)
            if row is not None and row.state in TERMINAL:
                self._journal.ended(entry.id, **self._outcome(entry, row))

    def _outcome(self, entry: Entry, row: TaskRow) -> dict[str, object]:
        reason = row.reason.message if row.reason and row.state is not State.SUCCEEDED else ""
        told: dict[str, object] = {
            "state": row.state.value, "ended_at": row.finished_at, "seconds": row.seconds, "reason": reason[:500],
        }  # fmt: skip
        if row.state is not State.SUCCEEDED:
            return told
        if entry.kind == "profile":
            found = read_profile(self._site, entry.id)
            if found is not None:
                told["features"] = {name: _or_null(value) for name, value in found.features.items()}
                told["sketches"] = {name: list(numbers) for name, numbers in found.sketches.items()}
        elif entry.kind == "score":
            told["score"] = read_score(row)
            if told["score"] is None:
                told["reason"] = why_no_score(self._site, entry.id)
        else:
            template = self._board.templates.get(row.method or "") or self._site.catalog.templates().get(
                row.method or ""
            )
            told["score"] = template.method.score_of(row.metrics) if template is not None else None
        return told

    def _learn(self) -> None:
        known = sum(1 for one in self._journal.entries.values() if one.state is not None)
        if self._learned_from < 0 or known > self._learned_from + max(3, _LEARN_AGAIN * self._learned_from):
            self._planner.learn(Knowledge(self._site, self._journal))
            self._learned_from = known

    # --- what is next

    def _send(self, step: Step) -> int:
        """1 if a task was submitted; 0 if the result was there already, or it cannot be run."""
        board = self._board
        document, rule = board.documents[step.row], board.rules[step.rule]
        now = time.time()
        if step.column is None:
            entry = Entry(board.profile_id(step.row), "profile", document.reference, "", rule.name, now)
            return self._submit(
                entry, lambda: profile_draft(self._site, document, task=entry.id, options=self._options)
            )
        configuration = board.configurations[step.column]
        template = board.templates[configuration.method]
        parameters = configuration.parameters
        try:
            run = board.run_id(step.row, step.column)
        except InputError as error:  # its notebook is gone: a planner that begins anew does not know the method
            raise UnavailableError(error.code, str(error), error.fix) from error
        if step.kind == "score":
            entry = Entry(score_id(run), "score", document.reference, configuration.key, rule.name, now)
            return self._submit(
                entry,
                lambda: score_draft(self._site, document, template, parameters, task=entry.id, options=self._options),
            )
        entry = Entry(run, "run", document.reference, configuration.key, rule.name, now)
        return self._submit(
            entry,
            lambda: self._site.method_draft(
                template, document, parameters=parameters, options=self._options, task=entry.id
            ),
            template,
        )

    def _submit(self, entry: Entry, draft: Callable[[], Draft], template: Template | None = None) -> int:
        try:
            drafted = draft()
        except InputError as error:  # it cannot be run, and will not be until the data set or the method changes
            self._journal.sent(entry)
            return self._refuse(entry, error)
        if template is not None and (same := find_same(self._site, drafted, template.method.imports)) is not None:
            self._journal.sent(dataclasses.replace(entry, stands_for=same.id))
            self._journal.ended(entry.id, **self._outcome(entry, same))
            return 0
        self._journal.sent(entry)
        if self._site.ledger.get(entry.id) is not None:  # sent by who asked for a recommendation
            return 1
        try:
            self._site.submit([drafted])
        except InputError as error:
            if error.code != "id_conflict":  # a file of the data set is lost
                return self._refuse(entry, error)
            self._discard_unaccepted(entry.id)
            if self._site.ledger.get(entry.id) is None:
                told = "The same task is being sent by somebody else, or was by a process that died."
                raise UnavailableError(error.code, told, "It goes on by itself.") from error
            return 1
        log.info("%s of %s on %s", entry.kind, entry.configuration or "the data set", entry.dataset)
        return 1

    def _refuse(self, entry: Entry, error: InputError) -> int:
        self._journal.ended(entry.id, state=REFUSED, ended_at=time.time(), reason=str(error)[:500])
        return 0

    def _discard_unaccepted(self, task: str) -> None:
        """A submit that died left a document which nobody accepted, and which differs from ours in its limits. A young
        one may be of who asks for a recommendation now: it is accepted in a moment."""
        name = TaskNames(task).document
        look = self._site.store.look(name)
        if look is not None and look.age_s > _DIED_S and self._site.ledger.get(task) is None:
            self._site.store.delete(name, version=look.version)

    def _tell(self, doing: str, found: dict[str, int]) -> None:
        told = StatusFile(os.getpid(), time.time(), doing, found)
        with contextlib.suppress(OSError):  # a view; what counts is elsewhere
            told.write(self._site.places.systematic)


def _installed(site: Site) -> dict[Path, int]:
    """When methods, and the folders of methods and packages, were changed last; 0 for what is gone."""
    methods = [one.path for one in site.catalog.templates().values()]
    packages = [Path(one) for one in sys.path if one.endswith("-packages")]
    found = {}
    for place in (*methods, *(path.parent for path in methods), *packages):
        found[place] = 0
        with contextlib.suppress(OSError):
            found[place] = place.stat().st_mtime_ns
    return found


def why_no_score(site: Site, task: str) -> str:
    """What the score task says of why there is none; "" where it says nothing."""
    with contextlib.suppress(CodalabError, OSError, ValueError, AttributeError):
        told = json.loads(Task(site, task).wait(0).file(SCORE_FILE).read_bytes())
        return str(told.get("reason") or "")[:500]
    return ""


def _or_null(value: float) -> float | None:
    return value if math.isfinite(value) else None
