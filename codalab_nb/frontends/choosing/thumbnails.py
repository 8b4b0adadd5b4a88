"""The first figure of each method, small, as made by `tools/gallery` from a run on real data."""

from __future__ import annotations

from pathlib import Path

from codalab_nb.model.method import Method

_FOLDER = Path(__file__).parent / "figures"


def thumbnail(method: Method) -> Path | None:
    """A PNG; None for a method that did not come with the project."""
    path = _FOLDER / f"{method.name}.png"
    return path if path.is_file() else None
