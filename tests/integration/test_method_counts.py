"""Methods de-counts and normalise on real data; the engine for counts against R on airway, stage by stage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from codalab_nb.analysis.deseq import Deseq, deseq
from codalab_nb.analysis.deseq_dispersion import gene_wise, posterior_mode
from codalab_nb.analysis.deseq_filter import independent_filter
from codalab_nb.analysis.limma import design_matrix
from codalab_nb.datasets.profile import profile_files, staged_files
from tests.support.templates import METHODS, Ran, Template

DATA = Path(__file__).parent.parent / "data"
AIRWAY, PASILLA = DATA / "airway_dexamethasone", DATA / "pasilla_knockdown"


def found(result: Deseq, alpha: float) -> int:
    """Genes at another alpha than the one of the run: only the filter depends on it."""
    table = result.table
    adjusted = independent_filter(table["mean"].to_numpy(), table["p"].to_numpy(), alpha).p_adjusted
    return int(np.nansum(adjusted < alpha))


def assert_agrees(table: pd.DataFrame, expected: pd.DataFrame, n_printed: int) -> None:
    """Every number that R printed, to the digits it printed, and the same genes below 0.05."""
    ours = table.loc[expected.index]
    for column, theirs in {"mean": "baseMean", "difference": "log2FoldChange", "error": "lfcSE"}.items():
        np.testing.assert_allclose(ours[column], expected[theirs], rtol=2e-4, atol=2e-4, err_msg=column)
    np.testing.assert_allclose(ours["stat"], expected["stat"], atol=1e-3)
    np.testing.assert_allclose(ours["p_adjusted"], expected["padj"], rtol=5e-3)
    assert len(expected) == n_printed
    assert set(table.index[table["p_adjusted"] < 0.05]) == set(expected.index[expected["padj"] < 0.05])


@pytest.fixture(scope="module")
def airway() -> tuple[pd.DataFrame, np.ndarray]:
    counts, samples = (pd.read_csv(AIRWAY / name, index_col=0) for name in ("counts.csv", "samples.csv"))
    return counts, design_matrix((samples["dex"] == "trt").to_numpy(), samples["cell"])


@pytest.fixture(scope="module")
def airway_result(airway: tuple[pd.DataFrame, np.ndarray]) -> Deseq:
    return deseq(*airway)


def test_airway_agrees_with_r_gene_by_gene(airway_result: Deseq) -> None:
    """4,834 is also printed in a public lesson; the ports to Python find 4,690 and 4,422."""
    assert_agrees(airway_result.table, pd.read_csv(AIRWAY / "expected_DESeq2_R.csv", index_col=0), 5000)
    assert (found(airway_result, 0.05), found(airway_result, 0.1)) == (4030, 4834)
    assert airway_result.trend.prior_variance == pytest.approx(0.528528528528528, rel=1e-12)
    assert airway_result.trend.coefficients == pytest.approx((0.00971745145434957, 3.47432427079116835), rel=1e-7)
    assert airway_result.residual_df == 3


def test_airway_agrees_with_r_after_every_stage(airway: tuple[pd.DataFrame, np.ndarray], airway_result: Deseq) -> None:
    """So that, should the lists ever differ, it is seen where they part."""
    expected = pd.read_csv(AIRWAY / "expected_stages_R.csv", index_col="gene")
    counts, design = airway
    factors = airway_result.size_factors
    assert list(factors.round(4)) == [1.0236, 0.8961, 1.1795, 0.6700, 1.1777, 1.3991, 0.9208, 0.9446]
    y = counts.loc[expected.index].to_numpy(np.float64)
    own, mu = gene_wise(y, design, factors.to_numpy())
    at_least = expected["dispGeneEst"] > 1e-6  # below, it is only said that there is none
    np.testing.assert_allclose(own[at_least], expected["dispGeneEst"][at_least], rtol=1e-4)
    assert (own[~at_least] < 1e-6).all()
    trend = airway_result.trend
    fitted = trend.at(expected["baseMean"].to_numpy())
    np.testing.assert_allclose(fitted, expected["dispFit"], rtol=1e-6)
    mode = posterior_mode(y, mu, design, own, fitted, trend.prior_variance)
    np.testing.assert_allclose(mode, expected["dispMAP"], rtol=1e-4)
    final = airway_result.table.loc[expected.index, "dispersion"]
    np.testing.assert_allclose(final, expected["dispersion"], rtol=1e-4)
    assert list(~np.isclose(final, mode, rtol=1e-3)) == list(expected["dispOutlier"])


def test_airway_without_its_pairs_agrees_too(airway: tuple[pd.DataFrame, np.ndarray]) -> None:
    counts, design = airway
    result = deseq(counts, design[:, :2])
    assert (found(result, 0.05), found(result, 0.1)) == (2713, 3386)
    assert int(result.table["outlier"].sum()) == 51


def test_pasilla_with_the_kind_of_sequencing_agrees_too() -> None:
    counts, samples = (pd.read_csv(PASILLA / name, index_col=0) for name in ("counts.csv", "samples.csv"))
    design = design_matrix((samples["condition"] == "treated").to_numpy(), samples["type"])
    result = deseq(counts[(counts >= 10).sum(axis=1) >= 3], design)
    expected = pd.read_csv(PASILLA / "expected_DESeq2_R_type_plus_condition.csv", index_col=0)
    assert_agrees(result.table, expected, 8148)
    assert (found(result, 0.05), found(result, 0.1)) == (1108, 1366)


def run(method: str, source: Path, folder: Path, **parameters: object) -> Ran:
    """The template as it is, on a data set staged as a worker finds it."""
    profile, files = profile_files([source])
    place = folder / "inputs" / "dataset"
    place.mkdir(parents=True)
    for path, name in files:
        (place / name).write_bytes(path.read_bytes())
    for name, content in staged_files(profile, "test@1").items():
        (place / name).write_bytes(content)
    template = Template(METHODS / f"{method}.ipynb")
    known, why = template.offered(profile, parameters)
    assert known is not None, why
    return template.run(folder, known)


def test_the_template_finds_the_4834_genes_of_airway(tmp_path: Path) -> None:
    ran = run("de-counts", AIRWAY, tmp_path, adjust_for="cell", alpha=0.1)
    assert {name: ran.metrics[name] for name in ("genes_found", "genes_up", "genes_down", "genes_tested")} == {
        "genes_found": 4834, "genes_up": 2610, "genes_down": 2224, "genes_tested": 22369,
    }  # fmt: skip
    genes = pd.read_csv(tmp_path / "genes.csv", index_col="gene_id")
    assert int((genes["p_adjusted"] < 0.1).sum()) == 4834
    assert list(genes.index[:3]) == ["ENSG00000152583", "ENSG00000165995", "ENSG00000120129"]
    assert genes["log2_fold_change"].iloc[0] == pytest.approx(4.57497, abs=1e-5)
    assert genes["direction"].iloc[0] == "higher in trt"
    assert list(ran.figures) == ["volcano", "reads_and_change", "top_genes"]
    assert "2,610 genes are higher and 2,224 lower in trt than in untrt" in ran.figures["volcano"]["alt"]
    for words in ("~ cell + dex", "0.67 to 1.40", "prior variance 0.529", "proposed, not confirmed"):
        assert words in ran.text
    assert "pairs were not" not in ran.text


def test_the_template_finds_the_838_genes_of_pasilla(tmp_path: Path) -> None:
    ran = run("de-counts", PASILLA, tmp_path)
    assert ran.metrics["genes_found"] == 838
    genes = pd.read_csv(tmp_path / "genes.csv", index_col=0)
    expected = pd.read_csv(PASILLA / "expected_DESeq2_R_condition.csv", index_col=0)
    ours, theirs = (set(one.index[one[name] < 0.05]) for one, name in ((genes, "p_adjusted"), (expected, "padj")))
    assert len(ours & theirs) / len(ours | theirs) == 1  # asked for is 0.98
    assert ran.metrics["genes_with_outlier"] == 1


def test_the_template_normalises_airway_by_its_known_factors(tmp_path: Path) -> None:
    ran = run("normalise", AIRWAY, tmp_path)
    factors = pd.read_csv(tmp_path / "factors.csv", index_col="sample")["size_factor"]
    assert list(factors.round(4)) == [1.0236, 0.8961, 1.1795, 0.6700, 1.1777, 1.3991, 0.9208, 0.9446]
    values = pd.read_csv(tmp_path / "normalised.csv", index_col="gene_id")
    counts = pd.read_csv(AIRWAY / "counts.csv", index_col=0)
    np.testing.assert_allclose(values, np.log2(counts / factors + 1), rtol=1e-9, atol=1e-9)
    assert ran.metrics["level_spread_after"] < 0.05 < 1 < ran.metrics["level_spread_before"] + 0.05
    assert "10.1186/gb-2010-11-10-r106" in ran.text
