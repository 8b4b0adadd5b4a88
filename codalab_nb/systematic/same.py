"""A person's own run of the very same thing, whose result counts as well as one of ours."""

from __future__ import annotations

import json
from collections.abc import Iterable

from codalab_nb.errors import CodalabError
from codalab_nb.model.bundle import RESERVED_FOLDER
from codalab_nb.model.task import State
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.requests import Draft
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task
from codalab_nb.systematic.identity import environment


def find_same(site: Site, draft: Draft, imports: Iterable[str]) -> TaskRow | None:
    """A run that succeeded with the same data, notebook, parameters and environment; None where there is none."""
    wanted = draft.document
    here = environment(imports)
    for row in site.ledger.find(
        states=(State.SUCCEEDED,), dataset=wanted.dataset, method=wanted.method, background=False
    ):
        try:
            task = Task(site, row.id)
            task.wait(0)  # never for long: a result that was removed meanwhile never comes
            done = task.document
            if (
                done.notebook.sha256 == wanted.notebook.sha256
                and done.parameters == wanted.parameters
                and {(one.path, one.sha256) for one in done.inputs} == {(one.path, one.sha256) for one in wanted.inputs}
                and _environment_of(task, here.keys()) == here
            ):
                return row
        except (CodalabError, OSError, ValueError, KeyError, TypeError):
            continue  # its result is damaged, or was removed just now
    return None


def _environment_of(task: Task, packages: Iterable[str]) -> dict[str, str]:
    """As the worker recorded it, of `packages` (and Python itself)."""
    folder = task.folder
    if folder is None:
        return {}
    told = json.loads((folder / RESERVED_FOLDER / "environment.json").read_bytes())
    versions = dict(one.split("==", 1) for one in told["packages"] if "==" in one)
    return {name: told["python"] if name == "python" else versions.get(name, "") for name in packages}
