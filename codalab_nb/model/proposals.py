"""What the names of samples, columns and groups suggest. Proposals only: a person confirms them (model/design.py)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from codalab_nb.model.alike import merged, one_spelling
from codalab_nb.model.dataset import Column, Reference, Role

# A level that is one of these words, or starts or ends with one of them, looks like a control.
CONTROL_WORDS = (
    "control", "ctrl", "ctl", "untreated", "untrt", "unstimulated", "normal", "healthy", "wildtype", "wild-type", "wt",
    "vehicle", "mock", "placebo", "dmso", "pbs", "sham", "baseline", "before", "pre", "none", "scramble", "naive",
)  # fmt: skip
SHORT_CONTROL_WORDS = frozenset(
    {"wt", "pbs", "ctl", "pre", "none", "mock", "sham", "dmso", "before"}
)  # whole words only
ROLE_WORDS: dict[Role, tuple[str, ...]] = {
    "condition": ("condition", "group", "treatment", "treated", "genotype", "disease", "diagnosis", "phenotype",
                  "class", "label", "labels", "cancer", "tumor", "tumour", "outcome", "status", "type"),
    "batch": ("batch", "run", "plate", "lane", "chip", "flowcell", "center", "centre"),
    "pair": ("pair", "subject", "patient", "donor", "individual", "animal", "mouse", "block"),
}  # fmt: skip
# Roles told by the name of a column, if it holds what such a column must hold.
NAMED_ROLES: dict[Role, tuple[str, ...]] = {
    "dose": ("dose", "conc", "concentration"),
    "time": ("time", "survival", "days", "months", "os", "pfs", "futime"),
    "event": ("event", "status", "died", "dead", "death", "fustat"),
    "target": ("target", "species"),
}
CELL_LINES = frozenset({"cell", "line", "cellline", "clone"})  # a pair only if each comes as often as the others
NO_AND_YES = {"no": "yes", "n": "y", "false": "true", "0": "1", "absent": "present", "negative": "positive"}
EVENT_WORDS = ("1", "true", "yes", "event", "dead", "died", "death", "deceased", "relapse", "relapsed", "progressed")
NO_EVENT_WORDS = ("0", "false", "no", "censored", "alive", "living", "no event")
OPPOSITE = ("cens", "alive", "living", "survived")  # so begins the name of a column in which 1 says: no event
ANSWERS = frozenset({"0", "1", "2", "no", "yes", "false", "true"})


_FILE_ENDING = re.compile(
    r"[._]?(?:[._](?:sorted|sortedbycoord|aligned|out|markdup|dedup|trimmed|unique))*\.(?:bam|sam|cram|fastq|fq)(?:\.gz)?$",
    re.IGNORECASE,
)


def groups_from_names(names: Sequence[str]) -> tuple[str, ...]:
    """One group per sample name, or () when the names show none: `ALL_1`, `AML_28`, `ctrl1`, `treated-2`.

    A name is cut before its trailing number. It counts as a design only if there are 2 to 12 groups of two
    or more samples each, and no more than half as many groups as samples.
    """
    groups = []
    for name in names:
        match = re.fullmatch(
            r"(.*?[^0-9 ._-])[ ._-]*?(?:[ ._-]+rep(?:licate)?)?[ ._-]*[0-9]+", _without_path(name), re.IGNORECASE
        )
        if not match:
            return ()
        groups.append(match[1])
    sizes = Counter(groups)
    return tuple(groups) if 2 <= len(sizes) <= 12 and min(sizes.values()) >= 2 else ()


def _without_path(name: str) -> str:
    """`/scratch/bam/ctrl_1.sorted.bam` is `ctrl_1`; a stroke in any other name is kept (`+/+ 1`)."""
    name = name.strip()
    bare = _FILE_ENDING.sub("", name)
    return bare if bare == name else re.split(r"[/\\]", bare)[-1]


def looks_like_control(level: str) -> bool:
    words = re.split(r"[^a-z-]+", level.casefold())
    joined = level.casefold().replace(" ", "").replace("_", "")
    long_words = [word for word in CONTROL_WORDS if word not in SHORT_CONTROL_WORDS]
    return any(word in words for word in CONTROL_WORDS) or any(joined.startswith(word) for word in long_words)


def propose_reference(column: Column) -> Reference | None:
    """The group to compare with: one that is called like a control, else the first; always marked as proposed.

    Of several spellings of one name, the usual one.
    """
    levels = merged(column.levels, one_spelling(column.levels))
    if len(levels) < 2:
        return None
    controls = [level.name for level in levels if looks_like_control(level.name)]
    answers = {level.name.strip().casefold(): level.name for level in levels}
    no = next((word for word, yes in NO_AND_YES.items() if set(answers) == {word, yes}), None)
    if no is not None:
        return Reference(
            column=column.name, level=answers[no], why=f"of the two, {answers[no]} is the one that says no"
        )
    if len(controls) == 1:
        return Reference(column=column.name, level=controls[0], why="its name looks like a control")
    return Reference(
        column=column.name,
        level=levels[0].name,
        why="no single group is named like a control, so the first one was taken",
    )


def propose_roles(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Gives roles to columns with groups by their names and levels. At most one column per role."""
    chosen = _named_roles(columns)  # first: a `status` of alive and dead beside a time is no condition
    for role, words in ROLE_WORDS.items():
        scored = [
            (score, -len(column.levels), -place, column.name)
            for place, column in enumerate(columns)
            if column.name not in chosen and (score := _score(column, role, words)) > 0
        ]
        if scored:
            chosen[max(scored)[3]] = role
    return tuple(
        column.model_copy(update={"role": chosen[column.name], "role_proposed": True})
        if column.name in chosen
        else column
        for column in columns
    )


