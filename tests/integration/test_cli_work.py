"""The command line against a real background process: what scripts rely on, and what people read."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codalab_nb.frontends import cli
from tests.support.home import Home, wait_for
from tests.support.notebooks import write

COMMAND = str(Path(sys.executable).with_name("codalab-nb"))
Run = Callable[..., subprocess.CompletedProcess[str]]
MEMBERS = {"task", "verdict", "reason", "attempts", "result", "notebook", "files", "metrics", "seconds"}


@pytest.fixture
def run(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Does a command in this process (a second faster each), in a folder of its own; checks its exit code."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        stdout, stderr = io.StringIO(), io.StringIO()
        found = cli.perform(words, cli.Output(stdout, stderr, json="--json" in words, live=False))
        assert found == code, stdout.getvalue() + stderr.getvalue()
        return subprocess.CompletedProcess(words, found, stdout.getvalue(), stderr.getvalue())

    return call


def installed(home: Home, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The installed command, as a program."""
    return subprocess.run(
        [COMMAND, *words],
        env=home.environment(),
        cwd=folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=90,
    )


def test_run_prints_the_id_and_talks_on_stderr(run: Run, home: Home, tmp_path: Path) -> None:
    write(
        tmp_path / "n.ipynb",
        "print('hello', x)",
        "open('t.csv', 'w').write('gene,v\\nMARCH1,1\\n')",
        parameters="x: int = 1",
    )
    done = installed(home, tmp_path, "run", "n.ipynb", "-p", "x=5", "-o", "out.ipynb")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 1
    assert "hello 5" in done.stderr
    assert "succeeded" in done.stderr
    assert "hello 5" in (tmp_path / "out.ipynb").read_text()
    task = done.stdout.strip()
    assert run("logs", task).stdout == "hello 5\n16\n"
    (told,) = json.loads(run("status", task[-8:], "--json").stdout)
    assert (told["task"], told["state"], told["attempts"]) == (task, "succeeded", 1)
    assert told["damage"] == []
    assert {"dataset", "method", "notebook", "submitted_at", "finished_at"} <= set(told)


def test_run_json_is_one_object(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "n.ipynb", "from codalab_nb import report; report.metric('score', 0.5)")
    done = run("run", "n.ipynb", "--json")
    told = json.loads(done.stdout)
    assert set(told) >= MEMBERS
    assert (told["verdict"], told["attempts"], told["metrics"]) == ("succeeded", 1, {"score": 0.5})
    assert Path(told["notebook"]).is_file()
    assert done.stderr == ""


def test_a_failure_shows_the_cell_and_keeps_the_copy(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "n.ipynb", "print('before')", "1 / 0", "print('never')")
    done = run("run", "n.ipynb", "-o", "out.ipynb", code=1)
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert "Cell 2 of 3" in done.stderr
    assert done.stderr.count("Traceback (most recent call last)") == 1, "it was shown as it happened"
    assert "Traceback (most recent call last)" in run("results", done.stdout.strip()).stderr
    assert "never" not in done.stderr
    assert "ZeroDivisionError" in (tmp_path / "out.ipynb").read_text()
    new = run("retry", done.stdout.strip(), "--failed").stdout.strip()
    assert run("logs", "-f", new, code=1).stdout.startswith("before\n")
    assert json.loads(run("status", new, "--json").stdout)[0]["retry_of"] == done.stdout.strip()


def test_hostile_output_never_steers_the_terminal(run: Run, tmp_path: Path) -> None:
    write(
        tmp_path / "n.ipynb",
        r"print('\x1b]0;owned\x07 \x1b[31mred\x1b[0m [bold]x[/bold] \u202e')",
        r"raise ValueError('\x1b[2J')",
    )
    done = run("run", "n.ipynb", code=1)
    everything = (
        done.stdout + done.stderr + run("status").stdout + run("logs", "@last").stdout + run("results", "@last").stderr
    )
    assert not any(char in everything for char in "\x1b\x07\u202e")
    assert r"\x1b]0;owned\x07 red [bold]x[/bold] \u202e" in done.stderr


def test_hostile_output_never_steers_a_real_terminal(home: Home, tmp_path: Path) -> None:
    """On a terminal another path draws: a line that moves, through rich. Its own sequences only."""
    write(
        tmp_path / "[red]n.ipynb",
        "import time; time.sleep(2)",
        r"print('\x1b]0;owned\x07[bold]x[/bold]')",
        r"raise ValueError('\x1b[2J\x1bc')",
    )
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [COMMAND, "run", "[red]n.ipynb"],
        env={**home.environment(), "TERM": "xterm-256color", "COLUMNS": "100"},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        drawn = b"".join(iter(lambda: _read(ours), b"")).decode()
    os.close(ours)
    assert r"\x1b]0;owned\x07[bold]x[/bold]" in drawn
    assert "[red]n.ipynb" in drawn
    assert not any(sequence in drawn for sequence in ("\x1b]", "\x07", "\x1b[2J", "\x1bc"))
    assert "running" in drawn


