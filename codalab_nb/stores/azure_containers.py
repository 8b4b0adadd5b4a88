"""Which container holds a name: each task has one of its own, so that a grant can end at its walls."""

from __future__ import annotations

import re
from dataclasses import dataclass

from codalab_nb.errors import InputError
from codalab_nb.model.base import is_id
from codalab_nb.stores.ports import Forbidden

_PREFIX = re.compile(r"[a-z0-9](-?[a-z0-9]){1,24}")  # with a hyphen and a UUID it makes at most 63 characters
_SHARED = "shared"


@dataclass(frozen=True)
class Containers:
    """`prefix` tells the containers of this site or pool from others in the same account."""

    prefix: str

    def __post_init__(self) -> None:
        if not _PREFIX.fullmatch(self.prefix):
            raise InputError(
                "store_prefix",
                f"{self.prefix!r} cannot begin the names of containers.",
                "Use 2 to 25 lower-case letters, digits and single hyphens.",
            )

    @property
    def shared(self) -> str:
        return f"{self.prefix}-{_SHARED}"

    def of_task(self, task: str) -> str:
        return f"{self.prefix}-{task}"

    def place(self, name: str) -> tuple[str, str]:
        """(container, blob) of a store's name. Raises Forbidden for what is no name."""
        parts = name.split("/")
        if name.startswith("/") or ".." in parts or "." in parts or "" in parts[:-1]:
            raise Forbidden(name)
        if parts[0] != "tasks":
            return self.shared, name
        if len(parts) < 3 or not is_id(parts[1]):
            raise Forbidden(name)
        return self.of_task(parts[1]), "/".join(parts[2:])

    def is_name(self, name: str) -> bool:
        """Whether `place` takes it, as the name of something and not of a folder."""
        try:
            return self.place(name)[1][-1:] not in ("", "/")
        except Forbidden:
            return False

    def task_of(self, container: str) -> str | None:
        """The task whose container that is; None for another's."""
        head, _, task = container.partition(f"{self.prefix}-")
        return task if not head and is_id(task) else None
