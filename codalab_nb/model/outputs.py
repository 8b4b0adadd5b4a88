"""An executed notebook rebuilt from the events of its run, and the words for a cell that failed.

Needed where no runner is left to write the notebook: its sandbox was killed, and what it showed until then is kept.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from codalab_nb.model.base import JsonObject

INJECTED = -1  # the cell with the injected parameters, which the submitted notebook does not have
_SHOWN_LINES = 3
_MOST_DISPLAYS = 100  # of one id: each update changes all of them, and there may be as many updates as displays


def fold_outputs(notebook: JsonObject, events: Iterable[Mapping[str, Any]], *, injected: str = "") -> JsonObject:
    """A copy of `notebook` with the outputs of `events` in it; the notebook itself is not changed.

    `events` are `{"type": "output", "cell": 3, "output": {…}}`, `{"type": "clear_output", "cell": 3, "wait": false}`
    and `cell_started` or `cell_finished` with an optional `execution_count`; other types are skipped. `cell` is the
    index in `notebook`, or -1 for the cell with the injected parameters, whose source is `injected`; that cell is
    added where papermill puts it if there is a source or an event for it. Streams of one name are merged, displays
    updated in place. Events come from a sandbox: what is not an output of format 4.5 is replaced by a note.
    """
    executed = copy.deepcopy(notebook)
    cells: list[JsonObject] = executed["cells"]
    extra: JsonObject = {
        "cell_type": "code",
        "execution_count": None,
        "id": "injected-parameters",
        "metadata": {"tags": ["injected-parameters"]},
        "outputs": [],
        "source": injected,
    }
    by_index = {index: cell for index, cell in enumerate(cells) if cell["cell_type"] == "code"}
    fold = OutputFold({**by_index, INJECTED: extra})
    for event in events:
        fold.apply(event)
    fold.join_streams()
    if injected or fold.saw_injected:
        _insert(cells, extra)
    return executed


def describe_failed_cell(notebook: JsonObject, index: int) -> str:
    """Which cell, in words, with the first and last lines of its source. `index` counts from 0, -1 is the injected."""
    cells = notebook["cells"]
    if not 0 <= index < len(cells):
        return "The cell with the injected parameters."
    lines = str(cells[index]["source"]).strip("\n").splitlines() or ["(empty)"]
    if len(lines) > 2 * _SHOWN_LINES + 1:
        hidden = len(lines) - 2 * _SHOWN_LINES
        lines = [*lines[:_SHOWN_LINES], f"… {hidden} more lines …", *lines[-_SHOWN_LINES:]]
    shown = "\n".join(f"    {line[:200]}" for line in lines)
    return f"Cell {index + 1} of {len(cells)}:\n{shown}"


def start_fold(notebook: JsonObject) -> OutputFold:
    """For who follows a run: `apply` each event, look at `cells` in between. The notebook itself is not touched."""
    empty: JsonObject = {"cell_type": "code", "execution_count": None, "outputs": [], "source": ""}
    found = {i: cell for i, cell in enumerate(notebook.get("cells", [])) if cell.get("cell_type") == "code"}
    return OutputFold({i: {**cell, "outputs": []} for i, cell in {INJECTED: empty, **found}.items()})


class OutputFold:
    """The cells being filled, by index, and what must be remembered between events.

    Until `join_streams`, the text of a stream is a list of its pieces.
    """

    def __init__(self, cells: dict[int, JsonObject]) -> None:
        self.cells = cells
        self.saw_injected = False
        self.waiting: set[int] = set()  # clear_output(wait=True): the old outputs go when the next one comes
        self.displays: dict[str, list[JsonObject]] = {}

    def apply(self, event: Mapping[str, Any]) -> None:
        index, kind = event.get("cell"), event.get("type")
        if type(index) is not int or index not in self.cells:
            return
        cell = self.cells[index]
        self.saw_injected = self.saw_injected or index == INJECTED
        if kind == "clear_output" and event.get("wait") is True:
            self.waiting.add(index)
        elif kind == "clear_output":
            cell["outputs"] = []
        elif kind == "output":
            if index in self.waiting:
                self.waiting.discard(index)
                cell["outputs"] = []
            self._add(cell["outputs"], event.get("output"))
        count = event.get("execution_count")
        if kind in ("cell_started", "cell_finished") and type(count) is int and count >= 0:
            cell["execution_count"] = count

    def join_streams(self) -> None:
        """Streams were collected as lists: adding texts one by one would take quadratic time."""
        for cell in self.cells.values():
            for output in cell["outputs"]:
                if output["output_type"] == "stream":
                    output["text"] = "".join(output["text"])

    def _add(self, outputs: list[JsonObject], output: Any) -> None:
        display_id = _display_id(output) if isinstance(output, dict) else None
        if isinstance(output, dict) and output.get("output_type") == "update_display_data":
            data, metadata = output.get("data"), output.get("metadata")
            for shown in self.displays.get(display_id or "", ()) if _is_bundle(data) else ():
                shown["data"], shown["metadata"] = data, metadata if _is_object(metadata) else {}
            return
        clean = _clean(output)
        last = outputs[-1] if outputs else {}
        if clean["output_type"] == "stream" and last.get("name") == clean["name"]:
            last["text"] += clean["text"]
            return
        outputs.append(clean)
        if display_id and "data" in clean:
            shown_as = self.displays.setdefault(display_id, [])
            shown_as.append(clean)
            del shown_as[:-_MOST_DISPLAYS]


def _display_id(output: Mapping[str, Any]) -> str | None:
    transient = output.get("transient")
    found = transient.get("display_id") if isinstance(transient, dict) else None
    return found if isinstance(found, str) else None


def _clean(output: Any) -> JsonObject:
    """The output with the members of its kind only, or a note in its place."""
    if isinstance(output, dict):
        kind = output.get("output_type")
        if kind == "stream" and output.get("name") in ("stdout", "stderr") and _is_text(output.get("text")):
            return {"output_type": "stream", "name": output["name"], "text": ["".join(output["text"])]}
        if kind in ("display_data", "execute_result") and _is_bundle(output.get("data")):
            metadata = output.get("metadata")
            made = {"output_type": kind, "data": output["data"], "metadata": metadata if _is_object(metadata) else {}}
            if kind == "execute_result":
                count = output.get("execution_count")
                made["execution_count"] = count if type(count) is int and count >= 0 else None
            return made
        texts = output.get("ename"), output.get("evalue")
        traceback = output.get("traceback", [])
        if kind == "error" and all(isinstance(text, str) for text in texts) and _is_lines(traceback):
            return {"output_type": "error", "ename": texts[0], "evalue": texts[1], "traceback": traceback}
    return {"output_type": "stream", "name": "stderr", "text": ["[an output that was not valid is left out]\n"]}


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_lines(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(line, str) for line in value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or _is_lines(value)


def _is_bundle(value: Any) -> bool:
    """A MIME bundle: text, or lines of text, under each type; under JSON types anything."""
    return isinstance(value, dict) and all(
        _is_text(content) or mime == "application/json" or (mime.startswith("application/") and mime.endswith("+json"))
        for mime, content in value.items()
    )


def _insert(cells: list[JsonObject], extra: JsonObject) -> None:
    """Puts `extra` where papermill does: over an earlier injected cell, else after `parameters`, else on top."""
    ids = {cell["id"] for cell in cells}
    while extra["id"] in ids:
        extra["id"] += "-x"
    for tag, offset in (("injected-parameters", 0), ("parameters", 1)):
        found = next((i for i, cell in enumerate(cells) if tag in cell["metadata"].get("tags", ())), None)
        if found is not None:
            cells[found + offset : found + 1] = [extra]
            return
    cells.insert(0, extra)
