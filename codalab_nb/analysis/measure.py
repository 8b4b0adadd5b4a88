"""What is kept of a data set to tell it apart from others: `measure(folder)`, which never fails on odd data."""

from __future__ import annotations

import json
import math
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codalab_nb.analysis.expression import AnalysisError, ExpressionSet, load
from codalab_nb.analysis.meta_features import SKETCHED, meta_features, sketch

Hashes = NDArray[np.uint64]

_FEATURES = 64  # whose values are compared
_MOST_TOKENS = 300_000
_DIGITS = 4  # of a value, as it survives being written with fewer
_MIXED = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9))  # SplitMix64 (Steele et al. 2014)


def measure(folder: str | Path) -> dict[str, Any]:
    """Plain JSON: rows (samples), columns (features), features (name → number or None), sketches (name → hashes),
    and problem: why there are no numbers, "" where there are.

    Files that are no table, and tables that cannot be read, have the same names with what can be said of nothing.
    """
    problem = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numbers of odd data overflow or are divided by nothing: that gives NaN
        try:
            data = load(folder)
            features, sketches = meta_features(data), _sketches(data)
        except Exception as error:  # noqa: BLE001 - whatever strange data do, it is measured as far as possible
            problem = str(error) if isinstance(error, AnalysisError) else f"{type(error).__name__}: {error}"
            data = _nothing(Path(folder))
            features, sketches = meta_features(data), _sketches(data)
    return {
        "rows": data.values.shape[1],
        "columns": data.values.shape[0],
        "features": {name: number if math.isfinite(number) else None for name, number in features.items()},
        "sketches": sketches,
        "problem": problem[:500],
    }


def content_sketch(values: pd.DataFrame) -> list[int]:
    """Hashes of what samples have in few features: data sets with the same samples share them whatever samples are
    called, whichever other features there are. `values`: features × samples.

    The features are those whose names have the smallest hashes, so that two data sets choose alike; a hash is of two
    values of one sample, since single ones coincide by chance.
    """
    names = np.array([zlib.crc32(str(name).encode()) for name in values.index], dtype=np.uint64)
    chosen = np.argsort(names, kind="stable")[:_FEATURES]
    if len(chosen) < 2 or not values.shape[1]:
        return []
    numbers = values.to_numpy(np.float64)[chosen]
    written, tells = _rounded(numbers)
    cells = _mix(written ^ (names[chosen, None] << np.uint64(32)))
    one, other = np.triu_indices(len(chosen), 1)
    most = max(3, _MOST_TOKENS // values.shape[1])
    one, other = one[:most], other[:most]
    tokens = _mix(cells[one] + _MIXED[0] * cells[other])[tells[one] & tells[other]]
    return [int(token) for token in np.unique(tokens >> np.uint64(16))[:SKETCHED]]


def _sketches(data: ExpressionSet) -> dict[str, list[int]]:
    """Rows of a general table have no names, only numbers, which all tables share."""
    return {
        "samples": sketch(list(data.values.columns)) if data.is_matrix else [],
        "features": sketch(list(data.values.index)),
        "content": content_sketch(data.values),
    }


def _rounded(numbers: NDArray[np.float64]) -> tuple[Hashes, NDArray[np.bool_]]:
    """Values to four digits as whole numbers, and which of them tell anything: 0, 7 and 300 stand in any data."""
    known = np.isfinite(numbers) & (numbers != 0)
    sizes = np.abs(np.where(known, numbers, 1.0))
    powers = np.floor(np.log10(sizes))
    digits = np.round(sizes / 10.0 ** (powers - _DIGITS + 1))
    signed = digits * 4096 + (powers + 1024) * 2 + (numbers < 0)
    return signed.astype(np.uint64), known & (digits % 100 != 0)


def _mix(numbers: Hashes) -> Hashes:
    mixed = (numbers ^ (numbers >> np.uint64(30))) * _MIXED[1]
    return np.asarray((mixed ^ (mixed >> np.uint64(27))) * _MIXED[0])


def _nothing(folder: Path) -> ExpressionSet:
    """A data set without values, of the declared kind where that can be read."""
    try:
        told = json.loads((folder / "profile.json").read_text(encoding="utf-8"))
        profile = {"orientation": str(told["orientation"]), "kind": str(told["kind"])}
    except (OSError, ValueError, KeyError, TypeError):
        profile = {"orientation": "files", "kind": "none"}
    return ExpressionSet(folder.name, pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), profile | {"columns": []})
