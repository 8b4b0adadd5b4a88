"""A data set in words, and the sentences of the site for who clicks: no flags of a command line in them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from codalab_nb.errors import Problem
from codalab_nb.frontends.cli.text import count, duration
from codalab_nb.model.dataset import KIND_WORDS, Column, Profile

_LEVELS = 6

# What to click where the command line says what to type.
_CLICKS: tuple[tuple[str, str], ...] = (
    (
        r"--samples FILE, or --role COLUMN=\w+( --role COLUMN=\w+)*",
        "say under Data which column holds it, or add the table again with a sample table that has it",
    ),
    (r"which column is the ([\w ]+): --role COLUMN=\w+\.", r"which column is the \1: say so under Data."),
    (r": --role COLUMN=\w+( --role COLUMN=\w+)*\.", ": say it under Data."),
    (r"\(--sheet chooses another\)", "(another can be named when the table is added)"),
    (r" Confirm or change it with --reference .*$", " Confirm or change it under Data."),
    (r" Confirm with --role .*?, or name another column\.", " Confirm it, or choose another column."),
    (r" Give it with -p \w+=VALUE\.", " Choose one under Settings."),
    (r"^Give it with -p \w+=VALUE\.", "Choose one under Settings."),
    (r"Leave --kind away, or give the sample table with --samples FILE\.", "Give a sample table, too."),
    (r"Leave --kind away, or say linear or log\.", "Choose another kind of values."),
    (r"set it with --kind\b", "choose the right one under “The values are”"),
    (r"Give a sample table with --samples FILE", "Add the table together with a sample table"),
    (r"give one with --samples\b", "add the table together with one"),
    (r"with --samples FILE", "as a sample table"),
    (r": `--name golub`\.", "."),
    (r": `--(timeout|memory) (\w+)`\.", r", as \2."),
    (r"`codalab-nb method list[^`]*` shows what fits\.", "What fits is listed under Methods."),
    (
        r"`codalab-nb dataset list` shows all; `codalab-nb dataset add FILE` makes one\.",
        "Click Refresh to see what is there.",
    ),
    (r"^-i (\w+)=", r"\1: "),
    (
        r"Give a path, a data set \(`dataset list`\), or TASK\[:FILE\] of a task that has ended \(`status`\)\.",
        "Choose a file of the file browser, a data set, or a result of a task that has ended.",
    ),
    (r"`codalab-nb method list` shows all;.*", "Click Refresh to see what is there."),
)


def plain(text: str) -> str:
    """A sentence of the site with what to click in place of what to type on a command line."""
    for pattern, words in _CLICKS:
        text = re.sub(pattern, words, text)
    return re.sub(r"say --kind (\w+)", lambda found: _kind_click(found[1]), text)


def plainly(problem: Problem) -> Problem:
    return Problem(problem.code, plain(problem.message), plain(problem.fix), problem.at)


def _kind_click(kind: str) -> str:
    return f"choose “{KIND_WORDS.get(kind, kind)}” under “The values are”"


def size(profile: Profile) -> str:
    """`3,051 genes × 38 samples`."""
    if profile.is_matrix:
        return f"{count(profile.n_features, 'gene')} × {count(profile.n_samples, 'sample')}"
    if profile.orientation == "table":
        return f"{count(profile.n_samples, 'row')} × {count(profile.n_features, 'column')}"
    return "files, not read as tables"


def groups(column: Column | None) -> str:
    """`ALL 27, AML 11`."""
    if column is None or not column.levels:
        return ""
    more = ", …" if len(column.levels) > _LEVELS else ""
    return ", ".join(f"{level.name} {level.n}" for level in column.levels[:_LEVELS]) + more


def searched(name: str, profile: Profile) -> str:
    """Where a search looks: the name, the columns and the groups of a data set, without upper case."""
    words = [name]
    for column in profile.columns:
        words += [column.name, *(level.name for level in column.levels)]
    return " ".join(words).casefold()


def direction(reference: str | None, others: Sequence[str]) -> str:
    """`up = higher in AML than in ALL`."""
    if not reference:
        return ""
    if len(others) == 1:
        return f"up = higher in {others[0]} than in {reference}"
    return f"up = higher than in {reference}"


def roughly(seconds: float) -> str:
    """`1 s`, `6 s`, `2 min 30 s`: what is only usual needs no tenths."""
    return "1 s" if seconds < 1.5 else duration(float(round(seconds))).replace(".0 s", " s")


def plain_name(name: str) -> str:
    """The last part of a file name as a browser or a person gave it; never a path, never empty."""
    whole = name.encode("utf-8", "replace").decode().replace("\0", "")
    last = re.split(r"[/\\]", whole)[-1].strip()
    while len(last.encode()) > 200:
        last = last[1:]  # the ending says what it is
    return last if last not in ("", ".", "..") else "table.csv"
