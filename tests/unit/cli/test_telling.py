"""Words about tasks: exit codes, states, streamed lines, crashes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from codalab_nb.frontends import cli
from codalab_nb.frontends.cli import dataset, demo, doctor, exits, kernels, sandbox
from codalab_nb.frontends.cli.hints import hint
from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.run_view import Lines
from codalab_nb.frontends.cli.watching import place, printed
from codalab_nb.model.task import Reason, Verdict


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([], 0),
        ([Verdict.SUCCEEDED], 0),
        ([Verdict.SUCCEEDED, Verdict.FAILED], 1),
        ([Verdict.CANCELLED], 1),
        ([Verdict.EXPIRED], 1),
        ([Verdict.LOST, Verdict.FAILED, Verdict.SUCCEEDED], 3),
    ],
)
def test_the_worst_verdict_counts(verdicts: list[Verdict], code: int) -> None:
    assert exits.exit_code(verdicts) == code


def test_streamed_text_becomes_whole_lines() -> None:
    """Half a line would be torn apart by the line that shows progress."""
    lines = Lines()
    assert lines.add("a\nb", whole=False) == "a"
    assert lines.add("c", whole=False) == ""
    assert lines.add("d\n", whole=False) == "bcd"
    assert lines.add("e", whole=True) == "e"
    assert lines.add("half", whole=False) == ""
    assert lines.rest() == "half"
    assert lines.rest() == ""


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ({"output_type": "stream", "name": "stdout", "text": ["a", "b"]}, "ab"),
        ({"output_type": "display_data", "data": {"text/plain": "x", "text/html": "<b>"}}, "x"),
        ({"output_type": "display_data", "data": {"text/html": "<b>"}}, None),
        ({"output_type": "display_data", "data": {"text/plain": "<IPython.core.display.HTML object>"}}, None),
        (
            {"output_type": "display_data", "data": {"text/plain": "<IPython…>", "text/markdown": ["**a** ", "b"]}},
            "a b",
        ),
        ({"output_type": "display_data", "data": {"text/markdown": {"not": "text"}}}, None),
        ({"output_type": "error", "ename": "E", "evalue": "v", "traceback": []}, "E: v"),
        ({"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["t1", "t2"]}, "t1\nt2"),
        ("no output", None),
        ({"output_type": "stream", "text": 7}, None),
    ],
)
def test_printed(output: Any, text: str | None) -> None:
    """Events come out of a sandbox: what is no output is no text, and no crash."""
    assert printed({"type": "output", "body": {"output": output}}) == text
    assert printed({"type": "heartbeat", "body": {}}) is None


def test_cells_are_counted_as_people_do() -> None:
    assert place(0, 7) == "cell 1 of 7"
    assert place(-1, 7) == "setting parameters"
    assert place(4, None) == "cell 5"


def test_an_unforeseen_error_leaves_its_traceback_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODALAB_NB_HOME", str(tmp_path / "home"))

    def broken() -> list[dict[str, str]]:
        raise RuntimeError("token=abc broke\x1b")

    monkeypatch.setattr(kernels, "installed", broken)
    stdout, stderr = io.StringIO(), io.StringIO()
    assert cli.perform(["kernels"], Output(stdout, stderr, live=False)) == 70
    assert "Traceback" not in stderr.getvalue()
    assert "\x1b" not in stderr.getvalue()
    log = tmp_path / "home" / "crash.log"
    assert str(log) in stderr.getvalue()
    assert "RuntimeError" in log.read_text()
    assert "token=abc" not in log.read_text()


def test_doctor_names_a_damaged_database_and_a_bad_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODALAB_NB_HOME", str(tmp_path))
    monkeypatch.setenv("CODALAB_NB_SANDBOX", "none")
    (tmp_path / "ledger.db").write_bytes(b"not a database" * 100)
    stdout = io.StringIO()
    assert cli.perform(["doctor", "--json"], Output(stdout, io.StringIO(), json=True)) == 3
    told = {check["check"]: check for check in json.loads(stdout.getvalue())["checks"]}
    assert told["ledger"]["level"] == "problem"
    assert "monitor --rebuild" in told["ledger"]["fix"]
    assert told["sandbox"]["level"] == "warning"
    monkeypatch.setenv("CODALAB_NB_SLOTS", "many")
    assert [check.check for check in doctor.checks() if check.level == "problem"] == ["settings"]


def test_config_show_says_where_a_value_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODALAB_NB_HOME", str(tmp_path))
    monkeypatch.setenv("CODALAB_NB_SLOTS", "3")
    (tmp_path / "codalab.toml").write_text('timeout = "2h"\n')
    stdout = io.StringIO()
    assert cli.perform(["config", "show", "--json"], Output(stdout, io.StringIO(), json=True)) == 0
    found = {entry["setting"]: (entry["value"], entry["from"]) for entry in json.loads(stdout.getvalue())}
    assert found["slots"] == (3, "environment")
    assert found["timeout"] == (7200.0, "file")
    assert found["warm"] == (2, "default")
    assert found["home"] == (str(tmp_path), "environment")


@pytest.mark.parametrize(
    ("message", "network", "told"),
    [
        ("FileNotFoundError: [Errno 2] No such file or directory: 'data.csv'", False, "--include"),
        ("OSError: [Errno 30] Read-only file system: 'inputs/d/in.txt'", False, "write to another file"),
        ("PermissionError: [Errno 13] Permission denied: 'inputs/d/in.txt'", False, "write to another file"),
        ("PermissionError: [Errno 13] Permission denied: '/etc/shadow'", False, ""),
        ("URLError: <urlopen error [Errno -3] Temporary failure in name resolution>", False, "--network"),
        ("URLError: <urlopen error [Errno -3] Temporary failure in name resolution>", True, ""),
        ("OSError: [Errno 101] Network is unreachable", False, "--network"),
        ("Stopped\ntrace\nsocket.gaierror: [Errno -2] Name or service not known\n", False, "--network"),
        ("CalledProcessError: Command '['python3', '-m', 'pip', 'install', 'x']' returned 1.", False, "--network"),
        ("ValueError: bad\n  except FileNotFoundError:\nValueError: bad", False, ""),
    ],
)
def test_usual_causes_get_a_hint(message: str, network: bool, told: str) -> None:
    """What the sandbox keeps away looks like a broken notebook to somebody new."""
    found = hint(Reason(code="cell_error", message=message), network=network)
    assert told in found
    assert bool(told) == bool(found)
    if network or "Errno 30" in message:
        assert hint(Reason(code="cell_error", message=message), network=network, sandbox=False) == ""


@pytest.mark.parametrize(
    ("started", "setting", "told", "not_told"),
    [
        ("none", "none", "CODALAB_NB_SANDBOX=auto", "apt install"),
        ("none", "bubblewrap", "codalab-nb stop", "apt install"),
        ("bubblewrap", "none", "keeps the settings it was started with", "NO SANDBOX"),
    ],
)
def test_what_is_said_about_the_sandbox(started: str, setting: str, told: str, not_told: str) -> None:
    words = sandbox.words(started, setting)
    assert told in words
    assert not_told not in words


def test_bubblewrap_is_to_be_installed_only_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert "apt install bubblewrap" in sandbox.words("none", "auto")
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/bwrap")
    assert "apt install" not in sandbox.words("none", "auto")
    assert "apt install" not in sandbox.words("none", "auto", ended=True)
    assert sandbox.words("bubblewrap", "auto") == sandbox.words(None, "none") == ""
    assert sandbox.words("bubblewrap", "none", ended=True) == ""


@pytest.mark.parametrize(("genes", "words"), [(1, "1 gene × 2 samples"), (3051, "3,051 genes × 2 samples")])
def test_one_gene_is_no_genes(genes: int, words: str) -> None:
    profile: Any = SimpleNamespace(is_matrix=True, n_features=genes, n_samples=2)
    assert dataset.shape(profile) == words


def test_the_demo_names_a_command_that_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an environment that is not active the bare word is not found."""
    script = tmp_path / ".venv" / "bin" / "codalab-nb"
    script.parent.mkdir(parents=True)
    script.touch()
    monkeypatch.setattr("sys.argv", [str(script), "demo"])
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert demo.program() == str(script)
    monkeypatch.chdir(tmp_path)
    assert demo.program() == ".venv/bin/codalab-nb"
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/codalab-nb")
    assert demo.program() == "codalab-nb"
