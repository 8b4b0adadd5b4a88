"""The words people and scripts type: a contract. Slips are told at once, with the nearest word."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from codalab_nb.errors import InputError
from codalab_nb.frontends import cli
from codalab_nb.frontends.cli.output import Output

COMMANDS = {
    "demo", "dataset add", "dataset list", "dataset show", "dataset rm", "dataset set", "method list", "method show",
    "method check", "analyze", "run", "status", "logs", "results", "cancel", "retry", "rm", "doctor", "kernels",
    "config show", "clean", "stop", "uninstall", "monitor",
    "pool create", "pool list", "pool show", "pool invite", "pool revoke", "pool rm",
    "recommend", "systematic start", "systematic status", "systematic stop",
    "systematic rule add", "systematic rule list", "systematic rule show", "systematic rule rm",
}  # fmt: skip
SUBMIT = {"--timeout", "--memory", "--network", "--pass-env", "--pool", "--no-wait"}
MANAGE = {"--servicebus-connection-env", "--servicebus-connection-file"}
MEANING = {"--role", "--kind", "--reference", "--rename", "--accept"}
FLAGS = {
    "demo": {"--lab"},
    "dataset add": {"--name", "--samples", "--sheet", *MEANING},
    "dataset set": {*MEANING, "--samples"},
    "method list": {"--for"},
    "method check": {"--run"},
    "analyze": {"-m", "-p", "--sweep", *SUBMIT},
    "run": {"-o", "-p", "-r", "-f", "-i", "-k", "--include", "--dry-run", *SUBMIT},
    "status": {"--state", "--dataset", "--method", "--since", "--limit", "--background"},
    "logs": {"-f"},
    "results": {"--to", "--format"},
    "retry": {"--failed"},
    "clean": {"--older-than", "--dry-run"},
    "uninstall": {"--keep-results", "--yes"},
    "monitor": {"--rebuild", "--once"},
    "pool create": {"--from", "--account", "--prefix", "--account-key-env", "--account-key-file", *MANAGE},
    "pool invite": {"--expires", "--to"},
    "pool revoke": MANAGE,
    "pool rm": {"--queues", "--yes", *MANAGE},
    "recommend": {"-k"},
    "systematic status": {"--matrix", "--question", "--why", "--limit"},
    "systematic rule add": {"--replace"},
}


def test_commands_and_flags_are_those_promised() -> None:
    grammar = cli.build_parser()
    assert {" ".join(path) for path in grammar.commands} == COMMANDS
    for path, command in grammar.commands.items():
        expected = {*FLAGS.get(" ".join(path), set()), "-h", "--help"}
        if path != ("monitor",):
            expected.add("--json")
        assert set(command.flags) == expected, path


@pytest.mark.parametrize("words", sorted(COMMANDS))
def test_every_command_has_a_handler_and_help(words: str) -> None:
    command = cli.build_parser().commands[tuple(words.split())]
    assert callable(command.handler)
    assert command.summary
    code, out, _ = run(*words.split(), "--help")
    assert code == 0
    assert out.startswith(f"usage: codalab-nb {words}")


def run(*words: str) -> tuple[int, str, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    code = cli.perform(words, Output(stdout, stderr, json="--json" in words, live=False))
    return code, stdout.getvalue(), stderr.getvalue()


def test_flags_may_stand_anywhere() -> None:
    args = cli.build_parser().parse(["dataset", "add", "a.csv", "--name", "x", "b.csv", "--json"])
    assert (args.paths, args.name, args.json) == (["a.csv", "b.csv"], "x", True)


def test_values_may_start_with_a_dash() -> None:
    args = cli.build_parser().parse(["run", "-p", "x=-1", "-r", "-y=-", "--timeout=-5", "-pz=3", "n.ipynb"])
    assert (args.parameters, args.texts, args.timeout) == (["x=-1", "z=3"], ["-y=-"], "-5")


def test_two_dashes_end_the_flags() -> None:
    assert cli.build_parser().parse(["run", "--", "-odd.ipynb"]).notebook == "-odd.ipynb"


@pytest.mark.parametrize(
    ("words", "handler"),
    [
        (["datasets"], "dataset list"),
        (["methods"], "method list"),
        (["config"], "config show"),
        (["systematic"], "systematic status"),
        (["systematic", "--json"], "systematic status"),
        (["systematic", "rule"], "systematic rule list"),
        (["systematic", "rule", "--json"], "systematic rule list"),
        (["systematic", "rule", "rm", "a"], "systematic rule rm"),
    ],
)
def test_a_group_alone_lists(words: list[str], handler: str) -> None:
    grammar = cli.build_parser()
    assert grammar.find(words)[0] is grammar.commands[tuple(handler.split())]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["rnu", "a.ipynb"], "Did you mean run?"),
        (["dataset", "ad", "a.csv"], "Did you mean add?"),
        (["run", "a.ipynb", "--tiemout", "5"], "Did you mean --timeout?"),
        (["a.ipynb"], "codalab-nb run a.ipynb"),
        (["--json", "status"], "Write the command first"),
        (["run"], "NOTEBOOK"),
        (["run", "a.ipynb", "-p"], "-p needs a value"),
        (["run", "a.ipynb", "--network=yes"], "--network takes no value"),
        (["run", "a.ipynb", "--time", "5"], "no flag --time"),
        (["systematic", "strat"], "Did you mean start?"),
        (["systematic", "rule", "ad", "a.toml"], "`systematic rule` has no command 'ad'. Did you mean add?"),
        (["systematic", "rule", "show"], "RULE"),
    ],
)
def test_slips_are_usage_errors(words: list[str], meant: str) -> None:
    with pytest.raises(InputError) as caught:
        cli.build_parser().parse(words)
    assert caught.value.code == "usage"
    assert meant in str(caught.value)
    assert run(*words)[0] == 2


def test_all_wrong_flags_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        cli.build_parser().parse(["run", "a.ipynb", "--tiemout", "5", "--memry", "1G"])
    assert len(caught.value.problems) == 2


def test_errors_as_json_are_alone_on_stdout() -> None:
    code, out, err = run("run", "a.ipynb", "--nope", "--json")
    assert code == 2
    assert err == ""
    (error,) = json.loads(out)["errors"]
    assert set(error) == {"code", "message", "fix"}


@pytest.mark.parametrize(
    "words", [("status", ""), ("dataset", "add", " "), ("results", "@last", "--to", ""), ("run", "n.ipynb", "-o", "")]
)
def test_empty_arguments_are_refused(words: tuple[str, ...]) -> None:
    """An unset variable of the shell must not mean the working folder, or every task."""
    code, _, err = run(*words)
    assert code == 2
    assert "empty" in err


def test_a_link_to_itself_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    code, out, _ = run("dataset", "add", str(tmp_path / "loop.csv"), "--json")
    assert code == 2
    assert [error["code"] for error in json.loads(out)["errors"]] == ["unreadable_file"]


def test_hostile_words_are_shown_spelled_out() -> None:
    code, out, err = run("\x1b[2J")
    assert code == 2
    assert "\x1b" not in out + err


def test_completion_words() -> None:
    grammar = cli.build_parser()
    assert {"run", "dataset", "methods"} <= set(grammar.words())
    assert grammar.words("datasets") == ["add", "list", "show", "set", "rm"]
    assert grammar.words("systematic") == ["start", "status", "stop", "rule"]
    assert grammar.words("systematic", "rule") == ["add", "list", "show", "rm"]


def test_a_group_tells_what_there_is() -> None:
    code, out, _ = run("systematic", "rule", "--help")
    assert code == 0
    assert out.splitlines()[0] == "usage: codalab-nb systematic rule COMMAND …"
    assert len(out.splitlines()) == 6
    assert len(run("systematic", "--help")[1].splitlines()) == 9


def test_parsing_loads_nothing_heavy() -> None:
    """`--version`, help and typing slips answer at once: neither pydantic nor what sits on it is imported for them."""
    names = ("pydantic", "rich", "pandas", "numpy", "nbformat", "papermill", "sqlite3")
    assert _loaded("from codalab_nb.frontends.cli import main; main(['--version']); main(['nope'])", *names) == []
    later = "import codalab_nb.frontends.cli.run, codalab_nb.frontends.cli.analyze, codalab_nb.frontends.cli.status"
    assert _loaded(later, "rich", "pandas", "numpy", "nbformat", "papermill") == []


def _loaded(code: str, *names: str) -> list[str]:
    program = f"import sys\n{code}\nprint([name for name in {names!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    found: list[str] = ast.literal_eval(done.stdout.splitlines()[-1])
    return found
