"""JSON read so that two readers cannot disagree about it: one spelling, no doubled keys, no NaN, bounded depth.

Python's own reader takes the last of two equal keys, accepts NaN, and dies of deep nesting; a checker and an
executor that differ in such points can be played against each other.
"""

from __future__ import annotations

import json
import math
import re
from enum import StrEnum
from typing import Any, NoReturn

# One JSON string, also one that the end of the data cuts off.
# Possessive (`*+`), so that hostile text costs linear time.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
_STRINGS = re.compile(_STRING, re.DOTALL)
_CONSTANT = re.compile(_STRING + rb"|(NaN|-?Infinity)", re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_MAX_DIGITS = 4000  # Python refuses to read longer integers (sys.int_info.default_max_str_digits)
MAX_CONTAINERS = 2_000_000  # lists and objects; each costs about 60 bytes of memory for 2 bytes of text
MAX_STRINGS = 4_000_000  # each costs about a microsecond


class FaultKind(StrEnum):
    ENCODING = "encoding"
    SYNTAX = "syntax"
    NUMBER = "number"
    DEPTH = "depth"
    DUPLICATE_KEY = "duplicate_key"
    SIZE = "size"


class JsonFault(ValueError):
    """Why the bytes were refused. `offset` counts bytes from 0, where the place is known."""

    def __init__(self, kind: FaultKind, detail: str, offset: int | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.offset = offset


def read_json(data: bytes, *, max_depth: int) -> Any:
    """The value in `data` (UTF-8, with or without a byte order mark). Raises JsonFault.

    Text may still hold lone surrogates written as `\\udc00`; `find_surrogate` finds them.
    """
    text = _decode(data)
    _check_depth(data, max_depth)
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=lambda word: _refuse_constant(word, data),
        )
    except json.JSONDecodeError as error:
        bom = 3 if data.startswith(b"\xef\xbb\xbf") else 0
        offset = bom + len(text[: error.pos].encode())
        detail = "it is empty" if not text.strip() else f"{error.msg[0].lower()}{error.msg[1:]}, line {error.lineno}"
        raise JsonFault(FaultKind.SYNTAX, detail, offset) from error


def find_surrogate(value: Any, place: str = "") -> str | None:
    """Where `value` holds text that is not valid Unicode (`cells[3].source`), or None."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return place or "the text"
    elif isinstance(value, dict):
        for key, member in value.items():
            if find_surrogate(key):
                return f"a key of {place or 'the top'}"
            if found := find_surrogate(member, f"{place}.{key}" if place else key):
                return found
    elif isinstance(value, list):
        for index, member in enumerate(value):
            if found := find_surrogate(member, f"{place}[{index}]"):
                return found
    return None


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise JsonFault(FaultKind.ENCODING, "it is UTF-16, not UTF-8", 0)
    if b"\0" in data[:4]:  # RFC 4627, section 3: UTF-16 or UTF-32 without a byte order mark
        raise JsonFault(FaultKind.ENCODING, "it looks like UTF-16 or UTF-32", data.index(b"\0"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        detail = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        raise JsonFault(FaultKind.ENCODING, detail, error.start) from error


def _check_depth(data: bytes, max_depth: int) -> None:
    """Counts brackets outside strings, so that no recursive reader ever sees a bottomless document."""
    if data.count(b'"') > 2 * MAX_STRINGS:
        raise JsonFault(FaultKind.SIZE, f"it holds more than {MAX_STRINGS:,} texts")
    brackets = _STRINGS.sub(b"", data).translate(None, _NOT_BRACKETS)
    if len(brackets) > 2 * MAX_CONTAINERS:
        raise JsonFault(FaultKind.SIZE, f"it holds more than {MAX_CONTAINERS:,} lists and objects")
    depth = 0
    for byte in brackets:
        if byte in b"[{":
            depth += 1
            if depth > max_depth:
                raise JsonFault(FaultKind.DEPTH, f"it is nested deeper than {max_depth} levels")
        else:
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise JsonFault(FaultKind.DUPLICATE_KEY, f"one object has the key {key[:80]!r} twice")
            seen.add(key)
    return made


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise JsonFault(FaultKind.NUMBER, f"a number has {len(text):,} digits")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise JsonFault(FaultKind.NUMBER, f"the number {text[:40]} is too large")
    return value


def _refuse_constant(word: str, data: bytes) -> NoReturn:
    for match in _CONSTANT.finditer(data):
        if match[1]:
            raise JsonFault(FaultKind.NUMBER, f"{word} is not JSON", match.start())
    raise JsonFault(FaultKind.NUMBER, f"{word} is not JSON")
