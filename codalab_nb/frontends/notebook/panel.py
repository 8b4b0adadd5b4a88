"""The panel in a notebook: pick data sets and methods, fill in the settings, Analyze, watch. `codalab_nb.panel()`.

Made of core ipywidgets only, so that it works wherever those do. The sections, from top to bottom:

    panel_data     1 Data       which data sets; add one (panel_add); what is in it, confirmed (panel_details)
    panel_methods  2 Methods    those that fit, and why the others do not
                   3 Settings   a form for each (form), limits
    panel_run      4 Analyze    the batch, live

`panel_state` holds what was chosen and does the work; the sections draw it. Beside them: panel_look (style, and the one
way in which text becomes HTML), panel_words and panel_preview (a data set in words and rows), panel_work (threads).
"""

from __future__ import annotations

import contextlib
import threading

import ipywidgets as widgets

from codalab_nb.errors import CodalabError
from codalab_nb.frontends.notebook.panel_data import DataSection
from codalab_nb.frontends.notebook.panel_look import box, css, markup, told
from codalab_nb.frontends.notebook.panel_methods import MethodSection, SettingsSection
from codalab_nb.frontends.notebook.panel_run import RunSection, View
from codalab_nb.frontends.notebook.panel_state import PanelState
from codalab_nb.frontends.notebook.panel_work import Work
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Batch

STATIC_TEXT = "codalab_nb panel: run this cell again to use it."
STATIC_HTML = (
    "<p><b>codalab_nb panel.</b> It works while its notebook’s kernel runs: run this cell again to use it. "
    "Results of earlier analyses are kept: <code>%codalab status</code> lists them.</p>"
)


class Panel:
    """The panel of one site: `widget` is what is displayed, `batch` what was analyzed last."""

    def __init__(self, site: Site, view: View) -> None:
        self.state = PanelState(site)
        self.work = Work()
        self.data = DataSection(self.state, self.work, self._changed)
        self.methods = MethodSection(self.state, self._changed)
        self.settings = SettingsSection(self.state, self._set)
        self.run = RunSection(self.state, self.work, lambda: self.settings.faults, view)
        sections = [self.data.widget, self.methods.widget, self.settings.widget, self.run.widget]
        self.widget = box([css(), *sections], "codalab-panel")
        self.settings.draw()

    @property
    def batch(self) -> Batch | None:
        return self.run.batches[0] if self.run.batches else None

    def _changed(self) -> None:
        self.methods.draw()
        self.settings.draw()
        self.run.draw()

    def _set(self) -> None:
        self.run.draw()


def panel() -> None:
    """Shows the panel below the cell that runs. Opening it warms a kernel in the background.

    When there can be none, as when the home cannot be written, the reason and what to do are shown instead.
    """
    from codalab_nb.frontends.notebook.display import show_widget, view
    from codalab_nb.frontends.notebook.session import site

    try:
        opened = site()
        shown = Panel(opened, view).widget
    except CodalabError as error:
        shown = refused(error)
    else:
        threading.Thread(target=_serve, args=(opened,), name="codalab-panel-warm", daemon=True).start()
    show_widget(shown, STATIC_HTML, STATIC_TEXT)


def refused(error: CodalabError) -> widgets.Widget:
    """What is wrong, in the panel's place."""
    return box([css(), markup(told(error.problems)), markup("Then run this cell again.")], "codalab-panel")


def _serve(site: Site) -> None:
    with contextlib.suppress(CodalabError):  # told when something is submitted
        site.keep_serving()
