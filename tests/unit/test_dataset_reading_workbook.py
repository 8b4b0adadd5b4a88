"""Workbooks as people have them: every present value comes through, nothing is guessed, all that was done is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from codalab_nb.datasets.reading import Reading, ReadTable, read_file, write_tidy
from codalab_nb.errors import InputError

LEUKEMIA = Path(__file__).parent.parent / "data" / "leukemia_armstrong"
GENES = ["TP53", "EGFR", "MYC", "BRCA1", "KRAS", "PTEN", "ACTB", "GAPDH"]


def workbook(folder: Path, *sheets: list[list[Any]] | Callable[[Worksheet], None], name: str = "t.xlsx") -> Path:
    """A workbook with one sheet per argument: rows, or a function that fills the sheet."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for number, sheet in enumerate(sheets, start=1):
        page = book.create_sheet(f"Sheet{number}")
        if callable(sheet):
            sheet(page)
        else:
            for row in sheet:
                page.append(row)
    book.save(folder / name)
    return folder / name


def matrix_of(n_samples: int = 4, header: list[Any] | None = None) -> list[list[Any]]:
    names = header or ["gene", *(f"S{n}" for n in range(1, n_samples + 1))]
    return [names, *([gene, *(10.5 * at + n for n in range(n_samples))] for at, gene in enumerate(GENES))]


def table_in(path: Path, **words: str) -> ReadTable:
    table = read_file(path, **words).table
    assert table is not None
    return table


def notes(reading: Reading | ReadTable) -> dict[str, str]:
    return {note.code: note.text for note in reading.notes}


# --- the workbook of 600 genes


@pytest.fixture(scope="module")
def messy() -> Reading:
    return read_file(LEUKEMIA / "leukemia_messy.xlsx")


def test_every_present_value_of_the_messy_workbook_equals_the_truth(messy: Reading) -> None:
    truth = pd.read_csv(LEUKEMIA / "leukemia_messy_truth.csv", index_col="gene")
    shown = pd.read_csv(LEUKEMIA / "leukemia_messy_truth_symbols.csv").set_index("true_symbol")["shown_in_excel"]
    table = messy.table
    assert table is not None
    assert table.name == "Data final v3"
    values = table.frame.iloc[:, list(table.values)].to_numpy(dtype=float)
    missing = np.isnan(values)
    assert values.shape == truth.shape == (600, 48)
    assert missing.sum() == 553
    np.testing.assert_array_equal(values[~missing], truth.to_numpy()[~missing])
    assert table.frame["Symbol"].tolist() == [shown.get(gene, gene) for gene in truth.index]
    assert [name.replace(" ", "_") for name in table.value_names] == list(truth.columns)
    assert table.strays == ()


def test_dates_are_reported_with_every_gene_they_may_have_been_and_kept(messy: Reading) -> None:
    (told,) = [note for note in messy.notes if note.code == "dates_as_genes"]
    symbols = pd.read_csv(LEUKEMIA / "leukemia_messy_truth_symbols.csv")
    assert told.text.startswith("12 gene names look like dates")
    assert len(told.where) == 12
    assert told.where[0] == "Data final v3!A130"
    for true, shown in symbols.itertuples(index=False):
        today = true.replace("SEPT", "SEPTIN").replace("MARCH", "MARCHF")
        assert f"{shown} in A" in told.text
        assert f"({true} / {today}" in told.text
    assert "(MARCH2 / MARCHF2 or MARC2 / MTARC2)" in told.text
    assert messy.table is not None
    assert set(symbols["shown_in_excel"]) <= set(messy.table.frame["Symbol"])


def test_labels_and_sheets_of_the_messy_workbook(messy: Reading) -> None:
    """Labels stay as they are spelled, and names of samples too: who is the same is asked elsewhere."""
    table, samples = messy.table, messy.samples
    assert table is not None
    assert samples is not None
    assert list(table.attributes.columns) == ["Diagnosis"]
    assert table.attributes["Diagnosis"].value_counts().to_dict() == {"AML": 24, "ALL": 24}
    assert "AML 13" in table.attributes.index
    assert samples.name == "samples"
    assert list(samples.frame.columns) == ["Sample ID", "Diagnosis", "Batch/date"]
    assert set(samples.frame["Diagnosis"]) >= {"AML", "aml", "ALL"}
    assert table.annotations == ("note",)
    told = notes(messy)
    for code, words in {
        "sheet_chosen": "'Data final v3' holds the most measurements",
        "title_lines": "'do not edit!! ask Anna'",
        "header_rows": "row 5 names the columns; row 4 ('Diagnosis') describes them",
        "summary_rows": "'MEAN' (row 607)",
        "note_lines": "'Contact: lab 3.14, ext. 220'",
        "missing_words": "553 cells have no value: 295 empty, 95 'n.d.', 92 'NA', 71 '#DIV/0!'",
        "decimal_marks": "120 numbers are written with a decimal comma",
        "spaces_trimmed": "Spaces",
    }.items():
        assert words in told[code], code


