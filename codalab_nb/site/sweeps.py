"""A batch: data sets × methods × swept values, and which parameters each of its tasks gets."""

from __future__ import annotations

import itertools
import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from codalab_nb.errors import InputError, Problems
from codalab_nb.model.base import new_id
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.design import meant
from codalab_nb.site.catalog import Template
from codalab_nb.site.requests import Draft, Drafting, Options

MAX_TASKS = 10_000  # of one batch


def plan(
    templates: Sequence[Template],
    parameters: Mapping[str, Any],
    sweep: Mapping[str, Sequence[Any]],
    problems: Problems,
) -> list[tuple[Template, dict[str, Any]]]:
    """One entry for each method and combination of swept values. A key that no chosen method has is a problem."""
    for key in itertools.chain(parameters, sweep):
        _check_key(key, templates, problems)
    for key in set(parameters) & set(sweep):
        problems.add("param_twice", f"{key} is given as a value and as a sweep.", "Give it once.")
    for key, values in sweep.items():
        if not values:
            problems.add("param_value", f"The sweep of {key} has no values.", f"--sweep {key}=1,2,3")
    swept = [{name: values for key, values in sweep.items() if (name := _of(key, template))} for template in templates]
    # Counted before they are made: three sweeps of a thousand values are no list that fits into memory.
    check_size(sum(math.prod(map(len, one.values())) for one in swept), problems)
    planned: list[tuple[Template, dict[str, Any]]] = []
    for template, own in zip(templates, swept, strict=True):
        fixed = {name: value for key, value in parameters.items() if (name := _of(key, template))}
        for combination in itertools.product(*own.values()):
            planned.append((template, {**fixed, **dict(zip(own, combination, strict=True))}))
    return planned


def check_size(tasks: int, problems: Problems) -> None:
    """Raises InputError (batch_size, and what else is in `problems`) for more tasks than a batch may have."""
    if tasks > MAX_TASKS:
        problems.add("batch_size", f"That would be {tasks:,} tasks; a batch has at most {MAX_TASKS:,}.", "Sweep less.")
        problems.raise_if_any()


def draft_all(
    drafting: Drafting,
    datasets: Iterable[DatasetDocument],
    planned: Sequence[tuple[Template, Mapping[str, Any]]],
    options: Options,
    problems: Problems,
) -> list[Draft]:
    """The drafts of one batch, data sets in turn; what does not fit or is refused is a problem instead."""
    batch = new_id()
    drafts: list[Draft] = []
    for dataset in datasets:
        for template, values in planned:
            task = str(uuid.uuid5(uuid.UUID(batch), str(len(drafts))))
            try:
                drafts.append(
                    drafting.method(template, dataset, parameters=values, options=options, batch=batch, task=task)
                )
            except InputError as error:
                problems.take(error)
    return drafts


def _of(key: str, template: Template) -> str | None:
    """The parameter of `template` that `key` means, or None when it means another method's."""
    method, dot, name = key.rpartition(".")
    if dot:
        return name if method == template.method.name else None
    return key if key in template.method.parameters else None


def _check_key(key: str, templates: Iterable[Template], problems: Problems) -> None:
    known = {template.method.name: template.method.parameters for template in templates}
    method, dot, name = key.rpartition(".")
    if dot and method not in known:
        problems.add(
            "param_unknown",
            f"{key}: {method!r} is none of the chosen methods.{meant(method, list(known))}",
            "METHOD.NAME=VALUE",
        )
    elif not any(name in parameters for other, parameters in known.items() if not dot or other == method):
        all_names = sorted({one for parameters in known.values() for one in parameters})
        problems.add(
            "param_unknown",
            f"No chosen method has a parameter {name!r}.{meant(name, all_names)}",
            f"Parameters: {', '.join(all_names) or 'none'}.",
        )
