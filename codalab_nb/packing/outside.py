"""Paths that lead out of the notebook's folder: which of them the user must hear about, and what to do instead."""

from __future__ import annotations

import glob
import os
import re
import sys
from pathlib import Path

from codalab_nb.errors import Problem
from codalab_nb.packing.folder import Folder
from codalab_nb.packing.mentions import Kind, Reference

# What every machine has of its own. Paths there are never ours to pack, and tell nothing about the notebook.
_SYSTEM = ("bin", "boot", "dev", "etc", "lib", "lib64", "opt", "proc", "run", "sbin", "sys", "tmp", "usr", "var")
_SYSTEM_MAC = ("System", "Library", "Applications", "private")
SYSTEM_FOLDERS = tuple(Path("/", name) for name in (*_SYSTEM, *_SYSTEM_MAC))


def outside_problem(folder: Folder, found: Reference, path: str, where: str) -> Problem | None:
    """`absolute_path` or `path` if something is there; what exists nowhere is nobody's business.

    `path` is the normalised text of `found`; `where` is for people: `cell 3`, `helpers.py`, `parameter table`.
    """
    try:
        target = _existing(folder.root, path, pattern=found.kind is Kind.PATTERN)
    except (OSError, RuntimeError, ValueError):  # unreadable, no such user's home, not a path at all
        return None
    if target is None or _is_system(target):
        return None
    verb = "writes" if found.kind is Kind.WRITTEN else "names"
    message = f"{capital(where)} {verb} {found.text!r}, which exists on this machine but not where the task runs."
    if target.is_relative_to(folder.real) and not path.startswith(".."):
        fix = f"Write it relative to the notebook: {target.relative_to(folder.real).as_posix()!r}."
    elif found.kind is Kind.WRITTEN:
        fix = "Write to a relative path; the file is then part of the result."
    elif where.startswith("parameter "):
        fix = f"Pass it with -i {where.removeprefix('parameter ')}={target}."
    else:
        fix = f"Make the path a parameter and pass it with -i PARAM={target}, or copy it beside the notebook."
    return Problem("path" if path.startswith("..") else "absolute_path", message, fix)


def capital(where: str) -> str:
    """`where` as the start of a sentence; the name of a file keeps its spelling."""
    return where[:1].upper() + where[1:] if where.startswith(("cell ", "parameter ")) else where


def _existing(root: Path, path: str, *, pattern: bool) -> Path | None:
    """What `path` leads to on this machine, if that is something a notebook may mean."""
    parts = [part for part in path.split("/") if part not in ("", "..", "~")]
    if not parts:  # "/", "~" and "../.." exist everywhere
        return None
    written = os.path.normpath(root / Path(path).expanduser())
    if pattern:
        folder = written.partition("*")[0].rpartition("/")[0]
        if re.search(r"[*?\[]", parts[0]) or next(glob.iglob(written), None) is None:  # noqa: PTH207 (no recursion)
            return None
        return Path(folder).resolve()
    target = Path(written).resolve()
    if not target.exists():
        return None
    if target.is_dir() and (len(target.parts) <= 2 or parts[0].startswith(".")):
        return None  # "/home" is as likely a web address; "~/.cache" is made where it is missing
    return target


def _is_system(path: Path) -> bool:
    own = (Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve())
    return any(path.is_relative_to(folder) for folder in (*SYSTEM_FOLDERS, *own))
