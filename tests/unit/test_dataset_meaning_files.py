"""Which sheet, which file: what a person points at is taken, or refused with what there is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from codalab_nb.analysis.expression import load
from codalab_nb.datasets.profile import profile_files, staged_files
from codalab_nb.errors import InputError

DATA = Path(__file__).parent.parent / "data"
NAMES = ["AML_1", "AML_2", "ALL_1", "ALL_2"]
PEOPLE = [["name", "sex"], *([name, "f" if name.endswith("1") else "m"] for name in NAMES)]
PLATES = [["name", "plate"], *([name, f"p{number % 2}"] for number, name in enumerate(NAMES))]
Rows = list[list[object]]


def matrix(*, above: Rows | None = None, names: list[str] = NAMES) -> Rows:
    return [*(above or []), ["gene", *names], *([f"GENE{row}", row + 0.5, row * 2.5, 1.5, 2.5] for row in range(12))]


@pytest.fixture
def book(tmp_path: Path) -> Callable[..., Path]:
    def make(**sheets: Rows) -> Path:
        made = openpyxl.Workbook()
        made.remove(made.worksheets[0])
        for title, rows in sheets.items():
            sheet = made.create_sheet(title)
            for row in rows:
                sheet.append(row)
        path = tmp_path / f"{'-'.join(sheets)}.xlsx"
        made.save(path)
        return path

    return make


def test_a_sheet_or_a_file_can_be_named_as_the_sample_table(book: Callable[..., Path], tmp_path: Path) -> None:
    path = book(data=matrix(), people=PEOPLE, plates=PLATES)
    assert [c.name for c in profile_files([path], samples="plates")[0].columns] == ["plate"]
    assert [c.name for c in profile_files([path], samples="people")[0].columns] == ["sex"]
    other = book(who=PEOPLE)
    profile, files = profile_files([path], samples=str(other), workspace=tmp_path)
    assert [c.name for c in profile.columns] == ["sex"]
    assert [name for _, name in files] == [path.name, "who.xlsx", "as-read/expression.csv", "as-read/samples.csv"]
    with pytest.raises(InputError) as refused:
        profile_files([path], samples="nobody")
    assert "'nobody'" in refused.value.message
    assert "'people'" in refused.value.fix


def test_the_sheet_with_the_measurements_can_be_named(book: Callable[..., Path]) -> None:
    path = book(raw=matrix(), small=matrix()[:9], people=PEOPLE)
    assert profile_files([path])[0].n_features == 12
    assert profile_files([path], sheet="small")[0].n_features == 8
    with pytest.raises(InputError, match=r"the sheet 'people' of .* has no column of numbers") as refused:
        profile_files([path], sheet="people")
    assert "--sheet" in refused.value.fix


def test_groups_come_from_the_rows_above_the_matrix(book: Callable[..., Path], tmp_path: Path) -> None:
    above: Rows = [["Diagnosis", "AML", "AML ", "ALL", "ALL"], ["Plate", "p1", "p2", "p1", "p2"]]
    profile, files = profile_files([book(data=matrix(above=above))], workspace=tmp_path)
    assert [(c.name, c.source, c.role, c.role_proposed) for c in profile.columns] == [
        ("Diagnosis", "header", "condition", True),
        ("Plate", "header", "batch", True),
    ]
    place = tmp_path / "staged"
    for source, name in files:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place / name)
    (place / "profile.json").write_bytes(staged_files(profile)["profile.json"])
    assert load(place).groups("Diagnosis").tolist() == ["AML", "AML", "ALL", "ALL"]
    # A folder that was staged for a method can be added again: the copies are made anew.
    again, files_again = profile_files([place], workspace=tmp_path)
    assert again == profile
    assert [name for _, name in files_again] == [name for _, name in files]


def test_a_sheet_that_names_other_samples_is_no_sample_table(book: Callable[..., Path]) -> None:
    others: Rows = [["name", "sex"], ["X1", "f"], ["X2", "m"], ["X3", "m"], ["AML_1", "f"]]
    profile, _ = profile_files([book(data=matrix(), others=others)])
    assert [(c.name, c.source) for c in profile.columns] == [("group", "names")]
    with pytest.raises(InputError) as refused:
        profile_files([book(data=matrix(), others=others)], samples="others")
    assert refused.value.code == "samples_mismatch"


def test_nobody_may_use_our_folder_for_clean_copies(tmp_path: Path) -> None:
    (tmp_path / "as-read").mkdir()
    (tmp_path / "as-read" / "x.csv").write_text("gene,a1,a2,b1,b2\nG1,1,2,3,4\n")
    with pytest.raises(InputError) as refused:
        profile_files([tmp_path])
    assert refused.value.code == "reserved_name"


def test_a_general_table_in_a_workbook_has_the_roles_of_its_csv(book: Callable[..., Path]) -> None:
    lines = [line.split(",") for line in (DATA / "small_tables" / "lung.csv").read_text().splitlines()]
    rows: Rows = [list(lines[0]), *([float(cell) if cell else None for cell in line] for line in lines[1:])]
    profile, _ = profile_files([book(lung=rows)])
    expected, _ = profile_files([DATA / "small_tables" / "lung.csv"])
    assert profile.matrix is not None
    assert profile.matrix.path == "as-read/table.csv"
    assert profile.roles == expected.roles == {"time": "time", "status": "event"}
    assert (profile.columns, profile.n_samples, profile.missing) == (
        expected.columns,
        expected.n_samples,
        expected.missing,
    )
