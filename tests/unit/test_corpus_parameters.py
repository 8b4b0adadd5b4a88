"""Hostile parameters: the folder a case lies in is its expected verdict, as for the notebooks."""

from __future__ import annotations

import ast
import enum
import math
import sys
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from papermill.translators import PythonTranslator

from codalab_nb.errors import InputError
from codalab_nb.model.declared import coerce, declared_parameters, unknown_parameters
from codalab_nb.model.parameters import check_parameters, parse_value, read_parameter_file
from tests.corpus.generate import PARAMETERS, stored

STORED = list(stored("parameters"))

names = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,20}\Z")
scalars = st.one_of(
    *(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1)),
    *(st.floats(allow_nan=False, allow_infinity=False), st.text()),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=8
)


def verdict(params: Any) -> str:
    """`ok`, `ok+WARNING`, or the first code of the refusal."""
    try:
        clean, warnings = check_parameters(params)
    except InputError as error:
        return code_of(error)
    assert clean == params
    return "+".join(["ok", *(warning.code for warning in warnings)])


def code_of(refusal: InputError) -> str:
    assert all(problem.message and problem.fix for problem in refusal.problems)
    return refusal.code


def stored_verdict(name: str, data: bytes) -> str:
    try:
        params = read_parameter_file(name, data)
    except InputError as error:
        return code_of(error)
    return verdict(params)


@pytest.mark.parametrize(("expected", "name", "data"), STORED, ids=[f"{case[0]}/{case[1]}" for case in STORED])
def test_stored_case(expected: str, name: str, data: bytes) -> None:
    assert stored_verdict(name, data) == expected


@pytest.mark.parametrize(("expected", "name", "make"), PARAMETERS, ids=[f"{case[0]}/{case[1]}" for case in PARAMETERS])
def test_generated_case(expected: str, name: str, make: Any) -> None:
    start = time.perf_counter()
    assert verdict(make()) == expected
    assert time.perf_counter() - start < 1


def test_every_row_has_a_case() -> None:
    """P13 stands below: it needs a notebook. P14 needs a worker."""
    found = {case[1].split("-")[0] for case in (*STORED, *PARAMETERS)}
    assert found == {f"P{row}" for row in range(1, 13)}


def injected(params: dict[str, Any]) -> dict[str, Any]:
    """What papermill's cell assigns, read without running it; each statement must be one assignment of a literal."""
    tree = ast.parse(PythonTranslator.codify(params))
    found = {}
    for statement in tree.body:
        assert isinstance(statement, ast.Assign)
        (target,) = statement.targets
        assert isinstance(target, ast.Name)
        found[target.id] = ast.literal_eval(statement.value)
    return found


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(names, values, max_size=4))
def test_what_is_accepted_arrives_equal_in_the_injected_cell(params: dict[str, Any]) -> None:
    """P6: whatever passes our rules comes out of papermill's cell as the same value, and as nothing but values."""
    refused = verdict(params)
    if not refused.startswith("ok"):
        assert refused in ("param_name", "param_value", "param_size")
        return
    clean, _ = check_parameters(params)
    arrived = injected(clean)
    assert arrived == clean
    assert repr(arrived) == repr(clean)  # tells True from 1 and -0.0 from 0.0


@settings(max_examples=10_000, deadline=None)  # as many as the row P6 asks
@given(st.text())
def test_every_text_arrives_equal(text: str) -> None:
    assert injected(check_parameters({"a": text})[0]) == {"a": text}


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=20))
def test_no_name_becomes_code(name: str) -> None:
    """P1 to P5: a name is refused, or papermill's cell is exactly one assignment to it."""
    try:
        clean, _ = check_parameters({name: 1})
    except InputError:
        return
    assert injected(clean) == {name: 1}


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        check_parameters({"class": 1, "a": (1,), "b": math.inf, "ok": 1})
    assert [problem.code for problem in caught.value.problems] == ["param_name", "param_type", "param_value"]


def test_subclasses_become_plain_values() -> None:
    class Level(enum.IntEnum):
        LOW = 1

    class Gene(enum.StrEnum):
        TP53 = "TP53"

    clean, _ = check_parameters({"a": Level.LOW, "b": Gene.TP53})
    assert [type(value) for value in clean.values()] == [int, str]


