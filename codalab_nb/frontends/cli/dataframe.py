"""The words of a table that pandas wrote as HTML: no tag of it goes on, only the text of its cells. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

_LONGEST = 2_000_000  # characters of HTML that are read
_ROWS = 2_000


@dataclass
class Table:
    caption: str = ""  # the words before the table
    rows: list[list[tuple[str, bool]]] = field(default_factory=list)  # cells: text, and whether it is a heading
    heads: int = 0  # so many rows of `rows` are the head


def read(text: str) -> Table | None:
    """None for what is not one plain table: then the text that comes with it says more."""
    if len(text) > _LONGEST or text.count("<table") != 1 or 'class="dataframe"' not in text:
        return None
    reader = _Reader()
    reader.feed(text)
    reader.close()
    table = reader.table
    if reader.odd or not table.rows or len({len(row) for row in table.rows}) != 1 or len(table.rows) > _ROWS:
        return None
    return table


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.table = Table()
        self.odd = False
        self._cell: list[str] | None = None
        self._in_table = self._in_head = False
        self._skipped = ""  # a tag whose text is not for people

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag in ("style", "script"):
            self._skipped = tag
        elif tag == "table":
            self._in_table = True
        elif tag == "thead":
            self._in_head = True
        elif tag == "tr" and self._in_table:
            self.table.rows.append([])
            self.table.heads += self._in_head
        elif tag in ("th", "td") and self.table.rows:
            self.odd = self.odd or any(name in ("colspan", "rowspan") and value != "1" for name, value in attrs)
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag == self._skipped:
            self._skipped = ""
        elif tag == "thead":
            self._in_head = False
        elif tag == "table":
            self._in_table = False
        elif tag in ("th", "td") and self._cell is not None:
            self.table.rows[-1].append(("".join(self._cell).strip(), tag == "th"))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._skipped:
            return
        if self._cell is not None:
            self._cell.append(data)
        elif not self._in_table and not self.table.rows:
            self.table.caption = f"{self.table.caption} {data.strip()}".strip()
