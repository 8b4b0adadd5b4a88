"""The matrix of systematic analysis as safe HTML: data sets × methods with scores, gaps, and why. Knows no widgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import groupby

from codalab_nb.frontends.cli.exits import short
from codalab_nb.frontends.cli.systematic_view import WORDS, counts, question, score
from codalab_nb.frontends.cli.text import count, duration
from codalab_nb.frontends.notebook.style import STYLE, wrapped
from codalab_nb.frontends.rendering import text
from codalab_nb.systematic.view import Cell, CellState, Column, Matrix

_REASONS = 200  # told one by one
_DATASETS = 6  # named behind one reason
_NOT_TRIED = (CellState.PLANNED, CellState.OVER_BUDGET, CellState.NOT_ASKED)  # for a reason that many cells share

# The class twice, and `table`: JupyterLab's own rules for tables in outputs would win otherwise.
MATRIX_STYLE = """<style>
.codalab-matrix { overflow: auto; max-height: 34em; margin: 4px 0 }
.codalab-matrix.codalab-matrix table { border-collapse: separate; border-spacing: 0; font-size: 12px; margin: 0;
  color: inherit }
.codalab-matrix.codalab-matrix table :is(th, td) { border: 0; border-right: 1px solid var(--jp-border-color2, #d0d0d0);
  border-bottom: 1px solid var(--jp-border-color2, #d0d0d0); padding: 3px 8px; vertical-align: top;
  background: var(--jp-layout-color1, #fff); color: inherit; text-align: left; font-weight: 400; white-space: normal }
.codalab-matrix.codalab-matrix table thead th { background: var(--jp-layout-color2, #f5f5f5); min-width: 84px;
  max-width: 150px }
.codalab-matrix.codalab-matrix table thead .codalab-question { font-weight: 600; max-width: none }
.codalab-matrix.codalab-matrix table :is(thead .codalab-question, .codalab-first) { border-left: 1px solid
  var(--jp-border-color1, #9e9e9e) }
.codalab-matrix.codalab-matrix table :is(tbody th, .codalab-corner) { position: sticky; left: 0; z-index: 1;
  font-weight: 600; white-space: nowrap; max-width: 220px; overflow: hidden; text-overflow: ellipsis }
.codalab-matrix.codalab-matrix table .codalab-words { display: block; font-weight: 400;
  color: var(--jp-ui-font-color2, #616161) }
.codalab-matrix.codalab-matrix table td { white-space: nowrap }
.codalab-matrix.codalab-matrix table td.done { text-align: right; font-variant-numeric: tabular-nums }
.codalab-matrix.codalab-matrix table td.best { font-weight: 600; color: var(--jp-success-color0, #1b6e20) }
.codalab-matrix.codalab-matrix table td.failed { color: var(--jp-error-color1, #c62828) }
.codalab-matrix.codalab-matrix table td.running { color: var(--jp-brand-color1, #1565c0) }
.codalab-matrix.codalab-matrix table td:is(.queued, .planned, .over_budget, .unfit, .not_asked) {
  color: var(--jp-ui-font-color2, #616161) }
.codalab-matrix.codalab-matrix table td:is(.unfit, .not_asked) { background: var(--jp-layout-color2, #f5f5f5) }
</style>"""


def saved(matrix: Matrix) -> tuple[str, str]:
    """What is displayed where a Matrix is the value of a cell: HTML, and text."""
    return wrapped(STYLE + MATRIX_STYLE + body(matrix)), as_text(matrix)


def as_text(matrix: Matrix) -> str:
    told = counts(matrix.counts) or "nothing yet"
    return f"{count(matrix.total, 'data set')} × {count(len(matrix.columns), 'method and settings')}: {told}"


def body(matrix: Matrix, spoken: Callable[[str], str] = str) -> str:
    """The table under its kinds of question, and below it the reasons of all that has no result. `spoken`: a reason in
    the words of the page."""
    if not matrix.columns or not matrix.rows:
        missing = "data set" if matrix.columns else "method that a rule asks for, or that ran"
        return f"<p>There is no {missing} yet.</p>"
    order = _order(matrix.columns)
    rows = "".join(
        f'<tr><th scope="row" title="{text(row.dataset)}">{text(row.dataset)}</th>'
        + "".join(_cell(row.cells[place], spoken, first=first) for place, first in order)
        + "</tr>"
        for row in matrix.rows
    )
    table = f"<table><thead>{_head(matrix.columns, order)}</thead><tbody>{rows}</tbody></table>"
    more = f" The first {len(matrix.rows):,} data sets are shown." if len(matrix.rows) < matrix.total else ""
    told = f"<p>{text(counts(matrix.counts))}.{more}</p>" if matrix.counts else ""
    legend = (
        '<p class="soft codalab-soft">A number is a score: more is better, but only within one kind of question. '
        "★ is the best of its row.</p>"
    )
    return f'{told}<div class="codalab-matrix" tabindex="0">{table}</div>{legend}{reasons(matrix, spoken)}'


def reasons(matrix: Matrix, spoken: Callable[[str], str]) -> str:
    """Why cells have no score, as a list to unfold; each reason once, with its methods and data sets."""
    found: dict[tuple[str, str], list[str]] = {}
    waiting: Counter[str] = Counter()
    for row in matrix.rows:
        for column, cell in zip(matrix.columns, row.cells, strict=True):
            told = f"{WORDS[cell.state]}. {spoken(cell.reason)}"
            if not cell.reason:
                continue
            if cell.state in _NOT_TRIED:
                waiting[told] += 1
                continue
            # Whether a method fits does not hang on its settings.
            of = column.title if cell.state is CellState.UNFIT else name(column)
            failed = cell.state is CellState.FAILED and cell.task is not None
            where = f"{row.dataset} (%codalab status {short(cell.task or '')})" if failed else row.dataset
            found.setdefault((of, told), []).append(where)
    lines = [f"<li>{count(n, 'cell')}: {text(told)}</li>" for told, n in waiting.items()] + [
        f"<li><b>{text(of)}</b> on {_some(list(dict.fromkeys(where)))}: {text(told)}</li>"
        for (of, told), where in found.items()
    ]
    if not lines:
        return ""
    if len(lines) > _REASONS:
        lines[_REASONS:] = ["<li>… <code>%codalab systematic status --why DATASET</code> has all.</li>"]
    return f"<details><summary>Why cells have no score</summary><ul>{''.join(lines)}</ul></details>"


def name(column: Column) -> str:
    """The method with its settings, in one line."""
    return f"{column.title} ({column.words})" if column.words else column.title


def _some(where: list[str]) -> str:
    more = f" and {len(where) - _DATASETS:,} more" if len(where) > _DATASETS else ""
    return ", ".join(map(text, where[:_DATASETS])) + more


def _order(columns: Iterable[Column]) -> list[tuple[int, bool]]:
    """Places of the columns, those of one question side by side (those that answer none last), and where one begins."""
    places = sorted(enumerate(columns), key=lambda pair: (not pair[1].question, pair[1].question))
    groups = groupby(places, key=lambda pair: pair[1].question)
    return [(place, n == 0) for _, group in groups for n, (place, _) in enumerate(group)]


def _head(columns: tuple[Column, ...], order: list[tuple[int, bool]]) -> str:
    sorted_ = [(columns[place], first) for place, first in order]
    top = ""
    for slug, group in groupby(sorted_, key=lambda pair: pair[0].question):
        of = [column for column, _ in group]
        measures = "; ".join(dict.fromkeys(column.measure for column in of if column.measure))
        told = f'<span class="codalab-words">{text(measures)}</span>' if measures else ""
        top += f'<th class="codalab-question" colspan="{len(of)}" scope="colgroup">{text(question(slug))}{told}</th>'
    names = "".join(
        f'<th scope="col"{" class=codalab-first" if first else ""}>{text(column.title)}'
        + (f'<span class="codalab-words">{text(column.words)}</span>' if column.words else "")
        + "</th>"
        for column, first in sorted_
    )
    return f'<tr><th class="codalab-corner" rowspan="2">Data set</th>{top}</tr><tr>{names}</tr>'


def _cell(cell: Cell, spoken: Callable[[str], str], *, first: bool) -> str:
    names = [cell.state.value, *(["best"] if cell.best else []), *(["codalab-first"] if first else [])]
    if cell.state is CellState.DONE:
        shown = ("★ " if cell.best else "") + (score(cell.score) or "done")
        told = f"{duration(cell.seconds)}. {spoken(cell.reason)}".strip(". ")
    else:
        shown, told = WORDS[cell.state], spoken(cell.reason)
    title = f' title="{text(told)}"' if told else ""
    return f'<td class="{" ".join(names)}"{title}>{text(shown)}</td>'
