"""Names that a spreadsheet spoiled, and first lines that name nothing: what the cells of a table's edges tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from codalab_nb.datasets.tables import MISSING_WORDS

# --- gene names which a spreadsheet turned into dates

_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "march": 3, "mär": 3, "mrz": 3, "apr": 4, "may": 5, "mai": 5, "jun": 6, "jul": 7,
    "aug": 8, "sep": 9, "sept": 9, "oct": 10, "okt": 10, "nov": 11, "dec": 12, "dez": 12,
}  # fmt: skip
_TIME = r"(?:[ T]00:00(?::00(?:\.0+)?)?)?"
_DAY_MONTH = re.compile(r"(\d{1,2})[-. /]{1,2}([a-zä]{3,5})\.?(?:[-. /](?:\d{2}|\d{4}))?", re.IGNORECASE)  # 4-Sep
_MONTH_DAY = re.compile(r"([a-zä]{3,5})[-. /](\d{1,2})", re.IGNORECASE)  # Sep-04
_YEAR_FIRST = re.compile(rf"\d{{4}}[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_TIME}")  # 2006-09-04
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2\d{{4}}{_TIME}")  # 04.09.2006, 9/4/2006


def gene_of_date(name: str) -> str | None:
    """Which genes a name that looks like a date may have been, as `SEPT4 / SEPTIN4` (behind the stroke: its name
    today) or `MARCH2 / MARCHF2 or MARC2 / MTARC2`; None: it looks like no date.

    Empty text: it looks like a date, but no gene is known that a spreadsheet turns into it.
    """
    found = date_candidates(name)
    return None if found is None else " or ".join(f"{old} / {today}" if today else old for old, today in found)


def date_candidates(name: str) -> tuple[tuple[str, str], ...] | None:
    """The genes a date may have been: (symbol as it was written, HGNC's symbol today or ""); None: no date.

    More than one: nobody can tell from the table which it was, so nothing may choose.
    """
    readings = _readings(name.strip())
    if not readings:
        return None
    return tuple(dict.fromkeys(pair for day, month in readings for pair in _symbols(day, month)))


def _readings(name: str) -> list[tuple[int, int]]:
    """The (day, month) a name may stand for: none, one, or two where nobody can tell day and month apart."""
    found: list[tuple[int, int]] = []
    if match := _DAY_MONTH.fullmatch(name):
        found = [(int(match[1]), _MONTHS.get(match[2].casefold(), 0))]
    elif match := _MONTH_DAY.fullmatch(name):
        month = _MONTHS.get(match[1].casefold(), 0)
        # A spreadsheet writes two digits here; Oct-4 is what people write themselves, and a protein.
        found = [(int(match[2]), month)] if len(match[2]) == 2 or month in (3, 9, 12) else []
    elif match := _YEAR_FIRST.fullmatch(name):
        found = [(int(match[2]), int(match[1]))]
    elif match := _YEAR_LAST.fullmatch(name):
        found = [(int(match[1]), int(match[3]))]
        if match[2] != ".":  # 9/4/2006 is the 4th of September in one country, and the 9th of April in another
            found.append((int(match[3]), int(match[1])))
    return [(day, month) for day, month in found if 1 <= day <= 31 and 1 <= month <= 12]


def _symbols(day: int, month: int) -> list[tuple[str, str]]:
    """HGNC renamed SEPT*, MARCH* and MARC* in 2020, because spreadsheets make dates of them."""
    if month == 9 and day <= 14:
        return [(f"SEPT{day}", f"SEPTIN{day}")]
    if month == 3 and day <= 11:
        marc = [(f"MARC{day}", f"MTARC{day}")] if day <= 2 else []
        return [(f"MARCH{day}", f"MARCHF{day}"), *marc]
    if month == 10 and day <= 11:
        return [(f"OCT{day}", "POU5F1" if day == 4 else "")]
    known = {(9, 15): ("SEP15", "SELENOF"), (12, 1): ("DEC1", "DELEC1"), (12, 2): ("DEC2", "BHLHE41")}
    return [known[month, day]] if (month, day) in known else []


# --- files whose first line is data already

_NAMING_WORDS = frozenset(
    {
        "id",
        "ids",
        "gene",
        "genes",
        "geneid",
        "genesymbol",
        "genename",
        "symbol",
        "symbols",
        "probe",
        "probes",
        "probeid",
    }
    | {"probeset", "name", "names", "rowname", "rownames", "unnamed", "accession", "feature", "features", "protein"}
    | {"transcript", "ensembl", "entrez", "entrezid", "locus", "tag", "sample", "samples", "cell", "cells", "barcode"}
    | {"patient", "patients", "subject", "donor", "animal", "mouse", "time", "dose", "index", "row", "nr", "no"}
)


def first_line_is_data(
    header: Sequence[str], numbers: Sequence[int], ids: Sequence[str] | None, known: set[str]
) -> Literal["yes", "maybe", "no"]:
    """Whether the names of the columns are measurements: the file has no header line.

    `numbers` are the places of the columns that hold numbers; `ids` the names of the rows (None: no column has
    them); `known` the words of the sample table. Samples called 1, 2, 3 are common, so the first cell decides too:
    `gene` is a header, and a name spelled like those of the other rows is not.
    """
    cells = [header[place] for place in numbers]
    values = [header[p] for p in numbers if header[p] not in MISSING_WORDS and header[p] != f"column {p + 1}"]
    if not values or any(_as_number(value) is None for value in values):
        return "no"
    first = header[0]
    if set(re.split(r"[^a-z0-9]+", first.casefold())) & _NAMING_WORDS or len(known & set(cells)) > len(cells) / 2:
        return "no"
    if any(not re.fullmatch(r"\d+", value) for value in values) or len(set(values)) < len(values):
        return "yes"
    if ids is None:
        whole = [int(value) for value in values]
        return "maybe" if whole in (list(range(len(whole))), list(range(1, len(whole) + 1))) else "yes"
    # A plain word may be a header that is not known here, as `country` above Brazil and Chile.
    plain = re.fullmatch(r"[^\W\d_]?[a-zäöü]*", first)
    return "yes" if not plain and _shape(first) in {_shape(name) for name in ids} else "maybe"


def _as_number(cell: str) -> float | None:
    try:
        return float(cell.replace(",", ".")) if "_" not in cell else None
    except ValueError:
        return None


def _shape(name: str) -> str:
    """`TP53` and `MYC` are spelled alike (A); `Gene` (Aa) is not."""
    return re.sub(r"\d+", "", re.sub(r"[a-zäöü]+", "a", re.sub(r"[A-ZÄÖÜ]+", "A", name)))
