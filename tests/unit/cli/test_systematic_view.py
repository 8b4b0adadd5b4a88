"""What is told of systematic analysis: states, budgets, the table, recommendations, in words and in JSON."""

from __future__ import annotations

import io
import json
import shlex
from collections.abc import Callable

from codalab_nb.frontends.cli import recommend_view, systematic_view
from codalab_nb.frontends.cli.commands import build_parser
from codalab_nb.frontends.cli.output import Output
from codalab_nb.systematic.rules import Budget
from codalab_nb.systematic.view import (
    Advice,
    Cell,
    CellState,
    Column,
    Matrix,
    Near,
    Recommended,
    Row,
    Spent,
    Status,
)

CLASSES = [
    Column(
        "predict-class" + (f' model="{model}"' if model else ""),
        "predict-class",
        "Predict the class",
        f"model = {model}" if model else "",
        "classes",
        "balanced accuracy",
    )
    for model in ("", "forest", "centroid", "logistic")
]
DIFFERENCES = Column("de-counts", "de-counts", "Compare counts", "", "differences", "agreement of halves")
ALONE = Column("check-my-data", "check-my-data", "Check my data", "", "", "")
COLUMNS = (ALONE, *CLASSES[:2], DIFFERENCES)
GOLUB = (
    Cell(CellState.DONE, task="t1", seconds=0.8),
    Cell(CellState.DONE, task="t2", score=0.934, seconds=3.2, best=True),
    Cell(CellState.RUNNING),
    Cell(CellState.UNFIT, reason="Needs counts; these values are logarithms."),
)
AIRWAY = (
    Cell(CellState.PLANNED),
    Cell(CellState.OVER_BUDGET, reason="The 200 tasks of the rule everyday are used."),
    Cell(CellState.FAILED, reason="Failed before: not enough memory.", task="t3"),
    Cell(CellState.NOT_ASKED, reason="No rule asks for it."),
)
MATRIX = Matrix(COLUMNS, (Row("golub@1", GOLUB), Row("airway@12", AIRWAY)), 3, {CellState.DONE: 2})
RULES = (
    Spent("everyday", 12, 200, 1440.0, 4 * 3600.0),
    Spent("endless", 3, None, 60.0, None, problem="There is no method 'x'."),
)


def told(tell: Callable[[Output], None], page: int | None = None) -> tuple[str, str]:
    """What it prints on stdout and on stderr; with `page` to a person whose screen has so many columns."""
    stdout, stderr = io.StringIO(), io.StringIO()
    tell(Output(stdout, stderr, page=page))
    return stdout.getvalue(), stderr.getvalue()


def test_every_state_has_a_word_and_a_mark_of_its_own() -> None:
    """A table that marks two states alike tells nobody why there is no result."""
    for of in (systematic_view.WORDS, systematic_view.MARKS):
        assert set(of) == set(CellState)
        assert len(set(of.values())) == len(CellState)


def test_the_status_tells_budgets_and_what_is_not_followed() -> None:
    counts = {CellState.DONE: 1042, CellState.UNFIT: 3, CellState.FAILED: 0}
    status = Status(True, True, "It runs de-counts on airway@12.", RULES, counts)
    out, _ = told(lambda out: systematic_view.tell(status, out))
    lines = out.splitlines()
    assert lines[:2] == ["Systematic analysis is on.", "  It runs de-counts on airway@12."]
    assert lines[2].split(None, 1) == ["results", "1,042 done, 3 do not fit"]
    assert lines[4].split("  ")[0] == "rule"
    assert " ".join(lines[5].split()) == "everyday 12 of 200 0.4 of 4"
    assert " ".join(lines[6].split()) == "endless 3 0.02 left out: There is no method 'x'."
    off, _ = told(lambda out: systematic_view.tell(Status(False, False, "", (), {}), out))
    assert off.splitlines() == ["Systematic analysis is off.", "  There is no rule: nothing is asked for."]


def test_the_table_is_grouped_by_kind_of_question() -> None:
    """Scores of different questions are told apart; what answers none comes last."""
    out, err = told(lambda out: systematic_view.tell_matrix(MATRIX, out))
    assert out.splitlines()[1:6] == [
        "           Classes                       Differences  On their own",
        "           predict-class  predict-class  de-counts    check-my-data",
        "                          model=forest",
        "golub@1    0.93*          runs           -            ok",
        "airway@12  later          !                           …",
    ]
    assert "2 of 3 data sets are shown" in err


