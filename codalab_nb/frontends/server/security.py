"""What may be asked for: ids, names and paths of a request, checked before anything is done with them."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from codalab_nb.errors import InputError
from codalab_nb.model.base import is_id

RESOURCE = "codalab_nb"  # what an authorizer of the Jupyter server is asked about
_IDS = {"task", "batch", "upload"}  # path parameters that are ids
_NAME = re.compile(r"[^\x00-\x1f\x7f/\\]{1,300}")
_LONGEST_PATH = 2_000

# Of bytes that came out of a sandbox or a stranger's file. https://developer.mozilla.org/docs/Web/HTTP/Headers
FILE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def check_parameter(name: str, value: str) -> str:
    """A decoded parameter of the path of a URL. Raises InputError with a code that ends with `_unknown`."""
    if name == "path":
        return relative(value)
    if name in _IDS and not is_id(value):
        raise InputError(f"{name}_unknown", f"There is no {name} of that id.", "Ids are UUIDs in lower case.")
    if not _NAME.fullmatch(value) or value in (".", ".."):
        raise InputError(f"{name}_unknown", f"There is no {name} of that name.", "")
    return value


def relative(value: str) -> str:
    """`value` if it is the path of something below a folder, in its only spelling. Raises InputError(path_unknown)."""
    parts = value.split("/")
    good = 0 < len(value) <= _LONGEST_PATH and all(_NAME.fullmatch(part) and part not in (".", "..") for part in parts)
    if not good or PurePosixPath(value).is_absolute():
        raise InputError("path_unknown", "There is no file of that name.", "Names are relative to their folder.")
    return value


def contained(folder: Path, value: str) -> Path:
    """The path of `value` below `folder`, links followed. Raises InputError(path_unknown) where it leads outside."""
    base = folder.resolve()
    path = (base / relative(value)).resolve()
    if path == base or not path.is_relative_to(base):
        raise InputError("path_unknown", "There is no file of that name.", "Names are relative to their folder.")
    return path
