"""The template notebooks, executed as they are, on real data: their numbers, their files, their words."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from codalab_nb.datasets.profile import profile_files, staged_files
from codalab_nb.examples import example_folder

ROOT = Path(__file__).parent.parent.parent
METHODS = ROOT / "notebooks" / "methods"
DATA = ROOT / "tests" / "data"
REPORT = "application/vnd.codalab.report+json"


@dataclass
class Run:
    """What one execution left behind."""

    folder: Path
    metrics: dict[str, float] = field(default_factory=dict)
    figures: dict[str, str] = field(default_factory=dict)  # name → alt text
    text: str = ""

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / f"{name}.csv", index_col=0)


def stage(folder: Path, files: list[Path]) -> None:
    """As a worker does: the files and their profile in inputs/dataset."""
    place = folder / "inputs" / "dataset"
    place.mkdir(parents=True)
    profile, chosen = profile_files(files)
    for path, name in chosen:
        shutil.copy(path, place / name)
    for name, content in staged_files(profile, "test@1").items():
        (place / name).write_bytes(content)


def execute(method: str, folder: Path, **parameters: object) -> Run:
    notebook = nbformat.read(METHODS / f"{method}.ipynb", as_version=4)
    at = next(n for n, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", []))
    injected = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    notebook.cells.insert(at + 1, nbformat.v4.new_code_cell(injected))
    client = NotebookClient(notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    asyncio.run(client.async_execute())
    run = Run(folder)
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        assert output.output_type != "stream", output.get("text")  # no warning reaches the reader
        data: dict[str, Any] = output.get("data", {})
        reported = data.get(REPORT, {})
        if "metric" in reported:
            run.metrics[reported["metric"]] = reported["value"]
        if "figure" in reported:
            run.figures[reported["figure"]] = reported["alt"]
            assert all((folder / file).stat().st_size > 1000 for file in reported["files"])
        run.text += data.get("text/markdown", "") + "\n"
    return run


def small_matrix(folder: Path, table: pd.DataFrame, samples: str) -> Path:
    table.rename_axis("gene").to_csv(folder / "expression.csv")
    (folder / "samples.csv").write_text(samples)
    return folder


def test_differential_expression_finds_the_691_genes_of_golub(tmp_path: Path) -> None:
    stage(tmp_path, [example_folder()])
    run = execute("de-continuous", tmp_path)
    genes = run.table("genes")
    assert run.metrics["genes_found"] == 691 == int((genes["p_adjusted"] < 0.05).sum())
    assert int((genes["p_adjusted"] < 0.01).sum()) == 380
    assert run.metrics["genes_up"] + run.metrics["genes_down"] == 691
    assert run.metrics["prior_df"] == pytest.approx(5.802035, abs=5e-7)
    assert run.metrics["prior_variance"] == pytest.approx(0.2017214, abs=5e-8)
    assert list(genes.index[:4]) == ["M27891_at", "D88422_at", "X95735_at", "M84526_at"]
    assert genes.loc["M27891_at", "difference"] == pytest.approx(2.89194, abs=5e-6)
    assert set(run.figures) == {"volcano", "top_genes"}
    assert "330 genes are higher and 361 lower in AML than in ALL" in run.figures["volcano"]
    for words in (
        "Up means higher in AML than in ALL",
        "proposed, not confirmed",
        "test@1",
        "Smyth (2004)",
        "no fold changes",
    ):
        assert words in run.text
    assert "log2 fold change" not in run.text


def test_differential_expression_of_linear_values_takes_log2(tmp_path: Path) -> None:
    stage(tmp_path, [DATA / "leukemia_armstrong"])
    run = execute("de-continuous", tmp_path, reference="ALL", treated="AML", floor=20)
    genes = run.table("genes")
    assert int((genes["p_adjusted"] < 0.05).sum()) == 2402
    assert int((genes["p_adjusted"] < 0.01).sum()) == 1777
    assert genes.index[0] == "DNTT"
    assert genes["log2_fold_change"].iloc[0] == pytest.approx(-7.78667)
    assert "values under 20 were raised to 20" in run.text
    assert "proposed, not confirmed" not in run.text


def test_shuffled_labels_are_reported_as_no_difference(tmp_path: Path) -> None:
    table = pd.read_csv(example_folder() / "expression.csv", index_col="probe").drop(columns="description")
    shuffled = pd.Series(["x", "y"] * 19).sample(frac=1, random_state=4)
    rows = "".join(f"{name},{group}\n" for name, group in zip(table.columns, shuffled, strict=True))
    (tmp_path / "in").mkdir()
    table.loc["constant"] = 1.0
    stage(tmp_path, [small_matrix(tmp_path / "in", table, "sample,group\n" + rows)])
    run = execute("de-continuous", tmp_path)
    assert run.metrics["genes_found"] <= 3
    assert run.metrics["genes_tested"] == 3052
    assert run.table("genes").loc["constant", "p"] == 1


def test_counts_are_refused_in_one_sentence(tmp_path: Path) -> None:
    stage(tmp_path, [DATA / "pasilla_knockdown"])
    with pytest.raises(CellExecutionError, match="These are counts"):
        execute("de-continuous", tmp_path)


def test_pca_shows_golubs_groups_on_the_first_component(tmp_path: Path) -> None:
    stage(tmp_path, [example_folder()])
    run = execute("pca-overview", tmp_path)
    assert run.metrics["pc1_percent"] == pytest.approx(16.5, abs=0.05)
    assert run.metrics["pc1_r2"] == pytest.approx(0.726, abs=5e-4)
    assert set(run.figures) == {"pca", "components"}
    assert run.figures["pca"].startswith("ALL and AML separate along PC1")
    assert len(run.table("scores")) == 38
    assert len(run.table("weights")) == 3051


@pytest.mark.parametrize(
    ("source", "samples", "features", "odd"),
    [
        ("leukemia_armstrong", 48, 5007, 1),
        ("pasilla_knockdown", 7, 14599, 0),
        ("small_tables/lung.csv", 228, 10, 0),
    ],
)
def test_every_kind_of_data_can_be_checked(tmp_path: Path, source: str, samples: int, features: int, odd: int) -> None:
    stage(tmp_path, [DATA / source])
    run = execute("check-my-data", tmp_path)
    assert (run.metrics["samples"], run.metrics["features"]) == (samples, features)
    assert run.metrics["samples_to_look_at"] == odd
    assert "values" in run.figures
    assert len(run.table("quality")) == (10 if "lung" in source else samples)


@pytest.mark.timeout(600)
def test_the_templates_run_by_themselves_under_nbval(tmp_path: Path) -> None:
    """A person who opens a template sees it work on the example, which says that it is one."""
    for path in METHODS.glob("*.ipynb"):
        shutil.copy(path, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval-lax", "-p", "no:cacheprovider", "-q", "--rootdir", ".", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=25 * len(list(METHODS.glob("*.ipynb"))),
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert (tmp_path / "genes.csv").is_file()
    declared = [
        json.loads(path.read_text())["metadata"]["codalab"]["first_figure"] for path in tmp_path.glob("*.ipynb")
    ]
    assert all((tmp_path / f"{name}.png").is_file() for name in declared)
