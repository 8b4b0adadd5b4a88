"""The files that were chosen, as tables to profile: plain ones as they stand, others by their clean copy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from codalab_nb.datasets import checks
from codalab_nb.datasets.beside import beside_measurements, plain_name
from codalab_nb.datasets.files import Chosen
from codalab_nb.datasets.reading import Reading, ReadingNote, ReadTable, read_file, write_tidy
from codalab_nb.datasets.samples import SampleTable
from codalab_nb.datasets.scan import Scan
from codalab_nb.datasets.tables import read_header, read_small
from codalab_nb.errors import InputError, Problems
from codalab_nb.model.dataset import AS_READ, Note, Orientation, TableFile, counted

ID_WORDS = (
    "id",
    "gene",
    "gene_id",
    "geneid",
    "probe",
    "probe_id",
    "symbol",
    "entrez",
    "entrezid",
    "entrez_id",
    "entrez_gene_id",
    "entrezgene",
    "ncbi_gene_id",
    "sample",
    "sample_id",
    "cell",
    "name",
)
_WARNINGS = frozenset({"dates_as_genes"})  # notes of the reader that a person has to act on


@dataclass(frozen=True)
class Source:
    """One text table to profile. `label` is what a person calls it; `read` is set where it is a clean copy."""

    path: Path
    file: TableFile
    label: str
    read: ReadTable | None = None
    original: str | None = None
    notes: tuple[ReadingNote, ...] = ()
    found: ReadTable | None = None  # the sheet that looks like its sample table

    @property
    def direct(self) -> bool:
        return self.read is None

    @property
    def attributes(self) -> pd.DataFrame:
        return self.read.attributes if self.read is not None else pd.DataFrame()

    @property
    def reading(self) -> tuple[Note, ...]:
        return tuple(Note(code=note.code, text=note.text) for note in self.notes if note.code not in _WARNINGS)

    @property
    def warnings(self) -> list[Note]:
        return [Note(code=note.code, text=note.text) for note in self.notes if note.code in _WARNINGS]

    @property
    def orientation(self) -> tuple[Orientation, str] | None:
        """Where the format says it."""
        if self.read is None or self.read.orientation is None:
            return None
        return self.read.orientation, self.read.orientation_why

    def layout(self, found: Scan, unnamed: list[int]) -> tuple[int | None, list[int]]:
        """The column that names the rows, and the columns of measurements."""
        if self.read is not None and self.read.values:
            first = 0 if self.read.id_place is not None else None
            return first, list(range(len(found.header) - len(self.read.values), len(found.header)))
        numbers = [place for place in found.number_columns if place not in unnamed]
        first = 0 if 0 not in numbers or plain_name(found.header[0]) in ID_WORDS else None
        numbers = [place for place in numbers if place != first]
        beside = beside_measurements([found.header[place] for place in numbers])
        return first, [place for at, place in enumerate(numbers) if at not in set(beside)]

    def check_strays(self, problems: Problems) -> None:
        """Text among the numbers of a copy, told with the cell of the original."""
        strays = self.read.strays if self.read is not None else ()
        for stray in strays[: checks.NAMED]:
            told = f"{self.label}: {stray.where} (column {stray.column!r}, row {stray.row_name!r}) holds {stray.text!r}"
            fix = "Write a number, or leave the cell empty."
            if stray.may_be:
                told += f", which may be {' or '.join(stray.may_be)}"
                fix = f"Write {stray.may_be[0]} if that is meant, as a plain number in the cell."
            problems.add("text_in_numbers", f"{told}, not a number." if not stray.may_be else f"{told}.", fix)
        if len(strays) > checks.NAMED:
            told = (
                f"{self.label}: text among numbers in {counted(len(strays) - checks.NAMED, 'more cell', 'more cells')}."
            )
            problems.add("text_in_numbers", told, "Correct them likewise.")


def matrix_source(
    chosen: Chosen, sheet: str | None, samples_sheet: str | None, folder: Path, problems: Problems
) -> Source | None:
    if chosen.matrix is None:
        return None
    path, name = chosen.matrix, chosen.name_of(chosen.matrix)
    try:
        reading = read_file(path, sheet=sheet, samples_sheet=samples_sheet)
    except InputError as error:
        problems.take(error)
        return None
    if reading.direct is not None:
        return Source(path, reading.direct.model_copy(update={"path": name}), path.name)
    assert reading.table is not None
    return _copied(reading, reading.table, name, folder)


def _copied(reading: Reading, table: ReadTable, name: str, folder: Path) -> Source:
    (folder / AS_READ).mkdir(exist_ok=True)
    written = write_tidy(reading, folder / AS_READ).matrix
    place = f"{AS_READ}/{'expression' if table.looks == 'matrix' else 'table'}.csv"
    written.rename(folder / place)
    label = reading.path.name
    if reading.format == "workbook" and len(reading.others):
        label = f"the sheet {table.name!r} of {label}"
    return Source(
        folder / place,
        TableFile(path=place, separator=","),
        label,
        read=table,
        original=name,
        notes=reading.notes,
        found=reading.samples,
    )


def sample_source(
    chosen: Chosen, matrix: Source | None, samples_sheet: str | None, problems: Problems
) -> SampleTable | None:
    """The sample table: a file of its own, a sheet of the workbook, or what the format carries with the matrix."""
    if chosen.samples is not None:
        return read_sample_file(chosen.samples, chosen.name_of(chosen.samples), problems)
    if matrix is None or matrix.read is None:
        return None
    if matrix.read.samples is not None:
        return SampleTable(f"what {matrix.label} says about its samples", matrix.read.samples)
    if matrix.found is None:
        return None
    label = f"the sheet {matrix.found.name!r}"
    return _checked(SampleTable(label, matrix.found.frame, chosen=samples_sheet is not None), problems)


def read_sample_file(path: Path, name: str, problems: Problems) -> SampleTable | None:
    """A sample table in a file of its own; `name` is what it is called in the data set."""
    try:
        reading = read_file(path)
    except InputError as error:
        problems.take(error)
        return None
    if reading.direct is None:
        assert reading.table is not None
        return _checked(SampleTable(path.name, reading.table.frame), problems)
    file = reading.direct.model_copy(update={"path": name})
    if checks.distinct_columns(problems, path.name, read_header(path, file)):
        return SampleTable(name, read_small(path, file), file)
    return None


def _checked(table: SampleTable, problems: Problems) -> SampleTable | None:
    return table if checks.distinct_columns(problems, table.label, list(map(str, table.frame.columns))) else None
