"""A data set as the page gets it: numbers, and words to be shown as they are."""

from __future__ import annotations

from codalab_nb.frontends.choosing import questions
from codalab_nb.frontends.choosing.words import groups, plain, searched, size
from codalab_nb.frontends.server.wire import datasets
from codalab_nb.frontends.server.wire.common import Note
from codalab_nb.model.dataset import KIND_WORDS, Column, DatasetDocument, Profile
from codalab_nb.model.dataset import Note as ProfileNote
from codalab_nb.model.questions import design_notes, open_points
from codalab_nb.site.catalog import Catalog

__all__ = ["in_full", "searched", "summary"]


def summary(document: DatasetDocument) -> datasets.DatasetSummary:
    return datasets.DatasetSummary(**_summary(document))


def in_full(catalog: Catalog, document: DatasetDocument) -> datasets.Dataset:
    profile = document.profile
    reference = profile.reference
    return datasets.Dataset(
        **_summary(document),
        files=tuple(datasets.DatasetFile(path=file.path, size=file.size) for file in document.files),
        orientation=profile.orientation,
        orientation_why=profile.orientation_why,
        n_samples=profile.n_samples,
        n_features=profile.n_features,
        missing=profile.missing,
        columns=tuple(map(_column, profile.columns)),
        reference_group=datasets.Reference(
            column=reference.column, group=reference.level, why=reference.why, proposed=reference.proposed
        )
        if reference
        else None,
        reading=tuple(map(_note, profile.reading)),
        notes=tuple(map(_note, _warnings(profile))),
        open_questions=tuple(map(_question, questions.questions(profile))),
        groups_from_names=profile.groups_from_names,
        versions=tuple(catalog.versions(document.name)),
    )


def _summary(document: DatasetDocument) -> dict[str, object]:
    profile = document.profile
    return {
        "name": document.name,
        "version": document.version,
        "reference": document.reference,
        "created_at": document.created_at,
        "shape": size(profile),
        "kind": profile.kind,
        "kind_words": KIND_WORDS[profile.kind],
        "groups": groups(profile.by_role("condition")),
        "warnings": len(_warnings(profile)),
        "questions": sum(1 for _ in open_points(profile)),
    }


def _warnings(profile: Profile) -> list[ProfileNote]:
    return [*profile.warnings, *design_notes(profile)]


def _note(note: ProfileNote) -> Note:
    return Note(code=note.code, text=plain(note.text))


def _column(column: Column) -> datasets.Column:
    return datasets.Column(
        name=column.name,
        type=column.type,
        source=column.source,
        role=column.role,
        role_proposed=column.role_proposed and column.role is not None,
        groups=tuple(datasets.Group(name=level.name, n=level.n) for level in column.levels),
        missing=column.missing,
    )


def _question(question: questions.Question) -> datasets.Question:
    return datasets.Question(
        code=question.code,
        text=plain(question.text),
        choices=tuple(
            datasets.Choice(
                label=answer.words,
                answer=datasets.Answer(
                    roles=dict(answer.roles),
                    reference=answer.reference,
                    renames=dict(answer.renames),
                    accept=answer.accept,
                ),
            )
            for answer in question.answers
        ),
    )
