"""An executed notebook as one page that stands alone: text and pictures, nothing that runs or asks the network.

Everything the notebook says is escaped; of its outputs only text, Markdown (our own small part of it), tables of
pandas (the text of their cells) and PNG pictures are taken. Other HTML is shown by the text it comes with. Words and
results come first; code is folded away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from codalab_nb.frontends.cli import markdown
from codalab_nb.frontends.cli.text import shown
from codalab_nb.frontends.rendering import output_html
from codalab_nb.frontends.rendering import text as _text

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --text: #1f2328; --soft: #59636e; --line: #d1d9e0; --back: #fff; --code: #f6f8fa;
  --mark: #0969da; --bad: #b3261e; --bad-back: #fdecea }
@media screen and (prefers-color-scheme: dark) { :root { --text: #e6edf3; --soft: #9aa4af; --line: #3d444d;
  --back: #14181d;
  --code: #1d232b; --mark: #6cb0ff; --bad: #ff8a80; --bad-back: #3a1d1b } }
* { box-sizing: border-box }
body { font: 1.0625rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
  max-width: 48rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; color: var(--text); background: var(--back);
  overflow-wrap: break-word }
h1, h2, h3, h4, h5, h6 { line-height: 1.25; margin: 2rem 0 .6rem; text-wrap: balance }
h1 { font-size: 1.75rem; margin-top: 0; padding-bottom: .5rem; border-bottom: 1px solid var(--line) }
h2 { font-size: 1.45rem } h3 { font-size: 1.2rem } h4, h5, h6 { font-size: 1rem }
p, ul, ol, blockquote { margin: .6rem 0 } ul, ol { padding-left: 1.5rem } li { margin: .2rem 0 }
blockquote { padding-left: 1rem; border-left: 3px solid var(--line); color: var(--soft) }
hr { border: 0; border-top: 1px solid var(--line); margin: 1.5rem 0 }
pre, code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace }
pre { font-size: .8125rem; line-height: 1.5; margin: .6rem 0; white-space: pre-wrap; overflow-wrap: anywhere }
pre.source, pre.fenced, pre.error { padding: .7rem .9rem; border-radius: 6px; background: var(--code) }
pre.output { white-space: pre; overflow-x: auto }
pre.error { background: var(--bad-back); border-left: 3px solid var(--bad) }
code { font-size: .9em; background: var(--code); padding: .1em .3em; border-radius: 4px }
.url, .note, summary { color: var(--soft) } .url { overflow-wrap: anywhere } .note { font-style: italic }
summary { font-size: .85rem; cursor: pointer; width: fit-content } summary:hover { color: var(--mark) }
details { margin: .4rem 0 1rem }
figure { margin: 1.2rem 0; text-align: center }
img { max-width: 100%; height: auto; background: #fff; border-radius: 6px }
table { border-collapse: collapse; font-size: .9rem } .wide { overflow-x: auto }
th, td { text-align: left; vertical-align: top; padding: .25rem 1.25rem .25rem 0 }
.facts th { font-weight: 500; color: var(--soft); white-space: nowrap }
.facts td { overflow-wrap: anywhere; font-variant-numeric: tabular-nums }
.data { font-size: .85rem } .data th, .data td { border-bottom: 1px solid var(--line) }
.data th { font-weight: 600; overflow-wrap: normal } .data thead th { vertical-align: bottom }
.data td { min-width: 4rem } .data td:not(.number) { min-width: 7rem }
.data .number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
@media print { body { max-width: none; padding: 0; font-size: 10.5pt; color: #000; background: #fff }
  details:not([open]) { display: none } figure, pre, tr { break-inside: avoid }
  h1, h2, h3, h4 { break-after: avoid } pre.output { white-space: pre-wrap }
  .wide { overflow: visible } .data { font-size: 8pt } .data td { min-width: 0 } }
"""


def page(
    notebook: Mapping[str, Any],
    title: str,
    facts: Sequence[tuple[str, str]],
    more: Sequence[tuple[str, str]] = (),
) -> str:
    """The page. `facts` stand in a table on top: what ran, on what, how it ended; `more` is folded away below them."""
    folded = f"<details><summary>Details</summary>{_facts(more)}</details>" if any(value for _, value in more) else ""
    body = "\n".join(_cells(notebook.get("cells", [])))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_text(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{_text(title)}</h1>
{_facts(facts)}
{folded}
{body}
</body>
</html>
"""


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    rows = "".join(
        f"<tr><th scope='row'>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in facts if value
    )
    return f'<table class="facts">{rows}</table>'


def _cells(cells: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for cell in cells:
        source = cell.get("source", "")
        source = source if isinstance(source, str) else "".join(source)
        if cell.get("cell_type") == "markdown":
            yield markdown.to_html(shown(source))
            continue
        if cell.get("cell_type") != "code":
            yield f'<pre class="fenced">{_text(source)}</pre>'
            continue
        outputs = cell.get("outputs", [])
        yield from filter(None, (output_html(output, frames=False) for output in outputs))
        if source.strip():
            count = cell.get("execution_count")
            number = f" [{count}]" if isinstance(count, int) else ""
            failed = any(output.get("output_type") == "error" for output in outputs)
            yield f"<details{' open' if failed else ''}><summary>Code{number}</summary>"
            yield f'<pre class="source">{_text(source)}</pre></details>'
