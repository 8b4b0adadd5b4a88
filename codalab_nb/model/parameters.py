"""The rules for parameters: names that are safe to paste into code, values that are plain JSON.

Papermill writes `name = value` into a cell. It pastes names raw and values of unknown type unescaped, so a name or
value that these rules let through is all that stands between a parameter and code.
"""

from __future__ import annotations

import builtins
import json
import keyword
import math
import re
from collections.abc import Mapping
from typing import Any

from codalab_nb.errors import InputError, Problem, Problems
from codalab_nb.model.base import JsonObject
from codalab_nb.model.strict_json import FaultKind, JsonFault, read_json

MAX_PARAMETERS = 1_000
MAX_BYTES = 64 * 1024  # of all names and values together, as JSON
MAX_DEPTH = 16
INT_MIN, INT_MAX = -(2**63), 2**63 - 1

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")  # ASCII only, so no two spellings (NFKC) mean one name
_SHADOWED = frozenset(dir(builtins)) | {"display", "get_ipython", "In", "Out", "exit", "quit"}


def check_parameters(params: Mapping[Any, Any]) -> tuple[JsonObject, tuple[Problem, ...]]:
    """The parameters as plain JSON values, and warnings. Raises InputError with every problem found.

    Codes: `param_name`, `param_value` (a value of a right type that JSON cannot say), `param_type`, `param_size`.
    Subclasses of str, int and float (enumerations, numpy.float64) come back as their plain type.
    """
    problems = Problems()
    if len(params) > MAX_PARAMETERS:
        raise InputError(
            "param_size",
            f"{len(params):,} parameters were given; {MAX_PARAMETERS:,} are allowed.",
            "Put the values in a file and pass its path with -i.",
        )
    clean: JsonObject = {}
    warnings: list[Problem] = []
    room = MAX_BYTES
    for name, value in params.items():
        fault = _name_fault(name)
        if fault:
            problems.add("param_name", fault, "Use a letter or _, then letters, digits and _: at most 64, ASCII only.")
            continue
        try:
            reader = _Value(name, room - len(name) - 6)
            clean[name] = reader.take(value, depth=0)
            room = reader.room
        except InputError as error:
            problems.take(error)
            if error.code == "param_size":
                break  # the rest would only be judged by the room this one used up
        if name in _SHADOWED:
            message = f"The parameter {name} hides Python's own {name} in the notebook."
            warnings.append(Problem("param_shadow", message, "Choose another name if the notebook needs it."))
    problems.raise_if_any()
    return clean, tuple(warnings)


def parse_value(text: str) -> Any:
    """Papermill's rule for `-p` (its `cli.py`, `_resolve_type`): True, False, None, an int, a float, else the text."""
    words: dict[str, bool | None] = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def read_parameter_file(name: str, data: bytes) -> JsonObject:
    """The object in a JSON file of parameters; `name` is the file's name, and decides. Its members are not yet checked.

    YAML is refused: it can call functions, explode by aliases, and reads `no` as False and `1e3` as text.
    """
    fix = 'Write the parameters as one JSON object in a .json file, such as {"gene": "TP53", "alpha": 0.05}.'
    if not name.lower().endswith(".json"):
        kind = "YAML" if name.lower().endswith((".yaml", ".yml")) else "a file without the ending .json"
        raise InputError("param_format", f"{name} is {kind}; parameter files are JSON.", fix)
    try:
        found = read_json(data, max_depth=MAX_DEPTH + 1)  # the object around the values is one level
    except JsonFault as fault:
        codes = {FaultKind.NUMBER: "param_value", FaultKind.DEPTH: "param_size", FaultKind.SIZE: "param_size"}
        where = "" if fault.offset is None else f" (at byte {fault.offset:,})"
        code = codes.get(fault.kind, "param_format")
        raise InputError(code, f"{name} cannot be read as parameters{where}: {fault.detail}.", fix) from fault
    if not isinstance(found, dict):
        raise InputError("param_format", f"{name} does not hold one JSON object.", fix)
    return found


def _name_fault(name: Any) -> str | None:
    if not isinstance(name, str):
        return f"A parameter's name is {_short(name)}, which is not text."
    if not _NAME.fullmatch(name):
        return f"{_short(name)} is no name for a parameter."
    if keyword.iskeyword(name):
        return f"The parameter name {name} is a keyword of Python."
    if name.startswith("__") and name.endswith("__"):
        return f"The parameter name {name} belongs to Python itself."
    return None


class _Value:
    """Copies one value, counting down the bytes that are left: an aliased list can be small in memory and endless."""

    def __init__(self, name: str, room: int) -> None:
        self.name = name
        self.room = room

    def take(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            self._refuse(
                "param_size", f"is nested deeper than {MAX_DEPTH} levels", "Put it in a file and pass it with -i."
            )
        if value is None or isinstance(value, bool):
            self._use(5)
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int):
            return self._integer(value)
        if isinstance(value, float):
            if not math.isfinite(value):
                fix = f"Give a number, or pass the word as text with -r {self.name}=…"
                self._refuse("param_value", f"is {float(value)}, which JSON cannot say", fix)
            self._use(len(repr(float(value))))
            return float(value)
        if isinstance(value, list):
            self._use(2)
            return [self.take(member, depth + 1) for member in value]
        if isinstance(value, dict):
            self._use(2)
            return {self._key(key): self.take(member, depth + 1) for key, member in value.items()}
        fix = (
            "Use text, numbers, true, false, null, lists, objects with text keys; convert with int(), str() or list()."
        )
        return self._refuse("param_type", f"is or holds a {type(value).__name__}, which JSON does not have", fix)

    def _text(self, value: str) -> str:
        if len(value) > self.room:
            self._use(len(value))
        plain = str.__str__(value)
        try:
            self._use(len(json.dumps(plain, ensure_ascii=False).encode()))
        except UnicodeEncodeError:
            self._refuse("param_value", "holds half a character (a lone surrogate)", "Remove that character.")
        return plain

    def _integer(self, value: int) -> int:
        if not INT_MIN <= value <= INT_MAX:
            fix = "Use a number of at most 64 bits, a float, or text."
            self._refuse("param_value", "is an integer beyond 64 bits", fix)
        self._use(len(str(int(value))))
        return int(value)

    def _key(self, key: Any) -> str:
        if not isinstance(key, str):
            self._refuse(
                "param_type", f"has the key {_short(key)}, which is not text", "Use text as keys, as JSON does."
            )
        return self._text(key)

    def _use(self, count: int) -> None:
        self.room -= count + 2  # and a comma or colon with its space
        if self.room < 0:
            message = f"makes the parameters larger than {MAX_BYTES >> 10} KB"
            self._refuse("param_size", message, "Put it in a file and pass its path with -i.")

    def _refuse(self, code: str, fault: str, fix: str) -> Any:
        raise InputError(code, f"The parameter {self.name} {fault}.", fix)


def _short(value: Any) -> str:
    """`value` for a message: quoted, on one line, at most 80 characters. Never the digits of a huge integer."""
    if isinstance(value, int) and not INT_MIN <= value <= INT_MAX:
        return "a huge integer"
    text = ascii(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
