"""Methods heat-map, batch-check, correlation and map-and-markers on real data: their numbers, files and words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from codalab_nb.analysis.expression import AnalysisError
from codalab_nb.datasets.profile import profile_files, staged_files
from codalab_nb.examples import example_folder
from tests.support.templates import DATA, METHODS, Ran, Template


def run(method: str, folder: Path, source: Path, **given: object) -> Ran:
    """As a worker does, with the parameters a person would get: staged files, choices filled in."""
    template = Template(METHODS / f"{method}.ipynb")
    profile, files = profile_files([source])
    place = folder / "inputs" / "dataset"
    place.mkdir(parents=True)
    for path, name in files:
        (place / name).write_bytes(path.read_bytes())
    for name, content in staged_files(profile, "test@1").items():
        (place / name).write_bytes(content)
    parameters, why = template.offered(profile, given)
    assert parameters is not None, why
    ran = template.run(folder, parameters)
    assert set(ran.metrics) <= {metric.name for metric in template.method.metrics}
    assert template.method.first_figure in ran.figures
    assert "## Methods paragraph" in ran.text
    for told in ran.figures.values():
        assert all((folder / file).stat().st_size > 1000 for file in told["files"])
    return ran


def table(ran: Ran, name: str) -> pd.DataFrame:
    return pd.read_csv(ran.folder / f"{name}.csv", index_col=0)


def test_the_heat_map_of_golub_groups_the_leukemias(tmp_path: Path) -> None:
    ran = run("heat-map", tmp_path, example_folder())
    assert ran.metrics["condition_ari"] == pytest.approx(0.893, abs=5e-4)
    assert "the tree of the samples follows “group” (agreement 0.89 of 1)" in ran.figures["heat_map"]["title"]
    assert "In group 1: 11 AML, 1 ALL; in group 2: 26 ALL" in ran.text
    assert (len(table(ran, "samples")), len(table(ran, "genes"))) == (38, 200)


def test_the_batches_of_bladder_are_warned_of_and_taken_out_as_in_r(tmp_path: Path) -> None:
    ran = run("batch-check", tmp_path, example_folder("bladder_batch"))
    assert ran.metrics["cramers_v"] == pytest.approx(0.743, abs=5e-4)
    assert ran.metrics["batch_percent"] == pytest.approx(18.0, abs=0.05)
    assert ran.metrics["batch_percent_after"] == pytest.approx(1.5, abs=0.05)
    assert ran.metrics["condition_percent"] == pytest.approx(20.8, abs=0.05)
    assert ran.metrics["condition_percent_after"] == pytest.approx(13.5, abs=0.05)
    for words in (
        "**Warning: 'batch' and 'cancer' are mixed up** (Cramér's V 0.74",
        "Batch 1: only Cancer; batch 3: only Normal",
        "**The biology shrinks, too:**",
        "do not test the corrected values",
    ):
        assert words in ran.text
    assert set(ran.figures) == {"batch", "samples_per_batch"}
    expected = pd.read_csv(DATA / "bladder_batch" / "expected_ComBat_R.csv", index_col="probe")
    ours = table(ran, "corrected").loc[expected.index, expected.columns]
    # R's table has four decimals, ours six: half a unit of R's last digit. All digits are compared in test_combat.py.
    np.testing.assert_allclose(ours, expected, rtol=0, atol=0.5e-4 + 1e-6)


def test_keeping_the_condition_keeps_it_and_says_what_that_is_worth(tmp_path: Path) -> None:
    ran = run("batch-check", tmp_path, example_folder("bladder_batch"), keep_condition=True)
    assert ran.metrics["condition_percent_after"] > ran.metrics["condition_percent"]
    assert "use it for figures, and prove nothing by it" in ran.text
    assert "The biology shrinks" not in ran.text


def test_the_network_of_golub_has_138_pairs(tmp_path: Path) -> None:
    ran = run("correlation", tmp_path, example_folder())
    assert (ran.metrics["pairs_found"], ran.metrics["pairs_tested"]) == (138, 44850)
    assert ran.metrics["pairs_within"] == 79
    assert "the number beyond the limit falls from 138 to 79" in ran.text
    assert (len(table(ran, "pairs")), len(table(ran, "genes"))) == (138, 97)


def test_the_partners_of_cd33_are_mostly_a_difference_between_leukemias(tmp_path: Path) -> None:
    ran = run("correlation", tmp_path, example_folder(), seed_gene="cd33", min_r=0.6)
    assert ran.figures["correlation"]["title"].startswith("32 genes rise with CD33")
    assert "**Most of it is the difference between the groups.**" in ran.text
    partners = table(ran, "partners")
    assert len(partners) == 3050
    assert partners["r"].abs().is_monotonic_decreasing
    with pytest.raises(AnalysisError, match="No gene is called 'CD3333'"):
        run("correlation", tmp_path / "slip", example_folder(), seed_gene="CD3333")


def test_blood_cells_lie_by_kind_and_have_their_known_markers(tmp_path: Path) -> None:
    ran = run("map-and-markers", tmp_path, DATA / "pbmc68k_reduced")
    assert ran.metrics["same_neighbours_percent"] == pytest.approx(72.7, abs=0.1)
    assert ran.metrics["chance_percent"] == pytest.approx(19.1, abs=0.1)
    markers = table(ran, "markers")
    assert list(markers.loc["CD19+ B", "gene"][:2]) == ["CD79A", "CD79B"]
    assert list(markers.loc["CD56+ NK", "gene"][:2]) == ["NKG7", "GNLY"]
    assert "Cells of one person are no replicates" in ran.text
    assert len(table(ran, "places")) == 700


def test_groups_can_be_searched_and_their_p_values_are_not_believed(tmp_path: Path) -> None:
    ran = run("map-and-markers", tmp_path, example_folder(), search_groups=True, n_groups=3)
    assert ran.metrics["groups"] == 3
    assert ran.metrics["label_ari"] > 0.5
    assert "The p values of the markers are too small here" in ran.text
