"""Inputs on their way into the sandbox: found, checked against their digests, placed read-only."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

from codalab_nb import failpoints
from codalab_nb.model.bundle import FileRef
from codalab_nb.stores.ports import AttemptStore, Damaged, NotFound

_BACK_OFF_S = (0.1, 0.5)  # between three looks for a blob that is not there


class StagingFault(Exception):
    """The task's own fault: an input that is missing or is not what the task document says."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Verified:
    """Digests that were checked in this process, by what `stat` says of the file: a second task is not slowed."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, int, int, int], str] = {}
        self._lock = threading.Lock()

    def matches(self, path: Path, ref: FileRef) -> bool:
        stat = path.stat()
        if stat.st_size != ref.size:
            return False
        # ctime leaves out the collector's touch (utime changes it too: then the file is simply hashed again).
        key = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        with self._lock:
            known = self._known.get(key)
        if known is None:
            with path.open("rb") as file:
                known = hashlib.file_digest(file, "sha256").hexdigest()
            with self._lock:
                self._known[key] = known
                if len(self._known) > 100_000:
                    self._known.clear()
        return known == ref.sha256


def locate(store: AttemptStore, ref: FileRef, verified: Verified) -> Path:
    """The local file of one input. Raises StagingFault: input_missing after three looks, input_digest after two."""
    for pause in (*_BACK_OFF_S, None):
        try:
            path = store.blob(ref.sha256, ref.size)
            if verified.matches(path, ref) or verified.matches(store.blob(ref.sha256, ref.size), ref):
                return path
            break
        except Damaged:
            continue  # fetched anew at the next look, once more at the last
        except (NotFound, FileNotFoundError):
            if pause is None:
                raise StagingFault("input_missing", f"The input {ref.path} is not in the store.") from None
            time.sleep(pause)
    raise StagingFault("input_digest", f"The input {ref.path} is not what was submitted: its digest differs.")


def locate_all(store: AttemptStore, inputs: tuple[FileRef, ...], verified: Verified) -> list[tuple[Path, str]]:
    """(local file, path in the task's folder) of every input."""
    placed = []
    for ref in inputs:
        placed.append((locate(store, ref, verified), ref.path))
        failpoints.hit("worker.stage.mid")
    return placed


def process_name() -> str:
    """How this worker signs its claims: host and process, for people who look for it."""
    return f"{os.uname().nodename}:{os.getpid()}"
