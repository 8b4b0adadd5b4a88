"""Gene sets: the published signs and order on real data, nothing on shuffled labels, and refusals in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from codalab_nb.analysis import genesets, pathway_plots, pathway_words, pathways
from codalab_nb.analysis.expression import EXAMPLE, EXAMPLES, AnalysisError, ExpressionSet, load
from codalab_nb.analysis.genesets import GeneSets
from codalab_nb.analysis.pathways import Enrichment, Ranking

ALL = ("E2F_TARGETS", "MYC_TARGETS_V1", "G2M_CHECKPOINT")
AML = ("TNFA_SIGNALING_VIA_NFKB", "INFLAMMATORY_RESPONSE")


@pytest.fixture(scope="module")
def armstrong() -> ExpressionSet:
    return load(EXAMPLES / "leukemia_armstrong")


@pytest.fixture(scope="module")
def hallmark() -> GeneSets:
    return genesets.choose("hallmark", "no folder")


@pytest.fixture(scope="module")
def ranking(armstrong: ExpressionSet, hallmark: GeneSets) -> Ranking:
    return pathways.rank_genes(armstrong, hallmark, treated="ALL", reference="AML")


@pytest.fixture(scope="module")
def enrichment(ranking: Ranking, hallmark: GeneSets) -> Enrichment:
    return pathways.enrich(ranking, hallmark)


def shuffled(data: ExpressionSet, seed: int) -> ExpressionSet:
    labels = np.random.default_rng(seed).permutation(data.samples["group"])
    return replace(data, samples=data.samples.assign(group=labels))


def test_leukemias_show_the_known_processes(ranking: Ranking, enrichment: Enrichment) -> None:
    """Signs, order and scores of the Broad's example; on all 9,020 genes they are 2.34, 2.23, 1.91, -2.73, -2.00."""
    nes = enrichment.table["nes"].rename(lambda name: name.removeprefix("HALLMARK_"))
    assert len(ranking.table) == 5007
    assert len(nes) == 49
    np.testing.assert_allclose(nes[[*ALL, *AML]], [2.3, 2.1, 1.8, -2.7, -2.4], atol=0.15)
    assert list(nes.sort_values().index[:2]) == list(AML)
    assert nes[ALL[0]] > nes[ALL[1]] > nes[ALL[2]] > 0
    assert nes.idxmax() == ALL[0]
    found = set(enrichment.found(0.05)["label"])
    assert {"E2F targets", "MYC targets v1", "G2M checkpoint", "TNF-alpha signaling via NF-kB"} <= found
    assert 8 <= len(found) <= 16


def test_the_two_ways_of_gseapy_agree_on_the_score(ranking: Ranking, enrichment: Enrichment) -> None:
    """The p values are those of fgsea; score and its normalisation must be those of plain preranked GSEA."""
    import gseapy

    plain = gseapy.prerank(
        rnk=ranking.table["t"], gene_sets={name: list(genes) for name, genes in enrichment.sets.items()},
        outdir=None, no_plot=True, min_size=1, max_size=5000, permutation_num=200, seed=3, threads=1,
    ).res2d.set_index("Term").loc[enrichment.table.index]  # fmt: skip
    np.testing.assert_allclose(enrichment.table["es"], plain["ES"].astype(float), atol=1e-9)
    np.testing.assert_allclose(enrichment.table["nes"], plain["NES"].astype(float), atol=0.2)


def test_the_running_score_ends_at_zero_and_peaks_at_the_score(ranking: Ranking, enrichment: Enrichment) -> None:
    for name in enrichment.table.index[:5]:
        score = pathways.running_score(ranking, enrichment.sets[str(name)])
        assert score[-1] == pytest.approx(0, abs=1e-9)
        assert score[np.abs(score).argmax()] == pytest.approx(enrichment.table.loc[name, "es"], abs=1e-6)


def test_two_runs_are_equal_and_the_order_of_samples_changes_nothing(
    armstrong: ExpressionSet, hallmark: GeneSets, enrichment: Enrichment
) -> None:
    order = np.random.default_rng(3).permutation(armstrong.values.shape[1])
    turned = replace(armstrong, values=armstrong.values.iloc[:, order], samples=armstrong.samples.iloc[order])
    again = pathways.enrich(pathways.rank_genes(turned, hallmark, treated="ALL", reference="AML"), hallmark)
    pd.testing.assert_frame_equal(again.table, enrichment.table, rtol=1e-6)


