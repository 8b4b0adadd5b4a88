"""Notebooks of format 3 (IPython 1 to 2, 2013-2015) rewritten in the shape of format 4, outputs left out.

The rules are those of nbformat's `v4/convert.py`, without its random cell ids and its second of import time.
"""

from __future__ import annotations

from typing import Any

from codalab_nb.model.base import JsonObject


def upgrade(old: JsonObject) -> JsonObject:
    """The same notebook in format 4. What has the wrong shape is handed on as it is: the rules of format 4 judge it."""
    worksheets = old.get("worksheets")
    cells: Any = worksheets
    if isinstance(worksheets, list):
        cells = []
        for sheet in worksheets:
            found = sheet.get("cells") if isinstance(sheet, dict) else None
            cells.extend([_upgrade_cell(cell) for cell in found] if isinstance(found, list) else [found])
    metadata = old.get("metadata", {})
    if isinstance(metadata, dict):
        metadata = {key: value for key, value in metadata.items() if key not in ("name", "signature", "language")}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}


def languages(old: JsonObject) -> set[str]:
    """The languages that a format 3 notebook names, in lower case: it had them in each code cell."""
    found = [old.get("metadata")]
    worksheets = old.get("worksheets")
    for sheet in worksheets if isinstance(worksheets, list) else ():
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        found += cells if isinstance(cells, list) else []
    named = [item.get("language") for item in found if isinstance(item, dict)]
    return {name.lower() for name in named if isinstance(name, str) and name}


def _upgrade_cell(old: Any) -> Any:
    if not isinstance(old, dict):
        return old
    kind = old.get("cell_type")
    cell = {key: value for key, value in old.items() if key in ("cell_type", "metadata", "source")}
    if kind == "code":
        cell["source"] = old.get("input", "")
        if "collapsed" in old and isinstance(cell.setdefault("metadata", {}), dict):
            cell["metadata"] = {**cell["metadata"], "collapsed": old["collapsed"]}
    elif kind == "heading":
        level, source = old.get("level", 1), old.get("source", "")
        text = "".join(source) if isinstance(source, list) and all(isinstance(x, str) for x in source) else source
        if isinstance(text, str):
            marks = "#" * (level if isinstance(level, int) and 1 <= level <= 6 else 1)
            cell.update(cell_type="markdown", source=f"{marks} {' '.join(text.splitlines())}")
    elif kind == "html":
        cell["cell_type"] = "markdown"
    return cell
