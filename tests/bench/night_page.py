"""What happened in a night, and how good recommendations are on what it left, as the page docs/understand/night.md."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from codalab_nb.model.dataset import counted
from codalab_nb.systematic.view import CellState, Matrix
from tests.bench.night_designs import DESIGNS, family_of
from tests.bench.night_regret import TRIED, Judged

if TYPE_CHECKING:
    from tests.bench.night import Night

PAGE = Path(__file__).parents[2] / "docs" / "understand" / "night.md"
_WORDS = {
    CellState.DONE: "done",
    CellState.FAILED: "failed, with the reason",
    CellState.UNFIT: "does not fit, with the reason",
    CellState.NOT_ASKED: "no rule asks for it",
    CellState.OVER_BUDGET: "over budget",
    CellState.PLANNED: "planned",
    CellState.QUEUED: "queued",
    CellState.RUNNING: "running",
}

_HEAD = """\
# A night, in half an hour

What systematic analysis does when it is left alone, measured: `python -m tests.bench.night --write` makes a home of
its own, adds real sub-designs of the data sets in the repository, gives it rules, says `systematic start` and looks
on. It made the figures below and the rows in `codalab_nb/systematic/shipped/`, on which the first recommendations in
a new home rest.
"""

_NOTES = """\
Sub-designs are fewer samples or genes, one contrast of several, noise, swapped or missing labels of *golub,
armstrong, bladder, pbmc68k, airway, pasilla* and the small tables, 500 genes or so each; *replicates* are made-up
counts. Sub-designs of one data set share samples, so they are one family. Label-free scores are those that [methods
may declare](../do/write-your-own-method.md): how much of the top of a ranking comes back in other samples, less what
shuffled labels give. Predictions ran without the comparison of models and without shuffled labels. Their accuracy is
the same number with both, so the shipped rows name the configuration without these two settings, and no time.
Settings that depend on the data at hand (pairs, batches, floors, counts, sizes of gene sets) and what ran on few of
the data sets that it fits (tests by ranks, on small tables alone) are not shipped: nobody else should be told to do
so.
"""

_HELD_OUT = "## What is recommended for a family that was never seen"

_MEANING = """\
**How to read it.** Regret is the best score that any configuration reached on the data set, less the best of those
that were tried: 0 is the best choice. Scores of differences and processes are repeatable discoveries, of predictions
balanced accuracy, of structure the agreement of a tree with the known groups, of an overview the share of the first
component that goes with the groups; all are at most 1. Each family was held out with everything made from it, the
recommendation came from the other families, and was looked up in what had really run. "At random" is the expectation
of a choice among what ran there; "best on average" takes what did best in the other families, for everybody the same.
A family has one voice. Intervals are of the mean gain, by Student's t over families. Where not more ran on a data set
than would be tried, nothing could be lost, and it is left out.

