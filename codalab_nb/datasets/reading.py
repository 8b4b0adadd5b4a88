"""What reading one file gives: the seam between the files as people have them and the profile.

Two kinds of files are told apart:

* A clean text table is read in pieces from the file itself: `Reading.direct` says how, `Reading.table` is None, and
  nothing is copied. `sniff`, `scan`, `chunks` and `read_small` work on it as they always did.
* Everything else (.xlsx, .xlsm, .gct, .h5ad, a text table with title lines, two header rows, summary rows, …) is
  read whole: `Reading.table` holds it as a clean DataFrame, and `write_tidy` writes it as a plain CSV which then goes
  the way of any text table. The original file stays in the data set beside that copy; nothing is ever written to it.

What was done on the way stands in `Reading.notes`, one note per kind of thing, with the cells. What was *not* done
stands there too: a gene name which a spreadsheet turned into a date keeps the date, labels which differ in
capitals stay different. `codalab_nb.datasets.spellings` proposes; a person decides.

How to use it (profile.py):

    reading = read_file(path, sheet=None)          # InputError: one sentence, and what to do
    if reading.direct is None:
        copies = write_tidy(reading, folder)       # folder: a temporary one, until the blobs are stored
        copies.matrix, copies.samples              # CSV files; read them as any other
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from codalab_nb.model.dataset import Orientation, TableFile

Format = Literal["text", "workbook", "gct", "h5ad"]
Looks = Literal["matrix", "samples", "table", "nothing"]  # `table`: numbers or text that is neither of the two

NAMED_CELLS = 1000  # so many places a note keeps; its text names a few and says how many there are


@dataclass(frozen=True)
class ReadingNote:
    """One kind of thing that was found in a file, and what was done about it.

    Codes: sheet_chosen, title_lines, header_rows, merged_cells, summary_rows, tally_rows, units_row, limits,
    summary_columns, note_lines, columns_left_out, decimal_marks, missing_words,
    numbers_as_text, spaces_trimmed, dates_as_genes, hidden_sheet,
    macros, not_what_it_says.
    `where`: the cells (`Data!C7`), lines (`line 3`) or sheets, at most NAMED_CELLS of them.
    """

    code: str
    text: str
    where: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stray:
    """Text where a number should stand. `row_name` is the name in the id column, `column` that of the column.

    may_be: the two numbers an unclear spelling may mean (`1,234`: 1234 and 1.234); nothing chooses between them.
    """

    where: str
    row_name: str
    column: str
    text: str
    may_be: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadTable:
    """One table out of a file, made clean.

    frame: rows 0 … n-1; columns called as in the file (stripped; names may repeat, which is for the checks to say).
        Columns of numbers are float64 with NaN for "no value"; other columns are `object`: text, or NaN. A column of
        numbers with strays is `object`: floats, and the texts as they stand in the file.
    values: places (in `frame.columns`) of the columns of measurements; the others are `id_place` and annotations.
    attributes: what further header rows say about the columns in `values`: one row per such column, in order, one
        text column per header row (`Diagnosis`); empty without such rows. Labels are spelled as in the file, stripped.
    strays: text among the numbers, with its cell. A matrix with strays is to be refused, a general
        table may live with them.
    without_results: cells among the measurements whose formula was never calculated; `read_file` refuses them.
    orientation: set where the format says it (GCT, AnnData), else None: names and numbers decide.
    samples: a sample table that the format carries (AnnData's `obs`): first column = the sample's name.
    """

    name: str
    frame: pd.DataFrame
    looks: Looks
    id_place: int | None = None
    values: tuple[int, ...] = ()
    attributes: pd.DataFrame = field(default_factory=pd.DataFrame)
    strays: tuple[Stray, ...] = ()
    without_results: tuple[str, ...] = ()
    orientation: Orientation | None = None
    orientation_why: str = ""
    samples: pd.DataFrame | None = None
    notes: tuple[ReadingNote, ...] = ()

    @property
    def annotations(self) -> tuple[str, ...]:
        """Names of the columns that describe the rows and are no measurements (note columns, symbols, lengths)."""
        taken = {*self.values, self.id_place}
        return tuple(str(name) for place, name in enumerate(self.frame.columns) if place not in taken)

    @property
    def value_names(self) -> tuple[str, ...]:
        return tuple(str(self.frame.columns[place]) for place in self.values)


@dataclass(frozen=True)
class Reading:
    """What one file holds.

    table: the table that was chosen (None for a clean text table, see `direct`).
    others: further sheets that hold a table, in the workbook's order; `table` is not among them.
    samples: the one of `others` that looks like the sample table of `table` (it names the same samples), a proposal.
    notes: all that should be told, the notes of `table` included.
    """

    path: Path
    format: Format
    direct: TableFile | None = None
    table: ReadTable | None = None
    others: tuple[ReadTable, ...] = ()
    samples: ReadTable | None = None
    notes: tuple[ReadingNote, ...] = ()


@dataclass(frozen=True)
class TidyCopies:
    """Plain CSV copies of what was read (UTF-8, `,`, decimal point, an empty cell = no value).

    matrix: id column, annotations, measurements. samples: `sample`, then attributes; None if the file says nothing
    about its samples.
    """

    matrix: Path
    samples: Path | None


def read_file(path: Path, *, sheet: str | None = None, samples_sheet: str | None = None) -> Reading:
    """Reads `path`, whichever of the known formats it is; the content decides, not the ending.

    `sheet` names the sheet with the matrix, `samples_sheet` the one with the sample table; without them they are
    chosen by what they hold, which is said in the notes.
    Raises InputError: missing_file, unreadable_file, not_what_it_says, password_protected, old_workbook,
    damaged_workbook, workbook_too_large, unknown_sheet, empty_table, spreadsheet, binary_file, ragged_rows, encoding,
    text_too_large, missing_import, formulas_without_values, damaged_gct, damaged_h5ad, h5ad_too_large.
    """
    from codalab_nb.datasets import formats  # it builds what is declared here

    return formats.read(path, sheet=sheet, samples_sheet=samples_sheet)


def write_tidy(reading: Reading, folder: Path) -> TidyCopies:
    """Writes the chosen table of `reading` (which must not be `direct`) as CSV files into `folder`."""
    from codalab_nb.datasets import tidy

    return tidy.write(reading, folder)
