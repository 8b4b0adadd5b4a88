"""What a dead sandbox left behind, on its way into a result bundle. Everything here is a stranger's file."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codalab_nb import failpoints
from codalab_nb.model.bundle import RESERVED_FOLDER, FileRef, Manifest, check_relative
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import Limits
from codalab_nb.stores.ports import AttemptStore

# Folders that tools leave behind and nobody asked for.
_LITTER = {"__pycache__", ".ipynb_checkpoints", ".cache", ".config", ".ipython", ".local"}


class OutputLimit(Exception):
    """The files of the run are more than its limits allow."""


class Found:
    """A regular file that the run left: `path` on this machine, `name` in the bundle."""

    def __init__(self, path: Path, name: str, size: int) -> None:
        self.path = path
        self.name = name
        self.size = size


def collect(folder: Path, inputs: set[str], limits: Limits) -> tuple[list[Found], list[str]]:
    """The result files below `folder`, and the names of what is left out (links, devices, odd names).

    Never follows a link, never opens anything. Raises OutputLimit.
    """
    found: list[Found] = []
    skipped: list[str] = []
    total = 0
    for path, name, entry in _walk(folder, ""):
        if name in inputs:
            continue
        if not stat.S_ISREG(entry.st_mode) or entry.st_nlink > 1:
            _skip(skipped, name)
            continue
        try:
            check_relative(name)
        except ValueError:
            _skip(skipped, name)
            continue
        if name.split("/", 1)[0] == RESERVED_FOLDER:
            _skip(skipped, name)
            continue
        total += entry.st_size
        found.append(Found(path, name, entry.st_size))
        if len(found) > limits.files:
            raise OutputLimit(f"The run left more than {limits.files:,} files.")
        if total > limits.files_bytes:
            raise OutputLimit(
                f"The files of the run are larger than {limits.files_bytes / 1e6:,.0f} MB together"
                f" (at {name}: {total / 1e6:,.0f} MB)."
            )
    return found, skipped


def _skip(skipped: list[str], name: str) -> None:
    if len(skipped) < 1000:
        skipped.append(name.encode("utf-8", "replace").decode())


def _walk(folder: Path, prefix: str) -> Iterator[tuple[Path, str, os.stat_result]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        name = f"{prefix}{entry.name}"
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            continue
        if stat.S_ISDIR(status.st_mode):
            if entry.name not in _LITTER:
                yield from _walk(Path(entry.path), f"{name}/")
        else:
            yield Path(entry.path), name, status


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
) -> str:
    """Puts files, then the manifest; returns the manifest's SHA-256, ready to be committed."""
    names = TaskNames(task)
    folder = names.files(n)
    executed = json.dumps(notebook, ensure_ascii=False, indent=1).encode("utf-8", "replace")
    refs = [
        _put_bytes(store, folder, notebook_name, executed),
        _put_bytes(store, folder, f"{RESERVED_FOLDER}/environment.json", json.dumps(environment, indent=1).encode()),
    ]
    for file in found:
        if file.name == notebook_name:  # the notebook wrote over itself: what it executed is the result
            skipped = [*skipped, file.name]
            continue
        store.create_file(folder + file.name, file.path)
        failpoints.hit("worker.file.mid")
        with os.fdopen(os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as reader:
            digest = hashlib.file_digest(reader, "sha256").hexdigest()
        refs.append(FileRef(path=file.name, size=file.size, sha256=digest))
    manifest = Manifest(
        notebook=notebook_name, files=tuple(refs), skipped=tuple(skipped), metrics=metrics, truncated=truncated
    )
    data = manifest.to_bytes()
    failpoints.hit("worker.before_manifest")
    store.create(names.manifest(n), data)
    return hashlib.sha256(data).hexdigest()


def _put_bytes(store: AttemptStore, folder: str, name: str, data: bytes) -> FileRef:
    store.create(folder + name, data)
    return FileRef(path=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())
