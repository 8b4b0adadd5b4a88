"""The rules for notebooks: what is refused, what is put right, what is only remarked.

The site applies them at submit, the worker again before it runs anything, because a submitter may have gone round
the site. Pure: bytes in, a clean notebook out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from codalab_nb.errors import InputError, Problem, Problems
from codalab_nb.model import notebook_v3
from codalab_nb.model.base import JsonObject
from codalab_nb.model.notebook_cells import clean_cells, clean_metadata
from codalab_nb.model.strict_json import FaultKind, JsonFault, find_surrogate, read_json

MAX_BYTES = 50 * (1 << 20)
MAX_CELLS = 10_000
MAX_DEPTH = 100
DEFAULT_KERNEL = "python3"

_KERNEL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_RESAVE = "Open it in Jupyter and save it again."

_CODES = {
    FaultKind.ENCODING: "nb_encoding",
    FaultKind.SYNTAX: "nb_json",
    FaultKind.NUMBER: "nb_json",
    FaultKind.DEPTH: "nb_depth",
    FaultKind.DUPLICATE_KEY: "nb_dupkey",
    FaultKind.SIZE: "nb_size",
}


@dataclass(frozen=True)
class CheckedNotebook:
    """A notebook that keeps the rules: format 4.5, no outputs, ids unique, nothing trusted, kernel named."""

    notebook: JsonObject
    kernel: str
    language: str  # lower case, as the notebook says; "python" where it says nothing
    warnings: tuple[Problem, ...] = ()


def read_notebook(data: bytes, *, name: str) -> CheckedNotebook:
    """The notebook in `data`, put right; `name` is only for messages. Raises InputError with `nb_…` codes.

    Put right without a word: old formats 3 and 4.0-4.4, missing or doubled cell ids, outputs and execution counts
    (cleared: they prove nothing about this run), papermill's marks, `trusted` and signatures. Remarked as warnings:
    a minor version newer than 4.5, attachments that are not pictures.
    """
    if len(data) > MAX_BYTES:
        raise InputError(
            "nb_size",
            f"{name} has {len(data) / (1 << 20):,.1f} MB; a notebook may have {MAX_BYTES >> 20} MB.",
            "Clear its outputs, save it, and read large data from files beside it.",
        )
    try:
        document = read_json(data, max_depth=MAX_DEPTH)
    except JsonFault as fault:
        raise _refusal(fault, name) from fault
    if not isinstance(document, dict):
        raise InputError("nb_shape", f"{name} is not a notebook: its JSON is not an object.", _RESAVE)

    warnings: list[Problem] = []
    problems = Problems()
    document = _to_format_4(document, name, warnings)
    cells = document.get("cells")
    if not isinstance(cells, list):
        raise InputError("nb_shape", f"{name} has no list of cells.", _RESAVE)
    if len(cells) > MAX_CELLS:
        raise InputError(
            "nb_size", f"{name} has {len(cells):,} cells; a notebook may have {MAX_CELLS:,}.", "Split the notebook."
        )
    metadata = clean_metadata(document.get("metadata", {}), name, problems)
    kernel, language = _kernel(metadata, name, problems, warnings)
    notebook: JsonObject = {
        "cells": clean_cells(cells, name, problems, warnings),
        "metadata": metadata,
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    if _SURROGATE_ESCAPE.search(data) and (place := find_surrogate(notebook)):
        where = re.sub(r"^cells\[(\d+)\]\.", lambda match: f"cell {int(match[1]) + 1}, ", place)
        problems.add(
            "nb_encoding",
            f"{name} holds half a character (a lone surrogate) in {where}.",
            "Remove that character; no file can be written with it.",
        )
    problems.raise_if_any()
    return CheckedNotebook(notebook, kernel, language, tuple(warnings))


def check_notebook_path(text: str) -> str:
    """Returns `text` if it can only mean a file of this machine, else raises InputError(`path`).

    Papermill reads `-` from standard input, fetches URLs, and formats braces in the name; and `x/../n.ipynb` names
    another file than it seems where `x` is a link. `../n.ipynb` and absolute paths are fine.
    """
    fix = "Give the path of a notebook file on this machine."
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if not parts or parts == ["-"]:
        raise InputError("path", f"{text!r} names no notebook file.", fix)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text):
        raise InputError("path", f"{text[:200]!r} is a URL.", "Download the notebook first, then give its path.")
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise InputError("path", f"{text[:200]!r} holds a control character.", "Rename the file.")
    if any(char in "{}" for char in parts[-1]):
        raise InputError("path", f"The notebook's name {parts[-1]!r} holds braces.", "Rename it without { and }.")
    named = [index for index, part in enumerate(parts) if part != ".."]
    if not named or ".." in parts[named[0] :]:
        raise InputError("path", f"{text!r} goes down and up again.", "Give the plain path, with .. only at its start.")
    return text


def _refusal(fault: JsonFault, name: str) -> InputError:
    where = "" if fault.offset is None else f" (at byte {fault.offset:,})"
    fixes = {
        FaultKind.ENCODING: "Save it as UTF-8.",
        FaultKind.SYNTAX: "It is not a complete notebook file; take an undamaged copy.",
        FaultKind.SIZE: "Clear its outputs and save it.",
    }
    message = f"{name} cannot be read as a notebook{where}: {fault.detail}."
    return InputError(_CODES[fault.kind], message, fixes.get(fault.kind, _RESAVE))


def _to_format_4(document: JsonObject, name: str, warnings: list[Problem]) -> JsonObject:
    major, minor = document.get("nbformat"), document.get("nbformat_minor", 0)
    if type(major) is not int or type(minor) is not int or minor < 0:
        raise InputError("nb_version", f"{name} does not say which notebook format it has.", _RESAVE)
    if major == 3:
        foreign = notebook_v3.languages(document) - {"python"}
        upgraded = notebook_v3.upgrade(document)
        metadata = upgraded["metadata"]
        if foreign and isinstance(metadata, dict) and "kernelspec" not in metadata:
            warnings.append(_no_kernel(name, " and ".join(sorted(foreign))))
        return upgraded
    if major != 4:
        fix = "Open and save it in Jupyter, which writes format 4." if major < 3 else "Save it in format 4."
        raise InputError("nb_version", f"{name} has notebook format {major}; formats 3 and 4 are understood.", fix)
    if minor > 5:
        warnings.append(
            Problem(
                "nb_version",
                f"{name} has notebook format 4.{minor}; it was read as 4.5, the newest known here.",
                "Update codalab-nb if something is missing.",
            )
        )
    return document


def _kernel(metadata: JsonObject, name: str, problems: Problems, warnings: list[Problem]) -> tuple[str, str]:
    """Kernel name and language; writes a complete kernelspec into `metadata`."""
    spec = metadata.get("kernelspec", {})
    kernel = spec.get("name") if isinstance(spec, dict) and spec else DEFAULT_KERNEL if spec == {} else None
    if not isinstance(kernel, str) or not _KERNEL_NAME.fullmatch(kernel):
        found = repr(kernel)[:80] if isinstance(spec, dict) else f"a kernelspec that is {_kind(spec)}"
        problems.add(
            "nb_kernel",
            f"{name} names its kernel wrongly: {found}.",
            "Choose a kernel in Jupyter (Kernel, Change Kernel) and save; `codalab-nb kernels` lists what is there.",
        )
        return DEFAULT_KERNEL, "python"
    named = metadata.get("language_info", {}).get("name") or spec.get("language")
    if not spec and isinstance(named, str) and named.lower() not in ("python", "ipython"):
        warnings.append(_no_kernel(name, named))
    display = spec.get("display_name")
    metadata["kernelspec"] = {"name": kernel, "display_name": display if isinstance(display, str) else kernel}
    if isinstance(spec.get("language"), str):
        metadata["kernelspec"]["language"] = spec["language"]
    return kernel, named.lower() if isinstance(named, str) and named else "python"


def _no_kernel(name: str, language: str) -> Problem:
    message = f"{name} is written in {language} but names no kernel; {DEFAULT_KERNEL} is taken."
    return Problem("nb_kernel", message, "Name the kernel with -k.")


def _kind(value: object) -> str:
    return "null" if value is None else f"a {type(value).__name__}"