def _named_roles(columns: Sequence[Column]) -> dict[str, Role]:
    """Dose, target, and (only together) time and event, where exactly one column has such a name and content."""
    found: dict[Role, str] = {}
    for role, words in NAMED_ROLES.items():
        named = [
            column.name
            for column in columns
            if set(re.split(r"[^a-z]+", column.name.casefold())) & set(words) and _may_be(column, role)
        ]
        if len(named) == 1:
            found[role] = named[0]
    if not {"time", "event"} <= found.keys():  # a time alone may be a time course
        found = {role: name for role, name in found.items() if role not in ("time", "event")}
    return {name: role for role, name in found.items()}


def _may_be(column: Column, role: Role) -> bool:
    if role == "event":
        return may_have(column, role) and event_level([level.name for level in column.levels], column.name) is not None
    return may_have(column, role) and (role != "target" or all(level.n > 1 for level in column.levels))


def may_have(column: Column, role: Role) -> bool:
    """Whether a person could mean this column: numbers for dose and time, two values for an event, else groups."""
    if role in ("dose", "time"):
        return column.type == "numbers" and len(column.levels) != 1
    if role == "event":
        return len(column.levels) == 2
    return len(column.levels) > 1 and max(level.n for level in column.levels) > 1


def event_level(levels: Sequence[str], name: str = "") -> str | None:
    """Which of two levels says that the event happened: 1 of 0/1, 2 of 1/2, `dead` of alive/dead; None: not known.

    In a column whose `name` says the opposite (censored, alive) it is 0, no or false; of 1/2 it is not known there.
    """
    spelled = {level.strip().casefold(): level for level in levels}
    if any(word.startswith(OPPOSITE) for word in re.split(r"[^a-z]+", name.casefold())) and set(spelled) & ANSWERS:
        return next((level for word, level in spelled.items() if word in ("0", "no", "false")), None)
    if set(spelled) == {"1", "2"}:
        return spelled["2"]
    happened = [level for word, level in spelled.items() if word in EVENT_WORDS]
    if len(happened) == 1:
        return happened[0]
    others = [level for word, level in spelled.items() if word not in NO_EVENT_WORDS]
    return others[0] if len(others) == 1 and len(spelled) == 2 else None


def _score(column: Column, role: Role, words: tuple[str, ...]) -> int:
    repeated = len(column.levels) > 1 and any(level.n > 1 for level in column.levels)
    if not repeated:
        return 0
    name_words = set(re.split(r"[^a-z]+", column.name.casefold()))
    named = column.name.casefold() in words or bool(name_words & set(words))
    if role == "pair" and not named and name_words & CELL_LINES and column.type == "groups":
        sizes = {level.n for level in column.levels}
        return int(len(column.levels) > 2 and len(sizes) == 1 and sizes <= {2, 3, 4})
    if role != "condition":
        return 2 if named else 0
    if column.source == "names":
        return 5
    other_role = any(name_words & set(others) for name, others in ROLE_WORDS.items() if name != "condition")
    if other_role:
        return 0
    control = any(looks_like_control(level.name) for level in column.levels)
    # `type` and `status` are called so in many tables without being the question asked: weak on their own.
    strong = named and not name_words <= {"type", "status", "outcome"}
    if column.type == "numbers":
        return 2 * strong
    return 2 * strong + (named and not strong) + 2 * control
