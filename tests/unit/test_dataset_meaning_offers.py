"""`method list --for X`: for each real data set the right offer, and a reason where a method does not fit."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from codalab_nb.datasets.profile import profile_files
from codalab_nb.examples import example_folder
from codalab_nb.model.dataset import Profile
from codalab_nb.model.method import Method, fits
from codalab_nb.site.catalog import builtin_methods, read_template

DATA = Path(__file__).parent.parent / "data"
SMALL = DATA / "small_tables"
ALWAYS = {"check-my-data"}
MATRIX = ALWAYS | {"normalise", "heat-map", "pca-overview", "compare-groups"}
ENOUGH = MATRIX | {"correlation"}
MANY = ENOUGH | {"de-continuous", "map-and-markers", "predict-class"}
# What is offered. A method that is new stands in at least one row.
OFFERS: dict[str, tuple[Path, set[str]]] = {
    "golub": (example_folder(), MANY),
    "bladder": (example_folder("bladder_batch"), MANY | {"batch-check"}),
    "armstrong": (DATA / "leukemia_armstrong" / "expression.csv", MANY | {"pathways"}),
    "messy workbook": (DATA / "leukemia_armstrong" / "leukemia_messy.xlsx", MANY | {"pathways", "batch-check"}),
    "pasilla": (DATA / "pasilla_knockdown", MATRIX | {"de-counts"}),
    "airway": (DATA / "airway_dexamethasone", ENOUGH | {"de-counts"}),
    "pbmc": (DATA / "pbmc68k_reduced", MANY | {"pathways"}),
    "iris": (SMALL / "iris.csv", ALWAYS | {"compare-groups", "predict-class"}),
    "wine": (SMALL / "wine.csv", ALWAYS | {"compare-groups", "predict-class"}),
    "breast_cancer": (SMALL / "breast_cancer.csv", ALWAYS | {"compare-groups", "predict-class"}),
    "plantgrowth": (SMALL / "plantgrowth.csv", ALWAYS | {"compare-groups", "predict-class"}),
    "puromycin": (SMALL / "puromycin.csv", ALWAYS | {"compare-groups", "predict-class", "dose-response"}),
    "lung": (SMALL / "lung.csv", ALWAYS | {"survival"}),
    "diabetes": (SMALL / "diabetes.csv", ALWAYS),
}
# Words of the reasons a person should find.
REASONS = {
    ("golub", "batch-check"): "the batch of each sample",
    ("golub", "pathways"): "named by Affymetrix probes",
    ("golub", "de-counts"): "Needs counts",
    ("golub", "survival"): "the time and event of each sample: --samples FILE, or --role COLUMN=time",
    ("pasilla", "de-continuous"): "these values are counts",
    ("pasilla", "pathways"): "FlyBase ids",
    ("pasilla", "correlation"): "at least 8 samples; there are 7",
    ("pasilla", "batch-check"): "For the batch: 'type'?",
    ("airway", "pathways"): "Ensembl ids",
    ("airway", "map-and-markers"): "at least 30 samples",
    (
        "lung",
        "compare-groups",
    ): "--role COLUMN=condition. For the condition: 'inst', 'sex'",
    ("iris", "de-continuous"): "this data set is a general table",
    ("iris", "dose-response"): "which column is the dose",
    ("plantgrowth", "survival"): "which column is the time and event",
}


@cache
def profile(name: str) -> Profile:
    return profile_files([OFFERS[name][0]], accept=True)[0]


@cache
def methods() -> dict[str, Method]:
    templates = [read_template(path) for path in sorted(builtin_methods().glob("*.ipynb"))]
    return {template.method.name: template.method for template in templates}


@pytest.mark.parametrize("name", OFFERS)
def test_the_right_methods_are_offered_with_reasons(name: str) -> None:
    known = set().union(*(offered for _, offered in OFFERS.values()))
    answers = {method: fits(declared, profile(name)) for method, declared in methods().items()}
    assert answers.keys() == known
    assert {method for method, (ok, _) in answers.items() if ok} == OFFERS[name][1]
    for method, (ok, reason) in answers.items():
        assert reason.startswith("Fits" if ok else "Needs"), method
        assert reason.endswith((".", "?")), method
        assert not re.search(r"\bNone\b|\[|\{", reason), method
        assert REASONS.get((name, method), "") in reason, method


def test_a_column_of_symbols_or_gene_sets_of_ones_own_make_pathways_fit(tmp_path: Path) -> None:
    (tmp_path / "expression.csv").write_text(
        "probe,symbol," + ",".join(f"{group}{n}" for group in ("ctrl", "drug") for n in (1, 2, 3)) + "\n"
        + "".join(f"{row}_at,GENE{row},1.5,2,3,4,5,6.5\n" for row in range(120))
    )  # fmt: skip
    pathways = methods()["pathways"]
    assert fits(pathways, profile_files([tmp_path])[0])[0]
    plain = (tmp_path / "expression.csv").read_text().replace(",symbol,", ",note,")
    (tmp_path / "expression.csv").write_text(plain)
    assert not fits(pathways, profile_files([tmp_path])[0])[0]
    (tmp_path / "own.gmt").write_text("SET\tna\t1_at\t2_at\n")
    assert fits(pathways, profile_files([tmp_path])[0])[0]
