"""Tasks and batches where a value is displayed: widgets while the kernel lives, and plain HTML and text in the file.

A widget that is saved in a notebook reads "model not found" the next day. So there are two outputs: the first is plain
HTML, which is kept up to date and is what the file holds; the second is the widget. A style sheet in the first hides it
while the widget lives, and hides the complaint once the widget is gone. No state of widgets is ever saved.
"""

from __future__ import annotations

import uuid

import ipywidgets as widgets
from IPython.display import publish_display_data

from codalab_nb.frontends.notebook.batch_view import BatchView
from codalab_nb.frontends.notebook.task_view import TaskView
from codalab_nb.site.tasks import Batch, Task

WIDGET_TYPE = "application/vnd.jupyter.widget-view+json"
# What stands right behind the plain output is the widget, or what the front end says in its place (one rule each: a
# browser that does not know a selector drops its whole rule).
_SWITCH = """<style>
.jp-OutputArea-child:has(.codalab-static):has(+ .jp-OutputArea-child .codalab-live) { display: none }
.jp-OutputArea-child:has(.codalab-static) + .jp-OutputArea-child:not(:has(.codalab-live)) { display: none }
</style>"""


class Static:
    """The plain output beside a widget: `put` replaces it, from any thread."""

    def __init__(self) -> None:
        self._transient = {"display_id": uuid.uuid4().hex}
        self._there = False
        self._last = ""

    def put(self, html: str, text: str) -> None:
        body = f'<div class="codalab-static">{_SWITCH}{html}</div>'
        if body == self._last:
            return
        self._last = body
        data = {"text/html": body, "text/plain": text}
        publish_display_data(data, transient=self._transient, update=self._there)
        self._there = True


def view(value: Task | Batch) -> widgets.Widget:
    """A live widget of a task or batch, to be placed anywhere."""
    return BatchView(value.site, value) if isinstance(value, Batch) else TaskView(value.site, value)


def show(value: Task | Batch, *, as_cell: bool = False) -> TaskView | BatchView:
    """Displays a task or batch below the cell that runs; returns at once. `as_cell`: it is one of `%%codalab`."""
    static = Static()
    shown: TaskView | BatchView
    if isinstance(value, Batch):
        shown = BatchView(value.site, value, static.put)
    else:
        shown = TaskView(value.site, value, static.put, as_cell=as_cell)
    _publish(shown)
    return shown


def show_widget(widget: widgets.Widget, html: str, text: str) -> Static:
    """Displays any widget with what stands in its place when the kernel is gone; `html` must be safe."""
    static = Static()
    static.put(html, text)
    widget.add_class("codalab-live")
    _publish(widget)
    return static


def _publish(widget: widgets.Widget) -> None:
    # The empty text is what a notebook that is not trusted shows.
    data = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    publish_display_data({WIDGET_TYPE: data, "text/plain": ""})
