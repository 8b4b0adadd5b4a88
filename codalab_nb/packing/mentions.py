"""One thing that source mentions, and how a quoted text is judged: a path, a pattern, a template, or just words."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from codalab_nb.packing.constants import HOLE

_LITERAL = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}|%[-+ 0#]*[\d.]*[a-zA-Z]")
_MAX_TEXT = 1024


class Kind(Enum):
    PATH = auto()  # a file or folder, if it exists
    WRITTEN = auto()  # the same, but only written
    PATTERN = auto()
    LISTED = auto()  # a folder whose whole content is listed
    MODULE = auto()  # dotted; `level` dots in front
    SEARCHED = auto()  # a folder where modules are looked for


@dataclass(frozen=True)
class Reference:
    kind: Kind
    text: str
    level: int = 0
    word: bool = False  # may well be a plain word that a folder happens to share: only a file counts


def text_references(source: str) -> Iterator[Reference]:
    """Quoted texts of source in any language."""
    for match in _LITERAL.finditer(source):
        yield from literal(match[1] if match[1] is not None else match[2])


def literal(text: str, *, kind: Kind = Kind.PATH, word: bool = False) -> Iterator[Reference]:
    """A text that may be a path, a pattern, or a template such as `data/{}.csv`; HOLE stands for unknown parts."""
    if not text or len(text) > _MAX_TEXT or "\n" in text or "://" in text:
        return
    if HOLE not in text:
        yield Reference(kind, text, word=word)
        template = _PLACEHOLDER.sub(HOLE, text)
        if template == text:
            if kind is Kind.PATH and re.search(r"[*?]|\[.+\]", text) and re.search(r"[\w/.]", text):
                yield Reference(Kind.PATTERN, text)
            return
        text = template
    constant = text.replace(HOLE, "")
    if kind is not Kind.PATH or text.startswith(HOLE) or not ("/" in constant or "." in constant):
        return
    folder, name = posixpath.split(text)
    if name == HOLE and HOLE not in folder:
        yield Reference(Kind.PATH, folder)
    else:
        yield Reference(Kind.PATTERN, re.sub(f"{HOLE}+", "*", re.sub(r"([*?\[])", r"[\1]", text)), word=True)
