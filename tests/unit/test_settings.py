"""Settings: where they come from, and what a wrong one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from codalab_nb import settings
from codalab_nb.errors import InputError
from codalab_nb.settings import Settings, parse_duration, parse_size


def test_environment_beats_file_beats_default(tmp_path: Path) -> None:
    """The documented order."""
    (tmp_path / "codalab.toml").write_text('slots = 3\nidle = "5m"\n')
    loaded = settings.load({"CODALAB_NB_HOME": str(tmp_path), "CODALAB_NB_SLOTS": "2"})
    assert (loaded.slots, loaded.idle, loaded.max_attempts) == (2, 300.0, 3)
    assert loaded.home == tmp_path


def test_every_wrong_setting_is_named_with_its_place(tmp_path: Path) -> None:
    """All at once, file and environment alike, unknown names too."""
    (tmp_path / "codalab.toml").write_text('slots = "many"\nnonsense = 1\n')
    with pytest.raises(InputError) as caught:
        settings.load({"CODALAB_NB_HOME": str(tmp_path), "CODALAB_NB_IDLE": "soon"})
    text = str(caught.value)
    assert len(caught.value.problems) == 3
    assert "CODALAB_NB_IDLE" in text
    assert "'slots' in" in text
    assert "no such setting" in text


def test_broken_toml_says_where(tmp_path: Path) -> None:
    """A typo in the file is an error with its line, not silently ignored."""
    (tmp_path / "codalab.toml").write_text("slots = \n")
    with pytest.raises(InputError, match="line 1"):
        settings.load({"CODALAB_NB_HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1h30m", 5400), ("7d", 604800), ("2.5", 2.5), (7, 7)]
)
def test_durations(text: object, seconds: float) -> None:
    """The spellings people try."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(("text", "size"), [("500M", 500 << 20), ("2G", 2 << 30), ("1.5GiB", 3 << 29), ("64kb", 65536)])
def test_sizes(text: str, size: int) -> None:
    """Powers of 1024, with or without the i and the B."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "soon", "-5s", "5x", "1h 30"])
def test_nonsense_durations_are_refused(text: str) -> None:
    """No guessing."""
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["9" * 400 + "h", "9" * 400])
def test_a_time_or_size_without_end_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="any computer"):
        parse_duration(text)
    with pytest.raises(ValueError, match="any computer"):
        parse_size(text.removesuffix("h") + "G")


def test_every_setting_has_a_description() -> None:
    """`config show` and the docs say what each is for."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
