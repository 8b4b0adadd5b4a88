"""Data sets over the REST interface: from a file to a table whose groups are known."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from codalab_nb.examples import GOLUB, example_folder
from tests.support.server import JupyterServer, segment

MATRIX = "gene,ctrl_1,ctrl_2,ctrl_3,drug_1,drug_2,drug_3\n" + "\n".join(
    f"g{n},{n % 7}.5,{n % 5},{n % 3},{n % 4}.5,{n % 6},{n % 2}.25" for n in range(60)
)


def upload(server: JupyterServer, name: str, content: bytes) -> str:
    one = str(uuid4())
    reply = server.request("PUT", f"/uploads/{one}", content=content, name=name)
    assert reply.status == 201, reply.content
    assert reply.json == {"id": one, "name": name, "size": len(content)}
    return one


def added(server: JupyterServer, **body: Any) -> dict[str, Any]:
    reply = server.post("/datasets", body)
    assert reply.status == 201, reply.content
    found: dict[str, Any] = reply.json
    return found


def test_an_upload_becomes_a_data_set_and_is_then_forgotten(server: JupyterServer) -> None:
    """The biologist's first steps: a file, what is in it, what is asked."""
    one = upload(server, "my counts (2).csv", MATRIX.encode())
    made = added(server, uploads=[one])
    assert made["reference"] == "my-counts-2@1"
    assert made["shape"] == "60 genes × 6 samples"
    assert made["groups"] == "ctrl 3, drug 3"
    assert [question["code"] for question in made["open_questions"]] == ["role_proposed", "reference_proposed"]
    assert not (server.home.folder / "uploads" / one).exists()
    assert "my-counts-2@1" in [summary["reference"] for summary in server.get("/datasets").json["datasets"]]
    assert server.get("/datasets", q="drug counts").json["datasets"][0]["name"] == "my-counts-2"
    assert server.get("/datasets", q="nothing like it").json["datasets"] == []


def test_no_words_of_a_command_line_reach_the_page(server: JupyterServer) -> None:
    made = added(server, uploads=[upload(server, "plain.csv", MATRIX.encode())])
    told = [note["text"] for note in (*made["notes"], *made["reading"])]
    told += [question["text"] for question in made["open_questions"]]
    assert told
    assert not [text for text in told if " --" in text or "codalab-nb" in text]


def test_every_answer_can_be_clicked_until_no_question_is_left(server: JupyterServer) -> None:
    """What a button carries is what the server takes."""
    shown = added(server, uploads=[upload(server, "clicked.csv", MATRIX.encode())])
    for _ in range(5):
        if not shown["open_questions"]:
            break
        choice = shown["open_questions"][0]["choices"][0]
        shown = server.request("PATCH", f"/datasets/{shown['reference']}", choice["answer"]).json
    assert shown["open_questions"] == []
    assert shown["reference_group"]["group"] == "ctrl"
    assert not shown["reference_group"]["proposed"]
    assert shown["versions"][0] == 1


def test_the_sample_table_is_changed_in_place(server: JupyterServer) -> None:
    made = added(server, uploads=[upload(server, "groups.csv", MATRIX.encode())])
    table = server.get("/datasets/groups/samples").json
    assert table["columns"] == ["sample", "group"]
    assert table["proposed"] == ["group"]
    assert table["editable"]
    table["columns"].append("batch")
    for place, row in enumerate(table["rows"]):
        row.append(f"plate {place % 2 + 1}")
    changed = server.request("PUT", "/datasets/groups/samples", table)
    assert changed.status == 200, changed.content
    assert changed.json["version"] == made["version"] + 1
    assert [column["name"] for column in changed.json["columns"]] == ["group", "batch"]
    assert server.get("/datasets/groups/samples").json["proposed"] == []


def test_what_is_wrong_with_a_pasted_table_is_told_by_sample(server: JupyterServer) -> None:
    added(server, uploads=[upload(server, "pasted.csv", MATRIX.encode())])
    rows = [["ctrl_1", "a"], ["ctrl_1", "a"], ["ctrl 2", "a"], ["drug_1", "b"], ["drug_2", "b"], ["drug_3", "b"]]
    reply = server.request("PUT", "/datasets/pasted/samples", {"columns": ["sample", "arm"], "rows": rows})
    assert reply.status == 400
    assert [(one["code"], one["at"]) for one in reply.json["errors"]] == [
        ("duplicate_samples", "ctrl_1"),
        ("samples_mismatch", "ctrl_3"),
    ]


def test_a_preview_is_the_file_and_says_how_much_more_there_is(server: JupyterServer) -> None:
    added(server, uploads=[upload(server, "seen.csv", MATRIX.encode())])
    shown = server.get("/datasets/seen/preview", rows=2).json
    assert shown["columns"] == ["gene", "ctrl_1", "ctrl_2", "ctrl_3", "drug_1", "drug_2", "drug_3"]
    assert (len(shown["rows"]), shown["n_rows"], shown["n_columns"], shown["more_columns"]) == (2, 60, 7, False)
    assert server.get("/datasets/seen/preview", table="samples").json["rows"] == []
    assert server.get("/datasets/seen/preview", table="other").status == 400


def test_files_of_the_file_browser(server: JupyterServer) -> None:
    """A table, and a sample table beside it, without any upload."""
    (server.root / "study").mkdir(exist_ok=True)
    (server.root / "study" / "matrix.csv").write_text(MATRIX)
    samples = "sample,arm\n" + "\n".join(f"{name},{name[:4]}" for name in MATRIX.split("\n")[0].split(",")[1:])
    (server.root / "study" / "who.csv").write_text(samples)
    made = added(server, paths=["study/matrix.csv"], samples="study/who.csv", name="from-browser")
    assert [column["name"] for column in made["columns"]] == ["arm"]
    assert sorted(file["path"] for file in made["files"]) == ["matrix.csv", "who.csv"]


