"""From a person's files to a profile: which is the matrix, which the sample table, what is in them.

`profile_files` is the way in; `staged_files` is what a method finds beside the files when it runs. What is decided
here is written down: a file that was not plain is kept as a clean copy too (`as-read/…`), which every method reads.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pandas as pd

from codalab_nb.datasets import checks
from codalab_nb.datasets.columns import describe
from codalab_nb.datasets.files import Chosen, choose_files
from codalab_nb.datasets.gene_names import gene_names
from codalab_nb.datasets.meaning import judged
from codalab_nb.datasets.odd import odd_notes
from codalab_nb.datasets.orientation import kind_of_values, orientation
from codalab_nb.datasets.samples import Described, SampleTable, as_name, describe_samples, names_known_to
from codalab_nb.datasets.scan import Scan, scan
from codalab_nb.datasets.sources import Source, matrix_source, sample_source
from codalab_nb.datasets.tables import SPREADSHEETS, read_small
from codalab_nb.errors import InputError, Problems
from codalab_nb.model.dataset import AS_READ, MATRIX_KINDS, PROFILE_FILE, Kind, Note, Profile, TableFile
from codalab_nb.model.design import canonical, check_words, groups_from_names, propose_roles, revise


def profile_files(
    paths: Sequence[Path],
    *,
    samples: str | Path | None = None,
    sheet: str | None = None,
    roles: Mapping[str, str] | None = None,
    kind: str | None = None,
    reference: str | None = None,
    renames: Mapping[str, str] | None = None,
    accept: bool = False,
    workspace: Path | None = None,
) -> tuple[Profile, list[tuple[Path, str]]]:
    """The profile of the files, and which file gets which name in the data set.

    `paths` are files, or one or more folders (taken whole, hidden files left out); `samples` is the sample table,
    one row per sample: a file, or a sheet of the workbook; `sheet` the sheet with the matrix. `roles` (column → role),
    `kind`, `reference`, `renames` and `accept` are the user's word, as for `revise`, and overrule what was read.
    Clean copies are written into `workspace` and are among the files; without one they are made for looking only.
    Raises InputError with every problem that can be known at once.
    """
    problems = Problems()
    words = canonical(roles)
    table_path, samples_sheet = _file_or_sheet(paths, samples)
    chosen = choose_files(paths, table_path, problems)
    with _folder(workspace) as folder:
        matrix = matrix_source(chosen, sheet, samples_sheet, folder, problems)
        table = sample_source(chosen, matrix, samples_sheet, problems)
        known = [str(name) for name in table.frame.columns] if table else None
        if problems.found or matrix is None:
            check_words(problems, words, kind, known)
            problems.raise_if_any()
            found = _Found(_no_table("no file in it is a table", chosen.warnings))
        else:
            try:
                found = _profile_table(chosen, matrix, table, kind, folder)
            except InputError as error:
                problems.take(error)
                check_words(problems, words, kind, known)
                problems.raise_if_any()
                raise
        profile = revise(found.profile, roles=words, kind=kind, reference=reference, renames=renames, accept=accept)
    files = chosen.files + ([(folder / name, name) for name in found.copies] if workspace else [])
    return judged(profile, found.samples), files


def staged_files(profile: Profile, dataset: str | None = None) -> dict[str, bytes]:
    """What is written beside the files of a data set when a method runs on it: file name → content.

    `dataset` is what the results call the data, as `golub@1`; it is no part of the profile itself.
    """
    content = profile.model_dump(mode="json") | ({"dataset": dataset} if dataset else {})
    return {PROFILE_FILE: (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()}


@dataclass
class _Found:
    """samples: the columns of the profile, one row per sample. copies: names of the files that were written."""

    profile: Profile
    samples: pd.DataFrame = field(default_factory=pd.DataFrame)
    copies: list[str] = field(default_factory=list)


def _no_table(why: str, notes: Sequence[Note]) -> Profile:
    return Profile(orientation="files", orientation_why=why, warnings=tuple(notes))


def _file_or_sheet(paths: Sequence[Path], samples: str | Path | None) -> tuple[Path | None, str | None]:
    """What `--samples` names: a file where there is one, else a sheet where a workbook was given."""
    if samples is None:
        return None, None
    path = Path(samples)
    workbook = any(one.suffix.lower() in SPREADSHEETS for one in paths)
    try:
        there = path.exists() or path.is_symlink()
    except OSError:  # too long a name for a file
        there = False
    return (None, str(samples)) if workbook and not there and isinstance(samples, str) else (path, None)


@contextmanager
def _folder(workspace: Path | None) -> Iterator[Path]:
    if workspace is not None:
        yield workspace
        return
    with tempfile.TemporaryDirectory(prefix="codalab-nb-") as folder:
        yield Path(folder)


def _profile_table(chosen: Chosen, source: Source, table: SampleTable | None, said: str | None, folder: Path) -> _Found:
    """`said`: the kind of values that the user named, perhaps wrongly."""
    problems = Problems()
    path, file, label = source.path, source.file, source.label
    found = scan(path, file)
    notes = [*chosen.warnings, *source.warnings]
    if source.direct and file.encoding in ("cp1252", "latin-1"):
        text = f"{label} is not UTF-8; it was read as Western European text ({file.encoding})."
        notes.append(Note(code="encoding_guessed", text=text))
    unnamed = [place for place in found.empty_columns if found.header[place] == f"column {place + 1}"]
    if unnamed:
        text = f"Columns of {label} with neither a name nor a value: {len(unnamed)}; left out."
        notes.append(Note(code="empty_columns", text=text))
    id_place, values = source.layout(found, unnamed)
    ids = (
        [as_name(value) for value in read_small(path, file, only=[id_place]).iloc[:, 0]]
        if id_place is not None
        else None
    )
    if not any(found.numbers[place] for place in found.number_columns if place != id_place):
        if chosen.strict:
            source.check_strays(problems)  # 1,234 in every cell: what it means is not known
            problems.raise_if_any()
            fix = "Check the separator and the decimal mark; the first line must name the columns."
            if source.read is not None and source.read.name:
                fix = "If the measurements are in another sheet, name it with --sheet."
            told = f"{label} has no column of numbers (columns: {', '.join(found.header[:8])})."
            problems.add("no_numeric_column", told, fix)
            problems.raise_if_any()
        return _Found(_no_table("no table in it has a column of numbers", notes))
    column_names = [found.header[place] for place in values]
    names = [*column_names, *(ids or ())]
    table = _fitting(table, names, notes)
    sample_ids = sorted(names_known_to(table, table.id_column(names), names)) if table else None
    if source.direct and not checks.has_header(path, file, found, values, ids, sample_ids, notes, problems):
        if chosen.strict:
            problems.raise_if_any()
        return _Found(_no_table("the table in it has no header line", notes))
    checks.distinct_columns(problems, label, found.header)
    problems.raise_if_any()
    side, why = source.orientation or orientation(found, ids, column_names, sample_ids)
    if table is not None and side == "table" and values:
        side, why = "genes_in_rows", "a sample table came with it"
    if side == "table" and len(source.attributes.columns):
        side, why = "genes_in_rows", "a row above the matrix describes its columns"
    if side == "table":
        return _general_table(source, found, unnamed, why, notes)
    if source.direct:
        checks.check_numbers(path, file, found, values, problems)
    source.check_strays(problems)
    features, samples = (ids or [], column_names) if side == "genes_in_rows" else (column_names, ids or [])
    checks.check_names(label, features, samples, notes, problems)
    if not any(note.code == "dates_as_genes" for note in notes):
        notes += checks.dates_among(features)
    annotations = [
        found.header[p] for p in range(len(found.header)) if p not in values and p != id_place and p not in unnamed
    ]
    across = side == "genes_in_rows"
    left_out = tuple(checks.left_out([name for name in annotations if found.is_measured(found.header.index(name))]))
    described = _described(source, samples, table, annotations, found, notes, problems, across=across)
    problems.raise_if_any()
    kind = kind_of_values(found, values)
    copies = [file.path] if not source.direct else []
    sample_file = table.file if table and not described.own else None
    if described.own:
        sample_file = _write_samples(described, folder)
        copies.append(sample_file.path)
    from_names = described.columns[0].source == "names" if described.columns else False
    profile = Profile(
        orientation=side,
        orientation_why=why,
        kind=kind,
        matrix=file,
        samples=sample_file,
        id_column=found.header[id_place] if id_place is not None else None,
        sample_id_column=described.id_column if sample_file else None,
        annotations=tuple(annotations),
        gene_names=gene_names(features, annotations),
        gene_sets=tuple(name for _, name in chosen.files if name.lower().endswith(".gmt")),
        n_samples=len(samples),
        n_features=len(features),
        missing=int(found.missing[values].sum()),
        value_min=float(found.lowest[values].min()),
        value_max=float(found.highest[values].max()),
        not_count=checks.not_count(found, values, ids),
        columns=propose_roles(described.columns),
        groups_from_names=tuple(described.frame["group"]) if from_names else (),
        renamed=described.renamed,
        renamed_proposed=bool(described.renamed),
        original=source.original,
        reading=source.reading + left_out + described.reading,
    )
    notes += checks.value_notes(found, profile)
    notes += checks.called_counts(label, profile)
    scale = cast(Kind, said) if said in MATRIX_KINDS else kind
    named = [described.renamed.get(name, name) for name in samples]
    notes += odd_notes(path, file, values, named, scale, samples_in_rows=not across)
    return _Found(profile.model_copy(update={"warnings": tuple(notes)}), described.frame, copies)


def _fitting(table: SampleTable | None, names: list[str], notes: list[Note]) -> SampleTable | None:
    """The sample table, unless nobody named it and it describes fewer than half of its rows' worth of samples."""
    if table is None or table.chosen:
        return table
    ids = set(table.ids(table.id_column(names)))
    known = names_known_to(table, table.id_column(names), names)
    if 2 * len(known & set(names)) >= len(ids):
        return table
    text = f"{table.label} was not taken as the sample table: it names few of the samples."
    notes.append(Note(code="sheet_unused", text=text))
    return None


