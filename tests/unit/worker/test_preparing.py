"""A notebook made ready for papermill, and small texts of reasons."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codalab_worker import engine, runner
from codalab_worker.limits import Limits, address_space
from codalab_worker.watching import Usage, folder_usage


def _notebook(*sources: str, **metadata: Any) -> dict[str, Any]:
    cells = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources]
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _values() -> st.SearchStrategy[Any]:
    plain = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
    text = st.text(st.characters(exclude_categories=["Cs"]))
    return st.recursive(plain | text, lambda inner: st.lists(inner) | st.dictionaries(text, inner), max_leaves=10)


@settings(deadline=None, max_examples=300)
@given(_values())
def test_parameters_round_trip(value: Any) -> None:
    """Whatever JSON value is given, the injected cell is one assignment of that literal (THREATS P6)."""
    prepared = runner.prepare(_notebook("print(x)"), {"x": value}, "python3", forked=True)
    (statement,) = ast.parse(prepared.cells[0].source).body
    assert isinstance(statement, ast.Assign)
    assert ast.literal_eval(statement.value) == value


def test_foreign_papermill_metadata_is_dropped() -> None:
    """What another run left, or a hostile author wrote there, does not count (THREATS N21)."""
    document = _notebook("1", papermill="x")
    document["cells"][0]["metadata"]["papermill"] = "x"
    prepared = runner.prepare(document, {"a": 1}, "python3", forked=True)
    assert prepared.metadata.papermill["parameters"] == {"a": 1}


@pytest.mark.parametrize(
    "document", [{}, {"cells": 5, "metadata": {}, "nbformat": 4}, {"cells": [5], "metadata": {}, "nbformat": 4}]
)
def test_not_a_notebook(document: dict[str, Any]) -> None:
    """The submitter checked; the runner checks again, in words."""
    with pytest.raises(runner.Refused, match="not a notebook") as refused:
        runner.prepare(document, {}, "python3", forked=True)
    assert refused.value.code == "nb_shape"


@pytest.mark.parametrize("language", ["bash", "julia", "klingon"])
def test_languages_without_a_safe_translator(language: str) -> None:
    """Parameters are refused there; without parameters the notebook runs (THREATS N24, P14)."""
    document = _notebook("1", kernelspec={"name": "k", "language": language})
    with pytest.raises(runner.Refused) as refused:
        runner.prepare(document, {"x": "$(id)"}, "k", forked=False)
    assert refused.value.code == "param_language"
    assert runner.prepare(document, {}, "k", forked=False).cells


def test_r_parameters_are_quoted() -> None:
    """Quotes and backslashes in a text cannot end the R literal."""
    document = _notebook("1", kernelspec={"name": "ir", "language": "R"})
    source = runner.prepare(document, {"x": 'a"; system("id"); "\\'}, "ir", forked=False).cells[0].source
    assert source.splitlines()[-1] == 'x = "a\\"; system(\\"id\\"); \\"\\\\"'


def test_reason_texts() -> None:
    """Colours are removed; a long text keeps its beginning and its end."""
    assert engine.plain("\x1b[31mred\x1b[0m \x1b]0;title\x07x") == "red x"
    short = engine.shorten("a" * 1000 + "b" * 99_000 + "the end")
    assert len(short) < 20_200
    assert short.startswith("aaa")
    assert short.endswith("the end")


def test_limits_from_a_job() -> None:
    """Names that only a newer worker knows are left alone; the backstop lies far above the limit."""
    limits = Limits.from_job({"processes": 10, "colour": 3, "memory_bytes": None})
    assert (limits.processes, limits.memory_bytes) == (10, Limits().memory_bytes)
    assert address_space(limits) > 4 * limits.memory_bytes


def test_folder_usage(tmp_path: Any) -> None:
    """Blocks, not lengths; links are not followed; the walk ends when it has seen enough."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "sparse").touch()
    with (tmp_path / "a" / "sparse").open("r+b") as file:
        file.truncate(1 << 40)
    (tmp_path / "full").write_bytes(b"1" * 100_000)
    (tmp_path / "link").symlink_to("/usr")
    used = folder_usage(tmp_path, lambda _: False)
    assert used.files == 4
    assert 100_000 <= used.disk_bytes < 200_000
    for number in range(50):
        (tmp_path / str(number)).touch()
    assert folder_usage(tmp_path, lambda so_far: so_far.files > 0) != Usage(0, 0)
