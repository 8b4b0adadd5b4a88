"""What a notebook printed and drew: merged, checked and capped while it arrives. Pure; no kernel, no socket.

Caps are promises to whoever opens the result: what is above them is replaced by a visible marker, the verdict
stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Output = dict[str, Any]  # an nbformat 4 output
Emit = Callable[[str, bytes | None], None]  # (line type, JSON of the output or None), for the cell being run

_CUTTABLE = ("text/plain", "text/markdown", "text/latex")  # cut markup or code would be broken, not shorter
_MAX_EVENT_BYTES = 1 << 20  # larger outputs are announced while running and shown from the result notebook
_MARK = "… output truncated by codalab_nb"


@dataclass(frozen=True)
class Caps:
    """Bytes are those of UTF-8 text (of JSON for `notebook_bytes`)."""

    text_bytes: int = 1_000_000
    outputs: int = 10_000
    notebook_bytes: int = 50_000_000


def note(text: str) -> Output:
    return {"output_type": "stream", "name": "stderr", "text": f"{text}\n"}


def encode(value: Any) -> bytes:
    """Compact JSON. Raises ValueError for NaN and infinities, which JSON cannot hold.

    A lone surrogate, which UTF-8 cannot hold, stays a JSON escape.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def cut(text: str, limit_bytes: int) -> tuple[str, int]:
    """The beginning of `text` within the limit, and how many bytes were left off."""
    data = text.encode("utf-8", "replace")
    if len(data) <= limit_bytes:
        return text, 0
    kept = data[:limit_bytes].decode("utf-8", "ignore")
    return kept, len(data) - len(kept.encode())


def marker(more_bytes: int) -> str:
    return f"\n{_MARK}: {more_bytes:,} more bytes\n"


def check(output: Output) -> str | None:
    """None for an output that nbformat accepts, else what is wrong, in words."""
    kind = output.get("output_type")
    if kind == "stream":
        if output.get("name") not in ("stdout", "stderr") or not isinstance(output.get("text"), str):
            return "a stream that is not text"
    elif kind == "error":
        lines = output.get("traceback")
        texts = [output.get("ename"), output.get("evalue"), *(lines if isinstance(lines, list) else [None])]
        if not all(isinstance(text, str) for text in texts):
            return "an error report that is not text"
    elif kind in ("display_data", "execute_result"):
        data, metadata = output.get("data"), output.get("metadata")
        if not isinstance(data, dict) or not isinstance(metadata, dict):
            return f"its data is not a set of MIME types but {type(data).__name__}"
        for mime, value in data.items():
            is_json = mime == "application/json" or (mime.startswith("application/") and mime.endswith("+json"))
            parts = value if isinstance(value, list) else [value]
            if not is_json and not all(isinstance(part, str) for part in parts):
                return f"its {mime} is not text but {type(value).__name__}"
    else:
        return f"unknown kind of output {kind!r}"
    return None


@dataclass
class _Stream:
    """One stream output being written: pieces are joined once, when the cell or the stream ends."""

    output: Output
    pieces: list[str] = field(default_factory=list)
    kept: int = 0
    more: int = 0


