"""Which of two answers is the control, which is the event, and how far logarithms reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from codalab_nb.analysis import survival
from codalab_nb.datasets.profile import profile_files
from codalab_nb.model.dataset import Column, Level
from codalab_nb.model.design import propose_reference, revise
from codalab_nb.model.proposals import event_level
from codalab_nb.model.questions import open_questions


@pytest.mark.parametrize(
    ("levels", "reference"),
    [(("True", "False"), "False"), (("yes", "no"), "no"), (("1", "0"), "0"), (("Y", "N"), "N"), (("2", "1"), "2")],
)
def test_the_answer_no_is_proposed_as_the_reference(levels: tuple[str, str], reference: str) -> None:
    column = Column(name="treated", type="groups", levels=tuple(Level(name=name, n=3) for name in levels))
    proposed = propose_reference(column)
    assert proposed is not None
    assert (proposed.level, proposed.proposed) == (reference, True)


@pytest.mark.parametrize(
    ("name", "levels", "happened"),
    [
        ("censored", ("0", "1"), "0"),
        ("os_cens", ("1", "0"), "0"),
        ("alive", ("no", "yes"), "no"),
        ("Alive", ("TRUE", "FALSE"), "FALSE"),
        ("censored", ("1", "2"), None),
        ("status", ("0", "1"), "1"),
        ("alive", ("alive", "dead"), "dead"),
        ("cens", ("censored", "event"), "event"),
    ],
)
def test_a_column_called_censored_or_alive_says_the_opposite(
    name: str, levels: tuple[str, str], happened: str | None
) -> None:
    assert event_level(levels, name) == happened
    assert survival.event_level(levels, name) == happened


@pytest.mark.parametrize(
    ("name", "told"), [("status", "'2' (4 of 12) counts as"), ("event", "'2' (4 of 12) counts as")]
)
def test_the_question_names_the_value_of_the_event(tmp_path: Path, name: str, told: str) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{k + 1}.5,{'a' if k % 2 else 'b'},{2 if k % 3 == 0 else 1}" for k in range(12)]
    path.write_text("\n".join([f"months,arm,{name}", *rows]) + "\n")
    profile, _ = profile_files([path])
    assert profile.roles["months"] == "time"
    asked = [note.text for note in open_questions(profile) if repr(name) in note.text]
    assert len(asked) == 1
    assert told in asked[0]
    assert not any(told in note.text for note in open_questions(revise(profile, accept=True)))


@pytest.mark.parametrize(("high", "asked"), [(31.7, False), (38.2, False), (46.5, True)])
def test_logarithms_of_proteomics_and_cycles_are_not_doubted(tmp_path: Path, high: float, asked: bool) -> None:
    path = tmp_path / "t.csv"
    rows = [f"GENE{k},{20.5 + k},21.25,{high},22.5" for k in range(6)]
    path.write_text("\n".join(["gene,ctrl_1,ctrl_2,trt_1,trt_2", *rows]) + "\n")
    profile, _ = profile_files([path])
    assert ("kind_uncertain" in {note.code for note in profile.warnings}) == asked
