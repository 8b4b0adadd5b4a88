"""Small notebooks for tests."""

from __future__ import annotations

import json
from pathlib import Path


def notebook(*cells: str, parameters: str | None = None, kernel: str = "python3") -> dict[str, object]:
    """An nbformat 4.5 notebook of code cells; `parameters` is the source of a cell tagged so, put first."""
    sources = [(source, []) for source in cells]
    if parameters is not None:
        sources.insert(0, (parameters, ["parameters"]))
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}},
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell{index}",
                "metadata": {"tags": tags} if tags else {},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for index, (source, tags) in enumerate(sources)
        ],
    }


def write(path: Path, *cells: str, parameters: str | None = None, kernel: str = "python3") -> Path:
    path.write_text(json.dumps(notebook(*cells, parameters=parameters, kernel=kernel)))
    return path
