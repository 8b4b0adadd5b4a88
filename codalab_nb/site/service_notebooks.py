"""The notebooks that work for the project itself: reports, profiles and scores are tasks like any other."""

from __future__ import annotations

from pathlib import Path


def service_notebooks() -> Path:
    """Their folder: beside the package in a checkout, in it in a wheel."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "notebooks" / "service"
    return inside if inside.is_dir() else package.parent / "notebooks" / "service"
