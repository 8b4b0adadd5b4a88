"""Warnings in plain words: confounded designs, odd samples, values worked on before; and a person's word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from codalab_nb.analysis.expression import load
from codalab_nb.datasets.meaning import cramers_v
from codalab_nb.datasets.profile import profile_files, staged_files
from codalab_nb.errors import InputError
from codalab_nb.examples import example_folder
from codalab_nb.model.dataset import Profile
from codalab_nb.model.design import revise

DATA = Path(__file__).parent.parent / "data"
GROUPS = ["ctrl"] * 4 + ["drug"] * 4
NAMES = [f"s{number}" for number in range(8)]


def matrix(folder: Path, values: np.ndarray, *, name: str = "expression", **columns: object) -> list[Path]:
    """A matrix of 8 samples and its sample table, as files."""
    table = pd.DataFrame(values, columns=NAMES, index=[f"GENE{row}" for row in range(len(values))])
    table.to_csv(folder / f"{name}.csv", index_label="gene")
    pd.DataFrame({"sample": NAMES, "group": GROUPS, **columns}).to_csv(folder / "samples.csv", index=False)
    return [folder / f"{name}.csv", folder / "samples.csv"]


def log_values(rows: int = 40) -> np.ndarray:
    rng = np.random.default_rng(3)
    return np.round(rng.normal(8, 2, (rows, 1)) + rng.normal(0, 0.3, (rows, 8)), 4)


def notes(profile: Profile) -> dict[str, str]:
    return {note.code: note.text for note in profile.notes()}


def test_bladder_is_said_to_be_confounded_with_the_batches_concerned() -> None:
    profile, _ = profile_files([example_folder("bladder_batch")])
    told = notes(profile)["confounded"]
    for words in ("'cancer' and batch 'batch'", "Cramér's V 0.74", "Batch 1 only Cancer (11)", "batch 3 only Normal"):
        assert words in told


def test_groups_that_are_the_batches_cannot_be_told_apart(tmp_path: Path) -> None:
    paths = matrix(tmp_path, log_values(), plate=["p1"] * 4 + ["p2"] * 4, day=["a", "b"] * 4)
    profile, _ = profile_files(paths)
    assert profile.by_role("batch") is not None
    told = notes(profile)["confounded"]
    assert "cannot be told apart: every batch holds one group" in told
    assert "Batch p1 only ctrl (4); batch p2 only drug (4)" in told
    balanced, _ = profile_files(paths, roles={"day": "batch"})
    assert "confounded" not in notes(balanced)


@pytest.mark.parametrize(
    ("table", "v"),
    [([[5, 0], [0, 5]], 1.0), ([[5, 5], [5, 5]], 0.0), ([[6, 2], [2, 6]], 0.5), ([[3, 0, 0], [0, 2, 2]], 1.0)],
)
def test_cramers_v(table: list[list[float]], v: float) -> None:
    assert cramers_v(np.array(table, dtype=np.float64)) == pytest.approx(v)
    assert cramers_v(np.array(table, dtype=np.float64).T) == pytest.approx(v)
    assert np.isnan(cramers_v(np.array([[3.0, 4.0]])))


def test_pairs_that_do_not_pair_up_are_told(tmp_path: Path) -> None:
    profile, _ = profile_files(matrix(tmp_path, log_values(), patient=["a", "b", "c", "d"] * 2))
    assert profile.by_role("pair") is not None
    assert not {"pairs_apart", "pairs_incomplete"} & notes(profile).keys()
    profile, _ = profile_files(matrix(tmp_path, log_values(), patient=["a", "b", "c", "x", "a", "b", "c", "y"]))
    assert "2 values of 'patient' ('x', 'y') have samples in one group" in notes(profile)["pairs_incomplete"]
    profile, _ = profile_files(matrix(tmp_path, log_values(), patient=["a", "a", "b", "b", "c", "c", "d", "d"]))
    assert "No 'patient' has samples in two groups" in notes(profile)["pairs_apart"]


def test_a_sample_that_stands_apart_and_one_copied_twice_are_told(tmp_path: Path) -> None:
    values = log_values()
    values[:, 2] = values[::-1, 2]
    values[:, 5] = values[:, 6]
    told = notes(profile_files(matrix(tmp_path, values))[0])
    assert "'s2'" in told["outlier_sample"]
    assert "'s5' and 's6'" in told["identical_samples"]
    assert not {"outlier_sample", "identical_samples"} & notes(profile_files(matrix(tmp_path, log_values()))[0]).keys()


def test_counts_that_were_normalised_are_told(tmp_path: Path) -> None:
    counts = np.random.default_rng(1).negative_binomial(2, 0.01, (60, 8)).astype(float)
    counts[::7] = 0
    per_million = counts / counts.sum(axis=0) * 1e6
    told = notes(profile_files(matrix(tmp_path, np.round(per_million, 2)))[0])
    assert "adds up to about 1,000,0" in told["normalised_counts"]
    assert "as CPM and TPM do" in told["normalised_counts"]
    fpkm = np.round(per_million * np.linspace(0.5, 2, 8), 2)
    profile, _ = profile_files(matrix(tmp_path, fpkm, name="counts"))
    told = notes(profile)
    assert "are exactly 0" in told["normalised_counts"]
    assert "counts.csv is called counts, but not all of its values are whole numbers" in told["no_counts"]
    clean = notes(profile_files(matrix(tmp_path, counts))[0])
    assert not {"normalised_counts", "no_counts"} & clean.keys()


def test_the_logarithm_of_a_logarithm_is_told(tmp_path: Path) -> None:
    twice = np.round(np.log2(log_values()), 4)
    assert "a logarithm was taken twice" in notes(profile_files(matrix(tmp_path, twice))[0])["log_of_log"]
    paths = matrix(tmp_path, log_values())
    assert "log_of_log" not in notes(profile_files(paths)[0])
    told = notes(profile_files(paths, kind="linear")[0])["kind_doubtful"]
    assert "logarithm of a logarithm" in told
    assert "--kind log" in told


def test_single_samples_are_told_apart_from_small_groups(tmp_path: Path) -> None:
    paths = matrix(tmp_path, log_values(), treatment=["mock"] * 5 + ["drug", "drug", "other"])
    told = notes(profile_files(paths, roles={"treatment": "condition"})[0])
    assert "'other'" in told["singleton"]
    assert "'drug' of 'treatment' has only 2 samples" in told["small_group"]


def test_groups_spelled_differently_stay_apart_until_somebody_says_so(tmp_path: Path) -> None:
    groups = ["AML", "AML ", "aml", "aml", "ALL", "all", "ALL", "ALL"]
    paths = matrix(tmp_path, log_values(), diagnosis=groups, group=NAMES)
    profile, files = profile_files(paths)
    condition = profile.by_role("condition")
    assert condition is not None
    assert {level.name: level.n for level in condition.levels} == {"AML": 2, "aml": 2, "ALL": 3, "all": 1}
    told = notes(profile)["levels_look_alike"]
    assert "--rename diagnosis:aml=AML" in told
    assert "--rename diagnosis:all=ALL" in told
    assert "singleton" not in notes(profile)  # `all` is a slip of spelling, which is told already

    accepted = revise(profile, accept=True)
    one_by_one = revise(profile, renames={"diagnosis:aml": "AML", "all": "ALL"}, accept=True)
    assert accepted == one_by_one
    condition = accepted.by_role("condition")
    assert condition is not None
    assert {level.name: level.n for level in condition.levels} == {"AML": 4, "ALL": 4}
    assert accepted.notes() == ()
    for path, name in files:
        (tmp_path / "staged").mkdir(exist_ok=True)
        (tmp_path / "staged" / name).write_bytes(path.read_bytes())
    (tmp_path / "staged" / "profile.json").write_bytes(staged_files(accepted)["profile.json"])
    assert load(tmp_path / "staged").groups("diagnosis").tolist() == ["AML"] * 4 + ["ALL"] * 4
    assert load(tmp_path / "staged").samples["diagnosis"].tolist() == ["AML"] * 4 + ["ALL"] * 4


def test_renames_go_on_from_earlier_ones_and_keep_the_reference(tmp_path: Path) -> None:
    profile, _ = profile_files(matrix(tmp_path, log_values(), sex=[1, 2] * 4))
    first = revise(profile, renames={"group:ctrl": "control", "sex:1": "male", "sex:2": "female"})
    assert first.reference is not None
    assert first.reference.level == "control"
    sex = first.column("sex")
    assert sex is not None
    assert (sex.type, [level.name for level in sex.levels]) == ("groups", ["male", "female"])
    second = revise(first, renames={"control": "untreated"}, reference="untreated")
    group = second.column("group")
    assert group is not None
    assert group.recoded == {"ctrl": "untreated", "control": "untreated"}
    assert second.reference is not None
    assert (second.reference.level, second.reference.proposed) == ("untreated", False)
    with pytest.raises(InputError, match=r"no group 'contrl' to rename\. Did you mean 'ctrl'"):
        revise(profile, renames={"contrl": "x"})


def test_a_slip_of_spelling_does_not_hide_that_groups_and_batches_coincide(tmp_path: Path) -> None:
    groups = ["Control", "control", "Control", "Control", *["drug"] * 4]
    paths = matrix(tmp_path, log_values(), treatment=groups, plate=["p1"] * 4 + ["p2"] * 4, group=NAMES)
    assert "every batch holds one group" in notes(profile_files(paths)[0])["confounded"]


def test_every_slip_of_a_persons_word_is_told_at_once(tmp_path: Path) -> None:
    profile, _ = profile_files(matrix(tmp_path, log_values()))
    with pytest.raises(InputError) as refused:
        revise(profile, roles={"grp": "batch"}, reference="contrl", renames={"x": "y"}, kind="loog")
    codes = ["unknown_column", "unknown_kind", "unknown_level", "unknown_level"]
    assert sorted(problem.code for problem in refused.value.problems) == codes
    with pytest.raises(InputError, match="which column is the condition"):
        revise(profile, roles={"group": "none"}, reference="ctrl")


def test_a_role_needs_a_column_that_can_have_it(tmp_path: Path) -> None:
    profile, _ = profile_files(matrix(tmp_path, log_values(), dose_mM=[0, 1, 2, 3] * 2, day=["1h", "2h"] * 4, nr=NAMES))
    with pytest.raises(InputError) as refused:
        revise(profile, roles={"day": "time", "nr": "condition"})
    assert [problem.code for problem in refused.value.problems] == ["role_mismatch"] * 2
    revised = revise(profile, roles={"day": "subject", "dose_mM": "dose", "group": "none"})
    assert revised.roles == {"day": "pair", "dose_mM": "dose"}
    assert revised.reference is None
