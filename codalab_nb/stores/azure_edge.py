"""Calls to Blob Storage: every try has its limits, what passes is tried again, what stays is mapped once, here.

The SDK's own retries are off: an append that it repeats after a lost answer would stand there twice, and a create
that it repeats would report its own success as somebody else's. Whoever calls is told whether a try before the
last one may have done its work (`Refused.unsure`).
"""

from __future__ import annotations

import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobClient

from codalab_nb import failpoints
from codalab_nb.errors import CodalabError, UnavailableError
from codalab_nb.redaction import redact
from codalab_nb.stores.ports import NotFound, UncertainWrite

log = logging.getLogger(__name__)

_T = TypeVar("_T")

# It writes some lines for each request, at the level of what an operator wants to read.
logging.getLogger("azure.core.pipeline.policies.http_logging_policy").setLevel(logging.WARNING)

PATIENCE_S = 75.0  # a service that fails for a minute is outlived
MOST_PUT_BYTES = 64 << 20  # one request; a create-only grant cannot do more than one for a blob
_CONNECT_S, _READ_S = 10, 30
_BACK_OFF_S, _BACK_OFF_MAX_S = 0.2, 5.0
_SAY_SO_AFTER_S = 3.0
PART_S = 150.0  # 8 MiB at 56 kB/s
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_GONE = frozenset({"ContainerBeingDeleted", "ContainerNotFound", "BlobNotFound", "ResourceNotFound"})


class Refused(Exception):
    """The service understood and said no: `status` and its own `code`. Never leaves the store's modules.

    `unsure`: an earlier try of the same call stayed without an answer and may have done its work.
    """

    def __init__(self, status: int, code: str, *, unsure: bool, cause: Cause) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.unsure = unsure
        self.cause = cause


class Cause(Exception):
    """What the SDK said, without what must not be read: a link's signature stands in the text of its errors."""


def travels_in_the_clear(url: str) -> bool:
    """True for an address without TLS, unless it is on this machine (an emulator)."""
    parts = urlsplit(url)
    return parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost")


def client_options(transport: RequestsTransport | None = None) -> dict[str, Any]:
    """For every client of the SDK: no retries of its own, one put for what is one put, limits on every try."""
    options: dict[str, Any] = {
        "retry_total": 0,
        "max_single_put_size": MOST_PUT_BYTES,
        "connection_timeout": _CONNECT_S,
        "read_timeout": _READ_S,
    }
    return options if transport is None else {**options, "transport": transport}


def make_transport(certificate: str | None = None) -> RequestsTransport:
    """One pool of connections for all clients of a process. `certificate`: a file of whom to trust beside the usual."""
    verify: dict[str, Any] = {} if certificate is None else {"connection_verify": certificate}
    # `use_env_settings` stays on: laboratories have proxies.
    return RequestsTransport(connection_timeout=_CONNECT_S, read_timeout=_READ_S, **verify)


