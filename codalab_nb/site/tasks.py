"""What a submit returns: a Task (or a Batch of them) to wait for, to cancel, to take results from."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codalab_nb.errors import CodalabError, InputError
from codalab_nb.model.bundle import Manifest
from codalab_nb.model.names import TaskNames
from codalab_nb.model.pool import LOCAL
from codalab_nb.model.task import Reason, Result, State, TaskDocument, Verdict
from codalab_nb.site.events import EventReader
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.results import read_manifest
from codalab_nb.stores.ports import SiteStore

if TYPE_CHECKING:
    import pandas as pd

    from codalab_nb.site.site import Site

_LOOK_AGAIN_S = 1.0  # the slow look behind the wake-ups, and how often the background process is checked on


class Task:
    """One task of a site. Attributes that need the verdict wait for it; `state` does not."""

    def __init__(self, site: Site, task: str) -> None:
        self._site = site
        self.id = task
        self._names = TaskNames(task)
        self._result: Result | None = None
        self._manifest: Manifest | None = None

    def __repr__(self) -> str:
        try:
            return f"<Task {self.id[-8:]} {self.state}: {self.row.label}>"
        except CodalabError as error:  # as after `rm`: a list of tasks must stay readable
            return f"<Task {self.id[-8:]}: {error.code}>"

    @property
    def site(self) -> Site:
        return self._site

    @property
    def store(self) -> SiteStore:
        """Where everything of the task lies: its pool's store."""
        return self._site.store_of(self.id)

    # --- now

    @property
    def row(self) -> TaskRow:
        """The ledger's row as it is now."""
        row = self._site.ledger.get(self.id)
        if row is None:
            raise InputError("task_unknown", f"There is no task {self.id}.", "`codalab-nb status` lists all.")
        return row

    @property
    def state(self) -> State:
        """queued, running, or the verdict. A worker that gives no sign of life any more does not count as running."""
        return self._site.state_of(self.row)

    @property
    def attempts(self) -> int:
        """Attempts that a worker has claimed so far."""
        row = self.row
        n = row.n  # this one may still wait for a worker
        if row.pool != LOCAL and row.seconds is not None:
            return n  # a worker ended it: nobody far away need be asked
        try:
            store = self.store
        except InputError:  # its pool was removed
            return n
        return n if store.look(self._names.claim(n)) is not None else n - 1

    @property
    def document(self) -> TaskDocument:
        return TaskDocument.model_validate_json(self.store.read(self._names.document))

    def cancel(self) -> bool:
        """Takes part in the race for the verdict. False if the task had ended already."""
        return self._site.cancel(self.id)

    def events(self, *, follow: bool = False) -> Iterator[dict[str, Any]]:
        """The events of all attempts so far, in order; with `follow`, until the verdict, as they come."""
        with self.store.changes(self.id) as changes:
            n, reader = 1, EventReader(self.store, self.id, 1)
            checked = time.monotonic()
            while True:
                ended = self._site.result(self.id) is not None
                yield from reader.new()
                if self.store.look(self._names.claim(n + 1)) is not None:
                    n += 1
                    reader = EventReader(self.store, self.id, n)
                    continue
                if ended or not follow:
                    return
                changes.wait(_LOOK_AGAIN_S)
                if time.monotonic() - checked > _LOOK_AGAIN_S:
                    self._site.keep_serving()
                    checked = time.monotonic()

    # --- when it has ended

    def wait(self, timeout_s: float | None = None) -> Task:
        """Returns when the task has its verdict. Raises TimeoutError after `timeout_s`; the task goes on then."""
        if self._result is not None:
            return self
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with self.store.changes(self.id) as changes:
            checked = time.monotonic()
            while (result := self._site.fold(self.id)) is None:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError(f"task {self.id} has no verdict after {timeout_s:g} s; it goes on")
                changes.wait(_LOOK_AGAIN_S if left is None else min(left, _LOOK_AGAIN_S))
                if time.monotonic() - checked > _LOOK_AGAIN_S:
                    self._site.keep_serving()
                    checked = time.monotonic()
        self._result = result
        return self

    @property
    def result(self) -> Result:
        self.wait()
        assert self._result is not None
        return self._result

    @property
    def verdict(self) -> Verdict:
        return self.result.verdict

    @property
    def reason(self) -> Reason | None:
        return self.result.reason

    @property
    def manifest(self) -> Manifest | None:
        if self._manifest is None:
            self._manifest = read_manifest(self.store, self.result)
        return self._manifest

    @property
    def folder(self) -> Path | None:
        """The folder of the result bundle; None when the task ended without one (cancelled, expired, lost)."""
        manifest, n = self.manifest, self.result.n
        return self.store.folder(self._names.files(n)) if manifest is not None and n is not None else None

    @property
    def notebook(self) -> Path | None:
        """The executed notebook."""
        return self.folder / self.manifest.notebook if self.folder is not None and self.manifest is not None else None

    @property
    def files(self) -> list[str]:
        """Names of all files in the result bundle, relative to `folder`."""
        return [file.path for file in self.manifest.files] if self.manifest else []

    @property
    def metrics(self) -> dict[str, float]:
        return dict(self.manifest.metrics) if self.manifest else {}

    @property
    def environment(self) -> dict[str, Any]:
        """Python, kernel, platform and every installed package of the run."""
        if self.folder is None:
            return {}
        value: dict[str, Any] = json.loads((self.folder / "_codalab" / "environment.json").read_text())
        return value

    def file(self, name: str) -> Path:
        """The path of one result file, by its name, its stem, or a unique ending. Raises InputError(file_unknown)."""
        if self.folder is None:
            raise InputError("no_result", f"Task {self.id} ended {self.verdict} and has no files.", "Retry it.")
        matches = [one for one in self.files if one == name] or [
            one for one in self.files if one.endswith(f"/{name}") or Path(one).stem == name
        ]
        if len(matches) != 1:
            raise InputError(
                "file_unknown",
                f"Task {self.id[-8:]} has {'no' if not matches else 'more than one'} file {name!r}.",
                f"Its files: {', '.join(self.files[:20])}.",
            )
        return self.folder / matches[0]

    def dataframe(self, name: str) -> pd.DataFrame:
        """A table of the result (`.csv` or `.tsv`) as a DataFrame; `name` with or without its ending."""
        import pandas as pd

        candidates = [
            one for one in self.files if one.endswith((".csv", ".tsv")) and (one == name or Path(one).stem == name)
        ]
        path = self.file(candidates[0] if len(candidates) == 1 else name)
        return pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",")

    def as_json(self) -> dict[str, Any]:
        """What `run --json` prints."""
        result = self.result
        return {
            "task": self.id,
            "verdict": result.verdict.value,
            "reason": result.reason.model_dump(exclude_none=True) if result.reason else None,
            "attempts": self.attempts,
            "result": str(self.folder) if self.folder else None,
            "notebook": str(self.notebook) if self.notebook else None,
            "files": self.files,
            "metrics": self.metrics,
            "seconds": result.seconds,
        }


