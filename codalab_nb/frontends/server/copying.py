"""A notebook or a file of a result beside a person's own files, under a name that is free."""

from __future__ import annotations

import builtins
import contextlib
import errno
import json
import keyword
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from codalab_nb.errors import InputError, UnavailableError
from codalab_nb.frontends.server import security
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.files import TABLES, WORKBOOKS
from codalab_nb.frontends.server.operations import operation
from codalab_nb.frontends.server.results import Bundle, bundle_of
from codalab_nb.frontends.server.wire import results
from codalab_nb.model.base import JsonObject

_TRIES = 10_000
_TAKEN = frozenset({"pd", "pandas", *keyword.kwlist, *dir(builtins)})  # names that a table must not get


@operation("copy", slow=True)
def copy(context: Context, task: str, body: results.Copy) -> results.Copied:
    bundle = bundle_of(context, task)
    base = context.root.resolve()
    folder = security.contained(base, body.folder.strip("/")) if body.folder.strip("/") else base
    if not folder.is_dir():
        raise InputError(
            "path_unknown", f"There is no folder {body.folder!r} any more.", "Choose another.", at="folder"
        )
    if body.what == "notebook":
        content = json.dumps(_untrusted(bundle.notebook()), indent=1, ensure_ascii=False).encode("utf-8", "replace")
        made = _appear(folder, _name(bundle), content)
        return results.Copied(path=made.relative_to(base).as_posix())
    if not body.file:
        raise InputError("request", "Which file is to be copied is not said.", "Choose a file.", at="file")
    ref, source = bundle.file(body.file)
    made = _appear(folder, PurePosixPath(ref.path).name, source)
    return results.Copied(path=made.relative_to(base).as_posix(), code=_code(made))


def _name(bundle: Bundle) -> str:
    """`pca-overview-golub-result.ipynb`: what it is, among the notebooks of a person."""
    row = bundle.row
    stem = "-".join(filter(None, (row.method, (row.dataset or "").replace("@", "-"))))
    stem = stem or PurePosixPath(row.notebook).stem
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', stem).strip('-._')[:80] or 'task'}-result.ipynb"


def _untrusted(notebook: JsonObject) -> JsonObject:
    """Without any claim that somebody trusts it: outputs came from a worker, and Jupyter shows them as a stranger's."""
    metadata = {
        name: value for name, value in notebook.get("metadata", {}).items() if name not in ("signature", "trusted")
    }
    cells = [
        {**cell, "metadata": {name: value for name, value in cell.get("metadata", {}).items() if name != "trusted"}}
        for cell in notebook["cells"]
        if isinstance(cell, dict)
    ]
    return {**notebook, "cells": cells, "metadata": metadata}


def _appear(folder: Path, name: str, content: bytes | Path) -> Path:
    """The file, whole, under the first free name; one that is there is never replaced."""
    temporary = folder / f".codalab-{uuid.uuid4().hex}"
    with _faults(folder):
        try:
            if isinstance(content, bytes):
                temporary.write_bytes(content)
            else:
                shutil.copyfile(content, temporary, follow_symlinks=False)
            for target in _names(folder, name):
                try:
                    _take(temporary, target)
                except FileExistsError:
                    continue
                return target
        finally:
            temporary.unlink(missing_ok=True)
    raise InputError("file_exists", f"There are too many copies of {name} in this folder.", "Choose another folder.")


def _take(temporary: Path, target: Path) -> None:
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        temporary.replace(target)


def _names(folder: Path, name: str) -> Iterator[Path]:
    path = PurePosixPath(name)
    yield folder / name
    for number in range(2, _TRIES):
        yield folder / f"{path.stem}-{number}{path.suffix}"


@contextlib.contextmanager
def _faults(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            told = f"The disk that holds {folder.name} is full."
            raise UnavailableError("disk_full", told, "Free some space, or choose another folder.") from error
        told = f"The folder {folder.name} cannot be written: {error.strerror}."
        raise UnavailableError("folder_not_writable", told, "Choose another folder.") from error


def _code(path: Path) -> str | None:
    """Python that reads the copy in a notebook beside it, with nothing but pandas."""
    ending = path.suffix.lower()
    variable = re.sub(r"\W+", "_", path.stem, flags=re.ASCII).strip("_").lower() or "table"
    variable = f"table_{variable}" if not variable.isidentifier() or variable in _TAKEN else variable
    name = json.dumps(path.name, ensure_ascii=True)
    if ending in TABLES:
        separator = ', sep="\\t"' if ending == ".tsv" else ""
        return f"import pandas as pd\n\n{variable} = pd.read_csv({name}{separator})\n{variable}"
    if ending in WORKBOOKS:
        return f"import pandas as pd\n\n{variable} = pd.read_excel({name})\n{variable}"
    return None
