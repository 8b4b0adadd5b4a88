"""Text tables: separators, decimal marks, and every way in which a file is no table."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import pytest

from codalab_nb.datasets.tables import read_small, sniff
from codalab_nb.errors import InputError


def table_at(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("content", "separator", "decimal"),
    [
        ("g,a,b\nx,1.5,2\ny,3,4\n", ",", "."),
        ("g\ta\tb\nx\t1.5\t2\n", "\t", "."),
        ("g;a;b\nx;1,5;2,25\ny;3,0;4,0\n", ";", ","),
        ("g;a;b\nx;1.5;2\n", ";", "."),
        ('"g","a","b"\r\n"x, y",1,2\r\n', ",", "."),
        ("g,a,b\n\nx,1,2\n\n", ",", "."),
        ("\nweight\n1\n2\n", ",", "."),
    ],
)
def test_separator_and_decimal_mark_are_found(tmp_path: Path, content: str, separator: str, decimal: str) -> None:
    path = table_at(tmp_path, content)
    found = sniff(path, path.name)
    assert (found.separator, found.decimal) == (separator, decimal)
    frame = read_small(path, found)
    assert all(frame.dtypes.iloc[1:].map(lambda kind: kind.kind in "if"))


def test_r_row_names_bom_utf16_and_gzip_are_read(tmp_path: Path) -> None:
    plain = "g,a,b\nx,1,2\n"
    for name, content in (
        ("r.csv", b"a,b\nx,1,2\ny,3,4\n"),
        ("bom.csv", b"\xef\xbb\xbf" + plain.encode()),
        ("wide.csv", plain.encode("utf-16")),
        ("packed.csv.gz", gzip.compress(plain.encode(), mtime=0)),
    ):
        path = table_at(tmp_path, content, name)
        frame = read_small(path, sniff(path, name))
        assert list(frame.columns)[1:] == ["a", "b"], name
        assert frame.iloc[0].tolist() == ["x", 1, 2], name


def test_untreated_samples_called_none_keep_their_name(tmp_path: Path) -> None:
    path = table_at(tmp_path, "sample,dose\ns1,None\ns2,n.d.\n")
    assert read_small(path, sniff(path, "t.csv"))["dose"].tolist()[0] == "None"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_table"),
        (b" \n\n", "empty_table"),
        (b"a,b\n", "empty_table"),
        (b"a,b,c\n1,2,3\n1,2\n1,2,3\n", "ragged_rows"),
        (b"a,b,c\n1,2,3\n1,2,3,4\n", "ragged_rows"),
        (b'a,b\n1,"2\n1,2\n', "ragged_rows"),
        (b"a,b\n\x00\x01,2\n", "binary_file"),
        (b"PK\x03\x04rest of a workbook", "spreadsheet"),
    ],
)
def test_what_is_no_table_is_refused_with_its_reason(tmp_path: Path, content: bytes, code: str) -> None:
    with pytest.raises(InputError) as refused:
        sniff(table_at(tmp_path, content), "t.csv")
    assert refused.value.code == code
    assert refused.value.fix


def test_short_rows_are_named_by_line(tmp_path: Path) -> None:
    """pandas would fill them with missing values and say nothing."""
    with pytest.raises(InputError, match="line 3 has 2"):
        sniff(table_at(tmp_path, "a,b,c\n1,2,3\n1,2\n"), "t.csv")


def test_a_broken_gzip_file_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(b"g,a\n" + b"x,1\n" * 1000)
    with pytest.raises(InputError) as refused:
        sniff(table_at(tmp_path, whole[:40], "t.csv.gz"), "t.csv.gz")
    assert refused.value.code == "unreadable_file"


@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_a_quotation_mark_that_is_never_closed_is_found_fast(tmp_path: Path, separator: str) -> None:
    lines = [separator.join(("gene", "a")), *(f"G{row}{separator}{row}" for row in range(40_000))]
    for place in (0, 3, 39_990):
        spoiled = [*lines[:place], '"' + lines[place], *lines[place + 1 :]]
        started = time.monotonic()
        with pytest.raises(InputError, match=f"opened in line {place + 1} is never closed"):
            sniff(table_at(tmp_path, "\n".join(spoiled)), "t.csv")
        assert time.monotonic() - started < 1


def test_a_quotation_mark_never_swallows_rows(tmp_path: Path) -> None:
    """The next mark, lines below, would close the cell, and the row would have as many cells as the others."""
    with pytest.raises(InputError, match="opened in line 2"):
        sniff(table_at(tmp_path, 'g,a\n"x,1\ny,2\n"z",3\n'), "t.csv")
    wide = "\n".join(",".join(f"{row}.{cell}" for cell in range(5000)) for row in range(60))
    with pytest.raises(InputError, match="opened in line 1"):
        sniff(table_at(tmp_path, '"' + wide), "t.csv")


def test_quoted_cells_may_hold_lines_and_marks(tmp_path: Path) -> None:
    path = table_at(tmp_path, 'g,a\n"two\nlines",1\n"a ""b""",2\n5" end,3\n"x" ,4\n"o",5\n')
    frame = read_small(path, sniff(path, "t.csv"))
    assert frame["a"].tolist() == [1, 2, 3, 4, 5]
    assert frame["g"].tolist() == ["two\nlines", 'a "b"', '5" end', "x", "o"]
    with pytest.raises(InputError, match="line 4 has 3"):
        sniff(table_at(tmp_path, 'g,a\n"two\nlines",1\nx,1,2\n'), "t.csv")
