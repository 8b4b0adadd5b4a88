"""What is read out of real and of bad files, and what is only proposed."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from codalab_nb.analysis import expression
from codalab_nb.datasets import tables
from codalab_nb.datasets.profile import profile_files, staged_files
from codalab_nb.errors import InputError
from codalab_nb.examples import example_folder
from codalab_nb.model.dataset import Profile
from codalab_nb.model.design import groups_from_names, revise

DATA = Path(__file__).parent.parent / "data"


def codes(refused: pytest.ExceptionInfo[InputError]) -> list[str]:
    return [problem.code for problem in refused.value.problems]


def write(folder: Path, **files: str) -> list[Path]:
    paths = []
    for name, content in files.items():
        paths.append(folder / f"{name}.csv")
        paths[-1].write_text(content)
    return paths


@pytest.mark.parametrize(
    ("name", "orientation", "kind", "size", "groups"),
    [
        ("leukemia_armstrong/expression.csv", "genes_in_rows", "linear", (48, 5007), {"ALL": 24, "AML": 24}),
        ("leukemia_armstrong/excel_european.csv", "genes_in_rows", "linear", (48, 600), {"AML": 24, "ALL": 24}),
        ("pasilla_knockdown/counts.csv", "genes_in_rows", "counts", (7, 14599), {"untreated": 4, "treated": 3}),
        ("pbmc68k_reduced/expression_cells_x_genes.csv", "samples_in_rows", "log", (700, 765), None),
        ("small_tables/iris.csv", "table", "none", (150, 5), None),
        ("small_tables/plantgrowth.csv", "table", "none", (30, 2), {"ctrl": 10, "trt1": 10, "trt2": 10}),
        ("small_tables/puromycin.csv", "table", "none", (23, 3), {"treated": 12, "untreated": 11}),
        ("small_tables/lung.csv", "table", "none", (228, 10), None),
        ("small_tables/wine.csv", "table", "none", (178, 14), None),
        ("small_tables/breast_cancer.csv", "table", "none", (569, 31), None),
        ("small_tables/diabetes.csv", "table", "none", (442, 11), None),
    ],
)
def test_real_files_are_read_right_without_a_sample_table(
    name: str, orientation: str, kind: str, size: tuple[int, int], groups: dict[str, int] | None
) -> None:
    profile, _ = profile_files([DATA / name])
    assert (profile.orientation, profile.kind, (profile.n_samples, profile.n_features)) == (orientation, kind, size)
    condition = profile.by_role("condition")
    assert (condition and {level.name: level.n for level in condition.levels}) == groups
    assert condition is None or condition.role_proposed


def test_folders_find_their_matrix_and_sample_table() -> None:
    profile, files = profile_files([DATA / "pbmc68k_reduced"])
    assert profile.matrix is not None
    assert profile.samples is not None
    assert profile.samples.path == "cells.csv"
    assert {name for _, name in files} == {"SOURCE.md", "cells.csv", "expression_cells_x_genes.csv"}
    assert profile.roles == {"bulk_labels": "condition"}
    profile, _ = profile_files([DATA / "pasilla_knockdown"])
    assert profile.roles == {"condition": "condition"}
    assert profile.reference is not None
    assert (profile.reference.level, profile.reference.proposed) == ("untreated", True)


def test_the_shipped_example_has_the_profile_of_its_files() -> None:
    profile, files = profile_files([example_folder()])
    assert staged_files(profile)["profile.json"] == (example_folder() / "profile.json").read_bytes()
    assert sorted(name for _, name in files) == ["SOURCE.md", "expression.csv", "samples.csv"]


def test_a_folder_without_a_table_is_a_data_set_too(tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(b"\x89PNG")
    (tmp_path / "README.txt").write_text("hello")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "labels.csv").write_text("file,label\nimage.png,cat\n")
    profile, files = profile_files([tmp_path])
    assert (profile.orientation, profile.kind) == ("files", "none")
    assert [name for _, name in files] == ["README.txt", "deep/labels.csv", "image.png"]


def test_a_staged_folder_can_be_added_again_but_a_foreign_profile_json_is_refused(tmp_path: Path) -> None:
    (expression_file,) = write(tmp_path, expression="gene,ctrl1,ctrl2,kd1,kd2\nTP53,1,2,3,4\nMYC,4,3,2,1\n")
    profile, _ = profile_files([expression_file])
    (tmp_path / "profile.json").write_bytes(staged_files(profile, "mine@1")["profile.json"])
    again, files = profile_files([tmp_path])
    assert again == profile
    assert [name for _, name in files] == ["expression.csv"]
    (tmp_path / "profile.json").write_text("{}")
    with pytest.raises(InputError) as refused:
        profile_files([tmp_path])
    assert codes(refused) == ["reserved_name"]


def test_links_out_of_the_folder_are_left_out_and_said(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    (tmp_path / "data" / "link.csv").symlink_to(tmp_path / "secret.csv")
    write(tmp_path / "data", expression="gene,ctrl1,ctrl2,kd1,kd2\nTP53,1,2,3,4\nMYC,4,3,2,1\n")
    profile, files = profile_files([tmp_path / "data"])
    assert [name for _, name in files] == ["expression.csv"]
    assert "file_left_out" in [note.code for note in profile.warnings]


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        ("gene,a,b,a\nTP53,1,2,3\n", "duplicate_columns", "'a'"),
        ("gene,name\nTP53,tumor\nMYC,myc\n", "no_numeric_column", "gene, name"),
        (
            "gene,ctrl1,ctrl2,kd1,kd2\n" + "TP53,1,2,3,4\nEGFR,1,2,3,4\nMYC,1,oops,2,3\n",
            "text_in_numbers",
            "'ctrl2', row 3",
        ),
    ],
)
def test_bad_tables_are_refused_with_the_place(tmp_path: Path, content: str, code: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        profile_files(write(tmp_path, expression=content))
    assert codes(refused) == [code]
    assert words in refused.value.message
    assert refused.value.fix


def test_every_problem_of_a_request_is_told_at_once(tmp_path: Path) -> None:
    matrix, samples = write(
        tmp_path,
        expression="gene,ctrl1,ctrl2,kd1,kd2\nTP53,1,2,3,4\nMYC,4,3,2,1\n",
        table="sample,group\nctrl1,c\nctrl2,c\nkd1,k\nkd3,k\n",
    )
    with pytest.raises(InputError) as refused:
        profile_files([matrix], samples=samples, roles={"grp": "condiion"}, kind="loog")
    assert codes(refused) == ["samples_mismatch", "unknown_role", "unknown_column", "unknown_kind"]
    told = str(refused.value)
    for words in ("'kd2'", "'kd3'", "Did you mean 'condition'?", "Did you mean 'group'?", "Did you mean 'log'?"):
        assert words in told
    with pytest.raises(InputError) as refused:
        profile_files([tmp_path / "a.csv", tmp_path / "b.csv"], samples=tmp_path / "c.csv")
    assert codes(refused) == ["missing_file"] * 3


def test_spreadsheets_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "data.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match="save the sheet as CSV"):
        profile_files([tmp_path / "data.xlsx"])


def test_repeated_genes_are_a_warning_and_repeated_samples_an_error(tmp_path: Path) -> None:
    (path,) = write(tmp_path, expression="gene,ctrl1,ctrl2,kd1,kd2\nTP53,1,2,3,4\nTP53,4,3,2,1\nMYC,,3,2,1\n")
    profile, _ = profile_files([path])
    notes = {note.code: note.text for note in profile.notes()}
    assert "'TP53'" in notes["duplicate_ids"]
    assert notes["missing_values"].startswith("1 measurement (8.3%) has no value")
    cells, table = write(
        tmp_path, cells_by_gene="cell,TP53,MYC\nc1,1,2\nc1,3,4\nc2,5,6\n", table="cell,type\nc1,a\nc2,b\nc3,b\n"
    )
    with pytest.raises(InputError) as refused:
        profile_files([cells], samples=table)
    assert codes(refused) == ["duplicate_samples"]


def test_extra_rows_of_a_sample_table_are_only_a_warning(tmp_path: Path) -> None:
    matrix, table = write(
        tmp_path,
        expression="gene,Length,a,b,c\nTP53,900,1,2,3\nMYC,300,4,3,2\n",
        table="id,name,treatment\n1,a,mock\n2,b,drug\n3,c,drug\n4,d,drug\n",
    )
    profile, _ = profile_files([matrix], samples=table)
    assert profile.sample_id_column == "name"
    assert profile.annotations == ("Length",)  # a number about the gene, not a sample
    assert "samples_unused" in [note.code for note in profile.warnings]
    condition = profile.by_role("condition")
    assert condition is not None
    assert {level.name: level.n for level in condition.levels} == {"mock": 1, "drug": 2}
    assert profile.reference is not None
    assert profile.reference.level == "mock"
    assert "small_group" in [note.code for note in profile.notes()]


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["ALL_1", "ALL_2", "AML_28", "AML_29"], ("ALL", "ALL", "AML", "AML")),
        (["ctrl1", "ctrl2", "treated-1", "treated-2"], ("ctrl", "ctrl", "treated", "treated")),
        (["WT rep1", "WT rep2", "KO rep1", "KO rep2"], ("WT", "WT", "KO", "KO")),
        (["S1", "S2", "S3"], ()),  # one group is no design
        (["a", "b", "c"], ()),
        (["a1", "a2", "b1"], ()),  # nor is a group of one
    ],
)
def test_groups_are_read_out_of_sample_names(names: list[str], groups: tuple[str, ...]) -> None:
    assert groups_from_names(names) == groups


def test_a_persons_word_confirms_and_moves_roles() -> None:
    profile, _ = profile_files([DATA / "pasilla_knockdown"])
    assert {"role_proposed", "reference_proposed"} <= {note.code for note in profile.notes()}
    confirmed = revise(profile, roles={"condition": "condition", "type": "batch"}, reference="treated")
    assert confirmed.roles == {"condition": "condition", "type": "batch"}
    assert confirmed.notes() == ()
    moved = revise(profile, roles={"type": "condition"}, kind="log")
    assert moved.roles == {"type": "condition"}
    assert moved.reference is not None
    assert (moved.reference.column, moved.kind, moved.kind_source) == ("type", "log", "user")
    with pytest.raises(InputError, match="There is no group"):
        revise(profile, reference="nobody")
    with pytest.raises(InputError) as refused:
        revise(profile, roles={"condition": "batch", "type": "batch"})
    assert codes(refused) == ["duplicate_role"]


def test_profiles_travel_as_json_and_refuse_unknown_fields() -> None:
    profile, _ = profile_files([DATA / "pasilla_knockdown"])
    assert Profile.model_validate_json(profile.model_dump_json()) == profile
    with pytest.raises(ValueError, match="extra"):
        Profile.model_validate({**json.loads(profile.model_dump_json()), "surprise": 1})


def test_analysis_reads_missing_words_as_the_profile_did() -> None:
    """analysis stands alone, so it has its own copy of the list."""
    assert expression.MISSING_WORDS == tables.MISSING_WORDS


@pytest.mark.parametrize(
    ("last_row", "words"),
    [
        ("MYC,0,7,12.5,300", "12.5 in column 'kd1', row 2 (MYC)"),
        ("MYC,0,-3,12,300", "-3 in column 'ctrl2', row 2 (MYC)"),
    ],
)
def test_what_is_no_whole_number_from_0_on_cannot_be_called_counts(tmp_path: Path, last_row: str, words: str) -> None:
    paths = write(tmp_path, expression=f"gene,ctrl1,ctrl2,kd1,kd2\nTP53,1,2,3,4\n{last_row}\n")
    with pytest.raises(InputError) as refused:
        profile_files(paths, kind="counts")
    assert codes(refused) == ["kind_mismatch"]
    assert words in refused.value.message
    profile, _ = profile_files(paths)
    with pytest.raises(InputError, match="cannot be counts"):  # nor later, when the files are not looked at
        revise(profile, kind="counts")


def test_counts_called_logarithms_or_intensities_are_a_warning() -> None:
    for kind in ("log", "linear"):
        profile, _ = profile_files([DATA / "pasilla_knockdown"], kind=kind)
        told = {note.code: note.text for note in profile.warnings}
        assert "say --kind counts" in told["kind_doubtful"]
        assert revise(profile, kind="counts").warnings == ()
    profile, _ = profile_files([DATA / "leukemia_armstrong"], kind="log")
    assert [note.code for note in profile.warnings] == ["outlier_sample", "kind_doubtful"]
    assert "say --kind linear" in profile.warnings[1].text
    assert [note.code for note in revise(profile, kind="linear").warnings] == ["outlier_sample", "negative_values"]


def test_a_remark_on_the_kind_goes_when_a_person_has_decided(tmp_path: Path) -> None:
    paths = write(tmp_path, expression="gene,ctrl1,ctrl2,kd1,kd2\nTP53,1,2,3,4\nMYC,4,3,2,1\n")
    assert [note.code for note in profile_files(paths)[0].warnings] == ["kind_uncertain"]
    for kind in ("counts", "log"):
        assert profile_files(paths, kind=kind)[0].warnings == ()


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    """A pipe would be waited for without end."""
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "a.csv").symlink_to("b.csv")
    (tmp_path / "b.csv").symlink_to("a.csv")
    for path, code, words in (
        (tmp_path / "pipe.csv", "unreadable_file", "not a regular file but a pipe"),
        (Path("/dev/zero"), "unreadable_file", "not a regular file but a device"),
        (tmp_path / "a.csv", "missing_file", "a link that leads back to itself"),
        (tmp_path / ("x" * 300), "unreadable_file", "File name too long"),
        (tmp_path / "a\0b", "missing_file", "There is no"),
    ):
        with pytest.raises(InputError, match=words) as refused:
            profile_files([path], samples=path)
        assert codes(refused) == [code, code]
    with pytest.raises(InputError) as refused:
        profile_files([tmp_path])
    assert codes(refused) == ["empty_folder"]


def test_one_is_no_plural(tmp_path: Path) -> None:
    (path,) = write(tmp_path, expression="gene,ctrl1,ctrl2,kd1,kd2\nTP53,1,2,3,\nTP53,4,3,2,inf\n")
    for note in profile_files([path])[0].notes():
        assert not re.search(r"\b1 \w+s\b(?! a)", note.text), note.text
