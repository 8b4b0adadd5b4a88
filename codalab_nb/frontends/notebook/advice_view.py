"""What is recommended for a data set, as safe HTML and as text. Knows no widgets."""

from __future__ import annotations

from itertools import groupby

from codalab_nb.frontends.cli.recommend_view import command, expected, near
from codalab_nb.frontends.cli.systematic_view import question
from codalab_nb.frontends.cli.text import count, duration
from codalab_nb.frontends.notebook.style import STYLE, wrapped
from codalab_nb.frontends.rendering import text
from codalab_nb.systematic.view import Advice, Recommended

BADGE = '<span class="codalab-badge">recommended</span>'
# Two classes: JupyterLab's own rules for tables in outputs (cells to the right, rows in turn grey) would win otherwise.
_STYLE = """<style>
.codalab .codalab-advice table :is(tr, td, th) { text-align: left; background: transparent }
.codalab .codalab-advice table .number { text-align: right }
.codalab .codalab-advice table .question { padding-top: .8em; font-size: 1.05em; font-weight: 600 }
.codalab-badge { display: inline-block; border: 1px solid currentColor; border-radius: 1em;
  padding: 0 .6em; font-size: .9em; font-weight: 600; color: var(--jp-success-color0, #1b6e20) }</style>"""
_COLUMNS = (("method", ""), ("expected", ""), ("takes", ' class="number"'), ("why", ""), ("to run it", ""))


def saved(advice: Advice) -> tuple[str, str]:
    """What is displayed where an Advice is the value of a cell: HTML, and text."""
    return wrapped(STYLE + _STYLE + body(advice)), as_text(advice)


def body(advice: Advice) -> str:
    """Best first within each kind of question, with why, and the line that runs it."""
    known = f"from results on {count(advice.evidence, 'data set')}" if advice.evidence else "no results are known yet"
    said = [f"<p>What to try on <b>{text(advice.dataset)}</b> ({known}), best first within each kind of question.</p>"]
    if advice.note:
        said.append(f'<p class="note">{text(advice.note)}</p>')
    if not advice.recommended:
        listing = f"%codalab method list --for {advice.dataset}"
        said.append(f"<p>No method fits: <code>{text(listing)}</code> says why.</p>")
    else:
        said.append(_table(advice))
    return "".join(said)


def as_text(advice: Advice) -> str:
    lines = [f"What to try on {advice.dataset}:"]
    for slug, group in groupby(advice.recommended, key=lambda one: one.question):
        lines += [f"{question(slug)}: {'; '.join(map(_named, group))}"]
    return "\n".join([*lines, *([advice.note] if advice.note else [])])


def _named(one: Recommended) -> str:
    settings = f" ({one.words})" if one.words else ""
    return f"{one.title}{settings}"


def likeness(one: Recommended) -> str:
    """The data sets that speak for it, to be unfolded; "" without any."""
    lines = "".join(f"<li>{text(near(other))}</li>" for other in one.near)
    return f"<details><summary>On the most similar data sets</summary><ul>{lines}</ul></details>" if lines else ""


def _table(advice: Advice) -> str:
    rows = [(one.question, _cells(advice.dataset, one)) for one in advice.recommended]
    kept = [(name, right) for name, right in _COLUMNS if any(row[name] for _, row in rows)]
    top = "".join(f"<th{right}>{name}</th>" for name, right in kept)
    lines = ""
    for slug, group in groupby(rows, key=lambda pair: pair[0]):
        lines += f'<tr><th class="question" colspan="{len(kept)}" scope="colgroup">{text(question(slug))}</th></tr>'
        for _, row in group:
            lines += f"<tr>{''.join(f'<td{right}>{row[name]}</td>' for name, right in kept)}</tr>"
    return f'<div class="wide codalab-advice"><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>'


def _cells(dataset: str, one: Recommended) -> dict[str, str]:
    settings = f'<br><span class="soft">{text(one.words)}</span>' if one.words else ""
    return {
        "method": f"{text(one.title)}{settings}{f'<br>{BADGE}' if one.badge else ''}",
        "expected": text(expected(one)),
        "takes": text(duration(one.seconds)),
        "why": text(one.why) + likeness(one),
        "to run it": f"<code>{text(to_type(dataset, one))}</code>",
    }


def to_type(dataset: str, one: Recommended) -> str:
    """The line of a notebook that runs it."""
    return command(dataset, one).replace("codalab-nb ", "%codalab ", 1)
