"""Cells and metadata of a notebook, judged one by one and copied into the shape of format 4.5.

Everything is built anew from what the format knows, so nothing unknown travels along.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from codalab_nb.errors import Problem, Problems
from codalab_nb.model.base import JsonObject

# Pictures a page can show as pictures. HTML and SVG can carry scripts and are left out.
SAFE_ATTACHMENTS = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "text/plain"})

_MAX_TOLD = 10  # problems told of one notebook; the rest would bury them
_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KINDS = ("code", "markdown", "raw")
_FIX = "Open it in Jupyter, remove or retype that cell, and save."

# Marks of earlier runs and of trust. `widgets` is the state behind outputs, which are cleared.
_DROPPED = frozenset({"papermill", "trusted", "signature", "execution", "widgets", "orig_nbformat_minor"})

# Members that the format gives a type. They only steer the display: a wrong one is left out, not refused.
_DISPLAY: dict[str, Callable[[Any], bool]] = {
    "collapsed": lambda value: isinstance(value, bool),
    "scrolled": lambda value: isinstance(value, bool) or value == "auto",
    "jupyter": lambda value: isinstance(value, dict),
    "name": lambda value: isinstance(value, str) and value != "" and "\n" not in value,
    "format": lambda value: isinstance(value, str),
    "title": lambda value: isinstance(value, str),
    "authors": lambda value: isinstance(value, list),
    "orig_nbformat": lambda value: type(value) is int and value >= 1,
}


def clean_metadata(raw: Any, name: str, problems: Problems) -> JsonObject:
    """The notebook's metadata without the marks of earlier runs; `language_info` is a dictionary or absent."""
    if not isinstance(raw, dict):
        problems.add("nb_shape", f"The metadata of {name} is not an object.", "Open it in Jupyter and save it again.")
        return {}
    metadata = _display_only(raw)
    info = metadata.pop("language_info", None)
    if isinstance(info, dict) and isinstance(info.get("name"), str):
        metadata["language_info"] = {
            key: value
            for key, value in info.items()
            if isinstance(value, str)
            or key not in ("codemirror_mode", "file_extension", "mimetype", "pygments_lexer")
            or (key == "codemirror_mode" and isinstance(value, dict))
        }
    return metadata


def clean_cells(raw: list[Any], name: str, problems: Problems, warnings: list[Problem]) -> list[JsonObject]:
    """The cells in their order; bad ones are told in `problems` by their number, counted from 1."""
    cells: list[JsonObject] = []
    taken = {cell["id"] for cell in raw if isinstance(cell, dict) and isinstance(cell.get("id"), str)}
    used: set[str] = set()
    for number, found in enumerate(raw, start=1):
        fault = _fault(found)
        if fault:
            problems.add("nb_shape", f"Cell {number} of {name} {fault}.", _FIX)
            if len(problems.found) >= _MAX_TOLD:
                break
            continue
        cell_id = found.get("id")
        if not isinstance(cell_id, str) or not _CELL_ID.fullmatch(cell_id) or cell_id in used:
            cell_id = f"cell-{number}"
            while cell_id in taken or cell_id in used:
                cell_id += "-x"
        used.add(cell_id)
        cells.append(_cell(found, cell_id, number, name, warnings))
    return cells


def _fault(cell: Any) -> str | None:
    """What is wrong with the shape of `cell`, as the end of a sentence, or None."""
    if not isinstance(cell, dict):
        return "is not an object"
    if cell.get("cell_type") not in _KINDS:
        return f"has the unknown type {str(cell.get('cell_type'))[:40]!r}"
    source = cell.get("source")
    if not isinstance(source, str) and not _is_texts(source):
        return "has a source that is neither text nor lines of text"
    metadata = cell.get("metadata", {})
    if not isinstance(metadata, dict):
        return "has metadata that is not an object"
    if "tags" in metadata and not _is_texts(metadata["tags"]):
        return "has tags that are not a list of texts"
    return None


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _cell(found: JsonObject, cell_id: str, number: int, name: str, warnings: list[Problem]) -> JsonObject:
    source = found["source"]
    metadata = _display_only(found.get("metadata", {}))
    if "tags" in metadata:
        metadata["tags"] = [tag for tag in dict.fromkeys(metadata["tags"]) if tag and "," not in tag]
    cell: JsonObject = {
        "cell_type": found["cell_type"],
        "id": cell_id,
        "metadata": metadata,
        "source": source if isinstance(source, str) else "".join(source),
    }
    if cell["cell_type"] == "code":
        cell["execution_count"] = None
        cell["outputs"] = []
        return cell
    kept, lost = _attachments(found.get("attachments"))
    if kept:
        cell["attachments"] = kept
    if lost:
        warnings.append(
            Problem(
                "nb_attachment",
                f"Cell {number} of {name} has an attachment of type {lost[0][:60]!r}, which is left out.",
                "Attach pictures as PNG or JPEG.",
            )
        )
    return cell


def _display_only(raw: JsonObject) -> JsonObject:
    return {
        key: value
        for key, value in raw.items()
        if key not in _DROPPED and _DISPLAY.get(key, lambda _value: True)(value)
    }


def _attachments(raw: Any) -> tuple[JsonObject, list[str]]:
    """The pictures among the attachments, and the types of what was left out."""
    kept: JsonObject = {}
    lost: list[str] = []
    for file_name, bundle in raw.items() if isinstance(raw, dict) else ():
        for mime, content in bundle.items() if isinstance(bundle, dict) else ():
            if mime in SAFE_ATTACHMENTS and (isinstance(content, str) or _is_texts(content)):
                kept.setdefault(file_name, {})[mime] = content
            else:
                lost.append(mime)
    return kept, lost
