"""From what a person asked for to a task document and its blobs: checked whole, before anything is stored or queued."""

from __future__ import annotations

import datetime as dt
import getpass
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codalab_nb.errors import InputError, Problem, Problems
from codalab_nb.model.base import JsonObject, new_id, utc_now
from codalab_nb.model.bundle import FileRef
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.model.declared import unknown_parameters
from codalab_nb.model.method import DATASET_PARAMETER
from codalab_nb.model.notebook import CheckedNotebook, check_notebook_path, read_notebook
from codalab_nb.model.parameters import check_parameters
from codalab_nb.model.pool import LOCAL
from codalab_nb.model.task import Limits, Priority, TaskDocument
from codalab_nb.packing.collected import FoundFile
from codalab_nb.packing.hashing import DigestCache
from codalab_nb.settings import Settings
from codalab_nb.site.catalog import Template
from codalab_nb.site.parameter_values import method_values, typed_values

INPUTS = "inputs"  # where `-i` files and data sets lie in a task's folder
_GRANT_MARGIN_S = 3600.0


@dataclass(frozen=True)
class Options:
    """What `run` and `analyze` have in common."""

    timeout_s: float | None = None
    memory_bytes: int | None = None
    network: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    pool: str = LOCAL
    priority: Priority = Priority.URGENT
    max_attempts: int | None = None
    interpreter: str = sys.executable  # what `python3` means in the pool `local`; elsewhere it is the worker's own


@dataclass(frozen=True)
class Source:
    """A file on its way into a bundle: bytes, or a path with the digest it had when it was looked at."""

    content: Path | bytes
    ref: FileRef


@dataclass(frozen=True)
class Draft:
    """A task that passed every check and is not stored yet."""

    document: TaskDocument
    sources: tuple[Source, ...]  # the notebook first
    warnings: tuple[Problem, ...] = ()


@dataclass
class Inspected:
    """What is known of a notebook that may become a draft. `checked` is None where it could not be read."""

    checked: CheckedNotebook | None
    parameters: JsonObject
    files: tuple[FoundFile, ...]
    warnings: list[Problem]
    problems: Problems


