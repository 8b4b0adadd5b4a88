"""Where the table is in a sheet: title lines, header rows, measurements, summary rows, lines below it.

A column of numbers is one whose lower half is mostly numbers. The header is what stands above the first row of
numbers; of several header rows the one whose cells all differ names the samples, the others describe them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from codalab_nb.datasets.beside import is_tally
from codalab_nb.datasets.cells import Marks, as_name, is_limit, is_missing, is_number, to_numbers
from codalab_nb.datasets.grid import SUMS_UP, Cell, Grid
from codalab_nb.datasets.orientation import GENE_HEADERS
from codalab_nb.datasets.units import is_units_row

MOSTLY = 0.5
_HEAD = 40  # rows from the top among which the header is looked for
_TALLEST_HEADER = 8
_SAMPLED = 400  # rows by which the columns are judged
# Nothing but a summary is called so. MAX is a gene, so it and its like count only where the numbers agree.
_SURE = frozenset(
    {
        "mean",
        "means",
        "average",
        "avg",
        "median",
        "sd",
        "stdev",
        "std",
        "std dev",
        "stddev",
        "standard deviation",
        "sem",
    }
    | {"sum", "total", "grand total", "variance", "var", "cv", "count", "minimum", "maximum", "mittelwert", "summe"}
    | {"standardabweichung", "moyenne", "écart type", "media", "somme", "total counts", "column mean", "column sum"}
)
_UNSURE = frozenset({"max", "min", "n", "std", "range"})


@dataclass
class Layout:
    """Places are positions in `grid.rows` and columns from 0, not addresses.

    header: the header rows from top to bottom; `names` is the one of them that names the columns (None: no header).
    body: the rows of the table. numbers: the columns of measurements. columns: all columns that are kept, in order.
    titles, summaries, notes: rows above, sums within, and lines below that are no part of the table.
    units: the row below the names that gives their units.
    tallies: rows that count reads which belong to no gene.
    summary_columns: columns that sum up others. counters: columns that only count the rows.
    """

    header: list[int] = field(default_factory=list)
    names: int | None = None
    body: list[int] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    id_column: int | None = None
    titles: list[int] = field(default_factory=list)
    summaries: list[int] = field(default_factory=list)
    notes: list[int] = field(default_factory=list)
    units: list[int] = field(default_factory=list)
    tallies: list[int] = field(default_factory=list)
    summary_columns: list[int] = field(default_factory=list)
    counters: list[int] = field(default_factory=list)

    @property
    def is_plain(self) -> bool:
        """One header row, and everything else is data: nothing a plain reader would get wrong."""
        extra = (*self.titles, *self.summaries, *self.tallies, *self.units, *self.notes, *self.summary_columns)
        return not extra and len(self.header) == 1


def find_layout(grid: Grid, marks: Marks) -> Layout:
    """The layout of the one table in `grid`; an empty `body` means that there is none."""
    found = Layout()
    if not grid.rows:
        return found
    width = grid.width
    numeric = _numeric_columns(grid, marks, width)
    first = _first_wide_row(grid, numeric)
    found.titles = list(range(first))
    found.header = _header(grid, marks, numeric, first)
    found.body = list(range((found.header[-1] + 1) if found.header else first, len(grid.rows)))
    found.units = [row for row in found.header[1:] if _is_units(grid, numeric, row)]
    found.header = [row for row in found.header if row not in found.units]
    found.names = _names_row(grid, found.header, numeric or list(range(width)))
    _drop_below(grid, marks, numeric, found)
    _drop_summaries(grid, marks, numeric, found)
    found.tallies = [row for row in found.body if _is_tally(grid, row)] if numeric else []
    found.body = [row for row in found.body if row not in set(found.tallies)]
    used = _used(grid, (*found.header, *found.body))
    found.numbers = sorted({*numeric} & {*used})
    _drop_columns(grid, marks, found)
    dropped = {*found.summary_columns, *found.counters}
    found.columns = [c for c in used if c not in dropped]
    found.numbers = sorted({*found.numbers} & {*found.columns})
    found.id_column = _id_column(grid, found)
    return found


def _numeric_columns(grid: Grid, marks: Marks, width: int) -> list[int]:
    half = len(grid.rows) // 2
    step = max(1, (len(grid.rows) - half) // _SAMPLED)
    lower = range(half, len(grid.rows), step)
    numbers, others = np.zeros(width, np.int64), np.zeros(width, np.int64)
    for row in lower:
        for column, cell in enumerate(grid.rows[row]):
            if type(cell) is float or type(cell) is int:
                numbers[column] += 1
            elif not is_missing(cell):
                numbers[column] += (numeric := is_number(cell, marks))
                others[column] += not numeric
    return [c for c in range(width) if numbers[c] and numbers[c] >= MOSTLY * (numbers[c] + others[c])]


def _filled(cells: Sequence[Cell]) -> int:
    return sum(cell is not None and cell != "" for cell in cells)


def _first_wide_row(grid: Grid, numeric: list[int]) -> int:
    """The first row with two cells or more (in a table of one column: the first row), title lines being narrower.

    A row of two cells is a title line too (`Date: | 22/11`) if the table is much wider and no header part is in it.
    """
    widths = [_filled(row) for row in grid.rows]
    usual = int(np.median([w for w in widths[len(widths) // 2 :] if w] or [1]))
    if usual < 2:
        return 0
    reach = set(numeric) if len(numeric) >= 2 else set(range(grid.width))
    for at, row in enumerate(grid.rows[:_HEAD]):
        inside = sum(c in reach and cell is not None and cell != "" for c, cell in enumerate(row))
        if (inside >= 2 and (widths[at] >= min(3, usual) or inside == widths[at])) or (usual == 2 and widths[at] == 2):
            return at
        if inside and any(_spans(grid, at, c) for c in range(len(row))) and _next_is_wide(grid, at, reach):
            return at
    return 0


def _spans(grid: Grid, row: int, column: int) -> bool:
    merge = grid.merge_of(row, column)
    return merge is not None and merge[1] == column and merge[3] > merge[1] and column > 0


def _next_is_wide(grid: Grid, row: int, reach: set[int]) -> bool:
    following = grid.rows[row + 1] if row + 1 < len(grid.rows) else []
    return sum(c in reach and cell is not None and cell != "" for c, cell in enumerate(following)) >= 2


def _header(grid: Grid, marks: Marks, numeric: list[int], first: int) -> list[int]:
    if len(numeric) == 0:
        return [first]
    last = None
    for row in range(first, min(first + _TALLEST_HEADER, len(grid.rows))):
        cells = [grid.cell(row, c) for c in numeric]
        known = [cell for cell in cells if not is_missing(cell)]
        measured = sum(is_number(cell, marks) or is_limit(cell) for cell in known)
        if known and measured < MOSTLY * len(known):
            if row > first and not _is_units(grid, numeric, row) and _recurs(grid, row):
                break  # a row of data that is mostly text (`Filtered`)
            last = row
        elif row > first + 1 and last is not None and row > last + 1:
            break  # two rows of numbers: the table has begun
    return list(range(first, (last if last is not None else first) + 1))


def _is_units(grid: Grid, numeric: list[int], row: int) -> bool:
    texts = [cell for c, cell in enumerate(grid.rows[row]) if c not in set(numeric)]
    return is_units_row(texts, [grid.cell(row, c) for c in numeric])


def _recurs(grid: Grid, row: int) -> bool:
    """Whether a text of this row stands again below, in the same column: names and labels of columns do not."""
    following = grid.rows[row + 1 : row + _SAMPLED]
    for column, cell in enumerate(grid.rows[row]):
        text = as_name(cell)
        if text and not is_missing(cell) and any(column < len(r) and as_name(r[column]) == text for r in following):
            return True
    return False


def _names_row(grid: Grid, header: list[int], columns: list[int]) -> int | None:
    """The header row whose cells all differ, else the one with the most different cells; the lowest of equal ones."""

    def different(row: int) -> int:
        return len({as_name(grid.cell(row, c)) for c in columns} - {""})

    return max(header, key=lambda row: (different(row), row)) if header else None


def _drop_below(grid: Grid, marks: Marks, numeric: list[int], found: Layout) -> None:
    """Lines below the table hold no number where the table does, and few cells; a gap or a sentence shows them."""
    wanted = max(2, len(numeric) // 2) if numeric else 2
    while len(found.body) > 1:
        row = found.body[-1]
        cells = grid.rows[row]
        if any(c < len(cells) and is_number(cells[c], marks) for c in numeric) or _filled(cells) >= wanted:
            break
        gap = grid.numbers[row] - grid.numbers[found.body[-2]] > 1
        texts = [cell for cell in cells if isinstance(cell, str) and cell.strip()]
        told = len(texts) == 1 and bool(re.search(r"\s\S+\s|[:.!?]$|^[*†#]", texts[0].strip()))
        sums = any(grid.formula(row, c) for c in range(len(cells))) or _summary_word(grid, row) is not None
        if not (gap or told) or sums:
            # an unlabelled or summary row further up is looked at later; a gene without any value stays
            break
        found.notes.insert(0, row)
        found.body.pop()
    if found.notes:
        # what stood between two gaps above the notes is looked at again without them
        _drop_summaries_at_end(grid, marks, numeric, found)


def _drop_summaries_at_end(grid: Grid, marks: Marks, numeric: list[int], found: Layout) -> None:
    before = len(found.body)
    _drop_summaries(grid, marks, numeric, found)
    if len(found.body) < before:
        _drop_below(grid, marks, numeric, found)


def _summary_word(grid: Grid, row: int) -> str | None:
    for cell in grid.rows[row][:6]:
        if isinstance(cell, str) and cell.strip():
            word = re.sub(r"[\s:=.]+$", "", cell.strip()).casefold()
            return word if word in _SURE or word in _UNSURE else None
    return None


def _is_tally(grid: Grid, row: int) -> bool:
    first = next((cell for cell in grid.rows[row][:2] if isinstance(cell, str) and cell.strip()), "")
    return isinstance(first, str) and is_tally(first)


def _drop_summaries(grid: Grid, marks: Marks, numeric: list[int], found: Layout) -> None:
    """Rows of formulas over a range, and rows called MEAN; a row called MAX only if its numbers are the maxima."""
    if len(numeric) < 1 or len(found.body) < 3:
        return
    measured = set(numeric)
    with_sums = {number for (number, column), bits in grid.formulas.items() if bits & SUMS_UP and column in measured}
    edge = {*found.body[:3], *found.body[-12:]}
    summaries = []
    for row in found.body:
        formulas = grid.numbers[row] in with_sums and sum(bool(grid.formula(row, c) & SUMS_UP) for c in numeric)
        if formulas and formulas >= MOSTLY * len(numeric):
            summaries.append(row)
        elif row in edge and (word := _summary_word(grid, row)) is not None:
            after_gap = row == found.body[0] or grid.numbers[row] - grid.numbers[row - 1] > 1
            if (word in _SURE and (after_gap or word == as_name(grid.rows[row][0]).casefold().rstrip(": "))) or _agrees(
                grid, marks, numeric, found, row, word
            ):
                summaries.append(row)
    if len(summaries) < MOSTLY * len(found.body):  # a sheet of nothing but sums is a table of sums
        gone = set(summaries)
        found.summaries = sorted({*found.summaries, *gone})
        found.body = [row for row in found.body if row not in gone]


def _agrees(grid: Grid, marks: Marks, numeric: list[int], found: Layout, row: int, word: str) -> bool:
    """Whether the numbers of `row` are what its name says of the other rows."""
    what = {"max": np.nanmax, "min": np.nanmin}.get(word)
    others = [r for r in found.body if r != row and _summary_word(grid, r) is None]
    columns = numeric[:5]
    if what is None or len(others) < 3:
        return False
    own = to_numbers([grid.cell(row, c) for c in columns], marks).values
    rest = [to_numbers(grid.column(c, others), marks).values for c in columns]
    return all(
        len(values) and not np.isnan(values).all() and np.isclose(what(values), number, rtol=1e-6)
        for values, number in zip(rest, own, strict=True)
    )


def _drop_columns(grid: Grid, marks: Marks, found: Layout) -> None:
    """Columns that sum up the others (=AVERAGE(C6:AX6), or called Mean and being the mean), and running numbers."""
    if len(found.numbers) < 2 or len(found.body) < 3:
        return
    body = found.body
    sums: Counter[int] = Counter()
    rows = {grid.numbers[row] for row in body}
    for (number, column), bits in grid.formulas.items():
        if bits & SUMS_UP and number in rows:
            sums[column] += 1
    for column in sorted({*found.numbers, *sums}):
        name = as_name(grid.cell(found.names, column)).casefold().rstrip(": ") if found.names is not None else ""
        others = [c for c in found.numbers if c != column]
        if not others:
            continue
        if sums[column] >= MOSTLY * len(body) or (name in _SURE and _sums_up(grid, marks, body[:200], others, column)):
            found.summary_columns.append(column)
            found.numbers = others
    first = found.numbers[0] if found.numbers else None
    if first is not None and len(found.numbers) > 1 and found.names is not None:
        name = as_name(grid.cell(found.names, first)).casefold()
        counted = to_numbers(grid.column(first, body), marks).values
        start = counted[0]
        if name in ("", "nr", "nr.", "no", "no.", "#", "index", "row", "unnamed: 0") and start in (0, 1):
            text_follows = any(c > first and c not in found.numbers for c in range(first, first + 3))
            if text_follows and np.array_equal(counted, np.arange(start, start + len(counted))):
                found.counters.append(first)
                found.numbers.remove(first)


def _sums_up(grid: Grid, marks: Marks, rows: list[int], others: list[int], column: int) -> bool:
    """Whether the column is the mean, median, sum, or standard deviation of `others`, row by row."""
    own = to_numbers(grid.column(column, rows), marks).values
    table = np.column_stack([to_numbers(grid.column(c, rows), marks).values for c in others])
    known = ~np.isnan(table).all(axis=1) & ~np.isnan(own)
    if known.sum() < 3 or table.shape[1] < 2:
        return False
    table, own = table[known], own[known]
    sums = [np.nanmean(table, axis=1), np.nanmedian(table, axis=1), np.nansum(table, axis=1), np.nanstd(table, axis=1)]
    return any(np.isclose(one, own, rtol=1e-3, atol=1e-6).mean() > 0.9 for one in sums)


def _used(grid: Grid, rows: Sequence[int]) -> list[int]:
    """The columns that hold anything in these rows. It stops looking where all were seen, which is soon."""
    unseen = set(range(grid.width))
    for row in rows:
        if not unseen:
            break
        cells = grid.rows[row]
        unseen -= {c for c in unseen if c < len(cells) and not _blank(cells[c])}
    return sorted(set(range(grid.width)) - unseen)


def _blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _id_column(grid: Grid, found: Layout) -> int | None:
    """The column that names the rows: the first of text whose cells (nearly) all differ; else one called like ids."""
    names = [as_name(grid.cell(found.names, c)).casefold() if found.names is not None else "" for c in found.columns]
    texts = sorted({*found.columns} - {*found.numbers})
    for column in texts:
        cells = [as_name(cell) for cell in grid.column(column, found.body)]
        if len(set(cells)) > MOSTLY * len(cells) and sum(map(bool, cells)) > MOSTLY * len(cells):
            return column
    called = [c for c, name in zip(found.columns, names, strict=True) if name in GENE_HEADERS or name == "id"]
    if called and called[0] == found.columns[0]:
        return called[0]
    return texts[0] if texts and texts[0] == found.columns[0] and found.numbers else None
