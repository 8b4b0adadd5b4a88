"""Cases of the corpus too large to store, or that no JSON file can say. Each beside its expected verdict."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Made = Callable[[], Any]


def _notebook(cells: list[dict[str, Any]]) -> bytes:
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}).encode()


def _cells(count: int) -> list[dict[str, Any]]:
    return [
        {"cell_type": "code", "execution_count": None, "id": f"c{i}", "metadata": {}, "outputs": [], "source": "x = 1"}
        for i in range(count)
    ]


def _large() -> bytes:
    cells = _cells(1)
    cells[0]["source"] = "#" * 60_000_000
    return _notebook(cells)


def _endless() -> list[Any]:
    endless: list[Any] = []
    endless.append(endless)
    return endless


def _aliased() -> list[Any]:
    """Small in memory; 10^15 members when written out."""
    grown: list[Any] = [0] * 10
    for _ in range(14):
        grown = [grown] * 10
    return grown


NOTEBOOKS: list[tuple[str, str, Callable[[], bytes]]] = [
    ("nb_depth", "N7-lists-100000", lambda: b"[" * 100_000),
    ("nb_depth", "N7-closed-lists-100000", lambda: b"[" * 100_000 + b"]" * 100_000),
    ("nb_depth", "N7-objects-100000", lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    ("nb_depth", "N7-depth-101", lambda: b'{"a":' + b"[" * 100 + b"]" * 100 + b"}"),
    ("ok", "N7-brackets-in-text", lambda: _notebook([{**_cells(1)[0], "source": '"' + "[{" * 100_000}])),
    ("nb_json", "N9-5000-digits", lambda: b'{"nbformat": ' + b"4" * 5_000 + b"}"),
    ("ok", "N29-5000-cells", lambda: _notebook(_cells(5_000))),
    ("nb_size", "N29-100000-cells", lambda: _notebook(_cells(100_000))),
    ("nb_size", "N29-60-mb", _large),
    ("nb_size", "N29-20-million-lists", lambda: b'{"cells": [' + b"[]," * 15_000_000 + b"[]]}"),
    ("nb_size", "N29-16-million-texts", lambda: b'{"cells": [' + b'"",' * 16_000_000 + b'""]}'),
]

PARAMETERS: list[tuple[str, str, Made]] = [
    ("param_name", "P3-int-key", lambda: {1: "x"}),
    ("param_name", "P3-none-key", lambda: {None: "x"}),
    ("param_value", "P8-nan", lambda: {"a": float("nan")}),
    ("param_value", "P8-infinity", lambda: {"a": [float("inf")]}),
    ("param_value", "P8-5000-digits", lambda: {"a": 10**5_000}),
    ("param_type", "P9-bytes", lambda: {"a": b"x"}),
    ("param_type", "P9-tuple", lambda: {"a": (1, 2)}),
    ("param_type", "P9-set", lambda: {"a": {1}}),
    ("param_type", "P9-date", lambda: {"a": dt.date(2020, 1, 1)}),
    ("param_type", "P9-inside", lambda: {"a": [{"b": b"x"}]}),
    ("param_type", "P9-object", lambda: {"a": object()}),
    ("param_type", "P10-int-key", lambda: {"a": {1: "x"}}),
    ("param_type", "P10-none-key", lambda: {"a": {None: "x"}}),
    ("param_size", "P11-megabyte", lambda: {"a": "x" * 1_000_000}),
    ("param_size", "P11-64-kb-together", lambda: {f"a{i}": "x" * 1_000 for i in range(66)}),
    ("ok", "P11-60-kb-together", lambda: {f"a{i}": "x" * 1_000 for i in range(60)}),
    ("param_size", "P11-10000-parameters", lambda: {f"a{i}": 1 for i in range(10_000)}),
    ("ok", "P11-1000-parameters", lambda: {f"a{i}": 1 for i in range(1_000)}),
    ("param_size", "P11-endless", lambda: {"a": _endless()}),
    ("param_size", "P11-aliased", lambda: {"a": _aliased()}),
]


def stored(group: str) -> Iterator[tuple[str, str, bytes]]:
    """Expected verdict, file name and content of each stored case of a group."""
    for path in sorted(Path(__file__).parent.joinpath(group).glob("*/*")):
        yield path.parent.name, path.name, path.read_bytes()
