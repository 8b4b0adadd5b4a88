"""A part of a data set as a data set of its own, staged as every other: fewer samples, fewer features, other labels.

whole = Staged.read("inputs/dataset")
whole.write("half", samples=[0, 2, 4], labels=Series)
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from codalab_nb.analysis.expression import AnalysisError, ExpressionSet, load

MATRIX, SAMPLES, TABLE = "expression.csv", "samples.csv", "table.csv"


@dataclass(frozen=True)
class Staged:
    """A staged data set that was read once, so that many parts can be written."""

    folder: Path
    data: ExpressionSet
    _written: dict[bytes, Path] = field(default_factory=dict)  # the values of all samples, once they are written

    @classmethod
    def read(cls, folder: str | Path) -> Staged:
        """Raises AnalysisError where it cannot be read as a table."""
        return cls(Path(folder), load(folder))

    def write(
        self,
        into: str | Path,
        *,
        samples: Iterable[int] | None = None,
        features: Iterable[int] | None = None,
        labels: Mapping[str, Iterable[Any]] | None = None,
    ) -> Path:
        """Writes the part into a new folder, and returns it.

        samples, features: positions among those of `data`, in the wanted order; None: all. labels: column of the
        sample table → its new values, one for each sample written. The part is read as the whole would be: same kind
        of values, same roles, same reference where that group is still there.
        """
        into = Path(into)
        into.mkdir(parents=True)
        data = self.data
        rows = np.arange(data.values.shape[0]) if features is None else np.array(list(features), dtype=np.intp)
        columns = np.arange(len(data.samples)) if samples is None else np.array(list(samples), dtype=np.intp)
        described = data.samples.iloc[columns].copy()
        for column, values in (labels or {}).items():
            if column not in described.columns:
                raise AnalysisError(f"There is no column {column!r} to give other values.")
            described[column] = list(values)
        told = dict(data.profile) | {
            "renamed": {},
            "renamed_proposed": False,
            "groups_from_names": [],
            "original": None,
        }
        told |= {"warnings": [], "reading": []}
        if data.is_matrix:
            self._write_matrix(into, rows, columns, whole=samples is None and features is None)
            told |= _described(into / SAMPLES, described)
            told |= {"orientation": "genes_in_rows", "matrix": _text_table(MATRIX), "id_column": self._id_column}
            told["annotations"] = [str(name) for name in data.features.columns]
        else:
            numbers = set(data.values.index)
            kept = {data.values.index[row] for row in rows} | {
                one["name"] for one in data.profile["columns"] if one["role"]
            }
            described = described[[name for name in described.columns if name in kept or name not in numbers]]
            described.to_csv(into / TABLE, index=False, lineterminator="\n")
            told |= {"matrix": _text_table(TABLE), "samples": None, "sample_id_column": None}
        told["columns"] = _columns(data, described)
        told["reference"] = _reference(data.profile["reference"], told["columns"])
        part = data.values.iloc[rows, columns].to_numpy(np.float64)
        told |= {"n_samples": len(columns), "n_features": len(rows), "missing": int(np.isnan(part).sum())}
        for name in data.profile.get("gene_sets") or ():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.folder / name, into / name)
        (into / "profile.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        return into

    @property
    def _id_column(self) -> str:
        wanted = str(self.data.profile["id_column"] or "feature")
        taken = {*map(str, self.data.features.columns), *map(str, self.data.values.columns)}
        return wanted if wanted not in taken else _free("feature", taken)

    def _write_matrix(self, into: Path, rows: Any, columns: Any, *, whole: bool) -> None:
        """The values of all samples are written once: writing takes longer than most analyses."""
        first = self._written.get(b"whole")
        if whole and first is not None and first.exists():
            shutil.copyfile(first, into / MATRIX)
            return
        values = self.data.values.iloc[rows, columns]
        if self.data.kind == "counts" and bool(values.notna().all(axis=None)):
            values = values.astype(np.int64)
        frame = pd.concat([self.data.features.iloc[rows], values], axis=1)
        frame.to_csv(into / MATRIX, index_label=self._id_column, lineterminator="\n")
        if whole:
            self._written[b"whole"] = into / MATRIX


def _described(path: Path, samples: pd.DataFrame) -> dict[str, Any]:
    """Writes the sample table, and what the profile says about it."""
    name = _free("sample", set(map(str, samples.columns)))
    samples.to_csv(path, index_label=name, lineterminator="\n")
    return {"samples": _text_table(path.name), "sample_id_column": name}


def _columns(data: ExpressionSet, samples: pd.DataFrame) -> list[dict[str, Any]]:
    """As in the whole, but for how many samples each group has; a column of groups that lost all is left out."""
    columns = []
    for one in data.profile["columns"]:
        if one["name"] not in samples.columns:
            continue
        told = dict(one) | {"recoded": {}, "missing": int(samples[one["name"]].isna().sum())}
        if one["levels"]:
            sizes = data_groups(samples[one["name"]]).value_counts(sort=False)
            told["levels"] = [{"name": str(name), "n": int(n)} for name, n in sizes.items()]
        columns.append(told)
    return columns


def data_groups(column: pd.Series) -> pd.Series:
    """As `ExpressionSet.groups` spells them."""
    frame = pd.DataFrame({"group": column})
    return ExpressionSet("", pd.DataFrame(), pd.DataFrame(), frame, {}).groups("group").dropna()


def _reference(reference: dict[str, Any] | None, columns: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    if reference is None:
        return None
    levels = {level["name"] for one in columns if one["name"] == reference["column"] for level in one["levels"]}
    return dict(reference) if reference["level"] in levels else None


def _text_table(path: str) -> dict[str, Any]:
    return {"path": path, "separator": ",", "decimal": ".", "encoding": "utf-8-sig", "row_names": False}


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name
