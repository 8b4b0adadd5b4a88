"""The table of routes, the document made from it, and a real server: all three say the same.

The property tests stand for any client: whatever is asked for, the answer is one that the document promises, and never
a fault of ours.
"""

from __future__ import annotations

import json
import re
import string
import threading
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jupyter_server.serverapp import ServerApp

import codalab_nb
from codalab_nb import Site
from codalab_nb.frontends.server import app, openapi
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.events import EventsHandler
from codalab_nb.frontends.server.handlers import Pools, address
from codalab_nb.frontends.server.operations import OPERATIONS, operation, path_parameters
from codalab_nb.frontends.server.routes import BYTES, PREFIX, ROUTES, Route
from tests.support.home import Home
from tests.support.notebooks import write
from tests.support.server import JupyterServer, Reply, Stream, has_ended, segment

QUICK = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
READING = [route for route in ROUTES if route.verb == "GET"]


def named(routes: list[Route]) -> Any:
    return pytest.mark.parametrize("route", routes, ids=[route.operation for route in routes])


# --- the table


def test_each_route_has_one_operation_and_one_handler(tmp_path: Path) -> None:
    assert set(OPERATIONS) == {route.operation for route in ROUTES}
    assert len(ROUTES) == len({route.operation for route in ROUTES}) == len({(one.verb, one.path) for one in ROUTES})
    server = ServerApp(root_dir=str(tmp_path))
    extension = app.Extension(server)
    handlers = extension.handlers("/")
    extension.close()
    for route in ROUTES:
        asked = PREFIX + re.sub(r"{(\w+)}", "x", route.path)
        first = next(given for pattern, _, given in handlers if re.fullmatch(pattern, asked))
        assert first["verbs"][route.verb].route is route
    assert sum(kind is EventsHandler for _, kind, _ in handlers) == 1


def test_an_operation_takes_what_its_route_names() -> None:
    with pytest.raises(TypeError, match="getTask"):

        @operation("getTask")
        def wrong(context: Context, name: str) -> None: ...


def test_addresses() -> None:
    assert re.fullmatch(address("/tasks/{task}/files/{path}"), "/tasks/a/files/b/c.png")
    assert not re.fullmatch(address("/tasks/{task}/report.html"), "/tasks/a/reportXhtml")
    assert not re.fullmatch(address("/tasks/{task}"), "/tasks/a/b")


def test_the_document_is_what_the_table_says() -> None:
    """After a change: python -m codalab_nb.frontends.server.openapi"""
    assert json.loads(openapi.FILE.read_text(encoding="utf-8")) == openapi.document()


def test_the_document_is_served(server: JupyterServer) -> None:
    assert server.get("/openapi.json").json == openapi.document()


def test_the_extension_names_itself() -> None:
    assert {"module": "codalab_nb"} in codalab_nb._jupyter_server_extension_points()


# --- answers


@cache
def validator(name: str) -> Draft202012Validator:
    document = openapi.document()
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": document["components"]})


def promised(route: Route, reply: Reply) -> None:
    """The answer is one that the document promises for this route."""
    assert reply.status < 500, (route.operation, reply.status, reply.content[:500], "see the log of the server")
    if reply.status >= 400:
        validator("Failure").validate(reply.json)
        assert all(problem["message"] for problem in reply.json["errors"])
        assert b"Traceback" not in reply.content
    else:
        assert reply.status == route.status
        if isinstance(route.answer, str):
            assert reply.headers["X-Content-Type-Options"] == "nosniff"
        else:
            assert reply.headers["Content-Type"] == "application/json"
            validator(route.answer.__name__).validate(reply.json)


