"""What is wrong or odd about a table that was read: problems to correct, notes to know."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from codalab_nb.datasets.scan import Scan
from codalab_nb.datasets.spellings import first_line_is_data, gene_of_date
from codalab_nb.errors import Problems
from codalab_nb.model.dataset import Note, Profile, TableFile, counted
from codalab_nb.model.design import kind_notes

NAMED = 5  # how many examples an error or a warning names
NAMED_DATES = 40  # each has to be put right by a person, so each is named
NAMED_SAMPLES = 20  # so many samples are listed by name


def distinct_columns(problems: Problems, label: str, header: Sequence[str]) -> bool:
    """False, with a problem, if two columns have the same name."""
    doubled = (
        [name for name in dict.fromkeys(header) if header.count(name) > 1] if len(set(header)) < len(header) else []
    )
    if doubled:
        listed = ", ".join(map(repr, doubled[:NAMED])) + (", …" if len(doubled) > NAMED else "")
        told = f"{label} has more than one column called {listed}."
        problems.add("duplicate_columns", told, "Give every column a name of its own.")
    return not doubled


def called_counts(label: str, profile: Profile) -> list[Note]:
    """A file that is called counts and holds none: most often they were normalised, or are estimates."""
    if "count" not in label.casefold() or profile.kind == "counts" or profile.not_count is None:
        return []
    text = f"{label} is called counts, but not all of its values are whole numbers ({profile.not_count}): they were "
    text += "normalised, or estimated (RSEM, Salmon). Methods for counts need whole numbers; estimates must be rounded."
    return [Note(code="no_counts", text=text)]


def has_header(
    path: Path,
    file: TableFile,
    found: Scan,
    values: list[int],
    ids: list[str] | None,
    sample_ids: list[str] | None,
    notes: list[Note],
    problems: Problems,
) -> bool:
    """False, with a note and a problem, if the first line is data: its row would silently be lost as a header."""
    answer = "no" if file.row_names else first_line_is_data(found.header, values, ids, set(sample_ids or ()))
    if answer == "no":
        return True
    listed = ", ".join(found.header[:NAMED]) + (", …" if len(found.header) > NAMED else "")
    if answer == "maybe":
        text = (
            f"The first line of {path.name} ({listed}) was taken as the names of the columns, though they are numbers."
        )
        text += " If it is data, it is missing from what was read: add a line above it that names the columns."
        notes.append(Note(code="no_header", text=text))
        return True
    told = f"The first line of {path.name} holds data, not the names of the columns: {listed}."
    fix = "Add a first line that names the columns, as gene,control1,control2. "
    fix += "If these numbers are the names of the samples, write `gene` at the top of the first column."
    notes.append(Note(code="no_header", text=f"{told} {fix}"))
    problems.add("no_header", told, fix)
    return False


def left_out(names: Sequence[str]) -> list[Note]:
    """Columns of numbers beside the measurements."""
    if not names:
        return []
    listed = ", ".join(map(repr, names[:NAMED_SAMPLES])) + (", …" if len(names) > NAMED_SAMPLES else "")
    text = f"{counted(len(names), 'column')} of numbers {'is' if len(names) == 1 else 'are'} not taken as samples, "
    text += f"since by name they describe genes, compare groups or sum up samples: {listed}."
    return [Note(code="columns_left_out", text=text)]


def dates_among(features: list[str]) -> list[Note]:
    """Names as Excel makes them of SEPT4 and MARCH2. They are told, never changed: 2-Mar may be one of two genes."""
    dates = {name: gene for name in dict.fromkeys(features) if (gene := gene_of_date(name)) is not None}
    if not dates:
        return []
    listed = ", ".join(f"{name!r}" + (f" ({gene})" if gene else "") for name, gene in list(dates.items())[:NAMED_DATES])
    look, they = ("looks like a date", "It is") if len(dates) == 1 else ("look like dates", "They are")
    text = f"{counted(len(dates), 'gene name')} {look}, as Excel makes them: {listed}"
    text += (
        f"{', …' if len(dates) > NAMED_DATES else ''}. {they} kept as in the file: write the right symbols into it, "
    )
    text += "and tell Excel that the column is text."
    return [Note(code="dates_as_genes", text=text)]


def not_count(found: Scan, values: list[int], ids: list[str] | None) -> str | None:
    """The first value that is no whole number ≥ 0, and where it stands."""
    places = [place for place in values if place in found.not_count]
    if not places:
        return None
    place = min(places, key=lambda place: (found.not_count[place][0], place))
    row, number = found.not_count[place]
    spelled = str(int(number)) if number.is_integer() else repr(number)
    return f"{spelled} in column {found.header[place]!r}, row {row + 1}" + (f" ({ids[row]})" if ids else "")


def check_numbers(path: Path, file: TableFile, found: Scan, values: list[int], problems: Problems) -> None:
    stray = [(place, *found.stray[place]) for place in values if place in found.stray]
    for place, row, text in stray[:NAMED]:
        fix = "Write a number, or leave the cell empty."
        if file.decimal == "." and "," in text:
            fix = "If that is a decimal comma, save the table with decimal points, or with ';' between the columns."
        problems.add(
            "text_in_numbers",
            f"{path.name}: column {found.header[place]!r}, row {row + 1} holds {text!r}, not a number.",
            fix,
        )
    if len(stray) > NAMED:
        problems.add(
            "text_in_numbers",
            f"{path.name}: text among numbers in {counted(len(stray) - NAMED, 'more column', 'more columns')}.",
            "Correct them likewise.",
        )


def check_names(label: str, features: list[str], names: list[str], notes: list[Note], problems: Problems) -> None:
    doubled = pd.Series(names, dtype="object")
    doubled = doubled[doubled.duplicated()]
    if len(doubled):
        listed = ", ".join(map(repr, doubled.unique()[:NAMED]))
        problems.add(
            "duplicate_samples",
            f"{label} has more than one sample called {listed}.",
            "Give every sample a name of its own.",
        )
    repeated = pd.Series(features, dtype="object")
    repeated = repeated[repeated.duplicated()]
    if len(repeated):
        listed = ", ".join(map(repr, repeated.unique()[:NAMED])) + (", …" if repeated.nunique() > NAMED else "")
        notes.append(
            Note(
                code="duplicate_ids",
                text=f"Names of genes that occur more than once: {repeated.nunique():,} ({listed}); all are kept.",
            )
        )


def value_notes(found: Scan, profile: Profile) -> list[Note]:
    notes = []
    if profile.missing:
        share = profile.missing / (profile.n_samples * profile.n_features)
        have = "has" if profile.missing == 1 else "have"
        text = f"{counted(profile.missing, 'measurement')} ({share:.1%}) {have} no value."
        notes.append(Note(code="missing_values", text=text))
    if found.infinite:
        text = f"Infinite values: {found.infinite:,}; they are taken as missing."
        notes.append(Note(code="infinite_values", text=text))
    notes += kind_notes(profile, profile.kind, by_user=False)
    if not profile.columns:
        text = "No groups are known. Give a sample table with --samples FILE to compare groups."
        notes.append(Note(code="no_groups", text=text))
    return notes


def absent(names: Sequence[str], whose: str, where: str) -> str:
    """`2 samples ('a', 'b') of WHOSE are not in WHERE`."""
    listed = ", ".join(map(repr, names[:NAMED_SAMPLES])) + (", …" if len(names) > NAMED_SAMPLES else "")
    return f"{counted(len(names), 'sample')} ({listed}) of {whose} {'is' if len(names) == 1 else 'are'} not in {where}"
