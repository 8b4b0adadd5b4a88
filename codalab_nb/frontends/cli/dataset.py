"""`codalab-nb dataset …`: data sets in, shown, named, removed."""

from __future__ import annotations

import argparse
import errno
from pathlib import Path
from typing import Any

from codalab_nb.errors import InputError, Problems
from codalab_nb.frontends.cli import asking
from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.text import count, moment, number, size
from codalab_nb.model.dataset import KIND_WORDS, Column, DatasetDocument, Profile
from codalab_nb.model.questions import design_notes, open_questions
from codalab_nb.site.site import Site

_LEVELS = 8


def add(args: argparse.Namespace, out: Output) -> int:
    problems = Problems()
    words = _words(args, problems)
    if not _looping(args, problems) and problems.found:
        _check_files(args, problems)
    problems.raise_if_any()
    with Site.open() as site:
        document = site.add_dataset(*args.paths, name=args.name, samples=args.samples, sheet=args.sheet, **words)
        _told(document, out)
    return 0


def _words(args: argparse.Namespace, problems: Problems) -> dict[str, Any]:
    """What the user says the data mean, as `Catalog.add` and `Catalog.set` take it."""
    return {
        "roles": asking.pairs("--role", args.roles, problems, what="COLUMN=ROLE"),
        "kind": args.kind,
        "level": args.reference,
        "renames": asking.pairs("--rename", args.renames, problems, what="COLUMN:OLD=NEW"),
        "accept": args.accept,
    }


def _looping(args: argparse.Namespace, problems: Problems) -> bool:
    """Whether a path is a link that leads back to itself: nothing below can follow it."""
    found = False
    for path in filter(None, (*args.paths, args.samples)):
        try:
            Path(path).stat()
        except OSError as error:
            if error.errno == errno.ELOOP:
                found = True
                problems.add("unreadable_file", f"{path} is a link that leads back to itself.", "Name the file itself.")
    return found


def _check_files(args: argparse.Namespace, problems: Problems) -> None:
    """What is wrong with the files too, so that all is told at once; nothing is stored."""
    from codalab_nb.datasets.profile import profile_files

    try:
        profile_files(
            [Path(path) for path in args.paths],
            samples=args.samples,
            sheet=args.sheet,
            roles={},
            kind=args.kind,
        )
    except InputError as error:
        problems.take(error)


def show_all(_args: argparse.Namespace, out: Output) -> int:
    with Site.open() as site:
        documents = site.catalog.datasets()
    if out.json:
        out.object([as_json(document) for document in documents])
    elif documents:
        head = ("data set", "what it is", "values", "groups", "added")
        out.table(
            head,
            [
                [d.reference, shape(d.profile), _kind(d.profile), _groups(d.profile), moment(d.created_at.timestamp())]
                for d in documents
            ],
        )
    else:
        out.say("There is no data set yet. Add one: codalab-nb dataset add FILE.csv   Or try: codalab-nb demo")
    return 0


def show(args: argparse.Namespace, out: Output) -> int:
    with Site.open() as site:
        document = site.catalog.dataset(args.dataset)
    if out.json:
        out.object(as_json(document))
    else:
        describe(document, out, talk=False)
    return 0


def change(args: argparse.Namespace, out: Output) -> int:
    problems = Problems()
    words = {**_words(args, problems), "samples": Path(args.samples) if args.samples else None}
    if not any(words.values()) and not problems.found:
        flags = "--role COLUMN=ROLE, --reference LEVEL, --rename COLUMN:OLD=NEW, --kind KIND or --samples FILE"
        fix = f"Give --accept, {flags}."
        problems.add("usage", "Nothing to set.", fix)
    with Site.open() as site:
        if problems.found:
            try:
                site.catalog.dataset(args.dataset)
            except InputError as error:
                problems.take(error)
        problems.raise_if_any()
        _told(site.catalog.set(args.dataset, **words), out, reading=False)
    return 0


