"""What the planner told last, for views: a process that looks shall not have to think it all through again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

_FILE = "status.json"


@dataclass(frozen=True)
class StatusFile:
    """`at`: Unix seconds; `counts`: state of a cell → how many."""

    pid: int
    at: float
    doing: str
    counts: Mapping[str, int]

    def write(self, folder: Path) -> None:
        """Raises OSError."""
        temporary = folder / f".{_FILE}.{self.pid}"
        temporary.write_text(json.dumps(asdict(self)))
        temporary.replace(folder / _FILE)

    @classmethod
    def read(cls, folder: Path) -> StatusFile | None:
        """None where there is none that can be read."""
        try:
            return cls(**json.loads((folder / _FILE).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None
