"""Gene names that a spreadsheet program made dates: told with the gene they were, and nothing else taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from codalab_nb.datasets import tables
from codalab_nb.datasets.profile import profile_files
from codalab_nb.datasets.spellings import gene_of_date
from codalab_nb.examples import example_folder

DATA = Path(__file__).parent.parent / "data"


def test_genes_which_excel_made_dates_are_told_and_kept() -> None:
    profile, _ = profile_files([DATA / "leukemia_armstrong" / "excel_european.csv"])
    (told,) = [note.text for note in profile.warnings if note.code == "dates_as_genes"]
    assert told.startswith("12 gene names look like dates")
    for words in ("'4-Sep' (SEPT4 / SEPTIN4)", "'2-Mar' (MARCH2 / MARCHF2 or MARC2 / MTARC2)"):
        assert words in told
    ids = ids_of(DATA / "leukemia_armstrong" / "excel_european.csv")
    spoiled = [
        "10-Sep",
        "4-Sep",
        "9-Sep",
        "11-Sep",
        "2-Mar",
        "5-Sep",
        "8-Sep",
        "6-Mar",
        "3-Mar",
        "6-Sep",
        "2-Sep",
        "7-Mar",
    ]
    assert [name for name in ids if gene_of_date(name) is not None] == spoiled
    assert all(f"{name!r} ({gene_of_date(name)})" in told for name in spoiled)


@pytest.mark.parametrize(
    ("name", "gene"),
    [
        ("4-Sep", "SEPT4 / SEPTIN4"),
        ("Sep-04", "SEPT4 / SEPTIN4"),
        ("04. Sep", "SEPT4 / SEPTIN4"),
        ("4-Sep-06", "SEPT4 / SEPTIN4"),
        ("2006-09-04", "SEPT4 / SEPTIN4"),
        ("2006-09-04 00:00:00", "SEPT4 / SEPTIN4"),
        ("04.09.2006", "SEPT4 / SEPTIN4"),
        ("9/4/2006", "SEPT4 / SEPTIN4"),
        ("3/9/2006", "SEPT3 / SEPTIN3 or MARCH9 / MARCHF9"),
        ("01. Mrz", "MARCH1 / MARCHF1 or MARC1 / MTARC1"),
        ("7-Mar", "MARCH7 / MARCHF7"),
        ("15-Sep", "SEP15 / SELENOF"),
        ("1-Dec", "DEC1 / DELEC1"),
        ("4-Oct", "OCT4 / POU5F1"),
        ("30-Jan", ""),
    ],
)
def test_spellings_of_dates(name: str, gene: str) -> None:
    assert gene_of_date(name) == gene


@pytest.mark.parametrize(
    "name",
    [
        "SEPT4",
        "MARCH2",
        "DEC1",
        "Oct-4",
        "HLA-DQA1",
        "AC009283.1",
        "IGLV2-14",
        "99-Sep",
        "4-Sap",
        "1007_s_at",
        "Mar",
        "4",
    ],
)
def test_what_is_no_date(name: str) -> None:
    assert gene_of_date(name) is None


def test_no_clean_table_is_said_to_hold_dates() -> None:
    files = [example_folder() / "expression.csv", DATA / "leukemia_armstrong" / "expression.csv"]
    for path in (*files, DATA / "pasilla_knockdown" / "counts.csv"):
        assert [name for name in ids_of(path) if gene_of_date(name) is not None] == [], path
        assert "dates_as_genes" not in [note.code for note in profile_files([path])[0].warnings]
    assert not any(gene_of_date(f"ENSG{number:011d}") for number in range(3, 500_000, 997))


def ids_of(path: Path) -> list[str]:
    table = tables.sniff(path, path.name)
    return [str(name) for name in tables.read_small(path, table, only=[0]).iloc[:, 0]]
