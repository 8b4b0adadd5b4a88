"""The last part of the panel, folded away: what systematic analysis has found, data sets × methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import ipywidgets as widgets

from codalab_nb.errors import CodalabError, Problem
from codalab_nb.frontends.choosing.words import plain, plainly
from codalab_nb.frontends.cli.systematic_view import WORDS, score
from codalab_nb.frontends.notebook.matrix_view import MATRIX_STYLE, body, name
from codalab_nb.frontends.notebook.panel_look import Fold, box, labelled, markup, put, safe, status, told
from codalab_nb.frontends.notebook.panel_work import Work
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task
from codalab_nb.systematic.view import Cell, CellState, Matrix, Status

_ROWS = 100
_RESULTS = 1_000  # offered to be opened
_NOBODY = ""  # with None as its value a menu shows nothing at all


class MatrixSection:
    """Read when it is unfolded, and again on a click; a result is opened below the table."""

    def __init__(self, site: Site, view: Callable[[Task], widgets.Widget]) -> None:
        self._site, self._view = site, view
        self.work = Work()
        self.words = markup()
        self.table = markup()
        self.told = markup()
        self.again = widgets.Button(description="Look again", icon="refresh")
        self.again.on_click(lambda _: self.look())
        self.open = labelled(widgets.Dropdown(description="Open a result", options=[("— choose —", _NOBODY)]))
        self.open.observe(lambda change: self._show(change["new"]), "value")
        self.opened = box([])
        for one in (self.words, self.table, self.told):
            put(one, "")
        self.open.layout.display = "none"
        parts = [self.words, self.table, self.again, self.open, self.told, self.opened]
        self.fold = Fold("Systematic analysis: all data sets and methods", box(parts))
        self.fold.button.observe(lambda change: self.look() if change["new"] else None, "value")
        self.widget = box([self.fold.widget], "codalab-section")

    def look(self) -> None:
        put(self.told, status("Looking …"))
        self.again.disabled = True
        if not self.work.start(self._read, self._done, self._failed):
            self.again.disabled = False

    def _read(self) -> tuple[Status, Matrix]:
        from codalab_nb.systematic import control  # in the thread: it brings numpy along

        return control.status(self._site), control.matrix(self._site, limit=_ROWS)

    def _done(self, found: tuple[Status, Matrix]) -> None:
        now, matrix = found
        put(self.words, _words(now))
        put(self.table, MATRIX_STYLE + body(matrix, plain))
        named = [("— choose —", _NOBODY), *islice(_results(matrix), _RESULTS)]
        if self.open.options != tuple(named):
            self.open.options = named
            self.open.value = _NOBODY
        self.open.layout.display = None if len(named) > 1 else "none"
        put(self.told, "")
        self.again.disabled = False

    def _failed(self, problems: Sequence[Problem]) -> None:
        put(self.told, told(map(plainly, problems)))
        self.again.disabled = False

    def _show(self, task: str) -> None:
        shown: list[widgets.Widget] = []
        put(self.told, "")
        if task != _NOBODY:
            try:
                shown = [box([self._view(self._site.task(task))], "codalab-card")]
            except CodalabError as error:  # its score outlives a result that was removed
                put(self.told, told(map(plainly, error.problems)))
        self.opened.children = shown


def _words(now: Status) -> str:
    switch = "stop" if now.on else "start"
    said = f"Systematic analysis is <b>{'on' if now.on else 'off'}</b>. {safe(now.doing)}"
    return f"<p>{said} <span class='codalab-soft'>Switch: <code>%codalab systematic {switch}</code></span></p>"


def _results(matrix: Matrix) -> Iterator[tuple[str, str]]:
    for row in matrix.rows:
        for column, cell in zip(matrix.columns, row.cells, strict=True):
            if cell.task is not None and cell.state in (CellState.DONE, CellState.FAILED):
                yield f"{row.dataset}: {name(column)}, {_outcome(cell)}", cell.task


def _outcome(cell: Cell) -> str:
    return score(cell.score) or WORDS[cell.state]
