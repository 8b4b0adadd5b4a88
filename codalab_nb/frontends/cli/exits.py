"""How a command ends: the exit code of verdicts, and finding the tasks that an argument names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from codalab_nb.errors import InputError, Problems
from codalab_nb.model.task import State, Verdict
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task

_CODES = {Verdict.SUCCEEDED: 0, Verdict.FAILED: 1, Verdict.CANCELLED: 1, Verdict.EXPIRED: 1, Verdict.LOST: 3}
STATE_STYLES = {
    State.QUEUED: "dim",
    State.RUNNING: "yellow",
    State.SUCCEEDED: "green",
    State.FAILED: "red",
    State.CANCELLED: "dim",
    State.EXPIRED: "red",
    State.LOST: "red",
}


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """The worst of them counts."""
    return max((_CODES[verdict] for verdict in verdicts), default=0)


def short(identifier: str) -> str:
    """What people type: the last eight characters."""
    return identifier[-8:]


def label(row: TaskRow) -> str:
    return f"{row.dataset} × {row.method}" if row.method else row.label


def all_tasks(site: Site, references: Sequence[str], problems: Problems) -> list[Task]:
    """The tasks of all arguments, each once; those that name nothing are problems."""
    found: dict[str, Task] = {}
    for reference in references:
        try:
            found.update({task.id: task for task in site.tasks(reference)})
        except InputError as error:
            problems.take(error)
    return list(found.values())
