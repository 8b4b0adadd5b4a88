"""Reading what was committed: the verdict, its manifest, its files. The store's word, checked, is the truth."""

from __future__ import annotations

import hashlib

from pydantic import ValidationError

from codalab_nb.model.base import utc_now
from codalab_nb.model.bundle import Manifest
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import Claim, Reason, Result, Verdict
from codalab_nb.stores.ports import NotFound, SiteStore

_BY_SITE = {Verdict.CANCELLED, Verdict.EXPIRED, Verdict.LOST}


def read_result(store: SiteStore, task: str) -> Result | None:
    """The committed result, or None while there is none.

    The name is taken for ever, so it must mean something: a result that cannot be read, or whose nonce is not
    that of the attempt it names, reads as failed(bad_result) (RELIABILITY, decision 10).
    """
    names = TaskNames(task)
    try:
        data = store.read(names.result)
    except NotFound:
        return None
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
        claim = Claim.model_validate_json(store.read(names.claim(result.n)))
    except (NotFound, ValidationError):
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
        data = store.read(TaskNames(result.task).manifest(result.n))
    except NotFound:
        return None
    if hashlib.sha256(data).hexdigest() != result.manifest_sha256:
        return None
    try:
        return Manifest.model_validate_json(data)
    except ValidationError:
        return None


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
