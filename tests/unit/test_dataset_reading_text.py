"""Text tables which are more than a header and rows, and that clean ones are left to the plain reader."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from codalab_nb.datasets import text_grid
from codalab_nb.datasets.reading import ReadTable, read_file
from codalab_nb.errors import InputError

DATA = Path(__file__).parent.parent / "data"
BODY = "TP53,1.5,2,3,4\nMYC,4,3,2,1\nEGFR,7,8,9,1\nKRAS,7,8,9,2\n"
CLEAN = "gene,S1,S2,S3,S4\n" + BODY


def read(folder: Path, content: str | bytes, name: str = "t.csv") -> ReadTable | None:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_file(path).table


@pytest.mark.parametrize("path", sorted(DATA.glob("*/*.csv")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_clean_files_are_read_in_pieces_and_not_copied(path: Path) -> None:
    reading = read_file(path)
    assert reading.direct is not None
    assert reading.notes == ()


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        ("Exported 22/11\n\n" + CLEAN, ["title_lines"]),
        ("Exported 22/11,,,,\n,,,,\n" + CLEAN, ["title_lines"]),
        ("# featureCounts v2.0; Command: x\n" + CLEAN, ["title_lines"]),
        (",ctrl,ctrl,drug,drug\n" + CLEAN, ["header_rows"]),
        (",ctrl,,drug,\n" + CLEAN, ["merged_cells", "header_rows"]),
        (CLEAN + "MEAN,4.875,5.25,5.75,2\n", ["summary_rows"]),
        (CLEAN + ",,,,\nContact: lab 3,,,,\n", ["note_lines"]),
        (CLEAN + "\n* values below 0.1 were removed\n", ["note_lines"]),
    ],
)
def test_lines_around_a_table_are_left_out_and_told(tmp_path: Path, content: str, codes: list[str]) -> None:
    for name, text in (("t.csv", content), ("t.csv.gz", gzip.compress(content.encode(), mtime=0))):
        table = read(tmp_path, text, name)
        assert table is not None
        assert [note.code for note in table.notes] == codes
        assert table.frame["gene"].tolist() == ["TP53", "MYC", "EGFR", "KRAS"]
        assert table.value_names == ("S1", "S2", "S3", "S4")
        assert table.frame["S1"].tolist() == [1.5, 4, 7, 7]
        if "header_rows" in codes:
            assert table.attributes.iloc[:, 0].tolist() == ["ctrl", "ctrl", "drug", "drug"]


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ("g;a;b\nTP53;1.234,5;2,5\nMYC;7,25;3\n", [1234.5, 2.5, 7.25, 3]),
        ('g,a,b\nTP53,"1,234.5",2.5\nMYC,7.25,3\n', [1234.5, 2.5, 7.25, 3]),
        ('g,a,b\nTP53,"1,5",2\nMYC,"7,25",3\n', [1.5, 2, 7.25, 3]),
        ("g\ta\tb\nTP53\t1,5\t2\nMYC\t7,25\t3\n", [1.5, 2, 7.25, 3]),
        ("g,a,b\nTP53,-,2\nMYC,7.25,3\nKRAS,1,1\n", [None, 2, 7.25, 3, 1, 1]),
        ("g,a,b\nTP53,#REF!,2\nMYC,7.25,3\nKRAS,1,1\n", [None, 2, 7.25, 3, 1, 1]),
        ("g;a;b\nTP53;1 234,5;2\nMYC;7,25;3\n", [1234.5, 2, 7.25, 3]),
    ],
)
def test_spellings_that_pandas_does_not_know(tmp_path: Path, content: str, values: list[float | None]) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content)
    reading = read_file(path)
    if reading.direct is not None:  # a decimal comma throughout is no trouble for pandas
        from codalab_nb.datasets.tables import read_small

        frame = read_small(path, reading.direct)
    else:
        assert reading.table is not None
        frame = reading.table.frame
    found = [None if value != value else float(value) for value in frame.iloc[:, 1:].to_numpy(float).ravel()]
    assert found == values


def test_text_among_numbers_stays_for_the_checks_of_the_plain_reader(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(CLEAN + "BRAF,1,oops,2,3\n")
    assert read_file(path).direct is not None


def test_text_among_numbers_below_title_lines_is_named_by_its_place(tmp_path: Path) -> None:
    table = read(tmp_path, "Title\n" + CLEAN + "BRAF,1,oops,2,3\n")
    assert table is not None
    (stray,) = table.strays
    assert (stray.where, stray.row_name, stray.column, stray.text) == ("line 7, column 3", "BRAF", "S2", "oops")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (CLEAN.replace("MYC,4,3", "MYC,4"), "line 3 has 4"),
        ("Title\n" + CLEAN.replace("MYC,4,3", "MYC,4"), "line 4 has 4"),
        ("Title\n" + CLEAN.replace("MYC,4,3", "MYC,4,3,3"), "line 4 has 6"),
    ],
)
def test_a_short_or_long_row_among_the_data_is_still_refused(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        read(tmp_path, content)
    assert refused.value.code == "ragged_rows"


def test_text_called_like_a_workbook_is_read_as_text(tmp_path: Path) -> None:
    """Many programs call their tab-separated tables .xls."""
    for name in ("t.xls", "t.xlsx"):
        path = tmp_path / name
        path.write_text(CLEAN.replace(",", "\t"))
        reading = read_file(path)
        assert reading.direct is not None
        assert [note.code for note in reading.notes] == ["not_what_it_says"]


def test_large_text_with_title_lines_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_grid, "MOST_BYTES", 50)
    with pytest.raises(InputError) as refused:
        read(tmp_path, "Title\n" + CLEAN)
    assert refused.value.code == "text_too_large"
    assert read(tmp_path, CLEAN) is None  # clean text of any size is read in pieces


def test_a_sheet_cannot_be_named_in_a_text_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(CLEAN)
    with pytest.raises(InputError, match="no workbook, so it has no sheet 'Data'"):
        read_file(tmp_path / "t.csv", sheet="Data")