@pytest.fixture(scope="module")
def known(elsewhere: Site, server: JupyterServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Names of things that are there: an analysis that ended, a notebook that failed."""
    folder = tmp_path_factory.mktemp("known")
    table = folder / "known.csv"
    head = "gene," + ",".join(f"{group}{n}" for group in ("ctrl", "drug") for n in range(1, 5))
    rows = (f"GENE{n}," + ",".join(str(8 + (n * 7 + k * 3) % 11) for k in range(8)) for n in range(200))
    table.write_text(head + "\n" + "\n".join(rows) + "\n")
    document = elsewhere.add_dataset(table, name="known", accept=True)
    batch = elsewhere.analyze([document.reference], ["pca-overview"]).wait()
    failed = elsewhere.run(write(folder / "fails.ipynb", "print('x')", "1 / 0")).wait()
    return {
        "task": [batch.tasks[0].id, failed.id],
        "batch": [batch.id],
        "reference": ["known", "known@1"],
        "method": ["pca-overview"],
        "path": batch.tasks[0].files,
        "upload": [str(uuid.uuid4())],
    }


def paths(route: Route, known: dict[str, list[str]]) -> Iterator[str]:
    """The route's path with what is there; and with each of the files."""
    names = path_parameters(route)
    count = len(known[names[-1]]) if names else 1
    for place in range(count):
        values = {name: known[name][place if name == names[-1] else 0] for name in names}
        yield re.sub(r"{(\w+)}", lambda match, values=values: "/".join(map(segment, values[match[1]].split("/"))),
                     route.path)  # fmt: skip


@named(READING)
def test_answers_are_as_the_document_says(server: JupyterServer, route: Route, known: dict[str, list[str]]) -> None:
    statuses = []
    for path in paths(route, known):
        reply = server.get(path)
        promised(route, reply)
        statuses.append(reply.status)
    if route.operation not in ("getReport", "recommend"):  # nobody asked for one; for which data set?
        assert 200 in statuses, statuses


TEXT = st.text(max_size=30) | st.sampled_from(
    ["0", "-1", "99999999999", "1e9", "true", "[]", "succeeded", "known", "../x"]
)


@named([route for route in READING if route.query])
@given(data=st.data())
@QUICK
def test_any_query(server: JupyterServer, route: Route, known: dict[str, list[str]], data: st.DataObject) -> None:
    path = next(paths(route, known))
    query = {one.name: data.draw(st.lists(TEXT, max_size=3)) for one in route.query}
    promised(route, server.get(path, **{name: [plain(one) for one in values] for name, values in query.items()}))


def plain(text: str) -> str:
    return text.encode("utf-8", "ignore").decode()


@named([route for route in ROUTES if path_parameters(route) and route.verb == "GET"])
@given(data=st.data())
@QUICK
def test_any_name(server: JupyterServer, route: Route, data: st.DataObject) -> None:
    name = st.text(min_size=1, max_size=30).map(plain).filter(lambda text: text.strip(". /") != "")
    path = re.sub(r"{(\w+)}", lambda _: segment(data.draw(name)), route.path)
    promised(route, server.get(path))


NAMES = st.text(string.ascii_letters, max_size=8)
LEAVES = st.sampled_from([None, True, 0, -1, 2**70, 1.5, "", "known", "pca-overview"]) | st.text(max_size=12)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)


def bodies(route: Route) -> st.SearchStrategy[Any]:
    """Anything; and objects that have the right names, with anything in them."""
    assert isinstance(route.request, type)
    names = {field.alias or name for name, field in route.request.model_fields.items()}
    return JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(names, JSON))


# Not those that would submit or remove what other tests look at: what they refuse has tests of its own.
@named([route for route in ROUTES if isinstance(route.request, type)])
@given(data=st.data())
@QUICK
def test_any_body(server: JupyterServer, route: Route, known: dict[str, list[str]], data: st.DataObject) -> None:
    unknown = {**known, "task": [str(uuid.uuid4())], "reference": ["unknown"]}
    promised(route, server.request(route.verb, next(paths(route, unknown)), data.draw(bodies(route))))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000])
def test_bodies_that_are_no_json(server: JupyterServer, content: bytes) -> None:
    for route in ROUTES:
        if isinstance(route.request, type):
            path = re.sub(r"{(\w+)}", lambda _: str(uuid.uuid4()), route.path)
            reply = server.request(route.verb, path, content=content)
            assert reply.status in (400, 404), (route.operation, reply.content)
            promised(route, reply)


