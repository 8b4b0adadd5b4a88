"""A batch as widgets: its table, how to sort it, and single tasks opened below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import ipywidgets as widgets

from codalab_nb.errors import CodalabError
from codalab_nb.frontends.cli.exits import label, short
from codalab_nb.frontends.cli.notable import notable
from codalab_nb.frontends.cli.text import count
from codalab_nb.frontends.cli.watching import Seen
from codalab_nb.frontends.notebook.batch_scene import METRIC, SORTS, head, metric_names, saved, sorted_by, table
from codalab_nb.frontends.notebook.follow import Events, Follower
from codalab_nb.frontends.notebook.style import STYLE, wrapped
from codalab_nb.frontends.notebook.task_view import TaskView, hears_while_busy
from codalab_nb.frontends.rendering import text
from codalab_nb.model.task import Verdict
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Batch

_ROWS = 1_000  # offered to be opened
_FAILED = (Verdict.FAILED, Verdict.EXPIRED, Verdict.LOST)


class BatchView(widgets.VBox):  # type: ignore[misc]
    """Live while a task is open. `on_saved(html, text)`: what the notebook file should hold now."""

    def __init__(self, site: Site, batch: Batch, on_saved: Callable[[str, str], None] | None = None) -> None:
        self._site, self._batch, self._on_saved = site, batch, on_saved
        self._head, self._table, self._note = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self._sort = widgets.Dropdown(
            options=[(sort, sort) for sort in SORTS],
            description="Sort by",
            layout={"width": "15em"},
            style={"description_width": "initial"},
        )
        self._down = widgets.Checkbox(value=False, description="largest first", indent=False, layout={"width": "9em"})
        self._open = widgets.Dropdown(
            options=[("a task …", "")],  # with None as its value nothing at all would be shown
            description="Open",
            layout={"width": "24em"},
            style={"description_width": "initial"},
        )
        self._cancel = widgets.Button(description="Cancel all", icon="stop", layout={"width": "auto"})
        self._retry = widgets.Button(description="Run failed again", icon="refresh", layout={"width": "auto"})
        self._opened = widgets.VBox()
        self._states: object = None
        controls = widgets.HBox(
            [self._sort, self._down, self._open, self._cancel, self._retry],
            layout={"flex_flow": "row wrap", "align_items": "center", "grid_gap": "0 8px"},
        )
        super().__init__(
            [widgets.HTML(STYLE), self._head, self._table, controls, self._note, self._opened],
        )
        self.add_class("codalab-live")
        self._sort.observe(lambda _: self._redraw(), "value")
        self._down.observe(lambda _: self._redraw(), "value")
        self._open.observe(lambda change: self._show(change["new"]), "value")
        self._cancel.on_click(self._cancel_all)
        self._retry.on_click(self._retry_failed)
        for button in (self._cancel, self._retry):
            hears_while_busy(button)
        self._follower = Follower(site, batch.tasks, self._draw)
        self._told = notable(site, [seen.row for seen in self._follower.watch.seen])
        self._follower.start()

    @property
    def _seen(self) -> list[Seen]:
        return self._follower.watch.seen

    def _draw(self, _: Events, stuck: str) -> None:
        self._redraw(stuck)

    def _redraw(self, stuck: str = "") -> None:
        seen = self._seen
        _put(self._head, wrapped(head(self._batch, seen, stuck)))
        _put(self._table, wrapped(table(sorted_by(seen, self._told, self._sort.value, self._down.value), self._told)))
        states = [(one.state, one.result is not None) for one in seen]
        if states != self._states:
            self._states = states
            self._offer(seen)
            if self._on_saved is not None:
                self._on_saved(*saved(self._batch, seen, self._told))

    def _offer(self, seen: Sequence[Seen]) -> None:
        """What can be done now, and which tasks there are; what a person has chosen stays chosen."""
        self._cancel.disabled = all(one.result is not None for one in seen)
        self._retry.disabled = not any(one.result is not None and one.result.verdict in _FAILED for one in seen)
        # The one that is chosen stays, also when others have become more common.
        chosen = self._sort.value
        names = dict.fromkeys([*metric_names(seen), *([chosen[1:]] if chosen.startswith(METRIC) else [])])
        sorts = (*((sort, sort) for sort in SORTS), *((name, METRIC + name) for name in names))
        if self._sort.options != sorts:
            self._sort.options = sorts
            self._sort.value = chosen
        if len(self._open.options) <= 1:
            named = (
                (f"{label(one.row)} {self._told[one.task.id]} ({short(one.task.id)})", one.task.id) for one in seen
            )
            self._open.options = [("a task …", ""), *islice(named, _ROWS)]

    def _show(self, task: str) -> None:
        for view in self._opened.children:
            view.follower.stop()
        chosen = next((one.task for one in self._seen if one.task.id == task), None)
        self._opened.children = () if chosen is None else (TaskView(self._site, chosen, style=False),)

    def _cancel_all(self, button: widgets.Button) -> None:
        button.disabled = True
        self._say(f"{count(self._batch.cancel(), 'task')} cancelled.")

    def _retry_failed(self, button: widgets.Button) -> None:
        button.disabled = True
        failed = [one.task for one in self._seen if one.result is not None and one.result.verdict in _FAILED]
        try:
            new = self._site.retry(failed)
        except CodalabError as error:
            self._say(str(error), bad=True)
            return
        self._say(f"{count(len(new), 'task')} submitted again, below.")
        again = BatchView(self._site, Batch(self._site, new[0].row.batch or new[0].id, new))
        self.children = (*self.children, again)  # type: ignore[has-type]

    def _say(self, words: str, *, bad: bool = False) -> None:
        _put(self._note, wrapped(f'<p class="{"failed" if bad else "soft"}">{text(words)}</p>'))


def _put(widget: widgets.HTML, html: str) -> None:
    if widget.value != html:
        widget.value = html
