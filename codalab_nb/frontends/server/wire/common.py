"""What all answers share."""

from __future__ import annotations

from pydantic import Field

from codalab_nb.model.base import Document


class Problem(Document):
    """One thing that is wrong: `code` for programs; `message` and `fix` (what to do next) for people."""

    code: str
    message: str
    fix: str = ""
    at: str | None = Field(None, description="what of the request it is about: a parameter, a column, a file")


class Failure(Document):
    """The body of every answer that is not 2xx. All problems of one request are told at once."""

    errors: tuple[Problem, ...]


class Note(Document):
    """A warning in plain words."""

    code: str
    text: str


class Busy(Document):
    """How many tasks wait and run, in all."""

    queued: int
    running: int


class Status(Document):
    """Whether work is done here, in words where it is not."""

    version: str
    home: str
    sandbox: str = Field(description="`bubblewrap`, or `none`: notebooks run with the rights of the user")
    sandbox_warning: str | None = Field(None, description="why there is no sandbox and what to do")
    serving: bool = Field(description="the background process is there, or starts as soon as there is work")
    stuck: str | None = Field(None, description="why no work is taken, and what to do")
    busy: Busy
    seq: int = Field(description="the ledger's sequence number now: where to resume the event stream")
    default_pool: str
    folder: str = Field(description="the server's own root folder, as people know it: where files of a person lie")


class Done(Document):
    """It was done; there is nothing else to say."""

    done: bool = True


class Pool(Document):
    """Where tasks may run."""

    name: str
    kind: str
    workers: int | None = Field(None, description="workers that gave a sign of life lately; null where that is unknown")
    note: str = Field("", description="what a person must know before choosing it")


class PoolList(Document):
    pools: tuple[Pool, ...]
