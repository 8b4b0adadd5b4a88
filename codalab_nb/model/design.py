"""How a person's word enters a profile: roles, kind, reference, names of groups. The files are never changed.

What is proposed before a person has said anything stands in model/proposals.py.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

from codalab_nb.errors import Problems
from codalab_nb.model.alike import merged, one_spelling
from codalab_nb.model.dataset import MATRIX_KINDS, ROLES, Column, Kind, Note, Profile, Reference, Role
from codalab_nb.model.proposals import event_level, groups_from_names, propose_reference, propose_roles

__all__ = [
    "check_words", "event_level", "groups_from_names", "kind_notes", "meant", "propose_reference", "propose_roles",
    "revise",
]  # fmt: skip

NO_ROLE = "none"  # takes a role away
OTHER_WORDS = {"subject": "pair", "patient": "pair", "donor": "pair", "group": "condition", "treatment": "condition"}


def revise(
    profile: Profile,
    *,
    roles: Mapping[str, str] | None = None,
    kind: str | None = None,
    reference: str | None = None,
    renames: Mapping[str, str] | None = None,
    accept: bool = False,
) -> Profile:
    """The profile after a person's word, which is marked as confirmed.

    roles: column → role, or `none`. reference: the group of the condition that others are compared with.
    renames: `COLUMN:OLD` (or `OLD`, in every column that has it) → the name of that group; an existing name merges.
    accept: everything that is proposed and not said otherwise here: roles, reference, names spelled differently.
    Raises InputError with every problem: unknown_role, unknown_column, duplicate_role, role_mismatch, unknown_kind,
    kind_mismatch, unknown_level.
    """
    problems = Problems()
    roles = canonical(roles)
    check_words(problems, roles, kind, [column.name for column in profile.columns])
    _check_kind(problems, profile, kind)
    _check_types(problems, profile, roles)
    recoded = _recoded(problems, profile, renames or {}, accept)
    if reference is not None:
        _check_reference(problems, recoded, roles, profile.by_role("condition"), reference)
    problems.raise_if_any()

    columns = tuple(_with_role(recoded[column.name], roles, accept) for column in profile.columns)
    changes: dict[str, object] = {"columns": columns}
    if kind is not None:
        kept = [note for note in profile.warnings if note.code not in _KIND_NOTES]
        changes |= {
            "kind": cast(Kind, kind),
            "kind_source": "user",
            "warnings": (*kept, *kind_notes(profile, cast(Kind, kind), by_user=True)),
        }
    if accept:
        changes["renamed_proposed"] = False
    condition = next((column for column in columns if column.role == "condition"), None)
    changes["reference"] = _reference(profile, condition, accept)
    if reference is not None and condition is not None:
        changes["reference"] = Reference(column=condition.name, level=reference, why="set by the user", proposed=False)
    return Profile.model_validate(profile.model_dump() | {key: _plain(value) for key, value in changes.items()})


def canonical(roles: Mapping[str, str] | None) -> dict[str, str]:
    """`donor=subject` is `donor=pair`."""
    return {name: OTHER_WORDS.get(role, role) for name, role in (roles or {}).items()}


def check_words(problems: Problems, roles: Mapping[str, str], kind: str | None, columns: Sequence[str] | None) -> None:
    """Adds what is wrong with the user's words; `columns` are the known columns, None while they are not known."""
    for name, role in roles.items():
        if role not in ROLES and role != NO_ROLE:
            told = f"{role!r} is not a role (asked for column {name!r}).{meant(role, ROLES)}"
            problems.add("unknown_role", told, f"Roles: {', '.join(ROLES)}; {NO_ROLE} takes a role away.")
        if columns is not None and name not in columns:
            fix = (
                f"Columns: {', '.join(columns[:12])}."
                if columns
                else "No sample table is known; give one with --samples."
            )
            problems.add(
                "unknown_column", f"There is no column {name!r} in the sample table.{meant(name, columns)}", fix
            )
    doubled = [role for role, n in Counter(roles.values()).items() if n > 1 and role != NO_ROLE]
    if doubled:
        told = f"More than one column was given the role {', '.join(doubled)}."
        problems.add("duplicate_role", told, "Give each role to one column.")
    if kind is not None and kind not in MATRIX_KINDS:
        told = f"{kind!r} is not a kind of values.{meant(kind, MATRIX_KINDS)}"
        problems.add("unknown_kind", told, f"Kinds: {', '.join(MATRIX_KINDS)}.")


def _check_kind(problems: Problems, profile: Profile, kind: str | None) -> None:
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


def _check_types(problems: Problems, profile: Profile, roles: Mapping[str, str]) -> None:
    for name, role in roles.items():
        column = profile.column(name)
        if column is None:
            continue
        if role in ("dose", "time") and column.type != "numbers":
            found = f"it holds text ({column.levels[0].name!r}, …)" if column.levels else "it holds text"
            fix = "Write plain numbers, the unit in the column's name: time_h with 2, 4, 8."
            problems.add("role_mismatch", f"Column {name!r} cannot be the {role}: {found}.", fix)
        if role in ("condition", "batch", "pair") and not column.levels:
            fix = "Name a column in which samples share a value, or make groups of the numbers first."
            told = f"Column {name!r} cannot be the {role}: its values are no groups, as hardly any occurs twice."
            problems.add("role_mismatch", told, fix)


