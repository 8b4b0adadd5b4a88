"""What the flags of `run` and `analyze` mean, and that every slip is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from codalab_nb.errors import Problems
from codalab_nb.frontends import cli
from codalab_nb.frontends.cli import asking
from codalab_nb.site.parameter_values import Spelled


def problems_of(*words: str) -> list[str]:
    found = Problems()
    args = cli.build_parser().parse(["run", "n.ipynb", *words])
    asking.parameters(args, found)
    asking.options(args, found)
    return [problem.code for problem in found.found]


def test_all_slips_are_collected() -> None:
    found = problems_of("-p", "x", "--timeout", "5x", "--memory", "lots", "--pass-env", "NOT_SET_HERE")
    assert found == ["usage", "timeout", "memory", "env_unset"]


def test_p_is_spelled_and_r_is_text(tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text('{"x": 1, "z": [1, 2]}')
    args = cli.build_parser().parse(["run", "n.ipynb", "-p", "x=5", "-r", "y=5=6", "-f", str(file)])
    found = Problems()
    values = asking.parameters(args, found)
    assert not found.found
    assert values == {"x": "5", "y": "5=6", "z": [1, 2]}
    assert isinstance(values["x"], Spelled)
    assert not isinstance(values["y"], Spelled)


@pytest.mark.parametrize("words", [("-p", "x=1", "-p", "x=2"), ("-p", "x=1", "-r", "x=1")])
def test_a_parameter_given_twice_is_refused(words: tuple[str, ...]) -> None:
    assert problems_of(*words) == ["param_twice"]


@pytest.mark.parametrize(
    ("name", "content", "code"), [("p.yaml", "x: 1", "param_format"), ("p.json", "[1]", "param_format")]
)
def test_bad_parameter_files(tmp_path: Path, name: str, content: str, code: str) -> None:
    file = tmp_path / name
    file.write_text(content)
    assert problems_of("-f", str(file)) == [code]
    assert problems_of("-f", str(tmp_path / "none.json")) == ["missing_file"]


def test_the_environment_is_taken_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_FOR_TEST", "secret")
    args = cli.build_parser().parse(
        ["run", "n.ipynb", "--pass-env", "TOKEN_FOR_TEST", "--timeout", "1h30m", "--memory", "2G"]
    )
    options = asking.options(args, Problems())
    assert options.environment == {"TOKEN_FOR_TEST": "secret"}
    assert (options.timeout_s, options.memory_bytes) == (5400.0, 2 << 30)


def test_sweep_splits_values() -> None:
    args = cli.build_parser().parse(["analyze", "d", "--sweep", "m.alpha=0.01, 0.05", "--sweep", "k="])
    assert asking.sweep(args, Problems()) == {"m.alpha": ["0.01", "0.05"], "k": []}
