"""A staged data set as tables: `load("inputs/dataset")`."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

EXAMPLES = Path(__file__).parent.parent / "examples"
EXAMPLE = EXAMPLES / "golub_leukemia"
FLOOR = 20.0  # of linear intensities, where nobody decided on another
# Kept equal to the words with which the profile was made (a test compares them).
MISSING_WORDS = (
    "", "NA", "N/A", "n/a", "n.a.", "n.d.", "#N/A", "#NA", "#DIV/0!", "#VALUE!", "NaN", "nan", "NULL", "null", "<NA>",
)  # fmt: skip


class AnalysisError(ValueError):
    """The data or the settings do not allow this analysis; the message says why and what to do."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the sentence, not the way through our code (IPython asks for this method)."""
        return [f"This analysis is not possible. {self}"]


@dataclass(frozen=True)
class ExpressionSet:
    """Measurements and what is known about them.

    values: features × samples, float64, NaN where nothing was measured; row names are unique.
    features: one row per feature (annotation columns, perhaps none). samples: one row per sample.
    profile: the data set's profile as parsed JSON. A general table has its rows as samples, its columns of
    numbers as features, and all its columns in `samples`.
    """

    name: str
    values: pd.DataFrame
    features: pd.DataFrame
    samples: pd.DataFrame
    profile: dict[str, Any]
    is_example: bool = False

    @property
    def is_matrix(self) -> bool:
        return self.profile["orientation"] in ("genes_in_rows", "samples_in_rows")

    @property
    def kind(self) -> str:
        return str(self.profile["kind"])

    @property
    def feature_word(self) -> str:
        return "genes" if self.is_matrix else "columns"

    @property
    def sample_word(self) -> str:
        return "samples" if self.is_matrix else "rows"

    def column_with_role(self, role: str) -> str | None:
        return next((column["name"] for column in self.profile["columns"] if column["role"] == role), None)

    def groups(self, column: str) -> pd.Series:
        """The group of each sample as text (2.0 is `2`); NaN where it is not known. Raises AnalysisError."""
        if column not in self.samples.columns:
            known = ", ".join(map(str, self.samples.columns)) or "none"
            raise AnalysisError(f"There is no column {column!r} in the sample table. Columns: {known}.")
        return self.samples[column].map(_spelled).rename(column)

    def labels(self) -> pd.Series:
        """A short name for each feature: its symbol, else its description cut to 30 characters, else its id."""
        for wanted in ("symbol", "gene_symbol", "gene_name", "genename", "gene", "description"):
            for column in self.features.columns:
                if str(column).casefold() == wanted:
                    text = self.features[column].map(_shown)
                    return text.where(text != "", self.values.index.to_series())
        return self.values.index.to_series()


