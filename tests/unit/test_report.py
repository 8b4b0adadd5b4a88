"""metric, figure and table: what a notebook hands over, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from IPython import get_ipython
from matplotlib.figure import Figure

from codalab_nb import report

Published = list[tuple[dict[str, Any], dict[str, Any]]]


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Published:
    """What a notebook would show; the current folder is empty."""
    monkeypatch.chdir(tmp_path)
    shown: Published = []
    monkeypatch.setattr(report, "_publish", lambda data, metadata=None: shown.append((data, metadata or {})))
    return shown


@pytest.mark.parametrize("value", [0, -1.5, np.float64(0.25), np.int64(3)])
def test_finite_numbers_are_metrics(published: Published, value: float) -> None:
    report.metric("genes_found", value)
    data, _ = published[0]
    assert data[report.REPORT_TYPE] == {"metric": "genes_found", "value": float(value)}
    assert type(data[report.REPORT_TYPE]["value"]) in (int, float)
    assert data["text/plain"].startswith("genes_found = ")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.nan, True, "3", None, np.array([1.0, 2.0])])
def test_anything_else_is_refused_with_the_name(published: Published, value: Any) -> None:
    with pytest.raises(ValueError, match="metric 'auc' must be a finite number"):
        report.metric("auc", value)


@pytest.mark.parametrize("name", ["", "1st", "a b", "../x", "a/b", "x" * 65, "ä", "a\n", ".hidden"])
def test_names_that_could_leave_the_folder_are_refused(published: Published, name: str) -> None:
    for call in (
        lambda: report.metric(name, 1),
        lambda: report.figure(Figure(), name),
        lambda: report.table(pd.DataFrame(), name),
    ):
        with pytest.raises(ValueError, match="not a name to report under"):
            call()
    assert list(Path().iterdir()) == []


def test_a_figure_is_saved_twice_and_described(published: Published) -> None:
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([1, 2])
    report.figure(figure, "volcano", title="Two genes", alt="Two dots.")
    first = (Path("volcano.png").read_bytes(), Path("volcano.svg").read_bytes())
    data, metadata = published[0]
    assert metadata["image/png"]["alt"] == data["text/plain"] == "Two dots."
    assert data[report.REPORT_TYPE]["files"] == ["volcano.png", "volcano.svg"]
    assert first[0].startswith(b"\x89PNG")
    report.figure(figure, "volcano", title="Two genes", alt="Two dots.")
    assert first == (Path("volcano.png").read_bytes(), Path("volcano.svg").read_bytes())


def test_a_table_is_written_whole_and_cannot_run_as_a_formula(published: Published) -> None:
    frame = pd.DataFrame(
        {"note": ["=1+1", "+x", "-x", "@x", "fine"] * 10, "=bad": range(50), "value": [-0.5] * 50},
        index=pd.Index(["-gene"] * 50, name="gene"),
    )
    report.table(frame, "genes", title="Genes <b>", rows=3)
    written = pd.read_csv("genes.csv")
    assert list(written.columns) == ["gene", "note", "'=bad", "value"]
    assert list(written["note"][:5]) == ["'=1+1", "'+x", "'-x", "'@x", "fine"]
    assert list(written["value"]) == [-0.5] * 50
    assert written["gene"][0] == "'-gene"
    data, _ = published[0]
    assert data[report.REPORT_TYPE]["rows"] == 50
    assert "<b>" not in data["text/html"]
    assert data["text/html"].count("<tr") == 4
    assert list(frame.columns) == ["note", "=bad", "value"]  # the caller's table is left alone


def test_a_workbook_keeps_text_as_text_and_numbers_as_numbers(published: Published) -> None:
    """Excel makes dates of the names of genes; ours stay what they are, even when a cell is edited."""
    frame = pd.DataFrame(
        {
            "gene": ["SEPT2", "MARCH1", "2-Mar", "=1+1", None],
            "id": ["007", "1E5", "_x0041_", "a\x01<b>&", ""],
            "p": [1e-300, np.nan, 0.5, -2, 3e10],
            "n": [1, 2, 3, 4, 5],
            "long": [10**18 + number for number in range(5)],
            "up": [True, False, True, False, True],
            "ratio": [np.inf, 1, 2, 3, 4],
        }
    )
    frame["whole"] = pd.array([1, None, 3, 4, 5], dtype="Int64")
    report.table(frame, "genes")
    data, _ = published[0]
    assert data[report.REPORT_TYPE]["files"] == ["genes.csv", "genes.xlsx"]
    assert "genes.csv and genes.xlsx" in data["text/plain"]
    sheet = openpyxl.load_workbook("genes.xlsx")["genes"]
    cells = list(sheet.iter_rows(min_row=2))
    assert [[cell.value for cell in row] for row in cells] == [
        ["SEPT2", "007", 1e-300, 1, "1000000000000000000", "True", "inf", 1],
        ["MARCH1", "1E5", None, 2, "1000000000000000001", "False", "1.0", None],
        ["2-Mar", "_x005F_x0041_", 0.5, 3, "1000000000000000002", "True", "2.0", 3],  # Excel shows _x0041_
        ["=1+1", r"a\x01<b>&", -2, 4, "1000000000000000003", "False", "3.0", 4],
        [None, None, 3e10, 5, "1000000000000000004", "True", "4.0", 5],
    ]
    assert {(cell.data_type, cell.number_format) for row in cells for cell in row[:2] if cell.value} == {("s", "@")}
    assert sheet.freeze_panes == "A2"
    first = Path("genes.xlsx").read_bytes()
    report.table(frame, "genes")
    assert first == Path("genes.xlsx").read_bytes()


def test_a_huge_table_is_written_as_csv_only_and_says_so(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MOST_CELLS", 9)
    report.table(pd.DataFrame(np.zeros((5, 2))), "big")
    assert [path.name for path in Path().iterdir()] == ["big.csv"]
    assert "big.csv (too large for a workbook)" in published[0][0]["text/plain"]


def test_a_categorical_column_is_made_harmless_too(published: Published) -> None:
    report.table(pd.DataFrame({"g": pd.Categorical(["=x", "y"])}), "t")
    assert Path("t.csv").read_text() == "g\n'=x\ny\n"


def test_outside_a_notebook_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    if get_ipython() is not None:  # another test started one
        pytest.skip("an IPython shell runs in this process")
    report.metric("score", 0.5)
    assert capsys.readouterr().out == "score = 0.5\n"