class CellOutputs:
    """The outputs of the cell that runs, and the run's budget. `begin` a cell, add, `finish` it.

    `truncated` tells whether anything was left off in the whole run.
    """

    def __init__(self, caps: Caps, emit: Emit, used_bytes: int = 0) -> None:
        self.caps = caps
        self.truncated = False
        self._emit = emit
        self._used = used_bytes  # of the notebook cap, by sources and outputs so far
        self._count = 0
        self._outputs: list[Output] = []
        self._stream: _Stream | None = None
        self._clear_next = False
        self._left_out = 0  # outputs of this cell above the caps
        self._displays: dict[str, list[Output]] = {}
        self._sizes: dict[int, int] = {}  # id(output) -> bytes, of outputs that live in some cell

    def begin(self, outputs: list[Output]) -> None:
        """From now on outputs go to this (empty) list."""
        self._outputs, self._stream, self._clear_next, self._left_out = outputs, None, False, 0

    def finish(self) -> None:
        """Closes the last stream and says how many outputs were left out."""
        self._end_stream()
        if self._left_out:
            self._outputs.append(note(f"{_MARK}: {self._left_out:,} more outputs"))
            self._left_out = 0

    @property
    def full(self) -> bool:
        return self._count >= self.caps.outputs or self._used >= self.caps.notebook_bytes

    def wants_stream(self, name: str) -> bool:
        """False when text for this stream would be dropped anyway: the caller need not even decode it."""
        if self._clear_next:
            return True
        if self._stream and self._stream.output["name"] == name:
            return not self._stream.more
        return not self.full

    def skip(self, size_bytes: int) -> None:
        """Counts text that was not even decoded, see `wants_stream`."""
        self.truncated = True
        if self._stream:
            self._stream.more += size_bytes
        else:
            self._left_out += 1

    def add(self, output: Output, display_id: str | None = None) -> None:
        self._clear_if_due()
        if problem := check(output):
            self._end_stream()
            self._append(note(f"codalab_nb left out an output: {problem}."))
        elif output["output_type"] == "stream":
            self._add_stream(output["name"], output["text"])
        else:
            self._end_stream()
            self._append(self._capped(output), display_id)

    def clear(self, wait: bool) -> None:
        """clear_output: now, or (`wait`) when the next output comes."""
        self._clear_next = True
        if not wait:
            self._clear_if_due()

    def update_display(self, display_id: str, data: Any, metadata: Any) -> None:
        """Replaces what is shown under `display_id`, in whichever cell it stands."""
        new = self._capped({"output_type": "display_data", "data": data, "metadata": metadata})
        if check(new) or not isinstance(new.get("data"), dict):
            return
        try:
            size = len(encode(new))
        except ValueError:
            return
        for output in self._displays.get(display_id, []):
            growth = size - self._sizes.get(id(output), 0)
            if self._used + growth > self.caps.notebook_bytes:
                self.truncated = True
                continue
            self._used += growth
            self._sizes[id(output)] = size
            output["data"], output["metadata"] = new["data"], new["metadata"]

    def _clear_if_due(self) -> None:
        if not self._clear_next:
            return
        self._clear_next = False
        self._end_stream()
        gone = {id(output) for output in self._outputs}
        self._used -= sum(self._sizes.pop(key, 0) for key in gone)
        self._count -= len(self._outputs)
        for identifier, shown in list(self._displays.items()):
            kept = [output for output in shown if id(output) not in gone]
            if kept:
                self._displays[identifier] = kept
            else:
                del self._displays[identifier]
        self._outputs.clear()
        self._left_out = 0
        self._emit("clear_output", None)

    def _add_stream(self, name: str, text: str) -> None:
        if self._stream is None or self._stream.output["name"] != name:
            self._end_stream()
            if self.full:
                self._leave_out()
                return
            self._stream = _Stream({"output_type": "stream", "name": name, "text": ""})
            self._outputs.append(self._stream.output)
            self._count += 1
        stream = self._stream
        room = min(self.caps.text_bytes - stream.kept, self.caps.notebook_bytes - self._used)
        kept, more = cut(text, max(0, room)) if not stream.more else ("", len(text.encode("utf-8", "replace")))
        if kept:
            size = len(kept.encode("utf-8", "replace"))
            stream.pieces.append(kept)
            stream.kept += size
            self._used += size
        if more:
            self.truncated = True
            if not stream.more:
                kept += f"\n{_MARK}\n"
            stream.more += more
        if kept:
            for start in range(0, len(kept), _MAX_EVENT_BYTES // 4):  # a character has at most four bytes
                piece = kept[start : start + _MAX_EVENT_BYTES // 4]
                self._emit("output", encode({"output_type": "stream", "name": name, "text": piece}))

    def _end_stream(self) -> None:
        if stream := self._stream:
            self._stream = None
            text = "".join(stream.pieces)
            stream.output["text"] = text + marker(stream.more) if stream.more else text
            self._sizes[id(stream.output)] = stream.kept

    def _append(self, output: Output, display_id: str | None = None) -> None:
        try:
            data = encode(output)
        except (ValueError, RecursionError) as error:
            output = note(f"codalab_nb left out an output: it cannot be written as JSON ({error}).")
            data = encode(output)
        is_error = output["output_type"] == "error"  # the one output nobody can do without
        if not is_error and len(data) > self.caps.notebook_bytes // 2:
            output = note(f"{_MARK}: one output of {len(data):,} bytes ({', '.join(output.get('data', {}))[:200]})")
            data = encode(output)
            self.truncated = True
        if not is_error and (self.full or self._used + len(data) > self.caps.notebook_bytes):
            self._leave_out()
            return
        self._outputs.append(output)
        self._count += 1
        self._used += len(data)
        self._sizes[id(output)] = len(data)
        if display_id is not None:
            self._displays.setdefault(display_id, []).append(output)
        if len(data) > _MAX_EVENT_BYTES:
            kinds = ", ".join(output.get("data", {}))[:200]
            text = f"… an output of {len(data):,} bytes ({kinds}) is in the result notebook"
            data = encode({"output_type": "display_data", "data": {"text/plain": text}, "metadata": {}})
        self._emit("output", data)

    def _leave_out(self) -> None:
        self.truncated = True
        if not self._left_out:
            self._emit("output", encode(note(_MARK)))
        self._left_out += 1

    def _capped(self, output: Output) -> Output:
        """The output with its plain texts cut at the cap."""
        if output["output_type"] == "error":
            return self._capped_error(output)
        data = output["data"]
        if not isinstance(data, dict):
            return output
        capped = dict(data)
        for mime in _CUTTABLE:
            value = capped.get(mime)
            if isinstance(value, list) and all(isinstance(part, str) for part in value):
                value = "".join(value)
            if isinstance(value, str):
                kept, more = cut(value, self.caps.text_bytes)
                if more:
                    self.truncated = True
                    capped[mime] = kept + marker(more)
        return {**output, "data": capped}

    def _capped_error(self, output: Output) -> Output:
        """A traceback within the text cap: the last lines matter most."""
        room = self.caps.text_bytes
        lines: list[str] = []
        for line in reversed(output["traceback"]):
            kept, more = cut(line, room)
            if more:
                self.truncated = True
                lines.append(kept + marker(more))
                break
            lines.append(line)
            room -= len(line.encode("utf-8", "replace"))
        evalue, more = cut(output["evalue"], 10_000)
        return {**output, "traceback": lines[::-1], "evalue": evalue + (marker(more) if more else "")}
