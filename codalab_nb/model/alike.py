"""Names that are spelled differently and probably mean the same: `AML 13` and `AML_13`, `aml` and `AML`.

Everything here is a proposal. Nothing is taken as the same before a person has been told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from codalab_nb.model.dataset import Level

# What programs hang on the name of a sample: the file it came from.
_FILE_ENDINGS = re.compile(r"(\.sorted)?\.(bam|sam|cel|chp|fastq|fq|txt|csv|tsv|sf|genes\.results)(\.gz)?$")
_SEPARATORS = r"[\s._\-]+"


def group_key(name: str) -> str:
    """Equal for names of groups that differ only in capitals, spaces and separators.

    Separators between two digits stay, so that dose 1.5 is not 15; signs stay, so that CD4+ is not CD4-.
    """
    key = " ".join(name.split()).casefold()
    key = re.sub(rf"(?<=[^\W\d_]){_SEPARATORS}(?=[^\W_])", "", key)
    key = re.sub(rf"(?<=[^\W_]){_SEPARATORS}(?=[^\W\d_])", "", key)
    return re.sub(rf"(?<=\d){_SEPARATORS}(?=\d)", lambda found: "." if found[0] == "." else "-", key)


@lru_cache(maxsize=1 << 16)  # the names of 60,000 genes are compared with every column of a sample table
def sample_key(name: str) -> str:
    """As `group_key`; also R's spelling (`X1`, `AML.13`), leading zeros and the ending of a file make no difference."""
    key = _FILE_ENDINGS.sub("", name.strip().casefold())
    key = re.sub(r"^x(?=[\d.])", "", key)
    return re.sub(r"(?<!\d)0+(?=\d)", "", group_key(key)).replace(".", "-")


def matching(names: Sequence[str], others: Sequence[str]) -> dict[str, str]:
    """Which of `others` each of `names` probably is, where only one can be meant on either side.

    Both are names that have no equal on the other side. Names without a partner are left out.
    """
    if not names or not others:
        return {}
    by_key = _single(others)
    return {name: by_key[key] for key, name in _single(names).items() if key in by_key}


def _single(names: Sequence[str]) -> dict[str, str]:
    """Key → name, where one name has it."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(sample_key(name), []).append(name)
    return {key: alike[0] for key, alike in found.items() if len(alike) == 1}


def one_spelling(levels: Sequence[Level]) -> dict[str, str]:
    """Name → the name it should have, for groups that differ in spelling only. The most frequent spelling is kept.

    Short names that come in three spellings are left alone: AA, Aa and aa are genotypes.
    """
    by_key: dict[str, list[Level]] = {}
    for level in levels:
        by_key.setdefault(group_key(level.name), []).append(level)
    proposed: dict[str, str] = {}
    for alike in by_key.values():
        if len(alike) < 2 or (len(alike) > 2 and len(alike[0].name) <= 2):
            continue
        kept = max(alike, key=lambda level: level.n)  # the first of equals
        proposed |= {level.name: kept.name for level in alike if level is not kept}
    return proposed


def merged(levels: Sequence[Level], recoded: Mapping[str, str]) -> tuple[Level, ...]:
    """The levels after some got another name, in order of first appearance."""
    sizes: dict[str, int] = {}
    for level in levels:
        name = recoded.get(level.name, level.name)
        sizes[name] = sizes.get(name, 0) + level.n
    return tuple(Level(name=name, n=n) for name, n in sizes.items())
