"""The executed notebook rebuilt from events, and how a failed cell is told."""

from __future__ import annotations

import copy
import time
from typing import Any

import nbformat
import pytest

from codalab_nb.model.outputs import describe_failed_cell, fold_outputs


def notebook(*sources: str, tags: dict[int, str] | None = None) -> dict[str, Any]:
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "execution_count": None, "id": f"c{i}", "metadata": {}, "outputs": [], "source": source}
        for i, source in enumerate(sources)
    ]
    for index, tag in (tags or {}).items():
        cells[index]["metadata"]["tags"] = [tag]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def output(cell: int, **members: Any) -> dict[str, Any]:
    return {"type": "output", "cell": cell, "output": members}


def stream(cell: int, text: Any, name: str = "stdout") -> dict[str, Any]:
    return output(cell, output_type="stream", name=name, text=text)


def display(cell: int, text: str, **more: Any) -> dict[str, Any]:
    return output(cell, output_type="display_data", data={"text/plain": text}, metadata={}, **more)


def fold(book: dict[str, Any], *events: dict[str, Any], injected: str = "") -> list[dict[str, Any]]:
    before = copy.deepcopy(book)
    executed = fold_outputs(book, events, injected=injected)
    assert book == before
    nbformat.validate(nbformat.from_dict(executed))
    return list(executed["cells"])


def test_streams_of_one_name_are_merged_in_order() -> None:
    (cell,) = fold(notebook("x"), stream(0, "a"), stream(0, ["b", "c"]), stream(0, "!", "stderr"), stream(0, "d"))
    assert [(o["name"], o["text"]) for o in cell["outputs"]] == [("stdout", "abc"), ("stderr", "!"), ("stdout", "d")]


def test_a_flood_of_lines_is_folded_in_linear_time() -> None:
    start = time.perf_counter()
    (cell,) = fold(notebook("x"), *[stream(0, "x" * 50 + "\n") for _ in range(200_000)])
    assert len(cell["outputs"][0]["text"]) == 200_000 * 51
    assert time.perf_counter() - start < 10


def test_outputs_go_to_their_cells_with_execution_counts() -> None:
    cells = fold(
        notebook("a", "b"),
        {"type": "started"},
        {"type": "cell_started", "cell": 1, "execution_count": 4},
        output(1, output_type="execute_result", data={"text/plain": "2"}, metadata={}, execution_count=4),
        {"type": "cell_finished", "cell": 1},
        {"type": "heartbeat"},
        output(0, output_type="error", ename="E", evalue="v", traceback=["t"]),
    )
    assert [cell["execution_count"] for cell in cells] == [None, 4]
    assert [cell["outputs"][0]["output_type"] for cell in cells] == ["error", "execute_result"]


def test_clear_output_now_or_with_the_next_output() -> None:
    clear = {"type": "clear_output", "cell": 0}
    assert fold(notebook("x"), stream(0, "a"), clear)[0]["outputs"] == []
    waiting = fold(notebook("x"), stream(0, "a"), {**clear, "wait": True})
    assert waiting[0]["outputs"][0]["text"] == "a"
    replaced = fold(notebook("x"), stream(0, "a"), {**clear, "wait": True}, stream(0, "b"))
    assert replaced[0]["outputs"][0]["text"] == "b"


def test_displays_are_updated_in_place() -> None:
    update = display(1, "new", transient={"display_id": "d"})
    update["output"]["output_type"] = "update_display_data"
    cells = fold(notebook("a", "b"), display(0, "old", transient={"display_id": "d"}), display(0, "still"), update)
    assert [o["data"]["text/plain"] for o in cells[0]["outputs"]] == ["new", "still"]
    assert cells[1]["outputs"] == []


def test_the_injected_cell_stands_where_papermill_puts_it() -> None:
    event = stream(-1, "x")
    for tags, index, count in (({}, 0, 3), ({1: "parameters"}, 2, 3), ({0: "injected-parameters"}, 0, 2)):
        cells = fold(notebook("a", "b", tags=tags), event, stream(1, "b"), injected="p = 1")
        assert len(cells) == count
        assert (cells[index]["source"], cells[index]["outputs"][0]["text"]) == ("p = 1", "x")
        assert next(cell for cell in cells if cell["source"] == "b")["outputs"][0]["text"] == "b"
    assert len(fold(notebook("a"))) == 1
    taken = notebook("a")
    taken["cells"][0]["id"] = "injected-parameters"
    assert len({cell["id"] for cell in fold(taken, event)}) == 2


def test_a_flood_of_displays_and_updates_of_one_id_is_folded_in_linear_time() -> None:
    """Else each of the updates changes each of the displays: a minute of work for each look at such a notebook."""
    shown = display(0, "old", transient={"display_id": "d"})
    update = display(0, "new", transient={"display_id": "d"})
    update["output"]["output_type"] = "update_display_data"
    start = time.perf_counter()
    (cell,) = fold(notebook("x"), *[shown] * 25_000, *[update] * 25_000)
    assert time.perf_counter() - start < 10
    assert [o["data"]["text/plain"] for o in cell["outputs"]].count("new") == 100
    assert cell["outputs"][-1]["data"]["text/plain"] == "new"


@pytest.mark.parametrize(
    "bad",
    [
        *(None, 5, [], {}, {"output_type": "alien"}, {"output_type": "stream", "name": "stdin", "text": "x"}),
        *({"output_type": "stream", "name": "stdout", "text": 5}, {"output_type": "display_data", "data": 5}),
        {"output_type": "display_data", "data": {"text/html": {"x": 1}}, "metadata": {}},
        {"output_type": "error", "ename": 5, "evalue": "", "traceback": []},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": "text"},
    ],
)
def test_what_is_no_output_becomes_a_note(bad: Any) -> None:
    """Events come out of a sandbox; the notebook stays valid and its other outputs stay."""
    (cell,) = fold(notebook("x"), stream(0, "a"), {"type": "output", "cell": 0, "output": bad})
    assert "left out" in cell["outputs"][-1]["text"]
    assert cell["outputs"][0]["text"] == "a"


@pytest.mark.parametrize(
    "event", [{}, {"type": "output"}, stream(7, "x"), stream(-2, "x"), {"type": "output", "cell": "0"}]
)
def test_events_of_no_cell_are_skipped(event: dict[str, Any]) -> None:
    assert fold(notebook("x"), event)[0]["outputs"] == []


def test_json_displays_and_wrong_metadata() -> None:
    (cell,) = fold(
        notebook("x"),
        output(0, output_type="display_data", data={"application/vnd.x+json": {"a": [1]}}, metadata=5, more=1),
        output(0, output_type="execute_result", data={}, metadata={}, execution_count="x"),
    )
    assert cell["outputs"][0] == {
        "output_type": "display_data",
        "data": {"application/vnd.x+json": {"a": [1]}},
        "metadata": {},
    }
    assert cell["outputs"][1]["execution_count"] is None


def test_a_failed_cell_is_shown() -> None:
    book = notebook("a = 1", "\n".join(f"line {i}" for i in range(1, 21)), "", "x" * 500)
    assert describe_failed_cell(book, 0) == "Cell 1 of 4:\n    a = 1"
    assert describe_failed_cell(book, 1).splitlines() == [
        *("Cell 2 of 4:", "    line 1", "    line 2", "    line 3", "    … 14 more lines …"),
        *("    line 18", "    line 19", "    line 20"),
    ]
    assert describe_failed_cell(book, 2) == "Cell 3 of 4:\n    (empty)"
    assert len(describe_failed_cell(book, 3)) < 250
    assert describe_failed_cell(book, -1) == "The cell with the injected parameters."