@pytest.mark.parametrize("text", ["True", "False", "None", "5", "-5", "1_000", " 7 ", "0.5", "1e3", "abc", "true", ""])
def test_untyped_values_follow_papermill(text: str) -> None:
    """The source of the rule is asked itself."""
    from papermill.cli import _resolve_type

    ours, theirs = parse_value(text), _resolve_type(text)
    assert (ours, type(ours)) == (theirs, type(theirs))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        *(("5", "int", 5), ("5", "str", "5"), ("5", "float", 5.0), ("5", None, 5), ("5", "Unknown", 5)),
        *(("yes", "bool", True), ("False", "bool", False), ("0", "bool", False), ("None", "str", "None")),
        *(("None", "Optional[int]", None), ("5", "int | None", 5), ("None", "str | None", None)),
        *(('["a"]', "list[str]", ["a"]), ("['a']", "list", ["a"]), ('{"a": 1}', "dict", {"a": 1})),
    ],
)
def test_declared_types_decide(text: str, kind: str | None, value: Any) -> None:
    found = coerce(text, kind)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(("x", "int"), ("1.5", "int"), ("nan", "float"), ("inf", "float"), ("maybe", "bool"), ("A,B", "list[str]")),
        *(("[1]", "dict"), ("__import__('os')", "list"), ("[" * 5_000, "list"), ("9" * 5_000, "int")),
    ],
)
def test_text_of_another_type_is_refused(text: str, kind: str) -> None:
    with pytest.raises(InputError, match=f"alpha is declared as {kind.split('[')[0]}") as caught:
        coerce(text, kind, name="alpha")
    assert caught.value.code == "param_value"


def notebook(source: str, tags: tuple[str, ...] = ("parameters",)) -> dict[str, Any]:
    cell = {"cell_type": "code", "id": "a", "metadata": {"tags": list(tags)}, "source": source, "outputs": []}
    return {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def test_declared_parameters_agree_with_papermill() -> None:
    source = (
        'alpha: float = 0.05  # cut-off\nname = "x"  # type: str the gene\nitems = [\n    1,\n]  # all of them\nn = 3\n'
    )
    ours = [(p.name, str(p.type), p.help) for p in declared_parameters(notebook(source))]
    theirs = [(p.name, p.inferred_type_name, p.help) for p in PythonTranslator.inspect({"source": source})]
    assert ours == theirs
    assert [p.default for p in declared_parameters(notebook(source))] == ["0.05", '"x"', "[\n    1,\n]", "3"]


def test_declared_parameters_where_papermill_stumbles() -> None:
    source = "%matplotlib inline\na = b = 1\nc, d = 2, 'x=y'\nf = dict(k=1)\na = 9\nlen('x')\ng: int\n"
    found = {p.name: p.default for p in declared_parameters(notebook(source))}
    assert found == {"a": "9", "b": "1", "c": "2", "d": "'x=y'", "f": "dict(k=1)"}


@pytest.mark.parametrize("source", ["x <- 5", "x = (", "%%bash\nx=1", "", "x = '\0'"])
def test_nothing_is_declared_in_what_is_not_python(source: str) -> None:
    assert declared_parameters(notebook(source)) == ()


def test_p13_unknown_parameters_suggest_the_nearest() -> None:
    known = notebook("alpha = 0.05\ngene = 'TP53'")
    (problem,) = unknown_parameters(["gene", "alhpa"], known)
    assert (problem.code, problem.fix) == ("param_unknown", "Did you mean alpha?")
    assert "alpha, gene" in unknown_parameters(["zzz"], known)[0].fix
    assert "Tag the cell" in unknown_parameters(["x"], notebook("x = 1", tags=()))[0].fix


def test_the_rules_are_light_to_import() -> None:
    """nbformat and IPython take up to a second; the command line and the worker's start cannot wait for them."""
    import subprocess

    code = (
        "import sys, codalab_nb.model.notebook, codalab_nb.model.declared, codalab_nb.model.outputs\n"
        "print([m for m in ('nbformat', 'IPython', 'papermill', 'yaml', 'numpy', 'pandas') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=".")
    assert run.stdout.strip() == "[]"
