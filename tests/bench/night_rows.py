"""From the ledger of a night to the rows that come with the project."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from codalab_nb import Site
from codalab_nb.model.task import State
from codalab_nb.site.ledger import TaskRow
from codalab_nb.systematic.configuration import Configuration, parse_key
from codalab_nb.systematic.identity import notebook_digest
from codalab_nb.systematic.service_tasks import PROFILE_METHOD, read_profile
from codalab_nb.systematic.shipped import Known, ShippedRun
from codalab_nb.systematic.view import Cell, CellState, Column, Matrix
from tests.bench.night_designs import family_of

# What a run does beside what its score is made of: the score is the same number without it, only the time is not. The
# night leaves it out; a person who follows the recommendation shall have it, and how long that takes is not known.
_BESIDE = {"predict-class": ("compare_models", "permutations")}

# What is no matter of experience, or only on the data where it ran: whether samples come in pairs or batches, what such
# a column is called, below which intensity there is noise, how deep it was sequenced, how many genes of a set were
# measured (here few: genes were drawn). It stays in the home; nobody else is told to do so.
_OF_THE_DATA = {"adjust_for", "floor", "least_count", "smallest_set"}


def shipped_of(site: Site, matrix: Matrix) -> tuple[list[ShippedRun], list[Known]]:
    """The runs of methods that answer a question, and the data sets that were measured and ran."""
    rows = {row.id: row for row in site.ledger.find()}
    runs = list(_runs(site, matrix, rows))
    known = [one for one in (_known(site, row) for row in rows.values()) if one]
    measured = {one.dataset for one in known}
    return [run for run in runs if run.dataset in measured], known


def _runs(site: Site, matrix: Matrix, rows: dict[str, TaskRow]) -> Iterator[ShippedRun]:
    told = [_tells(matrix, place) for place in range(len(matrix.columns))]
    for line in matrix.rows:
        name = line.dataset.partition("@")[0]
        for column, cell, tells in zip(matrix.columns, line.cells, told, strict=True):
            row = rows.get(cell.task or "")
            if row is not None and not row.is_open and tells:
                yield _run(site, name, column, cell, row)


def _tells(matrix: Matrix, place: int) -> bool:
    """Whether a configuration may be recommended to others for what it did here: on what kind of data it is good is not
    known of one that ran on a few of those that it fits, as tests by ranks on small tables."""
    if not matrix.columns[place].question or not _OF_THE_DATA.isdisjoint(
        parse_key(matrix.columns[place].key).parameters
    ):
        return False
    states = Counter(line.cells[place].state for line in matrix.rows)
    return states[CellState.DONE] + states[CellState.FAILED] >= states[CellState.NOT_ASKED]


def _run(site: Site, dataset: str, column: Column, cell: Cell, row: TaskRow) -> ShippedRun:
    failed = row.state is not State.SUCCEEDED
    shown, whole = usual(column.key)
    return ShippedRun(
        dataset=dataset,
        family=family_of(dataset),
        question=column.question,
        configuration=shown,
        notebook=notebook_digest(site.catalog.template(column.method)),
        state=str(row.state),
        score=math.nan if failed or cell.score is None else cell.score,
        seconds=row.seconds if whole and row.seconds is not None else math.nan,
        reason=(row.reason.message if row.reason else str(row.state))[:300] if failed else cell.reason[:300],
    )


def usual(key: str) -> tuple[str, bool]:
    """The configuration without the settings that only the night has, and whether there were none."""
    found = parse_key(key)
    left_out = _BESIDE.get(found.method, ())
    kept = {name: value for name, value in found.parameters.items() if name not in left_out}
    return Configuration(found.method, kept).key, len(kept) == len(found.parameters)


def _known(site: Site, row: TaskRow) -> Known | None:
    if row.method != PROFILE_METHOD or row.dataset is None:
        return None
    measured = read_profile(site, row.id)
    if measured is None:
        return None
    name = row.dataset.partition("@")[0]
    sketches = {kind: tuple(hashes) for kind, hashes in measured.sketches.items()}
    return Known(name, family_of(name), measured.rows, measured.columns, dict(measured.features), sketches)
