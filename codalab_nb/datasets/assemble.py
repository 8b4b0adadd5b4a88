"""From a sheet to a clean table: names, numbers, labels, and notes on all that was done to the cells."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Sequence

import pandas as pd

from codalab_nb.datasets.beside import beside_measurements
from codalab_nb.datasets.cells import Marks, Numbers, as_name, candidates, is_missing, to_numbers, to_text
from codalab_nb.datasets.grid import NO_RESULT, Grid
from codalab_nb.datasets.layout import Layout, find_layout
from codalab_nb.datasets.orientation import GENE_HEADERS, WIDE, looks_like_genes, looks_like_samples
from codalab_nb.datasets.reading import NAMED_CELLS, Looks, ReadingNote, ReadTable, Stray
from codalab_nb.datasets.spellings import gene_of_date
from codalab_nb.model.dataset import counted

NAMED = 5  # how many cells a note's text names


def table_of(grid: Grid) -> ReadTable:
    """The one table of a sheet; `looks` is "nothing" where there is none."""
    marks = Marks.of_grid(grid)
    layout = find_layout(grid, marks)
    if len(layout.columns) < 1 or not layout.body:
        return ReadTable(grid.name, pd.DataFrame(), "nothing")
    return _Assembly(grid, marks, layout).table()


class _Assembly:
    def __init__(self, grid: Grid, marks: Marks, layout: Layout) -> None:
        self.grid, self.marks, self.layout = grid, marks, layout
        self.measured = frozenset(layout.numbers)
        numbers = [column for column in layout.columns if column in self.measured and column != layout.id_column]
        beside = {
            numbers[at] for at in beside_measurements([as_name(grid.cell(layout.names or 0, c)) for c in numbers])
        }
        self.sampled = frozenset(numbers) - beside  # `beside` are numbers too, but no measurements of a sample
        self.notes: list[ReadingNote] = []
        self.strays: list[Stray] = []

    def table(self) -> ReadTable:
        layout = self.layout
        names = self._names()
        ids = self._ids()
        columns: list[pd.Series] = []
        spelled: dict[int, Numbers] = {}
        called = [name for name, column in zip(names, layout.columns, strict=True) if column in self.sampled]
        looks = self._looks(ids, called)
        for column, name in zip(layout.columns, names, strict=True):
            cells = self.grid.column(column, layout.body)
            if column == layout.id_column:
                columns.append(pd.Series(ids, dtype="object"))
            elif column in self.measured - self.sampled:
                found = to_numbers(cells, self.marks)
                texts = pd.Series([to_text(cell) for cell in cells], dtype="object")
                columns.append(texts if found.odd else pd.Series(found.values))
            elif column in self.measured:
                spelled[column] = found = to_numbers(cells, self.marks, limits_missing=looks != "matrix")
                columns.append(self._numbers(column, name, cells, found, ids))
            else:
                columns.append(pd.Series([to_text(cell) for cell in cells], dtype="object"))
        frame = pd.concat(columns, axis=1, ignore_index=True) if columns else pd.DataFrame()
        frame.columns = pd.Index(names)
        values = tuple(at for at, column in enumerate(layout.columns) if column in self.sampled)
        attributes = self._attributes(called)
        self._tell_layout()
        self._tell_cells(spelled)
        self._tell_dates(ids)
        return ReadTable(
            self.grid.name,
            frame,
            looks,
            id_place=layout.columns.index(layout.id_column) if layout.id_column is not None else None,
            values=values,
            attributes=attributes,
            strays=tuple(self.strays),
            without_results=tuple(self.without_results()),
            notes=tuple(self.notes),
        )

    # --- names

    def _names(self) -> list[str]:
        row = self.layout.names
        assert row is not None
        cells = [self.grid.cell(row, column) for column in self.layout.columns]
        dates = sum(isinstance(cell, dt.date) for cell in cells) > len(cells) / 2
        names = [str(to_text(cell)) if dates and isinstance(cell, dt.date) else as_name(cell) for cell in cells]
        for at, column in enumerate(self.layout.columns):
            if not names[at] and column not in self.measured:
                above = [as_name(self.grid.cell(other, column)) for other in self.layout.header if other != row]
                names[at] = next(filter(None, reversed(above)), "")
        return [name or ("id" if at == 0 else f"column {at + 1}") for at, name in enumerate(names)]

    def _ids(self) -> list[str]:
        column = self.layout.id_column
        if column is None:
            return [str(at + 1) for at in range(len(self.layout.body))]
        return [as_name(cell) for cell in self.grid.column(column, self.layout.body)]

    def _attributes(self, samples: list[str]) -> pd.DataFrame:
        """What the header rows other than the one with the names say: labels, stripped; NaN where a cell is empty."""
        numbers = [c for c in self.layout.columns if c in self.sampled]
        labels: dict[str, list[object]] = {}
        told: list[str] = []
        for row in self.layout.header:
            if row == self.layout.names or not numbers:
                continue
            cells: list[object] = [to_text(self.grid.cell(row, column)) for column in numbers]
            self._fill_merged(row, numbers, cells)
            name = self._attribute_name(row, labels)
            labels[name] = cells
            told.append(f"{self.grid.spoken(row)} ({name!r}) describes them")
        if told:
            names = f"{self.grid.spoken(self.layout.names or 0)} names the columns"
            self._note("header_rows", f"The table has {len(told) + 1} header rows: {names}; {'; '.join(told)}.")
        return pd.DataFrame(labels, index=pd.Index(samples))

    def _fill_merged(self, row: int, columns: list[int], cells: list[object]) -> None:
        """A label over several columns stands in the first of them only, merged or just typed once."""
        filled, carried = [], False
        for at, column in enumerate(columns):
            if isinstance(cells[at], str):
                continue
            merge = self.grid.merge_of(row, column)
            if merge is not None and merge[1] < column:
                source = self.grid.cell(row, merge[1])
                cells[at] = to_text(source) if source is not None else cells[at]
                filled.append(column)
        known = [cell for cell in cells if isinstance(cell, str)]
        empty = len(cells) - len(known)
        if not filled and empty >= len(known) >= 2 and isinstance(cells[0], str) and len(set(known)) > 1:
            for at in range(1, len(cells)):
                cells[at] = cells[at] if isinstance(cells[at], str) else cells[at - 1]
            carried = True
        if filled or carried:
            how = "merged over several columns" if filled else "written once for several columns"
            text = f"The labels in {self.grid.spoken(row)} are {how}: each column got the label that stands over it."
            self._note("merged_cells", text, [self.grid.where(row, column) for column in filled])

    def _attribute_name(self, row: int, taken: dict[str, list[object]]) -> str:
        first = min(self.layout.numbers)
        cells = [as_name(self.grid.cell(row, column)) for column in range(first)]
        words = [re.sub(r"[\s:→>=-]+$", "", cell) for cell in cells if cell]
        words = [word for word in words if word and word.casefold() not in GENE_HEADERS]
        name = words[-1] if words else "group"
        return name if name not in taken else f"{name} {len(taken) + 1}"

    # --- numbers

    def _numbers(
        self, column: int, name: str, cells: Sequence[object], found: Numbers, ids: Sequence[str]
    ) -> pd.Series:
        values = pd.Series(found.values)
        if not found.odd:
            return values
        mixed = values.astype("object")
        for at in found.odd:
            text = as_name(cells[at]) if not isinstance(cells[at], dt.time) else str(cells[at])
            mixed[at] = text
            where = self.grid.where(self.layout.body[at], column)
            self.strays.append(Stray(where, ids[at], name, text, candidates(text)))
        return mixed

    def _looks(self, ids: list[str], samples: list[str]) -> Looks:
        n_columns = len(self.layout.columns) - len(self.measured - self.sampled)
        if self.layout.id_column is None or len(samples) < 2 or len(samples) < n_columns / 2:
            return "table"
        many = len(ids) >= WIDE or len(samples) >= WIDE or len(self.layout.header) > 1
        named = looks_like_genes(ids) or looks_like_genes(samples) or looks_like_samples(samples)
        return "matrix" if many or named else "table"

    # --- notes

    def _note(self, code: str, text: str, where: Sequence[str] = ()) -> None:
        self.notes.append(ReadingNote(code, text, tuple(where[:NAMED_CELLS])))

    def _tell_layout(self) -> None:
        grid, layout = self.grid, self.layout
        for code, rows, what in (
            ("title_lines", layout.titles, "above the table"),
            ("note_lines", layout.notes, "below the table"),
        ):
            texts = [_shown(grid.rows[row]) for row in rows]
            if texts:
                told = f"{counted(len(rows), 'line')} {what} {_is(rows)} left out: {_listed(texts)}."
                self._note(code, told, [grid.line(row) for row in rows])
        for row in layout.units:
            columns = [c for c in layout.columns if not is_missing(grid.cell(row, c))]
            texts = [f"{as_name(grid.cell(layout.names or 0, c))}: {as_name(grid.cell(row, c))}" for c in columns]
            told = f"{grid.spoken(row).capitalize()} gives units and is no row of data ({_listed(texts, 12)})."
            self._note("units_row", told, [grid.line(row)])
        if layout.tallies:
            texts = [f"{_shown(grid.rows[row][:1])} ({grid.spoken(row)})" for row in layout.tallies]
            told = (
                f"{counted(len(texts), 'row')} of reads that belong to no gene {_is(texts)} left out: {_listed(texts)}."
            )
            self._note("tally_rows", told, [grid.line(row) for row in layout.tallies])
        if layout.summaries:
            texts = [
                f"{_shown(grid.rows[row][:1]) or 'without a name'} ({grid.spoken(row)})" for row in layout.summaries
            ]
            told = f"{counted(len(texts), 'row')} that {'sums' if len(texts) == 1 else 'sum'} up the others "
            told += f"{_is(texts)} left out: {_listed(texts)}."
            self._note("summary_rows", told, [grid.line(row) for row in layout.summaries])
        for code, columns, what in (
            ("summary_columns", layout.summary_columns, "up the others"),
            ("columns_left_out", layout.counters, "the rows only"),
        ):
            if columns:
                verb = ("sums" if code == "summary_columns" else "counts") if len(columns) == 1 else "sum"
                names = [repr(as_name(grid.cell(layout.names or 0, column))) for column in columns]
                told = (
                    f"{counted(len(columns), 'column')} that {verb} {what} {_is(columns)} left out: {_listed(names)}."
                )
                self._note(code, told, names)
        if grid.hidden:
            self._note("hidden_sheet", f"The sheet {grid.name!r} is hidden in the workbook; it was read all the same.")

    def _tell_cells(self, spelled: dict[int, Numbers]) -> None:
        grid, body = self.grid, self.layout.body
        missing: Counter[str] = Counter()
        as_text: list[tuple[int, int]] = []
        other: list[tuple[int, int]] = []
        for column, found in spelled.items():
            missing += found.missing
            as_text += [(body[at], column) for at in found.as_text]
            other += [(body[at], column) for at in found.other_marks]
        if missing:
            spellings = [f"{n:,} {'empty' if not word else repr(word)}" for word, n in missing.most_common()]
            total = sum(missing.values())
            told = f"{counted(total, 'cell')} {'has' if total == 1 else 'have'} no value: {_listed(spellings, 8)}."
            self._note("missing_words", told)
        limits: Counter[str] = sum((found.limits for found in spelled.values()), Counter())
        if limits:
            spellings = [f"{n:,} {word!r}" for word, n in limits.most_common()]
            total = sum(limits.values())
            told = f"{counted(total, 'cell')} {'holds' if total == 1 else 'hold'} a limit instead of a number "
            told += f"({_listed(spellings, 8)}) and {'was' if total == 1 else 'were'} read as missing. These values "
            told += "are known to be small (or large), so means of the others are not the means of all."
            self._note("limits", told)
        examples = list(dict.fromkeys(str(grid.cell(*at)).strip() for at in other))
        if other:
            told = f"{counted(len(other), 'number')} {_is(other)} written with a decimal comma or with marks between "
            told += f"thousands ({_listed(examples, 3)}) and {'was' if len(other) == 1 else 'were'} read as such."
            self._note("decimal_marks", told, [grid.where(*at) for at in other[:NAMED_CELLS]])
        if as_text and grid.is_workbook:
            told = f"{counted(len(as_text), 'number')} {_is(as_text)} stored as text in the workbook; read as numbers."
            self._note("numbers_as_text", told, [grid.where(*at) for at in as_text[:NAMED_CELLS]])
        trimmed = [
            (row, column)
            for row in self.layout.header
            for column in self.layout.columns
            if isinstance(cell := grid.cell(row, column), str) and cell != cell.strip() and cell.strip()
        ]
        if trimmed:
            told = (
                f"Spaces at the edges of {counted(len(trimmed), 'name or label', 'names and labels')} were taken away."
            )
            self._note("spaces_trimmed", told, [grid.where(*at) for at in trimmed])

    def _tell_dates(self, ids: list[str]) -> None:
        """Every one of them, with its cell and the genes it may have been. The names stay dates."""
        column = self.layout.id_column
        if column is None or not self.layout.numbers:
            return
        dates = [(at, name, gene_of_date(name)) for at, name in enumerate(ids)]
        dates = [(at, name, gene) for at, name, gene in dates if gene is not None]
        if not dates or len(dates) > len(ids) / 2:
            return
        where = [self.grid.where(self.layout.body[at], column) for at, _, _ in dates]
        listed = [f"{name} in {cell.rpartition('!')[2]} ({gene or 'no gene is known that became this'})"
                  for (_, name, gene), cell in zip(dates, where, strict=True)]  # fmt: skip
        look = "looks like a date" if len(dates) == 1 else "look like dates"
        told = f"{counted(len(dates), 'gene name')} {look}, as spreadsheets make them: {_listed(listed, 40)}. "
        told += "None was changed: write the right symbols into the file, in cells formatted as text."
        self._note("dates_as_genes", told, where)

    def without_results(self) -> list[str]:
        """Cells among the measurements whose formula was never calculated."""
        rows = {self.grid.numbers[row]: row for row in self.layout.body}
        return [
            self.grid.where(rows[number], column)
            for (number, column), bits in self.grid.formulas.items()
            if bits & NO_RESULT and number in rows and column in self.measured
            and self.grid.cell(rows[number], column) is None
        ]  # fmt: skip


def _is(things: Sequence[object]) -> str:
    return "is" if len(things) == 1 else "are"


def _listed(texts: Sequence[str], most: int = NAMED) -> str:
    return ", ".join(texts[:most]) + (", …" if len(texts) > most else "")


def _shown(cells: Sequence[object]) -> str:
    texts = [as_name(cell) for cell in cells if cell is not None]
    text = " ".join(filter(None, texts))
    return repr(text if len(text) <= 60 else text[:59] + "…") if text else ""
