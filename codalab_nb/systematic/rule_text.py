"""What is wrong with a rule's text, in words, with the line where it stands and what to do."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from codalab_nb.errors import InputError, Problem

MAX_BYTES = 64 * 1024
_HELP = "docs/do/systematic.md explains every line of a rule."
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]\"']+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_.-]+|\"[^\"]*\"|'[^']*')\s*=")
_MULTILINE = re.compile(r'"""|' + r"'''")
# What steers a terminal, or reverses or hides text: rules are shared among people, and printed as they are.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]"
)
Path = tuple[str | int, ...]
Keys = Mapping[tuple[str, ...], Sequence[str]]  # table, as ("budget",), () for the top → the keys it may have


def read_toml(text: str) -> dict[str, Any]:
    """Raises InputError (rule_size, rule_character, rule_syntax)."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise InputError("rule_size", f"This rule is larger than {MAX_BYTES >> 10} KB.", "Is it the right file?")
    text = text.removeprefix("\ufeff")  # some editors on Windows begin a file with it
    if unseen := _UNSEEN.search(text):
        told = f"Line {text.count(chr(10), 0, unseen.start()) + 1}: there is a character that cannot be seen"
        raise InputError("rule_character", f"{told} (U+{ord(unseen[0]):04X}).", "Remove it, or type the line anew.")
    try:
        return tomllib.loads(text + "\n")  # so that a slip in the last line has a line, too
    except RecursionError as error:
        raise InputError("rule_syntax", "This rule is nested too deep.", _HELP) from error
    except ValueError as error:  # TOMLDecodeError, or a number with thousands of digits
        raise InputError("rule_syntax", _syntax(text, str(error)), _QUOTES) from error


_QUOTES = 'Texts stand in quotes, lists in brackets: names = ["golub*"].'


def _syntax(text: str, told: str) -> str:
    found = re.search(r"\s*\(at line (\d+), column \d+\)$", told)
    if found is None:
        return f"This is not valid TOML: {told.partition(' (at end')[0].partition(';')[0]}."
    line = text.split("\n")[int(found[1]) - 1].strip()
    return f"Line {found[1]} is not valid TOML ({told[: found.start()]}): `{_short(line)}`."


def problems(text: str, error: ValidationError, keys: Keys) -> list[Problem]:
    """Every fault that pydantic found in the text's tables, in the order of the lines."""
    lines = line_numbers(text)
    found = []
    for one in error.errors(include_url=False):
        if one["type"] == "too_short" and one["input"]:
            continue  # only because its members are wrong, which is told of each
        loc: Path = one["loc"]
        message, fix = _words(loc, one["type"], one["msg"], one["input"], one.get("ctx", {}), keys)
        line = _line(lines, loc)
        code = {"missing": "rule_missing", "extra_forbidden": "rule_key"}.get(one["type"], "rule_value")
        told = f"Line {line}: {message}" if line else f"{message[:1].upper()}{message[1:]}"
        found.append((line, Problem(code, told, fix, at=dotted(loc) or None)))
    return [problem for _, problem in sorted(found, key=lambda pair: pair[0])]


def line_numbers(text: str) -> dict[Path, int]:
    """Where each table and key stands: ("methods", 0, "method") → 7. Only for messages: what it does not understand
    is left out."""
    found: dict[Path, int] = {}
    table: Path = ()
    many: dict[str, int] = {}
    inside = ""
    for number, line in enumerate(text.split("\n"), 1):
        if not inside and (header := _HEADER.match(line)):
            parts = [part.strip() for part in header[2].split(".")]
            if header[1] == "[[":
                many[parts[0]] = many.get(parts[0], -1) + 1
            table = (parts[0], *([many[parts[0]]] if parts[0] in many else []), *parts[1:])
            found.setdefault(table, number)
        elif not inside and (key := _KEY.match(line)):
            names = [key[1][1:-1]] if key[1][0] in "\"'" else key[1].split(".")
            found.setdefault((*table, *names), number)
        for mark in _MULTILINE.findall(line):
            inside = "" if mark == inside else inside or mark
    return found