class Edge:
    """`call` runs one operation of the SDK until it has an answer or `patience_s` has passed.

    `part_s`: the longest time for a part of a file; the limits on sockets never end an answer that trickles.
    """

    def __init__(self, patience_s: float = PATIENCE_S, part_s: float = PART_S) -> None:
        self._patience_s = patience_s
        self._part_s = part_s

    def read_range(self, name: str, blob: BlobClient, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset` on; fewer, or none, at the end. Raises what `call` raises."""
        try:
            return self.call(name, lambda: _read_in_time(blob, offset, length, self._part_s))
        except Refused as refused:
            if refused.status == 416:
                return b""
            raise

    def call(self, name: str, operation: Callable[[], _T], *, writes: bool = False, unsure: bool = False) -> _T:
        """The operation's value. `name` is the store's name of what it is about.

        Raises NotFound, Refused, UncertainWrite (only with `writes`), UnavailableError.
        """
        end = time.monotonic() + self._patience_s
        tries = 0
        while True:
            tries += 1
            try:
                return operation()
            except failpoints.DroppedReply as error:
                raise UncertainWrite(name) from error
            except AzureError as error:
                failed: AzureError = error
            # Out of the handler: nothing raised from here on drags the SDK's own text along.
            cause = Cause(f"{type(failed).__name__}: {redact(str(failed))[:1000]}")
            status, code = _answer(failed)
            if status is not None and status not in _PASSING:
                if status == 404 or code in _GONE:
                    raise NotFound(name) from cause
                raise Refused(status, code, unsure=unsure, cause=cause)
            unsure = unsure or _may_have_worked(failed)
            pause = _pause(failed, tries)
            left = end - time.monotonic()
            if pause >= left:
                if writes and unsure:
                    raise UncertainWrite(name) from cause
                raise _unavailable(name, failed, status, code, self._patience_s) from cause
            if self._patience_s - left > _SAY_SO_AFTER_S:
                log.warning("the store does not answer for %s (%s); trying again", name, code or cause)
            time.sleep(pause)


def _read_in_time(blob: BlobClient, offset: int, length: int, limit_s: float) -> bytes:
    over = threading.Event()
    answers: list[Any] = []

    def note(response: Any) -> None:
        answers.append(response.http_response.internal_response.raw)
        if over.is_set():  # the SDK asks again by itself when an answer breaks off
            raise ServiceResponseError(f"no complete answer in {limit_s:.0f} s")

    def end() -> None:
        over.set()
        for answer in answers:
            with contextlib.suppress(RuntimeError, ValueError, OSError):  # it had ended
                answer.shutdown()

    timer = threading.Timer(limit_s, end)
    timer.daemon = True
    timer.start()
    try:
        data = blob.download_blob(offset=offset, length=length, raw_response_hook=note).readall()
    finally:
        timer.cancel()
        if over.is_set():
            for answer in answers:
                answer.close()
    return data


def _answer(error: AzureError) -> tuple[int | None, str]:
    """Status and code of the service's answer; None when there was none (or only half of one)."""
    if not isinstance(error, HttpResponseError) or error.status_code is None or isinstance(error, IncompleteReadError):
        return None, ""
    code = getattr(error, "error_code", None)
    if code is None:
        code = getattr(error.response, "headers", {}).get("x-ms-error-code")
    status = error.status_code
    return (None if status < 300 else status), str(getattr(code, "value", code) or "")


def _may_have_worked(error: AzureError) -> bool:
    """False when the request certainly never reached the service: no connection, no name."""
    return not isinstance(error, ServiceRequestError)


def _pause(error: AzureError, tries: int) -> float:
    """Seconds until the next try: what the service asks for, else longer and longer, never in step with others."""
    own = min(_BACK_OFF_S * 2.0 ** min(tries - 1, 10), _BACK_OFF_MAX_S) * random.uniform(0.5, 1.0)  # noqa: S311
    response = getattr(error, "response", None)
    asked = response.headers.get("Retry-After", "") if response is not None else ""
    return max(own, float(asked)) if asked.isdecimal() else own


def _unavailable(name: str, error: AzureError, status: int | None, code: str, patience_s: float) -> CodalabError:
    if status is not None:
        return UnavailableError(
            "store_busy" if status in (429, 503) else "store_error",
            f"The store answered {status} {code} for {name} for {patience_s:.0f} s.".replace("  ", " "),
            "Nothing was lost; try again later. If it stays, ask whoever looks after the storage account.",
        )
    what = redact(str(error))
    if isinstance(error, ServiceRequestError):
        return UnavailableError(
            "store_unreachable",
            f"The storage account cannot be reached: {what[:300]}.",
            "Check the network, the proxy settings and the account's address (`codalab-nb config show`).",
        )
    return UnavailableError(
        "store_error", f"The store gave no answer for {name}: {what[:300]}.", "Check the network, then try again."
    )


def refused_site(name: str, refused: Refused) -> CodalabError:
    """A 401 or 403 that the site met: its own credential does not do."""
    return UnavailableError(
        "store_refused",
        f"The storage account refuses the site's credential for {name} ({refused.status} {refused.code}).",
        "Check the key, or the role Storage Blob Data Contributor of the identity, and this machine's clock.",
    )


def surprise(name: str, refused: Refused) -> CodalabError:
    """An answer that nobody foresaw for this operation."""
    if refused.status in (401, 403):
        return refused_site(name, refused)
    return UnavailableError(
        "store_error",
        f"The store answered {refused.status} {refused.code} for {name}.",
        "Try again; if it stays, ask whoever looks after the storage account.",
    )
