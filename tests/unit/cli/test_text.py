"""Nothing that a notebook prints or a file is called may steer the terminal that shows it."""

from __future__ import annotations

import pytest

from codalab_nb.frontends.cli import text


@pytest.mark.parametrize(
    ("hostile", "expected"),
    [
        ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b31m", r"\x9b31m"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("half \ud83d", r"half \ud83d"),
        ("a\u2028b", r"a\u2028b"),
        ("naïve × 東京\tx\n", "naïve × 東京\tx\n"),
    ],
)
def test_harmless_spells_out_what_steers(hostile: str, expected: str) -> None:
    assert text.harmless(hostile) == expected


def test_shown_drops_colours_only() -> None:
    """Tracebacks are full of colours; a title or a cleared screen stays visible."""
    assert text.shown("\x1b[0;31mValueError\x1b[0m\x1b[2J") == r"ValueError\x1b[2J"


def test_shown_keeps_the_last_state_of_a_progress_bar() -> None:
    assert text.shown("10%\r50%\r100%\nnext\r\n") == "100%\nnext\n"


def test_shown_limits_one_line() -> None:
    assert len(text.shown("x" * 10**6)) < 3_000


def test_one_line_cannot_break_a_table() -> None:
    assert text.layout(("a", "b"), [["x\ny", "\x1b[31m"]], None) == ["a     b", r"x\ny  \x1b[31m"]


def test_layout_keeps_to_the_width_and_counts_wide_characters() -> None:
    lines = text.layout(("name", "value"), [["東京" * 30, "1"], ["short", "2"]], 40)
    assert all(text.width(line) <= 40 for line in lines)
    assert lines[-1].startswith("short")
    assert "".join(lines).count("東京") == 30 - sum(line.startswith("京") for line in lines)


def test_layout_wraps_instead_of_cutting() -> None:
    """A reason that ends in … is none; names and numbers stay whole while a sentence can give way."""
    reason = "needs counts, and these are logarithms of something that nobody can count any more"
    rows = [["de-counts", "no", reason], ["pca-overview", "yes", ""]]
    lines = text.layout(("method", "fits", "why"), rows, 40)
    assert all(text.width(line) <= 40 for line in lines)
    assert " ".join(line[20:] for line in lines[1:-1]) == reason
    assert lines[1].startswith("de-counts     no    needs")
    assert lines[-1] == "pca-overview  yes"
    assert len(text.layout(("method", "fits", "why"), rows, 40, wrap=False)) == 3


def test_layout_breaks_a_word_only_when_it_must() -> None:
    lines = text.layout(("setting", "what"), [["home", "/a/very/long/path" * 3], ["x" * 30, "y z"]], 40)
    assert all(text.width(line) <= 40 for line in lines)
    assert "…" not in "".join(lines)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (0.04, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (60, "1 min"), (200, "3 min 20 s"), (3600, "1 h"),
     (7500, "2 h 5 min"), (86400, "1 d"), (100_000, "1 d 3 h"), (7 * 86400, "7 d")],
)  # fmt: skip
def test_duration(seconds: float | None, words: str) -> None:
    assert text.duration(seconds) == words


@pytest.mark.parametrize(
    ("amount", "words"), [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KB"), (5 << 30, "5.0 GB")]
)
def test_size(amount: int, words: str) -> None:
    assert text.size(amount) == words


@pytest.mark.parametrize(("value", "words"), [(691.0, "691"), (3051, "3,051"), (0.7264271, "0.7264"), (1e-9, "1e-09")])
def test_number(value: float, words: str) -> None:
    assert text.number(value) == words


def test_wrapped_leaves_text_whole_for_programs() -> None:
    words = "word " * 60
    assert text.wrapped(words, None) == [words]
    assert all(len(line) <= 40 for line in text.wrapped(words, 40, "  "))
