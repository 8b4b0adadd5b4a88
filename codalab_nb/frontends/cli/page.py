"""An executed notebook as one page that stands alone: text and pictures, nothing that runs or asks the network.

Everything the notebook says is escaped; of its outputs only text and PNG pictures are taken. HTML outputs are shown
by the text they come with.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from codalab_nb.frontends.cli.text import shown
from codalab_nb.frontends.cli.watching import output_text

_PNG = b"\x89PNG\r\n\x1a\n"
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1a1a1a; background: #fff }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0; padding: .5rem .7rem;
  font: 13px/1.45 ui-monospace, monospace }
.source { background: #f4f4f2; border-left: 3px solid #bbb }
.error { background: #fdecea; border-left: 3px solid #b3261e }
.words { white-space: pre-wrap; overflow-wrap: anywhere; margin: .8rem 0 }
img { max-width: 100%; height: auto }
th, td { text-align: left; vertical-align: top; padding: .15rem 1rem .15rem 0 }
.number { color: #595959; font-size: .8rem; margin-top: 1rem }
"""


def page(notebook: Mapping[str, Any], title: str, facts: Sequence[tuple[str, str]]) -> str:
    """The page. `facts` stand in a table on top: what ran, on what, how it ended."""
    body = "\n".join(_cells(notebook.get("cells", [])))
    table = "".join(
        f"<tr><th scope='row'>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in facts if value
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width">
<title>{_text(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{_text(title)}</h1>
<table>{table}</table>
{body}
</body>
</html>
"""


def _text(text: object) -> str:
    return escape(shown(str(text)))


def _cells(cells: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for cell in cells:
        source = cell.get("source", "")
        source = source if isinstance(source, str) else "".join(source)
        if cell.get("cell_type") != "code":
            yield f'<div class="words">{_text(source)}</div>'
            continue
        count = cell.get("execution_count")
        yield f'<div class="number">[{count if isinstance(count, int) else " "}]</div>'
        yield f'<pre class="source">{_text(source)}</pre>'
        yield from _outputs(cell.get("outputs", []))


def _outputs(outputs: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for output in outputs:
        picture = _picture(output)
        if picture:
            yield picture
            continue
        text = output_text(output)
        if text is None:
            kinds = ", ".join(sorted(output.get("data", {}))) if isinstance(output.get("data"), dict) else "unknown"
            text = f"[an output of the kind {kinds} is in the notebook only]"
        yield f'<pre class="{"error" if output.get("output_type") == "error" else "output"}">{_text(text)}</pre>'


def _picture(output: Mapping[str, Any]) -> str | None:
    data = output.get("data")
    encoded = data.get("image/png") if isinstance(data, dict) else None
    encoded = "".join(encoded) if isinstance(encoded, list) else encoded
    if not isinstance(encoded, str):
        return None
    try:
        image = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    if not image.startswith(_PNG):
        return None
    description = output_text(output) or "a figure"
    return f'<p><img alt="{_text(description)}" src="data:image/png;base64,{base64.b64encode(image).decode()}"></p>'
