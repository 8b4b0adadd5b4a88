"""What a person should still decide about a data set, as questions with answers to click."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from codalab_nb.frontends.choosing.words import direction
from codalab_nb.model.dataset import Column, Profile, Role
from codalab_nb.model.design import NO_ROLE
from codalab_nb.model.proposals import may_have
from codalab_nb.model.questions import Open, open_points

_OTHERS = 4  # so many other columns, or groups, are offered as buttons
ROLE_WORDS: Mapping[Role, str] = {
    "condition": "says which group a sample belongs to",
    "batch": "says in which batch a sample was measured",
    "pair": "says which samples belong together, as those of one patient",
    "dose": "holds the doses",
    "time": "holds the times",
    "event": "says whether the event happened",
    "target": "holds what is to be predicted",
}


@dataclass(frozen=True)
class Answer:
    """The words of a button, and what they mean, as `Catalog.set` takes it."""

    words: str
    roles: Mapping[str, str] = field(default_factory=dict)
    reference: str | None = None
    renames: Mapping[str, str] = field(default_factory=dict)
    accept: bool = False


@dataclass(frozen=True)
class Question:
    code: str
    text: str
    answers: tuple[Answer, ...]


def questions(profile: Profile) -> list[Question]:
    """Every question that is open, each with its answers: the proposed one first."""
    points = list(open_points(profile))
    return [Question(point.code, _asked(point), tuple(_answers(profile, point, len(points)))) for point in points]


def _asked(point: Open) -> str:
    if point.code == "role_proposed":
        assert point.column is not None
        assert point.column.role is not None
        return f"{point.said.partition('; ')[0]}: it {ROLE_WORDS[point.column.role]}. Is that right?"
    if point.code == "levels_look_alike":
        return f"{point.said} Is that a slip of spelling?"
    return f"{point.said} Is that right?"


def _answers(profile: Profile, point: Open, all_open: int) -> Iterator[Answer]:
    if point.code == "samples_renamed":
        more = "" if all_open == 1 else ", and take all else that is proposed, too"
        yield Answer(f"Yes, they are the same{more}", accept=True)
    elif point.code == "role_proposed":
        assert point.column is not None
        yield from _role_answers(profile, point.column)
    elif point.code == "reference_proposed":
        yield from _reference_answers(profile)
    elif point.code == "levels_look_alike":
        assert point.column is not None
        renames = {f"{point.column.name}:{old}": new for old, new in point.same.items()}
        yield Answer("Yes, take them as the same", renames=renames)


def _role_answers(profile: Profile, column: Column) -> Iterator[Answer]:
    role = column.role
    assert role is not None
    yield Answer(f"Yes, {column.name}", roles={column.name: role})
    others = [one for one in profile.columns if one is not column and one.role is None and may_have(one, role)]
    for other in others[:_OTHERS]:
        yield Answer(f"No, {other.name}", roles={other.name: role})
    yield Answer("None of them", roles={column.name: NO_ROLE})


def _reference_answers(profile: Profile) -> Iterator[Answer]:
    reference = profile.reference
    column = profile.by_role("condition")
    assert reference is not None
    levels = [level.name for level in column.levels] if column else []
    first = [level for level in levels if level == reference.level]
    for level in [*first, *(other for other in levels if other != reference.level)][: 1 + _OTHERS]:
        yield Answer(_meaning(level, levels), reference=level)


def _meaning(level: str, levels: Sequence[str]) -> str:
    return f"{level}: {direction(level, [other for other in levels if other != level])}"
