"""The open notebook, saved or not: what would be sent is shown, what is wrong is told in place."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.support.home import wait_for
from tests.support.notebooks import notebook, write
from tests.support.server import JupyterServer

PARAMETERS = """alpha: float = 0.05  # the level
names = ['a', 'b']  # which
n = 3
flag = True
computed = 2 * 3
maybe: int | None = None"""


@pytest.fixture
def folder(server: JupyterServer) -> str:
    name = f"nb-{uuid4().hex[:8]}"
    (server.root / name).mkdir()
    (server.root / name / "data.csv").write_text("a,b\n1,2\n")
    (server.root / name / "large.csv").write_text("x" * 5000)
    return name


def inspected(server: JupyterServer, **body: Any) -> dict[str, Any]:
    reply = server.post("/notebooks/inspect", body)
    assert reply.status == 200, reply.content
    found: dict[str, Any] = reply.json
    return found


def test_what_is_in_the_editor_counts_saved_or_not(server: JupyterServer, folder: str) -> None:
    """Its parameters as a form, the files it reads with sizes and reasons."""
    write(server.root / folder / "n.ipynb", "1")
    content = notebook("import pandas as pd\npd.read_csv('data.csv'); open('large.csv')", parameters=PARAMETERS)
    draft = inspected(server, path=f"{folder}/n.ipynb", content=content)
    assert draft["problems"] == []
    properties = draft["schema"]["properties"]
    assert list(properties) == ["alpha", "names", "n", "flag", "computed", "maybe"]
    assert properties["alpha"] == {"type": "number", "title": "alpha", "description": "the level", "default": 0.05}
    assert [properties[name]["type"] for name in ("n", "flag", "names")] == ["integer", "boolean", "string"]
    assert "default" not in properties["computed"]
    assert draft["values"] == {"alpha": 0.05, "names": "['a', 'b']", "n": 3, "flag": True}
    assert [(file["path"], file["size"], file["why"]) for file in draft["files"]] == [
        ("data.csv", 8, "cell 2: data.csv"),
        ("large.csv", 5000, "cell 2: large.csv"),
    ]
    saved = inspected(server, path=f"{folder}/n.ipynb")
    assert (saved["files"], saved["values"]) == ([], {})


def test_a_file_can_be_left_out(server: JupyterServer, folder: str) -> None:
    content = notebook("open('data.csv'); open('large.csv')")
    body = {"path": f"{folder}/n.ipynb", "content": content, "exclude": ["large.csv"]}
    draft = inspected(server, **body)
    assert [(file["path"], file["packed"]) for file in draft["files"]] == [("data.csv", True), ("large.csv", False)]
    assert draft["total_size"] == 8
    sent = server.post("/tasks", body)
    assert sent.status == 201, sent.content
    inputs = server.get(f"/tasks/{sent.json['tasks'][0]}/provenance").json["inputs"]
    assert [one["path"] for one in inputs] == ["data.csv"]


def test_a_mistake_in_the_parameters_cell_is_told_with_its_line(server: JupyterServer, folder: str) -> None:
    content = notebook("1", parameters="n = 3\nalpha = = 5")
    body = {"path": f"{folder}/n.ipynb", "content": content}
    told = inspected(server, **body)["problems"][0]
    assert (told["code"], told["at"]) == ("param_cell", "cell 1")
    assert "line 2: `alpha = = 5`" in told["message"]
    refused = server.post("/tasks", body)
    assert (refused.status, refused.codes) == (400, ["param_cell"])


def test_typed_values_take_the_types_of_the_cell(server: JupyterServer, folder: str) -> None:
    body = {"path": f"{folder}/n.ipynb", "content": notebook("print(alpha, names)", parameters=PARAMETERS)}
    wrong = inspected(server, **body, parameters={"n": "x", "maybe": "y", "alpha": "0,5"})
    assert [(one["code"], one["at"]) for one in wrong["problems"]] == [("param_value", "n"), ("param_value", "maybe")]
    values = {"alpha": "0,5", "names": '["c"]', "flag": False, "maybe": "4", "n": 3, "computed": ""}
    sent = server.post("/tasks", {**body, "parameters": values})
    assert sent.status == 201, sent.content
    ran = server.get(f"/tasks/{sent.json['tasks'][0]}/provenance").json["parameters"]
    assert ran == {"alpha": 0.5, "names": ["c"], "flag": False, "maybe": 4}


def test_a_click_that_is_sent_twice_makes_one_task(server: JupyterServer, folder: str) -> None:
    """The page lost the answer and asked again."""
    body = {"path": f"{folder}/n.ipynb", "content": notebook("print(2)"), "task": str(uuid4())}
    first, second = server.post("/tasks", body), server.post("/tasks", body)
    assert first.json["tasks"] == second.json["tasks"] == [body["task"]]
    other = server.post("/tasks", {**body, "content": notebook("print(3)")})
    assert (other.status, other.codes) == (409, ["id_conflict"])
    wait_for(lambda: server.get(f"/tasks/{body['task']}").json["state"] == "succeeded")


def test_what_is_no_notebook_is_told_and_not_refused(server: JupyterServer, folder: str) -> None:
    draft = inspected(server, path=f"{folder}/n.ipynb", content={"cells": 3})
    assert (draft["kernel"], draft["files"], draft["problems"][0]["code"]) == ("", [], "nb_version")
    gone = inspected(server, path=f"{folder}/gone.ipynb")
    assert gone["problems"][0]["code"] == "missing_file"


@pytest.mark.parametrize("path", ["../n.ipynb", "a/../../n.ipynb", "", "/"])
def test_no_notebook_outside_of_the_file_browser(server: JupyterServer, path: str) -> None:
    assert server.post("/notebooks/inspect", {"path": path}).status in (400, 404)
    assert server.post("/tasks", {"path": path}).status in (400, 404)


def test_inputs_are_of_the_file_browser_a_data_set_or_a_task(server: JupyterServer, folder: str) -> None:
    body = {"path": f"{folder}/n.ipynb", "content": notebook("print(open(table).read())", parameters='table = ""')}
    assert inspected(server, **body, inputs={"table": "/etc/passwd"})["problems"][0]["at"] == "table"
    assert inspected(server, **body, inputs={"table": "no-such"})["problems"][0]["code"] == "input_unknown"
    draft = inspected(server, **body, inputs={"table": f"{folder}/data.csv"})
    assert draft["problems"] == []
    sent = server.post("/tasks", {**body, "inputs": {"table": f"{folder}/data.csv"}, "limits": {"timeout": "1m"}})
    assert sent.status == 201, sent.content
    task = sent.json["tasks"][0]
    wait_for(lambda: server.get(f"/tasks/{task}").json["state"] == "succeeded")


def test_all_problems_of_running_are_told_at_once(server: JupyterServer, folder: str) -> None:
    content = notebook("1", parameters="alpha = = 1")
    limits = {"timeout": "soon", "memory": "much"}
    refused = server.post("/tasks", {"path": f"{folder}/n.ipynb", "content": content, "limits": limits})
    assert refused.codes == ["timeout", "memory", "param_cell"]
