"""What is in a data set, and the controls with which a person confirms or corrects how it was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as widgets

from codalab_nb.errors import Problem
from codalab_nb.frontends.choosing.preview import first_rows
from codalab_nb.frontends.choosing.words import direction, groups, plainly
from codalab_nb.frontends.cli.text import count
from codalab_nb.frontends.notebook.advice_view import BADGE
from codalab_nb.frontends.notebook.panel_look import Fold, box, labelled, markup, put, safe, status, told
from codalab_nb.frontends.notebook.panel_state import PanelState
from codalab_nb.frontends.notebook.panel_words import about, caption, questions, reading, table
from codalab_nb.frontends.notebook.panel_work import Work
from codalab_nb.model.dataset import KIND_WORDS, MATRIX_KINDS, Column, DatasetDocument, Profile, Role
from codalab_nb.model.proposals import may_have, propose_reference

_ROLES: dict[Role, str] = {
    "condition": "Groups are in the column",
    "batch": "Batches are in",
    "pair": "Pairs (patient, litter …) are in",
    "dose": "Doses are in",
    "time": "Times are in",
    "event": "Whether it happened is in",
    "target": "What is to be predicted is in",
}
_RARE: tuple[Role, ...] = ("dose", "time", "event", "target")  # folded away until something is proposed or wanted
_NONE = "— none —"
ROWS, COLUMNS = 6, 9  # of a preview


class Details:
    """Of one data set; calls `revised` when a person's word made a new version of it."""

    def __init__(self, state: PanelState, work: Work, revised: Callable[[], None]) -> None:
        self._state, self._work, self._revised = state, work, revised
        self._document: DatasetDocument | None = None
        self._drawing = False
        self.about = markup()
        self.advice = markup()
        self.notes = markup()
        self.reading = Fold("", self.notes)
        self.roles = {role: labelled(widgets.Dropdown(description=title)) for role, title in _ROLES.items()}
        self.level = labelled(widgets.Dropdown(description="Compare with (reference)"))
        self.kind = labelled(widgets.Dropdown(description="The values are"))
        self.meaning = markup()
        self.confirm = widgets.Button(description="Confirm", icon="check")
        self.confirm.on_click(lambda _: self._confirm())
        self.merge = widgets.Checkbox(indent=False)
        self.told = markup()
        self.preview = box([], "codalab-columns")  # placed by whoever shows the details, where there is room
        for control in (*self.roles.values(), self.level, self.kind):
            control.observe(self._changed, "value")
        usual = [self.roles["condition"], self.level, self.kind, self.roles["batch"], self.roles["pair"]]
        fields = box(usual, "codalab-fields")
        rare = box([self.roles[role] for role in _RARE], "codalab-fields")
        self.rare = Fold("More: doses, times, events, what to predict", rare)
        parts = [fields, self.rare.widget, self.merge, self.meaning, self.confirm, self.told]
        self.controls = box(parts, "codalab-card")
        self.widget = box([self.about, self.advice, self.reading.widget, self.controls])

    def draw(self, document: DatasetDocument | None) -> None:
        """Shows another data set, or none."""
        if document is not None and document == self._document:
            return
        same = self._document is not None and document is not None and self._document.name == document.name
        self._document = document
        self.widget.layout.display = self.preview.layout.display = None if document else "none"
        if document is None:
            return
        profile = document.profile
        put(self.about, f"<h4>{safe(document.reference)}</h4>{about(profile)}")
        self.draw_advice()
        self._draw_reading(profile)
        self._drawing = True
        try:
            self._draw_controls(profile)
        finally:
            self._drawing = False
        self._draw_meaning()
        if not same:
            put(self.told, "")
            self._draw_preview(document)

    def draw_advice(self) -> None:
        """Names what is recommended; why stands with the methods."""
        known = self._state.advice.get(self._document.reference) if self._document else None
        names = [
            f"<b>{safe(one.title)}</b>{f' ({safe(one.words)})' if one.words else ''}"
            for one in (known.recommended if known else ())
            if one.badge
        ]
        put(self.advice, f"<p>{BADGE} {', '.join(names)}</p>" if names else "")

    def _draw_reading(self, profile: Profile) -> None:
        notes = reading(profile)
        self.reading.widget.layout.display = None if notes else "none"
        self.reading.button.description = f"How the file was read: {count(len(profile.reading), 'note')}"
        put(self.notes, f"<ul>{notes}</ul>" if notes else "")
        self.reading.content.layout.display = None if self.reading.is_open else "none"

    def _draw_controls(self, profile: Profile) -> None:
        for role, control in self.roles.items():
            now = profile.by_role(role)
            columns = [column for column in profile.columns if column is now or may_have(column, role)]
            control.options = ((_NONE, ""), *((_column(column), column.name) for column in columns))
            control.value = now.name if now else ""
            shown = role == "condition" or now or any(column.role != "condition" for column in columns)
            control.layout.display = None if shown else "none"
        rare = [self.roles[role] for role in _RARE]
        self.rare.open(any(control.value for control in rare))
        self.rare.widget.layout.display = None if any(control.layout.display is None for control in rare) else "none"
        self._offer_levels(profile.reference.level if profile.reference else None)
        kinds = MATRIX_KINDS if profile.is_matrix else (profile.kind,)
        self.kind.options = tuple((KIND_WORDS[kind], kind) for kind in kinds)
        self.kind.value = profile.kind
        self.kind.layout.display = None if profile.is_matrix else "none"
        slips = questions(profile)
        self.merge.description = f"Take as the same: {' '.join(slips)}" if slips else ""
        self.merge.value = bool(slips)
        self.merge.layout.display = None if slips else "none"
        self.controls.layout.display = None if profile.columns or profile.is_matrix else "none"

    def _offer_levels(self, level: str | None) -> None:
        column = self._column("condition")
        levels = [one.name for one in column.levels] if column else []
        self.level.options = tuple((f"{one.name} ({one.n})", one.name) for one in column.levels) if column else ()
        proposal = propose_reference(column) if column else None
        self.level.value = level if level in levels else proposal.level if proposal else None
        self.level.layout.display = None if levels else "none"

    def _column(self, role: Role) -> Column | None:
        assert self._document is not None
        return self._document.profile.column(self.roles[role].value or "")

    def _changed(self, change: dict[str, object]) -> None:
        if self._drawing or self._document is None:
            return
        if change["owner"] is self.roles["condition"]:
            self._drawing = True
            try:
                self._offer_levels(None)
            finally:
                self._drawing = False
        put(self.told, "")
        self._draw_meaning()

    def _draw_meaning(self) -> None:
        """What the controls say, in words, and whether anybody has confirmed it."""
        assert self._document is not None
        profile = self._document.profile
        column = self._column("condition")
        if column is None:
            put(self.meaning, f"<p class='codalab-soft'>{_no_groups(profile)}</p>")
        else:
            others = [one.name for one in column.levels if one.name != self.level.value]
            arrow = direction(self.level.value, others)
            mark = self._mark(profile)
            put(self.meaning, f"<p>{safe(groups(column))}. <b>{safe(arrow)}</b> {mark}</p>")
        pending = self._words() or self._open()
        self.confirm.layout.display = None if pending else "none"
        self.confirm.description = "Save this" if self._words() else "Confirm: this is right"
        self.confirm.button_style = "primary" if pending else ""

    def _mark(self, profile: Profile) -> str:
        if self._words():
            return "<span class='codalab-soft'>(not saved yet)</span>"
        if not self._open():
            return "<span class='codalab-good'>✓ confirmed</span>"
        reference = profile.reference
        why = f": {reference.why}" if reference and reference.proposed else ""
        return f"<span class='codalab-soft'>(proposed{safe(why)}; please confirm)</span>"

    def _open(self) -> bool:
        """Whether something is proposed that nobody has confirmed."""
        assert self._document is not None
        profile = self._document.profile
        return (
            any(column.role_proposed for column in profile.columns if column.role)
            or bool(profile.reference and profile.reference.proposed)
            or bool(questions(profile))
        )

    def _words(self) -> dict[str, object]:
        """What a person changed, as arguments of `PanelState.revise`."""
        assert self._document is not None
        profile = self._document.profile
        said: dict[str, object] = {}
        roles: dict[str, str] = {}
        for role, control in self.roles.items():
            now = profile.by_role(role)
            if (now.name if now else "") == control.value:
                continue
            if now is not None and now.name not in roles:
                roles[now.name] = "none"
            if control.value:
                roles[control.value] = role
        if roles:
            said["roles"] = roles
        if profile.is_matrix and self.kind.value != profile.kind:
            said["kind"] = self.kind.value
        if self.level.value and (profile.reference is None or self.level.value != profile.reference.level):
            said["level"] = self.level.value
        return said

    def _confirm(self) -> None:
        assert self._document is not None
        name, said = self._document.name, self._words()
        # What is seen is what is confirmed, changed or not.
        taken = {control.value: role for role, control in self.roles.items() if control.value}
        roles = said.get("roles", {})
        said["roles"] = {**(roles if isinstance(roles, dict) else {}), **taken}
        if self.roles["condition"].value and self.level.value:
            said["level"] = self.level.value
        if self.merge.value:
            said["accept"] = True
        self.confirm.disabled = True
        put(self.told, status("Saving …"))
        if not self._work.start(lambda: self._state.revise(name, **said), self._done, self._failed):  # type: ignore[arg-type]
            self._failed([Problem("busy", "Something else is being read.", "Wait for it, then try again.")])

    def _done(self, document: DatasetDocument) -> None:
        self.confirm.disabled = False
        put(self.told, status(f"Saved as {document.reference}; earlier versions stay as they were."))
        self._revised()

    def _failed(self, problems: Sequence[Problem]) -> None:
        self.confirm.disabled = False
        put(self.told, told(map(plainly, problems)))

    def _draw_preview(self, document: DatasetDocument) -> None:
        shown = []
        for file, width in ((document.profile.matrix, "codalab-wide"), (document.profile.samples, "codalab-narrow")):
            if file is not None and (rows := first_rows(self._state.site.store, document, file, ROWS)):
                shown.append(markup(table(rows, COLUMNS, caption(document.profile, file.path)), width))
        self.preview.children = shown


def _no_groups(profile: Profile) -> str:
    told = "Which sample belongs to which group is not known, so groups cannot be compared."
    if any(may_have(column, "condition") for column in profile.columns):
        return f"{told} If a column says it, choose that column."
    return f"{told} Add the table again together with a sample table: one row per sample, with its group."


def _column(column: Column) -> str:
    told_groups = groups(column)
    return f"{column.name} ({told_groups})" if told_groups else column.name
