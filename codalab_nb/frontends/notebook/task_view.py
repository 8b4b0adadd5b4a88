"""A task as widgets: head, buttons, the cells with their outputs as they come, how it ended. Core ipywidgets only."""

from __future__ import annotations

import builtins
import contextlib
import keyword
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from codalab_nb.errors import CodalabError
from codalab_nb.frontends.cli.exits import short
from codalab_nb.frontends.cli.text import one_line
from codalab_nb.frontends.notebook import session
from codalab_nb.frontends.notebook.follow import Events, Follower
from codalab_nb.frontends.notebook.scene import Scene
from codalab_nb.frontends.notebook.style import STYLE, wrapped
from codalab_nb.frontends.rendering import text
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Task

_TABLES = (".csv", ".tsv")
_MOST_BUTTONS = 6


class TaskView(widgets.VBox):  # type: ignore[misc]
    """Live while the task is. `on_saved(html, text)` is called when what the notebook file should hold has changed."""

    def __init__(
        self,
        site: Site,
        task: Task,
        on_saved: Callable[[str, str], None] | None = None,
        *,
        style: bool = True,
        as_cell: bool = False,
    ) -> None:
        self._site, self._task = site, task
        self._on_saved = on_saved
        self._head = widgets.HTML()
        self._buttons = widgets.HBox(layout={"flex_flow": "row wrap"})
        self._note = widgets.HTML()
        self._answer, self._leftovers = widgets.HTML(), widgets.HTML()
        self._cells = widgets.VBox()
        self._trusted = widgets.VBox()
        self._drawn: dict[int, CellBox] = {}
        self._state: object = None
        super().__init__(
            [
                *([widgets.HTML(STYLE)] if style else []),
                self._head,
                self._buttons,
                self._note,
                self._answer,
                self._cells,
                self._trusted,
                self._leftovers,
            ]
        )
        self.add_class("codalab-live")
        self.follower = Follower(site, [task], self._draw, self._stopped)
        self.scene = Scene(site, self.follower.watch.seen[0], as_cell=as_cell)
        self.follower.start()

    # --- drawing

    def _draw(self, events: Events, stuck: str) -> None:
        for _, event in events:
            self.scene.take(event)
        self._redraw(stuck)

    def _redraw(self, stuck: str = "") -> None:
        _put(self._head, wrapped(self.scene.head(stuck)))
        changed = self.scene.changed()
        shown = self.scene.cells
        for index in changed:
            if index in shown:
                self._drawn.setdefault(index, CellBox(framed=not self.scene.is_cell)).draw(self.scene.pieces(index))
        order = tuple(self._drawn[index] for index in shown if index in self._drawn)
        if order != self._cells.children:
            self._cells.children = order
        seen = self.scene.seen
        state = (seen.state, seen.result is not None)
        if state != self._state:
            self._state = state
            _put(self._answer, wrapped(self.scene.answer()))
            _put(self._leftovers, wrapped(self.scene.leftovers()))
            self._buttons.children = self._wanted_buttons()
            self._save()

    def _stopped(self, words: str) -> None:
        """The thread that draws could not go on; the task does."""
        again = f"%codalab status {short(self._task.id)}"
        self.tell(f"This display stopped ({words}); the task goes on: {again}", bad=True)
        if self._on_saved is not None:
            html = wrapped(
                f"<p>The display of task {text(short(self._task.id))} stopped: <code>{text(again)}</code></p>"
            )
            self._on_saved(html, again)

    def _save(self) -> None:
        if self._on_saved is not None:
            self._on_saved(self.scene.saved_html(), self.scene.saved_text())

    def tell(self, words: str, *, bad: bool = False) -> None:
        kind = "failed" if bad else "soft"
        _put(self._note, wrapped(f'<p class="{kind}">{text(words)}</p>'))

    # --- buttons

    def _wanted_buttons(self) -> tuple[widgets.Widget, ...]:
        if self.scene.seen.result is None:
            return (self._button("Cancel", "stop", self._cancel, "End this task now"),)
        buttons = []
        if not self.scene.is_cell:  # such a cell is run again by running it again
            buttons.append(self._button("Run again", "refresh", self._retry, "The same task once more, as a new one"))
        tables = [name for name in self.scene.files() if name.endswith(_TABLES)]
        for name in tables[:_MOST_BUTTONS]:
            words = f"Bring {one_line(Path(name).stem)} into this notebook"
            told = f"Reads {one_line(name)} into a DataFrame"
            buttons.append(self._button(words, "table", partial(self._bring, name), told))
        if self.scene.interactive:
            words = "Trust this result: show its interactive outputs"
            told = "Their scripts run in your session, with your rights"
            buttons.append(self._button(words, "unlock", self._trust, told))
        return tuple(buttons)

    def _button(self, words: str, icon: str, act: Callable[[Any], None], told: str) -> widgets.Button:
        button = widgets.Button(description=words, icon=icon, tooltip=told, layout={"width": "auto"})
        button.on_click(self._guarded(act))
        hears_while_busy(button)
        return button

    def _guarded(self, act: Callable[[Any], None]) -> Callable[[Any], None]:
        """What goes wrong behind a button is told beside it: nobody sees what a callback raises."""

        def guarded(button: Any) -> None:
            try:
                act(button)
            except CodalabError as error:
                self.tell(str(error), bad=True)
            except (OSError, ValueError) as error:
                self.tell(f"That did not work: {error}", bad=True)

        return guarded

    def _cancel(self, button: widgets.Button) -> None:
        button.disabled = True
        won = self._task.cancel()
        self.tell("Cancelled." if won else "It had ended already.")

    def _retry(self, button: widgets.Button) -> None:
        button.disabled = True
        again = self._site.retry([self._task])[0]
        self.tell(f"Runs again as task {short(again.id)}, below.")
        # The new display stands inside this one: an output that is there is the only place a button can draw on.
        view = TaskView(self._site, again, style=False)
        self.children = (*self.children, view)  # type: ignore[has-type]

    def _bring(self, name: str, _: Any) -> None:
        frame = self._task.dataframe(name)
        shell = session.shell()
        variable = free_name(Path(name).stem, shell.user_ns)
        shell.push({variable: frame})
        rows, columns = frame.shape
        self.tell(
            f"{variable} is now a DataFrame, {rows:,} rows × {columns:,} columns. In a script: "
            f"from codalab_nb import Site; {variable} = Site.open().task({short(self._task.id)!r}).dataframe({name!r})"
        )

    def _trust(self, button: widgets.Button) -> None:
        button.disabled = True
        shown = []
        for output in self.scene.interactive:
            area = widgets.Output()
            area.outputs = ({key: value for key, value in output.items() if key != "transient"},)
            shown.append(area)
        self._trusted.children = tuple(shown)
        self.tell("Shown below, because you trusted it; the saved notebook does not hold it.")


