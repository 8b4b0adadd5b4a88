"""Pairs of data set and method as one batch: all of it, or every problem at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from codalab_nb.errors import InputError, Problems
from codalab_nb.model.base import Json, new_id
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.method import Method
from codalab_nb.site.requests import Draft, Options
from codalab_nb.site.site import Site
from codalab_nb.site.sweeps import check_size

Pair = tuple[DatasetDocument, Method]
Given = Callable[[DatasetDocument, Method], Mapping[str, Json]]


def drafts(
    site: Site,
    pairs: Sequence[Pair],
    given: Given,
    options: Options,
    problems: Problems,
    *,
    sweep: Mapping[str, Sequence[Any]] | None = None,
) -> list[Draft]:
    """What a click on Analyze would submit. `given`: the values that a person chose for a pair; those that its method
    does not have are passed over, and so are those of `sweep`.

    Raises InputError with every problem, those already in `problems` among them.
    """
    batch = new_id()
    made: list[Draft] = []
    if not pairs:
        problems.add("nothing_to_do", "Choose at least one data set and one method that fits it.")
    for document, method in pairs:
        values = {name: value for name, value in given(document, method).items() if name in method.parameters}
        swept = {name: one for name, one in (sweep or {}).items() if name.rpartition(".")[2] in method.parameters}
        swept = {name: one for name, one in swept.items() if name.rpartition(".")[0] in ("", method.name)}
        try:
            one = site.drafts(
                [document.reference], [method.name], parameters=_without(values, swept), sweep=swept, options=options
            )
        except InputError as error:
            problems.take(error)
            continue
        made += [
            dataclasses.replace(draft, document=draft.document.model_copy(update={"batch": batch})) for draft in one
        ]
        check_size(len(made), problems)  # before the next pair brings as many
    problems.found = list(dict.fromkeys(problems.found))
    problems.raise_if_any()
    return made


def _without(values: Mapping[str, Json], swept: Mapping[str, object]) -> dict[str, Json]:
    """A swept value takes the place of a given one."""
    names = {name.rpartition(".")[2] for name in swept}
    return {name: value for name, value in values.items() if name not in names}