def test_the_clean_copy_is_what_was_read(messy: Reading, tmp_path: Path) -> None:
    copies = write_tidy(messy, tmp_path)
    assert messy.table is not None
    assert copies.samples is not None
    back = pd.read_csv(copies.matrix)
    read = messy.table.frame
    assert list(back.columns) == list(read.columns)
    assert back["Symbol"].tolist() == read["Symbol"].tolist()
    places = list(messy.table.values)
    np.testing.assert_array_equal(back.iloc[:, places].to_numpy(float), read.iloc[:, places].to_numpy(float))
    assert pd.read_csv(copies.samples)["Sample ID"].tolist()[0] == "AML_13"


# --- parts of it, one by one


def test_merged_labels_stand_over_all_their_columns(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet["A1"] = "Experiment of May"
        sheet["B2"], sheet["D2"] = "Control", "Treated"
        sheet.merge_cells("B2:C2")
        sheet.merge_cells("D2:E2")
        for row in matrix_of():
            sheet.append(row)

    table = table_in(workbook(tmp_path, fill))
    assert table.attributes["group"].to_dict() == {"S1": "Control", "S2": "Control", "S3": "Treated", "S4": "Treated"}
    assert {"merged_cells", "title_lines", "header_rows"} <= set(notes(table))
    assert table.frame["gene"].tolist() == GENES


def test_a_dose_above_the_samples_is_no_row_of_data(tmp_path: Path) -> None:
    rows = [["dose (uM)", 0, 0, 10, 10], *matrix_of()]
    table = table_in(workbook(tmp_path, rows))
    assert table.attributes["dose (uM)"].tolist() == ["0", "0", "10", "10"]
    assert len(table.frame) == len(GENES)


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["13441,0", "0,5", "1.234,5", "1.234.567,8"], [13441, 0.5, 1234.5, 1234567.8]),
        (["13,441.0", "0.5", "1,234.5", "1,234,567"], [13441, 0.5, 1234.5, 1234567]),
        (["13'441.0", "1 234", "1 234.5", "−3.5"], [13441, 1234, 1234.5, -3.5]),
        (["2,5", "1,234", "1e3", "+4"], [2.5, 1.234, 1000, 4]),  # the first shows what the comma is
        (["1,000.5", "1,234", ".5", "4."], [1000.5, 1234, 0.5, 4]),
    ],
)
def test_numbers_in_the_spellings_of_many_countries(tmp_path: Path, texts: list[str], numbers: list[float]) -> None:
    rows = matrix_of()
    rows[3][1:] = texts
    table = table_in(workbook(tmp_path, rows))
    assert table.frame.iloc[2, 1:].tolist() == numbers
    assert table.strays == ()


def test_a_comma_that_may_be_either_is_not_guessed(tmp_path: Path) -> None:
    rows = matrix_of()
    rows[3][1] = "1,234"
    (stray,) = table_in(workbook(tmp_path, rows)).strays
    assert (stray.where, stray.row_name, stray.column) == ("Sheet1!B4", "MYC", "S1")
    assert stray.may_be == ("1234", "1.234")


def test_text_among_numbers_is_named_by_cell(tmp_path: Path) -> None:
    rows = matrix_of()
    rows[3][1], rows[4][4], rows[5][2] = "repeat!", dt.datetime(2026, 5, 2), "<LOD"
    strays = table_in(workbook(tmp_path, rows)).strays
    assert [(stray.where, stray.text) for stray in strays] == [
        ("Sheet1!B4", "repeat!"),
        ("Sheet1!C6", "<LOD"),
        ("Sheet1!E5", "2-May"),
    ]


