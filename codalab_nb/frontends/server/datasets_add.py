"""Files become a data set: uploads, files of the server's file browser, or what comes along to be tried."""

from __future__ import annotations

from pathlib import Path

from codalab_nb.errors import InputError, Problems
from codalab_nb.frontends.choosing.words import plain_name
from codalab_nb.frontends.server import dataset_words, security
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.examples import EXAMPLES, add_example
from codalab_nb.frontends.server.operations import operation
from codalab_nb.frontends.server.uploads import Uploads
from codalab_nb.frontends.server.wire import datasets
from codalab_nb.model.base import is_id
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.site.catalog import default_name


@operation("addDataset", slow=True)
def add_dataset(context: Context, body: datasets.AddDataset) -> datasets.Dataset:
    """Uploads that became a data set are forgotten; where it fails they stay, to be tried with another answer."""
    document = _example(context, body) if body.example is not None else _from_files(context, body)
    context.datasets_changed()
    return dataset_words.in_full(context.site.catalog, document)


def _example(context: Context, body: datasets.AddDataset) -> DatasetDocument:
    problems = Problems()
    _exactly_one(body, problems)
    if body.example not in EXAMPLES:
        told = f"There is no sample data set called {body.example!r}."
        problems.add("example_unknown", told, f"There are: {', '.join(EXAMPLES)}.", at="example")
    problems.raise_if_any()
    assert body.example is not None
    return add_example(context.site, body.example)


def _from_files(context: Context, body: datasets.AddDataset) -> DatasetDocument:
    problems = Problems()
    _exactly_one(body, problems)
    uploads = Uploads.of(context.site)
    paths = [path for upload in body.uploads if (path := _upload(uploads, upload, problems))]
    paths += [path for text in body.paths if (path := _of_person(context.root, text, problems))]
    samples = _samples(context, uploads, body, paths, problems)
    problems.raise_if_any()
    document = context.site.add_dataset(
        *paths,
        name=(body.name or "").strip() or default_name(Path(plain_name(paths[0].name))),
        samples=samples,
        sheet=(body.sheet or "").strip() or None,
        roles=body.answer.roles,
        kind=body.answer.kind,
        level=body.answer.reference,
        renames=body.answer.renames,
        accept=body.answer.accept,
    )
    for upload in (*body.uploads, body.samples):
        if upload is not None and is_id(upload):
            uploads.forget(upload)
    return document


def _exactly_one(body: datasets.AddDataset, problems: Problems) -> None:
    if sum((bool(body.uploads), bool(body.paths), body.example is not None)) != 1:
        told = "No file is chosen." if not (body.uploads or body.paths) else "Files of several kinds are chosen."
        problems.add("usage", told, "Upload files, or choose some of the file browser, or take sample data.")
        problems.raise_if_any()


def _upload(uploads: Uploads, upload: str, problems: Problems) -> Path | None:
    try:
        return uploads.path(upload)
    except InputError as error:
        problems.take(error)
        return None


def _of_person(root: Path, text: str, problems: Problems) -> Path | None:
    """A file, or a folder, of the server's file browser."""
    try:
        path = security.contained(root, text.strip("/"))
    except InputError as error:
        problems.add(error.code, f"There is no file {text!r} in the file browser.", "Choose one there.", at=text)
        return None
    if not path.exists():
        problems.add(
            "missing_file", f"There is no file {text!r} any more.", "Choose another in the file browser.", at=text
        )
        return None
    return path


def _samples(
    context: Context, uploads: Uploads, body: datasets.AddDataset, paths: list[Path], problems: Problems
) -> str | Path | None:
    """An upload, a file of the file browser, or else a sheet of the workbook."""
    text = (body.samples or "").strip()
    if not text:
        return None
    if is_id(text):
        return _upload(uploads, text, problems)
    in_workbook = any(path.name.casefold().endswith((".xlsx", ".xlsm", ".xls")) for path in paths)
    try:
        path = security.contained(context.root, text.strip("/"))
    except InputError:
        path = None
    if path is not None and path.is_file():
        return path
    if in_workbook:
        return text
    told = f"There is no sample table {text!r} in the file browser."
    problems.add("missing_file", told, "Choose one there, or upload it.", at="samples")
    return None
