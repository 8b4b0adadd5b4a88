"""The live notebook and its stream, where it is hard: too much output, hostile output, attempts, no result at all."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from codalab_nb import Site
from codalab_nb.frontends.server.feed_watch import Watch
from codalab_nb.frontends.server.outgoing import plain
from codalab_nb.frontends.server.wire.events import WatchTask
from codalab_nb.model.names import TaskNames
from tests.support.home import wait_for
from tests.support.notebooks import write
from tests.support.server import JupyterServer, Stream, events_of, has_ended

MB = 1 << 20


def live(server: JupyterServer, task: str) -> dict[str, Any]:
    reply = server.get(f"/tasks/{task}/notebook")
    assert reply.status == 200, reply.content
    found: dict[str, Any] = json.loads(reply.content, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    return found


def texts(cell: dict[str, Any]) -> str:
    return "".join("".join(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream")


def test_a_million_lines_and_100_mb(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    """A page, its notebook and its log stay of a size that a browser takes; the server's memory does not follow."""
    flood = "for i in range(1_000_000):\n    print(i, 'and more of it')"
    large = "print('x' * 100_000_000)"
    with Stream(server) as page:
        page.until(lambda message: message["type"] == "status")
        process = psutil.Process(server.pid)
        before = process.memory_info().rss
        task = elsewhere.run(write(tmp_path / "n.ipynb", flood, large, "print('the end')")).id
        page.watch(task)
        heard = page.until(has_ended(task))
        events = events_of(heard, task)
    assert "truncated by codalab_nb" in json.dumps(events, ensure_ascii=False)
    assert sum(len(json.dumps(message)) for message in heard) < 20 * MB
    assert max(len(json.dumps(message)) for message in heard) < 3 * MB
    notebook = server.get(f"/tasks/{task}/notebook")
    assert (notebook.json["state"], notebook.json["truncated"]) == ("succeeded", True)
    assert len(notebook.content) < 20 * MB
    log = server.get(f"/tasks/{task}/log")
    assert len(log.content) < 5 * MB
    assert process.memory_info().rss - before < 300 * MB