class CellBox(widgets.VBox):  # type: ignore[misc]
    """A cell with its outputs, a widget for each: only what changed is sent to the page."""

    def __init__(self, *, framed: bool) -> None:
        super().__init__()
        self._pieces: dict[object, widgets.HTML] = {}
        if framed:
            self.add_class("codalab-cells")

    def draw(self, pieces: list[tuple[object, str]]) -> None:
        known = self._pieces
        self._pieces = {key: known.get(key) or widgets.HTML() for key, _ in pieces}
        for key, html in pieces:
            _put(self._pieces[key], wrapped(html))
        order = tuple(self._pieces.values())
        if order != self.children:  # type: ignore[has-type]
            self.children = order


def hears_while_busy(button: widgets.Button) -> None:
    """Lets a click be heard while a cell runs, where the front end has subshells (JupyterLab, Notebook 7).

    ipykernel 7 sends a comm message to the loop that last published on the comm, which is the busy main one, in place
    of the subshell that the front end asks for (`Comm._reply_subshell_for`). Elsewhere the click waits, as ever.
    """
    if hasattr(button.comm, "_reply_subshell_for"):
        button.comm._reply_subshell_for = lambda _data, asked_for: asked_for


def free_name(stem: str, taken: Any) -> str:
    """A variable name made from a file's, which overwrites nothing: `genes`, or `genes_2` where that is taken."""
    name = re.sub(r"\W", "_", stem, flags=re.ASCII).strip("_").lower() or "table"
    name = f"table_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name
    number, found = 1, name
    while found in taken or hasattr(builtins, found):
        number += 1
        found = f"{name}_{number}"
    return found


def _put(widget: widgets.HTML, html: str) -> None:
    """Sends nothing when nothing changed; what is empty takes no room."""
    if widget.value != html:
        with contextlib.suppress(OSError):  # the front end has gone
            widget.value = html
            widget.layout.display = None if html else "none"
