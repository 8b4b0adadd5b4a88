"""The results that come with the project: what is written is read again, and what is shipped can be used."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from codalab_nb.systematic import shipped
from codalab_nb.systematic.configuration import parse_key
from codalab_nb.systematic.evidence import gather
from codalab_nb.systematic.shipped import Known, ShippedRun

RAN = ShippedRun("golub-1", "golub", "differences", "de-continuous alpha=0.1", "ab" * 32, "succeeded", 0.5, 1.25)
FAILED = dataclasses.replace(
    RAN,
    configuration='heat-map linkage="ward"',
    state="failed",
    score=math.nan,
    seconds=math.nan,
    reason='No "b",\nno.',
)
SKETCHES = {"samples": (), "content": (3, 4_000_000_000)}
GOLUB = Known("golub-1", "golub", 38, 800, {"log_samples": 1.5, "missing": math.nan}, SKETCHES)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Quotes, several lines and numbers that do not exist survive; runs come back in one order, whatever it was."""
    shipped.write(tmp_path, [FAILED, RAN], [GOLUB])
    found = shipped.read(tmp_path)
    ran, failed = found.runs
    assert ran == RAN
    assert (ran.run.score, failed.run.score) == (0.5, -math.inf)
    assert math.isnan(failed.score)
    assert math.isnan(failed.seconds)
    assert dataclasses.replace(failed, score=0, seconds=0) == dataclasses.replace(FAILED, score=0, seconds=0)
    known = found.datasets["golub-1"]
    assert dataclasses.replace(known, features={}) == dataclasses.replace(GOLUB, features={})
    assert known.features["log_samples"] == 1.5
    assert math.isnan(known.features["missing"])


def test_nothing_shipped_is_nothing_known(tmp_path: Path) -> None:
    """A home must work without the tables too."""
    assert shipped.read(tmp_path) == shipped.Shipped((), {})


def test_a_damaged_table_is_told_by_its_line(tmp_path: Path) -> None:
    """Half a file must not look like a file with fewer results."""
    shipped.write(tmp_path, [RAN, FAILED], [GOLUB])
    table = tmp_path / shipped.RUNS
    table.write_text(table.read_text().replace("0.5,", "half,"))
    with pytest.raises(ValueError, match=r"runs.csv, line 2: .*half"):
        shipped.read(tmp_path)


def test_data_sets_that_were_measured_otherwise_are_not_put_together(tmp_path: Path) -> None:
    """After a change of the meta-features all are measured anew, or none."""
    other = dataclasses.replace(GOLUB, dataset="x", features={"missing": 0.0})
    with pytest.raises(ValueError, match="x was measured otherwise than golub-1"):
        shipped.write(tmp_path, [], [GOLUB, other])


def test_what_comes_along_can_be_used() -> None:
    """Every configuration that is shipped has a name that can be read, every run a data set that was measured, and a
    run that did not succeed the reason."""
    found = shipped.read()
    for run in found.runs:
        assert parse_key(run.configuration).key == run.configuration
        assert found.datasets[run.dataset].family == run.family
        assert run.state == "succeeded" or (run.reason and math.isnan(run.score)), run
    evidence = gather((run.run for run in found.runs), {})
    assert len(evidence) <= len(found.datasets)