def _described(
    source: Source,
    samples: list[str],
    table: SampleTable | None,
    annotations: list[str],
    found: Scan,
    notes: list[Note],
    problems: Problems,
    *,
    across: bool,
) -> Described:
    """What is known about the samples, from the first that tells: a sample table and the rows above, columns, names."""
    attributes = source.attributes if across else pd.DataFrame()
    if table is not None or len(attributes.columns):
        return describe_samples(samples, table, attributes, source.label, notes, problems)
    if not across and annotations:
        frame = read_small(source.path, source.file, only=[found.header.index(name) for name in annotations])
        return Described(frame, describe(frame))
    groups = groups_from_names(samples)
    frame = pd.DataFrame({"group": list(groups)}) if groups else pd.DataFrame()
    return Described(frame, describe(frame, source="names"))


def _write_samples(described: Described, folder: Path) -> TableFile:
    file = TableFile(path=f"{AS_READ}/samples.csv", separator=",")
    (folder / AS_READ).mkdir(exist_ok=True)
    described.frame.to_csv(folder / file.path, index_label=described.id_column)
    return file


def _general_table(source: Source, found: Scan, unnamed: list[int], why: str, notes: list[Note]) -> _Found:
    kept = [place for place in range(len(found.header)) if place not in unnamed]
    frame = read_small(source.path, source.file, only=kept)
    for place in kept:
        if found.is_number(place) and place in found.stray:
            row, text = found.stray[place]
            told = f"Column {found.header[place]!r} holds numbers, but {text!r} in row {row + 1}; it is taken as text."
            notes.append(Note(code="text_in_numbers", text=told))
    missing = int(found.missing[kept].sum())
    if missing:
        text = f"Cells without a value: {missing:,} of {found.n_rows * len(kept):,}."
        notes.append(Note(code="missing_values", text=text))
    profile = Profile(
        orientation="table",
        orientation_why=why,
        matrix=source.file,
        n_samples=found.n_rows,
        n_features=len(kept),
        missing=missing,
        columns=propose_roles(describe(frame)),
        original=source.original,
        reading=source.reading,
        warnings=tuple(notes),
    )
    return _Found(profile, frame, [] if source.direct else [source.file.path])
