"""Rows below the names that give units: `years, kg, mg/l`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from codalab_nb.datasets.cells import is_missing

_UNIT = re.compile(
    r"(?:(?:[kmcdnpfuµμ]?(?:g|l|m|mol|s|v|a|w|pa|hz|u|iu|da|ci|bq)|[kmgt]?bp?|[munp]?m|years?|yrs?|months?|weeks?|days?|hours?|hrs?|h"
    r"|minutes?|mins?|seconds?|secs?|d|y|mmhg|bpm|cells?|counts?|copies|cfu|pfu|reads|fold|log(?:2|10|e)?|ln|a\.?u\.?|%|°c|°|k"
    r"|ppm|ppb|score|cal|kcal|kj|j|n|rpm|x|mm|10)[²³]?(?:\^?-?\d+)?[\s·*]?)+"
)


def is_units_row(texts: Sequence[object], numbers: Sequence[object]) -> bool:
    """`texts`, `numbers`: the cells of the row in columns of text and in columns of numbers.

    All cells in brackets, or all of them units; single letters alone may be groups.
    """
    known = [str(cell).strip() for cell in numbers if not is_missing(cell)]
    others = [str(cell).strip() for cell in texts if not is_missing(cell)]
    if not known or not all(map(_is_unit, [*known, *others])):
        return False
    return any(len(text) > 1 for text in known)


def _is_unit(text: str) -> bool:
    if re.fullmatch(r"\(.+\)|\[.+\]", text):
        return True
    # (`m` can be read in many ways, so long text of it would be tried without end.)
    return len(text) <= 16 and all(_UNIT.fullmatch(part.strip()) for part in re.split(r"/|\bper\b", text.casefold()))
