"""Results that come with the project, so that the first recommendation rests on something: two plain tables.

`shipped/runs.csv` holds one run a line, `shipped/features.csv` the meta-features of the data sets they ran on. Both are
written by `python -m tests.bench.night --write` from the ledger of a real run, and are read here, never written.

(The folder of the tables has no `__init__.py`: it is no package, and its name is this module's.)
"""

from __future__ import annotations

import csv
import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from codalab_nb.model.task import Verdict
from codalab_nb.systematic.evidence import Run

FOLDER = Path(__file__).parent / "shipped"
RUNS, FEATURES = "runs.csv", "features.csv"
_SKETCH = "sketch:"  # so begin the columns of `features.csv` with hashes; the others are meta-features

_T = TypeVar("_T")

RUN_COLUMNS = ("dataset", "family", "question", "configuration", "notebook", "state", "score", "seconds", "reason")


@dataclass(frozen=True)
class ShippedRun:
    """One run. `score`: higher is better, NaN where there is none; `seconds` of the run, NaN where it is not known.

    question: the kind of question, as the method `answers`. notebook: `identity.notebook_digest` of what ran: a method
    that has changed since may score otherwise. state: a verdict; reason: why there is no score.
    """

    dataset: str
    family: str
    question: str
    configuration: str
    notebook: str
    state: str
    score: float
    seconds: float
    reason: str = ""

    @property
    def run(self) -> Run:
        """The row as evidence is gathered from: a failure is known too."""
        score = -math.inf if self.state == Verdict.FAILED else self.score
        return Run(self.dataset, self.family, self.configuration, score, self.seconds)


@dataclass(frozen=True)
class Known:
    """The data set behind some runs, as a profile task measured it (`service_tasks.DatasetFeatures`): by its sketches
    data with the same origin are known again under another name."""

    dataset: str
    family: str
    rows: int
    columns: int
    features: Mapping[str, float]  # NaN where one does not exist
    sketches: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Shipped:
    """All of it; `datasets` by name."""

    runs: tuple[ShippedRun, ...]
    datasets: Mapping[str, Known]


@functools.lru_cache(maxsize=4)
def read(folder: Path = FOLDER) -> Shipped:
    """What comes with the project. Tables that are not there are empty: then nothing is known beforehand.

    Raises ValueError for a table that is not as it was written, with the line.
    """
    runs = tuple(_each(folder / RUNS, _run))
    known = {one.dataset: one for one in _each(folder / FEATURES, _known)}
    return Shipped(runs, known)


def write(folder: Path, runs: Sequence[ShippedRun], datasets: Sequence[Known]) -> None:
    """Writes both tables, sorted, so that two writings can be compared by eye."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = sorted([_shown(getattr(run, name)) for name in RUN_COLUMNS] for run in runs)
    _write(folder / RUNS, RUN_COLUMNS, rows)
    first = next(iter(datasets), None)
    names, kinds = (list(first.features), list(first.sketches)) if first else ([], [])
    known = []
    for one in sorted(datasets, key=lambda one: one.dataset):
        if list(one.features) != names or list(one.sketches) != kinds:
            raise ValueError(f"{one.dataset} was measured otherwise than {datasets[0].dataset}")
        sketches = [" ".join(f"{number:x}" for number in numbers) for numbers in one.sketches.values()]
        sizes = [str(one.rows), str(one.columns)]
        known.append([one.dataset, one.family, *sizes, *map(_shown, one.features.values()), *sketches])
    header = ["dataset", "family", "rows", "columns", *names, *(f"{_SKETCH}{kind}" for kind in kinds)]
    _write(folder / FEATURES, header, known)


def _each(path: Path, make: Callable[[dict[str, str]], _T]) -> Iterator[_T]:
    try:
        file = path.open(encoding="utf-8", newline="")
    except FileNotFoundError:
        return
    with file:
        reader = csv.DictReader(file)
        for row in reader:
            try:
                if None in row or None in row.values():
                    raise ValueError("it has more or fewer values than the header has names")
                yield make(row)
            except (KeyError, ValueError) as error:
                raise ValueError(f"{path}, line {reader.line_num}: {error}") from error


def _write(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _run(row: dict[str, str]) -> ShippedRun:
    return ShippedRun(
        **{name: row[name] for name in RUN_COLUMNS if name not in ("score", "seconds")},
        score=_number(row["score"]),
        seconds=_number(row["seconds"]),
    )


def _known(row: dict[str, str]) -> Known:
    dataset, family, rows, columns = (row.pop(name) for name in ("dataset", "family", "rows", "columns"))
    sketches = {
        name.removeprefix(_SKETCH): tuple(int(number, 16) for number in text.split())
        for name, text in row.items()
        if name.startswith(_SKETCH)
    }
    features = {name: _number(text) for name, text in row.items() if not name.startswith(_SKETCH)}
    return Known(dataset, family, int(rows), int(columns), features, sketches)


def _number(text: str) -> float:
    return float(text) if text else math.nan


def _shown(value: object) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return str(value)
