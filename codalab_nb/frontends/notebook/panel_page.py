"""The whole panel: its sections, and who tells whom that something changed."""

from __future__ import annotations

import ipywidgets as widgets

from codalab_nb.errors import CodalabError
from codalab_nb.frontends.notebook.panel_data import DataSection
from codalab_nb.frontends.notebook.panel_look import box, css, markup, told
from codalab_nb.frontends.notebook.panel_matrix import MatrixSection
from codalab_nb.frontends.notebook.panel_methods import MethodSection, SettingsSection
from codalab_nb.frontends.notebook.panel_run import RunSection, View
from codalab_nb.frontends.notebook.panel_state import PanelState
from codalab_nb.frontends.notebook.panel_work import Work
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Batch


class Panel:
    """The panel of one site: `widget` is what is displayed, `batch` what was analyzed last."""

    def __init__(self, site: Site, view: View) -> None:
        self.state = PanelState(site)
        self.work = Work()
        self.data = DataSection(self.state, self.work, self._chosen)
        self.methods = MethodSection(self.state, self._chosen, self._used, self._advised)
        self.settings = SettingsSection(self.state, self._set)
        self.run = RunSection(self.state, self.work, lambda: self.settings.faults, view)
        self.matrix = MatrixSection(site, view)
        sections = [part.widget for part in (self.data, self.methods, self.settings, self.run, self.matrix)]
        self.widget = box([css(), *sections], "codalab-panel")

    @property
    def batch(self) -> Batch | None:
        return self.run.batches[0] if self.run.batches else None

    def _chosen(self) -> None:
        self.methods.draw()
        self.settings.draw()
        self.run.draw()

    def _advised(self) -> None:
        """In a thread: nothing may be drawn here in which a person may be typing."""
        self.data.details.draw_advice()
        self.methods.draw()

    def _used(self, method: str) -> None:
        self.settings.draw()
        self.settings.taken_over(method)
        self._chosen()

    def _set(self) -> None:
        self.methods.draw()  # whether the settings are those that are recommended
        self.run.draw()


def refused(error: CodalabError) -> widgets.Widget:
    """What is wrong, in the panel's place."""
    return box([css(), markup(told(error.problems)), markup("Then run this cell again.")], "codalab-panel")