def test_shuffled_labels_find_nothing_where_random_genes_alone_would(
    armstrong: ExpressionSet, hallmark: GeneSets
) -> None:
    """Genes of a set go together: a test against random genes alone calls a third of the sets on shuffled labels."""
    both, alone = [], []
    for seed in range(4):
        made = pathways.enrich(pathways.rank_genes(shuffled(armstrong, seed), hallmark), hallmark, permutations=200)
        both.append(len(made.found(0.05)))
        alone.append(int((made.table["p_adjusted"] < 0.05).sum()))
    assert max(both) <= 1, both
    assert np.mean(alone) > 5, alone


def test_over_representation_is_the_hypergeometric_test(ranking: Ranking, enrichment: Enrichment) -> None:
    import gseapy

    listed = pathways.over_represented(ranking, enrichment, 0.05)
    up = ranking.table.index[(ranking.table["p_adjusted"] < 0.05) & (ranking.table["t"] > 0)]
    theirs = gseapy.enrich(
        gene_list=list(up), gene_sets={name: list(genes) for name, genes in enrichment.sets.items()},
        background=list(ranking.table.index), outdir=None, no_plot=True,
    ).results.set_index("Term")  # fmt: skip
    ours = listed[listed["direction"] == "higher in ALL"].loc[theirs.index]
    np.testing.assert_allclose(ours["p"], theirs["P-value"].astype(float), rtol=1e-6)
    assert [f"{n}/{size}" for n, size in zip(ours["listed"], ours["size"], strict=True)] == list(theirs["Overlap"])
    assert listed.iloc[0]["label"] == "E2F targets"


def test_one_row_is_kept_for_a_gene_and_the_rule_does_not_look_at_the_groups(
    armstrong: ExpressionSet, hallmark: GeneSets
) -> None:
    values = armstrong.values.copy()
    values.loc["dim"] = values.loc["DNTT"] / 3
    values.loc["nameless"] = values.loc["DNTT"]
    symbols = pd.Series(values.index, index=values.index).replace({"dim": "dntt /// XYZ", "nameless": ""})
    probes = pd.Index([f"p{number}" for number in range(len(values))])
    data = replace(
        armstrong, values=values.set_axis(probes), features=pd.DataFrame({"symbol": symbols.to_numpy()}, index=probes)
    )
    made = pathways.rank_genes(data, hallmark)
    assert (made.column, made.doubled, made.unnamed) == ("symbol", 1, 1)
    assert made.table.loc["DNTT", "row"] == probes[armstrong.values.index.get_loc("DNTT")]
    assert "1 row was left out because another row of the same gene" in pathway_words.before(made, hallmark, 15, 1000)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("ENSG{:011d}", "Ensembl ids"),
        ("FBgn{:07d}", "FlyBase ids"),
        ("{}_at", "Affymetrix probes"),
        ("{}", "numbers, as Entrez ids are"),
        ("ILMN_{}", "Illumina probes"),
    ],
)
def test_ids_that_are_no_symbols_are_named_for_what_they_are(
    armstrong: ExpressionSet, hallmark: GeneSets, names: str, told: str
) -> None:
    index = pd.Index([names.format(number + 1) for number in range(len(armstrong.values))])
    data = replace(armstrong, values=armstrong.values.set_axis(index), features=pd.DataFrame(index=index))
    with pytest.raises(AnalysisError, match=told) as refused:
        pathways.rank_genes(data, hallmark)
    assert "add a column `symbol`" in str(refused.value)


def test_probes_with_descriptions_are_refused_too(hallmark: GeneSets) -> None:
    with pytest.raises(AnalysisError, match="Affymetrix probes"):
        pathways.rank_genes(load(EXAMPLE), hallmark)


def test_counts_are_ranked_and_negative_ones_refused(armstrong: ExpressionSet, hallmark: GeneSets) -> None:
    counts = replace(
        armstrong, values=np.round(armstrong.values.clip(lower=0)), profile={**armstrong.profile, "kind": "counts"}
    )
    made = pathways.rank_genes(counts, hallmark)
    assert made.counts
    assert 3000 < len(made.table) < 5007
    assert made.table["t"].iloc[0] > 0 > made.table["t"].iloc[-1]
    counts.values.iloc[3, 3] = -1
    with pytest.raises(AnalysisError, match="values under zero"):
        pathways.rank_genes(counts, hallmark)


