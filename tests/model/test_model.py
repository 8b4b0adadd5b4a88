"""The protocol keeps its promises in every reachable state; each rule is needed, for without it one promise falls."""

from typing import get_args

import pytest

from .checker import Unfinished, check
from .invariants import WORDS
from .mixes import LARGE, MUTANTS, SMALL, Broken
from .state import Budget, Mix, Mutant


@pytest.mark.parametrize("mix", SMALL.values(), ids=SMALL.keys())
def test_design_holds(mix: Mix) -> None:
    """No order of steps and faults breaks an invariant, and every one of them ends well once faults end."""
    report = check(mix)
    print(report)
    assert report.violation is None, str(report.violation)


@pytest.mark.parametrize("broken", MUTANTS, ids=lambda broken: broken.mutant)
def test_mutant_breaks_its_invariant(broken: Broken) -> None:
    """The checker sees what it claims to see: a site without this rule is found out, for the reason we expect."""
    violation = check(Mix(broken.budget, mutant=broken.mutant)).violation
    assert violation is not None, broken.why
    print(violation)
    assert violation.invariant == broken.invariant


@pytest.mark.parametrize("broken", MUTANTS, ids=lambda broken: broken.mutant)
def test_mutant_needs_the_broken_rule(broken: Broken) -> None:
    """The same faults do no harm to the design: it is the missing rule that was caught, not the budget."""
    assert check(Mix(broken.budget)).violation is None


def test_every_mutant_and_every_invariant_is_covered() -> None:
    """An invariant that nothing can break might as well be misspelt."""
    assert {broken.mutant for broken in MUTANTS} == set(get_args(Mutant))
    assert {broken.invariant for broken in MUTANTS} == set(WORDS)


def test_every_kind_of_fault_is_in_a_mix_of_each_size() -> None:
    """A fault that no mix allows is a fault that nobody has thought through."""
    for mixes in (SMALL, LARGE):
        assert all(any(getattr(mix.budget, fault) for mix in mixes.values()) for fault in Budget._fields)


def test_fault_budget_is_used() -> None:
    """Each kind of fault adds states, so none of them is a dead letter. (A slow reconciler needs something to heal.)"""
    one_lost = Budget(drop=1)
    fewer = check(Mix(one_lost)).states
    for index, fault in enumerate(Budget._fields):
        richer = Budget(*(count + (at == index) for at, count in enumerate(one_lost)))
        assert check(Mix(richer)).states > fewer, fault


def test_a_walk_too_large_says_so() -> None:
    """A rule that makes something grow without end must stop the suite, not fill the machine."""
    with pytest.raises(Unfinished, match="more than 10 states"):
        check(Mix(Budget(kill=1)), limit=10)
