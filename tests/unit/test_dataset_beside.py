"""Columns and rows beside the measurements are no samples and no genes, however the file is read."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from codalab_nb.datasets.beside import beside_measurements, is_tally
from codalab_nb.datasets.profile import profile_files
from codalab_nb.model.proposals import groups_from_names

SAMPLES = ["ctrl_1", "ctrl_2", "ctrl_3", "trt_1", "trt_2", "trt_3"]
GENES = ["TP53", "MYC", "EGFR", "KRAS", "ACTB"]


def rows(first: list[str], last: list[str] = []) -> list[list[str | float]]:  # noqa: B006 (it is only read)
    body: list[list[str | float]] = [
        [
            gene,
            *[1000 + 7 * at + k for k in range(len(first))],
            *[50 + at * k for k in range(6)],
            *[0.5 + at for _ in last],
        ]
        for at, gene in enumerate(GENES)
    ]
    return [["Geneid", *first, *SAMPLES, *last], *body]


@pytest.mark.parametrize("how", ["plain", "titled", "workbook"])
@pytest.mark.parametrize(
    ("first", "last"),
    [
        (["Start", "End", "Length"], []),
        (["Entrez Gene ID"], []),
        ([], ["log2FC", "pvalue", "padj"]),
        ([], ["mean_ctrl", "mean_trt"]),
        ([], ["logFC", "P.Value", "adj.P.Val", "q-value", "FDR"]),
    ],
)
def test_columns_beside_the_measurements_are_no_samples(
    tmp_path: Path, how: str, first: list[str], last: list[str]
) -> None:
    table = rows(first, last)
    path = tmp_path / ("t.xlsx" if how == "workbook" else "t.csv")
    if how == "workbook":
        book = openpyxl.Workbook()
        assert book.active is not None
        for row in table:
            book.active.append(row)
        book.save(path)
    else:
        title = "# Program:featureCounts v2.0.1\n" if how == "titled" else ""
        path.write_text(title + "\n".join(",".join(map(str, row)) for row in table) + "\n")
    profile, _ = profile_files([path])
    assert (profile.orientation, profile.n_samples, profile.kind) == ("genes_in_rows", 6, "log")
    assert profile.annotations == (*first, *last)
    assert profile.groups_from_names == ("ctrl",) * 3 + ("trt",) * 3
    told = [note.text for note in profile.reading if note.code == "columns_left_out"]
    assert len(told) == 1
    assert all(repr(name) in told[0] for name in (*first, *last))


def test_names_that_may_be_samples_stay() -> None:
    assert beside_measurements(["SD_1", "SD_2", "WT_1", "WT_2"]) == []
    assert beside_measurements(["mean_ctrl", "mean_trt"]) == []  # nothing else is measured
    assert beside_measurements(["A", "B", "Pat", "Mean radius"]) == [3]


@pytest.mark.parametrize("names", [("__no_feature", "__ambiguous"), ("N_unmapped", "N_multimapping")])
@pytest.mark.parametrize("at", [1, 6])
def test_reads_of_no_gene_are_left_out_and_told(tmp_path: Path, names: tuple[str, str], at: int) -> None:
    table = rows([])
    table[at:at] = [[name, 9000, 9100, 9200, 9300, 9400, 9500] for name in names]
    path = tmp_path / "counts.csv"
    path.write_text("\n".join(",".join(map(str, row)) for row in table) + "\n")
    profile, _ = profile_files([path])
    assert (profile.n_features, profile.n_samples) == (5, 6)
    assert profile.value_max is not None
    assert profile.value_max < 100
    told = [note.text for note in profile.reading if note.code == "tally_rows"]
    assert len(told) == 1
    assert all(name in told[0] for name in names)
    assert not is_tally("N_gene")


def test_files_as_names_of_columns_show_their_groups() -> None:
    names = [f"/scratch/me/bam/{name}.sorted.bam" for name in SAMPLES]
    assert groups_from_names(names) == ("ctrl",) * 3 + ("trt",) * 3
    assert groups_from_names(["+/+ 1", "+/+ 2", "-/- 1", "x/x 2"]) == ()
