"""The panel in a notebook: pick data sets and methods, fill in the settings, Analyze, watch. `codalab_nb.panel()`.

Made of core ipywidgets only, so that it works wherever those do. From top to bottom:

    panel_page     the whole
    panel_data     1 Data       which data sets; add one (panel_add); what is in it, confirmed (panel_details)
    panel_methods  2 Methods    those that fit, and why the others do not
                   3 Settings   a form for each (form), limits
    panel_advice                what is recommended, and why
    panel_run      4 Analyze    the batch, live
    panel_matrix                what systematic analysis has found

`panel_state` holds what was chosen and does the work; the sections draw it. Beside them: panel_look (style, and the one
way in which text becomes HTML), panel_words (a data set in words), panel_work (threads); what is
not of this page only lies in frontends/choosing.
"""

from __future__ import annotations

import contextlib
import threading

from codalab_nb.errors import CodalabError, InputError
from codalab_nb.frontends.notebook import session
from codalab_nb.site.site import Site

STATIC_TEXT = "codalab_nb panel: run this cell again to use it."
STATIC_HTML = (
    "<p><b>codalab_nb panel.</b> It works while its notebook’s kernel runs: run this cell again to use it. "
    "Results of earlier analyses are kept: <code>%codalab status</code> lists them.</p>"
)


def panel() -> None:
    """Shows the panel below the cell that runs. Opening it warms a kernel in the background.

    When the site cannot be opened, as when the home cannot be written, the reason and what to do are shown instead.
    Raises InputError (no_widgets) where nothing can be clicked: in a terminal, or without ipywidgets.
    """
    if not session.has_widgets():
        raise InputError(
            "no_widgets",
            "The panel needs a notebook with ipywidgets.",
            "In JupyterLab or Notebook: pip install 'codalab-nb[lab]', then restart the kernel. In a terminal use "
            "`codalab-nb analyze`.",
        )
    from codalab_nb.frontends.notebook import load
    from codalab_nb.frontends.notebook.display import show_widget, view
    from codalab_nb.frontends.notebook.panel_page import Panel, refused

    load(session.shell())  # its words name `%codalab`, which then exists
    try:
        site = session.site()
        shown = Panel(site, view).widget
    except CodalabError as error:
        shown = refused(error)
    else:
        threading.Thread(target=_serve, args=(site,), name="codalab-panel-warm", daemon=True).start()
    show_widget(shown, STATIC_HTML, STATIC_TEXT)


def _serve(site: Site) -> None:
    with contextlib.suppress(CodalabError):  # told when something is submitted
        site.keep_serving()
