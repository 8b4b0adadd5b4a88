"""An output of a notebook as HTML that is safe in a trusted page: what a worker sent is text, a picture, or walled off.

The allow-list: text, streams, tracebacks, PNG, JPEG and GIF (by their first bytes), JSON, LaTeX as its source; our own
small part of Markdown and tables of pandas, both taken apart and written anew (no tag or attribute of theirs goes on).
Any other HTML and SVG stands in a frame without scripts, without an origin and without the network. What needs a script
(Plotly, Altair, widgets) is shown by its picture where it has one, else by a sentence that says why.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from html import escape
from typing import Any

from codalab_nb.frontends import framed
from codalab_nb.frontends.cli import dataframe, markdown
from codalab_nb.frontends.cli.text import shown
from codalab_nb.frontends.cli.watching import markdown_of, output_text
from codalab_nb.report import REPORT_TYPE

_PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8"}
_NUMBER = re.compile(r"[-+−]?[\d,]{1,30}(\.\d{0,30})?(e[-+]?\d{1,4})?%?|NaN|-?inf", re.IGNORECASE)
_WIDEST = 4_000  # pixels of a picture that are believed
_LONGEST_JSON = 20_000
_INTERACTIVE = re.compile(r"application/(vnd\.|javascript|x-)\S*")
_NAMES = {"plotly": "Plotly", "vega": "Altair", "widget": "widget", "bokeh": "Bokeh", "holoviews": "HoloViews"}


def text(words: object) -> str:
    """Words as HTML text; control characters are spelled out, so that nothing hides or turns round."""
    return escape(shown(str(words)))


def output_html(output: Mapping[str, Any], *, frames: bool) -> str:
    """One output in the notebook format. With `frames`, other HTML is shown in a frame, else by its text."""
    if (picture := _picture(output)) is not None:
        return picture
    if (words := markdown_of(output)) is not None:
        return markdown.to_html(shown(words))
    if (table := _table(output)) is not None:
        return table
    data = output.get("data")
    data = data if isinstance(data, Mapping) else {}
    if (kind := interactive(output)) is not None:
        return _placeholder(kind, output)
    if frames and (source := _joined(data.get("text/html"))) is not None:
        return framed.html(source)
    if frames and (source := _joined(data.get("image/svg+xml"))) is not None:
        return framed.svg(source)
    if "application/json" in data:
        told = json.dumps(data["application/json"], indent=1, ensure_ascii=False, default=str)[:_LONGEST_JSON]
        return f'<pre class="output">{text(told)}</pre>'
    words = output_text(output)
    if words is None:
        words = _joined(data.get("text/latex"))
    if words is None:
        kinds = ", ".join(sorted(map(str, data))) or "unknown"
        return f'<p class="note">An output of the kind {text(kinds)} is in the notebook only.</p>'
    if not words.strip():
        return ""
    return f'<pre class="{"error" if output.get("output_type") == "error" else "output"}">{text(words)}</pre>'


def interactive(output: Mapping[str, Any]) -> str | None:
    """The kind of an output that needs a script to be shown and comes without a picture: `Plotly`, `Altair`, …"""
    data = output.get("data")
    if not isinstance(data, Mapping) or _picture(output) is not None or markdown_of(output) is not None:
        return None
    kind = next((str(kind) for kind in data if _INTERACTIVE.fullmatch(str(kind)) and kind != REPORT_TYPE), None)
    if kind is None:
        source = _joined(data.get("text/html")) or ""
        return "script" if "<script" in source.lower() and _table(output) is None else None
    return next((name for part, name in _NAMES.items() if part in kind), "script" if "javascript" in kind else kind)


def _placeholder(kind: str, output: Mapping[str, Any]) -> str:
    what = "A script" if kind == "script" else f"An interactive output ({text(kind)})"
    words = output_text(output)
    told = f'<pre class="output">{text(words)}</pre>' if words and words.strip() else ""
    return (
        f'<p class="note">{what} is not run here: it came from a worker and could act in your name. '
        f"It is in the executed notebook.</p>{told}"
    )


def _joined(value: object) -> str | None:
    if isinstance(value, list):
        return "".join(map(str, value))
    return value if isinstance(value, str) else None


def _table(output: Mapping[str, Any]) -> str | None:
    """A table of pandas as one of ours: as text it is too wide to be read."""
    data = output.get("data")
    source = _joined(data.get("text/html")) if isinstance(data, Mapping) else None
    table = dataframe.read(source) if source is not None else None
    if table is None:
        return None
    body_rows = table.rows[table.heads :]
    numeric = [all(_NUMBER.fullmatch(row[i][0]) for row in body_rows) for i in range(len(table.rows[0]))]
    rows = []
    for cells in table.rows:
        kinds = ["th" if is_head else "td" for _, is_head in cells]
        marks = [' class="number"' if is_number and body_rows else "" for is_number in numeric]
        rows.append(
            "".join(
                f"<{kind}{mark}>{text(cell)}</{kind}>"
                for kind, mark, (cell, _) in zip(kinds, marks, cells, strict=True)
            )
        )
    head, body = ("".join(f"<tr>{row}</tr>\n" for row in part) for part in (rows[: table.heads], rows[table.heads :]))
    caption = f"<p>{text(table.caption)}</p>" if table.caption else ""
    return f'{caption}<div class="wide"><table class="data"><thead>{head}</thead><tbody>{body}</tbody></table></div>'


def _picture(output: Mapping[str, Any]) -> str | None:
    data = output.get("data")
    if not isinstance(data, Mapping):
        return None
    for kind, start in _PICTURES.items():
        image = _decoded(_joined(data.get(kind)))
        if image is not None and image.startswith(start):
            return _figure(kind, image, output)
    return None


def _decoded(encoded: str | None) -> bytes | None:
    if encoded is None:
        return None
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _figure(kind: str, image: bytes, output: Mapping[str, Any]) -> str:
    metadata = output.get("metadata")
    told = metadata.get(kind) if isinstance(metadata, Mapping) else None
    told = told if isinstance(told, Mapping) else {}
    words, width = told.get("alt"), told.get("width")
    plain = output_text(output) or ""
    description = words if isinstance(words, str) and words else "" if plain.startswith("<") else plain
    sized = f' width="{width}"' if type(width) is int and 0 < width <= _WIDEST else ""
    source = f"data:{kind};base64,{base64.b64encode(image).decode()}"
    return f'<figure><img alt="{text(description or "a figure")}"{sized} src="{source}"></figure>'
