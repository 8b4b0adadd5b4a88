"""How far the ranking of a method can be trusted, told without knowing the truth.

score = C × (1 − F). C, concordance: the samples are dealt into two halves, each half is analysed alone, and C is how
much of the top of one ranking is the top of the other (mean over several deals), beyond chance and beyond what
rankings of shuffled labels share: a list that ignores the groups, as one by mean expression, always comes back. F,
false share: discoveries with shuffled labels over discoveries with the real ones. A method that lists noise scores
about 0, one whose list comes back in other samples and is empty where nothing is scores up to 1.
Split halves: Boulesteix & Slawski 2009, doi:10.1093/bib/bbp034; shuffled labels: Tusher et al. 2001,
doi:10.1073/pnas.091062498.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from codalab_nb.analysis.expression import AnalysisError
from codalab_nb.analysis.rerun import CellError, language_fault, run_cells
from codalab_nb.analysis.resampling import halves, shuffles, smallest
from codalab_nb.analysis.subdesign import Staged
from codalab_nb.report import Captured

TOP = 100  # of a ranking
_PART = 5  # of a short ranking the first fifth is its top
FEWEST = 2  # splits, and shuffles, without which there is no score


class NoScore(Exception):
    """Why there is none, in a sentence."""


@dataclass
class Outcome:
    """score: 0 to 1, or None with the reason. splits: what the tops of two halves share; shuffles: what was found;
    blind: what the tops of shuffled labels share, mean over all pairs."""

    score: float | None = None
    reason: str = ""
    concordance: float | None = None
    false_share: float | None = None
    found: float | None = None
    found_permuted: float | None = None
    splits: list[float] = field(default_factory=list)
    shuffles: list[float] = field(default_factory=list)
    blind: float = 0.0
    failed: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def metrics(self) -> dict[str, float]:
        names = ("score", "concordance", "false_share", "found", "found_permuted")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Asked:
    """What is scored. group: the column whose labels are shuffled; levels: the groups that are compared, none given:
    all that are large enough; per_group: samples of each group that a half must have."""

    notebook: Mapping[str, Any]
    parameters: Mapping[str, Any]
    ranking: str
    found: str
    group: str
    levels: Sequence[str] = ()
    per_group: int = 2


def score(
    folder: str | Path,
    asked: Asked,
    *,
    splits: int = 5,
    permutations: int = 5,
    budget_s: float = 120.0,
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Never raises for what data or method are like: then there is no score, and the reason.

    When `budget_s` is used up no further split or shuffle begins, but FEWEST of each are made in any case.
    """
    outcome, started = Outcome(), clock()
    try:
        _fill(outcome, Path(folder), asked, splits, permutations, lambda: clock() - started > budget_s)
    except (NoScore, CellError, AnalysisError) as why:
        outcome.reason = str(why)
    outcome.seconds = clock() - started
    return outcome