def test_the_legend_explains_the_marks_that_are_there() -> None:
    out, _ = told(lambda out: systematic_view.tell_matrix(MATRIX, out))
    legend = out.splitlines()[7:]
    assert legend[1] == "Classes: balanced accuracy."  # of differences there is no score
    assert legend[2] == (
        "* = the best of its row and question; ok = done, without a score; runs = running; … = planned; "
        "later = over budget; - = does not fit; ! = failed; blank = not asked."
    )
    assert legend[3].endswith("--why DATASET")


def test_a_table_that_is_too_wide_comes_in_pieces_that_fit() -> None:
    wide = Matrix(tuple(CLASSES), (Row("a-name-that-is-longer-than-there-is-room-for@1", (GOLUB[1],) * 4),), 1)
    out, _ = told(lambda out: systematic_view.tell_matrix(wide, out), page=60)
    assert max(map(len, out.splitlines())) <= 60
    assert out.count("0.93*") == 4
    assert out.count("a-name-that-is-longer-t…") == 2  # once in each piece
    whole, _ = told(lambda out: systematic_view.tell_matrix(wide, out))
    assert whole.count("0.93*") == 4
    assert whole.count("a-name-that-is-longer-than-there-is-room-for@1") == 1


def test_an_empty_table_says_what_is_missing() -> None:
    for matrix, missing in ((Matrix(COLUMNS, (), 0), "data set"), (Matrix((), MATRIX.rows, 2), "configuration")):
        out, err = told(lambda out, matrix=matrix: systematic_view.tell_matrix(matrix, out))  # type: ignore[misc]
        assert out == ""
        assert missing in err


def test_why_tells_each_cell_of_one_data_set() -> None:
    matrix = Matrix(COLUMNS, (Row("airway@12", AIRWAY),), 1)
    out, _ = told(lambda out: systematic_view.tell_why(matrix, out))
    assert out.splitlines()[1] == "airway@12"
    for method, state, reason in (
        ("predict-class", "over budget", "The 200 tasks of the rule everyday are used."),
        ("predict-class (model = forest)", "failed", "Failed before: not enough memory."),
        ("de-counts", "not asked", "No rule asks for it."),
        ("check-my-data", "planned", ""),
    ):
        line = next(line for line in out.splitlines() if line.startswith(f"{method}  "))
        assert [part.strip() for part in line.split("  ") if part] == [part for part in (method, state, reason) if part]


def test_names_that_steer_a_terminal_are_spelled_out() -> None:
    evil = "x\x1b[2Jy\n"
    column = Column(evil, evil, evil, f"a = {evil}", "classes", evil)
    matrix = Matrix((column,), (Row(evil, (Cell(CellState.FAILED, reason=evil),)),), 1)
    status = Status(True, True, evil, (Spent(evil, 1, 1, 1.0, 1.0, evil),), {})
    advice = Advice(evil, (Recommended(evil, evil, {"a": evil}, evil, "q", evil, evil, True, score=1.0),), 1, evil)
    for page in (None, 80):
        out = "".join(
            "".join(told(tell, page))
            for tell in (
                lambda out: systematic_view.tell_matrix(matrix, out),
                lambda out: systematic_view.tell_why(matrix, out),
                lambda out: systematic_view.tell(status, out),
                lambda out: recommend_view.tell(advice, out),
            )
        )
        assert "\x1b" not in out


def test_a_file_is_printed_to_the_last_character() -> None:
    """`rule show NAME > FILE` gives the file back; what would steer a terminal is spelled out all the same."""
    for whole in ('name = "a"', 'name = "a"\r\n# x\r\n', "\t\n\n"):
        assert told(lambda out, whole=whole: out.verbatim(whole))[0] == whole  # type: ignore[misc]
        assert told(lambda out, whole=whole: out.verbatim(whole), 80)[0] == whole  # type: ignore[misc]
    assert told(lambda out: out.verbatim("a\x1b[2J\r\n"))[0] == "a\\x1b[2J\n"
    assert told(lambda out: out.verbatim("all\rbut"))[0] == "all\\x0dbut"


