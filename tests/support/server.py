"""A real Jupyter server with our extension, on a home of its own, and a client that talks to it as the page does."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import websocket

from tests.support.home import Home, wait_for

TOKEN = "for-tests-only"
API = "/codalab/api"
LIMIT_S = 60.0

# Names that lead outside of a folder, as they may stand in an address.
OUTSIDE = [
    "../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "%2e%2e%2f", "..%5c..%5cx", "..",
    "%2e%2e", "a/../../b", "a%2f..%2f..%2fb", "/etc/passwd", "%2fetc%2fpasswd", "a%00.png", "%00", "a%0ab", "~root/x",
    "....//x", "files-evil/../../x", "C:%5cx", "%c0%ae%c0%ae/x", "%ff",
]  # fmt: skip


@dataclass(frozen=True)
class Reply:
    status: int
    headers: HTTPMessage
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def codes(self) -> list[str]:
        """The codes of a Failure."""
        return [problem["code"] for problem in self.json["errors"]]


class JupyterServer:
    """A Jupyter server as its own process. `restart` keeps the port: a page finds it again."""

    def __init__(self, base: Path, home: Home, *options: str, **environment: str) -> None:
        self.base = base
        self.home = home
        self.root = base / "work"
        self._options = options
        self._folders = {f"JUPYTER_{name.upper()}_DIR": base / name for name in ("config", "data", "runtime")}
        for folder in (self.root, *self._folders.values()):
            folder.mkdir(parents=True, exist_ok=True)
        self._environment = environment
        self.alive = f"{API}/openapi.json"  # what is asked for until it answers
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> JupyterServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        variables = {name: str(folder) for name, folder in self._folders.items()}
        with (self.base / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "jupyter_server",
                    "--no-browser",
                    "--allow-root",
                    "--ServerApp.ip=127.0.0.1",
                    f"--ServerApp.port={self.port}",
                    "--ServerApp.port_retries=0",
                    f"--IdentityProvider.token={TOKEN}",
                    f"--ServerApp.root_dir={self.root}",
                    "--ServerApp.terminals_enabled=False",
                    "--ServerApp.jpserver_extensions={'codalab_nb': True}",
                    *self._options,
                ],
                cwd=self.root,
                env=self.home.environment(**variables, **self._environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

        def answers() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, f"the server ended: {self.log()[-2000:]}"
            connection = HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
            with contextlib.closing(connection), contextlib.suppress(OSError, HTTPException):
                connection.request("GET", self.alive, headers={"Authorization": f"token {TOKEN}"})
                with connection.getresponse() as response:  # an unread one would keep the socket
                    return response.status == 200
            return False

        wait_for(answers, LIMIT_S)

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait(15)
        self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def log(self) -> str:
        return (self.base / "server.log").read_text(errors="replace")

    # --- requests; `path` is below /codalab/api

    def request(
        self,
        verb: str,
        path: str,
        body: Any = None,
        *,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        token: str | None = TOKEN,
        **query: Any,
    ) -> Reply:
        """`query`: a list stands for several. `body` goes as JSON, `content` as it is."""
        asked = urlencode({name: value for name, value in query.items() if value is not None}, doseq=True)
        data = content if content is not None else None if body is None else json.dumps(body).encode()
        known = {} if token is None else {"Authorization": f"token {token}"}
        request = urllib.request.Request(
            f"{self.url}{API}{path}" + (f"?{asked}" if asked else ""),
            data=data,
            method=verb,
            headers={**known, "Content-Type": "application/json", **(headers or {})},
        )
        try:
            with urllib.request.urlopen(request, timeout=LIMIT_S) as reply:
                return Reply(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return Reply(refused.code, refused.headers, refused.read())

    def get(self, path: str, **query: Any) -> Reply:
        return self.request("GET", path, **query)

    def post(self, path: str, body: Any, **query: Any) -> Reply:
        return self.request("POST", path, body, **query)


class Stream:
    """The WebSocket of one open page."""

    def __init__(self, server: JupyterServer, *, hello: bool = True, after: int | None = None, **options: Any) -> None:
        options.setdefault("header", {"Authorization": f"token {TOKEN}"})
        address = f"ws://127.0.0.1:{server.port}{API}/events"
        self.socket = websocket.create_connection(address, timeout=LIMIT_S, **options)
        self.seq = after
        if hello:
            self.say(type="hello", after=after)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        self.socket.shutdown()  # `close` leaves the socket open where the other side closed first

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def watch(self, task: str, n: int = 0, seq: int = 0) -> None:
        self.say(type="watch", task=task, n=n, seq=seq)

    def next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.socket.recv())
        self.seq = message.get("seq", self.seq)
        return message

    def until(self, found: Callable[[dict[str, Any]], Any]) -> list[dict[str, Any]]:
        """All messages up to the first for which `found` is true."""
        heard = []
        while True:
            heard.append(self.next())
            if found(heard[-1]):
                return heard


def events_of(messages: Iterable[dict[str, Any]], task: str) -> list[dict[str, Any]]:
    """The live events of a task in what a page heard."""
    return [event for one in messages if one["type"] == "events" and one["task"] == task for event in one["events"]]


def has_ended(task: str) -> Callable[[dict[str, Any]], bool]:
    return lambda message: message["type"] == "events" and message["task"] == task and message["ended"]


def segment(text: str) -> str:
    """Text as one part of a path."""
    return quote(text, safe="")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
