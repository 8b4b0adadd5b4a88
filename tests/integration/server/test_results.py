"""What a task made, over the REST interface: files with titles, figures, tables, provenance, copies."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from codalab_nb import Site
from codalab_nb.examples import GOLUB
from tests.support.home import wait_for
from tests.support.notebooks import write
from tests.support.server import JupyterServer


@pytest.fixture(scope="module")
def analysis(server: JupyterServer) -> str:
    """Differential expression on the sample data, as a person starts it."""
    assert server.post("/datasets", {"example": GOLUB}).status == 201
    body = {"datasets": [GOLUB], "methods": ["de-continuous"], "own": {"de-continuous": {"reference": "ALL"}}}
    task = str(server.post("/batches", body).json["tasks"][0])
    wait_for(lambda: server.get(f"/tasks/{task}").json["state"] == "succeeded")
    return task


@pytest.fixture(scope="module")
def odd(elsewhere: Site, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A notebook that reports nothing, or what is not so, and leaves files of all kinds."""
    source = (
        "from pathlib import Path\n"
        "from IPython.display import display\n"
        "kind = 'application/vnd.codalab.report+json'\n"
        "display({kind: {'figure': 'x', 'files': ['../../task.json', 7], 'title': 1}, 'text/plain': ''}, raw=True)\n"
        "display({kind: {'table': 'names', 'files': ['names.csv'], 'title': 'T' * 9000, 'rows': 'many'},"
        " 'text/plain': ''}, raw=True)\n"
        "Path('names.csv').write_text('gene,n\\nSEPT2,1\\n007,2\\n\"=1+1\",3\\n')\n"
        "Path('other.tsv').write_text('a\\tb\\n' + '1\\t2\\n' * 5000)\n"
        "Path('torn.csv').write_bytes(b'a,b\\n\"' + b'x' * 200000)\n"
        "Path('wide.csv').write_text(','.join(f'c{n}' for n in range(500)) + '\\n')\n"
        "Path('endless.csv').write_text('ab,' * 6_000_000)\n"
        "Path('quoted.csv').write_text('\"x\\n\",' * 4_000_000)\n"
        "Path('p.png').write_bytes(b'\\x89PNG\\r\\n\\x1a\\n' + b'0' * 100)\n"
        "Path('p.svg').write_text('<svg/>')\n"
        "Path('notes.txt').write_text('x')\n"
    )
    return elsewhere.run(write(tmp_path_factory.mktemp("odd") / "odd.ipynb", source)).wait()


def test_files_are_listed_as_a_person_looks_for_them(server: JupyterServer, analysis: str) -> None:
    """Figures first, each once in several formats, with the words for who cannot see them."""
    files = server.get(f"/tasks/{analysis}/files").json["files"]
    assert [file["kind"] for file in files] == ["figure"] * 4 + ["table"] * 2 + ["notebook"]
    assert [file["path"] for file in files[:2]] == ["volcano.png", "volcano.svg"]
    assert files[0]["group"] == files[1]["group"] != files[2]["group"]
    assert files[0]["title"].startswith("691 of 3,051 genes differ")
    assert "Surest:" in files[0]["alt"]
    table = next(file for file in files if file["path"] == "genes.csv")
    assert "SEPT2" in table["note"]
    assert not any(file["path"].startswith("_codalab/") for file in files)


def test_what_a_notebook_says_of_its_files_is_believed_as_far_as_it_fits(server: JupyterServer, odd: Any) -> None:
    files = {file["path"]: file for file in server.get(f"/tasks/{odd.id}/files").json["files"]}
    assert len(files["names.csv"]["title"]) <= 2000
    assert {name: file["kind"] for name, file in files.items()} == {
        "endless.csv": "table", "quoted.csv": "table",
        "names.csv": "table", "other.tsv": "table", "torn.csv": "table", "wide.csv": "table", "p.png": "figure",
        "p.svg": "figure", "notes.txt": "other", "odd.ipynb": "notebook",
    }  # fmt: skip
    assert files["p.png"]["group"] == files["p.svg"]["group"] == "p"
    assert files["notes.txt"]["group"] is None


