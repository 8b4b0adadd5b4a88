"""Systematic analysis from the command line, with real processes: rules kept and shared, on and off, what to try."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from codalab_nb.model.task import TERMINAL
from codalab_nb.systematic import control
from codalab_nb.systematic.view import CellState
from tests.integration.test_cli_homes import caller
from tests.support.home import ROOT, Home, wait_for

Call = Callable[..., CompletedProcess[str]]
_NIGHT_S = 600.0
GOLUB = str(ROOT / "codalab_nb" / "examples" / "golub_leukemia")
SMALL = """\
# Two quick looks at what comes from the clinic.
name = "quick-looks"
[datasets]
names = ["golub*"]
[[methods]]
method = "check-my-data"
[[methods]]
method = "pca-overview"
[budget]
tasks = 20
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home(tmp_path / "h") as one:
        yield one


@pytest.fixture
def call(home: Home, tmp_path: Path) -> Call:
    return caller(home, tmp_path)


def errors(done: CompletedProcess[str]) -> list[str]:
    assert done.returncode == 2, done.stderr
    return [error["code"] for error in json.loads(done.stdout)["errors"]]


def test_a_rule_goes_round(call: Call, tmp_path: Path) -> None:
    """What is shown can be kept in a file, sent to somebody, and added again: the same to the last character."""
    file, shown = tmp_path / "mine.toml", tmp_path / "shown.toml"
    file.write_text(SMALL)
    added = call("systematic", "rule", "add", "mine.toml")
    assert (added.returncode, added.stdout) == (0, "quick-looks\n"), added.stderr
    assert "systematic start" in added.stderr
    shown.write_text(call("systematic", "rule", "show", "quick-looks").stdout)
    assert shown.read_bytes() == file.read_bytes()
    assert call("systematic", "rule", "rm", "quick-looks").stdout == "quick-looks\n"
    assert json.loads(call("systematic", "rule", "list", "--json").stdout) == []
    assert call("systematic", "rule", "add", "shown.toml").returncode == 0
    (listed,) = json.loads(call("systematic", "rule", "--json").stdout)
    assert listed["rule"] == "quick-looks"
    assert [one["method"] for one in listed["configurations"]] == ["check-my-data", "pca-overview"]
    file.write_text(f"{SMALL}cpu_hours = 1\n")
    assert errors(call("systematic", "rule", "add", "mine.toml", "--json")) == ["rule_exists"]
    assert call("systematic", "rule", "add", "--replace", "mine.toml").returncode == 0
    told = json.loads(call("systematic", "rule", "show", "quick-looks", "--json").stdout)
    assert (told["text"], told["budget"]["cpu_hours"]) == (file.read_text(), 1.0)


