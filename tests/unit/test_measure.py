"""What is kept of a data set: never a failure, and hashes by which data of one origin are found again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from codalab_nb.analysis.expression import EXAMPLES
from codalab_nb.analysis.measure import content_sketch, measure
from codalab_nb.analysis.meta_features import SKETCHED
from codalab_nb.analysis.subdesign import Staged
from codalab_nb.systematic.families import families, related

GOLUB = measure(EXAMPLES / "golub_leukemia")


def test_numbers_and_sketches_are_plain_json() -> None:
    assert (GOLUB["rows"], GOLUB["columns"], GOLUB["problem"]) == (38, 3051, "")
    assert json.loads(json.dumps(GOLUB, allow_nan=False)) == GOLUB
    assert len(GOLUB["sketches"]["content"]) == SKETCHED


@pytest.mark.parametrize(
    "profile",
    [None, "{", "{}", "[]", json.dumps({"orientation": "files", "kind": "none", "columns": []})],
    ids=["no profile", "damaged", "empty", "a list", "files only"],
)
def test_what_is_no_table_has_the_same_names_and_a_reason(tmp_path: Path, profile: str | None) -> None:
    if profile is not None:
        (tmp_path / "profile.json").write_text(profile)
    found = measure(tmp_path)
    assert (found["rows"], found["columns"]) == (0, 0)
    assert found["problem"]
    assert list(found["features"]) == list(GOLUB["features"])
    assert list(found["sketches"]) == list(GOLUB["sketches"])


def test_a_table_that_lost_its_file_is_measured_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "profile.json").write_text((EXAMPLES / "golub_leukemia" / "profile.json").read_text())
    found = measure(tmp_path)
    assert "do not match their profile" in found["problem"]
    assert found["features"]["is_log"] == 1


def test_parts_of_one_data_set_are_one_family_and_others_are_not(tmp_path: Path) -> None:
    whole = Staged.read(EXAMPLES / "golub_leukemia")
    parts = {
        "samples": whole.write(tmp_path / "a", samples=range(19)),
        "other samples": whole.write(tmp_path / "b", samples=range(10, 38)),
        "genes": whole.write(tmp_path / "c", features=range(0, 3051, 2)),
        "shuffled": whole.write(tmp_path / "d", labels={"group": whole.data.samples["group"].tolist()[::-1]}),
    }
    sketches = {"golub": GOLUB["sketches"]} | {name: measure(folder)["sketches"] for name, folder in parts.items()}
    for name in ("leukemia_armstrong", "bladder_batch", "made_up_dose", "made_up_survival"):
        sketches[name] = measure(EXAMPLES / name)["sketches"]
    found = families(sketches)
    assert {name for name, family in found.items() if family == "golub"} == {"golub", *parts}
    assert len(set(found.values())) == 5


def test_samples_under_other_names_and_in_another_order_are_recognised() -> None:
    random = np.random.default_rng(0)
    values = pd.DataFrame(random.lognormal(3, 1, (400, 40)), [f"g{i}" for i in range(400)])
    renamed = values.iloc[random.permutation(400), ::-1].set_axis([f"x{i}" for i in range(40)], axis=1).round(6)
    other = pd.DataFrame(random.lognormal(3, 1, (400, 40)), values.index)
    assert content_sketch(renamed) == content_sketch(values)
    assert not set(content_sketch(other)) & set(content_sketch(values))
    # The same names of samples tell nothing while values and features are others.
    plain = {"samples": [1, 2, 3, 4, 5], "features": [1, 2, 3, 4, 5], "content": [1, 2, 3, 4, 5]}
    assert not related(plain, plain | {"features": [6, 7, 8], "content": [6, 7, 8]})
    assert related(plain, plain | {"content": [6, 7, 8]})


@pytest.mark.parametrize("values", [np.zeros((5, 4)), np.full((5, 4), np.nan), np.ones((1, 4)), np.empty((0, 0))])
def test_values_that_tell_nothing_have_no_sketch(values: np.ndarray) -> None:
    assert content_sketch(pd.DataFrame(values)) == []
