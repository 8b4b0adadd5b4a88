"""The administration endpoint of the broker double: https with a certificate of its own, as the admin SDK wants it.

    rules = [Rule("root", frozenset({SEND, LISTEN, MANAGE}), "key")]
    with Broker(rules=rules) as broker, AdminEndpoint(broker) as admin:
        client = ServiceBusAdministrationClient.from_connection_string(
            f"Endpoint=sb://{admin.address};SharedAccessKeyName=root;SharedAccessKey=key",
            connection_verify=str(admin.certificate))      # or: (admin.address, an Entra TokenCredential, …)
        client.create_queue("pool-urgent", authorization_rules=[…])       # the running broker has it at once
        ServiceBusClient(broker.address, …, use_tls=False)

A process of its own trusts it by the environment variable REQUESTS_CA_BUNDLE=<admin.certificate>; then the SDK needs no
argument. Understood: create, get, list, update (new keys and rules, `If-Match: *`) and delete of queues. Every request
needs a token with Manage: a SharedAccessSignature, or an Entra token of a known identity.

`POST /control` (JSON, no token: this is the tests' hand, not the service's) moves the clock and makes faults:
{"advance": 61}, {"faults": {"busy": 2}}, {"cut": true}, {"detach": true}, {"silence": true}; `GET /control` gives the
counters of operations, whole and by queue.
"""

from __future__ import annotations

import json
import ssl
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.support import azure_atom as atom
from tests.support.broker import MANAGE, Broker
from tests.support.broker.claims import BadToken
from tests.support.certificate import make_certificate


class AdminEndpoint:
    """`address` (host:port), `certificate` (PEM file to trust)."""

    def __init__(self, broker: Broker, *, port: int = 0) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="azure-admin-")
        self.certificate = Path(self._folder.name) / "certificate.pem"
        key = Path(self._folder.name) / "key.pem"
        make_certificate(self.certificate, key)
        handler = type("Handler", (_Handler,), {"broker": broker})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="azure-admin", daemon=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> AdminEndpoint:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
        self._folder.cleanup()


class _Handler(BaseHTTPRequestHandler):
    broker: Broker
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Tests have their own output."""

    @property
    def _name(self) -> str:
        return unquote(urlsplit(self.path).path).strip("/")

    def do_GET(self) -> None:
        if self._name == "control":
            names = [one.name for one in self.broker.queues()]
            counted = {"all": dict(self.broker.operations())}
            self._json(200, counted | {"queues": {name: dict(self.broker.operations(name)) for name in names}})
        elif self._may_manage():
            known = {one.name: one for one in self.broker.queues()}
            if self._name.lower() == "$resources/queues":
                self._atom(200, atom.feed([atom.entry(one, self.broker.rules(name)) for name, one in known.items()]))
            elif self._name in known:
                self._atom(200, atom.entry(known[self._name], self.broker.rules(self._name)))
            else:
                self._atom(200, atom.feed([]))  # how the service says "there is none"

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._may_manage():
            return
        settings, rules = atom.read(self._name, body)
        exists = any(one.name == self._name for one in self.broker.queues())
        if exists and self.headers.get("If-Match") != "*":
            self._error(409, f"The queue '{self._name}' exists already.")
        elif exists:
            self.broker.change_queue(self._name, lambda queue: vars(queue).update(vars(settings)))
            self.broker.set_rules(self._name, rules)
            self._atom(200, atom.entry(settings, rules))
        else:
            self.broker.make_queue(settings, rules)
            self._atom(201, atom.entry(settings, rules))

    def do_DELETE(self) -> None:
        if not self._may_manage():
            return
        if any(one.name == self._name for one in self.broker.queues()):
            self.broker.delete_queue(self._name)
            self._send(200, b"", "application/xml")
        else:
            self._error(404, f"There is no queue '{self._name}'.")

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer: dict[str, Any] = {}
        if "advance" in request:
            self.broker.advance(float(request["advance"]))
        if "faults" in request:
            self.broker.set_faults(**request["faults"])
        for name, action in (
            ("cut", self.broker.cut),
            ("detach", self.broker.detach_all),
            ("silence", self.broker.silence),
        ):
            if request.get(name):
                answer[name] = action()
        self._json(200, answer)

    def _may_manage(self) -> bool:
        """True, or the request has been refused."""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            rights = self.broker.check_token(f"https://{self.headers['Host']}/{self._name}", token)
        except BadToken as bad:
            self._error(401, str(bad))
            return False
        if MANAGE not in rights:
            self._error(401, "Manage claim(s) are required to perform this operation.")
            return False
        return True

    def _error(self, status: int, text: str) -> None:
        self._send(status, atom.error(status, text), "application/xml; charset=utf-8")

    def _atom(self, status: int, body: bytes) -> None:
        self._send(status, body, "application/atom+xml; charset=utf-8")

    def _json(self, status: int, value: Any) -> None:
        self._send(status, json.dumps(value).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
