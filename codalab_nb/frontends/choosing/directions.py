"""What `up` means in an analysis, and whether a person has said so."""

from __future__ import annotations

from collections.abc import Container
from typing import Protocol

from codalab_nb.frontends.choosing.words import direction
from codalab_nb.model.base import Json
from codalab_nb.model.dataset import Profile
from codalab_nb.model.method import Method


class ValueOf(Protocol):
    """The value in force of a parameter; None if there is none."""

    def __call__(self, name: str, /) -> Json: ...


def references(method: Method) -> list[str]:
    """The parameters that say which group the others are compared with."""
    return [name for name, parameter in method.parameters.items() if parameter.default_from == "reference"]


def meaning(
    method: Method, profile: Profile, name: str, value_of: ValueOf, given: Container[str]
) -> tuple[str, bool] | None:
    """For a parameter of `references`: `up = higher in AML than in ALL`, and whether that is only proposed.

    It is not where the value was `given`, or where the data set has this reference, confirmed. None while nothing is
    compared.
    """
    level = value_of(name)
    if not isinstance(level, str) or not level:
        return None
    other = next((one for one, declared in method.parameters.items() if declared.differs_from == name), None)
    treated = value_of(other) if other else None
    arrow = direction(level, [treated] if isinstance(treated, str) and treated else ())
    reference = profile.reference
    sure = reference is not None and reference.level == level and not reference.proposed
    return arrow, not sure and name not in given
