"""What is recommended, in the panel: looked up in a thread, so that nobody waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import ipywidgets as widgets

from codalab_nb.frontends.notebook.advice_view import BADGE, likeness
from codalab_nb.frontends.notebook.panel_look import box, markup, put, safe
from codalab_nb.frontends.notebook.panel_state import PanelState
from codalab_nb.frontends.notebook.panel_work import problems_of
from codalab_nb.systematic.view import Advice, Recommended


class Advisor:
    """Asks what is recommended for the chosen data sets whenever they are others; the newest question wins."""

    def __init__(self, state: PanelState, changed: Callable[[], None]) -> None:
        self._state, self._changed = state, changed
        self._lock = threading.Lock()
        self._asked: tuple[int, list[str]] | None = None  # the newest question
        self._next: list[str] | None = None  # not begun yet
        self._thread: threading.Thread | None = None
        self.told = markup("", "codalab-soft")
        put(self.told, "")

    def look(self) -> None:
        """Returns at once; `changed` is called, in a thread, when there is an answer."""
        with self._lock:
            wanted = self._state.versions()
            if (self._state.looks, wanted) == self._asked:
                return
            self._asked, self._next = (self._state.looks, wanted), wanted
            if self._thread is None and wanted:
                self._thread = threading.Thread(target=self._answer, name="codalab-panel-advice", daemon=True)
                self._thread.start()

    def wait(self, timeout_s: float = 60) -> None:
        """Returns when everything is answered. For programs and tests. Raises TimeoutError."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
            if thread.is_alive():
                raise TimeoutError(f"no answer after {timeout_s:g} s")

    def _answer(self) -> None:
        while True:
            with self._lock:
                wanted, self._next = self._next, None
                if wanted is None:
                    self._thread = None
                    return
            try:
                self._take(wanted, self._state.known_advice(wanted))
            except Exception as error:  # noqa: BLE001 (without advice the panel works as well)
                put(self.told, safe(f"Nothing is recommended: {problems_of(error)[0].message}"))

    def _take(self, wanted: list[str], found: dict[str, Advice]) -> None:
        if wanted == self._state.versions():
            put(self.told, "<br>".join(dict.fromkeys(safe(one.note) for one in found.values() if one.note)))
            self._state.take_advice(found)
            self._changed()


class AdviceBox:
    """Of one method: the badge, why, and a button that takes its settings over. Takes no room without advice."""

    def __init__(self, use: Callable[[str, Recommended], None]) -> None:
        self._use = use
        self.buttons: list[widgets.Button] = []
        self._drawn: object = None
        self.widget = box([], "codalab-advice")
        self.widget.layout.display = "none"

    def draw(self, found: list[tuple[str, Recommended, bool]], *, several: bool) -> None:
        """`found`: data set, what is recommended for it, whether its settings are chosen already. `several`: data sets
        are chosen, so each must be named."""
        if (found, several) == self._drawn:
            return
        self._drawn = (found, several)
        self.buttons = []
        parts: list[widgets.Widget] = []
        for dataset, one, chosen in found:
            parts.append(markup(_why(dataset if several else "", one)))
            if one.parameters:
                name = f"Use these settings for {dataset}" if several else "Use these settings"
                button = widgets.Button(
                    description="These settings are chosen" if chosen else name,
                    icon="check" if chosen else "arrow-down",
                    disabled=chosen,
                    tooltip=one.words,
                )
                button.on_click(lambda _, dataset=dataset, one=one: self._use(dataset, one))
                self.buttons.append(button)
                parts.append(button)
        self.widget.children = parts
        self.widget.layout.display = None if parts else "none"


def _why(dataset: str, one: Recommended) -> str:
    where = f" for {safe(dataset)}" if dataset else ""
    settings = f" with {safe(one.words)}" if one.words else ""
    return f"{BADGE}{where}{settings}. {safe(one.why)}{likeness(one)}"
