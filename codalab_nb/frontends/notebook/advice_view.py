"""What is recommended for a data set, as safe HTML and as text. Knows no widgets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from codalab_nb.frontends.cli.recommend_view import command, expected, near
from codalab_nb.frontends.cli.systematic_view import question
from codalab_nb.frontends.cli.text import count, duration
from codalab_nb.frontends.notebook.style import STYLE, wrapped
from codalab_nb.frontends.rendering import text
from codalab_nb.systematic.view import Advice, Recommended

BADGE = '<span class="codalab-badge">recommended</span>'
BADGE_STYLE = """<style>.codalab-badge { display: inline-block; border: 1px solid currentColor; border-radius: 1em;
  padding: 0 .6em; font-size: .9em; font-weight: 600; color: var(--jp-success-color0, #1b6e20) }</style>"""


def saved(advice: Advice) -> tuple[str, str]:
    """What is displayed where an Advice is the value of a cell: HTML, and text."""
    return wrapped(STYLE + BADGE_STYLE + body(advice)), as_text(advice)


def body(advice: Advice) -> str:
    """Best first within each kind of question, with why, and the line that runs it."""
    known = f"from results on {count(advice.evidence, 'data set')}" if advice.evidence else "no results are known yet"
    said = [f"<p>What to try on <b>{text(advice.dataset)}</b> ({known}), best first within each kind of question.</p>"]
    if advice.note:
        said.append(f'<p class="note">{text(advice.note)}</p>')
    if not advice.recommended:
        listing = f"%codalab method list --for {advice.dataset}"
        said.append(f"<p>No method fits: <code>{text(listing)}</code> says why.</p>")
    for slug, group in groupby(advice.recommended, key=lambda one: one.question):
        said.append(f"<h4>{text(question(slug))}</h4>{_table(advice.dataset, list(group))}")
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


def _table(dataset: str, group: Sequence[Recommended]) -> str:
    head = {"method": "", "expected": "", "takes": " class=number", "why": "", "to run it": ""}
    rows = [
        {
            "method": text(one.title)
            + (f"<br><span class=soft>{text(one.words)}</span>" if one.words else "")
            + (f"<br>{BADGE}" if one.badge else ""),
            "expected": text(expected(one)),
            "takes": text(duration(one.seconds)),
            "why": text(one.why) + likeness(one),
            "to run it": f"<code>{text(to_type(dataset, one))}</code>",
        }
        for one in group
    ]
    kept = [name for name in head if any(row[name] for row in rows)]
    top = "".join(f"<th{head[name]}>{name}</th>" for name in kept)
    lines = "".join(f"<tr>{''.join(f'<td{head[name]}>{row[name]}</td>' for name in kept)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>'


def to_type(dataset: str, one: Recommended) -> str:
    """The line of a notebook that runs it."""
    return command(dataset, one).replace("codalab-nb ", "%codalab ", 1)
