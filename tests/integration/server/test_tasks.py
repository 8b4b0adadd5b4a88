"""Tasks and batches over the REST interface: lists, one in full, many at once, again, tables."""

from __future__ import annotations

import csv
import io
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from codalab_nb import Site
from codalab_nb.model.base import new_id
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import Reason, State
from codalab_nb.site.ledger import TaskRow
from codalab_nb.site.tasks import Batch
from tests.support.home import wait_for
from tests.support.notebooks import write
from tests.support.server import JupyterServer

TABLE = "gene," + ",".join(f"{group}{n}" for group in ("ctrl", "drug") for n in range(1, 5)) + "\n"


def ended_row(**more: Any) -> TaskRow:
    now = time.time()
    given: dict[str, Any] = {
        "id": new_id(), "label": "x", "notebook": "n.ipynb", "pool": "local", "submitted_at": now, "deadline": now,
        "max_attempts": 1, "document_sha256": "0" * 64, "state": State.CANCELLED, "finished_at": now,
    }  # fmt: skip
    return TaskRow(**{**given, **more})


@pytest.fixture(scope="module")
def batch(elsewhere: Site, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """One data set × PCA × two values of a parameter: two tasks that ended."""
    path = tmp_path_factory.mktemp("data") / "small.csv"
    rows = (f"GENE{n}," + ",".join(str(8 + (n * 7 + k * 3) % 11 + (k > 3)) for k in range(8)) for n in range(300))
    path.write_text(TABLE + "\n".join(rows) + "\n")
    document = elsewhere.add_dataset(path, name="again", accept=True)
    elsewhere.add_dataset(path, name="gone", accept=True)
    return elsewhere.analyze([document.reference], ["pca-overview"], sweep={"pca-overview.top_genes": [50, 100]}).wait()


@pytest.fixture(scope="module")
def failed(elsewhere: Site, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = write(tmp_path_factory.mktemp("nb") / "fails.ipynb", "x = 1", "raise ValueError('=1+1 is no number')")
    return elsewhere.run(path).wait()


def page_of(server: JupyterServer, **query: Any) -> dict[str, Any]:
    reply = server.get("/tasks", **query)
    assert reply.status == 200, reply.content
    found: dict[str, Any] = reply.json
    return found


# --- lists


def test_pages_of_the_list(server: JupyterServer, elsewhere: Site) -> None:
    name = f"mine{new_id()[-6:]}"
    rows = [ended_row(notebook=f"{name}.ipynb", submitted_at=time.time() + n, label=f"{name} {n}") for n in range(25)]
    elsewhere.ledger.accept(rows)
    found, before = [], None
    while True:
        page = page_of(server, q=name, limit=10, before=before)
        assert page["total"] == 25
        found += [task["task"] for task in page["tasks"]]
        before = page["next"]
        if before is None:
            break
    assert found == [row.id for row in reversed(rows)]


def test_filters_of_the_list(server: JupyterServer, batch: Batch, failed: Any) -> None:
    assert {task["task"] for task in page_of(server, batch=batch.id)["tasks"]} == {task.id for task in batch}
    assert failed.id in {task["task"] for task in page_of(server, state=["failed", "lost"])["tasks"]}
    assert {task["state"] for task in page_of(server, state="failed")["tasks"]} == {"failed"}
    title = page_of(server, method="pca-overview")["tasks"][0]["title"]
    assert page_of(server, q=title.split()[0].lower(), dataset="again")["total"] >= 2  # a title is what people see
    assert page_of(server, q="no such words anywhere")["tasks"] == []


@pytest.mark.parametrize(
    "query", [{"state": "asleep"}, {"limit": "many"}, {"before": "yesterday"}, {"before": "1_x_y"}]
)
def test_a_list_that_cannot_be_given(server: JupyterServer, query: dict[str, str]) -> None:
    reply = server.get("/tasks", **query)
    assert (reply.status, reply.codes) == (400, ["request"])


def test_a_running_task_says_how_far_it_is(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    path = write(tmp_path / "n.ipynb", "x = 1", "import time\ntime.sleep(60)", "y = 2")
    task = elsewhere.run(path)

    def far() -> Any:
        one = next(one for one in page_of(server)["tasks"] if one["task"] == task.id)
        return one if one["progress"] and one["progress"]["cell"] == 2 else None

    one = wait_for(far)
    assert one["state"] == "running"
    assert one["progress"]["cells"] == 3
    assert one["progress"]["running_s"] >= 0
    task.cancel()
    one = next(one for one in page_of(server)["tasks"] if one["task"] == task.id)
    assert (one["state"], one["progress"]) == ("cancelled", None)


def test_one_in_full(server: JupyterServer, failed: Any) -> None:
    found = server.get(f"/tasks/{failed.id}").json
    assert found["state"] == "failed"
    assert found["why"]["cell"] == 2
    assert found["why"]["code"] == "cell_error"
    assert [step["step"] for step in found["history"]][-1] == "failed"
    assert found["kernel"] == "python3"
    assert found["damage"] == []
    assert Path(found["folder"]).is_dir()


def test_a_damaged_result_is_told(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    task = elsewhere.run(write(tmp_path / "n.ipynb", "print('made')")).wait()
    assert task.notebook is not None
    task.notebook.chmod(0o600)
    task.notebook.write_bytes(b"{}")
    assert server.get(f"/tasks/{task.id}").json["damage"]
    # What the worker said while it ran is still there to be seen.
    notebook = server.get(f"/tasks/{task.id}/notebook").json
    assert notebook["notebook"]["cells"][0]["outputs"][0]["text"] == "made\n"


def test_unknown_ones(server: JupyterServer) -> None:
    for path in ("/tasks/{}", "/tasks/{}/notebook", "/tasks/{}/log", "/tasks/{}/again"):
        for task in (new_id(), "x", new_id().upper(), "@last"):
            reply = server.get(path.format(task))
            assert (reply.status, reply.codes) == (404, ["task_unknown"]), path
    for path in ("/batches/{}", "/batches/{}/again", "/batches/{}/table.csv"):
        reply = server.get(path.format(new_id()))
        assert (reply.status, reply.codes) == (404, ["batch_unknown"])


# --- many at once


def act(server: JupyterServer, action: str, *tasks: str, **more: Any) -> dict[str, Any]:
    reply = server.post("/tasks/act", {"action": action, "tasks": tasks, **more})
    assert reply.status == 200, reply.content
    found: dict[str, Any] = reply.json
    return found


def test_each_has_its_own_outcome(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    sleeping = elsewhere.run(write(tmp_path / "n.ipynb", "import time\ntime.sleep(60)")).id
    done, unknown = ended_row(), new_id()
    elsewhere.ledger.accept([done])
    removed = act(server, "remove", sleeping, done.id, unknown, done.id)["tasks"]
    assert [(one["task"], one["done"]) for one in removed] == [(sleeping, False), (done.id, True), (unknown, False)]
    assert "Cancel it first" in removed[0]["message"]
    assert [one["done"] for one in act(server, "cancel", sleeping)["tasks"]] == [True]
    again = act(server, "cancel", sleeping)["tasks"][0]
    assert (again["done"], again["message"]) == (False, "It had ended before: cancelled.")


def test_retry_of_what_failed_in_a_batch(server: JupyterServer, batch: Batch, failed: Any) -> None:
    assert act(server, "retry", batches=[batch.id], failed_only=True) == {"tasks": [], "batch": None}
    found = act(server, "retry", failed.id, batches=[batch.id])
    assert [one["done"] for one in found["tasks"]] == [True, True, True]
    new = [one["new_task"] for one in found["tasks"]]
    told = {task["task"]: task for task in page_of(server, limit=500)["tasks"]}
    assert [told[task]["retry_of"] for task in new] == [failed.id, *(task.id for task in batch)]
    assert len({told[task]["batch"] for task in new[1:]}) == 1
    act(server, "cancel", *new)


def test_retry_where_the_bundle_has_gone(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    row = ended_row()
    elsewhere.ledger.accept([row])
    one = act(server, "retry", row.id)["tasks"][0]
    assert (one["done"], one["message"]) == (False, "What was submitted is not stored any more.")


def test_thousands_at_once_hold_up_nobody(server: JupyterServer, elsewhere: Site) -> None:
    """While one request cancels, others are answered."""
    rows = [ended_row(state=State.QUEUED, finished_at=None, deadline=time.time() + 3600) for _ in range(1_500)]
    for row in rows:
        (server.home.places.store / TaskNames(row.id).folder).mkdir(parents=True)
    elsewhere.ledger.accept(rows)
    answer: list[dict[str, Any]] = []
    asking = threading.Thread(target=lambda: answer.append(act(server, "cancel", *(row.id for row in rows))))
    asking.start()
    answered = 0
    while asking.is_alive():
        assert server.get("/status").status == 200
        answered += 1
    asking.join()
    assert answered > 5
    assert all(one["done"] for one in answer[0]["tasks"])
    assert [one["task"] for one in answer[0]["tasks"]] == [row.id for row in rows]
    left = act(server, "remove", *(row.id for row in rows))
    assert all(one["done"] for one in left["tasks"])


def test_what_cannot_be_asked_for(server: JupyterServer) -> None:
    for body in ({"action": "sell", "tasks": []}, {"tasks": []}, {"action": "cancel", "jobs": []}, [], None, 1):
        reply = server.post("/tasks/act", body)
        assert reply.status == 400
        assert set(reply.codes) == {"request"}
    reply = server.post("/tasks/act", {"action": "cancel", "batches": [new_id()]})
    assert (reply.status, reply.codes) == (404, ["batch_unknown"])


# --- copy and change


def test_the_choices_of_a_task_and_of_a_batch(server: JupyterServer, elsewhere: Site, batch: Batch) -> None:
    task = server.get(f"/tasks/{batch.tasks[0].id}/again").json
    assert task["kind"] == "analysis"
    assert task["datasets"] == ["again@1"]
    assert task["methods"] == ["pca-overview"]
    assert task["own"]["pca-overview"]["top_genes"] == 50
    assert task["notes"] == []
    whole = server.get(f"/batches/{batch.id}/again").json
    assert "top_genes" not in whole["own"]["pca-overview"]
    assert [note["code"] for note in whole["notes"]] == ["differed"]


def test_what_is_not_as_it_was_is_told(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    task = elsewhere.analyze(["gone"], ["pca-overview"]).tasks[0]
    other = tmp_path / "other.csv"
    other.write_text(TABLE + "\n".join(f"G{n}," + ",".join("12345678") for n in range(40)) + "\n")
    elsewhere.add_dataset(other, name="gone")
    found = server.get(f"/tasks/{task.id}/again").json
    assert [note["code"] for note in found["notes"]] == ["dataset_newer"]
    assert found["datasets"] == ["gone@1"]
    elsewhere.catalog.remove("gone")
    found = server.get(f"/tasks/{task.id}/again").json
    assert [note["code"] for note in found["notes"]] == ["dataset_gone"]
    assert found["datasets"] == []


def test_the_choices_of_a_notebook(server: JupyterServer, elsewhere: Site) -> None:
    inside = write(server.root / "inside.ipynb", "y = x", parameters="x = 1")
    task = elsewhere.run(inside, parameters={"x": 5})
    found = server.get(f"/tasks/{task.id}/again").json
    assert (found["kind"], found["notebook"], found["parameters"]) == ("notebook", "inside.ipynb", {"x": 5})
    inside.unlink()
    found = server.get(f"/tasks/{task.id}/again").json
    assert found["notebook"] is None
    assert [note["code"] for note in found["notes"]] == ["notebook_gone"]


# --- batches


def test_the_table_of_a_batch(server: JupyterServer, batch: Batch) -> None:
    found = server.get(f"/batches/{batch.id}").json
    assert found["datasets"] == ["again@1"]
    assert found["methods"] == ["pca-overview"]
    assert found["varying"] == ["top_genes"]
    assert [cell["task"]["task"] for cell in found["cells"]] == [task.id for task in batch]
    assert all(cell["figure"].endswith(".png") for cell in found["cells"])
    reported = set(found["cells"][0]["task"]["metrics"])
    assert reported
    assert {column["name"] for column in found["metrics"]} == reported
    assert all(column["title"] for column in found["metrics"])


def test_the_table_as_csv(server: JupyterServer, batch: Batch, elsewhere: Site) -> None:
    reply = server.get(f"/batches/{batch.id}/table.csv")
    assert reply.status == 200
    assert reply.headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"))))
    assert [row["top_genes"] for row in rows] == ["50", "100"]
    assert {row["state"] for row in rows} == {"succeeded"}


def test_text_that_a_spreadsheet_would_run(server: JupyterServer, elsewhere: Site) -> None:
    """What a notebook wrote stands in somebody's spreadsheet; -1 as a number stays one."""
    name = new_id()
    evil = '=HYPERLINK("http://evil")'
    elsewhere.ledger.accept(
        [
            ended_row(
                batch=name, label=evil, parameters={"a": "+1", "n": n}, state=State.FAILED, metrics={"score": -1.5},
                reason=Reason(code="cell_error", message="@SUM(A1)\nmore", cell=0), position=n,
            )
            for n in (-1, 2)
        ]
    )  # fmt: skip
    text = server.get(f"/batches/{name}/table.csv").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["method"] == f"'{evil}"
    assert rows[0]["n"] == "-1"
    assert rows[0]["score"] == "-1.5"
    assert rows[0]["why"] == "cell 1: @SUM(A1)"
