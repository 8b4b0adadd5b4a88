"""Data sets that come along, so that everything can be tried on real data without a download."""

from __future__ import annotations

from pathlib import Path

GOLUB = "golub_leukemia"


def example_folder(name: str = GOLUB) -> Path:
    """The folder of an example data set: its files and their `profile.json`. Raises FileNotFoundError."""
    folder = Path(__file__).parent / name
    if not (folder / "profile.json").is_file():
        raise FileNotFoundError(f"there is no example data set called {name!r}")
    return folder
