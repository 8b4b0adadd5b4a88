"""Files of a bundle, and the manifest that closes a result bundle."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

from codalab_nb.model.base import Document

LONGEST_MANIFEST = 32 << 20  # bytes: 10,000 files with the longest names
MOST_METRICS = 1000
RESERVED_FOLDER = "_codalab"  # in a result bundle: what we add beside the notebook's own files


def check_relative(path: str) -> str:
    """Returns `path` if it is a plain relative POSIX path that stays inside its folder, else raises ValueError.

    Refused: empty or absolute paths, `.` and `..` parts, backslashes, control characters, parts longer than
    255 bytes, more than 4,096 bytes in all, text that is not NFC or not valid Unicode.
    """
    try:
        encoded = path.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"not valid Unicode: {path!r}") from error
    parts = path.split("/")
    if not path or path.startswith("/") or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"not a plain relative path: {path!r}")
    if "\\" in path or any(unicodedata.category(char) == "Cc" for char in path):
        raise ValueError(f"a backslash or control character in {path!r}")
    if len(encoded) > 4096 or any(len(part.encode()) > 255 for part in parts):
        raise ValueError(f"too long: {path[:80]!r}…")
    if unicodedata.normalize("NFC", path) != path:
        raise ValueError(f"not in Unicode normal form C: {path!r}")
    return path


RelativePath = Annotated[str, AfterValidator(check_relative)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class FileRef(Document):
    """One file: where it stands in its bundle, its size in bytes, its SHA-256 in lower-case hex."""

    path: RelativePath
    size: Annotated[int, Field(ge=0)]
    sha256: Digest


class Manifest(Document):
    """What an attempt produced. Written after its files and before `result.json`, which names its digest."""

    version: int = 1
    notebook: RelativePath  # the executed notebook, one of `files`
    files: tuple[FileRef, ...]
    skipped: tuple[str, ...] = ()  # links, devices, sockets and other things a bundle does not carry
    metrics: dict[str, float] = Field(default_factory=dict)
    truncated: bool = False  # some output was cut at a limit and marked
