"""Dose-response: agreement with R, the EC50 that was put in comes out, failures are told in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from codalab_nb.analysis import dose_plots, dose_words
from codalab_nb.analysis.dose import DoseResponse, dose_response, parameter_table
from codalab_nb.analysis.dose_models import MODELS, Fit, fit
from codalab_nb.analysis.expression import AnalysisError, ExpressionSet
from tests.support.tables import matrix_set, table_set

DOSES = np.repeat([0, 0.01, 0.1, 1, 10, 100, 1000.0], 3)


def logistic(ec50: float, seed: int, noise: float = 3.0) -> np.ndarray:
    """From 100 down to 20, slope 1.2."""
    clean = 100 - 80 / (1 + (ec50 / np.maximum(DOSES, 1e-12)) ** 1.2)
    return clean + np.random.default_rng(seed).normal(0, noise, len(DOSES))


def everything(found: DoseResponse, data: ExpressionSet) -> str:
    pictures = [dose_plots.curves(found, 0.05), dose_plots.residuals(found)]
    assert all(picture.title and picture.alt for picture in pictures)
    return dose_words.choice_words(found) + dose_words.dose_words(data, found, 0.05)


def test_puromycin_agrees_with_r() -> None:
    data = table_set("puromycin")
    found = dose_response(data, group="state")
    assert found.model.name == "michaelis-menten"
    assert list(found.fits) == ["untreated", "treated"]  # the reference first
    expected = {"treated": (212.68, 6.95, 0.0641, 0.0083), "untreated": (160.28, 6.48, 0.0477, 0.0078)}
    for group, (top, top_error, k, k_error) in expected.items():
        one = found.fits[group]
        assert one.estimates["Vmax"] == pytest.approx(top, abs=0.005)
        assert one.errors["Vmax"] == pytest.approx(top_error, abs=0.005)
        assert one.estimates["Km"] == pytest.approx(k, abs=5e-5)
        assert one.errors["Km"] == pytest.approx(k_error, abs=5e-5)
    text = everything(found, data)
    assert "The curves differ between untreated and treated, the Km not clearly" in text
    assert "Km of treated is 1.34 times that of untreated" in text
    assert len(parameter_table(found)) == 4


def test_the_ec50_that_was_put_in_comes_out_with_its_interval() -> None:
    inside = 0
    for seed in range(40):
        one = fit(MODELS["4pl"], DOSES, logistic(5.0, seed))
        inside += one.low["EC50"] <= 5.0 <= one.high["EC50"]
    assert inside >= 35  # 95 % of 40 are 38
    assert one.estimates["at_zero"] == pytest.approx(100, abs=4)
    assert one.estimates["at_infinity"] == pytest.approx(20, abs=4)


def test_a_shifted_ec50_is_found_and_the_same_one_is_not() -> None:
    def both(second: float) -> DoseResponse:
        frame = pd.DataFrame({"dose": np.tile(DOSES, 2), "viability": np.r_[logistic(5, 1), logistic(second, 2)],
                              "line": ["a"] * 21 + ["b"] * 21})  # fmt: skip
        return dose_response(table_set(frame), group="line")

    shifted = both(50)
    assert shifted.model.name == "4pl"
    assert shifted.same_half_p is not None
    assert shifted.same_half_p < 1e-4
    assert shifted.compared["EC50_ratio"].iloc[0] == pytest.approx(10, rel=0.4)
    same = both(5)
    assert same.same_half_p is not None
    assert same.same_half_p > 0.01
    assert dose_plots.answer(shifted, 0.05) == "The EC50 differs between a and b"


def test_the_band_holds_the_true_curve_and_is_that_of_the_errors() -> None:
    one: Fit = fit(MODELS["michaelis-menten"], np.repeat([0.1, 0.3, 1, 3, 10.0], 4),
                   np.repeat([0.1, 0.3, 1, 3, 10.0], 4) / (1 + np.repeat([0.1, 0.3, 1, 3, 10.0], 4))
                   + np.random.default_rng(0).normal(0, 0.02, 20))  # fmt: skip
    grid = np.array([0.2, 1.0, 5.0, 1e6])
    low, high = one.band(grid)
    assert ((low < grid / (1 + grid)) & (grid / (1 + grid) < high)).all()
    assert (high - low)[-1] / 2 == pytest.approx((one.high["Vmax"] - one.low["Vmax"]) / 2, rel=1e-3)


def test_logarithms_of_doses_are_the_same_doses() -> None:
    positive = DOSES > 0
    frame = pd.DataFrame({"dose": DOSES[positive], "viability": logistic(5, 3)[positive]})
    plain = dose_response(table_set(frame))
    logs = dose_response(table_set(frame.assign(dose=np.log10(frame["dose"]))), dose_scale="log10")
    assert logs.fits["all values"].estimates["EC50"] == pytest.approx(
        plain.fits["all values"].estimates["EC50"], rel=1e-6
    )
    with pytest.raises(AnalysisError, match="logarithms"):
        dose_response(table_set(frame.assign(dose=np.log10(frame["dose"]))))


def test_the_order_of_rows_changes_nothing() -> None:
    frame = pd.DataFrame({"dose": DOSES, "viability": logistic(5, 4)})
    first = dose_response(table_set(frame)).fits["all values"]
    second = dose_response(table_set(frame.sample(frac=1, random_state=1))).fits["all values"]
    assert second.estimates == pytest.approx(first.estimates, rel=1e-5)


def test_the_gene_that_follows_the_dose_is_picked_and_the_picking_is_told() -> None:
    rng = np.random.default_rng(5)
    names = [f"s{n}" for n in range(len(DOSES))]
    values = pd.DataFrame(rng.normal(8, 1, (200, len(DOSES))), index=[f"g{n}" for n in range(200)], columns=names)
    values.loc["g7"] = logistic(5, 6) / 10
    values.iloc[0], values.iloc[1] = 5.0, np.nan
    values.iloc[2, ::2] = np.nan
    data = matrix_set(values, pd.DataFrame({"dose": DOSES}, index=names))
    found = dose_response(data)
    assert found.measured.name == "g7"
    assert found.screen is not None
    assert found.screen.loc[["g0", "g1"], "p"].isna().all()
    assert np.isfinite(found.screen.loc["g2", "p"])
    assert (found.screen["p_adjusted"] < 0.05).sum() <= 2
    assert "was picked" in everything(found, data)


def test_what_has_no_curve_is_told_in_words() -> None:
    doses = np.repeat([0.1, 0.3, 1, 3, 10.0], 3)
    noise = np.random.default_rng(7).normal(0, 0.5, 15)
    for response, told in (
        (np.full(15, 4.0), "All responses are equal"),
        (2 * doses + noise / 10, "not levelled off at the highest dose; measure higher doses"),
    ):
        with pytest.raises(AnalysisError, match=told):
            dose_response(table_set(pd.DataFrame({"dose": doses, "signal": response})))
    few = pd.DataFrame({"dose": [1.0, 2, 3] * 4, "signal": np.arange(12.0)})
    with pytest.raises(AnalysisError, match="3 different doses; a curve needs 4"):
        dose_response(table_set(few), dose="dose")
    with pytest.raises(AnalysisError, match="too few for four-parameter logistic"):
        fit(MODELS["4pl"], doses[::4], noise[::4])
    with pytest.raises(AnalysisError, match="Say which column holds the dose"):
        dose_response(table_set("iris"))
    with pytest.raises(AnalysisError, match="no model 'linear'"):
        dose_response(table_set("puromycin"), model="linear")
    with pytest.raises(AnalysisError, match="holds the doses"):
        dose_response(table_set("puromycin"), group="conc")


def test_noise_alone_is_refused_or_called_uncertain() -> None:
    """An EC50 of nothing must never look like a result."""
    for seed in range(12):
        noise = np.random.default_rng(seed).normal(50, 5, len(DOSES))
        data = table_set(pd.DataFrame({"dose": DOSES, "signal": noise}))
        try:
            text = everything(dose_response(data), data)
        except AnalysisError:
            continue
        assert "No clear effect of the dose" in text or "hardly known" in text, seed


def test_a_drug_without_effect_is_not_told_to_be_given_in_higher_doses() -> None:
    outcomes = []
    for seed in range(25):
        values = 100 + np.random.default_rng(seed).normal(0, 3, len(DOSES))
        try:
            outcomes.append(f"fitted, p {fit(MODELS['4pl'], DOSES, values).effect_p:.3f}")
        except AnalysisError as error:
            outcomes.append(str(error))
    assert sum("a flat line describes these values" in one for one in outcomes) > 5
    assert sum("higher doses" in one for one in outcomes) <= 1
    begun = logistic(2000.0, 1)  # the highest dose is 1000
    with pytest.raises(AnalysisError, match="measure higher doses"):
        fit(MODELS["4pl"], DOSES, begun)


def test_a_column_of_groups_that_was_not_told_apart_is_named() -> None:
    frame = pd.concat([pd.DataFrame({"drug": name, "dose": DOSES, "viability": logistic(ec50, seed)})
                       for name, ec50, seed in (("A", 1.0, 1), ("B", 3.0, 2))])  # fmt: skip
    data = table_set(frame.reset_index(drop=True), dose="dose")
    assert "All values were taken together: drug was not told apart" in everything(dose_response(data), data)
    apart = everything(dose_response(data, group="drug"), data)
    assert "taken together" not in apart
