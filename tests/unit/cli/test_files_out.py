"""What `results` writes for other programs: a page that runs nothing, a workbook that turns no gene into a date."""

from __future__ import annotations

import base64
import html.parser
import re
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from typing import Any

import pytest

from codalab_nb.frontends.cli.page import page
from codalab_nb.workbook import Sheet, read_table, sheet_names, write

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 20).decode()
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"


class Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def tags(text: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(text)
    return parser.seen


def output(data: dict[str, Any]) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": {}}


def test_a_hostile_notebook_stays_text() -> None:
    outputs = [
        output({"text/html": EVIL, "text/plain": EVIL}),
        output({"image/svg+xml": f"<svg>{EVIL}</svg>"}),
        output({"image/png": 'x" onerror="alert(1)'}),
        output({"image/png": PNG, "text/plain": '"><script>'}),
        output({"application/javascript": "alert(1)"}),
        output({"text/markdown": EVIL, "text/plain": "x"}),
        output(
            {"text/html": f'{EVIL}<table class="dataframe"><tr><th>{EVIL}</th><td>&lt;script&gt;</td></tr></table>'}
        ),
        {**output({"image/png": "x", "text/plain": "x"}), "metadata": {"image/png": {"alt": '" onload="x'}}},
        {"output_type": "stream", "name": "stdout", "text": ["\x1b]0;x\x07", EVIL]},
        {"output_type": "error", "ename": "E", "evalue": EVIL, "traceback": [f"\x1b[31m{EVIL}"]},
    ]
    cells = [{"cell_type": "markdown", "source": EVIL}, {"cell_type": "code", "source": EVIL, "outputs": outputs}]
    text = page({"cells": cells}, EVIL, [(EVIL, EVIL)])
    found = tags(text)
    assert {tag for tag, _ in found} <= {
        "html", "head", "meta", "title", "style", "body", "h1", "table", "tr", "th", "td", "pre", "p",
        "figure", "img", "details", "summary", "thead", "tbody", "div",
    }  # fmt: skip
    images = [attributes for tag, attributes in found if tag == "img"]
    assert [image["src"] for image in images] == [f"data:image/png;base64,{PNG}"]
    assert not any(name.startswith("on") for _, attributes in found for name in attributes)
    assert "\x1b" not in text
    assert "default-src 'none'" in text


def test_the_page_shows_what_was_run() -> None:
    cells = [
        {
            "cell_type": "code",
            "execution_count": 3,
            "source": ["x = 1\n", "x"],
            "outputs": [output({"text/plain": "1"})],
        }
    ]
    text = page({"cells": cells}, "my.ipynb", [("verdict", "succeeded"), ("empty", "")])
    assert "x = 1\nx" in text
    assert '<pre class="output">1</pre>' in text
    assert "[3]" in text
    assert "empty" not in text
    assert text.index('class="output"') < text.index("<details><summary>Code") < text.index('class="source"')


def test_the_page_renders_markdown_and_prefers_it() -> None:
    """Text cells, and what `Markdown(...)` shows, whose text/plain is a placeholder."""
    shown = output({"text/markdown": ["**691** genes"], "text/plain": "<IPython.core.display.Markdown object>"})
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "Words."]},
        {"cell_type": "code", "source": "Markdown(x)", "outputs": [shown]},
    ]
    text = page({"cells": cells}, "n", [])
    assert "<h2>Title</h2>\n<p>Words.</p>" in text
    assert "<p><strong>691</strong> genes</p>" in text
    assert "IPython" not in text


def test_pictures_have_the_words_and_the_size_they_came_with() -> None:
    data = {"image/png": PNG, "text/plain": "<Figure size 640x480 with 1 Axes>"}
    named = {**output(data), "metadata": {"image/png": {"alt": "A volcano.", "width": 600}}}
    text = page({"cells": [{"cell_type": "code", "source": "", "outputs": [named, output(data)]}]}, "n", [])
    images = [attributes for tag, attributes in tags(text) if tag == "img"]
    assert [(image["alt"], image.get("width")) for image in images] == [("A volcano.", "600"), ("a figure", None)]


