"""Which rows are header rows: rows of data that hold text, and rows of units, are none; and a file that has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from codalab_nb.datasets.profile import profile_files
from codalab_nb.datasets.reading import read_file
from codalab_nb.datasets.units import is_units_row
from codalab_nb.errors import InputError


def test_values_below_the_limit_are_missing_and_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("group,conc\na,<LOD\nb,<LOD\na,1.88\nb,1.86\na,<0.5\nb,11.26\na,5.59\nb,2.5\n")
    profile, _ = profile_files([path])
    assert (profile.orientation, profile.n_samples, profile.n_features) == ("table", 8, 2)
    assert [(c.name, c.type, c.missing) for c in profile.columns] == [("group", "groups", 0), ("conc", "numbers", 3)]
    told = [note.text for note in profile.reading if note.code == "limits"]
    assert len(told) == 1
    assert "2 '<LOD', 1 '<0.5'" in told[0]


def test_values_below_the_limit_are_refused_in_a_matrix(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("gene,ctrl_1,ctrl_2\nTP53,<LOD,<LOD\nMYC,4.5,3\nEGFR,<LOD,7.25\nKRAS,7.5,8\nACTB,8.5,8\n")
    with pytest.raises(InputError, match=r"'ctrl_1', row 'TP53'\) holds '<LOD', not a number"):
        profile_files([path])


def test_words_among_the_first_measurements_are_no_header(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = ["MARCH2,7.07,6.48,7.52,8.48", "MARCH3,Filtered,6.51,Filtered,Filtered", "MYC,6.02,Filtered,6.07,8.1"]
    rows += ["TP53,Filtered,Filtered,Filtered,1.5", *(f"GENE{k},{k}.5,7.1,7.2,8.25" for k in range(8))]
    path.write_text("\n".join(["Gene,ctrl_1,ctrl_2,trt_1,trt_2", *rows]) + "\n")
    with pytest.raises(InputError) as refused:
        profile_files([path])
    told = str(refused.value.problems[0])
    assert "'ctrl_1'" in told
    assert "'Filtered'" in told


@pytest.mark.parametrize("units", [",(years),(kg),,(mg/l)", "-,years,kg,-,mg/l", ",years,kg,,mg/l"])
def test_a_row_of_units_is_told_and_no_data(tmp_path: Path, units: str) -> None:
    path = tmp_path / "t.csv"
    body = "".join(f"P{k:02d},{30 + k},{60.5 + k},{'case' if k % 2 else 'control'},{k / 3:.2f}\n" for k in range(12))
    path.write_text(f"patient,age,weight,group,CRP\n{units}\n{body}")
    table = read_file(path).table
    assert table is not None
    assert list(table.frame.columns) == ["patient", "age", "weight", "group", "CRP"]
    assert len(table.frame) == 12
    assert table.frame["age"].tolist() == [30.0 + k for k in range(12)]
    told = [note.text for note in table.notes if note.code == "units_row"]
    assert len(told) == 1
    assert "age: " in told[0]
    profile, _ = profile_files([path])
    assert profile.orientation == "table"


@pytest.mark.parametrize("labels", [["ctrl", "drug"], ["m", "f"], ["A", "B"], ["day 1", "day 2"], ["0 h", "KO"]])
def test_labels_are_no_units(labels: list[str]) -> None:
    assert not is_units_row([None], labels)


@pytest.mark.parametrize(
    "content",
    [
        "G1,1,2\nG2,3,4\n",
        "MYC,1,2\nTP53,3,4\n",
        "TP53,1,2,3\nMYC,4,5,6\nEGFR,7,8,9\n",
        "Xkr4,0,0,7\nRp1,1,2,3\n",
        "Myc,1.5,2.25\nTrp53,1.5,3\n",
        "G1;1,5;2,5\nG2;3,5;4,5\n",
        "ID1,4,5\nID2,6,7\n",
        "5.1,3.5,1.4,setosa\n4.9,3.0,1.4,setosa\n6.3,3.3,6.0,virginica\n",
    ],
)
def test_a_file_without_a_header_line_is_refused(tmp_path: Path, content: str) -> None:
    """Its first gene would be lost, and samples be called 1 and 2."""
    with pytest.raises(InputError) as refused:
        profile_files([written(tmp_path / "expression.csv", content)])
    assert [problem.code for problem in refused.value.problems] == ["no_header"]
    assert "Add a first line that names the columns" in refused.value.fix


@pytest.mark.parametrize(
    "content",
    [
        "gene,1,2\nG1,1,2\nG2,3,4\n",
        ",0,1\nG1,1,2\nG2,3,4\n",
        "Probe Set ID,101,102\nG1,1,2\nG2,3,4\n",
        "1,2\nG1,5,6\nG2,3,4\n",  # as R writes it
        "gene,0.5,1\nG1,1,2\nG2,3,4\n",
        "G1,a,2\nG2,3,4\n",
    ],
)
def test_samples_may_be_called_by_numbers(tmp_path: Path, content: str) -> None:
    profile, _ = profile_files([written(tmp_path / "expression.csv", content)])
    assert "no_header" not in [note.code for note in profile.warnings]


def test_a_doubtful_first_line_is_a_warning_and_a_sample_table_settles_it(tmp_path: Path) -> None:
    matrix = written(tmp_path / "expression.csv", "Measured,1,2\nG1,1,2\nG2,3,4\n")
    table = written(tmp_path / "table.csv", "nr,group\n1,ctrl\n2,drug\n")
    assert "no_header" in [note.code for note in profile_files([matrix])[0].warnings]
    assert "no_header" not in [note.code for note in profile_files([matrix], samples=table)[0].warnings]
    table.write_text("1,ctrl\n2,drug\n")
    with pytest.raises(InputError, match="names a sample: add a line above it"):
        profile_files([matrix], samples=table)


def test_a_headless_table_that_nobody_pointed_at_only_comes_along(tmp_path: Path) -> None:
    written(tmp_path / "labels.csv", "G1,1,2\nG2,3,4\n")
    profile, files = profile_files([tmp_path])
    assert (profile.orientation, [note.code for note in profile.warnings]) == ("files", ["no_header"])
    assert [name for _, name in files] == ["labels.csv"]


def written(path: Path, content: str) -> Path:
    path.write_text(content)
    return path
