"""Variables travel as data: what comes back is what was sent, and what would have to be pickled is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from codalab_nb.variables import NotPortableError, hand_over, prepare, read, write

pytest.importorskip("pyarrow", reason="DataFrames travel by pyarrow (pip install 'codalab-nb[lab]')")

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
FILES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


def there_and_back(folder: Path, value: Any) -> Any:
    write(folder, {"x": value})
    return read(folder)["x"]


@FILES
@given(value=VALUES)
def test_plain_values_are_the_same_afterwards(tmp_path: Path, value: Any) -> None:
    back = there_and_back(tmp_path, value)
    assert back == value
    assert type(back) is type(value)


@FILES
@given(
    value=arrays.arrays(
        st.one_of(
            arrays.integer_dtypes(),
            arrays.floating_dtypes(),
            arrays.datetime64_dtypes(),
            arrays.unicode_string_dtypes(),
        ),
        arrays.array_shapes(min_dims=0, max_dims=3, min_side=0),
    )
)
def test_arrays_keep_dtype_shape_and_values(tmp_path: Path, value: Any) -> None:
    back = there_and_back(tmp_path, value)
    assert back.dtype == value.dtype
    assert back.shape == value.shape
    np.testing.assert_array_equal(back, value)


def test_numbers_of_numpy_and_odd_floats_stay_what_they_are(tmp_path: Path) -> None:
    for value in (np.float64(2.5), np.int8(3), np.datetime64("2020-01-01")):
        back = there_and_back(tmp_path, value)
        assert type(back) is type(value)
        assert back == value
    assert math.isnan(there_and_back(tmp_path, math.nan))
    assert there_and_back(tmp_path, -math.inf) == -math.inf


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(
            {
                "text": ["x", None],
                "group": pd.Categorical(["u", "v"], categories=["v", "u", "w"], ordered=True),
                "when": pd.to_datetime(["2020-01-01", "2021-01-01"]).tz_localize("Europe/Berlin"),
                "count": pd.array([1, None], dtype="Int64"),
                "string": pd.array(["q", None], dtype="string"),
                "float": np.array([1.5, np.nan], dtype="float32"),
                "flag": [True, False],
            },
            index=pd.Index(["r1", "r2"], name="id"),
        ),
        pd.DataFrame(np.eye(2)),
        pd.DataFrame(np.eye(2), index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", "l"])),
        pd.DataFrame(np.eye(2), columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])),
        pd.DataFrame(
            {"month": pd.period_range("2020-01", periods=2, freq="M"), "step": pd.to_timedelta([1, 2], unit="s")}
        ),
        pd.DataFrame(),
        pd.DataFrame({"a": []}),
    ],
)
def test_tables_keep_dtypes_index_and_columns(tmp_path: Path, frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(there_and_back(tmp_path, frame), frame)


class Own:
    pass


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ((1, 2), r"Send list\(x\)"),
        ([1, (2,)], r"x\[1\] is a tuple"),
        ({1: "a"}, "only text keys"),
        ({"a": {1, 2}}, r"x\['a'\] is a set"),
        (Own(), "x is a Own"),
        (lambda: 0, "x is a function"),
        (b"bytes", "x is a bytes"),
        (np.array([1, "a"], dtype=object), "pickled"),
        (np.ma.masked_array([1]), r"numpy.asarray\(x\)"),
        (pd.Series([1]), r"x.to_frame\(\)"),
        (pd.DataFrame({"a": [1, "b"]}), "cannot travel"),
        (pd.DataFrame({"a": pd.Series([1, None], dtype=object)}), "dtype object but holds"),
        (pd.DataFrame({"a": pd.Series([True, False], dtype=object)}), "dtype object but holds bool"),
        pytest.param(10**5000, "cannot travel", id="huge"),
        (pd.DataFrame({"a": [[1], [2]]}), "holds lists or dicts"),
        (pd.DataFrame({"a": [1j]}), "cannot travel"),
        (pd.DataFrame({"a": [1], 2: [3]}), r"df.columns.map\(str\)"),
        (pd.DataFrame({"a": ["\ud800"]}), "valid Unicode"),
        (pd.DataFrame(np.eye(2), columns=["a", "a"]), "Duplicate column names"),
    ],
)
def test_what_cannot_travel_is_refused_in_words(tmp_path: Path, value: Any, words: str) -> None:
    with pytest.raises(NotPortableError, match=words):
        write(tmp_path, {"x": value})


def test_a_value_inside_itself_is_refused_not_followed_for_ever(tmp_path: Path) -> None:
    inside: list[Any] = []
    inside.append(inside)
    with pytest.raises(NotPortableError, match="deep"):
        write(tmp_path, {"x": inside})


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(NotPortableError) as caught:
        write(tmp_path, {"x": (1,), "ok": 1, "y": Own()})
    assert len(caught.value.problems) == 2


def test_names_that_differ_in_case_do_not_overwrite_each_other(tmp_path: Path) -> None:
    write(tmp_path, {"x": 1, "X": 2})
    assert read(tmp_path) == {"x": 1, "X": 2}
    assert len({entry.name.casefold() for entry in tmp_path.iterdir()}) == 3


def test_what_a_worker_returns_cannot_lead_elsewhere_or_run(tmp_path: Path) -> None:
    """The index comes from a sandbox: a path out of the folder, or an array of objects, is refused."""
    inside = tmp_path / "inside"
    write(inside, {"x": 1})
    (tmp_path / "x.json").write_text('"from outside"')
    index = inside / "variables.json"
    for file in ("../x.json", "/etc/passwd", "y.json", "_/../../x.json"):
        index.write_text(json.dumps({"version": 1, "variables": {"x": {"kind": "json", "file": file}}}))
        with pytest.raises(ValueError, match="is not a file of the variable"):
            read(inside)
    index.write_text(json.dumps({"version": 1, "variables": {"x": {"kind": "array", "file": "x.npy"}}}))
    np.save(inside / "x.npy", np.array([Own()], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        read(inside)
    (inside / "x.npy").write_bytes(b"PK\x03\x04 no array")
    index.write_text(json.dumps({"version": 1, "variables": {"x": {"kind": "number", "file": "x.npy"}}}))
    with pytest.raises(ValueError, match="is damaged"):
        read(inside)
    with (inside / "x.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    with pytest.raises(ValueError, match="more values than the file holds"):
        read(inside)
    index.write_text("[" * 100_000)
    with pytest.raises(ValueError, match="is damaged"):
        read(inside)
    index.write_text(json.dumps({"version": 1, "variables": {"x": {"kind": ["json"], "file": "x.json"}}}))
    with pytest.raises(ValueError, match="does not hold"):
        read(inside)
    for broken in ("[]", "{}", '{"version": 2, "variables": {}}', "not json"):
        index.write_text(broken)
        with pytest.raises(ValueError):  # noqa: PT011 - each kind of damage has words of its own
            read(inside)


def test_handing_over_names_what_was_never_set_and_keeps_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notebook may change its folder after the place was settled."""
    monkeypatch.chdir(tmp_path)
    prepare("returned")
    monkeypatch.chdir("/")
    with pytest.raises(NotPortableError, match="did not set y"):
        hand_over(["x", "y"], {"x": 1})
    hand_over(["x"], {"x": 1})
    assert read(tmp_path / "returned") == {"x": 1}
