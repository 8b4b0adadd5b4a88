"""What can be analysed with what: data sets in the store, methods from installed packages, and which fits which."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from codalab_nb.errors import InputError, UnavailableError
from codalab_nb.model import names
from codalab_nb.model.base import JsonObject, utc_now
from codalab_nb.model.bundle import FileRef
from codalab_nb.model.dataset import NAME, DatasetDocument, Profile, parse_reference
from codalab_nb.model.design import meant, revise
from codalab_nb.model.method import Method, fits, method_from_notebook
from codalab_nb.packing.hashing import DigestCache
from codalab_nb.stores.ports import NotFound, SiteStore

if TYPE_CHECKING:
    from codalab_nb.datasets.sample_table import Table

_MOST_KNOWN = 5_000  # documents of data sets that are kept in mind: a list of hundreds is asked for at every click
METHODS_GROUP = "codalab_nb.methods"  # entry points: a callable that returns a folder of template notebooks


def builtin_methods() -> Path:
    """The template notebooks that come with the project: beside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "notebooks" / "methods"
    return inside if inside.is_dir() else package.parent / "notebooks" / "methods"


@dataclass(frozen=True)
class Template:
    """A method and the notebook it came from."""

    method: Method
    path: Path


@dataclass(frozen=True)
class Offer:
    """A method as offered for one data set: whether it can run there, and why not."""

    template: Template
    fits: bool
    reason: str


