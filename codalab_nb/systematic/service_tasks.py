"""The tasks by which the project learns about data sets and methods: profiles and label-free scores.

They are tasks like any other, run by the same workers in the same sandbox; lists of a person's tasks leave them out.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codalab_nb.errors import InputError
from codalab_nb.model.dataset import DatasetDocument, Profile
from codalab_nb.model.method import DATASET_PARAMETER, Method
from codalab_nb.model.task import SERVICE, State, Verdict
from codalab_nb.site.catalog import Template
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.parameter_values import method_values
from codalab_nb.site.requests import Draft, Options, staged
from codalab_nb.site.service_notebooks import service_notebooks
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task

PROFILE_METHOD, SCORE_METHOD = f"{SERVICE}profile", f"{SERVICE}score"
PROFILE_FILE, SCORE_FILE = "profile.json", "score.json"
BUDGET_S = 120.0  # after which a score starts no further split or shuffle
_LARGEST = 1 << 20  # of a file that a worker wrote, to be read


@dataclass(frozen=True)
class DatasetFeatures:
    """What a profile task measured. `features`: name → number, NaN where it does not exist. The sketches are small
    sets of hashes, of what tells samples, features and values apart; data sets with a common origin share many."""

    rows: int
    columns: int
    features: Mapping[str, float]
    sketches: Mapping[str, Sequence[int]]


def profile_draft(site: Site, document: DatasetDocument, *, task: str, options: Options) -> Draft:
    """A draft of measuring a data set. Raises InputError (timeout, memory, pool_unknown)."""
    return _on_dataset(
        site.draft(service_notebooks() / "profile.ipynb", options=options, task=task),
        document,
        method=PROFILE_METHOD,
        label=f"Profile of {document.reference}",
    )


def score_draft(
    site: Site,
    document: DatasetDocument,
    template: Template,
    parameters: Mapping[str, Any],
    *,
    task: str,
    options: Options,
    budget_s: float = BUDGET_S,
) -> Draft:
    """A draft of scoring `template` with these parameters on a data set, where its score is label-free.

    Raises InputError as a draft of the run itself would (method_does_not_fit, method_imports, param_…), and
    score_undeclared where the method's score is a metric of its runs, or it has none.
    """
    method = template.method
    if method.score is None or not method.score.is_label_free:
        has = f"has the metric {method.score.metric!r} as its score" if method.score else "declares no score"
        told = f"{method.name} {has}; no task is needed for that."
        raise InputError("score_undeclared", told, 'Declare "score": {"ranking": TABLE, "found": METRIC}.')
    values = method_values(template, document, parameters, pool=options.pool)
    group, levels = compared(method, document.profile, values)
    draft = site.draft(
        service_notebooks() / "score.ipynb",
        parameters={
            "parameters": values,
            "group": group,
            "levels": levels,
            "ranking": method.score.ranking,
            "found": method.score.found,
            "per_group": max(method.needs.min_per_group, 2),
            "budget_s": budget_s,
        },
        inputs={"notebook": template.path.absolute()},
        options=options,
        task=task,
    )
    return _on_dataset(draft, document, method=SCORE_METHOD, label=f"Score of {method.title} on {document.reference}")


def read_profile(site: Site, task: str) -> DatasetFeatures | None:
    """What a profile task measured; None as long as it has not succeeded."""
    row = site.ledger.get(task)
    if row is None or row.state is not State.SUCCEEDED:
        return None
    try:
        told = _read(Task(site, task), PROFILE_FILE)
        features = {str(name): math.nan if value is None else float(value) for name, value in told["features"].items()}
        sketches = {str(name): tuple(map(int, hashes)) for name, hashes in told["sketches"].items()}
        return DatasetFeatures(int(told["rows"]), int(told["columns"]), features, sketches)
    except (ValueError, OverflowError, TypeError, KeyError, AttributeError):
        return None  # a worker wrote it: one that does not hold what it should is as good as none


def read_score(row: TaskRow) -> float | None:
    """The score that a score task found; None where there is none (yet). Its `score.json` says why."""
    score = row.metrics.get("score") if row.state is State.SUCCEEDED else None
    return score if score is not None and math.isfinite(score) else None


def read_score_reason(task: Task) -> str:
    """Why a score task that ended found no score, in a sentence; "" where it found one."""
    if read_score(task.row) is not None:
        return ""
    if task.verdict is not Verdict.SUCCEEDED:
        return task.reason.message if task.reason else f"The scoring ended {task.verdict}."
    told = _read(task, SCORE_FILE)
    reason = told.get("reason") if isinstance(told, dict) else None
    return reason if isinstance(reason, str) and reason else "The scoring gave no reason."


def compared(method: Method, profile: Profile, values: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The column of the groups that a run with these values compares, and which of them: none named means all.

    It is the value of the first parameter that offers columns with the role condition or target first; "" is that
    role's own column, as for a method without such a parameter.
    """
    column, asking = "", ""
    for name, parameter in method.parameters.items():
        offered, _, roles = (parameter.choices_from or "").partition(":")
        if offered == "columns" and {"condition", "target"} & set(roles.split(",")):
            column, asking = str(values.get(name) or ""), name
            break
    if not column:
        known = profile.by_role("condition") or profile.by_role("target")
        column = known.name if known else ""
    levels = []
    for name, parameter in method.parameters.items():
        if parameter.choices_from in ("levels", f"levels({asking})"):
            proposed = profile.reference if parameter.default_from == "reference" else None
            level = values.get(name) or (proposed.level if proposed and proposed.column == column else "")
            levels += [str(level)] if level else []
    return column, levels if len(levels) > 1 else []


def _read(task: Task, name: str) -> Any:
    """The JSON file of a result; None where there is none that can be read."""
    try:
        task.wait(0)  # a result that was removed meanwhile never comes
        path = task.file(name)
        return json.loads(path.read_bytes()) if path.stat().st_size <= _LARGEST else None
    except (OSError, ValueError, RecursionError, InputError):
        return None


def _on_dataset(draft: Draft, document: DatasetDocument, *, method: str, label: str) -> Draft:
    """With the data set staged as for a method, and said to be about it."""
    folder, stored, written = staged(document)
    told = draft.document
    about = told.model_copy(
        update={
            "inputs": (*told.inputs, *stored, *(source.ref for source in written)),
            "parameters": {DATASET_PARAMETER: folder, **told.parameters},
            "dataset": document.reference,
            "method": method,
            "label": label,
            "source": None,
            "warnings": (),
        }
    )
    return dataclasses.replace(draft, document=about, sources=(*draft.sources, *written), warnings=())