def remove(args: argparse.Namespace, out: Output) -> int:
    problems = Problems()
    gone: list[str] = []
    with Site.open() as site:
        for reference in args.datasets:
            try:
                gone += site.catalog.remove(reference)
            except InputError as error:
                problems.take(error)
    if out.json and not problems.found:
        out.object({"removed": gone})
    for reference in gone:
        out.id(reference)
    if gone:
        out.say("Removed. Results made from it stay; `codalab-nb clean` frees the space.", "dim")
    problems.raise_if_any()
    return 0


def _told(document: DatasetDocument, out: Output, *, reading: bool = True) -> None:
    out.id(document.reference)
    if out.json:
        out.object(as_json(document))
    else:
        describe(document, out, named=out.together, reading=reading)
        out.say(f"  next: codalab-nb method list --for {document.reference}", "dim")


def as_json(document: DatasetDocument) -> dict[str, Any]:
    return {
        "dataset": document.reference,
        "name": document.name,
        "version": document.version,
        "created_at": document.created_at.isoformat(timespec="milliseconds"),
        "files": [file.model_dump() for file in document.files],
        "profile": document.profile.model_dump(mode="json"),
        "notes": [note.model_dump() for note in document.profile.notes()],
    }


def describe(
    document: DatasetDocument, out: Output, *, talk: bool = True, named: bool = False, reading: bool = True
) -> None:
    """What is in it, in words; the open questions last, where they are read.

    named: its name stands above already. reading: how the files were read, too.
    """
    profile = document.profile
    put = out.say if talk else out.data
    if not named:
        put(document.reference, "bold")
    low, high = profile.value_min, profile.value_max
    between = f", from {number(low)} to {number(high)}" if low is not None and high is not None else ""
    out.fields(
        [
            ("what it is", f"{shape(profile)}" + (f" ({profile.orientation_why})" if profile.orientation_why else "")),
            (
                "values",
                f"{KIND_WORDS[profile.kind]}{between}" + (" (as you said)" if profile.kind_source == "user" else ""),
            ),
            ("read", "\n".join(note.text for note in profile.reading) if reading else ""),
            ("missing", _missing(profile)),
            ("columns", "\n".join(_column(column) for column in profile.columns)),
            ("reference", _reference(profile)),
            ("files", "\n".join(f"{file.path} ({size(file.size)})" for file in document.files)),
        ],
        talk=talk,
    )
    questions = list(open_questions(profile))
    for note in (*profile.warnings, *design_notes(profile)):
        if note.code == "missing_values":
            continue  # said above
        out.prose(f"  ! {note.text}", "yellow", "    ", talk=talk)
    for note in questions:
        out.prose(f"  ? {note.text}", "yellow", "    ", talk=talk)
    if questions:
        put(f"  if all of this is right: codalab-nb dataset set {document.name} --accept")


def shape(profile: Profile) -> str:
    if profile.is_matrix:
        return f"{count(profile.n_features, 'gene')} × {count(profile.n_samples, 'sample')}"
    if profile.orientation == "table":
        return f"a table of {count(profile.n_samples, 'row')} and {count(profile.n_features, 'column')}"
    return "files that are not read as tables"


def _missing(profile: Profile) -> str:
    if not profile.missing:
        return "no values"
    share = profile.missing / max(1, profile.n_samples * profile.n_features)
    return f"{count(profile.missing, 'value')} ({share:.1%})"


def _kind(profile: Profile) -> str:
    return profile.kind if profile.is_matrix else ""


def _groups(profile: Profile) -> str:
    condition = profile.by_role("condition")
    return f"{condition.name}: {_levels(condition)}" if condition else ""


def _reference(profile: Profile) -> str:
    reference = profile.reference
    if reference is None:
        return ""
    return f"{reference.level} ({f'proposed: {reference.why}' if reference.proposed else 'confirmed'})"


def _levels(column: Column) -> str:
    more = ", …" if len(column.levels) > _LEVELS else ""
    return ", ".join(f"{level.name} ({level.n})" for level in column.levels[:_LEVELS]) + more


def _column(column: Column) -> str:
    role = f" [{column.role}{', proposed' if column.role_proposed else ''}]" if column.role else ""
    told = _levels(column) if column.levels else {"groups": "groups", "numbers": "numbers", "text": "text"}[column.type]
    return f"{column.name}{role}: {told}"