def test_summaries_are_left_out_and_genes_called_like_them_are_not(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        for row in [*matrix_of(header=["gene", "S1", "S2", "S3", "S4"]), ["MAX", 3.5, 8, 1, 2]]:
            sheet.append(row)
        sheet["F1"] = "Mean"
        for row in range(2, 11):
            sheet[f"F{row}"] = f"=AVERAGE(B{row}:E{row})"
        sheet["A12"] = "SD"
        for column in "BCDE":
            sheet[f"{column}12"] = f"=STDEV({column}2:{column}10)"

    reading = read_file(workbook(tmp_path, fill))
    assert reading.table is not None
    assert reading.table.frame["gene"].tolist() == [*GENES, "MAX"]
    assert reading.table.value_names == ("S1", "S2", "S3", "S4")
    assert {"summary_rows", "summary_columns"} <= set(notes(reading))


def test_formulas_that_were_never_calculated_are_refused(tmp_path: Path) -> None:
    rows = matrix_of()
    rows[2][2] = "=B3*2"
    with pytest.raises(InputError, match="Sheet1!C3") as refused:
        read_file(workbook(tmp_path, rows))
    assert refused.value.code == "formulas_without_values"


def test_the_sheet_can_be_named_and_a_wrong_name_is_told_with_those_there_are(tmp_path: Path) -> None:
    small, large = matrix_of(4), matrix_of(6)
    path = workbook(tmp_path, small, large, [["sample", "group"], *([f"S{n}", "ab"[n % 2]] for n in range(1, 7))], [])
    reading = read_file(path)
    assert reading.table is not None
    assert reading.samples is not None
    assert (reading.table.name, reading.samples.name) == ("Sheet2", "Sheet3")
    assert "Not used: 'Sheet1'" in notes(reading)["sheet_chosen"]
    assert table_in(path, sheet="Sheet1").value_names == ("S1", "S2", "S3", "S4")
    assert read_file(path, sheet="Sheet1", samples_sheet="Sheet3").samples is not None
    with pytest.raises(InputError, match="Did you mean 'Sheet3'") as refused:
        read_file(path, samples_sheet="sheet3")
    assert "'Sheet1', 'Sheet2', 'Sheet3'" in refused.value.fix
    with pytest.raises(InputError, match="holds no table"):
        read_file(path, sheet="Sheet4")


def test_a_million_formatted_rows_and_an_unused_column_cost_nothing(tmp_path: Path) -> None:
    """Only the sheet's claim is checked here: rows are not filled up to it."""

    def fill(sheet: Worksheet) -> None:
        for row in matrix_of():
            sheet.append(row)
        sheet["A1048576"].number_format = "0.00"
        sheet["XFD3"].number_format = "0.00"

    table = table_in(workbook(tmp_path, fill))
    assert table.frame.shape == (len(GENES), 5)


def test_counters_left_of_the_names_and_empty_first_columns_are_no_samples(tmp_path: Path) -> None:
    rows = matrix_of()
    shifted = [[None, "No." if at == 0 else at, *row] for at, row in enumerate(rows)]
    table = table_in(workbook(tmp_path, [[], *shifted]))
    assert list(table.frame.columns) == ["gene", "S1", "S2", "S3", "S4"]
    assert "columns_left_out" in notes(table)


def test_macros_are_not_touched_and_an_xlsx_called_xls_is_read(tmp_path: Path) -> None:
    path = workbook(tmp_path, matrix_of())
    path.rename(tmp_path / "t.xlsm")
    reading = read_file(tmp_path / "t.xlsm")
    assert reading.table is not None
    assert "neither run nor read" in notes(reading)["macros"]
    (tmp_path / "t.xlsm").rename(tmp_path / "t.xls")
    assert "not_what_it_says" in notes(read_file(tmp_path / "t.xls"))


def test_a_table_of_patients_stays_a_general_table(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["patient", "age", "sex", "visit"]]
    rows += [[f"P{n}", 40 + n, "fm"[n % 2], dt.datetime(2026, 1, n)] for n in range(1, 9)]
    rows[3][1] = "unknown"
    table = table_in(workbook(tmp_path, rows))
    assert table.looks == "table"
    assert table.frame["visit"].tolist()[0] == "2026-01-01"
    assert table.frame["age"].tolist()[2] == "unknown"
