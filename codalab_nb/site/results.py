"""Reading what was committed: the verdict, its manifest, its files. The store's word, checked, is the truth."""

from __future__ import annotations

import hashlib
import itertools
import math

from pydantic import ValidationError

from codalab_nb.model.base import utc_now
from codalab_nb.model.bundle import LONGEST_MANIFEST, MOST_METRICS, Manifest
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import Claim, Reason, Result, Verdict
from codalab_nb.stores.ports import Damaged, NotFound, SiteStore

_LONGEST_RESULT = 1 << 20  # bytes; the longest message that a worker takes over has 25,000 characters
_BY_SITE = {Verdict.CANCELLED, Verdict.EXPIRED, Verdict.LOST}


def read_result(store: SiteStore, task: str) -> Result | None:
    """The committed result, or None while there is none.

    The name is taken for ever, so it must mean something: a result that cannot be read, or whose nonce is not
    that of the attempt it names, reads as failed(bad_result) (RELIABILITY, decision 10).
    """
    names = TaskNames(task)
    try:
        data = store.read(names.result, limit=_LONGEST_RESULT + 1)
    except NotFound:
        return None
    except Damaged:
        return _bad(task, "it could be changed after it was committed")
    if len(data) > _LONGEST_RESULT:
        return _bad(task, f"its result has more than {_LONGEST_RESULT:,} bytes")
    try:
        result = Result.model_validate_json(data)
    except ValidationError as error:
        return _bad(task, f"its result cannot be read ({error.error_count()} fields are wrong)")
    if result.task != task:
        return _bad(task, "its result names another task")
    if result.n is None:
        return result if result.verdict in _BY_SITE else _bad(task, "a worker's verdict names no attempt")
    if result.verdict in _BY_SITE:
        return _bad(task, f"a worker cannot decide {result.verdict}")
    try:
        claim = Claim.model_validate_json(store.read(names.claim(result.n), limit=_LONGEST_RESULT))
    except (NotFound, Damaged, ValidationError):
        return _bad(task, f"attempt {result.n}, which its result names, was never claimed")
    if claim.nonce != result.nonce:
        return _bad(task, f"its result does not come from the worker that claimed attempt {result.n}")
    return result


def _bad(task: str, why: str) -> Result:
    reason = Reason(
        code="bad_result", message=f"The result is not valid: {why}.", fix="Run it again: `codalab-nb retry`."
    )
    return Result(task=task, n=None, nonce="", verdict=Verdict.FAILED, reason=reason, decided_at=utc_now())


def read_manifest(store: SiteStore, result: Result) -> Manifest | None:
    """The manifest behind a verdict; None where there is none or it is damaged (see `damage`)."""
    if result.n is None or result.manifest_sha256 is None:
        return None
    try:
        data = store.read(TaskNames(result.task).manifest(result.n), limit=LONGEST_MANIFEST + 1)
    except (NotFound, Damaged):
        return None
    if len(data) > LONGEST_MANIFEST or hashlib.sha256(data).hexdigest() != result.manifest_sha256:
        return None
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError:
        return None
    return manifest.model_copy(update={"metrics": _sound(manifest.metrics)})


def _sound(metrics: dict[str, float]) -> dict[str, float]:
    """Those that an honest worker passes on: a page with a number that JSON does not know would not load at all."""
    good = ((name, value) for name, value in metrics.items() if 0 < len(name) <= 64 and math.isfinite(value))
    return dict(itertools.islice(good, MOST_METRICS))


def damage(store: SiteStore, result: Result) -> list[str]:
    """What is missing or does not match its digest behind a verdict, in words; empty for a sound bundle.

    Reads every byte: seconds for a large bundle.
    """
    if result.n is None or result.manifest_sha256 is None:
        return []
    manifest = read_manifest(store, result)
    if manifest is None:
        return ["the manifest is missing or was changed"]
    folder = store.folder(TaskNames(result.task).files(result.n))
    found = []
    for file in manifest.files:
        path = folder / file.path
        if not path.is_file():
            found.append(f"{file.path} is missing")
            continue
        with path.open("rb") as reader:
            if hashlib.file_digest(reader, "sha256").hexdigest() != file.sha256:
                found.append(f"{file.path} was changed")
    return found
