"""What must hold for every template notebook, however strange the data: a right answer or one clear sentence.

A notebook that is new in `notebooks/methods` is found here by itself. It needs data on which it runs (BEST, or the
first that fits) and, if it judges groups, a number that must be about nothing when the labels are shuffled (NOTHING).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from codalab_nb import report
from codalab_nb.analysis.expression import AnalysisError
from codalab_nb.errors import InputError
from tests.support.templates import BEST, QUICK, Data, Ran, Template, everything, templates

# Metrics that must lie in a range when the labels are shuffled (median of three shuffles).
NOTHING: dict[str, tuple[float, float]] = {
    "genes_found": (0, 4),
    "sets_found": (0, 1),
    "pairs_different": (0, 0),
    "measurements_different": (0, 4),
    "batch_genes": (0, 6),
    "markers_found": (0, 4),
    "pc1_r2": (0, 0.3),
    "condition_ari": (-0.2, 0.2),
    "auc": (0.25, 0.75),
    "balanced_accuracy": (0.25, 0.75),
    "logrank_p": (0.02, 1),
    "half_effect_dose": (0, math.inf),  # whatever the dose is called, some dose is half of it
    "same_curve_p": (0.02, 1),
}
NO_GROUPS = {"check-my-data", "correlation", "normalise"}  # they judge no groups, so there is nothing to shuffle
ALL = templates()
SOMETHING_ODD = re.compile(r"Traceback|\bnan\b|\bNone\b|array\(|object at 0x|dtype|\bNaN\b")


@pytest.fixture(scope="module")
def data() -> dict[str, Data]:
    return {one.name: one for one in everything()}


@pytest.fixture(autouse=True)
def _quick_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are drawn, coarsely: what they look like is no matter here, that they can be drawn is."""

    def figure(fig: Any, name: str, *, title: str | None = None, alt: str | None = None) -> None:
        fig.savefig(f"{name}.png", dpi=20)
        assert title, f"the figure {name} has no title"
        assert alt, f"the figure {name} has no description"
        report._publish({report.REPORT_TYPE: {"figure": name, "title": title, "alt": alt}})

    monkeypatch.setattr(report, "figure", figure)


class Bench:
    """One template with the data it is tried on."""

    def __init__(self, template: Template, data: dict[str, Data], folder: Path) -> None:
        self.template, self.folder = template, folder
        wanted = [BEST[template.name]] if template.name in BEST else list(data)
        for name in wanted:
            profile = data[name].stage(folder / f"fits-{name}")
            if template.offered(profile, {})[0] is not None:
                self.data = data[name]
                return
        raise AssertionError(f"{template.name} fits none of {', '.join(wanted)}: add small data to tests/support")

    def run(self, data: Data, name: str) -> Ran | str:
        """What it reports, or the sentence with which it is refused."""
        folder = self.folder / name
        try:
            profile = data.stage(folder)
        except InputError as refusal:
            return sentence(str(refusal))
        parameters, why = self.template.offered(profile, QUICK.get(self.template.name, {}))
        if parameters is None:
            sentence(why)
        try:
            # One who opens the notebook by hand gets past the offer, and must be told as clearly.
            ran = self.template.run(folder, parameters or {})
        except AnalysisError as refusal:
            return sentence(str(refusal))
        check(ran, self.template)
        return ran


