"""Recommendations and the matrix as HTML: what a person reads, and that nothing in it can act."""

from __future__ import annotations

import re
from dataclasses import replace

from codalab_nb.frontends.notebook import advice_view, matrix_view
from codalab_nb.systematic.view import Advice, Cell, CellState, Column, Matrix, Near, Recommended, Row

EVIL = "<img src=x onerror=alert(1)>"
FOREST = Recommended(
    method="predict-class", title="Predict classes", parameters={"model": "forest", "compare_models": False},
    words="compare_models = False, model = forest", question="class-prediction", measure="balanced accuracy",
    why="On 12 data sets like this one it was best.", badge=True, score=0.932, low=0.86, high=0.97, seconds=12.0,
    runs=12, near=(Near("golub@1", 0.95, 1, 7),),
)  # fmt: skip
QUICK = Recommended(
    method="check-my-data", title="Check my data", parameters={}, words="", question="", measure="",
    why="It fits, and takes about 1 s.", badge=False,
)  # fmt: skip
ADVICE = Advice("mine@2", (FOREST, QUICK), 12, "One more data set would tell more.")
COLUMNS = (
    Column("check-my-data", "check-my-data", "Check my data", "", "", ""),
    Column("predict-class", "predict-class", "Predict classes", "", "class-prediction", "balanced accuracy"),
    Column('predict-class model="forest"', "predict-class", "Predict classes", "model = forest", "class-prediction",
           "balanced accuracy"),
)  # fmt: skip
MATRIX = Matrix(
    COLUMNS,
    (
        Row("a@1", (Cell(CellState.DONE, task="1" * 32, seconds=0.8), Cell(CellState.DONE, score=0.81, seconds=2),
                    Cell(CellState.DONE, score=0.93, seconds=3, best=True))),
        Row("b@1", (Cell(CellState.FAILED, "Out of memory.", "t" * 32), Cell(CellState.UNFIT, "Needs groups."),
                    Cell(CellState.UNFIT, "Needs groups."))),
        Row("c@1", (Cell(CellState.PLANNED, "The rule everyday asks for it."), Cell(CellState.UNFIT, "Needs groups."),
                    Cell(CellState.RUNNING))),
    ),
    40,
    {CellState.DONE: 3, CellState.FAILED: 1},
)  # fmt: skip


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL))


def test_a_recommendation_says_why_and_how_to_run_it() -> None:
    html, text = advice_view.saved(ADVICE)
    told = words(html)
    for part in (
        "from results on 12 data sets",
        "One more data set would tell more.",
        "Class prediction",
        "balanced accuracy 0.93, mostly 0.86 to 0.97 (12 data sets)",
        "On 12 data sets like this one it was best.",
        "golub@1: 0.95, the best of 7 that ran there",
        "%codalab analyze mine@2 -m predict-class -p model=forest -p compare_models=false",
    ):
        assert part in told
    assert html.count(advice_view.BADGE) == 1
    assert "Class prediction: Predict classes (compare_models = False, model = forest)" in text
    assert "no results are known yet" in advice_view.saved(Advice("a@1", (QUICK,), 0))[0]


def test_where_no_method_fits_the_way_to_the_reasons_is_named() -> None:
    assert "%codalab method list --for mine@1" in advice_view.saved(Advice("mine@1", (), 0))[0]


def test_the_matrix_shows_scores_under_their_question_and_why_others_have_none() -> None:
    html, text = matrix_view.saved(MATRIX)
    heads = [words(head).strip() for head in re.findall(r"<th[^>]*>(.*?)</th>", html)]
    assert heads[:3] == ["Data set", "Class prediction balanced accuracy", "On their own"]
    assert heads[3:6] == ["Predict classes", "Predict classes model = forest", "Check my data"]
    rows = [
        [words(cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", html)[2:]
    ]
    assert rows == [
        ["0.81", "★ 0.93", "done"],
        ["does not fit", "does not fit", "failed"],
        ["does not fit", "running", "planned"],
    ]
    told = words(html).replace("  ", " ")
    assert "The first 3 data sets are shown." in told
    assert "Predict classes on b@1, c@1: does not fit. Needs groups." in told
    assert told.count("Needs groups") == 1  # and not once for each setting
    assert "1 cell: planned. The rule everyday asks for it." in told
    assert "b@1 (%codalab status tttttttt)" in told
    assert "40 data sets" in text


def test_an_empty_matrix_says_what_is_missing() -> None:
    assert "no data set yet" in matrix_view.body(Matrix(COLUMNS, (), 0))
    assert "no method that a rule asks for" in matrix_view.body(Matrix((), (Row("a@1", ()),), 1))


def test_text_from_outside_never_becomes_markup() -> None:
    """Names of data sets, titles of methods, reasons of notebooks: all are other people's words (THREATS C10)."""
    evil = replace(
        FOREST, title=EVIL, words=EVIL, question=EVIL, measure=EVIL, why=EVIL, near=(Near(EVIL, 1.0, 1, 2),),
        parameters={EVIL: EVIL},
    )  # fmt: skip
    column = Column(EVIL, EVIL, f'"{EVIL}', EVIL, EVIL, EVIL)
    cells = [Cell(state, f'" onmouseover="x{EVIL}', EVIL) for state in CellState]
    shown = [
        advice_view.saved(Advice(EVIL, (evil,), 1, EVIL))[0],
        *(matrix_view.saved(Matrix((column,), (Row(f'"{EVIL}', (cell,)),), 1))[0] for cell in cells),
    ]
    for html in shown:
        assert "&lt;img" in html
        assert "<img" not in html
        assert '" onmouseover' not in html
