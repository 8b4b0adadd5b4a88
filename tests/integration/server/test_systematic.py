"""Systematic analysis over REST: the switch, the matrix, and what is recommended, on a home of its own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest

from codalab_nb import Site
from codalab_nb.systematic.rules import RuleBook
from tests.support.home import wait_for
from tests.support.server import JupyterServer, Stream

pytestmark = pytest.mark.timeout(600)  # what runs by itself gets the processor when nobody else wants it
PATIENCE_S = 400.0
HEAD = "gene," + ",".join(f"{group}{n}" for group in ("ctrl", "drug") for n in range(1, 5))
RULE = """
name = "look"
description = "One quick method"

[datasets]
names = ["beta"]

[[methods]]
method = "check-my-data"
"""


def table(shift: int) -> str:
    rows = (f"GENE{n}," + ",".join(str(8 + (n * 7 + k * shift) % 11) for k in range(8)) for n in range(120))
    return "\n".join([HEAD, *rows, ""])


@pytest.fixture(scope="module")
def site(own_server: JupyterServer) -> Iterator[Site]:
    """With three data sets, of which one was looked at by a person."""
    with own_server.home.site(serve=True) as site:
        for number, name in enumerate(("alpha", "beta", "gamma"), 3):
            path = own_server.base / "table.csv"
            path.write_text(table(number))
            site.add_dataset(path, name=name, accept=True)
        site.analyze(["alpha"], ["pca-overview"]).wait()
        yield site


@pytest.fixture
def rule(site: Site) -> Iterator[None]:
    """One rule that asks for one quick method on one data set."""
    book = RuleBook(site.places.rules)
    for name in book.names():
        book.remove(name)
    book.add(RULE)
    yield
    for name in book.names():
        book.remove(name)


def keys(matrix: dict[str, list[dict[str, str]]]) -> list[str]:
    return [column["key"] for column in matrix["columns"]]


def test_the_matrix_is_told_a_page_at_a_time(own_server: JupyterServer, site: Site, rule: None) -> None:
    whole = own_server.get("/systematic/matrix").json
    assert [row["dataset"] for row in whole["rows"]] == ["alpha@1", "beta@1", "gamma@1"]
    assert all(len(row["cells"]) == len(whole["columns"]) for row in whole["rows"])
    page = own_server.get("/systematic/matrix", offset=1, limit=1).json
    assert (page["total"], page["offset"], page["rows"]) == (3, 1, [whole["rows"][1]])
    found = own_server.get("/systematic/matrix", q="ALP").json
    assert (found["total"], found["rows"]) == (1, [whole["rows"][0]])
    nothing = own_server.get("/systematic/matrix", q="no such").json
    assert (nothing["total"], nothing["rows"], keys(nothing)) == (0, [], keys(whole))
    place = keys(whole).index("check-my-data")
    assert [row["cells"][place]["state"] for row in whole["rows"]] == ["not_asked", "planned", "not_asked"]


def test_columns_are_those_of_one_question(own_server: JupyterServer, site: Site, rule: None) -> None:
    whole = own_server.get("/systematic/matrix").json
    asked = whole["columns"][0]["question"]
    found = own_server.get("/systematic/matrix", question=asked).json
    assert {column["question"] for column in found["columns"]} == {asked}
    assert own_server.get("/systematic/matrix", question="no-such").codes == ["question_unknown"]


def test_what_is_asked_for_wrongly_is_refused(own_server: JupyterServer, site: Site) -> None:
    assert own_server.get("/systematic/matrix", sort="no-such").codes == ["configuration_unknown"]
    assert own_server.get("/systematic/matrix", order="sideways").codes == ["request"]
    assert own_server.get("/systematic/matrix", limit="many").codes == ["request"]
    assert own_server.get("/recommendations").codes == ["request"]
    assert own_server.get("/recommendations", dataset="no-such").status == 404
    assert own_server.get("/recommendations/known", dataset=["alpha", "no-such"]).status == 404
    assert own_server.get("/recommendations/known", dataset=["alpha"] * 101).codes == ["too_large"]


def test_the_matrix_as_csv(own_server: JupyterServer, site: Site, rule: None) -> None:
    """One line for each cell; an attachment that runs nothing."""
    whole = own_server.get("/systematic/matrix").json
    reply = own_server.get("/systematic/matrix.csv")
    assert reply.headers["Content-Disposition"].startswith("attachment")
    lines = list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"))))
    assert len(lines) == 3 * len(whole["columns"])
    assert {line["data set"] for line in lines} == {"alpha@1", "beta@1", "gamma@1"}
    states = [line["state"] for line in lines if line["method"] == "check-my-data"]
    assert states == ["not asked", "planned", "not asked"]


def test_the_switch_and_the_feed(own_server: JupyterServer, site: Site, rule: None) -> None:
    """Switched on it fills the matrix and tells the page; its tasks are in no list of a person unless asked for."""
    with Stream(own_server) as page:
        told = own_server.post("/systematic/start", {})
        assert told.status == 200
        assert told.json["on"]
        assert [one["rule"] for one in told.json["rules"]] == ["look"]
        page.until(lambda message: message["type"] == "systematic")
        page.until(lambda message: message["type"] == "ledger" and any(task["systematic"] for task in message["tasks"]))

    def filled() -> bool:
        matrix = own_server.get("/systematic/matrix").json
        place = keys(matrix).index("check-my-data")
        return [row["cells"][place]["state"] for row in matrix["rows"]] == ["not_asked", "done", "not_asked"]

    wait_for(filled, PATIENCE_S)
    own = own_server.get("/tasks").json
    assert [(task["method"], task["systematic"]) for task in own["tasks"]] == [("pca-overview", False)]
    everything = own_server.get("/tasks", systematic="yes").json
    assert [task["method"] for task in everything["tasks"] if task["systematic"]] == ["check-my-data"]
    assert everything["total"] == 2
    assert own_server.post("/systematic/stop", {}).json["on"] is False
    assert own_server.get("/systematic").json["on"] is False


def test_the_switch_refuses_strangers(own_server: JupyterServer) -> None:
    """Without a token nothing is switched, and nothing told."""
    for verb in ("start", "stop"):
        assert own_server.request("POST", f"/systematic/{verb}", {}, token=None).status == 403
    for path in ("/systematic", "/systematic/matrix", "/systematic/matrix.csv", "/recommendations"):
        assert own_server.request("GET", path, token=None).status == 403
    assert own_server.get("/systematic").json["on"] is False


def test_advice_with_its_reasons(own_server: JupyterServer, site: Site) -> None:
    """For one data set, measured first where that was not done; and for several from what is known."""
    advice = own_server.get("/recommendations", dataset="alpha").json
    assert advice["dataset"] == "alpha@1"
    assert advice["recommended"]
    assert all(one["why"] and one["dataset"] == "alpha@1" for one in advice["recommended"])
    assert advice["evidence"] > 0 or advice["note"]
    known = own_server.get("/recommendations/known", dataset=["beta", "alpha@1"]).json["advice"]
    assert [one["dataset"] for one in known] == ["beta@1", "alpha@1"]
    assert own_server.get("/recommendations/known").json == {"advice": []}


def test_badges_stand_in_the_list_once_they_are_known(own_server: JupyterServer, site: Site) -> None:
    advice = own_server.get("/recommendations", dataset="alpha").json
    badges = {one["method"] for one in advice["recommended"] if one["badge"]}
    listed = own_server.get("/methods", dataset="alpha").json["methods"]
    assert {one["method"] for one in listed if one["recommended"]} == badges
    for one in listed:
        assert all(why["dataset"] == "alpha@1" and why["badge"] for why in one["recommended"])
    assert not any(one["recommended"] for one in own_server.get("/methods").json["methods"])