def overlap(one: Sequence[str], other: Sequence[str]) -> float:
    """Of two rankings of the same things, how much of their tops is shared: 0 as by chance, 1 all; below 0: less.

    (shared / k − k / n) / (1 − k / n), which is Cohen's kappa of being in the top. Raises NoScore for few things.
    """
    n = len(set(one) | set(other))
    k = min(TOP, n // _PART)
    if k < 1:
        raise NoScore(f"Only {n} rows are ranked; at least {_PART} are needed to tell a top.")
    shared = len(set(one[:k]) & set(other[:k])) / k
    return (shared - k / n) / (1 - k / n)


def _fill(
    outcome: Outcome, folder: Path, asked: Asked, splits: int, permutations: int, used_up: Callable[[], bool]
) -> None:
    if fault := language_fault(asked.notebook):
        raise NoScore(fault)
    outcome.found = _run(asked, folder).metrics.get(asked.found)
    if outcome.found is None:
        raise NoScore(f"The run reported no metric {asked.found!r}.")
    design = _Design(folder, asked)
    with tempfile.TemporaryDirectory(prefix="codalab-nb-") as place:
        scratch = Path(place)
        mixed: list[list[str]] = []
        turns = zip_longest(design.deals(splits), design.shuffled(permutations))
        for number, (deal, labels) in enumerate(turns):
            if number >= FEWEST and used_up():
                break
            if deal is not None:
                _split(
                    outcome, asked, [design.part(scratch / f"half-{number}-{i}", half) for i, half in enumerate(deal)]
                )
            if labels is not None:
                mixed += _shuffle(outcome, asked, design.relabelled(scratch / f"shuffled-{number}", labels))
    if len(outcome.splits) < FEWEST:
        raise NoScore(f"Halves of the samples could not be analysed: {_last(outcome)}")
    if len(outcome.shuffles) < FEWEST:
        raise NoScore("The groups have too few samples to be shuffled.")
    shared = [overlap(one, other) for one, other in combinations(mixed, 2)]
    outcome.blind = max(0.0, float(np.mean(shared))) if shared else 0.0
    beyond = float(np.mean(outcome.splits)) - outcome.blind
    outcome.concordance = max(0.0, beyond / (1 - outcome.blind)) if outcome.blind < 1 else 0.0
    outcome.found_permuted = float(np.mean(outcome.shuffles))
    outcome.false_share = _false_share(outcome.found, outcome.found_permuted)
    outcome.score = outcome.concordance * (1 - outcome.false_share)


def _false_share(found: float, found_permuted: float) -> float:
    """Both with one more, so that the little that is found in few data is not all taken for true."""
    return min(1.0, (found_permuted + 1) / (found + 1))


def _split(outcome: Outcome, asked: Asked, folders: Sequence[Path]) -> None:
    try:
        rankings = [_ranked(_run(asked, folder), asked) for folder in folders]
    except CellError as why:
        outcome.failed.append(str(why))
    else:
        outcome.splits.append(overlap(rankings[0], rankings[1]))


def _shuffle(outcome: Outcome, asked: Asked, folder: Path) -> list[list[str]]:
    """The ranking, if there is one. A method that refuses, or says nothing, finds nothing."""
    try:
        told = _run(asked, folder)
    except CellError as why:
        outcome.failed.append(str(why))
        outcome.shuffles.append(0.0)
        return []
    outcome.shuffles.append(float(told.metrics.get(asked.found, 0)))
    return [_ranked(told, asked)] if asked.ranking in told.tables else []


def _run(asked: Asked, folder: Path) -> Captured:
    return run_cells(asked.notebook, asked.parameters, folder)


def _ranked(told: Captured, asked: Asked) -> list[str]:
    table = told.tables.get(asked.ranking)
    if table is None:
        raise NoScore(f"The run reported no table {asked.ranking!r}.")
    if not table.index.is_unique:
        raise NoScore(f"Row names of the table {asked.ranking!r} repeat; they must say what is ranked.")
    return [str(name) for name in table.index]


def _last(outcome: Outcome) -> str:
    return outcome.failed[-1] if outcome.failed else "there are too few."


class _Design:
    """Which samples are in which group, and how they may be dealt and shuffled."""

    def __init__(self, folder: Path, asked: Asked) -> None:
        if not asked.group:
            raise NoScore("It is not known which group each sample belongs to.")
        self.staged, self.column = Staged.read(folder), asked.group
        data = self.staged.data
        groups = data.groups(asked.group)
        sizes = groups.value_counts(sort=False)
        self.levels = [str(level) for level in asked.levels or sizes.index[sizes >= 2 * asked.per_group]]
        small = [
            f"{level} has {sizes.get(level, 0)}" for level in self.levels if sizes.get(level, 0) < 2 * asked.per_group
        ]
        self.needed = f"each of two halves needs {asked.per_group} samples of each group"
        if small or len(self.levels) < 2:
            told = ", ".join(small or [f"{level} has {size}" for level, size in sizes.items()][:8])
            raise NoScore(f"There are too few samples: {self.needed}; {told}.")
        self.groups = groups.where(groups.isin(self.levels))
        self.per_group = asked.per_group
        self.pairs = self._known("pair")
        self.batches = self._known("batch")

    def _known(self, role: str) -> pd.Series | None:
        name = self.staged.data.column_with_role(role)
        return self.staged.data.groups(name) if name and name != self.column else None

    def deals(self, number: int) -> list[tuple[list[int], list[int]]]:
        """Different ones, each half with enough samples of each group."""
        found: list[tuple[list[int], list[int]]] = []
        for seed in range(4 * number):
            one, other = sorted(halves(self.groups, pairs=self.pairs, batches=self.batches, seed=seed))
            enough = min(smallest(self.groups, half, self.levels) for half in (one, other)) >= self.per_group
            if enough and (one, other) not in found:
                found.append((one, other))
            if len(found) == number:
                break
        if len(found) < FEWEST:
            raise NoScore(f"The samples cannot be dealt into two halves: {self.needed}, and pairs stay together.")
        return found

    def shuffled(self, number: int) -> list[pd.Series]:
        return shuffles(self.groups, pairs=self.pairs, batches=self.batches, number=number)

    def part(self, into: Path, samples: Sequence[int]) -> Path:
        return self.staged.write(into, samples=samples)

    def relabelled(self, into: Path, labels: pd.Series) -> Path:
        whole = self.staged.data.samples[self.column]
        return self.staged.write(into, labels={self.column: labels.where(labels.notna(), whole)})
