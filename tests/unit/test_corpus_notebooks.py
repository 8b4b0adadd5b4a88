"""Hostile and broken notebooks: the folder a case lies in is its expected verdict.

`ok` is accepted without a word, `ok+CODE` with that warning, any other folder is the code of the refusal.
"""

from __future__ import annotations

import time
from typing import Any

import nbformat
import pytest

from codalab_nb.errors import InputError
from codalab_nb.model.notebook import check_notebook_path, read_notebook
from tests.corpus.generate import NOTEBOOKS, stored

STORED = list(stored("notebooks"))
ROWS = [*range(1, 23), 25, 26, 27, 29, 30, 32]  # the others need a worker; 33 stands below


def verdict(data: bytes) -> str:
    """`ok`, `ok+WARNING`, or the one code of the refusal."""
    try:
        checked = read_notebook(data, name="case.ipynb")
    except InputError as error:
        return judge_refusal(error)
    judge_clean(checked.notebook)
    return "+".join(["ok", *(warning.code for warning in checked.warnings)])


def judge_refusal(refusal: InputError) -> str:
    assert all(problem.message.count("case.ipynb") == 1 and problem.fix for problem in refusal.problems)
    codes = {problem.code for problem in refusal.problems}
    assert len(codes) == 1
    return codes.pop()


def judge_clean(notebook: dict[str, Any]) -> None:
    """What holds for every accepted notebook, whatever it was before."""
    nbformat.validate(nbformat.from_dict(notebook))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for part in (notebook, *notebook["cells"]):
        assert not {"papermill", "trusted", "signature", "widgets"} & set(part["metadata"])
    for cell in notebook["cells"]:
        assert isinstance(cell["source"], str)
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
        for bundle in cell.get("attachments", {}).values():
            assert not {"text/html", "image/svg+xml"} & set(bundle)


@pytest.mark.parametrize(("expected", "name", "data"), STORED, ids=[f"{case[0]}/{case[1]}" for case in STORED])
def test_stored_case(expected: str, name: str, data: bytes) -> None:
    assert verdict(data) == expected


@pytest.mark.parametrize(("expected", "name", "make"), NOTEBOOKS, ids=[f"{case[0]}/{case[1]}" for case in NOTEBOOKS])
def test_generated_case(expected: str, name: str, make: Any) -> None:
    assert verdict(make()) == expected


def test_every_row_has_a_case() -> None:
    found = {case[1].split("-")[0] for case in (*STORED, *NOTEBOOKS)}
    assert found == {f"N{row}" for row in ROWS}


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_bottomless_nesting_is_refused_at_once(opening: bytes) -> None:
    """The depth is found by scanning bytes: no recursion, and no time either."""
    data = opening * 100_000
    start = time.perf_counter()
    with pytest.raises(InputError):
        read_notebook(data, name="deep.ipynb")
    assert time.perf_counter() - start < 1


def test_quotes_cannot_make_the_scan_slow() -> None:
    """A text that never ends, made of escaped quotes, is the worst case of a careless pattern."""
    start = time.perf_counter()
    with pytest.raises(InputError, match="cannot be read"):
        read_notebook(b'"' + b'\\"' * 2_000_000, name="quotes.ipynb")
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b'{"cells": [], "metadata": {}, ', "byte 30"),
        ('{"é": "ü", '.encode(), "byte 13"),
        (b'\xef\xbb\xbf{"a" 1}', "byte 8"),
        (b'{"a": "caf\xe9"}', "byte 10"),
        (b'{"a": "NaN", "b": NaN}', "byte 18"),
    ],
)
def test_the_place_is_told_in_bytes(data: bytes, offset: str) -> None:
    with pytest.raises(InputError, match=offset):
        read_notebook(data, name="case.ipynb")


def test_ids_are_made_the_same_way_each_time() -> None:
    """Site and worker read the same bytes; their notebooks must be equal."""
    data = next(data for _, name, data in STORED if name == "N25-ids-doubled.ipynb")
    first, second = (read_notebook(data, name="case.ipynb").notebook for _ in range(2))
    assert first == second
    assert [cell["id"] for cell in first["cells"]] == ["a1", "cell-2-x", "cell-2"]


def test_reading_twice_changes_nothing() -> None:
    """A clean notebook written out and read again is the same: the worker's check undoes nothing."""
    for expected, _name, data in STORED:
        if expected.startswith("ok"):
            once = read_notebook(data, name="case.ipynb")
            twice = read_notebook(nbformat.writes(nbformat.from_dict(once.notebook)).encode(), name="case.ipynb")
            assert (twice.notebook, twice.kernel) == (once.notebook, once.kernel)


def test_format_3_becomes_what_nbformat_makes_of_it() -> None:
    data = next(data for _, name, data in STORED if name == "N11-format-3.ipynb")
    ours = read_notebook(data, name="case.ipynb").notebook
    theirs = nbformat.reads(data.decode(), as_version=4)
    assert [(cell["cell_type"], cell["source"]) for cell in ours["cells"]] == [
        (cell.cell_type, cell.source) for cell in theirs.cells
    ]
    assert [cell["metadata"] for cell in ours["cells"]] == [cell.metadata for cell in theirs.cells]


def test_kernel_and_language() -> None:
    by_name = {name: data for _, name, data in STORED}
    other = read_notebook(by_name["N22-other-kernel.ipynb"], name="case.ipynb")
    assert (other.kernel, other.language) == ("ir", "r")
    missing = read_notebook(by_name["N22-kernelspec-missing.ipynb"], name="case.ipynb")
    assert (missing.kernel, missing.language) == ("python3", "python")


def test_all_bad_cells_are_told_at_once_by_number() -> None:
    data = b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": 5}, "cells": [1, {"cell_type": "x"}]}'
    with pytest.raises(InputError) as caught:
        read_notebook(data, name="case.ipynb")
    assert [problem.code for problem in caught.value.problems] == ["nb_kernel", "nb_shape", "nb_shape"]
    assert "Cell 2 of case.ipynb" in caught.value.problems[2].message


@pytest.mark.parametrize(
    "path",
    [
        *("x/../../n.ipynb", "a/../n.ipynb", "a{b}.ipynb", "-", "http://example.org/n.ipynb", "s3://bucket/n.ipynb"),
        *("file:///etc/passwd", "", "/", "..", "a\nb.ipynb", "a\0.ipynb", "folder/{0.__class__}.ipynb"),
    ],
)
def test_n33_no_path_of_a_notebook(path: str) -> None:
    """N33: papermill would format, fetch, or read standard input."""
    with pytest.raises(InputError) as caught:
        check_notebook_path(path)
    assert caught.value.code == "path"


@pytest.mark.parametrize("path", ["n.ipynb", "../n.ipynb", "../../a/n.ipynb", "/home/me/n.ipynb", "./my notes.ipynb"])
def test_plain_paths_pass(path: str) -> None:
    assert check_notebook_path(path) == path
