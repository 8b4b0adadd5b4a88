"""The producing end, on one page: submit, cancel, retry, look. Front ends parse, call this, and show the answer.

Site.run / Site.analyze ─ draft (every check) ─ submit:
    S1  blobs, then task.json, into the store        (durable; nobody was told anything yet)
    S2  the row into the ledger                      (from here on the task is accepted)
    S3  the message onto the queue                   (only to be fast: the row is the outbox)
and a background process, started if there is none, does the rest.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from codalab_nb import failpoints, places, settings
from codalab_nb.errors import InputError, Problems, UnavailableError
from codalab_nb.model.base import is_id
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.names import batch as batch_name
from codalab_nb.model.pool import LOCAL
from codalab_nb.model.task import Priority, Reason, Result, State, Verdict
from codalab_nb.packing.hashing import DigestCache
from codalab_nb.site import embedded, sweeps, verdicts
from codalab_nb.site.bundles import again, store_bundle
from codalab_nb.site.catalog import Catalog, Template
from codalab_nb.site.changes import watch_all
from codalab_nb.site.dispatch import Dispatcher, check_lives
from codalab_nb.site.inputs import resolve_all as resolve_inputs
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.pools import Pools
from codalab_nb.site.rebuild import open_ledger, row_of
from codalab_nb.site.references import find_reference
from codalab_nb.site.requests import Draft, Drafting, Inspected, Options
from codalab_nb.site.results import read_result
from codalab_nb.site.tasks import Batch, Task
from codalab_nb.stores.ports import Changes, SiteStore

_T = TypeVar("_T")
_POOLS_KNOWN = 10_000  # tasks whose pool is kept in mind: it never changes


class Site:
    """One home. Open it with `Site.open()`; safe to share among threads; `close` it, or use it in a `with`."""

    def __init__(self, where: places.Places, config: settings.Settings, *, serve: bool = True) -> None:
        self.places = where
        self.settings = config
        self.pools = Pools(where, config)
        local = self.pools.side(LOCAL)
        self.store = local.store  # the home's: data sets, and the tasks of the pool `local`; see `store_of`
        self.queue = local.tasks[Priority.URGENT]
        self.ledger = open_ledger(where.ledger, self.pools, where.ledger_bell)
        self._digests = DigestCache(where.digests)
        self.catalog = Catalog(self.store, self._digests)
        self._drafting = Drafting(self._digests, config)
        self._pool_of: dict[str, str] = {}
        self._serve = serve

    @classmethod
    def open(cls, *, serve: bool = True) -> Site:
        """The site that the settings name. With `serve` it starts a background process whenever there is work.

        Raises UnavailableError (home_not_writable, disk_full, database_damaged, inside_task, …), InputError (config_…).
        """
        if os.environ.get("CODALAB_INSIDE_TASK"):
            raise UnavailableError(
                "inside_task",
                "This notebook runs as a task itself, and a task cannot submit tasks.",
                "Run it in Jupyter, or with papermill or nbconvert, without a worker.",
            )
        config = settings.load()
        return cls(places.prepare(config), config, serve=serve)

    def close(self) -> None:
        self.ledger.close()
        self.pools.close()
        self._digests.close()

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- data sets

    def add_dataset(
        self,
        *paths: str | Path,
        name: str | None = None,
        samples: str | Path | None = None,
        sheet: str | None = None,
        roles: Mapping[str, str] | None = None,
        kind: str | None = None,
        level: str | None = None,
        renames: Mapping[str, str] | None = None,
        accept: bool = False,
    ) -> DatasetDocument:
        """Stores files as the next version of a data set and says what is in them (`.profile`).

        `samples` is a file, or a sheet of the workbook; `sheet` the one with the measurements. The others are what
        `dataset add` takes: `level` is the reference, `accept` takes all that is proposed.
        """
        document = self.catalog.add(
            [Path(path) for path in paths],
            name=name,
            samples=samples,
            sheet=sheet,
            roles=roles,
            kind=kind,
            level=level,
            renames=renames,
            accept=accept,
        )
        with contextlib.suppress(UnavailableError):  # stored all the same; the next command tries again
            self.serve_if_needed()
        return document

    # --- submitting

    def run(
        self,
        notebook: str | Path,
        *,
        parameters: Mapping[str, Any] | None = None,
        inputs: Mapping[str, str | Path] | None = None,
        kernel: str | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        options: Options | None = None,
        task: str | None = None,
        content: bytes | None = None,
    ) -> Task:
        """Submits any papermill notebook. `inputs`: parameter → a path, a data set (`NAME@2`), or `TASK[:FILE]`.

        `content` takes the place of what the file holds: a notebook that is not saved (yet) at that path. `exclude`:
        files beside it that would be found and are not to travel.
        With `task` (a UUID of your own) the call may be repeated safely: the same request is accepted once.
        """
        draft = self.draft(
            notebook,
            parameters=parameters,
            inputs=inputs,
            kernel=kernel,
            include=include,
            exclude=exclude,
            options=options,
            task=task,
            content=content,
        )
        return self.submit([draft])[0]

    def draft(
        self,
        notebook: str | Path,
        *,
        parameters: Mapping[str, Any] | None = None,
        inputs: Mapping[str, str | Path] | None = None,
        kernel: str | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        options: Options | None = None,
        task: str | None = None,
        content: bytes | None = None,
    ) -> Draft:
        """What `run` would submit; nothing is stored. Raises InputError with every problem at once."""
        problems = Problems()
        if task is not None and not is_id(task):
            problems.add("task_id", f"{task!r} is not a task id.", "Give a UUID in lower case, or none.")
        self._check_pool(options, problems)
        resolved = resolve_inputs(self, inputs or {}, problems)
        try:
            draft = self._drafting.notebook(
                notebook,
                parameters=parameters or {},
                inputs=resolved,
                kernel=kernel,
                include=include,
                exclude=exclude,
                options=options or Options(),
                task=task,
                content=content,
            )
        except InputError as error:
            problems.take(error)
            problems.raise_if_any()
            raise
        problems.raise_if_any()
        return draft

    def method_draft(
        self,
        template: Template,
        dataset: DatasetDocument,
        *,
        parameters: Mapping[str, Any],
        options: Options,
        task: str,
    ) -> Draft:
        """One run of a method on a data set, of no batch. Raises InputError (method_does_not_fit, param_…)."""
        return self._drafting.method(template, dataset, parameters=parameters, options=options, batch=None, task=task)

    def inspect(
        self,
        notebook: str | Path,
        *,
        parameters: Mapping[str, Any] | None = None,
        inputs: Mapping[str, str | Path] | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        content: bytes | None = None,
    ) -> Inspected:
        """What `draft` would pack, and everything that is wrong with it: to be shown before anything is sent."""
        problems = Problems()
        resolved = resolve_inputs(self, inputs or {}, problems)
        seen = self._drafting.inspect(
            notebook, parameters=parameters or {}, inputs=resolved, include=include, exclude=exclude, content=content
        )
        seen.problems.found[:0] = problems.found
        return seen

    def analyze(
        self,
        datasets: Iterable[str],
        methods: Iterable[str],
        *,
        parameters: Mapping[str, Any] | None = None,
        sweep: Mapping[str, Sequence[Any]] | None = None,
        options: Options | None = None,
    ) -> Batch:
        """Submits data sets × methods × swept values as one batch: all of it is accepted, or nothing.

        Keys of `parameters` and `sweep` are `name` (of every chosen method that has it) or `method.name`.
        """
        drafts = self.drafts(datasets, methods, parameters=parameters, sweep=sweep, options=options)
        batch = drafts[0].document.batch
        assert batch is not None
        return Batch(self, batch, self.submit(drafts))

    def drafts(
        self,
        datasets: Iterable[str],
        methods: Iterable[str],
        *,
        parameters: Mapping[str, Any] | None = None,
        sweep: Mapping[str, Sequence[Any]] | None = None,
        options: Options | None = None,
    ) -> list[Draft]:
        """What `analyze` would submit; nothing is stored. Raises InputError with every problem at once."""
        problems = Problems()
        self._check_pool(options, problems)
        chosen = [found for name in datasets if (found := _collect(self.catalog.dataset, name, problems))]
        templates = [one for name in methods if (one := _collect(self.catalog.template, name, problems))]
        if not problems.found and not (chosen and templates):
            problems.add("nothing_to_do", "Name at least one data set and one method.", "analyze DATASET -m METHOD")
        plan = sweeps.plan(templates, parameters or {}, sweep or {}, problems) if templates else []
        drafts = sweeps.draft_all(self._drafting, chosen, plan, options or Options(), problems)
        problems.raise_if_any()
        return drafts

    def _check_pool(self, options: Options | None, problems: Problems) -> None:
        if options is not None:
            _collect(self.pools.definition, options.pool, problems)

    def submit(self, drafts: Sequence[Draft]) -> list[Task]:
        """S1 to S3 for drafts that belong together. When it returns, the tasks are accepted: they survive anything."""
        side = self.pools.side(drafts[0].document.pool)  # what belongs together goes to one pool
        check_lives(side, [draft.document for draft in drafts])
        documents = [store_bundle(draft, side.store, self.store) for draft in drafts]
        batch = documents[0].batch
        if batch is not None:
            listed = json.dumps({"version": 1, "tasks": [document.task for document in documents]})
            side.store.create(batch_name(batch), listed.encode())
        failpoints.hit("submit.after_document")
        rows = [row_of(document, position) for position, document in enumerate(documents)]
        self.ledger.accept(rows)
        failpoints.hit("submit.after_row")
        dispatcher = Dispatcher(self.ledger, side)
        # Where a connection must be made first, the monitor sends: it has one, and heard the ledger ring.
        for row in rows if side.quick else ():
            try:
                dispatcher.send(row)
            except UnavailableError:
                break  # accepted all the same; the monitor's dispatcher sends it when the queue is back
        with contextlib.suppress(UnavailableError):
            self.keep_serving()  # accepted all the same; whoever waits for the task tries again, and is told
        for row in rows:
            verdicts.confirm(side.store, row)  # or the reconciler does, if we die here
        return [Task(self, document.task) for document in documents]

    def retry(self, tasks: Sequence[Task]) -> list[Task]:
        """The same bundles again, as new tasks with `retry_of`; of a batch they form a new batch."""
        drafts = again(tasks)
        # What was one batch is submitted as one again; the new tasks come in the order of the old ones.
        groups: dict[str, list[Draft]] = {}
        for draft in drafts:
            groups.setdefault(draft.document.batch or draft.document.task, []).append(draft)
        new = {one.id: one for group in groups.values() for one in self.submit(group)}
        return [new[draft.document.task] for draft in drafts]

    # --- looking

    def task(self, reference: str) -> Task:
        """By id, by a unique ending of it, or `@last`. Raises InputError(task_unknown, task_ambiguous)."""
        return Task(self, find_reference(self.ledger, reference, "id"))

    def batch(self, reference: str) -> Batch:
        batch = find_reference(self.ledger, reference, "batch")
        rows = sorted(self.ledger.find(batch=batch), key=lambda row: (row.submitted_at, row.position))
        return Batch(self, batch, [Task(self, row.id) for row in rows])

    def tasks(self, reference: str) -> list[Task]:
        """The tasks of a task or batch reference. `@last` is what was submitted last: a task, or the batch it is of."""
        try:
            task = self.task(reference)
            if reference == "@last" and (batch := task.row.batch):
                return list(self.batch(batch).tasks)
            return [task]
        except InputError as error:
            if error.code != "task_unknown":
                raise
            try:
                return list(self.batch(reference).tasks)
            except InputError:
                raise error from None

    def state_of(self, row: TaskRow) -> State:
        """The state to show. The ledger may lag behind a death; a worker that went silent is not shown as running.

        Of a pool far away the ledger's word counts: its monitor keeps it, and a list waits for no network.
        """
        if not row.is_open or row.pool != LOCAL:
            return row.state
        side = self.pools.side(row.pool)
        if (result := read_result(side.store, row.id)) is not None:
            return State(result.verdict)
        # One process serves this pool: what was written before it started was written by a dead one.
        holder = embedded.current(self.places)
        since = holder.started_at if holder else math.inf
        alive = verdicts.seems_running(side.store, row, side.heartbeat_s, since=since)
        return State.RUNNING if alive else State.QUEUED

    def store_of(self, task: str) -> SiteStore:
        """The store of the task's pool: everything of it lies there. The home's own for a task that nobody knows.

        Raises UnavailableError (the pool's store or queues), InputError(pool_unknown) once its pool was removed.
        """
        pool = self._pool_of.get(task)
        if pool is None:
            pool = self.ledger.pool_of(task)
            if pool is None:
                return self.store
            if len(self._pool_of) >= _POOLS_KNOWN:
                self._pool_of.clear()
            self._pool_of[task] = pool
        return self.pools.side(pool).store

    def changes(self, tasks: Sequence[str]) -> AbstractContextManager[Changes]:
        """Watches these tasks, whatever pools they are in; see `SiteStore.changes`."""
        if len(tasks) == 1:
            return self.store_of(tasks[0]).changes(tasks[0])
        stores = {id(store): store for task in tasks if (store := self.store_of(task))}
        return watch_all([store.changes(None) for store in stores.values() or [self.store]])

    def waiting(self, pool: str = LOCAL) -> list[str]:
        """Keys (`TASK:N`) of messages that wait for a worker of the pool, in the order they will be taken."""
        return [key for queue in self.pools.side(pool).tasks.values() for key in queue.waiting()]

    def result(self, task: str) -> Result | None:
        return read_result(self.store_of(task), task)

    def fold(self, task: str) -> Result | None:
        """The verdict if there is one; then the ledger knows it too."""
        return verdicts.fold(self.store_of(task), self.ledger, task)

    # --- ending, serving

    def cancel(self, task: str) -> bool:
        """True if this ended the task; False if it had its verdict already."""
        if self.result(task) is not None:
            return False
        failpoints.hit("cancel.before_commit")
        reason = Reason(code="cancelled", message="Cancelled by its submitter.")
        won = verdicts.decide(self.store_of(task), task, Verdict.CANCELLED, reason)
        self.fold(task)
        return won

    def keep_serving(self) -> None:
        """Makes sure that somebody works: starts the background process if it is not there, for whatever reason."""
        if self._serve:
            embedded.ensure(self.places)

    def serve_if_needed(self) -> None:
        """For commands that only look: what was open when everything died goes on, and systematic analysis."""
        if self.ledger.has_open() or self.places.systematic_switch.exists():
            self.keep_serving()


def _collect(look_up: Callable[[str], _T], name: str, problems: Problems) -> _T | None:
    try:
        return look_up(name)
    except InputError as error:
        problems.take(error)
        return None
