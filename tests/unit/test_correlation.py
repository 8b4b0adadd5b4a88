"""Genes that go together: the known network of Golub's data, scipy's coefficients, and what must change nothing."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from codalab_nb.analysis.correlation import correlated_with, correlation_network, find_gene
from codalab_nb.analysis.correlation_plots import partners_picture, scatter_picture
from codalab_nb.analysis.correlation_words import hubs, named_edges, network_words, partner_words
from codalab_nb.analysis.expression import EXAMPLE, AnalysisError, ExpressionSet, load
from codalab_nb.analysis.network import connected_parts, layout
from codalab_nb.analysis.network_plots import coefficients_picture, network_picture


@pytest.fixture(scope="module")
def golub() -> ExpressionSet:
    return load(EXAMPLE)


def noise(n_genes: int = 60, n: int = 24) -> pd.DataFrame:
    rng = np.random.default_rng(6)
    names = [f"g{number}" for number in range(n_genes)]
    return pd.DataFrame(rng.normal(8, 1, (n_genes, n)), index=names, columns=[f"s{number}" for number in range(n)])


def test_golubs_network_has_the_known_138_pairs(golub: ExpressionSet) -> None:
    found = correlation_network(golub.values, top_genes=300, min_r=0.8, q=0.01, groups=golub.groups("group"))
    assert len(found.edges) == 138
    assert len(found.coefficients) == 300 * 299 // 2
    assert (found.df, found.within) == (36, "")
    table = hubs(found, golub.labels())
    assert len(table) == 97
    assert table["pairs"].sum() == 2 * 138
    assert "**138 of 44,850 pairs of genes go together**" in network_words(found, golub.labels(), None, "as is")


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_r_and_p_are_those_of_scipy(method: str) -> None:
    values = noise()
    expected = {"pearson": stats.pearsonr, "spearman": stats.spearmanr}[method]
    table = correlated_with(values, "g3", method=method).table
    assert len(table) == 59
    for gene in ("g0", "g59"):
        r, p = expected(values.loc["g3"], values.loc[gene])
        assert table.loc[gene, "r"] == pytest.approx(r)
        assert table.loc[gene, "p"] == pytest.approx(p, rel=1e-6)
    low, high = stats.pearsonr(values.loc["g3"], values.loc["g0"]).confidence_interval(0.95)
    if method == "pearson":
        assert (table.loc["g0", "lower"], table.loc["g0", "upper"]) == pytest.approx((low, high), abs=1e-3)


def test_half_of_the_values_missing_is_as_if_only_the_shared_samples_were_there() -> None:
    values = noise(n=40)
    holes = values.mask(np.random.default_rng(1).random(values.shape) < 0.4)
    table = correlated_with(holes, "g0").table
    both = holes.loc[["g0", "g1"]].dropna(axis=1)
    assert table.loc["g1", "n"] == both.shape[1]
    assert table.loc["g1", "r"] == pytest.approx(stats.pearsonr(both.loc["g0"], both.loc["g1"])[0])
    whole = correlation_network(holes, top_genes=60, min_r=0, q=0.5).coefficients
    assert np.isfinite(whole).all()


def test_a_difference_between_groups_is_gone_within_them() -> None:
    """Two genes which only differ between the groups go together over all samples, and not within the groups."""
    values = noise()
    group = pd.Series(["a", "b"] * 12, index=values.columns, name="sex")
    values.loc[["g1", "g2"], (group == "b").to_numpy()] += 6
    over_all = correlated_with(values, "g1", groups=group)
    assert list(over_all.found.index) == ["g2"]
    assert abs(over_all.found.loc["g2", "r_within"]) < 0.5
    assert not len(correlated_with(values, "g1", within=group).found)
    text = partner_words(over_all, pd.Series(values.index, index=values.index), group, "as is")
    assert "Most of it is the difference between the groups" in text
    # r within groups is the partial correlation given the group: the textbook formula
    code = (group == "b").astype(float)
    xy, xg, yg = (
        np.corrcoef(one, other)[0, 1]
        for one, other in (
            (values.loc["g1"], values.loc["g2"]),
            (values.loc["g1"], code),
            (values.loc["g2"], code),
        )
    )
    partial = (xy - xg * yg) / np.sqrt((1 - xg**2) * (1 - yg**2))
    assert over_all.found.loc["g2", "r_within"] == pytest.approx(partial)


def test_unrelated_genes_and_shuffled_samples_give_no_pairs(golub: ExpressionSet) -> None:
    rng = np.random.default_rng(2)
    shuffled = golub.values.apply(lambda row: pd.Series(rng.permutation(row), index=row.index), axis=1)
    assert len(correlation_network(shuffled, min_r=0, q=0.01).edges) <= 1


def test_the_order_of_the_file_changes_neither_pairs_nor_drawing(golub: ExpressionSet) -> None:
    rng = np.random.default_rng(1)
    first = correlation_network(golub.values)
    values = golub.values.iloc[rng.permutation(3051), rng.permutation(38)].copy()
    values.loc["constant"] = 7.0
    values.loc["missing"] = np.nan
    second = correlation_network(values)

    def pairs(edges: pd.DataFrame) -> set[frozenset[str]]:
        return {frozenset(pair) for pair in edges[["gene_1", "gene_2"]].itertuples(index=False)}

    assert pairs(first.edges) == pairs(second.edges)
    places = layout(first.edges)
    np.testing.assert_allclose(layout(second.edges).loc[places.index], places, atol=1e-6)


def test_parts_of_the_drawing_keep_apart_and_neighbours_are_near() -> None:
    ring = [(f"r{number}", f"r{(number + 1) % 8}") for number in range(8)]
    clique = [(f"c{one}", f"c{other}") for one in range(5) for other in range(one)]
    edges = pd.DataFrame([*ring, *clique, ("p1", "p2")], columns=["gene_1", "gene_2"])
    assert [len(part) for part in connected_parts(edges)] == [8, 5, 2]
    places = layout(edges)
    distance = np.linalg.norm(places.to_numpy()[:, None] - places.to_numpy()[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert distance.min() > 0.4
    lengths = [float(np.linalg.norm(places.loc[a] - places.loc[b])) for a, b in edges.itertuples(index=False)]
    assert max(lengths) < 2.2
    assert layout(edges.iloc[:0]).empty


def test_a_gene_is_found_by_id_symbol_or_word_and_a_slip_is_answered(golub: ExpressionSet) -> None:
    assert find_gene(golub, "m23197_AT") == ("M23197_at", [])
    assert find_gene(golub, " cd33 ") == ("M23197_at", [])
    row, others = find_gene(golub, "lysozyme")
    assert len(others) >= 2
    spread = golub.values.std(axis=1)
    assert spread[row] == max(spread[[row, *others]])
    with pytest.raises(AnalysisError, match=r"No gene is called 'M23197_ta'.* Close to it: M23197_at"):
        find_gene(golub, "M23197_ta")
    with pytest.raises(AnalysisError, match="Give its id"):
        find_gene(golub, "%%%%")


def test_what_cannot_be_correlated_is_said_in_words() -> None:
    values = noise()
    with pytest.raises(AnalysisError, match="8 samples or more, better 15; there are 7"):
        correlation_network(values.iloc[:, :7])
    with pytest.raises(AnalysisError, match="Fewer than two genes vary"):
        correlation_network(values * 0)
    values.loc["g5"] = 1.0
    with pytest.raises(AnalysisError, match="'g5' does not vary"):
        correlated_with(values, "g5")
    many = pd.Series([f"p{number}" for number in range(24)], index=values.columns, name="patient")
    with pytest.raises(AnalysisError, match="'patient' has too many groups"):
        correlation_network(values, within=many)


@pytest.mark.parametrize(("n_groups", "min_r"), [(0, 0.3), (2, 0.3), (10, 0.0), (2, 0.99)])
def test_every_figure_draws_odd_input_without_a_warning(n_groups: int, min_r: float) -> None:
    values = noise(30, 20).rename(index=lambda name: f"<a very long name of gene & {name}>")
    values.columns = [f"s{number}" for number in range(20)]
    labels = pd.Series(values.index, index=values.index)
    groups = None
    if n_groups:
        groups = pd.Series([f"<group> {n % n_groups}" for n in range(20)], index=values.columns, name="a & <b>")
    network = correlation_network(values, min_r=min_r, q=0.5, groups=groups)
    partners = correlated_with(values, str(values.index[0]), others=["<other>"], min_r=min_r, q=0.5, groups=groups)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for picture in (
            network_picture(network, labels, values, groups),
            coefficients_picture(network),
            partners_picture(partners, labels),
            scatter_picture(partners, values, labels, groups, "value"),
        ):
            picture.figure.savefig(io.BytesIO(), format="png", dpi=50)
            assert len(picture.alt) > len(picture.title) > 10
    text = network_words(network, labels, groups, "as is") + partner_words(partners, labels, groups, "as is")
    assert "<" not in text.replace("p < ", "")
    assert len(named_edges(network, labels)) == len(network.edges)
