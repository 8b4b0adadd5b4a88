"""Where everything lies in a store. The only place that spells these names; a person can read the folder."""

from __future__ import annotations

import re
from dataclasses import dataclass

from codalab_nb.model.base import is_id


def blob(sha256: str) -> str:
    return f"blobs/sha256/{sha256[:2]}/{sha256}"


def dataset(name: str, number: int) -> str:
    return f"datasets/{name}/{number}.json"


def batch(batch_id: str) -> str:
    return f"batches/{batch_id}.json"


def is_events(name: str) -> bool:
    """Whether that is a name of `TaskNames.events`: the only ones that grow."""
    return re.fullmatch(r"tasks/[0-9a-f-]+/attempts/\d+/events\.\d+\.jsonl", name) is not None


@dataclass(frozen=True)
class TaskNames:
    """The names of one task. Raises ValueError for an id that is not a canonical UUID."""

    task: str

    def __post_init__(self) -> None:
        if not is_id(self.task):
            raise ValueError(f"not a task id: {self.task!r}")

    @property
    def folder(self) -> str:
        return f"tasks/{self.task}/"

    @property
    def document(self) -> str:
        return f"tasks/{self.task}/task.json"

    @property
    def accepted(self) -> str:
        return f"tasks/{self.task}/accepted.json"

    @property
    def result(self) -> str:
        return f"tasks/{self.task}/result.json"

    @property
    def watched(self) -> str:
        """Touched while somebody watches the task, where live output has a price."""
        return f"tasks/{self.task}/watched"

    def grant(self, n: int) -> str:
        return f"tasks/{self.task}/grants/{n}.json"

    def attempt(self, n: int) -> str:
        """The folder of attempt `n` (counted from 1), with a slash at its end."""
        return f"tasks/{self.task}/attempts/{n}/"

    def claim(self, n: int) -> str:
        return f"{self.attempt(n)}claim.json"

    def events(self, n: int, segment: int = 0) -> str:
        return f"{self.attempt(n)}events.{segment:03d}.jsonl"

    def files(self, n: int) -> str:
        return f"{self.attempt(n)}files/"

    def parts(self, n: int) -> str:
        """Where the parts of large result files lie: `<path in files>/<index>`, where a store needs them."""
        return f"{self.attempt(n)}parts/"

    def manifest(self, n: int) -> str:
        return f"{self.attempt(n)}manifest.json"