def test_a_figure_is_shown_and_an_svg_is_only_taken_away(server: JupyterServer, analysis: str) -> None:
    shown = server.get(f"/tasks/{analysis}/figures/volcano.png")
    assert (shown.status, shown.headers["Content-Type"]) == (200, "image/png")
    assert shown.headers["Content-Disposition"].startswith("inline")
    assert server.get(f"/tasks/{analysis}/figures/volcano.svg").codes == ["figure_unknown"]
    taken = server.get(f"/tasks/{analysis}/files/volcano.svg")
    assert taken.status == 200
    assert taken.headers["Content-Disposition"].startswith("attachment")


def test_the_first_rows_of_a_table(server: JupyterServer, analysis: str, odd: Any) -> None:
    shown = server.get(f"/tasks/{analysis}/tables/genes.csv", rows=3).json
    assert shown["columns"][0] == "probe"
    assert (len(shown["rows"]), shown["n_rows"], shown["more_columns"]) == (3, 3051, False)
    counted = server.get(f"/tasks/{odd.id}/tables/other.tsv", rows=2).json
    assert (counted["rows"], counted["n_rows"]) == ([["1", "2"], ["1", "2"]], 5000)
    wide = server.get(f"/tasks/{odd.id}/tables/wide.csv").json
    assert (len(wide["columns"]), wide["n_columns"], wide["more_columns"], wide["n_rows"]) == (200, 500, True, 0)
    assert server.get(f"/tasks/{odd.id}/tables/p.png").codes == ["table_unknown"]
    assert server.get(f"/tasks/{odd.id}/tables/torn.csv").status == 400
    assert server.get(f"/tasks/{odd.id}/tables/nothing.csv").codes == ["file_unknown"]


@pytest.mark.parametrize("name", ["endless.csv", "quoted.csv"])
def test_a_table_without_end_is_neither_read_to_its_end_nor_made_a_workbook(
    server: JupyterServer, odd: Any, name: str
) -> None:
    """A row may be as long as the file, with or without line breaks in it; all rows of a gigabyte need tens of them."""
    shown = server.get(f"/tasks/{odd.id}/tables/{name}").json
    assert (len(shown["columns"]), shown["more_columns"], shown["n_rows"]) == (200, True, None)
    assert shown["n_columns"] <= 6_000_000
    assert server.get(f"/tasks/{odd.id}/workbooks/{name}").codes == ["table_unreadable"]


def test_a_workbook_keeps_gene_names_as_text(server: JupyterServer, analysis: str, odd: Any) -> None:
    """Excel turns SEPT2 in a CSV into a date; a table of any notebook is safe from that."""
    assert (
        server.get(f"/tasks/{analysis}/workbooks/genes.csv").content
        == server.get(f"/tasks/{analysis}/files/genes.xlsx").content
    )
    made = server.get(f"/tasks/{odd.id}/workbooks/names.csv")
    assert made.status == 200
    assert made.headers["Content-Disposition"].endswith("names.xlsx")
    with zipfile.ZipFile(io.BytesIO(made.content)) as package:
        sheet = package.read("xl/worksheets/sheet1.xml").decode()
    for text in ("SEPT2", "007", "=1+1"):
        assert f'<t xml:space="preserve">{text}</t>' in sheet
    assert "<f>" not in sheet
    assert server.get(f"/tasks/{odd.id}/workbooks/torn.csv").status == 400
    assert server.get(f"/tasks/{odd.id}/workbooks/p.png").codes == ["table_unknown"]


def test_provenance_says_what_ran_on_what_and_how_to_do_it_again(server: JupyterServer, analysis: str) -> None:
    found = server.get(f"/tasks/{analysis}/provenance").json
    reference = server.get(f"/tasks/{analysis}").json["dataset"]
    assert (found["dataset"], found["method"], found["notebook"]) == (
        reference,
        "de-continuous",
        "de-continuous.ipynb",
    )
    assert {one["path"] for one in found["inputs"]} >= {"inputs/dataset/expression.csv"}
    assert found["environment"]["python"]
    assert found["worker"]
    assert found["finished_at"] > found["submitted_at"]
    assert "Smyth (2004)" in found["methods_paragraph"]
    assert "#" not in found["methods_paragraph"]
    assert found["references"]
    assert found["commands"][0].startswith(f"codalab-nb analyze {reference} -m de-continuous -p condition=group")


