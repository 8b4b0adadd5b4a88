"""News for open pages: what they hear, in which order, and that they miss nothing whatever is stopped or killed."""

from __future__ import annotations

import itertools
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import websocket

from codalab_nb import Site
from codalab_nb.model.base import new_id
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import State
from codalab_nb.site import embedded
from codalab_nb.site.cleanup import remove_tasks
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.tasks import Task
from tests.support.home import Home, wait_for
from tests.support.notebooks import write
from tests.support.server import JupyterServer, Stream, events_of, has_ended

COUNTING = "import time\nfor i in range({n}):\n    print(i, flush=True)\n    time.sleep({pause})"


def counting(folder: Path, n: int = 5, pause: float = 0.02) -> Path:
    return write(folder / f"{n}.ipynb", COUNTING.format(n=n, pause=pause))


def printed(events: list[dict[str, Any]]) -> str:
    return "".join("".join(event["body"]["output"].get("text", "")) for event in events if event["type"] == "output")


def ended_row(label: str = "x", **more: Any) -> TaskRow:
    """A row that nobody runs."""
    now = time.time()
    given: dict[str, Any] = {
        "id": new_id(), "label": label, "notebook": "n.ipynb", "pool": "local", "submitted_at": now, "deadline": now,
        "max_attempts": 1, "document_sha256": "0" * 64, "state": State.CANCELLED, "finished_at": now,
    }  # fmt: skip
    return TaskRow(**{**given, **more})


def seq_of(server: JupyterServer) -> int:
    return int(server.get("/status").json["seq"])


def states(messages: list[dict[str, Any]], task: str) -> list[str]:
    """The states of a task in the order in which they were told, each once in a row."""
    told = [one["state"] for message in messages if message["type"] == "ledger" for one in message["tasks"]
            if one["task"] == task]  # fmt: skip
    return [state for place, state in enumerate(told) if place == 0 or told[place - 1] != state]


