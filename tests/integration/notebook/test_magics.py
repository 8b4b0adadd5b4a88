"""`%codalab` in a real kernel with real workers: values, displays, errors, completion; with and without a person."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.home import Home
from tests.support.kernel import Kernel, kernel
from tests.support.notebooks import write

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    # Short: a kernel's sockets lie in it, and a socket's path may have about 100 bytes.
    made = Path(tempfile.mkdtemp(prefix="cn-"))
    write(
        made / "hello.ipynb",
        "print('alpha is', alpha)",
        "import pandas as pd\nfrom codalab_nb import report\nreport.metric('score', 3.5)\n"
        "report.table(pd.DataFrame({'gene': ['SEPT2', 'b'], 'n': [1, 2]}), 'genes')",
        parameters="alpha: float = 1.0\nword = 'x'",
    )
    write(made / "wrong.ipynb", "print('before')", "1 / 0")
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def person(home: Home, folder: Path) -> Iterator[Kernel]:
    with kernel(folder, home.environment(), interactive=True) as one:
        assert one.run("%load_ext codalab_nb").ok
        yield one


@pytest.fixture(scope="module")
def program(home: Home, folder: Path) -> Iterator[Kernel]:
    with kernel(folder, home.environment(), interactive=False) as one:
        assert one.run("%load_ext codalab_nb").ok
        yield one


def test_a_run_does_not_block_and_its_value_waits(person: Kernel) -> None:
    """One line sends work away; the value is a Task, and its attributes are what the run reported."""
    cell = person.run("%codalab run hello.ipynb -p alpha=2")
    assert [set(data) for data in cell.displays] == [{"text/html", "text/plain"}, {WIDGET, "text/plain"}]
    assert cell.displays[1]["text/plain"] == ""  # what a notebook that is not trusted shows
    waited = person.run("t = %codalab run hello.ipynb -p alpha=2\nprint(t.verdict, t.metrics, t.files)")
    assert "succeeded {'score': 3.5}" in waited.text
    assert "genes.csv" in waited.text
    table = person.run("print(t.dataframe('genes').gene.tolist())")
    assert table.text.strip() == "['SEPT2', 'b']"


def test_what_the_file_keeps_is_the_end_in_html_without_a_widget(person: Kernel) -> None:
    """One must see what failed without opening anything, also in the saved notebook."""
    cell = person.run("v = %codalab run wrong.ipynb\nv.wait()\nv")
    shown = cell.shown("text/html")[0]
    assert "ZeroDivisionError: division by zero" in shown
    assert "before" in shown
    assert "failed" in cell.shown("text/plain")[0]


def test_where_nobody_watches_it_blocks_and_prints(program: Kernel) -> None:
    cell = program.run("%codalab run hello.ipynb -p alpha=2")
    assert "alpha is 2.0" in cell.text
    assert "succeeded" in cell.text
    assert [set(data) for data in cell.displays] == [{"text/html", "text/plain"}]
    assert re.fullmatch(r"<Task \w{8} succeeded: hello.ipynb>", cell.displays[0]["text/plain"])
    assert "score" in cell.displays[0]["text/html"]


def test_all_slips_are_told_in_words_and_stop_the_notebook(person: Kernel) -> None:
    """No traceback through our own code, and what to type is spelled as it is typed here."""
    cell = person.run("%codalab run hallo.ipynb -p x")
    assert not cell.ok
    assert "There is no notebook hallo.ipynb" in cell.traceback
    assert "Did you mean hello.ipynb?" in cell.traceback
    assert "-p 'x' is not NAME=VALUE" in cell.traceback
    assert "site-packages" not in cell.traceback
    assert ".py" not in cell.traceback
    unknown = person.run("%codalab dataset sho")
    assert "`dataset` has no command 'sho'" in unknown.traceback
    assert "Close the quotation mark" in person.run("%codalab run 'x").traceback


def test_other_commands_print_what_the_command_line_prints(person: Kernel, home: Home, folder: Path) -> None:
    cell = person.run("%codalab status --limit 3")
    assert cell.ok
    assert "hello.ipynb" in cell.text
    listed = json.loads(person.run("%codalab status --json").text)
    assert {entry["notebook"] for entry in listed} >= {"hello.ipynb"}
    assert "dataset add" in person.run("%codalab").text


def test_status_of_a_task_is_the_task(person: Kernel) -> None:
    """After a reload of the page, or the next day, this is how one gets the live display back."""
    cell = person.run("t = %codalab run hello.ipynb\ns = %codalab status @last\nprint(s.id == t.id, t.wait().state)")
    assert cell.text.strip().endswith("True succeeded")


def test_tab_completes_commands_flags_and_names(person: Kernel, folder: Path) -> None:
    (folder / "plants.csv").write_text("weight,group\n1,a\n2,a\n3,a\n2,b\n4,b\n5,b\n")
    assert person.run("%codalab dataset add plants.csv --name plants").ok
    assert person.complete("%codalab sta") == ["status"]
    assert person.complete("t = %codalab dataset s") == ["show", "set"]
    assert person.complete("%codalab run hel") == ["hello.ipynb"]
    assert person.complete("%codalab run hello.ipynb --time") == ["--timeout"]
    assert person.complete("%codalab run hello.ipynb -p al") == ["alpha="]
    assert person.complete("%codalab analyze pl") == ["plants"]
    assert "check-my-data" in person.complete("%codalab analyze plants -m che")
    assert "@last" in person.complete("%codalab status @")
    assert "--network" in person.complete("%%codalab --n")
    person.run("my_table = 1")
    assert person.complete("%%codalab -i my_t") == ["my_table"]


def test_the_extension_is_loaded_twice_and_taken_away(home: Home, folder: Path) -> None:
    with kernel(folder, home.environment(), interactive=True) as one:
        assert one.run("%load_ext codalab_nb\n%load_ext codalab_nb").ok
        assert one.run("%reload_ext codalab_nb").ok
        assert one.complete("%codalab sta") == ["status"]
        assert one.run("%unload_ext codalab_nb").ok
        assert "not found" in one.run("%codalab status").text + one.run("%codalab status").traceback


def test_papermill_and_nbconvert_run_a_notebook_that_uses_the_magics(home: Home, folder: Path) -> None:
    """The notebook of an analyst is itself a thing that others execute; its file holds text and HTML, no widgets."""
    notebook = write(folder / "mine.ipynb", "%load_ext codalab_nb", "t = %codalab run hello.ipynb\nt", "t.metrics")
    runs = (
        ["papermill", "mine.ipynb", "p.ipynb"],
        ["jupyter", "nbconvert", "--execute", "--to", "notebook", "--output", "c.ipynb", "mine.ipynb"],
    )
    for words in runs:
        command = [sys.executable, "-m", *words]
        environment = home.environment(PYDEVD_DISABLE_FILE_VALIDATION="1")
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, timeout=110)
        made = json.loads((folder / words[-2 if words[0] == "jupyter" else -1]).read_text())
        outputs = [output for cell in made["cells"] for output in cell["outputs"]]
        assert any("alpha is 1.0" in "".join(output.get("text", "")) for output in outputs)
        assert any("score" in "".join(output.get("data", {}).get("text/html", "")) for output in outputs)
        assert WIDGET not in json.dumps(made)
        assert "widgets" not in made["metadata"]
    assert notebook.exists()


def test_words_stay_as_typed_and_variables_are_named(person: Kernel) -> None:
    """The shell's words are the notebook's words; `$name` alone takes a value of the notebook."""
    person.run("alpha = 0.125; which = 'hello.ipynb'")
    cell = person.run("%codalab run $which -r 'word=^ENSG[0-9]{11}$' -p alpha=$alpha --dry-run  # a comment")
    assert "'^ENSG[0-9]{11}$'" in cell.text, cell.traceback
    assert "alpha = 0.125" in cell.text


def test_a_removed_task_is_told_in_words(person: Kernel) -> None:
    person.run("gone = %codalab run hello.ipynb\ngone.wait()\n%codalab rm @last")
    shown = person.run("gone")
    assert shown.ok, shown.traceback
    assert "There is no task" in shown.text
    assert "task_unknown" in person.run("[gone]").shown("text/plain")[0]


def test_a_submit_leaves_the_notebook_file_alone(person: Kernel, folder: Path) -> None:
    file = folder / "hello.ipynb"
    before = file.read_bytes(), file.stat().st_mtime_ns
    assert person.run("t = %codalab run hello.ipynb\nt.wait()").ok
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_a_task_has_no_site(person: Kernel, folder: Path) -> None:
    """A notebook that submits, run as a task, is refused in words: its site would be gone with the task."""
    write(folder / "nested.ipynb", "%load_ext codalab_nb", "%codalab dataset list")
    cell = person.run("t = %codalab run nested.ipynb\nprint(t.verdict, t.reason.message)")
    assert "failed" in cell.text
    assert "a task cannot submit tasks" in cell.text
