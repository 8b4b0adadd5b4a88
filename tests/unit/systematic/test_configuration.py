"""A configuration and its key: one name for one thing, whatever the values are."""

from __future__ import annotations

import json

import pytest

from codalab_nb.model.method import Method, method_from_notebook
from codalab_nb.site.catalog import builtin_methods
from codalab_nb.systematic.configuration import Configuration, configure, parse_key


@pytest.fixture(scope="module")
def method() -> Method:
    return method_from_notebook(json.loads((builtin_methods() / "predict-class.ipynb").read_text()))


@pytest.mark.parametrize(
    "value",
    ["forest", "", "two words", 'say "x=1"', "x=1 y=2", "a\\b", "Größe µ 試", "line\nline", 0.1, 1e-300, -5, True],
)
def test_a_key_names_its_configuration_again(value: object) -> None:
    one = Configuration("m", {"x": value, "another": 1})
    assert parse_key(one.key) == one
    assert dict(parse_key(one.key).parameters) == {"x": value, "another": 1}
    assert "\n" not in one.key


def test_the_order_of_the_parameters_does_not_matter() -> None:
    assert Configuration("m", {"a": 1, "b": 2}) == Configuration("m", {"b": 2, "a": 1})


def test_equal_ones_have_equal_keys() -> None:
    """To Python 1, 1.0 and True are equal; to a method they are not."""
    assert len({Configuration("m", {"x": value}) for value in (1, 1.0, True)}) == 3
    assert Configuration("m", {"x": 1}) != Configuration("m", {"x": True})
    assert Configuration("m") != "m"


@pytest.mark.parametrize("key", ["m x", "m =1", "m x=", "m x=1y=2", "m x={", "m x=1 y"])
def test_what_names_none_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="names no configuration"):
        parse_key(key)


def test_giving_the_defaults_is_giving_nothing(method: Method) -> None:
    defaults = {name: one.default for name, one in method.parameters.items() if one.default is not None}
    assert configure(method, defaults).key == "predict-class"
    texts = {name: "" for name, one in method.parameters.items() if one.type == "string" and one.default is None}
    assert configure(method, texts).key == "predict-class"