def test_the_page_shows_tables_of_pandas_as_tables() -> None:
    source = '<p>All.</p><table border="1" class="dataframe"><thead><tr><th></th><th>p</th></tr></thead><tbody><tr>\
<th>A&amp;B</th><td>0.5</td></tr></tbody></table>'
    text = page({"cells": [{"cell_type": "code", "source": "", "outputs": [output({"text/html": source})]}]}, "n", [])
    assert '<tr><th>A&amp;B</th><td class="number">0.5</td></tr>' in text
    assert "<p>All.</p>" in text
    spanned = source.replace("<td>", '<td colspan="2">')
    data = {"text/html": spanned, "text/plain": "as text"}
    assert "as text" in page({"cells": [{"cell_type": "code", "source": "", "outputs": [output(data)]}]}, "n", [])


def test_the_page_shows_a_failed_cell_unfolded() -> None:
    failed = {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["t"]}
    text = page({"cells": [{"cell_type": "code", "source": "1 / 0", "outputs": [failed]}]}, "n", [])
    assert "<details open>" in text


def read(path: Path) -> dict[str, list[list[tuple[str | None, str | None]]]]:
    """Sheet name → rows of (type, value), read as a spreadsheet program does: through the package's relations."""
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        names = [
            sheet.get("name") or "" for sheet in ET.fromstring(package.read("xl/workbook.xml")).iter(f"{MAIN}sheet")
        ]
        relations = ET.fromstring(package.read("xl/_rels/workbook.xml.rels"))
        targets = [one.get("Target") for one in relations if (one.get("Type") or "").endswith("/worksheet")]
        types = package.read("[Content_Types].xml").decode()
        found = {}
        for name, target in zip(names, targets, strict=True):
            assert f"/xl/{target}" in types
            sheet = ET.fromstring(package.read(f"xl/{target}"))
            found[name] = [
                [(cell.get("t"), "".join(cell.itertext()) or None) for cell in row.iter(f"{MAIN}c")]
                for row in sheet.iter(f"{MAIN}row")
            ]
    return found


def test_genes_stay_text_and_numbers_are_numbers(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text(
        "gene,p,id,long,note\nMARCH1,1e-5,007,1234567890123456,\nSEPT2,0.5,012,1,=cmd()\n1-Mar,,9,2,a\x01<b>&\n"
    )
    write(tmp_path / "t.xlsx", [read_table(table, "t.csv")])
    rows = read(tmp_path / "t.xlsx")["t.csv"]
    assert [row[0] for row in rows[1:]] == [("inlineStr", "MARCH1"), ("inlineStr", "SEPT2"), ("inlineStr", "1-Mar")]
    assert [row[1] for row in rows[1:]] == [(None, "1e-5"), (None, "0.5"), (None, None)]
    assert rows[1][2] == ("inlineStr", "007")
    assert rows[1][3] == ("inlineStr", "1234567890123456")
    assert rows[2][4] == ("inlineStr", "=cmd()")
    assert rows[3][4] == ("inlineStr", r"a\x01<b>&")


def test_the_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / name, [Sheet("s", ("x",), [("1",)])])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_sheet_names_are_what_the_format_allows() -> None:
    names = sheet_names(["a/b:c", "A/B:C", "x" * 40, "x" * 40, "", "'quoted'"])
    assert len({name.casefold() for name in names}) == len(names)
    assert all(0 < len(name) <= 31 and not re.search(r"[\[\]:*?/\\]", name) for name in names)


def test_tables_too_large_for_a_sheet_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "wide.csv"
    table.write_text("," * 20_000)
    with pytest.raises(ValueError, match="16,384 columns"):
        read_table(table, "wide.csv")