def _line(lines: Mapping[Path, int], loc: Path) -> int:
    """Of the key, or of what it is in; 0 where neither stands in the text."""
    return next((lines[loc[:size]] for size in range(len(loc), 0, -1) if loc[:size] in lines), 0)


def dotted(loc: Path) -> str:
    """`methods.2.method`: as people count, from 1."""
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in loc)


def _words(loc: Path, kind: str, message: str, given: Any, context: Mapping[str, Any], keys: Keys) -> tuple[str, str]:
    """One sentence about what is wrong, and what to do."""
    name, found = dotted(loc), _short(repr(given))
    if kind == "extra_forbidden":
        return _unknown(loc, keys)
    if kind == "missing":
        return f"{name} is missing.", _EXAMPLES.get(str(loc[-1]), _HELP)
    if kind == "value_error":
        told = message.removeprefix("Value error, ")
        return (f"{name}: {told}.", "Correct the line.") if name else (f"{told}.", "Give fewer values.")
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        return f"{name} cannot be {found}.{_near(str(given), known)}", f"There are: {', '.join(known)}."
    if kind == "too_short":
        return f"{name} is empty, which fits nothing.", "Leave the line out, or say what is meant."
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        bound = f"{next(iter(context.values())):g}"
        words = {"greater_than": "more than", "less_than": "less than", "less_than_equal": "at most"}
        fix = "Leave the line out for no limit." if loc[0] == "budget" else "Correct the number."
        return f"{name} must be {words.get(kind, 'at least')} {bound}; found {found}.", fix
    wanted = next((words for start, words in _TYPES.items() if kind.startswith(start)), "")
    if wanted:
        return f"{name} must be {wanted}; found {found}.", _EXAMPLES.get(_last_word(loc), _HELP)
    return f"{name}: {message}; found {found}.", _HELP


_TYPES = {
    "string": "a text in quotes",
    "int": "a whole number",
    "float": "a number",
    "finite": "a number",
    "tuple": "a list in brackets",
    "model": "a table of its own",
    "dict": "a table of its own",
}
_EXAMPLES = {
    "name": 'Give the rule a name: name = "my-rule"',
    "method": 'Name a method: method = "predict-class"; `codalab-nb method list` lists them.',
    "methods": 'Write [[methods]], with two brackets, and below it: method = "predict-class"',
    "datasets": "Write [datasets], and its conditions below it.",
    "budget": "Write [budget], and below it: cpu_hours = 8",
    "parameters": "Write [methods.parameters], and the values below it.",
    "names": 'Write names = ["golub*"]',
    "kinds": 'Write kinds = ["counts", "log"]',
    "roles": 'Write roles = ["condition"]',
    "cpu_hours": "Write cpu_hours = 8",
    "tasks": "Write tasks = 200",
    "priority": "Write priority = 0, or a higher number for what shall come first.",
    "min_samples": "Write min_samples = 10",
    "max_samples": "Write max_samples = 500",
    "min_features": "Write min_features = 100",
    "max_features": "Write max_features = 50000",
    "description": 'Write description = "what it is for"',
}


def _last_word(loc: Path) -> str:
    return next((part for part in reversed(loc) if isinstance(part, str)), "")


def _unknown(loc: Path, keys: Keys) -> tuple[str, str]:
    name, table = str(loc[-1]), tuple(part for part in loc[:-1] if isinstance(part, str))
    where = _table(table)
    known = keys.get(table, ())
    if near := _near(name, known):
        return f"there is no {name!r} in {where}.{near}", f"It may hold: {', '.join(known)}."
    owner = next((other for other, names in keys.items() if _near(name, names)), None)
    if owner is not None:
        meant = "" if name in keys[owner] else _near(name, keys[owner])
        below = f"below {_table(owner)}" if owner else "above the first line in brackets"
        return f"{name!r} stands in {where}.{meant}", f"That is written {below}."
    return f"there is no {name!r} in {where}.", f"It may hold: {', '.join(known)}."


def _table(table: tuple[str, ...]) -> str:
    if not table:
        return "a rule"
    return "[[methods]]" if table == ("methods",) else f"[{'.'.join(table)}]"


def _near(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
