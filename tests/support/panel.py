"""The panel without a browser: its widgets are set and clicked as the page would do, and read as a person would."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import ipywidgets as widgets

from codalab_nb.frontends.notebook.panel_page import Panel

GENES = "gene," + ",".join(f"{group}_{i}" for group in ("ctrl", "drug") for i in range(4))
MATRIX = "\n".join([GENES, *(f"g{row},{','.join(str(row * 7 % 5 + i + 0.5) for i in range(8))}" for row in range(30))])
PEOPLE = "name,arm,score\n" + "\n".join(f"p{i},{'abc'[i % 3]},{i * 1.5}" for i in range(18))


def upload(button: widgets.FileUpload, name: str, content: str) -> None:
    """As the page does when a file was chosen in its dialog."""
    data = content.encode()
    now = dt.datetime.now(dt.UTC)
    file = {"name": name, "type": "", "size": len(data), "content": memoryview(data), "last_modified": now}
    button.value = (file,)


def add(panel: Panel, name: str, content: str, samples: str = "") -> None:
    upload(panel.data.add.table.upload, name, content)
    if samples:
        upload(panel.data.add.samples.upload, "samples.csv", samples)
    panel.data.add.button.click()
    panel.work.wait()


def everything(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from everything(child)


def seen(widget: widgets.Widget) -> str:
    """All HTML that is not hidden."""
    if widget.layout.display == "none":
        return ""
    if isinstance(widget, widgets.HTML):
        return str(widget.value)
    return "\n".join(seen(child) for child in getattr(widget, "children", ()))