@pytest.fixture(scope="module", params=ALL, ids=lambda template: template.name)
def bench(request: pytest.FixtureRequest, data: dict[str, Data], tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(request.param, data, tmp_path_factory.mktemp(request.param.name))


def sentence(text: str) -> str:
    """Checks that a person can read it: a whole sentence, short, and no words of a program."""
    assert re.match(r"[A-Z0-9'`“\"]|[a-z-]+ needs ", text), text
    assert text.rstrip().endswith((".", "?", ")")) or "Choices: " in text, text
    assert len(text) < 700, text
    assert not SOMETHING_ODD.search(text), text
    return text


def check(ran: Ran, template: Template) -> None:
    declared = {metric.name for metric in template.method.metrics}
    assert set(ran.metrics) <= declared, set(ran.metrics) - declared
    assert template.method.first_figure in ran.figures
    assert "## What was found" in ran.text
    found = SOMETHING_ODD.search(ran.text)
    assert found is None, ran.text[max(0, found.start() - 80) : found.end() + 40]
    for told in ran.figures.values():
        assert not SOMETHING_ODD.search(f"{told['title']} {told['alt']}"), told


def ran(bench: Bench, data: Data, name: str) -> Ran:
    found = bench.run(data, name)
    assert isinstance(found, Ran), found
    return found


def test_the_order_of_the_samples_changes_nothing(bench: Bench) -> None:
    """Which group comes first is kept: where nobody has named a reference, it is the proposal."""
    mixed = np.random.default_rng(2).permutation(len(bench.data.labels))
    first_ones = np.flatnonzero(~bench.data.labels.duplicated())
    order = np.concatenate([first_ones, mixed[~np.isin(mixed, first_ones)]])
    first, second = ran(bench, bench.data, "plain"), ran(bench, bench.data.in_order(order), "turned")
    assert second.metrics == pytest.approx(first.metrics, rel=1e-5, abs=1e-7)
    name = bench.template.method.first_figure
    assert name is not None
    assert second.figures[name]["title"] == first.figures[name]["title"]


def test_shuffled_labels_find_about_nothing(bench: Bench) -> None:
    shuffled = [
        bench.data.relabelled(lambda labels, seed=seed: np.random.default_rng(seed).permutation(labels))
        for seed in (1, 4, 5)  # with 2 and 3 the seven flies of pasilla fall into the two kinds of library
    ]
    if bench.template.name in NO_GROUPS:  # it judges none: then who is in which group is nothing to it
        first, second = ran(bench, bench.data, "labelled").metrics, ran(bench, shuffled[0], "shuffled-0").metrics
        whole = [name for name in first if not name.endswith("_within")]
        assert whole
        assert [second[name] for name in whole] == pytest.approx([first[name] for name in whole])
        return
    results = [bench.run(one, f"shuffled-{n}") for n, one in enumerate(shuffled)]
    metrics = pd.DataFrame([one.metrics for one in results if isinstance(one, Ran)])
    if metrics.empty:
        return  # refused in a sentence: nothing was found
    judged = [name for name in metrics if name in NOTHING]
    assert judged, f"none of {', '.join(metrics)} is in NOTHING: say there what {bench.template.name} reports by chance"
    for name in judged:
        low, high = NOTHING[name]
        assert low <= metrics[name].median() <= high, (name, list(metrics[name]))


def test_a_constant_or_an_empty_gene_does_not_change_the_answer(bench: Bench) -> None:
    plain = ran(bench, bench.data, "as-it-is")
    for name, value in (("constant", 64.0 if bench.data.kind != "log" else 1.0), ("empty", math.nan)):
        spoilt = ran(bench, bench.data.with_feature(value), name)
        for metric in NOTHING.keys() & plain.metrics.keys():
            assert spoilt.metrics[metric] == pytest.approx(plain.metrics[metric], rel=0.05, abs=2), metric


SPOILT: dict[str, Callable[[Data], Data]] = {
    "one-sample": lambda data: data.of_samples(np.arange(len(data.labels)) == 0),
    "two-samples": lambda data: data.of_samples(data.labels.isin(data.labels.unique()[:2]) & ~data.labels.duplicated()),
    "one-group": lambda data: data.of_samples(data.labels == data.labels.iloc[0]),
    "one-against-many": lambda data: data.of_samples((data.labels != data.labels.iloc[0]) | ~data.labels.duplicated()),
    "half-missing": lambda data: data.with_gaps(0.5),
    "nearly-all-missing": lambda data: data.with_gaps(0.97),
    "nothing-varies": lambda data: replace(data, matrix=data.matrix.apply(_flat)),
    "groups-missing": lambda data: data.relabelled(lambda labels: labels.where(np.arange(len(labels)) % 2 == 0)),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_cannot_be_answered_is_said_in_a_sentence(bench: Bench, name: str) -> None:
    bench.run(SPOILT[name](bench.data), name)


def test_negative_counts_and_half_counts_are_refused_or_taken_for_what_they_are(
    bench: Bench, data: dict[str, Data]
) -> None:
    for name, spoilt in (("negative", -3.0), ("half", 0.5)):
        counts = data["pasilla"]
        matrix = counts.matrix.astype(float)
        matrix.iloc[5, 2] = spoilt
        for kind in (None, "counts"):
            bench.run(Data("x", matrix, counts.samples, counts.column, counts.roles, kind), f"{name}-{kind}")


def _flat(column: pd.Series) -> pd.Series:
    return column * 0 + 7 if column.dtype.kind in "if" else column
