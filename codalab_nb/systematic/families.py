"""Which data sets were made from one another, as far as their sketches show it.

Experience is tested on data of other origin, or a copy of a data set would vouch for itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Sketches = Mapping[str, Sequence[int]]

_CONTENT = 0.04  # share of values in common from which two data sets have one origin; by chance none are
_NAMES = 0.2  # the same for the names of samples and of features, both: names like S1, S2 alone tell nothing
_FEWEST = 3  # hashes in common, where sketches are short


def related(one: Sketches, other: Sketches) -> bool:
    """Whether two data sets share samples: by their values, or by the names of both samples and features."""
    if shares(one, other, "content") >= _CONTENT:
        return True
    return shares(one, other, "samples") >= _NAMES and shares(one, other, "features") >= _NAMES


def shares(one: Sketches, other: Sketches, kind: str) -> float:
    """Of all that either has, how much both have, estimated from the smallest hashes (Broder 1997); 0 for too few."""
    mine, theirs = set(one.get(kind, ())), set(other.get(kind, ()))
    if not mine or not theirs:
        return 0.0
    smallest = sorted(mine | theirs)[: max(len(mine), len(theirs))]
    both = [number for number in smallest if number in mine and number in theirs]
    return len(both) / len(smallest) if len(both) >= _FEWEST else 0.0


def families(sketches: Mapping[str, Sketches]) -> dict[str, str]:
    """Data set → its family, called after the first of its members; what is related to a member belongs to it."""
    found: dict[str, str] = {}
    for name, mine in sketches.items():
        kin = sorted({found[other] for other in found if related(mine, sketches[other])}, key=list(found).index)
        found[name] = kin[0] if kin else name
        for other, family in found.items():
            if family in kin:
                found[other] = kin[0]
    return found
