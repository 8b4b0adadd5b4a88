"""Section 1 of the panel: which data. A list to choose from, a way to add some, and what is in the one looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as widgets

from codalab_nb.errors import CodalabError, Problem
from codalab_nb.frontends.cli.text import count
from codalab_nb.frontends.notebook.panel_add import AddData
from codalab_nb.frontends.notebook.panel_details import Details
from codalab_nb.frontends.notebook.panel_look import Fold, box, labelled, markup, put, safe, status, told
from codalab_nb.frontends.notebook.panel_state import PanelState
from codalab_nb.frontends.notebook.panel_words import line
from codalab_nb.frontends.notebook.panel_work import Work
from codalab_nb.model.dataset import DatasetDocument

_LISTED = 40  # a check box is a live object; with more data sets one searches


class DataSection:
    """Calls `changed` whenever what is chosen, or what is known of it, is another."""

    def __init__(self, state: PanelState, work: Work, changed: Callable[[], None]) -> None:
        self._state, self._work, self._changed = state, work, changed
        self._drawing = False
        self.search = labelled(widgets.Text(description="Search data sets", placeholder="name, group or column"))
        self.search.observe(lambda _: self.draw(), "value")
        self.boxes: dict[str, widgets.Checkbox] = {}
        self.list = box([], "codalab-list")
        self.more = markup("", "codalab-soft")
        self.example = widgets.Button(
            description="Try with sample data", icon="flask", tooltip="38 leukemia patients, Golub et al. 1999"
        )
        self.example.on_click(lambda _: self._add_example())
        self.again = widgets.Button(description="Refresh", icon="refresh", tooltip="Look for data sets added elsewhere")
        self.again.on_click(lambda _: self.refresh())
        self.told = markup()
        put(self.told, "")
        self.add = AddData(state, work, self._added)
        self.adding = Fold("Add a data set", self.add.widget)
        self.adding.button.observe(lambda _: self.add.look(), "value")
        self.which = labelled(widgets.Dropdown(description="Look at"))
        self.which.observe(self._look_at, "value")
        self.details = Details(state, work, self._revised)
        buttons = box([self.example, self.again], "codalab-row")
        left = box([self.search, self.list, self.more, buttons, self.told])
        right = box([self.which, self.details.widget], "codalab-wide")
        head = markup("<h3><span class='codalab-step'>1</span>Data</h3>")
        parts = [head, box([left, right], "codalab-columns"), self.details.preview, self.adding.widget]
        self.widget = box(parts, "codalab-section")
        self.adding.open(not state.documents)
        self.draw()

    def draw(self) -> None:
        """Shows the state as it is now."""
        found = self._state.found(self.search.value)
        self._drawing = True
        try:
            for document in found[:_LISTED]:
                self._draw_box(document)
            self.list.children = [self.boxes[document.name] for document in found[:_LISTED]]
            self.list.layout.display = None if found else "none"
            self.search.layout.display = None if self._state.documents else "none"
            put(self.more, safe(self._words(len(found))))
            self.example.button_style = "" if self._state.documents else "primary"
            chosen = self._state.chosen
            self.which.options = tuple(chosen)
            self.which.value = self._state.looked_at if self._state.looked_at in chosen else None
            self.which.layout.display = None if len(chosen) > 1 else "none"
        finally:
            self._drawing = False
        self.details.draw(self._state.documents.get(self._state.looked_at or ""))

    def refresh(self) -> None:
        put(self.told, "")
        try:
            self._state.refresh()
        except CodalabError as error:
            self._failed(error.problems)
            return
        self.add.look()
        self.draw()
        self._changed()

    def _draw_box(self, document: DatasetDocument) -> None:
        name = document.name
        if name not in self.boxes:
            made = widgets.Checkbox(indent=False)
            made.observe(lambda change, name=name: self._choose(name, change["new"]), "value")
            self.boxes[name] = made
        self.boxes[name].description = f"{name}: {line(document.profile)}"
        self.boxes[name].value = name in self._state.chosen

    def _words(self, found: int) -> str:
        if not self._state.documents:
            return "There is no data set yet. Add your table below, or try with sample data: 38 leukemia patients."
        if not found:
            return "No data set has these words. Clear the search to see all."
        if found > _LISTED:
            return f"{count(found - _LISTED, 'more data set')} not shown: search for them."
        return "" if self._state.chosen else "Tick one or more data sets."

    def _choose(self, name: str, chosen: bool) -> None:
        if not self._drawing:
            self._state.choose(name, chosen)
            self.draw()
            self._changed()

    def _look_at(self, change: dict[str, object]) -> None:
        if not self._drawing and change["new"]:
            self._state.looked_at = str(change["new"])
            self.draw()

    def _add_example(self) -> None:
        put(self.told, status("Reading the sample data …"))
        self.example.disabled = True
        if not self._work.start(self._state.add_example, self._added, self._failed):
            self._failed([Problem("busy", "Something else is being read.", "Wait for it, then try again.")])

    def _added(self, _document: DatasetDocument) -> None:
        self.example.disabled = False
        put(self.told, "")
        self.adding.open(False)
        self.search.value = ""
        self.draw()
        self._changed()

    def _failed(self, problems: Sequence[Problem]) -> None:
        self.example.disabled = False
        put(self.told, told(problems))

    def _revised(self) -> None:
        self.draw()
        self._changed()
