"""How the panel looks, and the one way in which text reaches it: everything from outside is escaped here.

Colours and fonts are JupyterLab's own variables (light, dark and high-contrast themes set them); what stands behind
them is for places without JupyterLab, such as Voilà.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

import ipywidgets as widgets

from codalab_nb.errors import Problem
from codalab_nb.frontends.cli.text import harmless


def safe(text: object) -> str:
    """`text` as HTML that shows exactly this text: markup, control characters and marks that reverse text are inert."""
    return html.escape(harmless(text))


def markup(fragment: str = "", *classes: str) -> widgets.HTML:
    """A widget for HTML of ours, in which `safe` stands around everything that is not.

    MathJax must leave it alone: a column called `$x$` is no formula.
    """
    widget = widgets.HTML(value=_ignored(fragment))
    for name in ("codalab-text", *classes):
        widget.add_class(name)
    return widget


def put(widget: widgets.HTML, fragment: str) -> None:
    """Shows another fragment in a widget of `markup`; an empty one takes no room."""
    widget.value = _ignored(fragment)
    widget.layout.display = None if fragment else "none"


def _ignored(fragment: str) -> str:
    return f'<div class="mathjax_ignore tex2jax_ignore">{fragment}</div>'


def told(problems: Iterable[Problem]) -> str:
    """Problems as a list, each with what to do about it; read out by a screen reader when it appears."""
    lines = [
        f"<li>{safe(problem.message)}{f' <em>{safe(problem.fix)}</em>' if problem.fix else ''}</li>"
        for problem in dict.fromkeys(problems)
    ]
    return f'<div class="codalab-problems" role="alert"><ul>{"".join(lines)}</ul></div>' if lines else ""


def status(text: str) -> str:
    """What is going on, for eyes and screen readers."""
    return f'<div class="codalab-status" role="status">{safe(text)}</div>' if text else ""


def box(children: Iterable[widgets.Widget], *classes: str) -> widgets.VBox:
    made = widgets.VBox(list(children))
    for name in classes:
        made.add_class(name)
    return made


def labelled(control: widgets.Widget) -> widgets.Widget:
    """A control whose label stands above it, in full."""
    control.add_class("codalab-field")
    control.layout.width = "auto"
    return control


class Fold:
    """Something that is shown or folded away. Not `Accordion`: its headings cannot be reached with the keyboard."""

    def __init__(self, title: str, content: widgets.Widget) -> None:
        self.button = widgets.ToggleButton(description=title, icon="chevron-right")
        self.button.add_class("codalab-fold")
        self.button.observe(self._toggled, "value")
        self.content = content
        self.widget = box([self.button, content])
        self._toggled(None)

    @property
    def is_open(self) -> bool:
        return bool(self.button.value)

    def open(self, is_open: bool) -> None:
        self.button.value = is_open

    def _toggled(self, _change: object) -> None:
        self.button.icon = "chevron-down" if self.button.value else "chevron-right"
        self.content.layout.display = None if self.button.value else "none"


def css() -> widgets.HTML:
    return widgets.HTML(f"<style>{CSS}</style>", layout=widgets.Layout(display="none"))


CSS = """
.codalab-panel {
  --cl-text: var(--jp-ui-font-color1, #212121); --cl-soft: var(--jp-ui-font-color2, #616161);
  --cl-line: var(--jp-border-color2, #d0d0d0); --cl-back: var(--jp-layout-color1, #fff);
  --cl-raised: var(--jp-layout-color2, #f5f5f5); --cl-brand: var(--jp-brand-color1, #1976d2);
  --cl-bad: var(--jp-error-color1, #c62828); --cl-odd: var(--jp-warn-color1, #b26a00);
  --cl-good: var(--jp-success-color1, #2e7d32);
  color: var(--cl-text); font-family: var(--jp-ui-font-family, system-ui, sans-serif); font-size: 13px;
  max-width: 1240px; overflow: visible;
}
.codalab-panel .codalab-text, .codalab-panel .codalab-text .widget-html-content { height: auto; line-height: 1.45;
  font-size: 13px; overflow: visible; margin: 0; width: 100%; }
.codalab-panel .codalab-section { border: 1px solid var(--cl-line); border-radius: 6px; padding: 10px 14px 12px;
  margin: 0 0 10px; background: var(--cl-back); overflow: visible; }
.codalab-panel .codalab-card { border-left: 3px solid var(--cl-line); padding: 2px 0 4px 12px; margin: 6px 0;
  overflow: visible; }
.codalab-panel h3 { margin: 0 0 4px; font-size: 15px; font-weight: 600; color: var(--cl-text); }
.codalab-panel h3 .codalab-step { display: inline-block; min-width: 1.6em; color: var(--cl-brand); }
.codalab-panel h4 { margin: 4px 0 2px; font-size: 13px; font-weight: 600; color: var(--cl-text); }
.codalab-panel p { margin: 2px 0; }
.codalab-panel ul { margin: 2px 0; padding-left: 18px; }
.codalab-panel code { overflow-wrap: anywhere; }
.codalab-panel .codalab-soft { color: var(--cl-soft); }
.codalab-panel .codalab-good { color: var(--cl-good); }
.codalab-panel .codalab-badge { display: inline-block; border: 1px solid var(--cl-good); border-radius: 1em;
  padding: 0 .6em; font-size: 12px; line-height: 1.35; font-weight: 600; color: var(--cl-good); }
.codalab-panel .codalab-advice { padding-left: 24px; margin: 2px 0 4px; overflow: visible; }
.codalab-panel summary { cursor: pointer; color: var(--cl-soft); }
.codalab-panel .codalab-odd { border-left: 3px solid var(--cl-odd); padding-left: 8px; margin: 4px 0; }
.codalab-panel .codalab-problems { border-left: 3px solid var(--cl-bad); padding: 2px 0 2px 8px; margin: 4px 0; }
.codalab-panel .codalab-fault { color: var(--cl-bad); }
.codalab-panel .codalab-status { color: var(--cl-soft); font-style: italic; }
.codalab-panel .codalab-columns { display: flex; flex-flow: row wrap; gap: 6px 28px; overflow: visible; }
.codalab-panel .codalab-columns > * { flex: 1 1 300px; min-width: 0; overflow: visible; }
.codalab-panel .codalab-columns > .codalab-wide { flex: 1.7 1 380px; }
.codalab-panel .codalab-columns > .codalab-narrow { flex: 0 1 260px; }
.codalab-panel .codalab-fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr));
  gap: 4px 22px; align-items: start; overflow: visible; }
.codalab-panel .codalab-fields > * { min-width: 0; overflow: visible; margin: 0; }
.codalab-panel .codalab-row { display: flex; flex-flow: row wrap; gap: 6px; align-items: center; overflow: visible; }
.codalab-panel .codalab-list { max-height: 232px; overflow: auto; border: 1px solid var(--cl-line); border-radius: 4px;
  padding: 4px 8px; flex: 0 0 auto; }
.codalab-panel .codalab-list > * { flex: 0 0 auto; }
.codalab-panel .codalab-under { padding-left: 24px; margin-top: -4px; }
.codalab-panel .codalab-off { color: var(--cl-soft); }
.codalab-panel .codalab-off .widget-checkbox { opacity: .65; }
.codalab-panel .codalab-field.widget-inline-hbox { flex-direction: column; align-items: stretch; height: auto;
  margin: 2px 0; overflow: visible; }
.codalab-panel .codalab-field.widget-inline-hbox > .widget-label { width: auto; max-width: none; text-align: left;
  height: auto; line-height: 1.5; white-space: normal; font-weight: 600; flex: none; }
.codalab-panel .codalab-field.widget-inline-hbox > input, .codalab-panel .codalab-field.widget-inline-hbox > select {
  width: 100%; margin: 0; flex: none; height: 28px; }
.codalab-panel .widget-checkbox { height: auto; width: auto; margin: 1px 0; }
.codalab-panel .widget-checkbox .widget-label-basic { display: flex; width: auto; height: auto; white-space: normal;
  line-height: 1.45; align-items: flex-start; color: inherit; }
.codalab-panel .widget-checkbox input { margin: 3px 8px 0 0; flex: none; align-self: flex-start; }
.codalab-panel .codalab-whole { white-space: nowrap; }
.codalab-panel .codalab-methods .widget-checkbox { font-weight: 600; }
.codalab-panel .codalab-flag { margin-top: 22px; }
.codalab-panel .widget-button, .codalab-panel .widget-upload { width: auto; min-width: 110px; padding: 0 14px;
  align-self: flex-start; flex: none; margin: 4px 6px 4px 0; }
.codalab-panel .codalab-go { font-weight: 600; min-width: 200px; height: 36px; line-height: 36px; font-size: 14px; }
.codalab-panel :is(input, select, button):focus-visible { outline: 2px solid var(--cl-brand); outline-offset: 1px; }
.codalab-panel .codalab-table { overflow-x: auto; margin: 2px 0 6px; }
.codalab-panel .codalab-table table { border-collapse: collapse; font-size: 12px; margin: 0; color: inherit; }
.codalab-panel .codalab-table :is(th, td) { border: 1px solid var(--cl-line); padding: 2px 7px; text-align: left;
  max-width: 130px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; background: none; color: inherit; }
.codalab-panel .codalab-table th { background: var(--cl-raised); font-weight: 600; }
.codalab-panel .codalab-table td.codalab-number { text-align: right; font-variant-numeric: tabular-nums; }
.codalab-panel .codalab-fold.widget-toggle-button { background: none; box-shadow: none; color: var(--cl-brand);
  padding: 0; min-width: 0; width: auto; overflow: visible; text-align: left; font-weight: 600; }
.codalab-panel .codalab-fold i { width: 1em; margin-right: 6px; }
"""
