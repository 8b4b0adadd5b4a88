"""Parts of a data set as data sets of their own: read back as the whole is, with what was chosen and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from codalab_nb.analysis.expression import EXAMPLES, load
from codalab_nb.analysis.subdesign import Staged
from codalab_nb.model.dataset import Profile
from tests.support.templates import Data, everything

DATA = {one.name: one for one in everything()}


def staged(data: Data, folder: Path) -> Path:
    data.stage(folder)
    return folder / "inputs" / "dataset"


def profile_of(folder: Path) -> Profile:
    told = json.loads((folder / "profile.json").read_text())
    told.pop("dataset", None)
    return Profile.model_validate_json(json.dumps(told), strict=True)


@pytest.mark.parametrize("name", DATA)
def test_a_part_holds_what_the_whole_does(name: str, tmp_path: Path) -> None:
    """Every kind of data: counts, logarithms, tables; the order of samples and features is the chosen one."""
    whole = Staged.read(staged(DATA[name], tmp_path))
    n_features, n_samples = whole.data.values.shape
    samples = np.arange(n_samples)[::-2]
    features = np.arange(n_features)[::-1] if whole.data.is_matrix else None
    folder = whole.write(tmp_path / "part", samples=samples, features=features)
    part = load(folder)
    wanted = whole.data.values.iloc[:, samples] if features is None else whole.data.values.iloc[features, samples]
    np.testing.assert_allclose(part.values.to_numpy(), wanted.to_numpy(), rtol=1e-12)
    assert list(part.values.index) == list(wanted.index)
    assert (part.kind, part.name) == (whole.data.kind, whole.data.name)
    for column in map(str, whole.data.samples.columns):
        assert part.groups(column).tolist() == whole.data.groups(column).iloc[samples].tolist()
    pd.testing.assert_series_equal(part.labels(), whole.data.labels().loc[wanted.index])
    profile = profile_of(folder)
    assert (profile.n_samples, profile.n_features) == (len(samples), n_features)
    assert profile.roles == {one["name"]: one["role"] for one in whole.data.profile["columns"] if one["role"]}
    for known in profile.columns:
        if known.levels:
            sizes = part.groups(known.name).value_counts(sort=False)
            assert {level.name: level.n for level in known.levels} == dict(sizes)


def test_labels_are_replaced_and_nothing_else(tmp_path: Path) -> None:
    whole = Staged.read(EXAMPLES / "golub_leukemia")
    labels = whole.data.samples["group"].tolist()[::-1]
    folders = [whole.write(tmp_path / name, labels={"group": labels}) for name in ("one", "two")]
    assert load(folders[0]).samples["group"].tolist() == labels
    pd.testing.assert_frame_equal(load(folders[0]).values, whole.data.values, check_names=False)
    # The values of all samples are copied from the first time on, and are the same bytes.
    assert (folders[0] / "expression.csv").read_bytes() == (folders[1] / "expression.csv").read_bytes()


def test_a_reference_whose_group_is_gone_is_none(tmp_path: Path) -> None:
    whole = Staged.read(EXAMPLES / "golub_leukemia")
    aml = np.flatnonzero(whole.data.samples["group"] == "AML")
    profile = profile_of(whole.write(tmp_path / "aml", samples=aml))
    assert profile.reference is None
    assert [(level.name, level.n) for level in profile.columns[0].levels] == [("AML", 11)]


def test_features_of_a_table_can_be_chosen_and_columns_with_a_role_stay(tmp_path: Path) -> None:
    whole = Staged.read(staged(DATA["iris"], tmp_path))
    part = load(whole.write(tmp_path / "part", features=[0, 2]))
    assert list(part.values.index)[:2] == list(whole.data.values.index[[0, 2]])
    assert part.column_with_role("target") == "target"
    assert part.groups("target").tolist() == whole.data.groups("target").tolist()


def test_gene_sets_come_along_and_names_that_are_taken_are_avoided(tmp_path: Path) -> None:
    folder = tmp_path / "whole"
    folder.mkdir()
    samples = "sample,sample_,group\n" + "".join(f"s{i},{i},{'ab'[i % 2]}\n" for i in range(4))
    (folder / "samples.csv").write_text(samples)
    (folder / "table.csv").write_text("feature,s0,s1,s2,s3\nA,1.5,2,3,4\nA,5,6,7,8.25\n")
    (folder / "mine.gmt").write_text("SET\tx\tA\n")
    table = {"separator": ",", "decimal": ".", "encoding": "utf-8", "row_names": False}
    column = {"type": "groups", "source": "file", "role_proposed": False, "missing": 0, "recoded": {}}
    told = {
        "orientation": "genes_in_rows", "kind": "log", "matrix": table | {"path": "table.csv"},
        "samples": table | {"path": "samples.csv"}, "id_column": "feature", "sample_id_column": "sample",
        "annotations": [], "gene_sets": ["mine.gmt"], "groups_from_names": [], "reference": None,
        "columns": [
            column | {"name": "sample_", "type": "text", "role": None, "levels": []},
            column | {"name": "group", "role": "condition", "levels": [{"name": "a", "n": 2}, {"name": "b", "n": 2}]},
        ],
    }  # fmt: skip
    (folder / "profile.json").write_text(json.dumps(told))
    whole = Staged.read(folder)
    part = whole.write(tmp_path / "part", samples=[3, 0])
    assert (part / "mine.gmt").read_bytes() == (folder / "mine.gmt").read_bytes()
    assert list(load(part).values.index) == ["A", "A (2)"]
    assert load(part).samples["sample_"].tolist() == [3, 0]
