"""Runs the cells of a template notebook again and again, in one kernel, on one data set after the other."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import random
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from codalab_nb import report
from codalab_nb.analysis.expression import AnalysisError

DATASET = "inputs/dataset"  # where the cells find their data, relative to the folder they run in


class CellError(Exception):
    """A cell raised; the message says what, in a sentence where the method did."""


def language_fault(notebook: Mapping[str, Any]) -> str:
    """Why the cells of this notebook cannot be run here; "" where they can."""
    kernel = notebook.get("metadata", {}).get("kernelspec", {})
    language = str(kernel.get("language") or notebook.get("metadata", {}).get("language_info", {}).get("name") or "")
    if (language or "python").casefold() in ("python", "python3", "ipython"):
        return ""
    return f"Its notebook is written in {language}; only Python can be run again here."


def run_cells(notebook: Mapping[str, Any], parameters: Mapping[str, Any], folder: Path) -> report.Captured:
    """What the notebook reports on the data set staged in `folder`. Raises CellError.

    Names are fresh, random numbers begin anew, the current folder is an empty one, and nothing that is shown or
    written there remains.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    with _apart(folder.resolve()), _silence(), report.captured() as told:
        random.seed(0)
        np.random.seed(0)  # what the cells may use
        for number, cell in enumerate(notebook.get("cells", []), 1):
            if cell.get("cell_type") != "code":
                continue
            try:
                exec(compile(_plain("".join(cell["source"])), f"cell {number}", "exec"), names)  # noqa: S102
            except AnalysisError as refusal:
                raise CellError(str(refusal)) from refusal
            except (Exception, SystemExit) as error:
                raise CellError(f"Cell {number} failed: {type(error).__name__}: {error}") from error
            if "parameters" in cell.get("metadata", {}).get("tags", []):
                names |= {**parameters, "dataset": DATASET}
    return told


def _plain(source: str) -> ast.Module:
    """With IPython's own words (%magic, !command) as calls, where IPython is there."""
    if "IPython" in sys.modules:
        from IPython.core.inputtransformer2 import TransformerManager

        source = TransformerManager().transform_cell(source)
    return ast.parse(source)


@contextlib.contextmanager
def _apart(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="codalab-nb-") as place:
        dataset = Path(place) / DATASET
        dataset.parent.mkdir(parents=True)
        dataset.symlink_to(folder, target_is_directory=True)
        os.chdir(place)
        try:
            yield
        finally:
            os.chdir(before)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Neither text nor displays nor warnings come out, and figures do not pile up."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        if "IPython" in sys.modules:
            from IPython.utils.capture import capture_output

            stack.enter_context(capture_output())
        else:
            stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
            stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        try:
            yield
        finally:
            if "matplotlib.pyplot" in sys.modules:
                sys.modules["matplotlib.pyplot"].close("all")
