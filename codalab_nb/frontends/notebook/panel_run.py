"""Section 4 of the panel: Analyze, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as widgets

from codalab_nb.errors import Problem
from codalab_nb.frontends.choosing.words import plainly
from codalab_nb.frontends.cli.text import count
from codalab_nb.frontends.notebook.panel_look import box, markup, put, safe, status, told
from codalab_nb.frontends.notebook.panel_state import PanelState
from codalab_nb.frontends.notebook.panel_words import sentence
from codalab_nb.frontends.notebook.panel_work import Work
from codalab_nb.site.tasks import Batch, Task

_LEFT_OUT = 6  # so many are told one by one

View = Callable[[Task | Batch], widgets.Widget]


class RunSection:
    """The button, the problems in place, and below them each batch as a live table, the newest first."""

    def __init__(self, state: PanelState, work: Work, faults: Callable[[], list[str]], view: View) -> None:
        self._state, self._work, self._faults, self._view = state, work, faults, view
        self.batches: list[Batch] = []
        self.words = markup()
        self.button = widgets.Button(description="Analyze", button_style="primary", icon="play")
        self.button.add_class("codalab-go")
        self.button.on_click(lambda _: self.analyze())
        self.told = markup()
        put(self.told, "")
        self.results = box([])
        head = markup("<h3><span class='codalab-step'>4</span>Analyze</h3>")
        self.widget = box([head, self.words, self.button, self.told, self.results], "codalab-section")
        self.draw()

    def draw(self) -> None:
        """What a click would do, in words."""
        work = self._state.work()
        put(self.words, self._said(len(work)))
        self.button.disabled = not work

    def analyze(self) -> None:
        """Submits what is chosen, in a thread. What is wrong is told below the button; nothing is lost."""
        if faults := self._faults():
            self._failed([Problem("settings", fault) for fault in faults])
            return
        self.button.disabled = True
        put(self.told, status("Sending …"))
        if not self._work.start(self._state.analyze, self._done, self._failed):
            self._failed([Problem("busy", "A file is being read.", "Wait for it, then try again.")])

    def _done(self, batch: Batch) -> None:
        put(self.told, "")
        self.batches.insert(0, batch)
        self.results.children = (box([self._view(batch)], "codalab-card"), *self.results.children)
        self.button.disabled = False

    def _failed(self, problems: Sequence[Problem]) -> None:
        put(self.told, told(map(plainly, problems)))
        self.button.disabled = not self._state.work()

    def _said(self, runs: int) -> str:
        if not runs:
            missing = "a data set" if not self._state.chosen else "a method"
            return f"<p class='codalab-soft'>Choose {missing} first.</p>"
        datasets = len({document.name for document, _ in self._state.work()})
        methods = len({method.name for _, method in self._state.work()})
        usual = self._state.usual_time()
        said = f"{count(datasets, 'data set')} × {count(methods, 'method')}: {count(runs, 'run')}"
        said += f", usually {usual} in all." if usual else "."
        lines = [f"<p>{safe(said)}</p>"]
        left_out = self._state.left_out()
        for dataset, method, reason in left_out[:_LEFT_OUT]:
            told_why = f"Left out: {safe(method.title)} on {safe(dataset)}. {sentence(reason)}"
            lines.append(f"<p class='codalab-soft'>{told_why}</p>")
        if len(left_out) > _LEFT_OUT:
            more = f"And {len(left_out) - _LEFT_OUT:,} more left out; the reasons stand under Methods."
            lines.append(f"<p class='codalab-soft'>{more}</p>")
        return "".join(lines)
