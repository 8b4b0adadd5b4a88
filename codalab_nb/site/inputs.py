"""What `-i PARAM=…` may name: a path, a data set, or a file of an earlier task."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from codalab_nb.errors import InputError, Problems
from codalab_nb.model import names
from codalab_nb.model.bundle import FileRef
from codalab_nb.site.requests import INPUTS
from codalab_nb.stores.ports import SiteStore

if TYPE_CHECKING:
    from codalab_nb.site.site import Site

Files = Sequence[tuple[Path | bytes, str]]


def resolve_all(site: Site, wanted: Mapping[str, str | Path], problems: Problems) -> list[tuple[str, Files, str]]:
    """(parameter, files, value) of each; those that name nothing are problems."""
    resolved = []
    for parameter, reference in wanted.items():
        try:
            files, value = resolve(site, parameter, reference)
            resolved.append((parameter, files, value))
        except InputError as error:
            problems.take(error)
    return resolved


def resolve(site: Site, parameter: str, reference: str | Path) -> tuple[Files, str]:
    """The files, with their places in the task's folder, and the path that the parameter receives.

    An existing path wins over a data set of that name, a data set over a task. Raises InputError(input_unknown).
    """
    path = Path(reference).expanduser()
    if path.is_file():
        place = f"{INPUTS}/{parameter}/{path.name}"
        return [(path, place)], place
    if path.is_dir():
        return _folder(path, parameter)
    text = str(reference)
    if "/" not in text:
        for attempt in (_dataset, _task):
            try:
                return attempt(site, parameter, text)
            except InputError as error:
                if error.code not in ("dataset_unknown", "dataset_name", "task_unknown"):
                    raise
    raise InputError(
        "input_unknown",
        f"-i {parameter}={text}: there is no such file, data set or task.",
        "Give a path, a data set (`dataset list`), or TASK[:FILE] of a task that has ended (`status`).",
    )


def _folder(path: Path, parameter: str) -> tuple[Files, str]:
    place = f"{INPUTS}/{parameter}/{path.resolve().name}"
    files = [
        (entry, f"{place}/{entry.relative_to(path).as_posix()}")
        for entry in sorted(path.rglob("*"))
        if entry.is_file() and not any(part.startswith(".") for part in entry.relative_to(path).parts)
    ]
    if not files:
        raise InputError("input_unknown", f"-i {parameter}={path}: the folder has no files.", "Name another.")
    return files, place


def _dataset(site: Site, parameter: str, reference: str) -> tuple[Files, str]:
    from codalab_nb.datasets.profile import staged_files

    dataset = site.catalog.dataset(reference)
    place = f"{INPUTS}/{parameter}"
    stored = [(site.store.folder(names.blob(ref.sha256)), f"{place}/{ref.path}") for ref in dataset.files]
    written = [
        (content, f"{place}/{name}") for name, content in staged_files(dataset.profile, dataset.reference).items()
    ]
    return [*stored, *written], place


def _task(site: Site, parameter: str, reference: str) -> tuple[Files, str]:
    """A result's file: verified against its manifest here, and promoted to a blob by the submit."""
    which, _, name = reference.partition(":")
    task = site.task(which)
    if task.row.is_open and site.fold(task.id) is None:
        raise InputError("task_open", f"Task {which} has not ended yet.", "Wait for it: `codalab-nb status`.")
    manifest, folder = task.manifest, task.folder
    if manifest is None or folder is None:
        raise InputError("no_result", f"Task {which} ended {task.verdict} and has no files.", "Retry it.")
    wanted = [task.file(name).relative_to(folder).as_posix()] if name else [
        one.path for one in manifest.files if one.path != manifest.notebook and not one.path.startswith("_codalab/")
    ]  # fmt: skip
    by_name = {ref.path: ref for ref in manifest.files}
    for one in wanted:
        _verify(folder / one, by_name[one])
    if not wanted:
        raise InputError("no_result", f"Task {which} left no files.", "Name a task that did.")
    place = f"{INPUTS}/{parameter}"
    files: Files = [(folder / one, f"{place}/{one}") for one in wanted]
    return files, f"{place}/{wanted[0]}" if len(wanted) == 1 else place


def _verify(path: Path, ref: FileRef) -> None:
    try:
        with path.open("rb") as reader:
            sound = hashlib.file_digest(reader, "sha256").hexdigest() == ref.sha256
    except OSError:
        sound = False
    if not sound:
        raise InputError(
            "result_damaged", f"{ref.path} was changed or lost since its task ended.", "Run that task again."
        )


def provide(store: SiteStore, home: SiteStore, ref: FileRef) -> bool:
    """Sees to it that a pool's store has a blob that was stored before, in it or in the home. False if none has it."""
    if store.touch_blob(ref.sha256):
        return True
    if store is home or not home.touch_blob(ref.sha256):
        return False
    store.put_blob(home.folder(names.blob(ref.sha256)), ref.sha256)
    return True