def test_json_is_complete() -> None:
    """A program sees every state and every cell, also those that a screen leaves out."""
    told = json.loads(json.dumps(systematic_view.matrix_json(MATRIX)))
    assert [column["key"] for column in told["columns"]] == [column.key for column in COLUMNS]
    assert told["rows"][0]["cells"][1] == {
        "state": "done", "reason": "", "task": "t2", "score": 0.934, "seconds": 3.2, "best": True,
    }  # fmt: skip
    assert set(told["counts"]) == set(CellState)
    status = json.loads(json.dumps(systematic_view.status_json(Status(True, False, "", RULES, {}))))
    assert [rule["rule"] for rule in status["rules"]] == ["everyday", "endless"]
    assert (status["on"], status["working"]) == (True, False)


def test_budgets_in_words() -> None:
    words = systematic_view.budget
    assert words(Budget(cpu_hours=4, tasks=200)) == "at most 4 CPU hours and 200 tasks a day"
    assert words(Budget(tasks=1)) == "at most 1 task a day"
    assert words(Budget(cpu_hours=0.25)) == "at most 0.25 CPU hours a day"
    assert words(Budget()) == "without a limit"
    assert [systematic_view.hours(seconds) for seconds in (0, 20, 5400, 28_800, 90_000)] == [
        "0", "0.01", "1.5", "8", "25",
    ]  # fmt: skip


# --- recommendations

FOREST = Recommended(
    "predict-class",
    "Predict the class",
    {"model": "forest", "keep_together": "patient no", "compare_models": True, "folds": 5},
    "model = forest",
    "classes",
    "balanced accuracy",
    "It did best on the data sets that are most like this one.",
    badge=True,
    score=0.931,
    low=0.86,
    high=0.97,
    seconds=3.2,
    runs=12,
    near=(Near("airway@2", 0.9, 1, 5), Near("iris@1", 0.7, 3, 5), Near("x@1", 0.6, 1, 1)),
)
CHECK = Recommended("check-my-data", "Check my data", {}, "", "", "", "It is quick.", badge=False)


def test_a_recommendation_tells_what_to_expect_and_why() -> None:
    out, _ = told(lambda out: recommend_view.tell(Advice("golub@1", (FOREST, CHECK), 12), out))
    assert out.splitlines() == [
        "golub@1: what to try (from results on 12 data sets)",
        "",
        "Classes",
        " 1. Predict the class, model = forest  [recommended]",
        "  expected    balanced accuracy 0.93, mostly 0.86 to 0.97 (12 data sets)",
        "  takes       usually 3.2 s",
        "  why         It did best on the data sets that are most like this one.",
        "  nearest     airway@2: 0.90, the best of 5 that ran there",
        "              iris@1: 0.70, number 3 of 5 that ran there",
        "              x@1: 0.60",
        "  run it      codalab-nb analyze golub@1 -m predict-class -p model=forest -p 'keep_together=patient no'"
        " -p compare_models=true -p folds=5",
        "",
        "On their own",
        " 1. Check my data",
        "  why         It is quick.",
        "  run it      codalab-nb analyze golub@1 -m check-my-data",
    ]


def test_the_command_is_one_that_analyze_understands() -> None:
    words = shlex.split(recommend_view.command("golub@1", FOREST))
    args = build_parser().parse(words[1:])
    assert (args.datasets, args.methods) == (["golub@1"], ["predict-class"])
    assert args.parameters == ["model=forest", "keep_together=patient no", "compare_models=true", "folds=5"]


def test_without_evidence_that_is_said() -> None:
    note = "No results are known yet: simple and fast methods first."
    out, _ = told(lambda out: recommend_view.tell(Advice("golub@1", (CHECK,), 0, note), out))
    assert out.splitlines()[:2] == ["golub@1: what to try (no results are known yet)", f"  {note}"]
    out, err = told(lambda out: recommend_view.tell(Advice("golub@1", (), 0), out))
    assert "method list --for golub@1" in err


def test_recommendations_as_json() -> None:
    found = json.loads(json.dumps(recommend_view.as_json(Advice("golub@1", (FOREST,), 12, "note"))))
    assert (found["dataset"], found["evidence"], found["note"]) == ("golub@1", 12, "note")
    (one,) = found["recommended"]
    assert (one["method"], one["parameters"]["model"], one["score"], one["badge"]) == (
        "predict-class", "forest", 0.931, True,
    )  # fmt: skip
    assert one["near"][0] == {"dataset": "airway@2", "score": 0.9, "place": 1, "of": 5}
    assert one["command"].startswith("codalab-nb analyze golub@1 -m predict-class")