def test_before_the_run(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    """A task that waits shows the notebook as it will be run, without the outputs it was saved with."""
    path = write(tmp_path / "n.ipynb", "y = x", parameters="x = 1")
    saved = json.loads(path.read_text())
    saved["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "from another day"}]
    path.write_text(json.dumps(saved))
    sleepers = [elsewhere.run(write(tmp_path / f"{n}.ipynb", "import time\ntime.sleep(60)")) for n in range(3)]
    task = elsewhere.run(path, parameters={"x": 5})
    found = live(server, task.id)
    assert (found["state"], found["n"], found["seq"], found["cell"]) == ("queued", 0, 0, None)
    assert [cell["source"] for cell in found["notebook"]["cells"]] == ["x = 5", "x = 1", "y = x"]
    assert found["offset"] == 1
    assert all(cell["outputs"] == [] for cell in found["notebook"]["cells"])
    for one in (*sleepers, task):
        one.cancel()


def test_what_a_cancelled_task_printed_stays(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", "print('before')", "import time\ntime.sleep(60)")
    task = elsewhere.run(path)
    with Stream(server) as page:
        page.watch(task.id)
        page.until(lambda message: any(event["body"].get("cell") == 1 for event in events_of([message], task.id)))
        found = live(server, task.id)
        assert (found["state"], found["cell"]) == ("running", 1)
        task.cancel()
        page.until(has_ended(task.id))
    found = live(server, task.id)
    assert (found["state"], found["cell"]) == ("cancelled", None)
    assert found["why"]["code"] == "cancelled"
    assert texts(found["notebook"]["cells"][0]) == "before\n"


def test_a_failed_cell_is_named(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    task = elsewhere.run(write(tmp_path / "n.ipynb", "x = 1", "x / 0", "print('never')")).wait()
    found = live(server, task.id)
    assert found["state"] == "failed"
    assert found["why"]["cell"] == 2
    failed = [
        cell for cell in found["notebook"]["cells"] if any(one["output_type"] == "error" for one in cell["outputs"])
    ]
    assert [cell["source"] for cell in failed] == ["x / 0"]
    kinds = [(line["kind"], line["cell"]) for line in server.get(f"/tasks/{task.id}/log").json["lines"]]
    assert ("output", 2) in kinds


HOSTILE = """
from IPython.display import display
deep = []
for _ in range(400):
    deep = [deep]
for data in (
    {"application/json": {"nan": float("nan"), "inf": float("inf")}},
    {"application/json": {"text": "\\ud800 alone"}},
    {"application/json": deep},
    {"text/html": "<img src=x onerror=alert(1)>", "text/plain": 5},
):
    try:
        display(data, raw=True)
    except Exception as error:
        print("the kernel itself refuses", type(error).__name__)
print("\\x1b]0;title\\x07\\x1b[31mred\\x1b[0m \\u202e\\x00")
print("end of it")
"""


def test_hostile_outputs_travel_as_json_that_browsers_read(
    server: JupyterServer, elsewhere: Site, tmp_path: Path
) -> None:
    """NaN, lone surrogates and endless depth would keep a page from reading anything at all."""
    with Stream(server) as page:
        task = elsewhere.run(write(tmp_path / "n.ipynb", HOSTILE)).id
        page.watch(task)
        heard = page.until(has_ended(task))
    told = json.dumps(events_of(heard, task))
    assert "NaN" not in told
    assert "Infinity" not in told
    assert "end of it" in texts(live(server, task)["notebook"]["cells"][0])
    assert any("end of it" in line["text"] for line in server.get(f"/tasks/{task}/log").json["lines"])


def test_plain() -> None:
    deep: Any = "bottom"
    for _ in range(2_000):
        deep = {"x": [deep]}
    made = plain({"a": float("nan"), "b": "\ud800", "c": deep, "d": [1, True, None, 1.5, "ö"]})
    assert made["a"] is None
    assert made["b"] == "?"
    assert made["d"] == [1, True, None, 1.5, "ö"]
    json.dumps(made, allow_nan=False)


def test_only_the_last_attempt_is_shown(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    task = elsewhere.run(write(tmp_path / "n.ipynb", "print('said')")).wait()
    names = TaskNames(task.id)
    attempts = server.home.places.store / names.folder / "attempts"
    events = [json.loads(line) for line in (attempts / "1/events.000.jsonl").read_text().splitlines()]
    (attempts / "2").mkdir()
    (attempts / "2/claim.json").write_text("{}")
    second = [{**event, "n": 2} for event in events if event["type"] in ("started", "cell_started")]
    lines = "".join(json.dumps(event) + "\n" for event in second)
    (attempts / "2/events.000.jsonl").write_text(lines + '{"half a li')
    assert task.notebook is not None
    task.notebook.unlink()
    found = live(server, task.id)
    assert (found["n"], found["seq"]) == (2, second[-1]["seq"])
    assert texts(found["notebook"]["cells"][0]) == ""
    with Stream(server) as page:
        page.watch(task.id)
        heard = events_of(page.until(has_ended(task.id)), task.id)
        assert [event["n"] for event in heard] == sorted(event["n"] for event in heard)
        assert {event["n"] for event in heard} == {1, 2}
        page.watch(task.id, 2, second[0]["seq"])
        rest = events_of(page.until(has_ended(task.id)), task.id)
        assert [(event["n"], event["seq"]) for event in rest] == [(2, event["seq"]) for event in second[1:]]


def test_a_task_of_a_pool_far_away_is_read_beside(elsewhere: Site, tmp_path: Path) -> None:
    """The same events, in order, each once; and the thread that reads them ends with the watch."""
    task = elsewhere.run(write(tmp_path / "n.ipynb", *(f"print({n})" for n in range(5))))
    woken = threading.Event()
    watch = Watch(elsewhere, WatchTask(task=task.id), woken.set, far=True)
    heard: list[dict[str, Any]] = []
    while not (heard and heard[-1]["ended"]):
        watch.due = True
        if (message := watch.message()) is not None:
            heard.append(json.loads(message))
        else:
            assert woken.wait(60)
            woken.clear()
    events = [event for message in heard for event in message["events"]]
    printed = "".join(event["body"]["output"]["text"] for event in events if event["type"] == "output")
    assert printed == "0\n1\n2\n3\n4\n"
    again = Watch(elsewhere, WatchTask(task=elsewhere.run(write(tmp_path / "s.ipynb", "1")).id), woken.set, far=True)
    again.close()
    wait_for(lambda: not [one for one in threading.enumerate() if one.name == "codalab-far"])
