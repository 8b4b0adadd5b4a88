"""Loading staged data, principal components, quality check, and figures that draw whatever comes."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from codalab_nb.analysis import clustering, gene_plots, pca, qc, sample_plots, style, words
from codalab_nb.analysis.compare import compare
from codalab_nb.analysis.expression import EXAMPLE, AnalysisError, ExpressionSet, load, load_or_example, usual_floor
from codalab_nb.datasets.profile import profile_files, staged_files
from tests.support.tables import matrix_set

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture(scope="module")
def golub() -> ExpressionSet:
    return load(EXAMPLE)


def stage(folder: Path, *, name: str | None = None, **files: str) -> ExpressionSet:
    for stem, content in files.items():
        (folder / f"{stem}.csv").write_text(content)
    profile, _ = profile_files([folder])
    (folder / "profile.json").write_bytes(staged_files(profile, name)["profile.json"])
    return load(folder)


def test_cells_in_rows_are_turned_and_keep_their_description(tmp_path: Path) -> None:
    source = DATA / "pbmc68k_reduced"
    data = stage(
        tmp_path,
        name="pbmc@3",
        expression=(source / "expression_cells_x_genes.csv").read_text(),
        cells=(source / "cells.csv").read_text(),
    )
    raw = pd.read_csv(source / "expression_cells_x_genes.csv", index_col="cell")
    assert data.name == "pbmc@3"
    np.testing.assert_array_equal(data.values.to_numpy(), raw.T.to_numpy())
    assert data.groups("louvain").iloc[0] == "1"


def test_every_value_of_a_small_file_arrives(tmp_path: Path) -> None:
    data = stage(
        tmp_path,
        expression="gene;Length;ctrl1;ctrl2;kd1;kd2\nTP53;900;1,5;n.d.;3,5;inf\nTP53;300;4,5;3,5;2,5;1,5\n",
    )
    np.testing.assert_array_equal(data.values.to_numpy(), [[1.5, np.nan, 3.5, np.nan], [4.5, 3.5, 2.5, 1.5]])
    assert list(data.values.index) == ["TP53", "TP53 (2)"]
    assert list(data.features["Length"]) == [900, 300]
    assert list(data.samples["group"]) == ["ctrl", "ctrl", "kd", "kd"]


def test_the_rows_of_the_sample_table_follow_the_matrix(tmp_path: Path) -> None:
    data = stage(
        tmp_path,
        expression="gene,a,b,c\nTP53,1,2,3\nMYC,3,2,1\n",
        samples="sample,treatment\nc,drug\na,mock\nb,drug\nz,mock\n",
    )
    assert list(data.samples["treatment"]) == ["mock", "drug", "drug"]


def test_what_is_not_there_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="codalab-nb dataset add"):
        load(tmp_path)
    assert load_or_example(tmp_path / "nowhere").is_example
    with pytest.raises(AnalysisError):  # an empty folder is a mistake, not a wish to see the example
        load_or_example(tmp_path)
    stage(tmp_path, expression="gene,ctrl1,ctrl2,kd1,kd2\nTP53,1,2,3,4\nMYC,4,3,2,1\n")
    (tmp_path / "expression.csv").unlink()
    with pytest.raises(AnalysisError, match="do not match their profile"):
        load(tmp_path)


def test_golubs_first_component_is_the_published_one(golub: ExpressionSet) -> None:
    found = pca.principal_components(golub.values)
    assert found.share[0] == pytest.approx(0.165, abs=5e-4)
    assert pca.r_squared(found.scores["PC1"], golub.groups("group")) == pytest.approx(0.726, abs=5e-4)
    assert found.n_genes == 3051


def test_the_order_of_samples_and_a_constant_gene_change_no_component(golub: ExpressionSet) -> None:
    first = pca.principal_components(golub.values)
    order = np.random.default_rng(3).permutation(38)
    values = golub.values.iloc[:, order].copy()
    values.loc["constant"] = 7.0
    values.loc["gap"] = np.nan
    second = pca.principal_components(values)
    np.testing.assert_allclose(second.scores.loc[first.scores.index], first.scores, atol=1e-8)
    assert (second.n_genes, second.n_left_out) == (3051, 1)
    assert pca.principal_components(values, top_genes=50, scale=True).n_genes == 50
    with pytest.raises(AnalysisError, match="Needs 3 samples"):
        pca.principal_components(values.iloc[:, :2])
    with pytest.raises(AnalysisError, match="nothing to show"):
        pca.principal_components(values * 0)


def test_a_swapped_sample_stands_apart_and_copies_are_noticed() -> None:
    rng = np.random.default_rng(2)
    level = rng.normal(8, 2, (500, 1))
    values = pd.DataFrame(level + rng.normal(0, 0.5, (500, 12)), columns=[f"s{n}" for n in range(12)])
    values["s7"] = rng.permutation(values["s7"].to_numpy())
    values["s3"] = values["s2"]
    assert list(values.columns[qc.stand_apart(qc.agreement(values))]) == ["s7"]
    assert qc.identical_samples(values) == [("s2", "s3")]
    values.iloc[4] = 1.0
    assert qc.constant_features(values) == 1


@pytest.mark.parametrize("kind", ["counts", "linear", "log"])
def test_a_sample_without_values_is_named_and_judges_no_other(kind: str) -> None:
    rng = np.random.default_rng(3)
    level = rng.normal(8, 2, (300, 1))
    logs = pd.DataFrame(level + rng.normal(0, 0.5, (300, 6)), columns=list("abcdef"))
    values = logs if kind == "log" else (2**logs).round()
    values = values.mask(rng.random(values.shape) < 0.3) if kind != "counts" else values
    values["f"] = np.nan if kind == "log" else 0.0
    data = matrix_set(values, pd.DataFrame({"group": list("xxxyyy")}, index=values.columns), kind, group="condition")
    assert qc.empty_samples(data) == ["f"]
    view, scale = qc.log_view(data)
    summary = qc.sample_report(data, view)
    assert list(summary.index[summary["look_at"] == "yes"]) == ["f"]
    assert summary["agreement"].drop("f").min() > 0.8
    complete = view.drop(columns="f").dropna(axis=1, how="all").corr(min_periods=3)
    np.testing.assert_allclose(
        summary["agreement"].drop("f"), (complete.sum() - 1) / (len(complete) - 1), atol=1e-9
    )  # pairwise, as pandas does it
    groups = data.groups("group")
    boxes = sample_plots.value_boxes(data, view, scale, groups)
    assert boxes.title == "Nothing was measured in f"
    assert "3 x, 2 y" in boxes.alt
    assert "f" in sample_plots.agreement_dots(summary["agreement"], ["f"], groups).title
    text = words.quality_words(data, ["f"], [], 0)
    assert "Nothing was measured in f" in text
    assert "3 x, 2 y" in text
    assert "No other sample stands apart" in text
    for method in (pca.principal_components, clustering.cluster):
        with pytest.raises(AnalysisError, match="Nothing was measured in f"):
            method(view)


def test_whole_protein_intensities_are_no_counts_and_their_zeros_are_doubted(tmp_path: Path) -> None:
    """As MaxQuant writes LFQ intensities: whole numbers up to 1e10, 0 where a protein was not seen."""
    rng = np.random.default_rng(4)
    values = np.floor(2 ** rng.normal(26, 2, (60, 6)))
    values[rng.random(values.shape) < 0.2] = 0
    frame = pd.DataFrame(values, columns=[f"{group}_{n}" for group in ("ctrl", "trt") for n in (1, 2, 3)])
    frame.index = pd.Index([f"GENE{n}" for n in range(60)], name="Gene")
    data = stage(tmp_path, expression=frame.to_csv(float_format="%.1f"))
    assert data.kind == "linear"
    notes = {note["code"]: note["text"] for note in data.profile["warnings"]}
    assert "not as counts" in notes["large_whole_numbers"]
    assert "0 may mean “not measured”" in notes["zeros_not_measured"]
    comparison = compare(data)
    assert "**Warning:**" in words.comparison_words(data, comparison, 0.05, data.labels())
    counted = stage(tmp_path, expression=(frame // 1e5).to_csv())
    assert counted.kind == "counts"
    assert not {"large_whole_numbers", "zeros_not_measured"} & {n["code"] for n in counted.profile["warnings"]}


def test_tpm_and_fpkm_keep_their_small_values() -> None:
    rng = np.random.default_rng(5)
    fpkm = pd.DataFrame(2 ** rng.normal(2, 2, (300, 6)), columns=list("abcdef"))
    zeros = (fpkm * 40).mask(rng.random(fpkm.shape) < 0.01, 0.0)
    samples = pd.DataFrame({"group": list("xxxyyy")}, index=fpkm.columns)
    arrays = fpkm * 100 + 15
    negative = arrays - 200
    proteins = (fpkm * 1e6 + 1e5).mask(rng.random(fpkm.shape) < 0.2, 0.0)
    for values, floor in (
        (fpkm, 1),
        (zeros, 1),
        (100 * fpkm / fpkm.sum() * 1e4, 1),
        (arrays, 20),
        (negative, 20),
        (proteins, 20),
    ):
        data = matrix_set(values, samples, "linear", group="condition")
        assert usual_floor(data) == floor
        view, scale = qc.log_view(data)
        assert view.min(axis=None) >= np.log2(floor) - 1e-12
        assert scale == f"log2 intensity (floor {floor})"
        assert ("TPM" in words.introduction(data)) == (floor == 1)
    data = matrix_set(fpkm, samples, "linear", group="condition")
    assert qc.log_view(data, 5.0)[1].endswith("(floor 5)")
    with pytest.raises(AnalysisError, match="floor of 50"):
        compare(data, floor=50)
    assert len(compare(data).result.table["p"].dropna()) > 250


def test_genes_that_a_map_leaves_out_are_counted_beside_it() -> None:
    rng = np.random.default_rng(6)
    values = pd.DataFrame(rng.normal(8, 2, (100, 6)), columns=list("abcdef"))
    values.iloc[:40, 0] = np.nan
    data = matrix_set(values, pd.DataFrame({"group": list("xxxyyy")}, index=values.columns), group="condition")
    groups = data.groups("group")
    for shown, warned in ((values, True), (values.iloc[30:], False)):
        components = pca.principal_components(shown)
        told = f"{components.n_left_out} of {len(shown)} genes are left out"
        drawn = sample_plots.pca_map(components, groups).figure
        assert any(told in text.get_text() for text in drawn.texts)
        explained = pca.explained_by(components, data.samples)
        assert ("Warning" in words.component_words(data, components, groups, explained, "value")) == warned


@pytest.mark.parametrize(
    ("shift", "kind", "title"),
    [
        (0.0, "linear", "All samples are on a comparable level"),
        (0.5, "log", "All samples are on a comparable level"),
        (2.0, "linear", "The samples' medians differ by up to 2: do they need normalising?"),
        (2.0, "log", "The samples' medians differ by up to 2: do they need normalising?"),
        (4.0, "log", "The samples are not on one level: they need normalising"),
    ],
)
def test_samples_on_different_levels_are_not_called_comparable(shift: float, kind: str, title: str) -> None:
    level = np.linspace(7, 13, 201)[:, None]  # the middle half is 3 wide
    values = pd.DataFrame(level + np.array([0, 0, shift]), columns=list("abc"))
    data = matrix_set(2**values if kind == "linear" else values, pd.DataFrame(index=values.columns), kind)
    assert sample_plots.value_boxes(data, values, "value", None).title == title


@pytest.mark.parametrize("n", [4, 30, 90])
def test_every_figure_draws_many_groups_long_names_and_gaps(n: int, tmp_path: Path) -> None:
    """What is drawn is looked at by people; here only that odd input draws without a warning, and is described."""
    rng = np.random.default_rng(n)
    names = [f"a_really_long_sample_name_{number}" for number in range(n)]
    values = pd.DataFrame(rng.normal(8, 2, (60, n)), index=[f"<gene {g}>" for g in range(60)], columns=names)
    values.iloc[0, 0] = np.nan
    groups = [f"group & <{number % min(12, n // 2)}>" for number in range(n)]
    data = stage(
        tmp_path,
        expression=values.rename_axis("gene").to_csv(),
        samples=pd.DataFrame({"sample": names, "group": groups}).to_csv(index=False),
    )
    labels = data.groups("group")
    report = qc.sample_report(data, data.values)
    components = pca.principal_components(data.values)
    comparison = compare(data, treated=groups[1], reference=groups[0])
    for picture in (
        sample_plots.value_boxes(data, data.values, "value", labels),
        sample_plots.value_boxes(data, data.values, "value", None),
        sample_plots.agreement_dots(report["agreement"], names[:2], labels),
        sample_plots.pca_map(components, labels),
        sample_plots.pca_map(components, None),
        sample_plots.pca_bars(components, labels),
        gene_plots.volcano(comparison, 0.05, data.labels()),
        gene_plots.volcano(comparison, 0.999, data.labels()),
        gene_plots.gene_strips(comparison, data.labels(), 0.05),
    ):
        picture.figure.savefig(io.BytesIO(), format="png")
        assert len(picture.alt) > len(picture.title) > 10
    text = words.comparison_words(data, comparison, 0.05, data.labels())
    assert "<gene" not in text
    assert "<0>" not in text


def test_conclusions_name_the_direction_and_an_unconfirmed_reference(golub: ExpressionSet) -> None:
    text = words.comparison_words(golub, compare(golub), 0.05, golub.labels())
    assert "691 of 3,051 genes differ between AML and ALL" in text
    assert "Up means higher in AML than in ALL" in text
    assert "proposed, not confirmed" in text
    chosen = words.comparison_words(golub, compare(golub, reference="ALL"), 0.05, golub.labels())
    assert "proposed, not confirmed" not in chosen
    assert "example data" in words.introduction(replace(golub, is_example=True))


def test_names_in_a_column_never_cover_each_other() -> None:
    places = style.spread_out([9.0, 8.9, 8.8, 1.0], 1.0, 0.0, 10.0)
    assert all(upper - lower >= 1 - 1e-9 for upper, lower in pairwise(places))
    assert max(places) <= 10
    assert style.spread_out([], 1, 0, 10) == []
