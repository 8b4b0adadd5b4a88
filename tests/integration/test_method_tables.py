"""Predict, compare groups, dose-response and survival on real data: the offer, the numbers, the files, the words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from codalab_nb.analysis.expression import AnalysisError
from codalab_nb.examples import example_folder
from tests.support.templates import METHODS, Data, Ran, Template

TABLES = Path(__file__).parent.parent / "data" / "small_tables"


def table(name: str, column: str) -> Data:
    return Data(name, pd.read_csv(TABLES / f"{name}.csv"), None, column)


def golub() -> Data:
    frame = pd.read_csv(example_folder() / "expression.csv", index_col="probe").drop(columns="description")
    return Data("golub", frame, pd.read_csv(example_folder() / "samples.csv", index_col=0), "group")


def run(method: str, data: Data, folder: Path, **given: Any) -> Ran:
    """As Analyze does: profiled, offered, parameters checked and filled in, then run."""
    template = Template(METHODS / f"{method}.ipynb")
    parameters, why = template.offered(data.stage(folder), given)
    assert parameters is not None, why
    done = template.run(folder, parameters)
    assert template.method.first_figure in done.figures
    assert set(done.metrics) <= {metric.name for metric in template.method.metrics}
    for figure in done.figures.values():
        assert len(figure["alt"]) > len(figure["title"]) > 10
        assert all((folder / file).stat().st_size > 1000 for file in figure["files"])
    for part in ("## What was found", "## What this means, and what it does not", "## Methods paragraph"):
        assert part in done.text
    return done


def test_plantgrowth_is_compared_as_in_r(tmp_path: Path) -> None:
    done = run("compare-groups", table("plantgrowth", "group"), tmp_path)
    assert done.metrics["statistic"] == pytest.approx(4.846, abs=5e-4)
    assert done.metrics["p"] == pytest.approx(0.01591, abs=5e-6)
    assert done.metrics["pairs_different"] == 1
    pairs = pd.read_csv(tmp_path / "pairs.csv").set_index(["group", "compared_with"])
    assert pairs.loc[("trt2", "trt1"), "p_adjusted"] == pytest.approx(0.0120, abs=5e-5)
    assert "weight differs between the 3 groups" in done.figures["groups"]["title"]


def test_ranks_of_plantgrowth_as_in_r(tmp_path: Path) -> None:
    done = run("compare-groups", table("plantgrowth", "group"), tmp_path, test="ranks")
    assert done.metrics["statistic"] == pytest.approx(7.988, abs=5e-4)
    assert done.metrics["p"] == pytest.approx(0.01842, abs=5e-6)


def test_all_genes_of_golub_are_compared_by_welch(tmp_path: Path) -> None:
    done = run("compare-groups", golub(), tmp_path)
    assert done.metrics["measurements_different"] == 695
    assert len(pd.read_csv(tmp_path / "measurements.csv")) == 3051


def test_lung_is_compared_by_a_column_a_person_names(tmp_path: Path) -> None:
    lung = table("lung", "sex").matrix
    done = run("compare-groups", Data("lung", lung, None, "sex", {"sex": "condition"}), tmp_path, value="age")
    assert done.metrics["values"] == 228


def test_the_enzyme_of_puromycin_is_fitted_as_in_r(tmp_path: Path) -> None:
    done = run("dose-response", table("puromycin", "state"), tmp_path)
    fitted = pd.read_csv(tmp_path / "parameters.csv").set_index(["group", "parameter"])
    for group, top, top_error, k, k_error in (
        ("treated", 212.68, 6.95, 0.0641, 0.0083),
        ("untreated", 160.28, 6.48, 0.0477, 0.0078),
    ):
        assert fitted.loc[(group, "Vmax"), "estimate"] == pytest.approx(top, abs=0.005)
        assert fitted.loc[(group, "Vmax"), "standard_error"] == pytest.approx(top_error, abs=0.005)
        assert fitted.loc[(group, "Km"), "estimate"] == pytest.approx(k, abs=5e-5)
        assert fitted.loc[(group, "Km"), "standard_error"] == pytest.approx(k_error, abs=5e-5)
    assert done.metrics["same_half_p"] > 0.05 > done.metrics["same_curve_p"]


def test_survival_of_lung_as_in_r(tmp_path: Path) -> None:
    done = run("survival", table("lung", "sex"), tmp_path, group="sex", adjust_for="age, ph.ecog", time_unit="days")
    assert done.metrics["logrank_chi2"] == pytest.approx(10.33, abs=0.005)
    assert done.metrics["logrank_p"] == pytest.approx(0.00131, abs=5e-6)
    assert (done.metrics["median_first"], done.metrics["median_second"]) == (270, 426)
    assert done.metrics["hazard_ratio"] == pytest.approx(0.575, abs=5e-4)
    assert "There is no sign against it (test of proportional hazards" in done.text
    assert set(done.figures) == {"survival", "hazard_ratios"}


def test_the_class_of_golub_is_predicted_and_shuffled_labels_are_not(tmp_path: Path) -> None:
    done = run("predict-class", golub(), tmp_path, permutations=19, repeats=3)
    expected = {"svm": 0.980, "centroid": 0.981, "logistic": 0.970, "forest": 0.925, "lda": 0.97}
    for name, accuracy in expected.items():  # forests do better here: they too get the genes with the largest F
        found = done.metrics[f"balanced_accuracy_{name}"]
        assert accuracy - 0.045 < found <= 1, name  # as much as one AML sample
    assert done.metrics["null_mean"] == pytest.approx(0.5, abs=0.1)
    assert done.metrics["permutation_p"] == pytest.approx(0.05)
    used = pd.read_csv(tmp_path / "measurements.csv")
    assert {"Zyxin", "CST3 Cystatin C"} & set(used.get("name", used["measurement"])) or "X95735_at" in set(
        used["measurement"].head(20)
    )
    assert set(done.figures) == {"prediction", "measurements", "methods"}


@pytest.mark.parametrize(("name", "least"), [("iris", 0.93), ("wine", 0.95), ("breast_cancer", 0.93)])
def test_the_class_in_a_general_table_is_predicted(tmp_path: Path, name: str, least: float) -> None:
    done = run("predict-class", table(name, "target"), tmp_path, compare_models=False, permutations=0, repeats=1)
    assert done.metrics["balanced_accuracy"] > least
    assert done.metrics["auc"] > 0.95


def test_who_is_offered_what(tmp_path: Path) -> None:
    offered = {}
    for number, (name, column) in enumerate(
        (("iris", "target"), ("plantgrowth", "group"), ("puromycin", "state"), ("lung", "sex"), ("diabetes", "target"))
    ):
        profile = table(name, column).stage(tmp_path / str(number))
        for method in ("predict-class", "compare-groups", "dose-response", "survival"):
            offered[name, method] = Template(METHODS / f"{method}.ipynb").offered(profile, {})
    fitting = {pair for pair, (parameters, _) in offered.items() if parameters is not None}
    assert fitting == {
        ("iris", "predict-class"),
        ("iris", "compare-groups"),
        ("plantgrowth", "predict-class"),
        ("plantgrowth", "compare-groups"),
        ("puromycin", "predict-class"),
        ("puromycin", "compare-groups"),
        ("puromycin", "dose-response"),
        ("lung", "survival"),
    }
    assert "the dose" in offered["iris", "dose-response"][1]
    assert "target or condition" in offered["diabetes", "predict-class"][1]


def test_a_target_of_numbers_is_refused_in_one_sentence(tmp_path: Path) -> None:
    template = Template(METHODS / "predict-class.ipynb")
    table("diabetes", "target").stage(tmp_path)
    with pytest.raises(AnalysisError, match=r"^'target' holds \d+ different numbers; this method predicts classes"):
        template.run(tmp_path, {"target": "target"})
