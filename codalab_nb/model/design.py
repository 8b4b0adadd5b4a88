"""What the names of samples, columns and groups suggest. Proposals only: a person confirms them.

`revise` is how a person's word enters a profile; it never changes the files.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

from codalab_nb.errors import InputError, Problems
from codalab_nb.model.dataset import MATRIX_KINDS, ROLES, Column, Kind, Note, Profile, Reference, Role

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
    "target": ("target",),
}
EVENT_WORDS = ("1", "true", "yes", "event", "dead", "died", "death", "deceased", "relapse", "relapsed", "progressed")
NO_EVENT_WORDS = ("0", "false", "no", "none", "censored", "alive", "living", "no event")


def groups_from_names(names: Sequence[str]) -> tuple[str, ...]:
    """One group per sample name, or () when the names show none: `ALL_1`, `AML_28`, `ctrl1`, `treated-2`.

    A name is cut before its trailing number. It counts as a design only if there are 2 to 12 groups of two
    or more samples each, and no more than half as many groups as samples.
    """
    groups = []
    for name in names:
        match = re.fullmatch(
            r"(.*?[^0-9 ._-])[ ._-]*?(?:[ ._-]+rep(?:licate)?)?[ ._-]*[0-9]+", name.strip(), re.IGNORECASE
        )
        if not match:
            return ()
        groups.append(match[1])
    sizes = Counter(groups)
    return tuple(groups) if 2 <= len(sizes) <= 12 and min(sizes.values()) >= 2 else ()


def looks_like_control(level: str) -> bool:
    words = re.split(r"[^a-z-]+", level.casefold())
    joined = level.casefold().replace(" ", "").replace("_", "")
    long_words = [word for word in CONTROL_WORDS if word not in SHORT_CONTROL_WORDS]
    return any(word in words for word in CONTROL_WORDS) or any(joined.startswith(word) for word in long_words)


def propose_reference(column: Column) -> Reference | None:
    """The group to compare with: one that is called like a control, else the first; always marked as proposed."""
    if len(column.levels) < 2:
        return None
    controls = [level.name for level in column.levels if looks_like_control(level.name)]
    if len(controls) == 1:
        return Reference(column=column.name, level=controls[0], why="its name looks like a control")
    return Reference(
        column=column.name,
        level=column.levels[0].name,
        why="no single group is named like a control, so the first one was taken",
    )


def propose_roles(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Gives roles to columns with groups by their names and levels. At most one column per role."""
    chosen: dict[str, Role] = {}
    for role, words in ROLE_WORDS.items():
        scored = [
            (score, -len(column.levels), -place, column.name)
            for place, column in enumerate(columns)
            if column.name not in chosen and (score := _score(column, role, words)) > 0
        ]
        if scored:
            chosen[max(scored)[3]] = role
    chosen |= _named_roles(columns, set(chosen))
    return tuple(
        column.model_copy(update={"role": chosen[column.name], "role_proposed": True})
        if column.name in chosen
        else column
        for column in columns
    )


def _named_roles(columns: Sequence[Column], taken: set[str]) -> dict[str, Role]:
    """Dose, target, and (only together) time and event, where exactly one column has such a name and content."""
    found: dict[Role, str] = {}
    for role, words in NAMED_ROLES.items():
        named = [
            column.name
            for column in columns
            if column.name not in taken
            and set(re.split(r"[^a-z]+", column.name.casefold())) & set(words)
            and _may_be(column, role)
        ]
        if len(named) == 1:
            found[role] = named[0]
    if not {"time", "event"} <= found.keys():  # a time alone may be a time course
        found = {role: name for role, name in found.items() if role not in ("time", "event")}
    return {name: role for role, name in found.items()}


def _may_be(column: Column, role: Role) -> bool:
    if role in ("dose", "time"):
        return column.type == "numbers" and len(column.levels) != 1
    if role == "event":
        return len(column.levels) == 2
    return len(column.levels) > 1 and all(level.n > 1 for level in column.levels)


def event_level(levels: Sequence[str]) -> str | None:
    """Which of two levels says that the event happened: 1 of 0/1, 2 of 1/2, `dead` of alive/dead; None: not known."""
    spelled = {level.strip().casefold(): level for level in levels}
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