def test_a_task_is_told_from_submit_to_verdict(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    with Stream(server, after=seq_of(server)) as page:
        task = elsewhere.run(counting(tmp_path)).id
        page.watch(task)
        heard = page.until(has_ended(task))
        events = events_of(heard, task)
        assert printed(events) == "0\n1\n2\n3\n4\n"
        assert events[0]["type"] == "started"
        if "succeeded" not in states(heard, task):
            heard += page.until(lambda message: "succeeded" in states([message], task))
        told = states(heard, task)
        assert told[-1] == "succeeded"
        assert set(told) <= {"queued", "running", "succeeded"}
        assert all(a["seq"] < b["seq"] for a, b in itertools.pairwise(events))


def test_what_happened_while_the_page_was_away_is_told_once(server: JupyterServer, elsewhere: Site) -> None:
    before = seq_of(server)
    rows = [ended_row(str(number)) for number in range(120)]
    elsewhere.ledger.accept(rows)
    remove_tasks(elsewhere, [rows[3].id])
    with Stream(server, after=before) as page:
        heard = page.until(lambda message: message["type"] == "ledger" and rows[3].id in message["removed"])
        ledger = [message for message in heard if message["type"] == "ledger"]
        told = [task["task"] for message in ledger for task in message["tasks"]]
        assert told == [row.id for row in rows if row is not rows[3]]
        assert all(len(message["tasks"]) <= 50 for message in ledger)
        again = page.seq
    with Stream(server, after=again) as page:
        new = ended_row("later")
        elsewhere.ledger.accept([new])
        heard = page.until(lambda message: message["type"] == "ledger")
        assert [task["task"] for task in heard[-1]["tasks"]] == [new.id]


def test_without_a_number_only_what_comes_is_told(server: JupyterServer, elsewhere: Site) -> None:
    elsewhere.ledger.accept([ended_row("before")])
    with Stream(server) as page:
        page.until(lambda message: message["type"] == "status")
        new = ended_row("after")
        elsewhere.ledger.accept([new])
        heard = page.until(lambda message: message["type"] == "ledger")
        assert [task["task"] for task in heard[-1]["tasks"]] == [new.id]


@pytest.mark.parametrize("after", [1, 1 << 52, -1, -(10**30), 10**30])
def test_a_number_of_another_ledger_is_answered_by_a_reset(server: JupyterServer, after: int) -> None:
    with Stream(server, after=after) as page:
        reset = page.until(lambda message: message["type"] == "reset")[-1]
        assert reset["seq"] == seq_of(server)


def test_thousands_accepted_at_once(server: JupyterServer, elsewhere: Site) -> None:
    """An open page hears of each; one that was away is told to read its lists again."""
    before = seq_of(server)
    rows = [ended_row(f"many {number}") for number in range(3_000)]
    with Stream(server, after=before) as page:
        page.until(lambda message: message["type"] == "status")
        elsewhere.ledger.accept(rows)
        wanted = {row.id for row in rows}
        heard: set[str] = set()
        while not wanted <= heard:
            message = page.next()
            assert message["type"] != "reset"
            heard |= {task["task"] for task in message.get("tasks", ())}
    with Stream(server, after=before) as page:
        assert page.until(lambda message: message["type"] in ("reset", "ledger"))[-1]["type"] == "reset"


def test_a_page_that_does_not_read_gets_the_newest_word_only(server: JupyterServer, elsewhere: Site) -> None:
    row = ended_row("changes often", state=State.QUEUED, n=1)
    other = ended_row("large", parameters={"text": "x" * 200_000})
    elsewhere.ledger.accept([other])
    options = {"sockopt": ((6, 1, 1), (1, 8, 4096))}  # TCP_NODELAY; SO_RCVBUF: the server soon cannot write
    before = seq_of(server)
    with Stream(server, after=before, **options) as slow, Stream(server, after=before) as quick:
        for number in range(40):
            elsewhere.ledger.accept([ended_row(f"large {number}", parameters={"text": "x" * 200_000})])
        with elsewhere.ledger._database.transaction() as db:  # a row that changes, and that no worker is told of
            db.execute("UPDATE task SET reason = NULL WHERE id = ?", (other.id,))
        for number in range(50):
            reason = f'{{"code": "x", "message": "{number}"}}'
            with elsewhere.ledger._database.transaction() as db:
                db.execute("UPDATE task SET reason = ? WHERE id = ?", (reason, other.id))
            elsewhere.ledger.changes.ring()

        def last(message: dict[str, Any]) -> bool:
            return any((task["why"] or {}).get("message") == "49" for task in message.get("tasks", ()))

        quick.until(last)
        heard = slow.until(last)
        told = [task for message in heard if message["type"] == "ledger" for task in message["tasks"]
                if task["task"] == other.id]  # fmt: skip
        assert len(told) < 10
    assert row.id not in {task["task"] for message in heard for task in message.get("tasks", ())}


def test_events_go_on_after_a_place(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    task = elsewhere.run(counting(tmp_path, 10)).wait()
    with Stream(server) as page:
        page.watch(task.id)
        everything = events_of(page.until(has_ended(task.id)), task.id)
        middle = everything[len(everything) // 2]
        page.watch(task.id, middle["n"], middle["seq"])
        rest = events_of(page.until(has_ended(task.id)), task.id)
    assert rest == [event for event in everything if event["seq"] > middle["seq"]]


def test_the_live_notebook_and_the_stream_join_without_gap_or_repeat(
    server: JupyterServer, elsewhere: Site, tmp_path: Path
) -> None:
    task = elsewhere.run(counting(tmp_path, 30, 0.03))

    def live() -> dict[str, Any]:
        found: dict[str, Any] = server.get(f"/tasks/{task.id}/notebook").json
        return found

    def texts(found: dict[str, Any]) -> str:
        return "".join("".join(output["text"]) for cell in found["notebook"]["cells"] for output in cell["outputs"])

    begun = wait_for(lambda: found if "3\n" in texts(found := live()) else None)
    assert begun["state"] == "running"
    assert begun["cell"] == 0
    with Stream(server) as page:
        page.watch(task.id, begun["n"], begun["seq"])
        rest = events_of(page.until(has_ended(task.id)), task.id)
    assert texts(begun) + printed(rest) == "".join(f"{number}\n" for number in range(30))
    ended = live()
    assert ended["state"] == "succeeded"
    assert texts(ended) == texts(begun) + printed(rest)
    assert ended["cell"] is None


def test_a_task_that_is_removed_elsewhere(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    task = elsewhere.run(counting(tmp_path)).wait()
    with Stream(server, after=seq_of(server)) as page:
        remove_tasks(elsewhere, [task.id])
        page.until(lambda message: message["type"] == "ledger" and task.id in message["removed"])
        page.watch(task.id)
        assert events_of(page.until(has_ended(task.id)), task.id) == []
    for path in (f"/tasks/{task.id}", f"/tasks/{task.id}/notebook", f"/tasks/{task.id}/log"):
        reply = server.get(path)
        assert (reply.status, reply.codes) == (404, ["task_unknown"])


def test_progress_and_places_in_the_queue(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    """Two run at a time here: whoever waits knows its place, and hears when it moves up."""
    notebook = counting(tmp_path, 10, 0.1)
    with Stream(server, after=seq_of(server)) as page:
        tasks = [elsewhere.run(notebook).id for _ in range(5)]
        places: dict[str, list[int]] = {task: [] for task in tasks}
        cells: set[tuple[int, int]] = set()
        times = []
        done: set[str] = set()
        while len(done) < len(tasks):
            message = page.next()
            if message["type"] == "progress":
                times.append(time.monotonic())
                for one in message["tasks"]:
                    if one["place"]:
                        places[one["task"]].append(one["place"])
                    if one["cell"]:
                        cells.add((one["cell"], one["cells"]))
            if message["type"] == "ledger":
                done |= {one["task"] for one in message["tasks"] if one["state"] == "succeeded"} & set(tasks)
        assert places[tasks[-1]][0] >= 2
        assert places[tasks[-1]] == sorted(places[tasks[-1]], reverse=True)
        assert cells == {(1, 1)}


def test_data_sets_added_elsewhere(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("gene,a1,a2,b1,b2\n" + "".join(f"g{n},{n},{n + 1},{n * 2},{n * 3}\n" for n in range(1, 40)))
    with Stream(server) as page:
        page.until(lambda message: message["type"] == "status")
        elsewhere.add_dataset(table, name="elsewhere")
        page.until(lambda message: message["type"] == "datasets")


def test_a_line_that_is_no_event_harms_neither_its_page_nor_the_others(
    server: JupyterServer, elsewhere: Site, tmp_path: Path
) -> None:
    """The lines of an attempt are written by whoever runs it."""
    task = elsewhere.run(counting(tmp_path))
    task.wait()
    n, seq = task.row.n, 10**6
    odd: list[dict[str, Any]] = [{"type": []}, {"type": {}}, {"seq": "x"}, {"seq": f"{seq}"}, {"n": float(n)},
                                 {"at": 7}, {"body": []}, {"body": None}]  # fmt: skip
    lines = [json.dumps({"n": n, "seq": seq + i, "at": "2026-01-01T00:00:00Z", "type": "metric", "body": {}, **one})
             for i, one in enumerate(odd)]  # fmt: skip
    lines += ['{"n":1,"seq":1e400}', '{"n":1,"seq":NaN}', '"seq"', "[1]"]
    place = elsewhere.store_of(task.id).folder(TaskNames(task.id).events(n))
    assert place is not None
    with place.open("ab") as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
    with Stream(server) as other, Stream(server) as page:
        other.until(lambda message: message["type"] == "status")
        page.watch(task.id)
        heard = page.until(has_ended(task.id))
        assert printed(events_of(heard, task.id)) == "0\n1\n2\n3\n4\n"
        new = ended_row("still told")
        elsewhere.ledger.accept([new])
        other.until(lambda message: message["type"] == "ledger" and message["tasks"][0]["task"] == new.id)
    for view in ("notebook", "log"):
        assert server.get(f"/tasks/{task.id}/{view}").status == 200


def test_what_a_page_may_not_say_closes_it(server: JupyterServer) -> None:
    for said in ("{", '{"type": "nothing"}', '{"type": "watch", "task": "../x"}', '{"type": "hello", "after": "x"}'):
        with Stream(server, hello=False) as page:
            page.socket.send(said)
            opcode, data = page.socket.recv_data()
            assert opcode == websocket.ABNF.OPCODE_CLOSE
            assert int.from_bytes(data[:2], "big") == 1003


# --- what is stopped and killed


def test_a_page_goes_on_after_a_restart_of_the_server(own_server: JupyterServer, tmp_path: Path) -> None:
    with own_server.home.site(serve=True) as site:
        task = site.run(counting(tmp_path, 60, 0.05)).id
        with Stream(own_server, after=seq_of(own_server)) as page:
            page.watch(task)
            heard = page.until(lambda message: "3" in printed(events_of([message], task)))
            seq = page.seq
        first = events_of(heard, task)
        own_server.kill()
        own_server.start()
        with Stream(own_server, after=seq) as page:
            page.watch(task, first[-1]["n"], first[-1]["seq"])
            heard = page.until(has_ended(task))
            second = events_of(heard, task)
            assert printed(first + second) == "".join(f"{number}\n" for number in range(60))
            if "succeeded" not in states(heard, task):
                page.until(lambda message: "succeeded" in states([message], task))


def test_a_killed_background_process(own_server: JupyterServer, tmp_path: Path) -> None:
    """Another one is started without being asked for, and attempt 2 is heard after attempt 1."""
    home = own_server.home
    with home.site(serve=True) as site:
        task = site.run(counting(tmp_path, 40, 0.05)).id
        with Stream(own_server, after=seq_of(own_server)) as page:
            page.watch(task)
            page.until(lambda message: "1" in printed(events_of([message], task)))
            holder = embedded.current(home.places)
            assert holder is not None
            os.kill(holder.pid, signal.SIGKILL)
            heard = page.until(has_ended(task))
            events = events_of(heard, task)
            last = [event for event in events if event["n"] == 2]
            assert last[0]["type"] == "started"
            assert printed(last) == "".join(f"{number}\n" for number in range(40))
        assert Task(site, task).attempts == 2


def test_a_worker_that_takes_no_work_is_told(tmp_path: Path) -> None:
    with Home(tmp_path / "home") as home, JupyterServer(tmp_path, home) as server, Stream(server) as page:
        page.until(lambda message: message["type"] == "status")
        lock = embedded.take_lock(home.places.lock, wait_s=1)
        assert lock is not None
        embedded.write_holder(lock, "the disk is full")
        told = page.until(lambda message: message["type"] == "status")[-1]["status"]
        assert told["stuck"] == "No work is taken: the disk is full."
        os.close(lock)
        told = page.until(lambda message: message["type"] == "status")[-1]["status"]
        assert told["stuck"] is None
