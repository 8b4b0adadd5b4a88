"""What a person typed into a field, as a value; what is wanted, where it is none."""

from __future__ import annotations

import re

from codalab_nb.model.base import Json, JsonObject


class NotYet(Exception):
    """What stands in a field is no value; the sentence says what is wanted."""


def read(schema: JsonObject, typed: str) -> Json:
    """The value that a typed text means. Raises NotYet."""
    text = typed.strip()
    kind = schema["type"]
    if kind == "string":
        if not text and "default" not in schema:
            raise NotYet("Fill this in.")
        return text
    if re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+", text):
        raise NotYet(f"Write {text.replace(',', '')}, or {text.replace(',', '.', 1)} if the comma is a decimal mark.")
    try:
        value = int(text) if kind == "integer" else float(text.replace(",", ".", 1))
    except ValueError as error:
        raise NotYet(wanted(schema)) from error
    low, high = schema.get("minimum"), schema.get("maximum")
    if value - value != 0 or (low is not None and value < low) or (high is not None and value > high):
        raise NotYet(wanted(schema))
    return value


def wanted(schema: JsonObject) -> str:
    """`Give a number between 0.000001 and 0.5.`"""
    what = "a whole number" if schema["type"] == "integer" else "a number"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"Give {what} between {spelled(low)} and {spelled(high)}."
    if low is not None:
        return f"Give {what} of at least {spelled(low)}."
    return f"Give {what} of at most {spelled(high)}." if high is not None else f"Give {what}."


def spelled(value: Json) -> str:
    """A value as a person would type it: `0.000001`, not `1e-06`."""
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        return f"{value:.12f}".rstrip("0") if 1e-9 < abs(value) < 1e6 else repr(value)
    return str(value)
