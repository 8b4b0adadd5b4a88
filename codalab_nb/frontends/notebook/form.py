"""A form made from the JSON Schema of a method's parameters: one labelled control for each, checked as one types.

Nothing is lost and nothing is corrected behind one's back: text that is no number stays in its field, with a sentence
that says what is wanted. When a value changes, the schema is asked for again, so that the groups to choose from follow
the column that was chosen.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence

import ipywidgets as widgets

from codalab_nb.frontends.choosing.typed import NotYet, read, spelled
from codalab_nb.frontends.notebook.panel_look import box, labelled, markup, put, safe
from codalab_nb.model.base import Json, JsonObject

_MANY = 60  # so many choices are searched by typing instead of unrolled
_UNCHOSEN = object()  # `None` would show an empty menu


class Field:
    """One parameter: its control, the help below it, and what is wrong with it."""

    def __init__(self, name: str, changed: Callable[[Field], None]) -> None:
        self.name = name
        self._changed = changed
        self._quiet = False
        self._kind = ""
        self.control: widgets.Widget = widgets.Text()
        self.help = markup("", "codalab-soft")
        self.fault = markup("", "codalab-fault")
        self.note = markup()
        self.confirm = widgets.Checkbox(indent=False)
        self.box = box([self.control, self.help, self.fault, self.note, self.confirm])

    def show(self, schema: JsonObject, value: Json) -> None:
        """Shows `value` (None: nothing is chosen) and its choices; does not count as a change by a person."""
        kind = _kind(schema)
        with self._without_telling():
            if kind != self._kind:
                self._make(kind, schema)
            if kind == "choice":
                self._offer(schema, value)
            elif kind == "flag":
                self.control.value = bool(value)
            else:
                if kind == "many":
                    self.control.options = tuple(map(str, schema["enum"]))
                if not self._means(schema, value):
                    self.control.value = "" if value is None else spelled(value)

    @property
    def is_typed(self) -> bool:
        """Whether its text is typed letter by letter, and may be no value yet."""
        return self._kind in ("text", "many")

    @property
    def is_quiet(self) -> bool:
        return self._quiet

    def value(self, schema: JsonObject) -> Json:
        """What the control holds now. Raises NotYet."""
        if not self.is_typed:
            if self.control.value is _UNCHOSEN:
                raise NotYet("Choose one.")
            held: Json = self.control.value
            return held
        value = read(schema, self.control.value)
        if self._kind == "many" and value not in schema["enum"]:
            raise NotYet("Choose one of the list: type a few letters of its name.")
        return value

    def _means(self, schema: JsonObject, value: Json) -> bool:
        try:
            return read(schema, self.control.value) == value
        except NotYet:
            return False

    def _make(self, kind: str, schema: JsonObject) -> None:
        title = schema.get("title", self.name)
        if kind == "choice":
            control = labelled(widgets.Dropdown(description=title))
        elif kind == "many":
            control = labelled(
                widgets.Combobox(description=title, placeholder="type to search", continuous_update=True)
            )
        elif kind == "flag":
            control = widgets.Checkbox(description=title, indent=False)
            control.add_class("codalab-flag")
        else:
            control = labelled(widgets.Text(description=title, continuous_update=True))
        control.tooltip = schema.get("description", "")
        control.observe(self._tell, "value")
        self.control, self._kind = control, kind
        put(self.help, safe(schema.get("description", "")))
        self.box.children = (control, *self.box.children[1:])

    def _offer(self, schema: JsonObject, value: Json) -> None:
        options = [("— none —" if choice == "" else str(choice), choice) for choice in schema["enum"]]
        if value is None:
            options.insert(0, ("— choose —", _UNCHOSEN))
        if self.control.options != tuple(options):
            self.control.options = tuple(options)
        self.control.value = _UNCHOSEN if value is None else value

    def _tell(self, _change: object) -> None:
        if not self._quiet:
            self._changed(self)

    @contextlib.contextmanager
    def _without_telling(self) -> Iterator[None]:
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def ask(self, question: str, answer: bool) -> None:
        """A box to tick, as for a reference level that is only proposed; an empty question takes it away."""
        with self._without_telling():
            self.confirm.description = question
            self.confirm.value = answer
            self.confirm.layout.display = None if question else "none"


def _kind(schema: JsonObject) -> str:
    if "enum" in schema:
        return "many" if len(schema["enum"]) > _MANY and schema["type"] == "string" else "choice"
    return "flag" if schema["type"] == "boolean" else "text"


Remarks = Callable[["Form", str], tuple[str, str]]


class Form:
    """Controls for the parameters `names`.

    schema_of: the schema for the values chosen so far, as `parameter_schema` makes it.
    given: the values a person has chosen, changed in place; what is not in it keeps its default.
    remark: for a parameter, a sentence below it, and a question to tick (both may be empty). Ticked means: the value
        shown is what the person wants, so it becomes `given`.
    """

    def __init__(
        self,
        names: Sequence[str],
        schema_of: Callable[[Mapping[str, Json]], JsonObject],
        given: MutableMapping[str, Json],
        *,
        remark: Remarks | None = None,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        self.given = given
        self.faults: dict[str, str] = {}  # parameter → what is wrong with what stands in its field
        self.fields = {name: Field(name, self._changed) for name in names}
        self._schema_of, self._remark = schema_of, remark
        self._on_change = on_change or (lambda: None)
        self._typing: set[str] = set()  # fields whose text is no value (yet): they are left as they are
        self.schema: JsonObject = {}
        for field in self.fields.values():
            field.confirm.observe(lambda change, field=field: self._ticked(field, change["new"]), "value")
        self.widget = box([field.box for field in self.fields.values()], "codalab-fields")
        self.refresh()

    def value(self, name: str) -> Json:
        """The value in force: chosen, else the default; None if there is none. Any parameter of the schema."""
        if name in self.given:
            return self.given[name]
        default: Json = self.schema["properties"].get(name, {}).get("default")
        return default

    def title(self, name: str) -> str:
        return str(self.schema["properties"][name].get("title", name))

    def refresh(self) -> None:
        """Shows choices and values anew. A chosen value that the data no longer offer is dropped."""
        self._fill()
        properties = self.schema["properties"]
        self.faults = {}
        for name, field in self.fields.items():
            if name not in self._typing:
                field.show(properties[name], self.value(name))
            self._judge(name, field, properties[name])
            sentence, question = self._remark(self, name) if self._remark else ("", "")
            put(field.note, safe(sentence))
            field.ask(question, name in self.given)
            put(field.fault, f'<span role="alert">{safe(self.faults[name])}</span>' if name in self.faults else "")

    def taken_over(self) -> None:
        """Shows `given` after somebody else changed it, in place of what was being typed."""
        self._typing.clear()
        self.refresh()

    def _fill(self) -> None:
        while True:
            self.schema = self._schema_of(self.given)
            properties = self.schema["properties"]
            stale = [
                name
                for name in self.fields
                if name in self.given
                and "enum" in properties[name]
                and self.given[name] not in properties[name]["enum"]
            ]
            if not stale:
                return
            del self.given[stale[0]]  # one at a time: the next one's choices may depend on it

    def _judge(self, name: str, field: Field, schema: JsonObject) -> None:
        try:
            value = field.value(schema)
        except NotYet as fault:
            self.faults[name] = str(fault)
            return
        other = schema.get("x-differs-from")
        if other and value != "" and value == self.value(other):
            self.faults[name] = f"Choose another than in “{self.title(other)}”."

    def _changed(self, field: Field) -> None:
        try:
            self.given[field.name] = field.value(self.schema["properties"][field.name])
            self._typing.discard(field.name)
        except NotYet:
            self.given.pop(field.name, None)
            if field.is_typed:
                self._typing.add(field.name)
        self.refresh()
        self._on_change()

    def _ticked(self, field: Field, ticked: bool) -> None:
        if field.is_quiet:
            return
        if ticked:
            self.given[field.name] = self.value(field.name)
        else:
            self.given.pop(field.name, None)
        self.refresh()
        self._on_change()