**What it means, and what not.** {verdict} There are few families, most of them leukemias, blood cells or classic
tables, so the intervals are wide, and they are about families like these: on data of another sort anything may be
best. What is learned from properties of the data gets little say from so few families ([how](recommendations.md)), so
a recommendation mostly *is* what was best on average, in an order in which the second and third try add something:
that the two differ little is what one should expect. Recommendations are judged on large public matrices by `python
-m tests.bench.recommend`.
"""


def what_happened(night: Night, matrix: Matrix) -> str:
    """Tables of tasks and cells, and of the kills."""
    total = sum(night.tasks.values())
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(night.tasks.items()))
    ended = ", ".join(f"{number:,} {state}" for state, number in night.ended.most_common())
    cells = sum(night.cells.values())
    lines = [
        "| | |",
        "|---|---|",
        f"| data sets, families, configurations | {night.datasets}, {len(families())}, {len(matrix.columns)} |",
        f"| tasks | {total:,}: {kinds} |",
        f"| they ended | {ended} |",
        f"| time | {night.seconds / 60:.0f} min, {night.slots} tasks at a time{_hurry(night)} |",
        f"| time of all runs together | {night.run_s / 60:.0f} min |",
        f"| at the end | {_end(night)} |",
        f"| cells of the matrix | {cells:,} |",
    ]
    for state, words in _WORDS.items():
        if number := night.cells.get(state, 0):
            lines.append(f"| … {words} | {number:,} ({100 * number / cells:.0f} %) |")
    lines.append("")
    lines.append(_kills(night))
    return "\n".join(lines)


def families() -> set[str]:
    return {family_of(parent) for parent in DESIGNS}


def _end(night: Night) -> str:
    return "nothing was left to do" if night.finished else "the time was over; the rest would go on"


def _hurry(night: Night) -> str:
    return "; tasks were kept from stepping behind the machine's other work (`--hurry`)" if night.hurried else ""


def _kills(night: Night) -> str:
    if not night.kills:
        return "Nothing was killed."
    told = "; ".join(
        f"after {one.after_s:.0f} s ({counted(one.processes, 'process', 'processes')}, {one.open_tasks} tasks open)"
        for one in night.kills
    )
    kept = len(night.kills[-1].committed)
    faults = "**What went wrong:** " + "; ".join(night.faults) if night.faults else "Nothing was lost."
    return (
        f"**Killed with `kill -9`, everything at once:** {told}. The {kept:,} verdicts that were there at the last "
        "kill were the same at the end, byte for byte, and none of their tasks was started again; "
        f"{counted(night.again, 'attempt')} that a kill interrupted ran once more. No two tasks are the same run. "
        f"{faults}"
    )


def held_out(judged: Sequence[Judged]) -> str:
    """Mean regrets after one run and after three, by kind of question."""
    lines = [
        "| kind of question | families, data sets | configurations | runs tried | at random | best on average "
        "| recommended | gain over random [95 %] | over best on average [95 %] |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in judged:
        for place, at in enumerate(TRIED):
            if math.isnan(one.mean("recommended", at)):
                continue
            about = (one.question, f"{len(one.families)}, {one.datasets}", str(one.configurations))
            cells = [*(about if place == 0 else ("", "", "")), str(at)]
            cells += [f"{one.mean(peer, at):.3f}" for peer in ("random", "best on average", "recommended")]
            cells += [_gain(*one.gain(peer, at)) for peer in ("random", "best on average")]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _gain(gain: float, low: float, high: float) -> str:
    if gain == low == high == 0:
        return "the same choices"
    return f"{gain:+.3f}" if math.isnan(low) else f"{gain:+.3f} [{low:+.3f}, {high:+.3f}]"


def verdict(judged: Sequence[Judged]) -> str:
    """One or two sentences that follow from the figures, and from nothing else."""
    found: dict[str, list[str]] = {"same": [], "better": [], "worse": [], "open": []}
    for one in judged:
        gain, low, high = one.gain("best on average", 1)
        is_same = gain == low == high == 0
        found["same" if is_same else "better" if low > 0 else "worse" if high < 0 else "open"].append(one.question)
    words = {
        "same": "The first recommendation was the very one that did best on average for {}.",
        "better": "It was better than best on average for {}.",
        "worse": "It was worse than best on average for {}.",
        "open": "For {} it differs from best on average, and the data do not tell which of the two is better.",
    }
    parts = [words[kind].format(_listed(questions)) for kind, questions in found.items() if questions]
    less = sum(one.mean("recommended", 1) < one.mean("random", 1) for one in judged)
    sure = [one.question for one in judged if one.gain("random", 1)[1] > 0]
    shown = f"for {_listed(sure)} alone is that" if sure else "for none of them by itself is that"
    parts.append(
        f"Its mean regret was less than that of a choice at random for {less} of {len(judged)} kinds of question; "
        f"{shown} shown to be more than chance."
    )
    return " ".join(parts)


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def write(night: Night, matrix: Matrix, judged: Sequence[Judged]) -> None:
    """The whole page."""
    day = dt.datetime.now(dt.UTC).date().isoformat()
    parts = [
        _HEAD,
        f"## What happened ({day}, a machine of two cores that others used too)\n",
        what_happened(night, matrix) + "\n",
        _NOTES,
    ]
    PAGE.write_text("\n".join([*parts, _judgement(judged)]), encoding="utf-8")


def write_judgement(judged: Sequence[Judged]) -> None:
    """The second half of the page, for the same night: when recommendations are made otherwise."""
    happened, _, _ = PAGE.read_text(encoding="utf-8").partition(_HELD_OUT)
    PAGE.write_text(happened + _judgement(judged), encoding="utf-8")


def _judgement(judged: Sequence[Judged]) -> str:
    return "\n".join([_HELD_OUT, "", held_out(judged) + "\n", _MEANING.format(verdict=verdict(judged))])
