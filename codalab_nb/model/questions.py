"""What a person should still decide about a data set, each with the words that decide it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from codalab_nb.model.alike import merged, one_spelling
from codalab_nb.model.dataset import Column, Note, Profile, counted
from codalab_nb.model.proposals import event_level

_NAMED = 5
ORIGINS = {
    "file": "from the file",
    "header": "from the rows above the matrix",
    "names": "read out of the sample names",
    "user": "as you said",
}


@dataclass(frozen=True)
class Open:
    """Something that was proposed and nobody has confirmed: `said` in a sentence, `typed` how a command line decides.

    column: the one it is about. same: of groups that look alike, name → the name it should have.
    """

    code: str
    said: str
    typed: str
    column: Column | None = None
    same: Mapping[str, str] = field(default_factory=dict)


def open_questions(profile: Profile) -> Iterator[Note]:
    """What was proposed and nobody has confirmed. `dataset set NAME --accept` confirms all of it."""
    for point in open_points(profile):
        yield Note(code=point.code, text=f"{point.said} {point.typed}")


def open_points(profile: Profile) -> Iterator[Open]:
    if profile.renamed and profile.renamed_proposed:
        yield Open(
            "samples_renamed",
            f"{counted(len(profile.renamed), 'sample')} of the matrix {_is(profile.renamed)} spelled differently "
            f"in the sample table and taken as the same: {_pairs(profile.renamed)}.",
            "Accept with --accept, or spell them alike in the files.",
        )
    for column in profile.columns:
        if not column.role or not column.role_proposed:
            continue
        told = groups(column) or "numbers"
        counts = _event_told(column) if column.role == "event" else ""
        yield Open(
            "role_proposed",
            f"Column {column.name!r} ({ORIGINS[column.source]}: {told}) is taken as {column.role}{counts}; nobody "
            "has confirmed this.",
            f"Confirm with {role_flag(column)}, or name another column.",
            column,
        )
    reference = profile.reference
    if reference and reference.proposed:
        yield Open(
            "reference_proposed",
            f"{reference.level!r} is proposed as the reference of {reference.column!r} ({reference.why}); "
            f"'up' then means higher than in {reference.level}.",
            "Confirm or change it with --reference LEVEL, or for one analysis with -p reference=LEVEL.",
        )
    for column in profile.columns:
        same = one_spelling(column.levels)
        if same:
            yield Open(
                "levels_look_alike",
                f"{_both(same)} count as different groups of {column.name!r}.",
                "If that is a spelling slip, accept with --accept, or one by one with "
                f"{' '.join(rename_flags(column, same))}.",
                column,
                same,
            )


def design_notes(profile: Profile) -> Iterator[Note]:
    condition = profile.by_role("condition")
    if condition is None or not condition.levels or not profile.is_matrix:
        return
    for level in merged(condition.levels, one_spelling(condition.levels)):  # a slip of spelling is told as one
        if level.n == 1:
            yield Note(
                code="singleton",
                text=f"Group {level.name!r} of {condition.name!r} is a single sample: how much samples of that group "
                "differ among themselves cannot be known, so it cannot be compared with others.",
            )
        elif level.n < 3:
            yield Note(
                code="small_group",
                text=f"Group {level.name!r} of {condition.name!r} has only {counted(level.n, 'sample')}; "
                "three or more are needed to judge differences well.",
            )


def groups(column: Column) -> str:
    return ", ".join(f"{level.name} ({level.n})" for level in column.levels[:6]) + (
        ", …" if len(column.levels) > 6 else ""
    )


def _event_told(column: Column) -> str:
    """Which value is counted as the event: the other one turns every result around."""
    happened = event_level([level.name for level in column.levels], column.name)
    if happened is None:
        return ", and no value of it is known to mean that the event happened"
    n = sum(level.n for level in column.levels if level.name == happened)
    return f", and {happened!r} ({n} of {sum(level.n for level in column.levels)}) counts as the event that happened"


def role_flag(column: Column) -> str:
    """`--role Diagnosis=condition`, quoted where a shell needs it."""
    return f"--role {shlex.quote(f'{column.name}={column.role}')}"


def rename_flags(column: Column, same: Mapping[str, str]) -> list[str]:
    return [f"--rename {shlex.quote(f'{column.name}:{old}={new}')}" for old, new in same.items()]


def _both(same: Mapping[str, str]) -> str:
    kept: dict[str, list[str]] = {}
    for old, new in same.items():
        kept.setdefault(new, []).append(old)
    return "; ".join(" and ".join(map(repr, (new, *olds))) for new, olds in kept.items())


def _pairs(renamed: Mapping[str, str]) -> str:
    some = list(renamed.items())[:_NAMED]
    return ", ".join(f"{old!r} is {new!r}" for old, new in some) + (", …" if len(renamed) > _NAMED else "")


def _is(many: Mapping[str, str]) -> str:
    return "is" if len(many) == 1 else "are"
