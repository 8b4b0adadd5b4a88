"""Sections 2 and 3 of the panel: which methods, and how they are to be run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import ipywidgets as widgets

from codalab_nb.frontends.choosing.directions import meaning
from codalab_nb.frontends.choosing.fits import Fit
from codalab_nb.frontends.choosing.words import roughly
from codalab_nb.frontends.cli.text import duration
from codalab_nb.frontends.notebook.form import Form
from codalab_nb.frontends.notebook.panel_advice import AdviceBox, Advisor
from codalab_nb.frontends.notebook.panel_look import Fold, box, labelled, markup, put, safe
from codalab_nb.frontends.notebook.panel_state import Advanced, PanelState
from codalab_nb.frontends.notebook.panel_words import sentence
from codalab_nb.model.base import Json
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.method import Method
from codalab_nb.settings import parse_duration, parse_size
from codalab_nb.systematic.view import Recommended


class MethodRow:
    """A method to tick, what it does or why it does not fit, and what is recommended of it."""

    def __init__(self, chosen: Callable[[bool], None], use: Callable[[str, Recommended], None]) -> None:
        self.tick, self.words, self.advice = widgets.Checkbox(indent=False), markup("", "codalab-under"), AdviceBox(use)
        self.tick.observe(lambda change: chosen(change["new"]), "value")
        self.widget = box([self.tick, self.words, self.advice.widget])


class MethodSection:
    """A row for each method: recommended ones first, then the others that fit; the rest greyed, with the reason.

    `used`: settings that are recommended were taken over. `advised`, in a thread: what is recommended is another.
    """

    def __init__(
        self,
        state: PanelState,
        changed: Callable[[], None],
        used: Callable[[str], None],
        advised: Callable[[], None],
    ) -> None:
        self._state, self._changed, self._used = state, changed, used
        self._drawing = False
        self._lock = threading.RLock()  # what is recommended is drawn in a thread: a click meanwhile must not be lost
        self.rows: dict[str, MethodRow] = {}
        self.told = markup("", "codalab-soft")
        self.advisor = Advisor(state, advised)
        self.list = box([], "codalab-methods")
        head = markup("<h3><span class='codalab-step'>2</span>Methods</h3>")
        self.widget = box([head, self.told, self.advisor.told, self.list], "codalab-section")
        self.draw()

    @property
    def boxes(self) -> dict[str, widgets.Checkbox]:
        return {name: row.tick for name, row in self.rows.items()}

    def draw(self) -> None:
        with self._lock:
            fits = self._state.fits()
            self._drawing = True
            try:
                for fit in fits:
                    self._draw_row(fit)
                self.list.children = [self.rows[fit.method.name].widget for fit in fits]
            finally:
                self._drawing = False
        put(self.told, "" if fits else "Choose a data set; then the methods that fit it are listed here.")
        self.advisor.look()

    def _draw_row(self, fit: Fit) -> None:
        name = fit.method.name
        if name not in self.rows:
            self.rows[name] = MethodRow(
                lambda chosen: self._choose(name, chosen), lambda dataset, one: self._use(dataset, one)
            )
        row = self.rows[name]
        row.tick.description, row.tick.tooltip = fit.method.title, fit.method.question
        row.tick.disabled = not fit.anywhere
        row.tick.value = name in self._state.methods
        row.widget.remove_class("codalab-off")
        if not fit.anywhere:
            row.widget.add_class("codalab-off")
        put(row.words, _told(fit))
        found = self._state.recommended(name) if fit.anywhere else []
        row.advice.draw(
            [(dataset, one, self._state.uses(dataset, one)) for dataset, one in found], several=len(fit.told) > 1
        )

    def _use(self, dataset: str, one: Recommended) -> None:
        self._state.use(dataset, one)
        self._used(one.method)

    def _choose(self, name: str, chosen: bool) -> None:
        with self._lock:
            if self._drawing:
                return
            self._state.choose_method(name, chosen)
        self._changed()


def _told(fit: Fit) -> str:
    """What the method does and how long it takes; where it does not fit, only why: that list is long enough."""
    usual = fit.method.usual_seconds
    time = f" <span class='codalab-soft codalab-whole'>Usually {safe(roughly(usual))}.</span>" if usual else ""
    told = [f"{safe(fit.method.sentence)}{time}"] if fit.anywhere else []
    reasons: dict[str, list[str]] = {}
    for dataset, (fits, reason) in fit.told.items():
        if not fits:
            reasons.setdefault(reason, []).append(dataset)
    for reason, datasets in reasons.items():
        where = f"Not for {safe(' and '.join(datasets))}: " if len(fit.told) > 1 else ""
        told.append(f"<span class='codalab-soft'>{where}{sentence(reason)}</span>")
    return "<br>".join(told)


class SettingsSection:
    """A form for each chosen method, and the limits under “Advanced”."""

    def __init__(self, state: PanelState, changed: Callable[[], None]) -> None:
        self._state, self._changed = state, changed
        self.forms: dict[tuple[str, str | None], Form] = {}  # (method, data set, or None for all of them)
        self._cards: dict[tuple[str, ...], widgets.VBox] = {}
        self._titles: dict[str, str] = {}
        self.told = markup("Choose a method; then its settings appear here.", "codalab-soft")
        self.list = box([])
        self.advanced = AdvancedBox(state, changed)
        head = markup("<h3><span class='codalab-step'>3</span>Settings</h3>")
        self.widget = box([head, self.told, self.list, self.advanced.widget], "codalab-section")
        self.draw()

    @property
    def faults(self) -> list[str]:
        """What stands in a field and is no value, as `Method: Setting: what is wanted`."""
        found = []
        for (method, dataset), form in self.forms.items():
            where = f"{self._titles[method]} on {dataset}" if dataset else self._titles[method]
            found += [f"{where}, “{form.title(name)}”: {fault}" for name, fault in form.faults.items()]
        return found + self.advanced.faults

    def draw(self) -> None:
        """Shows a form for each chosen method. A form is made anew only when its data sets are others."""
        work = self._state.work()
        methods = {method.name: method for _, method in work}
        before, self._cards = self._cards, {}
        forms, self.forms = self.forms, {}
        for name, method in methods.items():
            key = (name, *(document.reference for document in self._state.datasets_of(method)))
            if key in before:
                self._cards[key] = before[key]
                self.forms |= {one: form for one, form in forms.items() if one[0] == name}
            else:
                self._cards[key] = self._card(method)
        self._titles = {name: method.title for name, method in methods.items()}
        self.list.children = list(self._cards.values())
        self.told.layout.display = "none" if work else None
        self.advanced.widget.layout.display = None if work else "none"

    def taken_over(self, method: str) -> None:
        """Shows what somebody else set for a method."""
        for (name, _), form in self.forms.items():
            if name == method:
                form.taken_over()

    def _card(self, method: Method) -> widgets.VBox:
        documents = self._state.datasets_of(method)
        shared = self._state.shared(method)
        parts: list[widgets.Widget] = [markup(f"<h4>{safe(method.title)}</h4>")]
        if not method.parameters:
            parts.append(markup("Nothing to set.", "codalab-soft"))
        if len(documents) == 1:
            parts.append(self._form(method, documents[0], shared, documents[0].name).widget)
            return box(parts, "codalab-card")
        if shared:
            parts.append(self._form(method, documents[0], shared, None).widget)
        own = [name for name in method.parameters if name not in shared]
        for document in documents if own else []:
            parts.append(markup(f"On <b>{safe(document.name)}</b>"))
            parts.append(self._form(method, document, own, document.name).widget)
        return box(parts, "codalab-card")

    def _form(self, method: Method, document: DatasetDocument, names: list[str], dataset: str | None) -> Form:
        form = Form(
            names,
            lambda given: self._state.schema(method, document, given),
            self._state.given(method.name, dataset),
            remark=lambda form, name: _reference_words(method, document, form, name),
            on_change=self._changed,
        )
        self.forms[method.name, dataset] = form
        return form


def _reference_words(method: Method, document: DatasetDocument, form: Form, name: str) -> tuple[str, str]:
    """For a reference level: what `up` means, and, where it is only proposed, the question whether that is right."""
    if method.parameters[name].default_from != "reference":
        return "", ""
    found = meaning(method, document.profile, name, form.value, form.given)
    if found is None:
        return "", ""
    arrow, proposed = found
    if name in form.given:
        return "", f"Yes: {arrow}"
    if not proposed:
        return f"{arrow[0].upper()}{arrow[1:]}.", ""
    return f"{form.value(name)} is only proposed. Is this right?", f"Yes: {arrow}"


class AdvancedBox:
    """Time limit, memory, network."""

    def __init__(self, state: PanelState, changed: Callable[[], None]) -> None:
        self._state, self._changed = state, changed
        settings = state.site.settings
        self.timeout = labelled(
            widgets.Text(description="Time limit", placeholder=duration(settings.timeout), continuous_update=True)
        )
        memory = f"{settings.memory / (1 << 30):g} GB"
        self.memory = labelled(widgets.Text(description="Memory limit", placeholder=memory, continuous_update=True))
        self.network = widgets.Checkbox(description="May use the network", indent=False)
        self.told = {"timeout": markup("", "codalab-fault"), "memory": markup("", "codalab-fault")}
        for control in (self.timeout, self.memory, self.network):
            control.observe(self._typed, "value")
        fields = box(
            [
                box(
                    [
                        self.timeout,
                        markup("As 90s, 15m or 2h; empty: the usual one", "codalab-soft"),
                        self.told["timeout"],
                    ]
                ),
                box([self.memory, markup("As 500M or 8G; empty: the usual one", "codalab-soft"), self.told["memory"]]),
                box([self.network, markup("Only for methods that load something while they run", "codalab-soft")]),
            ],
            "codalab-fields",
        )
        self.fold = Fold("Advanced: limits and network", fields)
        self.widget = self.fold.widget
        self.faults: list[str] = []
        self._judge()

    def _typed(self, _change: object) -> None:
        self._state.advanced = Advanced(self.timeout.value, self.memory.value, self.network.value)
        self._judge()
        self._changed()

    def _judge(self) -> None:
        self.faults = []
        readers: Mapping[str, tuple[widgets.Text, Callable[[object], Json]]] = {
            "timeout": (self.timeout, parse_duration),
            "memory": (self.memory, parse_size),
        }
        for name, (control, read) in readers.items():
            fault = ""
            if text := control.value.strip():
                try:
                    read(text)
                except ValueError as error:
                    fault = f"{error}."
                    self.faults.append(f"{control.description}: {fault}")
            put(self.told[name], f'<span role="alert">{safe(fault)}</span>' if fault else "")
