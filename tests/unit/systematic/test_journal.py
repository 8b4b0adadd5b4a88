"""The journal: what was written is read again, whatever was torn, damaged, or begun anew."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from codalab_nb.errors import UnavailableError
from codalab_nb.systematic.journal import Entry, Journal

RUN = Entry("id-1", "run", "a@1", "m", "all", 100.0)


def test_what_was_sent_and_ended_is_read_by_others(tmp_path: Path) -> None:
    mine, other = Journal(tmp_path / "new"), Journal(tmp_path / "new")
    mine.sent(RUN)
    mine.ended("id-1", state="succeeded", score=-0.5, seconds=2.0, ended_at=103.0)
    assert other.refresh()
    assert other.entries == mine.entries
    assert (other.entries["id-1"].state, other.entries["id-1"].score) == ("succeeded", -0.5)
    assert other.changed == {"id-1"}
    assert not other.refresh()


def test_a_line_torn_anywhere_is_left_out_and_the_next_is_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.sent(RUN)
    first = journal.path.read_bytes()
    journal.ended("id-1", state="failed", reason="Größe")
    whole = journal.path.read_bytes()
    for cut in range(len(whole)):
        journal.path.write_bytes(whole[:cut])
        fresh = Journal(tmp_path)
        fresh.sent(Entry("id-2", "profile", "b@1", "", "all", 101.0))
        entries = Journal(tmp_path).entries
        assert entries == fresh.entries
        assert list(entries) == (["id-1", "id-2"] if cut >= len(first) else ["id-2"]) or cut == len(first) - 1
        assert entries["id-2"].kind == "profile"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[1]",
        "7",
        '{"id": "x", "state": "failed"}',
        '{"id": ["x"], "kind": "run"}',
        '{"id": "x", "kind": "run", "dataset": "a@1", "sent_at": "yesterday"}',
        '{"id": "x", "kind": "dance", "dataset": "a@1", "sent_at": 1}',
        '{"id": "x", "kind": "run", "dataset": "a@1", "configuration": 7, "sent_at": 1}',
        '{"id": "x", "kind": "run", "dataset": "a@1", "configuration": "m x", "sent_at": 1}',
        '{"id": "id-1", "state": "tired"}',
        '{"id": "id-1", "score": "good"}',
        '{"id": "id-1", "sketches": 5}',
        '{"id": "id-1", "features": [1]}',
    ],
)
def test_a_line_that_nobody_wrote_like_that_changes_nothing(tmp_path: Path, line: str) -> None:
    journal = Journal(tmp_path)
    journal.sent(RUN)
    with journal.path.open("a") as file:
        file.write(line + "\n")
    journal.refresh()
    assert journal.entries == {"id-1": RUN}
    assert journal.changed == {"id-1"}


def test_fields_of_a_newer_version_are_no_harm(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.sent(RUN)
    with journal.path.open("a") as file:
        file.write('{"id": "id-1", "state": "succeeded", "mood": "fine"}\n')
    journal.refresh()
    assert journal.entries["id-1"].state == "succeeded"


def test_what_is_sent_once_more_starts_afresh_and_is_the_last(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.sent(RUN)
    journal.ended("id-1", state="failed")
    journal.sent(Entry("id-2", "run", "b@1", "m", "all", 101.0))
    journal.sent(Entry("id-1", "run", "a@1", "m", "all", 200.0))
    assert list(journal.entries) == ["id-2", "id-1"]
    assert journal.entries["id-1"].state is None


def test_one_that_somebody_began_anew(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.sent(RUN)
    journal.path.write_text("")
    journal.sent(Entry("2", "run", "b@1", "m", "all", 1.0))
    assert list(journal.entries) == list(Journal(tmp_path).entries) == ["2"]


def test_one_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.path.mkdir()
    with pytest.raises(UnavailableError, match="cannot be"):
        journal.sent(RUN)


def test_a_line_that_does_not_fit_on_the_disk_is_told_and_does_no_harm(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.sent(RUN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.path.stat().st_size + 20, hard))
    try:
        with pytest.raises(UnavailableError, match="disk full"):
            journal.ended("id-1", state="succeeded")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert Journal(tmp_path).entries == {"id-1": RUN}
    journal.ended("id-1", state="failed")
    assert Journal(tmp_path).entries["id-1"].state == "failed"
