"""Every error a person or a program can meet, split by who must act.

    CodalabError
    ├── InputError         the user or the notebook's author: refused before anything was queued   (exit 2)
    ├── UnavailableError   the operator: store, ledger, disk or home does not do its part           (exit 3)
    └── ProtocolError      us: something that must not happen did; please report it                 (exit 70)

An error carries one or more problems, each with a code (for programs), a message (what was
wanted, what was found) and a fix (what to do next). All bad inputs of one request are
collected first and raised together. Foreign exceptions are mapped once, at the edge of
the module that met them, with the cause kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: `code` for programs, `message` and `fix` for people.

    at: what of the request it is about, where that can be named: a parameter, a column, a sample, a file.
    """

    code: str
    message: str
    fix: str = ""
    at: str | None = None

    def __str__(self) -> str:
        return f"{self.message} {self.fix}".strip()


class CodalabError(Exception):
    """Base of all errors raised on purpose."""

    exit_code = 70

    def __init__(
        self, code: str, message: str, fix: str = "", *, at: str | None = None, others: Iterable[Problem] = ()
    ) -> None:
        self.problems: tuple[Problem, ...] = (Problem(code, message, fix, at), *others)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @property
    def code(self) -> str:
        return self.problems[0].code

    @property
    def message(self) -> str:
        return self.problems[0].message

    @property
    def fix(self) -> str:
        return self.problems[0].fix

    def as_json(self) -> dict[str, list[dict[str, str]]]:
        """The shape every `--json` command prints on failure."""
        return {
            "errors": [
                {name: value for name, value in asdict(one).items() if value is not None} for one in self.problems
            ]
        }


class InputError(CodalabError):
    """Refused: the request itself is wrong. Nothing was queued, nothing half-made stays."""

    exit_code = 2


class UnavailableError(CodalabError):
    """Something the request needs does not work now: disk full, home not writable, database damaged."""

    exit_code = 3


class ProtocolError(CodalabError):
    """A promise of the protocol was found broken. Never expected; never hidden."""


class Problems:
    """Collects the problems of one request, so that all of them are told at once."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, code: str, message: str, fix: str = "", *, at: str | None = None) -> None:
        self.found.append(Problem(code, message, fix, at))

    def take(self, error: CodalabError) -> None:
        self.found.extend(error.problems)

    def raise_if_any(self) -> None:
        """Raises InputError with every problem collected so far, if there is one."""
        if self.found:
            first, *others = self.found
            raise InputError(first.code, first.message, first.fix, at=first.at, others=others)
