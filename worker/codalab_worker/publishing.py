"""What a dead sandbox left behind, on its way into a result bundle. Everything here is a stranger's file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from codalab_nb import failpoints
from codalab_nb.model.bundle import LONGEST_MANIFEST, RESERVED_FOLDER, FileRef, Manifest, check_relative
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import Limits
from codalab_nb.stores.ports import AttemptStore

# Folders that tools leave behind and nobody asked for.
_LITTER = {"__pycache__", ".ipynb_checkpoints", ".cache", ".config", ".ipython", ".local"}

_LONGEST_NAME = 1024  # bytes; a name that fits below the scratch folder must also fit below the store
_MOST_SKIPPED = 1000
_REF_BYTES = 128  # of a file in the manifest, besides its name


class OutputLimit(Exception):
    """The files of the run are more than its limits allow."""


class Found:
    """A regular file that the run left: `path` on this machine, `name` in the bundle."""

    def __init__(self, path: Path, name: str, size: int) -> None:
        self.path = path
        self.name = name
        self.size = size


def collect(folder: Path, inputs: set[str], notebook_name: str, limits: Limits) -> tuple[list[Found], list[str]]:
    """The result files below `folder`, and the names of what is left out (links, devices, odd names, …).

    Never follows a link, never opens a file. Raises OutputLimit.
    """
    found: list[Found] = []
    skipped: list[str] = []
    total = named = 0
    for path, name, entry in _walk(folder):
        if name in inputs:
            continue
        if not _is_result(name, entry, notebook_name):
            if len(skipped) < _MOST_SKIPPED:
                skipped.append(name.encode("utf-8", "replace").decode())
            continue
        total += entry.st_size
        named += len(name.encode()) + _REF_BYTES
        found.append(Found(path, name, entry.st_size))
        if len(found) > limits.files or named > LONGEST_MANIFEST // 2:
            raise OutputLimit(f"The run left more than {min(limits.files, len(found) - 1):,} files.")
        if total > limits.files_bytes:
            raise OutputLimit(
                f"The files of the run are larger than {limits.files_bytes / 1e6:,.0f} MB together"
                f" (at {name}: {total / 1e6:,.0f} MB)."
            )
    return found, skipped


def _is_result(name: str, entry: os.stat_result, notebook_name: str) -> bool:
    """A regular file with a name that a bundle can hold and that is not ours."""
    if not stat.S_ISREG(entry.st_mode) or entry.st_nlink > 1:
        return False
    if name.split("/", 1)[0] in (RESERVED_FOLDER, notebook_name):  # what the notebook executed is the result
        return False
    try:
        return len(check_relative(name).encode()) <= _LONGEST_NAME
    except ValueError:
        return False


def _walk(folder: Path) -> Iterator[tuple[Path, str, os.stat_result]]:
    """Everything below `folder` but folders, by name. What cannot be entered is opened first: it is ours by now.

    Folders beyond the depth that a name can have are told as one entry and not entered.
    """
    waiting = [(folder, "")]
    while waiting:
        below, prefix = waiting.pop()
        with contextlib.suppress(OSError):
            below.chmod(0o700)
        try:
            entries = sorted(os.scandir(below), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            name = f"{prefix}{entry.name}"
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if not stat.S_ISDIR(status.st_mode) or len(os.fsencode(name)) > _LONGEST_NAME:
                yield Path(entry.path), name, status
            elif entry.name not in _LITTER:
                waiting.append((Path(entry.path), f"{name}/"))


def publish(
    store: AttemptStore,
    task: str,
    n: int,
    *,
    notebook_name: str,
    notebook: dict[str, Any],
    found: list[Found],
    skipped: list[str],
    environment: dict[str, Any],
    metrics: dict[str, float],
    truncated: bool,
    still_wanted: Callable[[], None],
) -> str:
    """Puts files, then the manifest; returns the manifest's SHA-256, ready to be committed.

    `still_wanted` is called between two files and may raise to give up.
    """
    names = TaskNames(task)
    folder = names.files(n)
    executed = json.dumps(notebook, ensure_ascii=False, indent=1).encode("utf-8", "replace")
    refs = [
        _put_bytes(store, folder, notebook_name, executed),
        _put_bytes(store, folder, f"{RESERVED_FOLDER}/environment.json", json.dumps(environment, indent=1).encode()),
    ]
    skipped = list(skipped)
    for file in found:
        still_wanted()
        try:
            digest = _digest(file.path)
        except OSError as error:  # the task's own doing, and no fault of the store
            skipped.append(f"{file.name} ({error.strerror})")
            continue
        store.create_file(folder + file.name, file.path)
        failpoints.hit("worker.file.mid")
        refs.append(FileRef(path=file.name, size=file.size, sha256=digest))
    manifest = Manifest(
        notebook=notebook_name, files=tuple(refs), skipped=tuple(skipped), metrics=metrics, truncated=truncated
    )
    data = manifest.to_bytes()
    failpoints.hit("worker.before_manifest")
    store.create(names.manifest(n), data)
    return hashlib.sha256(data).hexdigest()


def _digest(path: Path) -> str:
    with contextlib.suppress(OSError):
        path.chmod(0o600)  # collected as a regular file; nobody is left who could put a link in its place
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as reader:
        return hashlib.file_digest(reader, "sha256").hexdigest()


def _put_bytes(store: AttemptStore, folder: str, name: str, data: bytes) -> FileRef:
    store.create(folder + name, data)
    return FileRef(path=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())