def test_a_table_is_brought_beside_a_notebook_and_read_there(server: JupyterServer, analysis: str) -> None:
    """The code runs in any kernel with pandas; nothing of a person's is written over."""
    folder = server.root / "mine"
    folder.mkdir()
    (folder / "genes.csv").write_text("mine\n")
    copied = server.post(f"/tasks/{analysis}/copy", {"what": "file", "file": "genes.csv", "folder": "mine"})
    assert copied.status == 201, copied.content
    assert copied.json["path"] == "mine/genes-2.csv"
    assert (folder / "genes.csv").read_text() == "mine\n"
    code = f"{copied.json['code']}\nprint(len(genes_2))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60)
    assert ran.stdout.strip() == "3051", ran.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["genes-2.csv", "genes.csv"]


def test_a_copy_of_the_executed_notebook_is_trusted_by_nobody(server: JupyterServer, elsewhere: Site) -> None:
    task = elsewhere.run(write(server.root / "sign.ipynb", "print(1)")).wait()
    copied = server.post(f"/tasks/{task.id}/copy", {"what": "notebook"}).json
    assert copied == {"path": "sign-result.ipynb", "code": None}
    notebook = json.loads((server.root / copied["path"]).read_text())
    assert "signature" not in notebook["metadata"]
    assert not any("trusted" in cell["metadata"] for cell in notebook["cells"])
    assert notebook["cells"][0]["outputs"][0]["text"] in ("1\n", ["1\n"])


@pytest.mark.parametrize("folder", ["../home", "/etc", "nowhere", "a/../../b"])
def test_nothing_is_copied_out_of_the_file_browser(server: JupyterServer, analysis: str, folder: str) -> None:
    reply = server.post(f"/tasks/{analysis}/copy", {"what": "file", "file": "genes.csv", "folder": folder})
    assert reply.status in (400, 404), reply.content
    assert server.post(f"/tasks/{analysis}/copy", {"what": "file"}).codes == ["request"]
    assert server.post(f"/tasks/{analysis}/copy", {"what": "file", "file": "../x"}).codes == ["file_unknown"]


def test_a_task_without_a_result_says_why(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    waiting = elsewhere.run(write(tmp_path / "w.ipynb", "import time; time.sleep(600)"))
    for path in ("files", "figures/a.png", "tables/a.csv", "workbooks/a.csv"):
        reply = server.get(f"/tasks/{waiting.id}/{path}")
        assert (reply.status, reply.codes) == (409, ["task_open"]), path
    assert server.get(f"/tasks/{waiting.id}/provenance").json["methods_paragraph"] is None
    waiting.cancel()
    assert server.get(f"/tasks/{waiting.id}/files").codes == ["no_result"]
    server.post("/tasks/act", {"action": "remove", "tasks": [waiting.id]})
    for path in ("files", "provenance", "report.html"):
        assert server.get(f"/tasks/{waiting.id}/{path}").codes == ["task_unknown"]


def test_a_file_that_was_changed_is_not_handed_out(server: JupyterServer, elsewhere: Site, tmp_path: Path) -> None:
    task = elsewhere.run(write(tmp_path / "d.ipynb", "open('a.csv', 'w').write('a,b\\n1,2\\n')")).wait()
    assert task.folder is not None
    (task.folder / "a.csv").chmod(0o600)
    (task.folder / "a.csv").write_text("a,b\n1,20000\n")
    assert server.get(f"/tasks/{task.id}/files/a.csv").codes == ["result_damaged"]
    (task.folder / "a.csv").unlink()
    (task.folder / "a.csv").symlink_to("/etc/passwd")
    assert server.get(f"/tasks/{task.id}/files/a.csv").codes == ["result_damaged"]


def test_a_csv_is_the_file_byte_for_byte(server: JupyterServer, analysis: str) -> None:
    rows = list(csv.reader(io.StringIO(server.get(f"/tasks/{analysis}/files/genes.csv").content.decode())))
    assert len(rows) == 3052
