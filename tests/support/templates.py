"""Template notebooks run inside the test's own process, on small data that a test has spoilt in one way.

A kernel of its own takes a second for each run, and there are hundreds. What a worker adds is tested with a worker.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from codalab_nb import report
from codalab_nb.datasets.profile import profile_files, staged_files
from codalab_nb.errors import InputError
from codalab_nb.examples import example_folder
from codalab_nb.model.choices import check_parameters
from codalab_nb.model.dataset import Profile
from codalab_nb.model.method import Method, fits, method_from_notebook

ROOT = Path(__file__).parents[2]
METHODS = ROOT / "notebooks" / "methods"
DATA = ROOT / "tests" / "data"


# The data on which a template is tried, where it is not the first that fits.
BEST = {
    "batch-check": "bladder",
    "compare-groups": "plantgrowth",
    "de-counts": "pasilla",
    "map-and-markers": "cells",
    "normalise": "pasilla",
    "pathways": "armstrong",
    "survival": "lung",
}
# Settings with which a run takes less time and shows the same.
QUICK: dict[str, dict[str, Any]] = {
    "predict-class": {"permutations": 5, "repeats": 1, "folds": 3, "n_features": 20},
}


@dataclass(frozen=True)
class Data:
    """A matrix (genes × samples) with its sample table, or a general table (samples is None).

    column: the one that says which group, batch or dose a sample has; roles as a person would declare them.
    """

    name: str
    matrix: pd.DataFrame
    samples: pd.DataFrame | None
    column: str
    roles: Mapping[str, str] = field(default_factory=dict)
    kind: str | None = None
    symbols: bool = False

    def in_order(self, order: Any) -> Data:
        """The same samples in another order."""
        if self.samples is None:
            return replace(self, matrix=self.matrix.iloc[order])
        return replace(self, matrix=self.matrix.iloc[:, order], samples=self.samples.iloc[order])

    def relabelled(self, change: Callable[[pd.Series], Any]) -> Data:
        """With other values in `column`."""
        table = self.matrix if self.samples is None else self.samples
        changed = table.assign(**{self.column: change(table[self.column])})
        return replace(self, matrix=changed) if self.samples is None else replace(self, samples=changed)

    def with_feature(self, values: Any) -> Data:
        """With one more gene (or column), which has the same value everywhere."""
        if self.samples is None:
            return replace(self, matrix=self.matrix.assign(extra=values))
        return replace(self, matrix=pd.concat([self.matrix, _row(self.matrix, values)]))

    def of_samples(self, chosen: Any) -> Data:
        return self.in_order(np.flatnonzero(chosen))

    @property
    def labels(self) -> pd.Series:
        return (self.matrix if self.samples is None else self.samples)[self.column]

    def with_gaps(self, share: float, seed: int = 0) -> Data:
        """With that share of the measurements missing; groups, doses and times are kept."""
        numbers = self.matrix.select_dtypes("number").columns
        numbers = [name for name in numbers if self.samples is not None or name not in (self.column, *self.roles)]
        holes = np.random.default_rng(seed).random((len(self.matrix), len(numbers))) < share
        return replace(self, matrix=self.matrix.assign(**self.matrix[numbers].astype(float).mask(holes)))

    def write(self, folder: Path) -> Path:
        """Writes the files as a person has them."""
        folder.mkdir(parents=True)
        self.matrix.to_csv(folder / "expression.csv", index=self.samples is not None)
        if self.samples is not None:
            self.samples.to_csv(folder / "samples.csv", index_label="sample")
        return folder

    def stage(self, folder: Path) -> Profile:
        """Writes the files and their profile as a worker finds them. Raises InputError as `dataset add` does."""
        raw = self.write(folder / "raw")
        table = raw / "expression.csv"
        sample_table = raw / "samples.csv" if self.samples is not None else None
        profile, files = profile_files([table], samples=sample_table, roles=dict(self.roles), kind=self.kind)
        place = folder / "inputs" / "dataset"
        place.mkdir(parents=True)
        for path, name in files:
            (place / name).write_bytes(path.read_bytes())
        for name, content in staged_files(profile, "test@1").items():
            (place / name).write_bytes(content)
        return profile


@dataclass
class Template:
    """A template notebook and its declaration."""

    path: Path

    def __post_init__(self) -> None:
        self.notebook: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        self.method: Method = method_from_notebook(self.notebook)

    @property
    def name(self) -> str:
        return self.path.stem

    def offered(self, profile: Profile, given: Mapping[str, Any]) -> tuple[dict[str, Any] | None, str]:
        """The parameters with which it would be started, or None and why it would not be."""
        ok, why = fits(self.method, profile)
        if not ok:
            return None, why
        try:
            return check_parameters(self.method, profile, given), ""
        except InputError as error:
            return None, str(error)

    def run(self, folder: Path, parameters: Mapping[str, Any]) -> Ran:
        """Runs its cells in `folder`, where `inputs/dataset` is. What a cell raises comes out."""
        ran = Ran(folder)
        names: dict[str, Any] = {"__name__": "__main__"}
        with _caught(ran, folder):
            for cell in self.notebook["cells"]:
                if cell["cell_type"] != "code":
                    continue
                _run_cell("".join(cell["source"]), f"{self.name}: {cell['id']}", names, ran)
                if "parameters" in cell["metadata"].get("tags", []):
                    names.update(parameters)
        return ran


@dataclass
class Ran:
    """What a run reported."""

    folder: Path
    metrics: dict[str, float] = field(default_factory=dict)
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    text: str = ""

    def take(self, data: Mapping[str, Any], _: object = None) -> None:
        told = data.get(report.REPORT_TYPE, {})
        if "metric" in told:
            self.metrics[told["metric"]] = told["value"]
        for kind, kept in (("figure", self.figures), ("table", self.tables)):
            if kind in told:
                kept[told[kind]] = told
        self.text += str(data.get("text/markdown", ""))


def templates() -> list[Template]:
    return [Template(path) for path in sorted(METHODS.glob("*.ipynb"))]


def _run_cell(source: str, name: str, names: dict[str, Any], ran: Ran) -> None:
    """As IPython does: the value of the last line is shown."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), names)  # the code is our own
    if isinstance(last, ast.Expr):
        shown = eval(compile(ast.Expression(last.value), name, "eval"), names)
        ran.text += getattr(shown, "data", None) or "" if hasattr(shown, "_repr_markdown_") else ""
        ran.text += "\n"