class Drafting:
    """Makes drafts. Reads files, writes nothing."""

    def __init__(self, digests: DigestCache, settings: Settings) -> None:
        self._digests = digests
        self._settings = settings

    # --- a notebook of the user's

    def notebook(
        self,
        typed: str | Path,
        *,
        parameters: Mapping[str, Any],
        inputs: Sequence[tuple[str, Sequence[tuple[Path | bytes, str]], str]] = (),
        kernel: str | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        options: Options,
        task: str | None = None,
        content: bytes | None = None,
    ) -> Draft:
        """A draft of running the notebook at the path `typed`, or `content` as if it stood there.

        `inputs`: (parameter, files as (content, place in the task's folder), value that the parameter receives).
        Raises InputError with every problem of notebook, parameters, files and options together.
        """
        seen = self.inspect(
            typed, parameters=parameters, inputs=inputs, include=include, exclude=exclude, content=content
        )
        problems = seen.problems
        found = [(file.absolute, file.path) for file in seen.files if file.packed]
        sources = list(self._sources([*found, *(file for _, files, _ in inputs for file in files)], problems))
        limits = self._limits(options, problems)
        problems.raise_if_any()
        assert seen.checked is not None
        assert limits is not None
        path = Path(typed).expanduser()
        return self._draft(
            seen.checked,
            path.name,
            sources,
            task=task or new_id(),
            parameters=seen.parameters,
            kernel=kernel or seen.checked.kernel,
            limits=limits,
            options=options,
            label=path.name,
            source=str(path),
            warnings=seen.warnings,
        )

    def inspect(
        self,
        typed: str | Path,
        *,
        parameters: Mapping[str, Any],
        inputs: Sequence[tuple[str, Sequence[tuple[Path | bytes, str]], str]] = (),
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        content: bytes | None = None,
    ) -> Inspected:
        """What `notebook` would make a draft of, and all that is wrong with it; no file beside it is read."""
        problems = Problems()
        # As typed: Path() would turn `http://x` into a relative path before anybody saw the scheme.
        checked = self._read(str(typed), content, problems)
        path = Path(typed).expanduser()
        warnings: list[Problem] = []
        values = dict(parameters)
        if checked is not None:
            warnings.extend(checked.warnings)
            values = typed_values(values, checked.notebook, problems, warnings)
        for parameter, _, value in inputs:
            if parameter in values:
                problems.add("param_twice", f"{parameter} is given as a value and as an input.", "Give it once.")
            values[parameter] = value
        files: tuple[FoundFile, ...] = ()
        if checked is not None:
            from codalab_nb.packing.discover import discover

            found = discover(checked.notebook, path.parent, include=include, exclude=exclude, parameters=values)
            files = found.files
            problems.found.extend(found.problems)
            warnings.extend(found.warnings)
        clean: JsonObject = {}
        try:
            clean, notes = check_parameters(values)
            warnings.extend(notes)
        except InputError as error:
            problems.take(error)
        if checked is not None:
            warnings.extend(unknown_parameters(clean, checked.notebook))
        return Inspected(checked, clean, files, warnings, problems)

    def _read(self, typed: str, content: bytes | None, problems: Problems) -> CheckedNotebook | None:
        path = Path(typed).expanduser()
        try:
            check_notebook_path(typed)
            return read_notebook(path.read_bytes() if content is None else content, name=path.name)
        except InputError as error:
            problems.take(error)
        except IsADirectoryError:
            problems.add("missing_file", f"{path} is a folder.", "Name the notebook in it.")
        except FileNotFoundError:
            problems.add("missing_file", f"There is no notebook {path}.", _near(path))
        except OSError as error:
            problems.add("unreadable_file", f"{path} cannot be read: {error.strerror}.", "Check its permissions.")
        return None

    # --- a method on a data set

    def method(
        self,
        template: Template,
        dataset: DatasetDocument,
        *,
        parameters: Mapping[str, Any],
        options: Options,
        batch: str | None,
        task: str,
    ) -> Draft:
        """A draft of running `template` on `dataset`. Raises InputError (method_does_not_fit, param_…)."""
        method = template.method
        problems = Problems()
        values: Mapping[str, Any] = {}
        try:
            values = method_values(template, dataset, parameters, pool=options.pool)
        except InputError as error:
            problems.take(error)
        limits = self._limits(options, problems)
        problems.raise_if_any()
        assert limits is not None
        checked = read_notebook(_content(template), name=template.path.name)
        folder, stored, written = staged(dataset)
        return self._draft(
            checked,
            template.path.name,
            written,
            stored=stored,
            task=task,
            parameters={DATASET_PARAMETER: folder, **values},
            kernel=checked.kernel,
            limits=limits,
            options=options,
            label=f"{method.title} on {dataset.reference}",
            dataset=dataset.reference,
            method=method.name,
            batch=batch,
            warnings=list(checked.warnings),
        )

    # --- both

    def _draft(
        self,
        checked: CheckedNotebook,
        name: str,
        sources: Sequence[Source],
        *,
        limits: Limits,
        options: Options,
        warnings: list[Problem],
        stored: Sequence[FileRef] = (),
        **fields: Any,
    ) -> Draft:
        now = utc_now()
        notebook = _from_bytes(json.dumps(checked.notebook, ensure_ascii=False).encode(), name)
        document = TaskDocument(
            created_at=now,
            deadline=now + dt.timedelta(seconds=max(self._settings.deadline, limits.timeout_s + _GRANT_MARGIN_S)),
            notebook=notebook.ref,
            inputs=(*stored, *(source.ref for source in _distinct(sources))),
            interpreter=options.interpreter if options.pool == LOCAL else "",
            limits=limits,
            network=options.network,
            environment=dict(options.environment),
            max_attempts=options.max_attempts or self._settings.max_attempts,
            pool=options.pool,
            priority=options.priority,
            submitter=_submitter(options.pool),
            warnings=tuple(str(warning) for warning in warnings),
            **fields,
        )
        return Draft(document, (notebook, *_distinct(sources)), tuple(warnings))

    def _limits(self, options: Options, problems: Problems) -> Limits | None:
        settings = self._settings
        timeout = settings.timeout if options.timeout_s is None else options.timeout_s
        memory = settings.memory if options.memory_bytes is None else options.memory_bytes
        if not 0 < timeout <= settings.deadline:
            problems.add(
                "timeout", f"A time limit of {timeout:g} s is not possible.", "Between 1 s and 7 d: `--timeout 2h`."
            )
        elif memory < 64 << 20:
            problems.add("memory", f"A memory limit of {memory:,} bytes is too small.", "At least 64M: `--memory 2G`.")
        else:
            return Limits(
                timeout_s=timeout,
                memory_bytes=memory,
                processes=settings.processes,
                files_bytes=settings.files,
            )
        return None

    def _sources(self, files: Sequence[tuple[Path | bytes, str]], problems: Problems) -> Iterator[Source]:
        for content, name in files:
            if isinstance(content, bytes):
                yield _from_bytes(content, name)
                continue
            try:
                sha256, size = self._digests.digest(content)
                yield Source(content, FileRef(path=name, size=size, sha256=sha256))
            except InputError as error:
                problems.take(error)
            except ValueError:
                problems.add("path", f"{name!r} cannot be the name of a file in a bundle.", "Rename it.")


def staged(dataset: DatasetDocument) -> tuple[str, list[FileRef], list[Source]]:
    """The folder in which a task finds the data set, the stored files in it, and what is written beside them."""
    from codalab_nb.datasets.profile import staged_files

    folder = f"{INPUTS}/{DATASET_PARAMETER}"
    stored = [FileRef(path=f"{folder}/{ref.path}", size=ref.size, sha256=ref.sha256) for ref in dataset.files]
    files = staged_files(dataset.profile, dataset.reference)
    return folder, stored, [_from_bytes(content, f"{folder}/{name}") for name, content in files.items()]


def _submitter(pool: str) -> str:
    """As this machine names who asks; for another pool with the machine, so that no worker takes them for its own."""
    return getpass.getuser() if pool == LOCAL else f"{getpass.getuser()}@{os.uname().nodename}"


def _content(template: Template) -> bytes:
    try:
        return template.path.read_bytes()
    except OSError as error:
        name = template.method.name
        told = f"The notebook of the method {name} is not there any more ({template.path})."
        raise InputError("method_unknown", told, "Install the method again, or choose another.", at=name) from error


def _from_bytes(content: bytes, name: str) -> Source:
    return Source(content, FileRef(path=name, size=len(content), sha256=hashlib.sha256(content).hexdigest()))


def _distinct(sources: Sequence[Source]) -> list[Source]:
    return list({source.ref.path: source for source in sources}.values())


def _near(path: Path) -> str:
    import difflib

    folder = path.parent
    there = [entry.name for entry in folder.glob("*.ipynb")] if folder.is_dir() else []
    near = difflib.get_close_matches(path.name, there, n=1)
    if near:
        return f"Did you mean {folder / near[0]}?"
    return f"Notebooks in {folder.resolve()}: {', '.join(sorted(there)[:5]) or 'none'}."
