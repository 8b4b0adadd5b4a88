"""Markers and maps: the known markers of blood cells, scipy's test, and what must never change the answer."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from codalab_nb.analysis.expression import EXAMPLE, AnalysisError, ExpressionSet, load
from codalab_nb.analysis.markers import markers, threshold, top_markers
from codalab_nb.analysis.sample_map import SampleMap, find_groups, same_neighbours, sample_map
from codalab_nb.analysis.sample_map_plots import map_picture, map_title, marker_dots
from codalab_nb.analysis.sample_map_words import map_words, marker_table

PBMC = Path(__file__).parent.parent / "data" / "pbmc68k_reduced"


@pytest.fixture(scope="module")
def cells() -> pd.DataFrame:
    return pd.read_csv(PBMC / "expression_cells_x_genes.csv", index_col="cell").T


@pytest.fixture(scope="module")
def kinds() -> pd.Series:
    return pd.read_csv(PBMC / "cells.csv", index_col="cell")["bulk_labels"]


@pytest.fixture(scope="module")
def golub() -> ExpressionSet:
    return load(EXAMPLE)


@pytest.fixture(scope="module")
def golub_map(golub: ExpressionSet) -> SampleMap:
    return sample_map(golub.values, perplexity=10)


def test_blood_cells_are_marked_by_the_known_genes(cells: pd.DataFrame, kinds: pd.Series) -> None:
    best = top_markers(markers(cells, kinds), 10)
    found = best.groupby("group")["gene"].agg(list).to_dict()
    for kind, known in {
        "CD19+ B": ["CD79A", "CD79B"],
        "CD56+ NK": ["NKG7", "GNLY"],
        "Dendritic": ["LYZ", "CST3", "HLA-DRA"],
    }.items():
        assert found[kind][: len(known)] == known
    assert {"FTL", "AIF1", "LST1", "TYROBP"} <= set(found["CD14+ Monocyte"][:5])
    assert {"CCL5", "NKG7", "GZMA"} <= set(found["CD8+ Cytotoxic T"][:4])


def test_the_test_is_that_of_scipy_ties_and_gaps_included(cells: pd.DataFrame, kinds: pd.Series) -> None:
    holes = cells.iloc[:40].mask(np.random.default_rng(0).random((40, 700)) < 0.3)
    table = markers(holes, kinds).set_index(["group", "gene"])
    for group in ("CD19+ B", "CD34+"):
        for gene in holes.index[::7]:
            inside, outside = (holes.loc[gene, mask].dropna() for mask in (kinds == group, kinds != group))
            expected = stats.mannwhitneyu(inside, outside, method="asymptotic")
            row = table.loc[(group, gene)]
            assert row["p"] == pytest.approx(expected.pvalue, rel=1e-9)
            assert row["auc"] == pytest.approx(expected.statistic / (len(inside) * len(outside)))
            assert row["mean_in"] == pytest.approx(inside.mean())
            assert row["share_out"] == pytest.approx((outside > 0).mean())


def test_the_order_of_samples_changes_nothing_and_shuffled_labels_find_nothing(
    cells: pd.DataFrame, kinds: pd.Series
) -> None:
    rng = np.random.default_rng(4)
    first = markers(cells, kinds).set_index(["group", "gene"])
    order = rng.permutation(cells.columns)
    second = markers(cells[order], kinds[order]).set_index(["group", "gene"])
    pd.testing.assert_frame_equal(second.loc[first.index], first)
    shuffled = markers(cells, pd.Series(rng.permutation(kinds), index=kinds.index))
    assert (shuffled["p_adjusted"] < 0.05).sum() <= 2
    assert shuffled["auc"].mean() == pytest.approx(0.5, abs=0.01)


def test_odd_genes_and_small_groups_get_an_answer_or_none() -> None:
    rng = np.random.default_rng(1)
    values = pd.DataFrame(rng.normal(size=(30, 20)), columns=[f"s{n}" for n in range(20)])
    values.iloc[0] = 3.0
    values.iloc[1] = np.nan
    groups = pd.Series(["a"] * 9 + ["b"] * 8 + ["tiny"] * 2 + [np.nan], index=values.columns, dtype=object)
    values.iloc[2, :7] = np.nan  # two values left in group a
    table = markers(values, groups).set_index(["group", "gene"])
    assert set(table.index.get_level_values("group")) == {"a", "b"}
    assert (table.loc[("a", 0), "p"], table.loc[("a", 0), "auc"]) == (1, 0.5)
    assert np.isnan(table.loc[("a", 1), "p"])
    assert np.isnan(table.loc[("a", 2), "p"])
    assert np.isfinite(table.loc[("b", 2), "p"])
    with pytest.raises(AnalysisError, match="Markers need two groups"):
        markers(values, groups.where(groups == "a"))


def test_a_gene_is_present_above_zero_only_where_zeros_are_common(cells: pd.DataFrame, golub: ExpressionSet) -> None:
    assert threshold(cells)[1] == "above 0"
    limit, words = threshold(golub.values)
    assert words == "above the gene's median"
    assert limit.iloc[0] == golub.values.iloc[0].median()


def test_the_map_is_the_same_in_any_order_of_the_file(golub: ExpressionSet, golub_map: SampleMap) -> None:
    rng = np.random.default_rng(1)
    values = golub.values.iloc[rng.permutation(3051), rng.permutation(38)].copy()
    values.loc["constant"] = 7.0
    values.loc["gap"] = np.nan
    second = sample_map(values, perplexity=10)
    pd.testing.assert_frame_equal(second.places.loc[golub_map.places.index], golub_map.places)
    assert second.n_left_out == 2
    groups, silhouette = find_groups(golub_map, 2)
    again, _ = find_groups(second, 2)
    pd.testing.assert_series_equal(again[groups.index], groups)
    assert 0 < silhouette < 1


def test_neighbours_of_a_kind_are_counted_and_chance_is_known(golub: ExpressionSet, golub_map: SampleMap) -> None:
    groups = golub.groups("group")
    same, chance = same_neighbours(golub_map.components, groups)
    assert same > 0.8
    rng = np.random.default_rng(0)
    shuffled = [
        same_neighbours(golub_map.components, pd.Series(rng.permutation(groups), index=groups.index))[0]
        for _ in range(50)
    ]
    assert np.mean(shuffled) == pytest.approx(chance, abs=0.02)


def test_two_clouds_are_found_and_numbered_by_size() -> None:
    rng = np.random.default_rng(3)
    values = pd.DataFrame(rng.normal(size=(50, 40)), columns=[f"s{n}" for n in range(40)])
    values.iloc[:25, :12] += 6
    found = sample_map(values, perplexity=8)
    groups, silhouette = find_groups(found)
    assert list(groups) == ["group 2"] * 12 + ["group 1"] * 28
    assert silhouette > 0.4
    assert same_neighbours(found.components, groups)[0] > 0.99


def test_what_cannot_be_mapped_is_said_in_words(golub: ExpressionSet) -> None:
    with pytest.raises(AnalysisError, match="30 samples or more; there are 29"):
        sample_map(golub.values.iloc[:, :29])
    with pytest.raises(AnalysisError, match="Fewer than two genes vary"):
        sample_map(golub.values * 0)


@pytest.mark.parametrize("n_groups", [2, 20])
def test_the_figures_draw_odd_input_without_a_warning(golub_map: SampleMap, n_groups: int) -> None:
    rng = np.random.default_rng(n_groups)
    names = golub_map.places.index
    values = pd.DataFrame(rng.normal(size=(12, 38)), index=[f"<gene {n}>" for n in range(12)], columns=names)
    groups = pd.Series([f"a long & <odd> kind {n % n_groups}" for n in range(38)], index=names, name="a <b>")
    groups.iloc[0] = np.nan
    values.iloc[:2] += 5 * (groups == groups.iloc[1]).to_numpy()
    values.iloc[5, ::2] = np.nan
    labels = pd.Series(values.index, index=values.index)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same, chance = same_neighbours(golub_map.components, groups)
        title = map_title(groups, same, chance, searched=False)
        pictures = [map_picture(golub_map, groups, title)]
        text = ""
        if n_groups == 2:
            table = markers(values, groups)
            pictures.append(marker_dots(values, groups, table, labels, 3))
            assert marker_dots(values, groups, table, labels, 3, q=0.0) is None
            assert list(marker_table(table, labels)["gene"][:2]) == ["<gene 0>", "<gene 1>"]
            text = map_words(
                golub_map, groups, table, labels, "value",
                same=same, chance=chance, searched=True, silhouette=0.1, label=groups,
            )  # fmt: skip
        for picture in pictures:
            assert picture is not None
            picture.figure.savefig(io.BytesIO(), format="png", dpi=50)
            assert len(picture.alt) > len(picture.title) > 10
    assert "<gene" not in text
    assert "<odd>" not in text
