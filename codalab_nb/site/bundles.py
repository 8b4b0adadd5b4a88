"""Task bundles on their way into the store of their pool, and the same bundles once more for a retry."""

from __future__ import annotations

from collections.abc import Sequence

from codalab_nb.errors import InputError
from codalab_nb.model.base import new_id, utc_now
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import TaskDocument
from codalab_nb.site.inputs import provide
from codalab_nb.site.requests import Draft
from codalab_nb.site.tasks import Task
from codalab_nb.stores.ports import SiteStore


def store_bundle(draft: Draft, store: SiteStore, home: SiteStore) -> TaskDocument:
    """Blobs first, then `task.json`: what names something comes after it. `home` has the data sets.

    Returns the document that stands there, which for a request sent twice is the first one's.
    Raises InputError(input_missing, id_conflict), UnavailableError.
    """
    document = draft.document
    packed = {source.ref.sha256 for source in draft.sources}
    for source in draft.sources:
        store.put_blob(source.content, source.ref.sha256)
    for ref in (document.notebook, *document.inputs):
        if ref.sha256 not in packed and not provide(store, home, ref):
            raise InputError(
                "input_missing",
                f"{ref.path} of {document.label} is not stored any more.",
                "Add the data set, or submit the notebook, again.",
            )
    name = TaskNames(document.task).document
    if not store.create(name, document.to_bytes()):
        there = TaskDocument.model_validate_json(store.read(name))
        times = {"created_at", "deadline"}
        if there.model_dump(exclude=times) != document.model_dump(exclude=times):
            raise InputError(
                "id_conflict",
                f"There is a task {document.task} already, with other contents.",
                "Leave the id out, or submit exactly the same request again.",
            )
        return there
    return document


def again(tasks: Sequence[Task]) -> list[Draft]:
    """Drafts of the same bundles as new tasks with `retry_of`; what was one batch is one again, with a new id."""
    now = utc_now()
    batches: dict[str, str] = {}
    drafts = []
    for task in tasks:
        old = task.document
        batch = batches.setdefault(old.batch, new_id()) if old.batch else None
        document = old.model_copy(
            update={
                "task": new_id(),
                "created_at": now,
                "deadline": now + (old.deadline - old.created_at),
                "retry_of": task.id,
                "batch": batch,
            }
        )
        drafts.append(Draft(document, ()))
    return drafts
