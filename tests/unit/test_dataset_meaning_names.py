"""Which names are proposed as the same, and which never are."""

from __future__ import annotations

import pytest

from codalab_nb.model.alike import group_key, matching, merged, one_spelling, sample_key
from codalab_nb.model.dataset import Level


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ALL", "all "),
        ("wild type", "Wild-Type"),
        ("wild_type", "wildtype"),
        ("day 1", "Day_1"),
        ("MCF-7", "MCF7"),
        ("0.5 mM", "0.5mM"),
    ],
)
def test_groups_that_differ_in_spelling_only(one: str, other: str) -> None:
    assert group_key(one) == group_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.5", "15"),
        ("CD4+", "CD4-"),
        ("1-2", "12"),
        ("ALL", "AML"),
        ("0.1", "01"),
        ("day 1", "day 11"),
        ("1.5", "1-5"),
    ],
)
def test_groups_that_differ(one: str, other: str) -> None:
    assert group_key(one) != group_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("AML 13", "AML_13"),
        ("AML.13", "AML-13"),
        ("X1", "1"),
        ("S01", "S1"),
        ("s1.bam", "S1"),
        ("ctrl_1.sorted.bam", "ctrl-1"),
        ("GSM123.CEL.gz", "GSM123"),
        ("P1.2", "P1-2"),
    ],
)
def test_samples_that_are_spelled_differently_in_two_files(one: str, other: str) -> None:
    assert sample_key(one) == sample_key(other)


def test_a_match_is_proposed_only_where_one_can_be_meant() -> None:
    assert matching(["AML 13", "AML 2", "x"], ["AML_13", "AML_2", "y"]) == {"AML 13": "AML_13", "AML 2": "AML_2"}
    assert matching(["S1"], ["S01", "S001"]) == {}
    assert matching(["S01", "S001"], ["S1"]) == {}
    assert matching(["S11"], ["S1"]) == {}


def test_the_usual_spelling_is_kept_and_genotypes_are_left_alone() -> None:
    levels = [Level(name="AML", n=14), Level(name="ALL", n=24), Level(name="aml", n=10)]
    assert one_spelling(levels) == {"aml": "AML"}
    assert merged(levels, {"aml": "AML"}) == (Level(name="AML", n=24), Level(name="ALL", n=24))
    assert one_spelling([Level(name=name, n=5) for name in ("AA", "Aa", "aa")]) == {}
    assert one_spelling([Level(name="M", n=5), Level(name="m", n=1)]) == {"m": "M"}
    assert one_spelling([Level(name="Case", n=1), Level(name="case", n=1)]) == {"case": "Case"}
