"""Data sets: a named, numbered, immutable set of files, and the profile that says what is in them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from codalab_nb.errors import InputError
from codalab_nb.model.base import Document
from codalab_nb.model.bundle import FileRef, RelativePath

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
PROFILE_FILE = "profile.json"  # staged beside the files of a data set; no file of a data set may have this name
AS_READ = "as-read"  # the folder of clean copies in a data set; no file that a person adds may lie in one of this name

Orientation = Literal[
    "genes_in_rows", "samples_in_rows", "table", "files"
]  # `files`: nothing in it was read as a table
Kind = Literal["counts", "linear", "log", "none"]  # `none`: a general table, or no table
Role = Literal["condition", "batch", "pair", "dose", "time", "event", "target"]
ROLES: tuple[str, ...] = get_args(Role)
Source = Literal["file", "header", "names", "user"]  # of a column; `header`: rows above the matrix; `names`: of samples
MATRIX_KINDS: tuple[str, ...] = ("counts", "linear", "log")

KIND_WORDS = {
    "counts": "counts (whole numbers of reads or molecules)",
    "linear": "linear intensities",
    "log": "logarithms or other continuous values",
    "none": "a general table",
}


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 gene`, `3,051 genes`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def check_name(name: str) -> str:
    """Returns `name` if a data set may be called so, else raises ValueError."""
    if not NAME.fullmatch(name):
        raise ValueError(
            f"not a data set name: {name!r} (letters, digits, '.', '_', '-'; at most 64; no '-' or '.' first)"
        )
    return name


DatasetName = Annotated[str, AfterValidator(check_name)]


class Note(Document):
    """A warning in plain words; `code` is for programs."""

    code: str
    text: str


class Level(Document):
    """One group of a column, and how many samples (or rows of a general table) it has."""

    name: str
    n: Annotated[int, Field(ge=1)]


class TableFile(Document):
    """How one text table of the data set is to be read."""

    path: RelativePath
    separator: str
    decimal: Literal[".", ","] = "."
    encoding: str = "utf-8-sig"
    row_names: bool = False  # as R writes it: the header names one column less than the rows have


class Column(Document):
    """A column of the sample table or, in a general table, any column."""

    name: str
    type: Literal["groups", "numbers", "text"]
    source: Source = "file"
    role: Role | None = None
    role_proposed: bool = False  # true until a person has said so
    levels: tuple[Level, ...] = ()  # in order of first appearance; empty for measurements and free text
    missing: Annotated[int, Field(ge=0)] = 0
    recoded: dict[str, str] = Field(default_factory=dict)  # label in the file → name of the group; a person said so


class Reference(Document):
    """The group the others are compared with. A proposal stays marked as one until a person confirms it."""

    column: str
    level: str
    why: str
    proposed: bool = True


class Profile(Document):
    """What is in a data set. Sizes count samples and features (genes); cells without a value count as `missing`."""

    orientation: Orientation
    orientation_why: str = ""
    kind: Kind = "none"
    kind_source: Literal["values", "user"] = "values"
    matrix: TableFile | None = None
    samples: TableFile | None = None
    id_column: str | None = None
    sample_id_column: str | None = None  # in the sample table
    annotations: tuple[str, ...] = ()  # columns of the matrix file that describe features, not measurements
    gene_names: str = ""  # of a matrix: `symbols`, `Ensembl ids`, …, in words; empty: not known
    gene_sets: tuple[RelativePath, ...] = ()  # .gmt files that came along
    n_samples: Annotated[int, Field(ge=0)] = 0
    n_features: Annotated[int, Field(ge=0)] = 0
    missing: Annotated[int, Field(ge=0)] = 0
    value_min: float | None = None
    value_max: float | None = None
    not_count: str | None = None  # the first value that is no whole number ≥ 0, with its cell; None: there is none
    columns: tuple[Column, ...] = ()
    groups_from_names: tuple[str, ...] = ()  # one per sample, in the matrix' order; only when no file gives groups
    renamed: dict[str, str] = Field(default_factory=dict)  # sample in the matrix → the same one in the sample table
    renamed_proposed: bool = False  # true until a person has said so
    reference: Reference | None = None
    original: RelativePath | None = None  # the file that `matrix` is a clean copy of; None: `matrix` is the file itself
    reading: tuple[Note, ...] = ()  # how the files were read, where that was not plain
    warnings: tuple[Note, ...] = ()

    @model_validator(mode="after")
    def _roles_are_unique(self) -> Profile:
        taken = [column.role for column in self.columns if column.role]
        if len(taken) != len(set(taken)):
            raise ValueError("two columns have the same role")
        return self

    @property
    def is_matrix(self) -> bool:
        return self.orientation in ("genes_in_rows", "samples_in_rows")

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def by_role(self, role: str) -> Column | None:
        """The column that has `role`, proposed or confirmed."""
        return next((column for column in self.columns if column.role == role), None)

    @property
    def roles(self) -> dict[str, str]:
        """Column name → role."""
        return {column.name: column.role for column in self.columns if column.role}

    def notes(self) -> tuple[Note, ...]:
        """All that a person should read: what the file shows, then what was proposed and nobody confirmed yet."""
        from codalab_nb.model.questions import design_notes, open_questions  # which know this module

        return self.warnings + tuple(open_questions(self)) + tuple(design_notes(self))


class DatasetDocument(Document):
    """One version of a data set: `NAME@2`. Never changed; another version is another document."""

    format: Literal[1] = 1
    name: DatasetName
    version: Annotated[int, Field(ge=1)]
    files: tuple[FileRef, ...]
    profile: Profile
    created_at: dt.datetime

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.version}"

    @model_validator(mode="after")
    def _files_have_distinct_names(self) -> DatasetDocument:
        paths = [file.path for file in self.files]
        if len(paths) != len(set(paths)) or PROFILE_FILE in paths:
            raise ValueError(f"file names must differ, and none may be {PROFILE_FILE}")
        return self


def parse_reference(text: str) -> tuple[str, int | None]:
    """`golub@2` → ("golub", 2); `golub` → ("golub", None), which means the newest version. Raises InputError."""
    name, at, number = text.partition("@")
    if not NAME.fullmatch(name) or (at and not re.fullmatch(r"[1-9][0-9]{0,8}", number)):
        raise InputError(
            "dataset_name",
            f"Not the name of a data set: {text!r}.",
            "Write NAME or NAME@VERSION, as `dataset list` shows it.",
        )
    return name, int(number) if at else None