class Batch:
    """The tasks of one click, in the order they were asked for."""

    def __init__(self, site: Site, batch: str, tasks: Sequence[Task]) -> None:
        self._site = site
        self.id = batch
        self.tasks = tuple(tasks)

    @property
    def site(self) -> Site:
        return self._site

    def __repr__(self) -> str:
        try:
            states = [str(task.state) for task in self.tasks]
        except CodalabError as error:
            return f"<Batch {self.id[-8:]}: {error.code}>"
        told = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
        return f"<Batch {self.id[-8:]}: {told}>"

    def __iter__(self) -> Iterator[Task]:
        return iter(self.tasks)

    def __len__(self) -> int:
        return len(self.tasks)

    def wait(self, timeout_s: float | None = None) -> Batch:
        """Returns when every task has its verdict. Raises TimeoutError."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        for task in self.tasks:
            task.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return self

    def cancel(self) -> int:
        """Cancels what has not ended; the number of tasks that this ended."""
        return sum(task.cancel() for task in self.tasks)

    def as_json(self) -> dict[str, Any]:
        """What `analyze --json` prints."""
        tasks = []
        for task in self.tasks:
            row = task.row
            tasks.append({**task.as_json(), "dataset": row.dataset, "method": row.method})
        return {"batch": self.id, "tasks": tasks}

    def dataframe(self) -> pd.DataFrame:
        """One row per task, when all have ended: data set, method, parameters, verdict, why, metrics.

        `reason` is the code of a verdict other than succeeded, `message` the same in words, `cell` the failed cell as
        people count (NaN where there is none); `seconds` is the time it ran.
        """
        import pandas as pd

        rows = []
        for task in self.tasks:
            row = task.wait().row
            rows.append(
                {
                    "task": task.id,
                    "dataset": row.dataset,
                    "method": row.method,
                    **row.parameters,
                    "verdict": task.verdict.value,
                    "reason": task.reason.code if task.reason else "",
                    "cell": None if task.reason is None or task.reason.cell is None else task.reason.cell + 1,
                    "message": task.reason.message.partition("\n")[0] if task.reason else "",
                    "seconds": task.result.seconds,
                    **task.metrics,
                }
            )
        return pd.DataFrame(rows)
