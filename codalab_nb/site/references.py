"""What people type for a task or a batch: an id, the end of one, or `@last`."""

from __future__ import annotations

from typing import Literal

from codalab_nb.errors import InputError
from codalab_nb.site.ledger import Ledger


def find_reference(ledger: Ledger, reference: str, column: Literal["id", "batch"]) -> str:
    """The id of the one task (or batch) that `reference` means. Raises InputError(task_unknown, task_ambiguous)."""
    if reference == "@last":
        rows = ledger.find(limit=1, service=False, background=False)
        if rows and (newest := rows[0].id if column == "id" else rows[0].batch):
            return newest
        raise InputError("task_unknown", "There is no task yet.", "`codalab-nb demo` makes some.")
    found = ledger.ids_ending(reference, column) if len(reference) >= 4 else []
    if len(found) == 1:
        return found[0]
    what = "task or batch" if column == "id" else "batch"
    if not found:
        raise InputError(
            "task_unknown",
            f"There is no {what} {reference!r}.",
            "Give an id, at least four characters of its end, or @last; `codalab-nb status` lists them.",
        )
    raise InputError(
        "task_ambiguous", f"{reference!r} ends several ids, for example {', '.join(found)}.", "Give more of it."
    )
