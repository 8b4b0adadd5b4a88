"""1.526 may be 1526: where nothing in a file tells, it is refused; real decimals are left alone."""

from __future__ import annotations

import re
from pathlib import Path

import openpyxl
import pytest

from codalab_nb.datasets.profile import profile_files
from codalab_nb.errors import InputError

NAMES = ["gene", "ctrl_1", "ctrl_2", "trt_1", "trt_2"]
COUNTS = [["TP53", 133, 1526, 88, 2049], ["MYC", 43, 90, 1120, 22], ["EGFR", 2, 0, 7, 5], ["KRAS", 64, 49, 999, 3]]
LARGE = [[row[0], *[1000 + int(cell) for cell in row[1:]]] for row in COUNTS]


def text(rows: list[list[str | int]], mark: str, separator: str, *, title: str = "") -> str:
    spelled = [[cell if isinstance(cell, str) else f"{cell:,}".replace(",", mark) for cell in row] for row in rows]
    return title + "\n".join(separator.join(row) for row in [NAMES, *spelled]) + "\n"


@pytest.mark.parametrize("title", ["", "Exported by the core facility\n\n"])
@pytest.mark.parametrize(
    ("rows", "mark", "separator"),
    [
        (COUNTS, ".", ";"),
        (COUNTS, ".", "\t"),
        (COUNTS, ",", ";"),
        (COUNTS, ",", "\t"),
        (LARGE, ",", ";"),
        (LARGE, ",", "\t"),
        (LARGE, ".", ";"),
    ],
)
def test_thousands_that_may_be_decimals_are_refused(
    tmp_path: Path, rows: list[list[str | int]], mark: str, separator: str, title: str
) -> None:
    path = tmp_path / "counts.txt"
    path.write_text(text(rows, mark, separator, title=title))
    with pytest.raises(InputError) as refused:
        profile_files([path])
    first = refused.value.problems[0]
    assert first.code == "text_in_numbers"
    assert re.search(r"may be \d{4} or \d\.\d{3}", str(first))


@pytest.mark.parametrize("bare_as_text", [True, False])
def test_thousands_as_text_of_a_workbook_are_refused(tmp_path: Path, bare_as_text: bool) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(NAMES)
    for name, *cells in COUNTS:
        sheet.append([name, *[f"{c:,}".replace(",", ".") if c >= 1000 or bare_as_text else c for c in cells]])
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(InputError, match=r"1526 or 1\.526"):
        profile_files([tmp_path / "t.xlsx"])


@pytest.mark.parametrize(
    "content",
    [
        "gene,ctrl_1,ctrl_2,trt_1,trt_2\nTP53,1.526,2.113,3,4\nMYC,4.125,3.001,2,1\n",  # commas: the point is decimal
        "gene\tctrl_1\tctrl_2\ttrt_1\ttrt_2\nTP53\t1.526\t2.113\t3.250\t4.125\nMYC\t4.125\t3.001\t2.500\t1.001\n",
        "gene\tctrl_1\tctrl_2\ttrt_1\ttrt_2\nTP53\t1.526\t2.11\t3\t4\nMYC\t4.125\t3.001\t2\t1\n",  # lengths differ
        "gene;ctrl_1;ctrl_2;trt_1;trt_2\nTP53;1,526;0,113;3;4\nMYC;4,125;3,001;2;1\n",  # 0,113 has no thousands
        "gene\tctrl_1\tctrl_2\ttrt_1\ttrt_2\nTP53\t1.526\t2.113\t3\t4\nMYC\t4125\t3.001\t2\t1\n",  # 4125 is not marked
    ],
)
def test_real_decimals_stay_untouched(tmp_path: Path, content: str) -> None:
    path = tmp_path / "values.txt"
    path.write_text(content)
    profile, _ = profile_files([path])
    assert profile.value_min is not None
    assert profile.value_min < 2
    assert profile.reading == ()
