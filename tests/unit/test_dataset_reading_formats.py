"""GCT and AnnData files, and what of them must not be followed or unpacked."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from codalab_nb.datasets import annotated
from codalab_nb.datasets.files import choose_files
from codalab_nb.datasets.reading import ReadTable, read_file, write_tidy
from codalab_nb.errors import InputError, Problems

DATA = Path(__file__).parent.parent / "data"
COUNTS = [[3, 5, 1, 0, 3], [3, 1, 3, 3, 4], [4, 3, 2, 2, 4], [2, 5, 5, 5, 6], [6, 4, 3, 3, 2], [2, 4, 4, 6, 0]]


def table_in(path: Path) -> ReadTable:
    table = read_file(path).table
    assert table is not None
    return table


@pytest.mark.parametrize("stored", ["dense", "csr", "csc"])
def test_anndata_files_give_matrix_sample_table_and_gene_names(stored: str, tmp_path: Path) -> None:
    reading = read_file(DATA / "anndata" / f"{stored}.h5ad")
    table = reading.table
    assert table is not None
    assert table.samples is not None
    assert (table.orientation, table.looks) == ("genes_in_rows", "matrix")
    assert list(table.frame.columns) == ["gene_id", "symbol", *(f"cell_{n}" for n in range(6))]
    np.testing.assert_array_equal(table.frame.iloc[:, list(table.values)].to_numpy().T, COUNTS)
    assert table.samples["sample"].tolist() == [f"cell_{n}" for n in range(6)]
    assert table.samples["condition"].tolist()[:5] == ["ctrl", "ctrl", "ctrl", "drug", "drug"]
    assert pd.isna(table.samples["condition"].iloc[5])
    assert table.samples["dose"].tolist()[:5] == [0, 0, 0, 1.5, 2.5]
    copies = write_tidy(reading, tmp_path)
    assert copies.samples is not None
    assert copies.matrix.read_text().splitlines()[1].startswith("ENSG00000000000,TP53,3,3,4")


def test_an_anndata_file_too_large_to_be_dense_is_refused_before_it_is_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(annotated, "MOST_VALUES", 29)
    with pytest.raises(InputError, match="6 samples × 5 genes") as refused:
        read_file(DATA / "anndata" / "csr.h5ad")
    assert refused.value.code == "h5ad_too_large"


def small(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["X"] = np.ones((2, 3))
        for name, labels in (("obs", ["a", "b"]), ("var", ["TP53", "MYC", "KRAS"])):
            group = file.create_group(name)
            group["_index"] = labels
            group.attrs["_index"] = "_index"
            group.attrs["column-order"] = np.array([], dtype="S1")


def test_nothing_outside_an_anndata_file_is_read(tmp_path: Path) -> None:
    path, other = tmp_path / "t.h5ad", tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["secret"] = np.full((2, 3), 42.0)
    (tmp_path / "raw.bin").write_bytes(np.full(6, 42.0).tobytes())

    def outside(file: h5py.File) -> None:
        file["X"] = h5py.ExternalLink(str(other), "/secret")

    def soft(file: h5py.File) -> None:
        file["X"] = h5py.SoftLink("/var/_index")

    def stored_elsewhere(file: h5py.File) -> None:
        outer = [(str(tmp_path / "raw.bin"), 0, 48)]
        file.create_dataset("X", (2, 3), "f8", external=outer)

    def virtual(file: h5py.File) -> None:
        layout = h5py.VirtualLayout(shape=(2, 3), dtype="f8")
        layout[:] = h5py.VirtualSource(str(other), "secret", shape=(2, 3))
        file.create_virtual_dataset("X", layout)

    small(path)
    assert table_in(path).frame["a"].tolist() == [1, 1, 1]
    for spoil, words in ((outside, "is a link"), (soft, "is a link"), (stored_elsewhere, "another file"),
                         (virtual, "another file")):  # fmt: skip
        small(path)
        with h5py.File(path, "a") as file:
            del file["X"]
            spoil(file)
        with pytest.raises(InputError, match=words) as refused:
            read_file(path)
        assert refused.value.code == "damaged_h5ad"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("X", np.ones((3, 3))),
        ("X", np.ones(6)),
        ("obs/_index", np.ones((2, 2))),
        ("X", np.array([["a"] * 3] * 2, dtype="S1")),
    ],
)
def test_an_anndata_file_that_contradicts_itself_is_refused(tmp_path: Path, name: str, content: object) -> None:
    small(tmp_path / "t.h5ad")
    with h5py.File(tmp_path / "t.h5ad", "a") as file:
        del file[name]
        file[name] = content
    with pytest.raises(InputError) as refused:
        read_file(tmp_path / "t.h5ad")
    assert refused.value.code == "damaged_h5ad"


def test_a_damaged_anndata_file_is_refused(tmp_path: Path) -> None:
    content = (DATA / "anndata" / "csr.h5ad").read_bytes()
    path = tmp_path / "t.h5ad"
    for kept in (20, 3000, 20_000, len(content) - 100):
        path.write_bytes(content[:kept])
        with pytest.raises(InputError) as refused:
            read_file(path)
        assert refused.value.code == "damaged_h5ad"


GCT = "#1.2\n3\t4\nName\tDescription\tS1\tS2\tS3\tS4\n"
ROWS = "TP53\ttumor protein\t1\t2.5\t3\t4\nMYC\tna\t4\t\t2\t1\nKRAS\tna\t7\tNA\t9\t2\n"


def test_gct_files_are_read_with_their_descriptions(tmp_path: Path) -> None:
    path = tmp_path / "t.gct"
    path.write_text(GCT + ROWS)
    table = table_in(path)
    assert table.orientation == "genes_in_rows"
    assert table.annotations == ("Description",)
    assert table.value_names == ("S1", "S2", "S3", "S4")
    assert table.frame["S1"].tolist() == [1, 4, 7]
    assert table.frame["S2"].isna().tolist() == [False, True, True]


def test_gct_of_version_1_3_brings_its_sample_table(tmp_path: Path) -> None:
    path = tmp_path / "t.gct"
    head = "#1.3\n3\t4\t1\t2\nid\tDescription\tS1\tS2\tS3\tS4\n"
    about = "treatment\tna\tdmso\tdmso\tdrug\tdrug\ndose\tna\t0\t0\t10\t10\n"
    path.write_text(head + about + ROWS)
    reading = read_file(path)
    assert reading.table is not None
    assert reading.table.attributes["treatment"].tolist() == ["dmso", "dmso", "drug", "drug"]
    assert reading.table.frame["id"].tolist() == ["TP53", "MYC", "KRAS"]
    copies = write_tidy(reading, tmp_path)
    assert copies.samples is not None
    assert copies.samples.read_text().splitlines()[3] == "S3,drug,10"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (GCT.replace("3\t4", "4\t4") + ROWS, "speaks of 4 rows, and 3 follow"),
        (GCT.replace("3\t4", "3\t5") + ROWS, "speaks of 5 samples, its third names 4"),
        (GCT.replace("3\t4", "three\t4") + ROWS, "second line"),
        (GCT, "no whole GCT"),
        (GCT + ROWS + "a\tb\t1\t2\t3\t4\t5\n", "no whole GCT"),
    ],
)
def test_gct_files_whose_sizes_do_not_agree_are_refused(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "t.gct"
    path.write_text(content)
    with pytest.raises(InputError, match=words) as refused:
        read_file(path)
    assert refused.value.code == "damaged_gct"


def test_text_among_the_numbers_of_a_gct_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.gct"
    path.write_text(GCT + ROWS.replace("2.5", "high"))
    (stray,) = table_in(path).strays
    assert (stray.where, stray.row_name, stray.column, stray.text) == ("line 4, column 4", "TP53", "S2", "high")


@pytest.mark.parametrize("name", ["data.gct", "counts.h5ad"])
def test_a_folder_offers_its_files_of_any_format(tmp_path: Path, name: str) -> None:
    """The notes beside it are no table, though they are text."""
    (tmp_path / "README.txt").write_text("Counts of May, " * 100)
    content = (GCT + ROWS).encode() if name.endswith("gct") else (DATA / "anndata" / "csr.h5ad").read_bytes()
    (tmp_path / name).write_bytes(content)
    problems = Problems()
    chosen = choose_files([tmp_path], None, problems)
    assert problems.found == []
    assert chosen.matrix == tmp_path / name
