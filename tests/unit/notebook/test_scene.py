"""What a notebook shows of a task and a batch, from real results, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codalab_nb import Site, places
from codalab_nb import settings as configuration
from codalab_nb.frontends.cli.watching import Watch
from codalab_nb.frontends.notebook.scene import SAVED, Scene
from codalab_nb.frontends.notebook.task_view import free_name
from codalab_nb.site.tasks import Task
from tests.support.notebooks import write


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    config = configuration.load({"CODALAB_NB_HOME": str(tmp_path / "home")})
    with Site(places.prepare(config), config, serve=False) as one:
        yield one


@pytest.fixture
def scene(site: Site, tmp_path: Path) -> Scene:
    task = site.run(write(tmp_path / "job.ipynb", "print('a <b>')", "plot()", "1 / 0"))
    return _scene(site, task)


def _scene(site: Site, task: Task) -> Scene:
    watch = Watch(site, [task])
    watch.look()
    return Scene(site, watch.seen[0])


def _output(cell: int, output: dict[str, Any]) -> dict[str, Any]:
    return {"type": "output", "n": 1, "body": {"cell": cell, "output": output}}


def _stream(cell: int, text: str) -> dict[str, Any]:
    return _output(cell, {"output_type": "stream", "name": "stdout", "text": text})


def test_only_what_changed_is_drawn_again(scene: Scene) -> None:
    """A million lines in one cell must not redraw the figures of the others."""
    scene.take(_stream(0, "one\n"))
    assert scene.changed() == [0]
    scene.take(_stream(2, "two\n"))
    scene.take(_stream(2, "three\n"))
    assert scene.changed() == [2]
    assert scene.changed() == []
    assert scene.cells == [0, 2]
    assert "two\nthree" in scene.cell(2)


def test_updates_of_a_display_redraw_the_cell_that_shows_it(scene: Scene) -> None:
    shown = {"output_type": "display_data", "data": {"text/plain": "10 %"}, "metadata": {}}
    scene.take(_output(0, {**shown, "transient": {"display_id": "bar"}}))
    scene.changed()
    update = {"output_type": "update_display_data", "data": {"text/plain": "90 %"}, "transient": {"display_id": "bar"}}
    scene.take(_output(1, update))
    assert 0 in scene.changed()
    assert "90 %" in scene.cell(0)
    assert "10 %" not in scene.cell(0)


def test_a_long_stream_shows_its_end_and_the_file_keeps_less(scene: Scene) -> None:
    for block in range(200):
        scene.take(_stream(0, "".join(f"line {block * 1000 + i}\n" for i in range(1000))))
    live = scene.cell(0)
    assert "line 199999" in live
    assert "line 1000\n" not in live
    assert len(live) < 150_000
    assert "characters before this are not shown here" in live
    assert len(scene.cell(0, SAVED)) < 8_000


def test_many_outputs_show_the_first_and_the_last(scene: Scene) -> None:
    for i in range(500):
        scene.take(
            _output(0, {"output_type": "display_data", "data": {"text/plain": f"display {i} end"}, "metadata": {}})
        )
    drawn = scene.cell(0)
    assert "display 0 end" in drawn
    assert "display 499 end" in drawn
    assert "display 200 end" not in drawn
    assert "440 outputs left out here" in drawn


def test_a_new_attempt_starts_from_nothing(scene: Scene) -> None:
    """What a worker that died had said is no part of the result."""
    scene.take(_stream(0, "from the dead\n"))
    scene.changed()
    scene.take({"type": "started", "n": 2, "body": {}})
    assert scene.changed() == [0]
    assert scene.cells == []


def test_what_the_worker_says_of_cells_that_do_not_exist_is_passed_over(scene: Scene) -> None:
    for cell in (99, -7, "0", None, True):
        scene.take({"type": "output", "n": 1, "body": {"cell": cell, "output": {}}})
    scene.take({"type": "output", "n": 1, "body": "nonsense"})
    assert scene.cells == []


def test_a_task_that_has_not_ended_says_in_the_file_how_to_look_again(scene: Scene) -> None:
    """The notebook may be saved and opened on another day, when nobody knows any more what became of it."""
    saved = scene.saved_html()
    assert "queued" in saved
    assert f"%codalab status {scene.seen.task.id[-8:]}" in saved
    assert "queued" in scene.saved_text()


def test_the_file_does_not_swell(scene: Scene) -> None:
    """Pictures are kept while they are few; beyond that the file points to the executed notebook."""
    import base64

    image = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 400_000).decode()
    for cell in (0, 1, 2):
        for _ in range(2):
            scene.take(_output(cell, {"output_type": "display_data", "data": {"image/png": image}, "metadata": {}}))
    saved = scene.saved_html()
    assert saved.count("<img") == 2
    assert "is in the executed notebook" in saved
    assert len(saved) < 1_600_000


def test_a_batch_is_one_table_that_can_be_sorted(site: Site, tmp_path: Path) -> None:
    """Rows without the metric that one sorts by come last, whichever way."""
    from codalab_nb.frontends.notebook.batch_scene import sorted_by, table

    tasks = [site.run(write(tmp_path / f"{name}.ipynb", "1")) for name in ("b", "a", "c")]
    watch = Watch(site, tasks)
    watch.look()
    for seen, value in zip(watch.seen, (2.0, None, 1.0), strict=True):
        if value is not None:
            seen.metrics = {"score": value}
    told = {seen.task.id: "" for seen in watch.seen}

    def names(by: str, down: bool = False) -> str:
        return "".join(seen.row.label[0] for seen in sorted_by(watch.seen, told, by, down))

    assert names("as submitted") == "bac"
    assert names("method") == "abc"
    assert names("\0score") == "cba"
    assert names("\0score", down=True) == "bca"
    drawn = table(watch.seen, told)
    assert drawn.count("<tr>") == 4
    assert "data set" not in drawn  # a column that would be empty


def test_a_table_that_is_brought_overwrites_nothing() -> None:
    taken = {"genes": 1, "genes_2": 2}
    assert free_name("genes", taken) == "genes_3"
    assert free_name("all genes (sorted)", taken) == "all_genes__sorted"
    assert free_name("2nd", taken) == "table_2nd"
    assert free_name("class", taken) == "table_class"
    assert free_name("max", taken) == "max_2"


def test_only_the_piece_that_changed_is_sent(scene: Scene) -> None:
    """A figure of a cell is sent once, however many lines the cell prints after it."""
    from codalab_nb.frontends.notebook.task_view import CellBox

    png = "iVBORw0KGgo="
    scene.take(_output(0, {"output_type": "display_data", "data": {"image/png": png}, "metadata": {}}))
    box = CellBox(framed=True)
    box.draw(scene.pieces(0))
    figure = box.children[1]
    sent: list[object] = []
    figure.observe(sent.append)
    for i in range(3):
        scene.take(_stream(0, f"line {i}\n"))
        box.draw(scene.pieces(0))
    assert sent == []
    assert box.children[1] is figure
    assert "line 2" in box.children[2].value


def test_metadata_of_a_notebook_cannot_hide_its_failure(site: Site, tmp_path: Path) -> None:
    """Only who made the cell of a `%%codalab` may say that its error stands elsewhere."""
    import json

    path = write(tmp_path / "sly.ipynb", "1 / 0")
    document = json.loads(path.read_text())
    for part in ("x", ["in"], "cell"):
        document["cells"][0]["metadata"]["codalab_part"] = part
        path.write_text(json.dumps(document))
        sly = _scene(site, site.run(path))
        sly.take(_output(0, {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["the trace"]}))
        assert "the trace" in sly.cell(0)
        assert "Cell 1" in sly.cell(0)
