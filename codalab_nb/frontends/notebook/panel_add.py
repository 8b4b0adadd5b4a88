"""The part of the panel that takes a table: uploaded through the browser, or a file that lies beside the notebook."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import ipywidgets as widgets

from codalab_nb.errors import InputError, Problem
from codalab_nb.frontends.choosing.words import plain_name, plainly
from codalab_nb.frontends.cli.text import size
from codalab_nb.frontends.notebook.panel_look import box, labelled, markup, put, safe, status, told
from codalab_nb.frontends.notebook.panel_state import PanelState
from codalab_nb.frontends.notebook.panel_work import Work
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.site.catalog import default_name

ENDINGS = (
    ".csv",
    ".tsv",
    ".tab",
    ".txt",
    ".xlsx",
    ".xlsm",
    ".gct",
    ".h5ad",
)  # what the list of files shows; any is tried
_LISTED = 300
# A Jupyter server takes 10 MB in one message; a larger one cuts the connection of the whole notebook.
# https://www.tornadoweb.org/en/stable/web.html (websocket_max_message_size)
UPLOAD_MB = 10
_NOTHING = (
    f"No file yet. Up to {UPLOAD_MB} MB: if its name does not appear here, it was too large. Then drop it into "
    "Jupyter’s file browser, and choose it below."
)


@dataclass(frozen=True)
class Chosen:
    """A file to take: bytes that came through the browser, or a path on the machine where the notebook runs."""

    name: str
    content: memoryview | None = None

    def placed(self, folder: Path) -> Path:
        if self.content is None:
            return Path(self.name).expanduser()
        folder.mkdir()
        path = folder / plain_name(self.name)
        path.write_bytes(self.content)
        return path


class FilePicker:
    """One file: an upload button, and a field with the files that lie in the notebook's folder."""

    def __init__(self, title: str, changed: Callable[[], None]) -> None:
        self._changed = changed
        self.upload = widgets.FileUpload(description=f"Upload {title} …", multiple=False)
        self.path = labelled(
            widgets.Combobox(
                description=f"or {title} in this folder",
                placeholder="choose or type a path",
                options=tuple(files_here()),
                continuous_update=False,
            )
        )
        self.told = markup(_NOTHING, "codalab-soft")
        self.upload.observe(self._uploaded, "value")
        self.path.observe(self._typed, "value")
        self.widget = box([self.upload, self.told, self.path])

    @property
    def chosen(self) -> Chosen | None:
        """What was chosen last."""
        if self.upload.value:
            file = self.upload.value[0]
            return Chosen(str(file["name"]), memoryview(file["content"]))
        return Chosen(self.path.value.strip()) if self.path.value.strip() else None

    def clear(self) -> None:
        self.upload.value = ()
        self.path.value = ""
        self.look()

    def look(self) -> None:
        """Looks again which files there are."""
        self.path.options = tuple(files_here())

    def disable(self, disabled: bool) -> None:
        self.upload.disabled = self.path.disabled = disabled

    def _uploaded(self, _change: object) -> None:
        if self.upload.value:
            self.path.value = ""
            file = self.upload.value[0]
            put(self.told, f"{safe(file['name'])}, {safe(size(len(file['content'])))}")
        else:
            put(self.told, _NOTHING)
        self._changed()

    def _typed(self, _change: object) -> None:
        if self.path.value.strip():
            self.upload.value = ()
        self._changed()


class AddData:
    """Table, sample table, name, and the button that adds them."""

    def __init__(self, state: PanelState, work: Work, added: Callable[[DatasetDocument], None]) -> None:
        self._state, self._work, self._added = state, work, added
        self._named = ""  # the name that was proposed, as long as nobody typed another
        self.table = FilePicker("the table", self._propose_name)
        self.samples = FilePicker("a sample table", lambda: None)
        self.sheet = labelled(widgets.Text(description="Sheet with the table", placeholder="found by its contents"))
        self.name = labelled(widgets.Text(description="Name of the data set", placeholder="from the file"))
        self.button = widgets.Button(description="Add", button_style="primary", icon="plus")
        self.button.on_click(lambda _: self.add())
        self.told = markup()
        put(self.told, "")
        help_ = markup(
            "One row per gene and one column per sample, or the other way round: CSV, TSV, Excel, GCT or AnnData. "
            "The sample table is optional: one row per sample, with its group, batch, …; without it groups are "
            "proposed from the sample names.",
            "codalab-soft",
        )
        named = box([self.sheet, self.name, self.button])
        pickers = box([self.table.widget, self.samples.widget, named], "codalab-columns")
        self.widget = box([help_, pickers, self.told])
        self._propose_name()

    def add(self) -> None:
        """Reads and adds what is chosen, in a thread."""
        chosen, samples, name, sheet = self.table.chosen, self.samples.chosen, self.name.value, self.sheet.value
        if chosen is None:
            self._failed([Problem("usage", "No table is chosen yet.", "Upload one, or choose a file of this folder.")])
            return
        self.disable(True)
        put(self.told, status(f"Reading {Path(chosen.name).name} …"))
        if not self._work.start(lambda: self._read(chosen, samples, name, sheet), self._done, self._failed):
            self._failed([Problem("busy", "Something else is being read.", "Wait for it, then try again.")])

    def _read(self, chosen: Chosen, samples: Chosen | None, name: str, sheet: str) -> DatasetDocument:
        with tempfile.TemporaryDirectory(prefix="codalab-panel-") as folder:
            table = chosen.placed(Path(folder) / "table")
            other: str | Path | None = samples.placed(Path(folder) / "samples") if samples else None
            if isinstance(other, Path) and is_workbook(table.name) and not other.exists():
                other = str(other)  # a sheet of it
            for path, what in ((table, "table"), (other, "sample table")):
                if isinstance(path, Path) and not path.exists():
                    raise InputError("missing_file", f"There is no {what} {path}.", "Check the spelling.")
            return self._state.add(table, samples=other, sheet=sheet, name=name)

    def _done(self, document: DatasetDocument) -> None:
        self.table.clear()
        self.samples.clear()
        self.name.value = self._named = self.sheet.value = ""
        put(self.told, status(f"Added as {document.reference}."))
        self.disable(False)
        self._added(document)

    def _failed(self, problems: Sequence[Problem]) -> None:
        self.disable(False)
        put(self.told, told(map(plainly, problems)))

    def look(self) -> None:
        """Looks again which files lie beside the notebook."""
        self.table.look()
        self.samples.look()

    def disable(self, disabled: bool) -> None:
        self.button.disabled = self.name.disabled = self.sheet.disabled = disabled
        self.table.disable(disabled)
        self.samples.disable(disabled)

    def _propose_name(self) -> None:
        chosen = self.table.chosen
        proposal = default_name(Path(plain_name(chosen.name))) if chosen else ""
        if self.name.value in ("", self._named):
            self.name.value = proposal
        self._named = proposal
        self.sheet.layout.display = None if chosen and is_workbook(chosen.name) else "none"
        put(self.told, "")


def is_workbook(name: str) -> bool:
    return name.casefold().endswith((".xlsx", ".xlsm", ".xls"))


def files_here() -> list[str]:
    """Files of the notebook's folder that may be tables."""
    found: list[str] = []
    with contextlib.suppress(OSError):
        for path in sorted(Path().iterdir(), key=lambda path: path.name.casefold()):
            name = path.name.casefold().removesuffix(".gz")
            if name.endswith(ENDINGS) and not name.startswith(".") and path.is_file():
                found.append(path.name)
    return found[:_LISTED]