class Catalog:
    """Data sets and methods of one site."""

    def __init__(self, store: SiteStore, digests: DigestCache) -> None:
        self._store = store
        self._digests = digests
        self._templates: dict[str, Template] | None = None
        self._known: dict[str, tuple[str, DatasetDocument]] = {}  # name in the store → what it was when it was read

    # --- data sets

    def add(
        self,
        paths: Sequence[Path],
        *,
        name: str | None = None,
        samples: str | Path | None = None,
        sheet: str | None = None,
        roles: Mapping[str, str] | None = None,
        kind: str | None = None,
        level: str | None = None,
        renames: Mapping[str, str] | None = None,
        accept: bool = False,
    ) -> DatasetDocument:
        """Profiles the files and stores them as the next version of `name` (default: from the first file's name).

        `samples` is a file, or a sheet of the workbook; `sheet` the one with the matrix; `level` the reference level.
        The same files with the same profile as the newest version are that version. Raises InputError.
        """
        from codalab_nb.datasets.profile import profile_files  # pandas: only for who adds data

        name = check_dataset_name(name or default_name(paths[0]))
        refs = []
        with _workspace() as workspace:
            profile, files = profile_files(
                paths,
                samples=samples,
                sheet=sheet,
                roles=roles,
                kind=kind,
                reference=level,
                renames=renames,
                accept=accept,
                workspace=workspace,
            )
            for path, inside in files:
                sha256, size = self._digests.digest(path)
                self._store.put_blob(path, sha256)
                refs.append(FileRef(path=inside, size=size, sha256=sha256))
        return self._new_version(name, tuple(refs), profile)

    def set(
        self,
        reference: str,
        *,
        samples: Path | Table | None = None,
        roles: Mapping[str, str] | None = None,
        kind: str | None = None,
        level: str | None = None,
        renames: Mapping[str, str] | None = None,
        accept: bool = False,
    ) -> DatasetDocument:
        """A new version with the user's word (see `revise`; `level` is the reference level); the old one stays.

        `samples`: a sample table that takes the place of the one it has, a file or its cells as text.
        """
        document = self.dataset(reference)
        profile, files = document.profile, document.files
        if samples is not None:
            profile, files = self._with_samples(document, samples)
        profile = revise(profile, roles=roles, kind=kind, reference=level, renames=renames, accept=accept)
        made = document.model_copy(update={"files": files})
        return self._new_version(document.name, files, self._judged(made, profile))

    def samples(self, reference: str) -> Table | None:
        """The sample table as it is shown and edited; None where such data have none (`sample_table.why_not`)."""
        from codalab_nb.datasets import sample_table  # pandas

        document = self.dataset(reference)
        if sample_table.why_not(document.profile):
            return None
        with self._unpacked(document) as place_of:
            return sample_table.shown(document.profile, place_of)

    def _with_samples(self, document: DatasetDocument, samples: Path | Table) -> tuple[Profile, tuple[FileRef, ...]]:
        from codalab_nb.datasets import sample_table  # pandas

        given = sample_table.from_file(samples) if isinstance(samples, Path) else samples
        with self._unpacked(document) as place_of, _workspace() as folder:
            if document.profile.samples is not None and given == sample_table.shown(document.profile, place_of):
                return document.profile, document.files
            profile = sample_table.described_anew(document.profile, given, place_of, folder)
            path = folder / sample_table.FILE.path
            sha256, size = self._digests.digest(path)
            self._store.put_blob(path, sha256)
        kept = tuple(file for file in document.files if file.path != sample_table.FILE.path)
        return profile, (*kept, FileRef(path=sample_table.FILE.path, size=size, sha256=sha256))

    def _judged(self, document: DatasetDocument, profile: Profile) -> Profile:
        """With fresh notes on the design, which depend on the roles; the sample table is read again for them."""
        if profile.by_role("condition") is None:
            return profile
        from codalab_nb.datasets.meaning import judged, sample_frame  # pandas

        with self._unpacked(document) as place_of:
            return judged(profile, sample_frame(profile, place_of))

    @contextlib.contextmanager
    def _unpacked(self, document: DatasetDocument) -> Iterator[Callable[[str], Path]]:
        """Where the bytes of a file of the data set lie, under a name that says how it is packed."""
        digests = {file.path: file.sha256 for file in document.files}
        with _workspace() as folder:

            def place_of(name: str) -> Path:
                blob = self._store.folder(names.blob(digests[name])).resolve()
                if not blob.is_file():
                    told = f"The file {name} of {document.reference} is not stored any more."
                    raise InputError("dataset_damaged", told, "Add the data set again.")
                link = folder / f"{digests[name][:16]}-{Path(name).name}"
                if not link.is_symlink():
                    link.symlink_to(blob)
                return link

            yield place_of

    def _new_version(self, name: str, files: tuple[FileRef, ...], profile: Profile) -> DatasetDocument:
        versions = self.versions(name)
        if versions:
            newest = self._read(name, versions[-1])
            if newest.files == files and newest.profile == profile:
                return newest
        number = (versions[-1] if versions else 0) + 1
        while True:
            document = DatasetDocument(name=name, version=number, files=files, profile=profile, created_at=utc_now())
            if self._store.create(names.dataset(name, number), document.to_bytes()):
                return document
            number += 1  # somebody else added one at the same time

    def datasets(self) -> list[DatasetDocument]:
        """The newest version of each data set, by name."""
        newest: dict[str, int] = {}
        for stored in self._store.list("datasets/"):
            match = re.fullmatch(r"datasets/([^/]+)/(\d+)\.json", stored)
            if match and NAME.fullmatch(match[1]):
                newest[match[1]] = max(newest.get(match[1], 0), int(match[2]))
        found = []
        for name, number in sorted(newest.items()):
            with contextlib.suppress(InputError):  # removed in this very moment
                found.append(self._read(name, number))
        return found

    def dataset(self, reference: str) -> DatasetDocument:
        """`NAME` (its newest version) or `NAME@2`. Raises InputError(dataset_unknown) with near misses."""
        name, number = parse_reference(reference)
        versions = self.versions(name)
        if not versions or (number is not None and number not in versions):
            known = [document.name for document in self.datasets()]
            has = f" {name} has the versions {', '.join(map(str, versions))}." if versions else meant(name, known)
            raise InputError(
                "dataset_unknown",
                f"There is no data set {reference}.{has}",
                "`codalab-nb dataset list` shows all; `codalab-nb dataset add FILE` makes one.",
            )
        return self._read(name, number or versions[-1])

    def remove(self, reference: str) -> list[str]:
        """Removes one version (`NAME@2`) or all (`NAME`); the references removed. Results made from it stay."""
        name, number = parse_reference(reference)
        self.dataset(reference)
        gone = [number] if number is not None else self.versions(name)
        for version in gone:
            self._store.delete(names.dataset(name, version))
        return [f"{name}@{version}" for version in gone]

    def versions(self, name: str) -> list[int]:
        """The numbers of its versions that are there; [] for a name that no data set has."""
        stored = self._store.list(f"datasets/{name}/")
        return sorted(int(match[1]) for one in stored if (match := re.search(r"/(\d+)\.json$", one)))

    def _read(self, name: str, number: int) -> DatasetDocument:
        stored = names.dataset(name, number)
        look = self._store.look(stored)  # before the read: a later one is never taken for this one
        known = self._known.get(stored)
        if look is not None and known is not None and known[0] == look.version:
            return known[1]
        try:
            document = DatasetDocument.model_validate_json(self._store.read(stored))
        except NotFound as error:
            raise InputError("dataset_unknown", f"There is no data set {name}@{number} any more.") from error
        except ValidationError as error:
            told = f"The description of the data set {name}@{number} is damaged ({stored} in the store)."
            raise UnavailableError("store_damaged", told, "Move that file away, or add the data set again.") from error
        if look is not None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[stored] = (look.version, document)
        return document

    # --- methods

    def templates(self) -> dict[str, Template]:
        """All installed methods by name. A notebook that does not declare itself properly is left out here;
        `check_method` says what is wrong with it."""
        if self._templates is None:
            found: dict[str, Template] = {}
            for point in sorted(entry_points(group=METHODS_GROUP), key=lambda point: point.name):
                for path in sorted(Path(point.load()()).glob("*.ipynb")):
                    try:
                        template = read_template(path)
                    except InputError:
                        continue
                    found.setdefault(template.method.name, template)
            self._templates = found
        return self._templates

    def template(self, name: str) -> Template:
        template = self.templates().get(name)
        if template is None:
            raise InputError(
                "method_unknown",
                f"There is no method {name!r}.{meant(name, sorted(self.templates()))}",
                "`codalab-nb method list` shows all; a notebook file is run with `codalab-nb run`.",
            )
        return template

    def offers(self, profile: Profile | None) -> list[Offer]:
        """Every method with whether it fits (without a profile: whether it can run here at all) and why not."""
        offers = []
        for template in self.templates().values():
            missing = missing_imports(template.method)
            if missing:
                reason = f"It needs {', '.join(missing)}: pip install 'codalab-nb[analysis]'"
                offers.append(Offer(template, False, reason))
                continue
            ok, reason = fits(template.method, profile) if profile is not None else (True, "")
            offers.append(Offer(template, ok, reason))
        return offers