def load(folder: str | Path) -> ExpressionSet:
    """Reads a data set as it is staged for a method: its files beside `profile.json`. Raises AnalysisError."""
    folder = Path(folder)
    try:
        profile = json.loads((folder / "profile.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AnalysisError(
            f"There is no data set in {str(folder)!r} (no profile.json). Add the files with `codalab-nb dataset add` "
            "and start this notebook with `codalab-nb analyze`, or name the folder of a staged data set."
        ) from None
    except ValueError as error:
        raise AnalysisError(f"{folder / 'profile.json'} is damaged: {error}. Add the data set again.") from error
    if profile["orientation"] == "files":
        raise AnalysisError("No file of this data set was read as a table, so there is nothing to analyze here.")
    try:
        frame = _read(folder, profile["matrix"])
        data = _matrix(folder, frame, profile) if profile["orientation"] != "table" else _table(folder, frame, profile)
    except (FileNotFoundError, KeyError) as error:
        raise AnalysisError(
            f"The files in {str(folder)!r} do not match their profile: {error}. Add the data set again."
        ) from error
    return data


def load_or_example(folder: str | Path, example: str = EXAMPLE.name) -> ExpressionSet:
    """As `load`; where the folder does not exist at all, a data set that comes along, marked as an example.

    For a person who opens a template notebook to see what it does. A task always has its folder. `example` names a
    folder in `codalab_nb/examples`: Golub's leukemia data, unless the method needs something these have not.
    """
    if Path(folder).exists():
        return load(folder)
    return replace(load(EXAMPLES / example), is_example=True)


def usual_floor(data: ExpressionSet) -> float:
    """The floor to propose for linear values: 1 where they look like TPM or FPKM, else FLOOR, which suits arrays.

    Marks of TPM and FPKM: nothing is negative, small values occur, and there are exact zeros, or all samples have one
    total, or most values lie under FLOOR, so that it would make them one and the same.
    """
    values = data.values.to_numpy(np.float64)
    measured = values[np.isfinite(values)]
    if data.kind != "linear" or not data.is_matrix or not measured.size or measured.min() < 0 or not measured.any():
        return FLOOR
    if measured[measured > 0].min() >= FLOOR:  # of proteins, say: 0 is then far from all that was measured
        return FLOOR
    totals = np.nansum(values, axis=0)
    one_total = len(totals) > 1 and bool(np.ptp(totals) < 0.005 * np.median(totals))
    zeros, low = float((measured == 0).mean()), float((measured < FLOOR).mean())
    return 1.0 if zeros > 0.001 or one_total or low > 0.5 else FLOOR


def floor_for(data: ExpressionSet, floor: float) -> float:
    """`floor`, or the usual one for such data where it was left at its default."""
    return usual_floor(data) if floor == FLOOR else floor


def _read(folder: Path, table: dict[str, Any]) -> pd.DataFrame:
    """All columns, named by the header (stripped; an empty first name is `id`); numbers where a column is numbers."""
    path = folder / table["path"]
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    with opened(path, "rt", encoding=table["encoding"], newline="") as text:
        header = [name.strip() for name in next(filter(any, csv.reader(text, delimiter=table["separator"])))]
    names = ["id", *header] if table["row_names"] else header
    names = [name or ("id" if place == 0 else f"column {place + 1}") for place, name in enumerate(names)]
    frame = pd.read_csv(
        path,
        sep=table["separator"],
        decimal=table["decimal"],
        encoding=table["encoding"],
        header=0,
        names=names,
        index_col=False,
        keep_default_na=False,
        na_values=list(MISSING_WORDS),
        skipinitialspace=True,
        low_memory=False,
    )
    return frame.replace([np.inf, -np.inf], np.nan)


def _matrix(folder: Path, frame: pd.DataFrame, profile: dict[str, Any]) -> ExpressionSet:
    ids = frame[profile["id_column"]].map(_as_name) if profile["id_column"] else pd.Series(map(str, frame.index))
    annotation = frame[profile["annotations"]]
    unnamed = [name for name in frame.columns if name.startswith("column ") and bool(frame[name].isna().all())]
    numbers = frame.drop(
        columns=[*profile["annotations"], *unnamed, *([profile["id_column"]] if profile["id_column"] else [])]
    )
    values = numbers.astype(np.float64)
    if profile["orientation"] == "samples_in_rows":
        values.index = pd.Index(ids)
        values = values.T
        features = pd.DataFrame(index=_unique(pd.Index(values.index)))
        inline = annotation.set_axis(pd.Index(ids))
    else:
        features = annotation.set_axis(_unique(pd.Index(ids)))
        inline = pd.DataFrame(index=values.columns)
    values.index = features.index
    renamed = profile.get("renamed") or {}  # a sample that is spelled differently in the sample table goes by that
    values.columns = pd.Index([renamed.get(name, name) for name in values.columns])
    samples = _decided(_samples(folder, values.columns, inline, profile), profile)
    return ExpressionSet(_name(folder, profile), values, features, samples, profile)


def _samples(folder: Path, names: pd.Index, inline: pd.DataFrame, profile: dict[str, Any]) -> pd.DataFrame:
    if profile["samples"]:
        table = _read(folder, profile["samples"])
        ids = table[profile["sample_id_column"]].map(_as_name)
        described = table.drop(columns=profile["sample_id_column"]).set_axis(pd.Index(ids))
        return pd.DataFrame(described.reindex(names))
    if profile["groups_from_names"]:
        return pd.DataFrame({"group": profile["groups_from_names"]}, index=names)
    return inline


def _decided(samples: pd.DataFrame, profile: dict[str, Any]) -> pd.DataFrame:
    """Text without spaces around it, and groups under the names which a person gave them (`aml` is AML)."""
    samples = samples.copy()
    for column in profile["columns"]:
        values = samples[column["name"]]
        recoded = column.get("recoded")
        if recoded:
            samples[column["name"]] = values.map(_spelled).replace(recoded)
        elif values.dtype == object:
            samples[column["name"]] = values.map(lambda value: value.strip() if isinstance(value, str) else value)
    return samples


def _table(folder: Path, frame: pd.DataFrame, profile: dict[str, Any]) -> ExpressionSet:
    frame = frame[[column["name"] for column in profile["columns"]]]
    frame.index = pd.Index([str(row + 1) for row in range(len(frame))])
    frame = _decided(frame, profile)
    values = frame.select_dtypes("number").astype(np.float64).T
    return ExpressionSet(_name(folder, profile), values, pd.DataFrame(index=values.index), frame, profile)


def _name(folder: Path, profile: dict[str, Any]) -> str:
    return str(profile.get("dataset") or folder.resolve().name)


def _unique(names: pd.Index) -> pd.Index:
    """`A`, `A`, `B` → `A`, `A (2)`, `B`: every row is kept and can be told apart."""
    count = names.to_series().groupby(names).cumcount().to_numpy() + 1
    return pd.Index([name if n == 1 else f"{name} ({n})" for name, n in zip(names, count, strict=True)])


def _as_name(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else str(int(value)) if value.is_integer() else str(value)
    return str(value).strip()


def _spelled(value: object) -> object:
    return np.nan if isinstance(value, float) and value != value else _as_name(value)


def _shown(value: object) -> str:
    """A label, or "" for what stands where there is none: `na` in GCT files, `---` in those of Affymetrix."""
    text = "" if value != value else str(value).strip()
    return "" if text.casefold() in ("", "na", "n/a", "nan", "null", "---") else _shortened(text)


def _shortened(text: str, longest: int = 30) -> str:
    """Without what follows in brackets, and cut at a word."""
    text = text.split(" (")[0].strip() or text
    if len(text) <= longest:
        return text
    return text[: text.rfind(" ", 12, longest) if " " in text[12:longest] else longest - 1].rstrip(" ,;(") + " …"