def _on_a_terminal(home: Home, folder: Path, *words: str, columns: int = 80) -> str:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [COMMAND, *words],
        env={**home.environment(), "TERM": "xterm-256color", "COLUMNS": str(columns), "NO_COLOR": "1"},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        drawn = b"".join(iter(lambda: _read(ours), b"")).decode()
    os.close(ours)
    return drawn.replace("\r\n", "\n")


def test_on_a_terminal_nothing_is_cut_or_said_twice(run: Run, home: Home, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    added = _on_a_terminal(home, tmp_path, "dataset", "add", "t.csv", "--name", "once")
    assert added.partition("next:")[0].count("once@1") == 1
    for words in (["config", "show"], ["method", "list", "--for", "once"]):
        drawn = _on_a_terminal(home, tmp_path, *words)
        assert "…" not in drawn
        assert all(len(line) <= 80 for line in drawn.splitlines() if "/" not in line)
    run("dataset", "rm", "once")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other end was closed
        return b""


def test_all_problems_are_told_at_once_and_nothing_is_queued(run: Run) -> None:
    before = run("status", "--json").stdout
    done = run(
        "run", "none.ipynb", "-p", "x", "--timeout", "5x", "-o", "no/where.ipynb", "-i", "d=nothing", "--json", code=2
    )
    codes = [error["code"] for error in json.loads(done.stdout)["errors"]]
    assert sorted(codes) == ["input_unknown", "missing_file", "output_path", "timeout", "usage"]
    done = run("analyze", "none", "-m", "nope", "-p", "y", "--pool", "far", "--json", code=2)
    codes = [error["code"] for error in json.loads(done.stdout)["errors"]]
    assert sorted(codes) == ["dataset_unknown", "method_unknown", "pool_unknown", "usage"]
    assert run("status", "--json").stdout == before


def test_a_file_that_was_not_sent_gets_a_hint(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "n.ipynb", "name = 'gone' + '.csv'", "open(name)")
    assert "hint: Only files that were sent along" in run("run", "n.ipynb", code=1).stderr


def test_markdown_is_shown_as_words(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "n.ipynb", r"from IPython.display import Markdown; Markdown('**691** \x1b[2J genes')")
    done = run("run", "n.ipynb")
    assert r"691 \x1b[2J genes" in done.stderr
    assert "IPython" not in done.stderr + run("logs", done.stdout.strip()).stdout


def test_dry_run_shows_the_bundle_and_stores_nothing(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "n.ipynb", "open('data.csv').read()", parameters="x = 1")
    (tmp_path / "data.csv").write_text("a\n1\n")
    before = run("status", "--json").stdout
    told = json.loads(run("run", "n.ipynb", "--dry-run", "-p", "x=2", "--json").stdout)
    assert [file["path"] for file in told["files"]] == ["data.csv"]
    assert told["parameters"] == {"x": 2}
    assert "data.csv" in run("run", "n.ipynb", "--dry-run").stdout
    assert run("status", "--json").stdout == before


def test_cancel_and_rm(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "n.ipynb", "import time; time.sleep(120)")
    task = run("run", "n.ipynb", "--no-wait").stdout.strip()
    refused = run("rm", task, "nothing-like-it", "--json", code=2)
    assert [error["code"] for error in json.loads(refused.stdout)["errors"]] == ["task_unknown", "task_open"]
    assert run("cancel", task).stdout.strip() == task
    assert "had ended already: cancelled" in run("cancel", task).stderr
    assert run("results", task, "--to", "out", code=2).stderr.startswith("error")
    assert not (tmp_path / "out").exists()
    assert run("logs", "-f", task, code=1).returncode == 1
    assert run("rm", task).stdout.strip() == task
    run("status", task, code=2)


def test_interrupt_stops_watching_not_the_task(run: Run, home: Home, tmp_path: Path) -> None:
    # It must still run when the watching is interrupted, however slow the machine is; then it is cancelled.
    write(tmp_path / "n.ipynb", "import time; print('started', flush=True); time.sleep(80)")
    process = subprocess.Popen(
        [COMMAND, "run", "n.ipynb"],
        env=home.environment(),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests run in a shell's background, programs start with Ctrl-C ignored; a person's do not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    task = process.stdout.readline().strip()
    wait_for(lambda: "started" in run("logs", task).stdout)
    process.send_signal(signal.SIGINT)
    _, talk = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"codalab-nb logs -f {task[-8:]}" in talk
    assert f"codalab-nb cancel {task[-8:]}" in talk
    assert "Traceback" not in talk
    assert json.loads(run("status", task, "--json").stdout)[0]["state"] == "running"
    run("cancel", task)


def test_results_in_every_format(run: Run, tmp_path: Path) -> None:
    write(
        tmp_path / "n.ipynb",
        "open('genes.csv', 'w').write('gene,p\\nMARCH1,0.01\\n')",
        "open('<b>.txt', 'w').write('x')",
        "print('<script>')",
    )
    task = run("run", "n.ipynb").stdout.strip()
    formats = ("notebook", "html", "xlsx", "csv", "all")
    written = {name: run("results", task, "--to", f"out/{name}", "--format", name).stdout.strip() for name in formats}
    made = {name: Path(folder) for name, folder in written.items()}
    names = {format_: sorted(file.name for file in (tmp_path / folder).iterdir()) for format_, folder in made.items()}
    assert names == {
        "notebook": ["n.ipynb"],
        "html": ["result.html"],
        "xlsx": ["tables.xlsx"],
        "csv": ["<b>.txt", "genes.csv"],
        "all": ["<b>.txt", "_codalab", "genes.csv", "n.ipynb", "result.html", "tables.xlsx"],
    }
    assert "<script>" not in (tmp_path / made["html"] / "result.html").read_text()
    with zipfile.ZipFile(tmp_path / made["xlsx"] / "tables.xlsx") as package:
        texts = "".join(ET.fromstring(package.read("xl/worksheets/sheet2.xml")).itertext())
    assert "MARCH1" in texts
    again = run("results", task, "--to", "out/all").stdout.strip()
    assert Path(again).name == f"{made['all'].name}-2"
    assert run("results", task, "--to", "out", "--format", "pdf", code=2).stdout == ""
    assert not [name for name in (tmp_path / "out").iterdir() if name.name.startswith(".")]


def test_a_damaged_result_is_named_and_not_copied(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "n.ipynb", "open('a.txt', 'w').write('right')")
    told = json.loads(run("run", "n.ipynb", "--json").stdout)
    damaged = Path(told["result"]) / "a.txt"
    damaged.chmod(0o600)
    damaged.write_text("wrong")
    assert json.loads(run("status", told["task"], "--json").stdout)[0]["damage"] == ["a.txt was changed"]
    refused = run("results", told["task"], "--to", "out", "--json", code=2)
    assert [error["code"] for error in json.loads(refused.stdout)["errors"]] == ["result_damaged"]
    assert not (tmp_path / "out").exists()


def test_data_set_to_results(run: Run, home: Home, tmp_path: Path) -> None:
    """The biologist's way by hand, with what each listing prints for programs."""
    golub = Path(__file__).parents[2] / "codalab_nb" / "examples" / "golub_leukemia"
    words = ["dataset", "add", str(golub / "expression.csv"), "--samples", str(golub / "samples.csv"), "--name", "g"]
    assert run(*words).stdout == "g@1\n"
    assert run("dataset", "set", "g", "--role", "group=condition").stdout == "g@2\n"
    assert [one["dataset"] for one in json.loads(run("datasets", "--json").stdout)] == ["g@2"]
    assert "3,051 genes × 38 samples" in run("dataset", "show", "g@1").stdout
    offers = json.loads(run("method", "list", "--for", "g", "--json").stdout)
    assert {"method", "title", "fits", "reason"} <= set(offers[0])
    assert {offer["method"] for offer in offers if offer["fits"]} >= {"check-my-data", "pca-overview", "de-continuous"}
    done = run("analyze", "g", "-m", "de-continuous", "-m", "pca-overview", "--sweep", "alpha=0.01,0.05", "--json")
    told = json.loads(done.stdout)
    found = {(one["method"], one["parameters"].get("alpha")): one["metrics"] for one in told["tasks"]}
    assert found["de-continuous", 0.05]["genes_found"] == 691
    assert found["de-continuous", 0.01]["genes_found"] == 380
    assert len(json.loads(run("status", told["batch"], "--json").stdout)) == 3
    assert "alpha=0.01" in run("status", told["batch"]).stdout, "what differs inside the batch"
    assert len(run("results", "@last", "--to", "out").stdout.splitlines()) == 3
    twins = run("analyze", "g", "g@2", *["-m", "de-continuous"] * 2, "--sweep", "alpha=0.05,5e-2", "--no-wait")
    assert "Something is given twice" in twins.stderr
    assert len(json.loads(run("status", twins.stdout.strip(), "--json").stdout)) == 1
    wrong = run("analyze", "g", "g@1", "-m", "de-continuous", "--sweep", "alpha=x,0.05,x", "--json", code=2)
    assert len(json.loads(wrong.stdout)["errors"]) == 1
    assert json.loads(run("dataset", "rm", "g@1", "--json").stdout) == {"removed": ["g@1"]}
    bad = run("dataset", "add", "none.csv", "--role", "x", "--json", code=2)
    assert sorted(error["code"] for error in json.loads(bad.stdout)["errors"])[-1] == "usage"
    assert len(json.loads(bad.stdout)["errors"]) == 2


def test_filters_of_status(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "filtered.ipynb", "1")
    run("run", "filtered.ipynb")

    def listed(*words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(run("status", "--json", *words).stdout)
        return found

    assert len(listed("--limit", "1")) == 1
    assert listed("--limit", "1", "--state", "succeeded")[0]["notebook"] == "filtered.ipynb"
    assert listed("--since", "1h")
    assert listed("--dataset", "nothing") == []
    codes = [
        error["code"]
        for error in json.loads(
            run("status", "--state", "gone", "--since", "x", "--limit", "0", "--json", code=2).stdout
        )["errors"]
    ]
    assert codes == ["usage"] * 3


def test_a_reader_that_goes_away_is_no_error(run: Run, home: Home, tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{COMMAND} --help | true; {COMMAND} config show | head -1"],
        env=home.environment(),
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