@contextlib.contextmanager
def _caught(ran: Ran, folder: Path) -> Iterator[None]:
    before, publish = Path.cwd(), report._publish
    os.chdir(folder)
    report._publish = ran.take
    try:
        yield
    finally:
        report._publish = publish
        os.chdir(before)


def _row(matrix: pd.DataFrame, values: Any) -> pd.DataFrame:
    return pd.DataFrame([[values] * matrix.shape[1]], index=["EXTRA"], columns=matrix.columns)


# --- data, small: every property is tried with every template


def golub() -> Data:
    frame = pd.read_csv(example_folder() / "expression.csv", index_col="probe").drop(columns="description")
    samples = pd.read_csv(example_folder() / "samples.csv", index_col=0)
    return Data("golub", frame.iloc[::8], samples, "group")


def bladder() -> Data:
    folder = example_folder("bladder_batch")
    frame = pd.read_csv(folder / "expression.csv", index_col=0)
    samples = pd.read_csv(folder / "samples.csv", index_col=0)
    return Data("bladder", frame.iloc[::10], samples, "batch", {"batch": "batch", "cancer": "condition"})


def armstrong() -> Data:
    """The genes of the Hallmark sets and as many others: enough for every set to be tested."""
    from codalab_nb.analysis import genesets

    folder = example_folder("leukemia_armstrong")
    frame = pd.read_csv(folder / "expression.csv.gz", index_col="gene")
    mine = frame.index.isin(list(genesets.choose("hallmark", folder).genes))
    mine[::7] = True
    return Data("armstrong", frame[mine], pd.read_csv(folder / "samples.csv", index_col=0), "group", symbols=True)


def pasilla() -> Data:
    frame = pd.read_csv(DATA / "pasilla_knockdown" / "counts.csv", index_col=0)
    samples = pd.read_csv(DATA / "pasilla_knockdown" / "samples.csv", index_col=0)
    frame = frame[frame.sum(axis=1) >= 10].iloc[::10]
    return Data("pasilla", frame, samples, "condition", {"condition": "condition"})


def cells() -> Data:
    """120 cells of three kinds, in rows in the file, here turned as the others are."""
    folder = DATA / "pbmc68k_reduced"
    frame = pd.read_csv(folder / "expression_cells_x_genes.csv", index_col=0).T
    kinds = pd.read_csv(folder / "cells.csv", index_col=0)
    label = next(name for name in kinds.columns if kinds[name].nunique() == 10)
    chosen = kinds[label].isin(kinds[label].value_counts().index[:3]).to_numpy()
    places = np.flatnonzero(chosen)[:120]
    samples = pd.DataFrame({"kind": kinds[label].to_numpy()[places]}, index=frame.columns[places])
    return Data("cells", frame.iloc[::4, places], samples, "kind", {"kind": "condition"}, symbols=True)


def table(name: str, column: str, **roles: str) -> Data:
    frame = pd.read_csv(DATA / "small_tables" / f"{name}.csv")
    return Data(name, frame, None, column, dict(roles))


def everything() -> list[Data]:
    return [
        golub(),
        bladder(),
        armstrong(),
        pasilla(),
        cells(),
        table("plantgrowth", "group", group="condition"),
        table("iris", "target", target="target"),
        table("puromycin", "conc", conc="dose", state="condition"),
        table("lung", "sex", time="time", status="event", sex="condition"),
    ]