@contextlib.contextmanager
def _workspace() -> Iterator[Path]:
    """A folder for what is made on the way. Raises UnavailableError(disk_full) for whoever fills the disk in it."""
    try:
        with tempfile.TemporaryDirectory(prefix="codalab-nb-") as folder:
            yield Path(folder)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        told = f"The disk that holds {tempfile.gettempdir()} is full."
        fix = "Free some space there, or set TMPDIR to a folder with more, then repeat."
        raise UnavailableError("disk_full", told, fix) from error


def read_template(path: Path) -> Template:
    """Raises InputError with everything an author has to put right."""
    from codalab_nb.model.notebook import read_notebook

    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError("missing_file", f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    read_notebook(data, name=path.name)
    notebook: JsonObject = json.loads(data.decode("utf-8-sig"))
    return Template(method_from_notebook(notebook, path=path.name), path)


def missing_imports(method: Method) -> list[str]:
    """Modules the method needs that this interpreter does not have; it is the one that would run it."""
    return [module for module in method.imports if importlib.util.find_spec(module.partition(".")[0]) is None]


def default_name(path: Path) -> str:
    """A data set name from a path: `My data (2).csv` → `My-data-2`; `…/golub/expression.csv` stays `expression`."""
    stem = path.resolve().name
    for suffix in (".gz", ".csv", ".tsv", ".txt", ".tab", ".xlsx", ".xlsm", ".gct", ".h5ad"):
        stem = stem.removesuffix(suffix)
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:64] or "data"


def check_dataset_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise InputError(
            "dataset_name",
            f"{name!r} cannot be the name of a data set.",
            "Use letters, digits, '.', '_' and '-', at most 64, with a letter or digit first: `--name golub`.",
        )
    return name
