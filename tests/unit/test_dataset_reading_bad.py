"""Files that cannot or must not be read: each refused fast, in one sentence, with what to do."""

from __future__ import annotations

import gzip
import random
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from codalab_nb.datasets import archive, workbook
from codalab_nb.datasets.reading import read_file, write_tidy
from codalab_nb.errors import InputError

ROWS: list[list[Any]] = [["gene", "S1", "S2"], *([f"GENE{n}", n, 2 * n] for n in range(1, 30))]
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def plain(folder: Path, name: str = "t.xlsx") -> Path:
    book = openpyxl.Workbook()
    for row in ROWS:
        book.worksheets[0].append(row)
    book.save(folder / name)
    return folder / name


def with_part(path: Path, part: str, content: bytes) -> Path:
    """The workbook with one part replaced."""
    changed = path.with_name("changed.xlsx")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for one in old.infolist():
            if one.filename != part:
                new.writestr(one.filename, old.read(one.filename))
        new.writestr(part, content)
    return changed


def sheet_of(path: Path) -> bytes:
    with zipfile.ZipFile(path) as book:
        return book.read("xl/worksheets/sheet1.xml")


def refused(path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        read_file(path)
    (problem,) = caught.value.problems
    assert problem.fix
    assert path.name in problem.message
    assert len(re.findall(r"[.!?](?:\s|$)", problem.message)) == 1, problem.message
    return caught.value


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("t.xlsx", OLE + "EncryptedPackage".encode("utf-16-le"), "password_protected", "by a password"),
        ("t.xls", OLE + "Workbook".encode("utf-16-le"), "old_workbook", "Excel 97"),
        ("t.xlsx", b"PK\x03\x04 and nothing more", "damaged_workbook", "no whole Excel workbook"),
        ("t.xlsx", b"", "empty_table", "is empty"),
        ("t.xlsx", b"\x00\x01\x02 binary", "not_what_it_says", "is none"),
        ("t.csv", b"%PDF-1.7 and so on", "not_what_it_says", "PDF"),
        ("t.csv", b"\x89PNG\r\n\x1a\n\0\0", "not_what_it_says", "picture"),
        ("t.xls", b"<html><table><tr><td>gene</td></tr></table></html>", "not_what_it_says", "web page"),
        ("t.rds", b"X\n\x00\x00\x00\x03", "not_what_it_says", "R object"),
        ("t.csv", gzip.compress(b"g,a\nx,1\n", mtime=0), "not_what_it_says", "packed (gzip)"),
        ("t.csv.gz", gzip.compress(b"X\n\x00\x00\x00\x03", mtime=0), "not_what_it_says", "R object"),
        ("t.csv.gz", b"no gzip at all", "unreadable_file", "cannot be read"),
        ("t.xlsx.gz", gzip.compress(b"PK\x03\x04", mtime=0), "spreadsheet", "inside a gzip"),
        ("t.h5ad", b"gene,a\nx,1\n", "not_what_it_says", "AnnData"),
        ("t.csv", b"g,a\nx,\x00\n", "binary_file", "not a text table"),
        ("t.csv", b"", "empty_table", "is empty"),
    ],
)
def test_what_is_no_table(tmp_path: Path, name: str, content: bytes, code: str, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    error = refused(path)
    assert error.code == code
    assert words in error.message


def test_archives_that_are_no_workbooks(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    for parts, words in (
        (["a.csv"], "a zip archive"),
        (["mimetype", "content.xml"], "an OpenDocument file"),
        (["[Content_Types].xml", "xl/workbook.bin"], "binary workbook"),
    ):
        with zipfile.ZipFile(path, "w") as made:
            for part in parts:
                made.writestr(part, "<a/>")
        assert words in refused(path).message


def test_a_workbook_cut_short_or_scratched_is_refused_or_read_right(tmp_path: Path) -> None:
    """Never a stack trace, whichever byte is wrong."""
    whole = plain(tmp_path).read_bytes()
    path = tmp_path / "scratched.xlsx"
    chance = random.Random(6)
    codes = set()
    for round_ in range(60):
        content = bytearray(whole)
        if round_ % 3 == 0:
            del content[chance.randrange(4, len(content)) :]
        for _ in range(chance.randrange(1, 30)):
            content[chance.randrange(4, len(content))] = chance.randrange(256)
        path.write_bytes(content)
        try:
            read_file(path)
        except InputError as error:
            codes.add(error.code)
    assert "damaged_workbook" in codes


def test_bombs_are_refused_before_they_are_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = plain(tmp_path)
    monkeypatch.setattr(archive, "MOST_SHEETS", 1 << 20)
    bomb = with_part(path, "xl/worksheets/sheet1.xml", sheet_of(path) + b" " * (2 << 20))
    error = refused(bomb)
    assert error.code == "workbook_too_large"
    assert "2 MiB" in error.message
    monkeypatch.undo()
    monkeypatch.setattr(archive, "MOST_STRINGS", 1000)
    assert refused(with_part(path, "xl/sharedStrings.xml", b"<sst>" + b" " * 2000)).code == "workbook_too_large"
    monkeypatch.undo()
    monkeypatch.setattr(archive, "MOST_OTHER", 100_000)
    assert refused(with_part(path, "xl/media/image1.png", bytes(200_000))).code == "workbook_too_large"
    monkeypatch.undo()
    monkeypatch.setattr(workbook, "MOST_CELLS", 50)
    assert refused(path).code == "workbook_too_large"


def test_entities_and_references_to_other_files_are_refused_in_every_part(tmp_path: Path) -> None:
    path = plain(tmp_path)
    laughs = b'<?xml version="1.0"?>' + b"<!-- -->" * 20_000 + b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    outside = b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd">'
    with zipfile.ZipFile(path) as book:
        parts = [name for name in book.namelist() if name.endswith((".xml", ".rels"))]
        contents = {name: book.read(name) for name in parts}
    for part, content in contents.items():
        body = content[content.index(b"?>") + 2 :] if content.startswith(b"<?xml") else content
        for prolog in (laughs, outside):
            error = refused(with_part(path, part, prolog + body))
            assert error.code == "damaged_workbook"
            assert "declares entities" in error.message
    hidden = "<?xml version='1.0' encoding='utf-16'?>" + sheet_of(path).decode()
    assert "not UTF-8" in refused(with_part(path, "xl/worksheets/sheet1.xml", hidden.encode("utf-16"))).message


def test_a_sheet_that_no_spreadsheet_wrote_is_refused_fast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XML libraries keep every element: three million empty rows would take a gigabyte."""
    path = plain(tmp_path)
    start, _, end = sheet_of(path).partition(b"</sheetData>")
    for filler in (b"<row/>" * 1_100_000, b"<foo/>" * 2_100_000):
        error = refused(with_part(path, "xl/worksheets/sheet1.xml", start + filler + b"</sheetData>" + end))
        assert "more rows or marks than any spreadsheet writes" in error.message
    monkeypatch.setattr(archive, "MOST_ROW_BYTES", 1 << 20)
    monkeypatch.setattr(archive, "_PIECE", 1 << 18)
    long = b"<row>" + b"<c><v>1</v></c>" * 200_000 + b"</row></sheetData>"
    assert "longer than" in refused(with_part(path, "xl/worksheets/sheet1.xml", start + long + end)).message


def test_a_million_formatted_empty_rows_are_not_parsed(tmp_path: Path) -> None:
    path = plain(tmp_path)
    start, _, end = sheet_of(path).partition(b"</sheetData>")
    start = re.sub(rb'<dimension ref="[^"]+"', b'<dimension ref="A1:XFD1048576"', start)
    rows = b'<row s="1" customFormat="1" ht="15"/>' * (1_048_576 - 30)
    table = read_file(with_part(path, "xl/worksheets/sheet1.xml", start + rows + b"</sheetData>" + end)).table
    assert table is not None
    assert table.frame.shape == (29, 3)


def test_a_link_to_another_workbook_is_not_followed(tmp_path: Path) -> None:
    """The stored result is read; where it came from is nobody's business."""
    path = plain(tmp_path)
    sheet = sheet_of(path).replace(b'<c r="B2" t="n"><v>1</v></c>', b'<c r="B2"><f>[1]Other!A1</f><v>7</v></c>')
    assert b"[1]Other" in sheet
    table = read_file(with_part(path, "xl/worksheets/sheet1.xml", sheet)).table
    assert table is not None
    assert table.frame["S1"].tolist()[:2] == [7, 2]


def test_without_h5py_the_error_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    path = tmp_path / "t.h5ad"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    error = refused(path)
    assert error.code == "missing_import"
    assert "pip install 'codalab-nb[analysis]'" in error.fix


def test_names_that_are_formulas_are_text_in_the_copy(tmp_path: Path) -> None:
    """A copy is CSV; who opens it in a spreadsheet must get the same names."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in ROWS:
        sheet.append(row)
    sheet["A3"].value = 'a "quoted", name'
    book.save(tmp_path / "t.xlsx")
    copies = write_tidy(read_file(tmp_path / "t.xlsx"), tmp_path)
    assert copies.matrix.read_text().splitlines()[2] == '"a ""quoted"", name",2,4'
