"""Merging, checking and capping outputs (THREATS C14, O7-O10)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codalab_worker.outputs import Caps, CellOutputs, check, cut, encode


class Recorder:
    """A cell's outputs with what was emitted for it."""

    def __init__(self, **caps: int) -> None:
        self.emitted: list[tuple[str, Any]] = []
        self.all = CellOutputs(Caps(**caps), self._emit)
        self.outputs: list[dict[str, Any]] = []
        self.all.begin(self.outputs)

    def _emit(self, kind: str, output: bytes | None) -> None:
        self.emitted.append((kind, None if output is None else json.loads(output)))

    def stream(self, text: str, name: str = "stdout") -> None:
        self.all.add({"output_type": "stream", "name": name, "text": text})

    def display(self, data: Any, display_id: str | None = None, kind: str = "display_data") -> None:
        self.all.add({"output_type": kind, "data": data, "metadata": {}}, display_id)


def test_streams_merge() -> None:
    """Neighbouring texts of one stream are one output; another stream or a display begins a new one."""
    cell = Recorder()
    for text, name in (("a", "stdout"), ("b", "stdout"), ("c", "stderr"), ("d", "stdout")):
        cell.stream(text, name)
    cell.display({"text/plain": "x"})
    cell.stream("e")
    cell.all.finish()
    assert [output.get("text") for output in cell.outputs] == ["ab", "c", "d", None, "e"]
    assert not cell.all.truncated


def test_text_is_cut_with_the_count() -> None:
    """The marker says how many bytes are missing; nothing more is streamed."""
    cell = Recorder(text_bytes=10)
    for _ in range(5):
        cell.stream("é" * 4)
    assert not cell.all.wants_stream("stdout")
    cell.all.skip(100)
    cell.all.finish()
    text = cell.outputs[0]["text"]
    assert text.startswith("é" * 5 + "\n…")
    assert f"{5 * 8 - 10 + 100} more bytes" in text
    assert sum(len(output["text"]) for _, output in cell.emitted) < 60
    assert cell.all.truncated


def test_cutting_keeps_characters_whole() -> None:
    """A limit inside a character drops that character."""
    assert cut("aé", 2) == ("a", 2)
    assert cut("aé", 3) == ("aé", 0)


def test_number_of_outputs() -> None:
    """Above the number, outputs are counted and not kept; the next cell gets a marker of its own."""
    cell = Recorder(outputs=3)
    for number in range(5):
        cell.display({"text/plain": str(number)})
    cell.all.finish()
    assert len(cell.outputs) == 4
    assert "2 more outputs" in cell.outputs[-1]["text"]
    second: list[dict[str, Any]] = []
    cell.all.begin(second)
    cell.stream("x")
    cell.all.add({"output_type": "error", "ename": "E", "evalue": "v", "traceback": []})
    cell.all.finish()
    assert [output["output_type"] for output in second] == ["error", "stream"]


def test_notebook_cap() -> None:
    """All outputs together stay within the notebook's cap; one very large one is named instead."""
    cell = Recorder(notebook_bytes=1000)
    cell.display({"image/png": "A" * 600})
    assert "one output of" in cell.outputs[0]["text"]
    for _ in range(10):
        cell.display({"image/png": "A" * 300})
    cell.all.finish()
    assert len(encode(cell.outputs)) < 1300
    assert cell.all.truncated


def test_clearing_gives_the_space_back() -> None:
    """A progress display that clears itself for hours never reaches a cap."""
    cell = Recorder(notebook_bytes=1000, outputs=5)
    for number in range(200):
        cell.all.clear(wait=True)
        cell.stream(f"step {number}")
        cell.display({"text/plain": "x" * 100})
    cell.all.finish()
    assert [output["output_type"] for output in cell.outputs] == ["stream", "display_data"]
    assert cell.outputs[0]["text"] == "step 199"
    assert not cell.all.truncated


def test_clear_waits() -> None:
    """With wait, the old output stays until a new one comes."""
    cell = Recorder()
    cell.stream("old")
    cell.all.clear(wait=True)
    cell.all.finish()
    assert cell.outputs[0]["text"] == "old"
    cell.all.clear(wait=False)
    assert cell.outputs == []
    assert cell.emitted[-1] == ("clear_output", None)


def test_updates() -> None:
    """An update reaches every output of that display, also of earlier cells, and is counted."""
    cell = Recorder(notebook_bytes=2000)
    cell.display({"text/plain": "1"}, "d")
    second: list[dict[str, Any]] = []
    cell.all.finish()
    cell.all.begin(second)
    cell.display({"text/plain": "1"}, "d")
    cell.all.update_display("d", {"text/plain": "2"}, {})
    cell.all.update_display("unknown", {"text/plain": "2"}, {})
    cell.all.update_display("d", {"text/html": 5}, {})
    cell.all.update_display("d", "nonsense", {})
    assert cell.outputs[0]["data"] == second[0]["data"] == {"text/plain": "2"}
    cell.all.update_display("d", {"image/png": "x" * 1900}, {})
    assert len(encode([*cell.outputs, *second])) < 2300
    assert cell.all.truncated


@pytest.mark.parametrize(
    "output",
    [
        {"output_type": "display_data", "data": {"text/html": 5}, "metadata": {}},
        {"output_type": "display_data", "data": {"text/html": {"a": 1}}, "metadata": {}},
        {"output_type": "display_data", "data": [1], "metadata": {}},
        {"output_type": "display_data", "data": {}, "metadata": 1},
        {"output_type": "stream", "name": "stdout", "text": ["a"]},
        {"output_type": "stream", "name": "other", "text": "a"},
        {"output_type": "error", "ename": "E", "evalue": None, "traceback": []},
        {"output_type": "error", "ename": "E", "evalue": "", "traceback": [1]},
        {"output_type": "error"},
        {"output_type": "surprise"},
    ],
)
def test_invalid_outputs(output: dict[str, Any]) -> None:
    """What nbformat would refuse becomes a note (THREATS O10)."""
    assert check(output)
    cell = Recorder()
    cell.all.add(output)
    assert "left out an output" in cell.outputs[0]["text"]


def test_valid_outputs() -> None:
    """Text may be a list of lines, JSON types may hold any JSON."""
    for data in ({"text/html": ["a", "b"]}, {"application/json": {"a": [1]}}, {"application/vnd.x+json": 5}, {}):
        assert check({"output_type": "display_data", "data": data, "metadata": {}}) is None


def test_what_json_cannot_hold() -> None:
    """NaN in an output is a note; a lone surrogate survives as an escape."""
    cell = Recorder()
    cell.display({"application/json": float("nan")})
    assert "cannot be written as JSON" in cell.outputs[0]["text"]
    assert json.loads(encode({"a": "\ud800é"})) == {"a": "\ud800é"}


def test_large_outputs_are_announced() -> None:
    """A line above the supervisor's cap is never sent; the notebook has the whole."""
    cell = Recorder()
    cell.display({"image/png": "A" * 3_000_000})
    assert len(cell.outputs[0]["data"]["image/png"]) == 3_000_000
    assert "3,000,0" in cell.emitted[0][1]["data"]["text/plain"]


def test_long_traceback_keeps_its_end() -> None:
    """The last lines say what happened."""
    cell = Recorder(text_bytes=100)
    lines = [f"line {number} " + "x" * 30 for number in range(10)]
    cell.all.add({"output_type": "error", "ename": "E", "evalue": "v", "traceback": lines})
    kept = cell.outputs[0]["traceback"]
    assert kept[-1] == lines[-1]
    assert len(kept) == 3
