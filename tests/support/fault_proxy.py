"""An HTTP proxy between the store and its service that does what networks and overloaded services do.

`proxy.fault(Busy(), times=3)` makes the next three requests that match fail so; requests that no fault matches pass.
`proxy.journal` has one line for each request that came, so that a test sees tries and an accountant sees operations.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.azurite import Account


@dataclass(frozen=True)
class Busy:
    """Answers with `status` and does nothing."""

    status: int = 503
    code: str = "ServerBusy"
    retry_after: int | None = None


@dataclass(frozen=True)
class LostReply:
    """The service does its work; its answer never arrives."""


@dataclass(frozen=True)
class Cut:
    """The connection breaks before the request arrived."""


@dataclass(frozen=True)
class CutReply:
    """The connection breaks after `after` bytes of the answer's body."""

    after: int


@dataclass(frozen=True)
class Slow:
    """The answer's body trickles."""

    bytes_per_s: int


@dataclass(frozen=True)
class Flip:
    """The answer's body arrives with one bit turned over."""


Fault = Busy | LostReply | Cut | CutReply | Slow | Flip


@dataclass(frozen=True)
class Line:
    """One request: when it came (monotonic seconds), what it was, and the status the service gave (0: not asked)."""

    at: float
    method: str
    path: str
    status: int

    @property
    def operation(self) -> str:
        """What the service's price list calls it."""
        if "comp=list" in self.path or self.method in ("PUT", "POST", "DELETE"):
            return "list" if "comp=list" in self.path else "write"
        return "read"


@dataclass
class _Rule:
    fault: Fault
    method: str
    part: str
    left: int


class FaultProxy:
    """Listens on a free port; `url` takes the place of the account's."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        assert parts.hostname is not None
        self._upstream = (parts.hostname, parts.port or 80)
        self.journal: list[Line] = []
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}{parts.path}"

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fault(self, fault: Fault, *, method: str = "", part: str = "", times: int = 1_000_000) -> None:
        """From now on: the next `times` requests with that method whose path has `part` in it."""
        with self._lock:
            self._rules.append(_Rule(fault, method, part, times))

    def heal(self) -> None:
        """From now on every request passes."""
        with self._lock:
            self._rules.clear()

    @contextlib.contextmanager
    def counting(self) -> Iterator[list[Line]]:
        """The requests that come inside the block, filled in at its end."""
        start, lines = len(self.journal), list[Line]()
        yield lines
        lines += self.journal[start:]

    def _take(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for rule in self._rules:
                if rule.left > 0 and rule.method in ("", method) and rule.part in path:
                    rule.left -= 1
                    return rule.fault
        return None

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            upstream: http.client.HTTPConnection | None = None

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def finish(self) -> None:
                if self.upstream is not None:
                    self.upstream.close()
                with contextlib.suppress(OSError):
                    super().finish()

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:  # the client gave up
                    self.close_connection = True

            def _any(self) -> None:
                at = time.monotonic()
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                fault = proxy._take(self.command, self.path)
                if isinstance(fault, Cut):
                    proxy.journal.append(Line(at, self.command, self.path, 0))
                    self.close_connection = True
                    return
                if isinstance(fault, Busy):
                    proxy.journal.append(Line(at, self.command, self.path, 0))
                    self._busy(fault)
                    return
                status, headers, answer = self._ask(body)
                proxy.journal.append(Line(at, self.command, self.path, status))
                if isinstance(fault, LostReply):
                    self.close_connection = True
                    return
                self._answer(status, headers, answer, fault)

            do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _any

            def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
                if self.upstream is None:
                    self.upstream = http.client.HTTPConnection(*proxy._upstream, timeout=60)
                headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                try:
                    self.upstream.request(self.command, self.path, body, headers)
                    response = self.upstream.getresponse()
                except (http.client.RemoteDisconnected, ConnectionError):  # idle for too long
                    self.upstream.close()
                    self.upstream.request(self.command, self.path, body, headers)
                    response = self.upstream.getresponse()
                return response.status, response.getheaders(), response.read()

            def _busy(self, fault: Busy) -> None:
                text = f"<?xml version='1.0'?><Error><Code>{fault.code}</Code><Message>-</Message></Error>".encode()
                self.send_response(fault.status)
                self.send_header("x-ms-error-code", fault.code)
                self.send_header("Content-Type", "application/xml")
                if fault.retry_after is not None:
                    self.send_header("Retry-After", str(fault.retry_after))
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, fault: Fault | None) -> None:
                self.send_response_only(status)
                has_length = False
                for name, value in headers:
                    if name.lower() not in ("transfer-encoding", "connection", "keep-alive"):
                        has_length |= name.lower() == "content-length"
                        self.send_header(name, value)
                if not has_length:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if isinstance(fault, Flip) and body:
                    body = body[:-1] + bytes([body[-1] ^ 1])
                if isinstance(fault, CutReply):
                    self.wfile.write(body[: fault.after])
                    self.close_connection = True
                elif isinstance(fault, Slow):
                    for start in range(0, len(body), max(1, fault.bytes_per_s // 10)):
                        self.wfile.write(body[start : start + max(1, fault.bytes_per_s // 10)])
                        self.wfile.flush()
                        time.sleep(0.1)
                else:
                    self.wfile.write(body)

        return Handler


@pytest.fixture
def proxy(account: Account) -> Iterator[FaultProxy]:
    """For pytest: import it in a conftest.py."""
    if account.url.startswith("https"):
        pytest.skip("The proxy does not speak TLS.")
    with FaultProxy(account.url) as one:
        yield one