@pytest.mark.parametrize("path", ["../home/ledger.db", "/etc/passwd", "study/../../x", "no.csv", "link.csv", ""])
def test_no_file_outside_of_the_file_browser_is_read(server: JupyterServer, path: str) -> None:
    link = server.root / "link.csv"
    if not link.is_symlink():
        link.symlink_to(server.home.folder / "ledger.db")
    reply = server.post("/datasets", {"paths": [path]})
    assert reply.status in (400, 404), reply.content
    assert reply.json["errors"][0]["message"]


def test_an_example_with_one_click_and_again_after_a_person_answered(server: JupyterServer) -> None:
    """Clicking twice does not undo what was said meanwhile."""
    offered = {example["name"]: example for example in server.get("/examples").json["examples"]}
    assert offered[GOLUB]["shape"] == "3,051 genes × 38 samples"
    added(server, example=GOLUB)
    answered = server.request("PATCH", f"/datasets/{GOLUB}", {"accept": True}).json
    assert added(server, example=GOLUB)["version"] == answered["version"]
    assert {one["name"]: one for one in server.get("/examples").json["examples"]}[GOLUB]["added"]


def test_all_problems_of_adding_are_told_at_once(server: JupyterServer) -> None:
    gone = str(uuid4())
    reply = server.post("/datasets", {"uploads": [gone], "samples": "nowhere.csv"})
    assert [one["code"] for one in reply.json["errors"]] == ["upload_unknown", "missing_file"]
    assert server.post("/datasets", {}).codes == ["usage"]
    assert server.post("/datasets", {"example": "x"}).codes == ["example_unknown"]
    assert server.post("/datasets", {"example": GOLUB, "uploads": [gone]}).codes == ["usage"]


def test_a_spreadsheet_that_cannot_be_read_says_where_and_the_upload_stays(server: JupyterServer) -> None:
    """Which cell, what to do; and another try needs no second upload."""
    broken = MATRIX.replace("g3,3.5", "g3,about 3")
    one = upload(server, "broken.csv", broken.encode())
    reply = server.post("/datasets", {"uploads": [one]})
    assert reply.status == 400
    assert "broken.csv" in reply.json["errors"][0]["message"]
    assert reply.json["errors"][0]["fix"]
    assert (server.home.folder / "uploads" / one / "broken.csv").exists()
    upload_again = server.request("PUT", f"/uploads/{one}", content=MATRIX.encode(), name="whole.csv")
    assert upload_again.status == 201
    assert added(server, uploads=[one])["name"] == "whole"


def test_a_workbook_with_a_sheet_of_samples(server: JupyterServer, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    data, who = book.active, book.create_sheet("who")
    data.title = "data"
    for row in csv.reader(MATRIX.splitlines()):
        data.append([cell if place == 0 or row[0] == "gene" else float(cell) for place, cell in enumerate(row)])
    who.append(["sample", "arm"])
    for name in MATRIX.split("\n")[0].split(",")[1:]:
        who.append([name, name[:4]])
    book.save(tmp_path / "b.xlsx")
    one = upload(server, "b.xlsx", (tmp_path / "b.xlsx").read_bytes())
    refused = server.post("/datasets", {"uploads": [one], "sheet": "no such"})
    assert refused.status == 400
    assert "data" in str(refused.json)  # the sheets there are
    made = added(server, uploads=[one], sheet="data", samples="who")
    assert [column["name"] for column in made["columns"]] == ["arm"]


def test_removed_is_gone_and_said_so(server: JupyterServer) -> None:
    added(server, uploads=[upload(server, "short.csv", MATRIX.encode())])
    assert server.request("DELETE", "/datasets/short").json == {"done": True}
    for reply in (
        server.get("/datasets/short"),
        server.get("/datasets/short/samples"),
        server.request("PATCH", "/datasets/short", {"accept": True}),
        server.request("DELETE", "/datasets/short"),
    ):
        assert reply.status == 404
        assert reply.codes == ["dataset_unknown"]
        assert "codalab-nb" not in str(reply.json)
    assert server.get(f"/datasets/{segment('no/such')}").status == 404


def test_names_of_files_that_mean_harm_are_only_names(server: JupyterServer) -> None:
    """THREATS O6."""
    evil = "<img src=x onerror=alert(1)>.csv"
    made = added(server, uploads=[upload(server, evil, MATRIX.encode())])
    assert made["files"][0]["path"] == evil
    assert made["name"] == "img-src-x-onerror-alert-1"
    for name in ("a\u202egpj.csv", "x\x1b]0;y.csv", ".hidden.csv", "profile.json", "a\\..", "x" * 300 + "\n.csv"):
        reply = server.request("PUT", f"/uploads/{uuid4()}", content=b"x", name=name)
        assert reply.status in (201, 400), reply.content
        if reply.status == 201:
            assert "/" not in reply.json["name"]
    assert server.request("PUT", f"/uploads/{uuid4()}", content=b"x", name="a\u202egpj.csv").codes == ["upload_name"]


def test_the_sample_data_are_those_of_the_command_line(server: JupyterServer) -> None:
    known = {folder.name for folder in example_folder().parent.iterdir() if (folder / "profile.json").is_file()}
    assert {example["name"] for example in server.get("/examples").json["examples"]} == known
