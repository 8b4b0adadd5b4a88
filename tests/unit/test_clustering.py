"""Trees of samples and genes: the known agreement on Golub's data, and what must never change the answer."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist, squareform
from sklearn.metrics import adjusted_rand_score, silhouette_score

from codalab_nb.analysis.clustering import adjusted_rand, cluster, most_variable, silhouette
from codalab_nb.analysis.expression import EXAMPLE, AnalysisError, ExpressionSet, load
from codalab_nb.analysis.heat_map import heat_map
from codalab_nb.analysis.heat_map_words import gene_order, heat_map_words, sample_order


@pytest.fixture(scope="module")
def golub() -> ExpressionSet:
    return load(EXAMPLE)


def test_golubs_tree_cut_in_two_finds_the_leukemias(golub: ExpressionSet) -> None:
    found = cluster(golub.values, top_genes=200, distance="correlation", method="average", sample_groups=2)
    groups = golub.groups("group")
    assert adjusted_rand(found.samples.groups, groups) == pytest.approx(0.893, abs=5e-4)
    assert sorted(found.samples.groups.value_counts()) == [12, 26]
    text = heat_map_words(found, [groups], "value", True)
    assert "In group 1: 11 AML, 1 ALL; in group 2: 26 ALL" in text
    assert "A tree always gives groups" in text


def test_agreement_and_silhouette_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    first, second = pd.Series(rng.integers(0, 4, 60)), pd.Series(rng.integers(0, 3, 60))
    assert adjusted_rand(first, second) == pytest.approx(adjusted_rand_score(first, second))
    assert adjusted_rand(first, first) == pytest.approx(1)
    assert np.isnan(adjusted_rand(first, first * 0))
    distances = squareform(pdist(rng.normal(size=(60, 5))))
    labels = np.where(np.arange(60) == 7, 9, first)  # one row is alone in its group
    assert silhouette(distances, labels) == pytest.approx(silhouette_score(distances, labels, metric="precomputed"))
    assert np.isnan(silhouette(distances, np.zeros(60, np.int64)))


@pytest.mark.parametrize(
    ("distance", "method"), [("correlation", "average"), ("euclidean", "ward"), ("euclidean", "complete")]
)
def test_the_order_of_the_file_changes_neither_groups_nor_drawing(
    golub: ExpressionSet, distance: str, method: str
) -> None:
    rng = np.random.default_rng(1)
    first = cluster(golub.values, distance=distance, method=method)
    values = golub.values.iloc[rng.permutation(len(golub.values)), rng.permutation(38)].copy()
    values.loc["constant"] = 7.0
    values.loc["gap"] = np.nan
    second = cluster(values, distance=distance, method=method)
    assert list(second.values.columns[second.samples.order]) == list(first.values.columns[first.samples.order])
    assert list(second.values.index[second.genes.order]) == list(first.values.index[first.genes.order])
    pd.testing.assert_series_equal(second.samples.groups[first.samples.groups.index], first.samples.groups)
    assert (second.n_genes, second.n_left_out) == (3051, 2)


def test_shuffled_labels_agree_as_chance_does(golub: ExpressionSet) -> None:
    found = cluster(golub.values)
    rng = np.random.default_rng(0)
    shuffled = [pd.Series(rng.permutation(golub.groups("group")), index=golub.values.columns) for _ in range(100)]
    agreements = [adjusted_rand(found.samples.groups, one) for one in shuffled]
    assert abs(float(np.mean(agreements))) < 0.03


def test_a_sample_alone_in_its_group_does_not_hide_the_groups_of_the_others() -> None:
    rng = np.random.default_rng(8)
    condition = pd.Series(list("xxxxyyyy"), index=[f"s{n}" for n in range(8)], name="grp")
    values = pd.DataFrame(rng.normal(8, 2, (100, 1)) + rng.normal(0, 0.3, (100, 8)), columns=condition.index)
    values.iloc[:40, 4:] += 3
    values["s0"] = rng.normal(8, 2, 100)
    values.iloc[90:, 3] = np.nan
    found = cluster(values, sample_groups=2)
    assert found.lone == ["s0"]
    assert adjusted_rand(found.samples.groups, condition) < 0.2
    assert adjusted_rand(found.groups_without_lone(), condition) == 1
    picture = heat_map(found, [condition], values.index.to_series())
    assert picture.title == "s0 forms a group of its own; the rest of the tree follows “grp” (agreement 1.00 of 1)"
    assert any("10 of 100 genes are left out" in text.get_text() for text in picture.figure.texts)
    text = heat_map_words(found, [condition], "value", True)
    assert "**s0 forms a group of its own**" in text
    assert "Cut without s0: **These are the groups of 'grp'**" in text
    assert "Warning" not in text
    values.iloc[:40, 3] = np.nan
    gaps = heat_map_words(cluster(values), [condition], "value", True)
    assert "Warning: 50 of 100 genes are not used" in gaps


def test_tables_stand_in_the_order_of_the_drawing(golub: ExpressionSet) -> None:
    found = cluster(golub.values, top_genes=30)
    groups = golub.groups("group")
    genes, samples = gene_order(golub, found, groups), sample_order(found, [groups])
    assert list(genes["gene_group"]) == sorted(genes["gene_group"])
    assert list(samples["cluster"]) == sorted(samples["cluster"])
    assert samples.loc["AML_33", "group"] == "AML"
    weighted = (27 * genes["mean_z_ALL"] + 11 * genes["mean_z_AML"]) / 38
    np.testing.assert_allclose(weighted, 0, atol=1e-12)


def test_what_cannot_be_clustered_is_said_in_words(golub: ExpressionSet) -> None:
    with pytest.raises(AnalysisError, match="four or more; there are 3"):
        cluster(golub.values.iloc[:, :3])
    with pytest.raises(AnalysisError, match="Fewer than two genes vary"):
        cluster(golub.values * 0)
    holes = golub.values.mask(np.random.default_rng(0).random(golub.values.shape) < 0.5)
    with pytest.raises(AnalysisError, match="no missing value"):
        cluster(holes)
    with pytest.raises(AnalysisError, match="set `distance` to euclidean"):
        cluster(golub.values, method="ward")
    assert most_variable(golub.values, 0)[1] == 3051


@pytest.mark.parametrize(("n", "n_genes", "n_groups"), [(4, 2, 0), (20, 15, 2), (38, 61, 10), (80, 100, 10)])
def test_the_figure_draws_odd_input_without_a_warning(n: int, n_genes: int, n_groups: int) -> None:
    rng = np.random.default_rng(n)
    names = [f"a_really_long_sample_name_{number}" for number in range(n)]
    values = pd.DataFrame(rng.normal(size=(n_genes, n)), index=[f"<gene {g}>" for g in range(n_genes)], columns=names)
    values[names[1]] = values[names[0]]  # a copied sample: distance 0
    values[names[2]] = 1.0  # a sample without any variation: no correlation
    known = []
    if n_groups:
        known = [pd.Series([f"group & <{i % n_groups}>" for i in range(n)], index=names, name="a long & odd <name>")]
        known.append(known[0].where(known[0] != "group & <1>").rename("batch"))
    found = cluster(values, top_genes=n_genes, sample_groups=n_groups or 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for z_score in (True, False):
            picture = heat_map(found, known, pd.Series(values.index, index=values.index), z_score=z_score)
            picture.figure.savefig(io.BytesIO(), format="png", dpi=50)
    assert len(picture.alt) > len(picture.title) > 10
    assert "<gene" not in heat_map_words(found, known, "value", True)