def revise(
    profile: Profile, *, roles: Mapping[str, str] | None = None, kind: str | None = None, reference: str | None = None
) -> Profile:
    """The profile after a person's word on roles (column → role), value kind, reference level; marked as confirmed.

    Raises InputError with every problem: unknown_role, unknown_column, duplicate_role, unknown_kind,
    kind_mismatch, unknown_level.
    """
    problems = Problems()
    roles = dict(roles or {})
    check_words(problems, roles, kind, [column.name for column in profile.columns])
    if kind in MATRIX_KINDS and not profile.is_matrix:
        problems.add(
            "unknown_kind",
            "A kind of values belongs to an expression matrix; this was read as a general table.",
            "Leave --kind away, or give the sample table with --samples FILE.",
        )
    low = profile.value_min
    no_count = profile.not_count or (f"they go down to {low:g}" if low is not None and low < 0 else None)
    if kind == "counts" and no_count:
        problems.add(
            "kind_mismatch",
            f"These values cannot be counts: {no_count}. Counts are whole numbers, 0 or more.",
            "Leave --kind away, or say linear or log. Estimated counts (RSEM, Salmon) must be rounded first.",
        )
    problems.raise_if_any()

    columns = tuple(_with_role(column, roles) for column in profile.columns)
    changes: dict[str, object] = {"columns": columns}
    if kind is not None:
        kept = [note for note in profile.warnings if note.code not in _KIND_NOTES]
        changes |= {
            "kind": cast(Kind, kind),
            "kind_source": "user",
            "warnings": (*kept, *kind_notes(profile, cast(Kind, kind), by_user=True)),
        }
    condition = next((column for column in columns if column.role == "condition"), None)
    if condition is None:
        changes["reference"] = None
    elif profile.reference is None or profile.reference.column != condition.name:
        changes["reference"] = propose_reference(condition)
    if reference is not None:
        changes["reference"] = _confirmed(condition, reference)
    return Profile.model_validate(profile.model_dump() | {key: _plain(value) for key, value in changes.items()})


_KIND_NOTES = ("negative_values", "kind_uncertain", "kind_doubtful")


def kind_notes(profile: Profile, kind: Kind, *, by_user: bool) -> list[Note]:
    """What is odd about values of this kind: as read, or as a person said."""
    low, high = profile.value_min, profile.value_max
    if low is None or high is None:
        return []
    notes = []
    whole = profile.not_count is None
    if kind == "linear" and low < 0:
        text = f"Intensities go down to {low:g}; before a logarithm is taken, small values are raised to a floor."
        notes.append(Note(code="negative_values", text=text))
    if kind == "log" and whole and not by_user:
        text = "All values are whole numbers: if they are counts, say --kind counts."
        notes.append(Note(code="kind_uncertain", text=text))
    if by_user and high > 200 and (kind == "log" or (kind == "linear" and whole)):
        found = f"all are whole numbers, up to {high:g}, as counts are" if whole else f"they go up to {high:g}"
        why = (
            "as logarithms, differences between them would be far too large"
            if kind == "log"
            else "methods for intensities judge counts wrongly"
        )
        text = f"You call the values {kind}, but {found}; {why}. If they are {'counts' if whole else 'intensities'}, "
        notes.append(Note(code="kind_doubtful", text=text + f"say --kind {'counts' if whole else 'linear'}."))
    return notes


def check_words(problems: Problems, roles: Mapping[str, str], kind: str | None, columns: Sequence[str] | None) -> None:
    """Adds what is wrong with the user's words; `columns` are the known columns, None while they are not known."""
    for name, role in roles.items():
        if role not in ROLES:
            told = f"{role!r} is not a role (asked for column {name!r}).{meant(role, ROLES)}"
            problems.add("unknown_role", told, f"Roles: {', '.join(ROLES)}.")
        if columns is not None and name not in columns:
            fix = (
                f"Columns: {', '.join(columns[:12])}."
                if columns
                else "No sample table is known; give one with --samples."
            )
            problems.add(
                "unknown_column", f"There is no column {name!r} in the sample table.{meant(name, columns)}", fix
            )
    doubled = [role for role, n in Counter(roles.values()).items() if n > 1]
    if doubled:
        told = f"More than one column was given the role {', '.join(doubled)}."
        problems.add("duplicate_role", told, "Give each role to one column.")
    if kind is not None and kind not in MATRIX_KINDS:
        told = f"{kind!r} is not a kind of values.{meant(kind, MATRIX_KINDS)}"
        problems.add("unknown_kind", told, f"Kinds: {', '.join(MATRIX_KINDS)}.")


def _with_role(column: Column, roles: Mapping[str, str]) -> Column:
    if column.name in roles:
        return column.model_copy(update={"role": roles[column.name], "role_proposed": False})
    if column.role in roles.values():  # the role went to another column
        return column.model_copy(update={"role": None, "role_proposed": False})
    return column


def _confirmed(condition: Column | None, level: str) -> Reference:
    levels = [known.name for known in condition.levels] if condition else []
    if condition is None or level not in levels:
        raise InputError(
            "unknown_level",
            f"There is no group {level!r} to compare with.",
            f"Groups: {', '.join(levels) or 'none known'}.{meant(level, levels)}",
        )
    return Reference(column=condition.name, level=level, why="set by the user", proposed=False)


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.model_dump() if isinstance(value, Column | Note | Reference) else value


def meant(text: str, known: Sequence[str]) -> str:
    """ " Did you mean …?" when one of the known words is close, else nothing."""
    close = difflib.get_close_matches(text, known, n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""