def test_slips_are_told_and_nothing_is_added(call: Call, home: Home, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text('name = "bad"\n[budget]\ncpu_hours = -1\ntask = 3\n')
    assert errors(call("systematic", "rule", "add", "bad.toml", "--json")) == ["rule_value", "rule_key"]
    (tmp_path / "bad.toml").write_text('name = "bad"\n[[methods]]\nmethod = "predict-clas"\n')
    refused = call("systematic", "rule", "add", "bad.toml")
    assert refused.returncode == 2
    assert "Did you mean 'predict-class'?" in refused.stderr
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    assert errors(call("systematic", "rule", "add", "bad.toml", "--json")) == ["rule_encoding"]
    assert errors(call("systematic", "rule", "add", "none.toml", "--json")) == ["missing_file"]
    assert errors(call("systematic", "rule", "rm", "a", "b", "--json")) == ["rule_unknown"] * 2
    assert errors(call("systematic", "rule", "show", "../ledger", "--json")) == ["rule_unknown"]
    assert not home.places.rules.exists()


def test_a_rule_that_was_damaged_by_hand_is_told_and_others_stay(call: Call, home: Home, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(SMALL)
    call("systematic", "rule", "add", "mine.toml")
    (home.places.rules / "hand.toml").write_text("name = hand\n")
    listed = call("systematic", "rule", "list")
    assert "quick-looks" in listed.stdout
    assert "The rule hand is not followed" in listed.stderr
    found = json.loads(call("systematic", "rule", "list", "--json").stdout)
    assert [one["rule"] for one in found] == ["quick-looks", "hand"]
    assert found[1]["problems"][0]["code"] == "rule_syntax"
    assert call("systematic", "rule", "show", "hand").stdout == "name = hand\n"
    assert call("systematic", "rule", "rm", "hand").returncode == 0


@pytest.mark.timeout(2 * _NIGHT_S)
def test_on_at_work_and_off(call: Call, home: Home, tmp_path: Path) -> None:
    """What the rules ask for runs by itself, is told with its reasons, and does not bury a person's own tasks."""
    small_matrix(tmp_path / "golub.csv")
    assert call("dataset", "add", "golub.csv", "--accept").returncode == 0
    (tmp_path / "mine.toml").write_text(SMALL)
    call("systematic", "rule", "add", "mine.toml")
    before = status(call, "--matrix")
    assert (before["on"], before["working"]) == (False, False)
    assert before["counts"]["planned"] == 2  # what it would do is known before it is switched on
    started = call("systematic", "start")
    assert started.returncode == 0
    assert "at most 20 tasks a day" in started.stderr
    assert "systematic stop" in started.stderr
    with home.site() as site:  # its tasks yield to whatever else the machine does: that may take a while
        wait_for(lambda: len(site.ledger.find(states=TERMINAL, service=False)) == 2, _NIGHT_S)
        wait_for(lambda: control.status(site).counts.get(CellState.DONE) == 2)
    after = status(call, "--matrix", "--why", "golub")
    (row,) = after["matrix"]["rows"]
    cells = dict(zip((one["method"] for one in after["matrix"]["columns"]), row["cells"], strict=True))
    assert cells["check-my-data"]["state"] == "done"
    assert cells["heat-map"]["state"] == "not_asked"
    assert cells["de-counts"]["state"] == "unfit"
    assert "Needs counts" in cells["de-counts"]["reason"]
    assert after["why"]["rows"] == [row]
    (rule,) = after["rules"]
    assert (rule["rule"], rule["tasks_limit"]) == ("quick-looks", 20)
    assert rule["tasks"] >= 2
    assert json.loads(call("status", "--json").stdout) == []
    assert "Left out: 2 tasks of systematic analysis" in call("status").stderr
    listed = json.loads(call("status", "--background", "--json").stdout)
    assert {one["task"] for one in listed} == {cells["check-my-data"]["task"], cells["pca-overview"]["task"]}
    table = call("systematic", "status", "--matrix")
    assert "golub@1" in table.stdout
    assert "Needs counts" in call("systematic", "status", "--why", "golub").stdout
    stopped = call("systematic", "stop")
    assert "Systematic analysis is off." in stopped.stderr
    assert "off already" in call("systematic", "stop").stderr
    assert status(call)["counts"]["done"] == 2


def small_matrix(path: Path) -> None:
    """Logarithms of 60 genes in two groups of six samples."""
    chance = random.Random(0)
    rows = [f"g{i}," + ",".join(f"{chance.gauss(8, 1):.3f}" for _ in range(12)) for i in range(60)]
    header = ",".join(["gene", *(f"{group}_{i}" for group in ("control", "treated") for i in range(6))])
    path.write_text("\n".join([header, *rows]) + "\n")


def status(call: Call, *flags: str) -> dict[str, Any]:
    done = call("systematic", "status", *flags, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_without_a_rule_a_modest_one_is_added(call: Call, home: Home) -> None:
    started = call("systematic", "start")
    assert "There was no rule, so one was added: everyday." in started.stderr
    assert "There is no data set yet." in started.stderr
    assert "at most 4 CPU hours and 200 tasks a day" in started.stderr
    again = json.loads(call("systematic", "start", "--json").stdout)
    assert again == {"on": True, "was_on": True, "added": [], "rules": ["everyday"]}
    assert json.loads(call("systematic", "stop", "--json").stdout) == {"on": False, "was_on": True, "open": []}
    (home.places.systematic / "runs.jsonl").write_text("")
    assert call("uninstall", "--yes", "--keep-results").returncode == 0
    assert [path.name for path in home.places.systematic.iterdir()] == ["runs.jsonl"]  # what was learned is a result
    assert call("uninstall", "--yes").returncode == 0
    assert not home.folder.exists()


def test_what_cannot_be_shown_is_refused(call: Call) -> None:
    assert errors(call("systematic", "status", "--why", "nope", "--json")) == ["dataset_unknown"]
    assert errors(call("systematic", "status", "--matrix", "--question", "nope", "--json")) == ["question_unknown"]
    assert errors(call("systematic", "status", "--question", "x", "--limit", "0", "--json")) == ["usage"] * 2
    assert errors(call("recommend", "nope", "-k", "0", "--json")) == ["usage", "dataset_unknown"]


def test_recommendations_name_commands_that_work(call: Call) -> None:
    """For a data set that nothing ran on yet, each with its reason; what is recommended can be run as it is told."""
    assert call("dataset", "add", GOLUB, "--name", "golub").returncode == 0
    told = call("recommend", "golub")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("golub@1: what to try")
    found = json.loads(call("recommend", "golub", "-k", "1", "--json").stdout)
    assert found["dataset"] == "golub@1"
    assert found["recommended"]
    questions = [one["question"] for one in found["recommended"]]
    assert len(questions) == len(set(questions))  # -k 1: one of each kind
    assert all(one["why"] for one in found["recommended"])
    assert "de-counts" not in {one["method"] for one in found["recommended"]}  # which does not fit
    quickest = next(one for one in found["recommended"] if one["method"] == "check-my-data")
    words = quickest["command"].split()
    assert words[0] == "codalab-nb"
    ran = call(*words[1:], "--json")
    assert ran.returncode == 0, ran.stderr
    assert [one["verdict"] for one in json.loads(ran.stdout)["tasks"]] == ["succeeded"]
