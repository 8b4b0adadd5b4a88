"""Which row of the sample table is which sample, and what the rows above the matrix add."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from codalab_nb.analysis.expression import load
from codalab_nb.datasets.profile import profile_files, staged_files
from codalab_nb.datasets.samples import Described, SampleTable, describe_samples
from codalab_nb.errors import InputError, Problems
from codalab_nb.model.dataset import Note

NAMES = ["AML 1", "AML_2", "ALL_1", "ALL_2"]
TABLE = pd.DataFrame(
    {
        "Nr": [4, 3, 2, 1],
        "Sample ID": ["ALL_2", "ALL_1", "AML_2", "AML_1"],
        "Diagnosis": ["ALL", "ALL ", "aml", "AML"],
        "Batch": ["p1", "p2", "p1", "p2"],
    }
)


def described(attributes: pd.DataFrame | None = None, names: list[str] = NAMES) -> tuple[Described, list[Note]]:
    notes: list[Note] = []
    problems = Problems()
    table = SampleTable("the sheet 'samples'", TABLE)
    found = describe_samples(names, table, pd.DataFrame() if attributes is None else attributes, "m", notes, problems)
    problems.raise_if_any()
    return found, notes


def test_near_names_are_matched_and_the_rows_are_put_in_order() -> None:
    found, _ = described()
    assert found.id_column == "Sample ID"
    assert found.renamed == {"AML 1": "AML_1"}
    assert list(found.frame.index) == ["AML_1", "AML_2", "ALL_1", "ALL_2"]
    assert found.frame["Batch"].tolist() == ["p2", "p1", "p2", "p1"]


def test_a_row_above_the_matrix_that_says_the_same_is_not_taken_twice() -> None:
    found, notes = described(pd.DataFrame({"Diagnosis": ["AML", "AML", "all", "ALL"]}))
    assert [column.name for column in found.columns] == ["Nr", "Diagnosis", "Batch"]
    assert notes == []
    assert [note.code for note in found.reading] == ["header_agrees"]


def test_a_row_above_the_matrix_that_says_something_else_is_kept_and_told() -> None:
    found, notes = described(pd.DataFrame({"Diagnosis": ["AML", "AML", "AML", "ALL"], "sex": ["m", "f", "f", "m"]}))
    assert [(column.name, column.source) for column in found.columns][-2:] == [
        ("Diagnosis (above the matrix)", "header"),
        ("sex", "header"),
    ]
    assert [note.code for note in notes] == ["header_disagrees"]
    assert "1 of 4 samples ('ALL_1')" in notes[0].text


def test_names_that_match_nothing_are_listed_with_what_they_may_be() -> None:
    with pytest.raises(InputError) as refused:
        described(names=["AML 1", "AML_2", "ALL_1", "ALL_02b"])
    assert refused.value.code == "samples_mismatch"
    assert "1 sample ('ALL_02b') of m is not in the sheet 'samples'" in refused.value.message
    assert "'ALL_2'" in refused.value.message
    assert "Is 'ALL_02b' the 'ALL_2'" in refused.value.fix


def test_what_was_matched_at_add_is_what_every_run_reads(tmp_path: Path) -> None:
    """A sample table of other spelling and order gives the same as one that is spelled like the matrix."""
    rng = np.random.default_rng(0)
    values = pd.DataFrame(np.round(rng.normal(8, 2, (12, 4)), 3), index=[f"GENE{row}" for row in range(12)])
    loaded = []
    for number, names in enumerate((NAMES, ["AML_1", "AML_2", "ALL_1", "ALL_2"])):
        folder = tmp_path / str(number)
        folder.mkdir()
        values.set_axis(names, axis=1).to_csv(folder / "expression.csv", index_label="gene")
        TABLE.to_csv(folder / "samples.csv", index=False)
        profile, _ = profile_files([folder], accept=True)
        (folder / "profile.json").write_bytes(staged_files(profile, "x@1")["profile.json"])
        loaded.append(load(folder))
    first, second = loaded
    pd.testing.assert_frame_equal(first.values, second.values)
    pd.testing.assert_frame_equal(first.samples, second.samples)
    assert first.groups("Diagnosis").tolist() == ["AML", "AML", "ALL", "ALL"]