def _recoded(problems: Problems, profile: Profile, renames: Mapping[str, str], accept: bool) -> dict[str, Column]:
    """Column name → the column with its groups renamed."""
    wanted: dict[str, dict[str, str]] = {
        column.name: one_spelling(column.levels) if accept else {} for column in profile.columns
    }
    for key, new in renames.items():
        found = [
            (column.name, old)
            for column in profile.columns
            for old in (key, key.removeprefix(f"{column.name}:"))
            if any(level.name == old.strip() for level in column.levels)
        ]
        for name, old in found:
            wanted[name][old.strip()] = new.strip()
        if not found:
            column = next((c for c in profile.columns if key.startswith(f"{c.name}:")), profile.by_role("condition"))
            known = [level.name for level in column.levels] if column else []
            problems.add(
                "unknown_level",
                f"There is no group {key!r} to rename.{meant(key.rpartition(':')[2], known)}",
                f"Groups of {column.name!r}: {', '.join(known[:12])}." if column else "No groups are known.",
            )
        elif not new.strip():
            problems.add("usage", f"--rename {key}= gives no name.", "Write --rename COLUMN:OLD=NEW.")
    return {column.name: _renamed(column, wanted[column.name]) for column in profile.columns}


def _renamed(column: Column, names: Mapping[str, str]) -> Column:
    names = {old: new for old, new in names.items() if old != new}
    if not names:
        return column
    recoded = {old: names.get(new, new) for old, new in column.recoded.items()}
    recoded |= {old: new for old, new in names.items() if old not in recoded}
    # Whoever calls 1 and 2 male and female means groups, no longer numbers.
    kind = "groups" if column.type == "numbers" else column.type
    return column.model_copy(update={"levels": merged(column.levels, names), "recoded": recoded, "type": kind})


def _with_role(column: Column, roles: Mapping[str, str], accept: bool) -> Column:
    if column.name in roles:
        role = cast(Role, roles[column.name]) if roles[column.name] != NO_ROLE else None
        return column.model_copy(update={"role": role, "role_proposed": False})
    if column.role in roles.values():  # the role went to another column
        return column.model_copy(update={"role": None, "role_proposed": False})
    return column.model_copy(update={"role_proposed": False}) if accept else column


def _reference(profile: Profile, condition: Column | None, accept: bool) -> Reference | None:
    if condition is None:
        return None
    known = profile.reference
    if known is None or known.column != condition.name:
        known = propose_reference(condition)
    elif known.level not in [level.name for level in condition.levels]:  # renamed
        level = condition.recoded.get(known.level)
        known = known.model_copy(update={"level": level}) if level else propose_reference(condition)
    if known is not None and len(condition.levels) < 2:
        known = None
    return known.model_copy(update={"proposed": False}) if known and accept else known


def _check_reference(
    problems: Problems, columns: Mapping[str, Column], roles: Mapping[str, str], now: Column | None, level: str
) -> None:
    named = next((name for name, role in roles.items() if role == "condition"), now.name if now else None)
    if named is None or roles.get(named, "condition") != "condition":
        fix = "Say first which column is the condition: --role COLUMN=condition."
        problems.add("unknown_level", f"There is no group {level!r} to compare with.", fix)
    elif named in columns and level not in [one.name for one in columns[named].levels]:
        levels = [one.name for one in columns[named].levels]
        told = f"There is no group {level!r} to compare with.{meant(level, levels)}"
        problems.add("unknown_level", told, f"Groups of {named!r}: {', '.join(levels[:12]) or 'none known'}.")


_KIND_NOTES = ("negative_values", "kind_uncertain", "kind_doubtful", "log_of_log")
LOGS_END = 30  # 2 to the power of 30 is a billion: up to here values may be logarithms, whoever calls them linear
FURTHEST_LOG = 45  # intensities of proteomics reach 2 to the power of 35, and Ct values 40 cycles
TWICE = (1.5, 4.5)  # the highest value where a logarithm was taken twice lies here: log2(log2(60000)) is 4.0


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
    elif kind == "log" and high > FURTHEST_LOG and not by_user:
        text = f"The values go up to {high:g}, further than logarithms do: if they are intensities, say --kind linear."
        notes.append(Note(code="kind_uncertain", text=text))
    if kind == "log" and not whole and low > 0 and TWICE[0] < high <= TWICE[1]:
        text = (
            f"The values lie between {low:g} and {high:g}. Logarithms to base 2 usually reach 10 to 16, so these are "
        )
        text += "to base 10, or a logarithm was taken twice; if twice, export the values again."
        notes.append(Note(code="log_of_log", text=text))
    if by_user and kind == "linear" and not whole and high <= LOGS_END:
        text = (
            f"You call the values linear, but they lie between {low:g} and {high:g}, as logarithms do; methods would "
        )
        text += "take the logarithm of a logarithm. If they are logarithms, say --kind log."
        notes.append(Note(code="kind_doubtful", text=text))
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


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.model_dump() if isinstance(value, Column | Note | Reference) else value


def meant(text: str, known: Sequence[str]) -> str:
    """ " Did you mean …?" when one of the known words is close, else nothing."""
    close = difflib.get_close_matches(text, known, n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""