def test_a_set_of_ones_own_is_taken_from_the_data_set(tmp_path: Path, armstrong: ExpressionSet) -> None:
    genes = list(armstrong.values.index[:30])
    (tmp_path / "mine.gmt").write_text("FIRST_SET\tmine\t" + "\t".join(genes).lower() + "\nother\t\tDNTT\tCD79B\n\n")
    own = genesets.choose("auto", tmp_path)
    assert (own.name, list(own.sets)) == ("mine", ["FIRST_SET", "other"])
    made = pathways.rank_genes(armstrong, own)
    assert list(pathways.enrich(made, own, permutations=100).sets) == ["FIRST_SET"]
    with pytest.raises(AnalysisError, match="Set `smallest_set` lower"):
        pathways.enrich(made, own, smallest=200)
    assert genesets.choose("hallmark", tmp_path).name == "Hallmark"
    (tmp_path / "more.gmt").write_text("a\tb\tc\n")
    with pytest.raises(AnalysisError, match=r"several .gmt files \(mine.gmt, more.gmt\)"):
        genesets.choose("own", tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"A,b,c\n", "Line 1 of x.gmt is no gene set"),
        (b"A\tb\n", "Line 1"),
        (b"A\tb\tc\nA\tb\td\n", "two sets called 'A'"),
        (b"\n", "holds no gene set"),
        (b"\xff\xfe\x00", "not a text file"),
    ],
)
def test_a_broken_file_of_sets_is_refused_with_its_line(tmp_path: Path, text: bytes, told: str) -> None:
    (tmp_path / "x.gmt").write_bytes(text)
    with pytest.raises(AnalysisError, match=told):
        genesets.choose("own", tmp_path)


def test_where_there_is_no_file_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match=r"has no .gmt file"):
        genesets.choose("own", tmp_path)
    with pytest.raises(AnalysisError, match="cannot be 'mine'"):
        genesets.choose("mine", tmp_path)


def test_names_are_readable() -> None:
    assert genesets.readable("HALLMARK_TNFA_SIGNALING_VIA_NFKB") == "TNF-alpha signaling via NF-kB"
    assert genesets.readable("HALLMARK_IL6_JAK_STAT3_SIGNALING") == "IL6 JAK STAT3 signaling"
    assert genesets.readable("HALLMARK_P53_PATHWAY") == "p53 pathway"
    assert genesets.readable("HALLMARK_KRAS_SIGNALING_DN") == "KRAS signaling down"
    assert genesets.readable("GOBP_CELL_CYCLE") == "GOBP CELL CYCLE"


def test_a_missing_half_a_constant_and_an_empty_gene_do_no_harm(armstrong: ExpressionSet, hallmark: GeneSets) -> None:
    values = armstrong.values.mask(np.random.default_rng(1).random(armstrong.values.shape) < 0.5)
    values.iloc[0] = 100.0
    values.iloc[1] = np.nan
    made = pathways.rank_genes(replace(armstrong, values=values), hallmark, treated="ALL", reference="AML")
    found = pathways.enrich(made, hallmark, permutations=200).found(0.05)
    assert "E2F targets" in set(found["label"])
    assert values.index[1] not in made.table.index


def test_figures_and_words_say_the_direction(
    armstrong: ExpressionSet, hallmark: GeneSets, ranking: Ranking, enrichment: Enrichment
) -> None:
    picture = pathway_plots.dots(ranking, enrichment, hallmark, 0.05)
    assert "lower in ALL" in picture.title
    assert "up = higher in ALL than in AML" in picture.alt
    assert "E2F targets +2." in picture.alt
    listed = pathways.over_represented(ranking, enrichment, 0.05)
    text = pathway_words.conclusion(armstrong, ranking, enrichment, listed, hallmark, 0.05)
    for words in ("**Higher in ALL than in AML**: E2F targets", "CC BY 4.0", "doi:10.1073/pnas.0506580102", "seed 1"):
        assert words in text
    nothing = replace(enrichment, table=enrichment.table.assign(p_samples_adjusted=1.0))
    assert pathway_plots.dots(ranking, nothing, hallmark, 0.05).title.startswith("No gene set is clearly shifted")
    assert "**No set of genes is clearly shifted" in pathway_words.conclusion(
        armstrong, ranking, nothing, listed, hallmark, 0.05
    )