def test_what_is_not_there(server: JupyterServer) -> None:
    assert server.request("PATCH", "/tasks").status == 405
    validator("Failure").validate(server.request("PATCH", "/tasks").json)


def test_what_the_websocket_says(server: JupyterServer, known: dict[str, list[str]], elsewhere: Site) -> None:
    with Stream(server, after=server.get("/status").json["seq"]) as page:
        task = elsewhere.run(Path(str(elsewhere.task(known["task"][1]).document.source))).id
        page.watch(task)
        heard = page.until(has_ended(task))
    assert {message["type"] for message in heard} >= {"events", "ledger", "status", "datasets"}
    for message in heard:
        validator("FromServer").validate(message)


# --- what goes wrong


def test_a_home_that_cannot_be_opened_is_told_and_tried_again(tmp_path: Path) -> None:
    with Home(tmp_path / "home") as home:
        home.places.ledger.write_bytes(b"this is no database" * 100)
        with JupyterServer(tmp_path, home) as server:
            reply = server.get("/tasks")
            assert (reply.status, reply.codes) == (503, ["database_damaged"])
            assert reply.json["errors"][0]["fix"]
            home.places.ledger.unlink()
            assert server.get("/tasks").status == 200


def test_what_nobody_foresaw_is_in_the_log_only(server: JupyterServer, known: dict[str, list[str]]) -> None:
    """A ledger's column that cannot be read: the page gets a sentence, the log what happened."""
    import sqlite3

    task = str(uuid.uuid4())
    with sqlite3.connect(server.home.places.ledger, timeout=30) as db:
        db.execute(
            "INSERT INTO task (id, position, state, label, notebook, parameters, pool, submitted_at, deadline,"
            " max_attempts, document_sha256) VALUES (?, 0, 'succeeded', 'x', 'x', 'no json', 'local', 0, 0, 1, '')",
            (task,),
        )
    db.close()
    try:
        reply = server.get(f"/tasks/{task}")
        assert (reply.status, reply.codes) == (500, ["unforeseen"])
        assert b"JSONDecodeError" not in reply.content
        assert "JSONDecodeError" in server.log()
    finally:
        with sqlite3.connect(server.home.places.ledger, timeout=30) as db:
            db.execute("DELETE FROM task WHERE id = ?", (task,))
        db.close()


def test_slow_operations_hold_up_no_others() -> None:
    """All threads for slow ones wait; a quick one is done all the same."""
    import asyncio

    async def both() -> str:
        pools = Pools()
        go = threading.Event()
        slow = [asyncio.ensure_future(pools.run(go.wait, slow=True)) for _ in range(50)]
        answer = await asyncio.wait_for(pools.run(lambda: "quick"), 30)
        go.set()
        await asyncio.gather(*slow)
        pools.close()
        return answer

    assert asyncio.run(both()) == "quick"


def test_an_upload_holds_up_nobody_and_needs_no_memory(server: JupyterServer) -> None:
    """64 MB in, while the status is asked for; the server does not grow by that."""
    import psutil

    process = psutil.Process(server.pid)
    before = process.memory_info().rss
    upload = str(uuid.uuid4())
    answers: list[Reply] = []
    content = b"x" * (64 << 20)
    sending = threading.Thread(
        target=lambda: answers.append(server.request("PUT", f"/uploads/{upload}", content=content, name="big.csv"))
    )
    sending.start()
    grown = 0
    while sending.is_alive():
        assert server.get("/status").status == 200
        grown = max(grown, process.memory_info().rss - before)
    assert answers[0].status == 201
    assert answers[0].json["size"] == len(content)
    assert grown < len(content)
    assert server.request("DELETE", f"/uploads/{upload}").status == 200


def test_bytes_are_as_the_table_says() -> None:
    assert {route.operation for route in ROUTES if route.request == BYTES} == {"upload"}
