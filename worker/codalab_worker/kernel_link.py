"""The runner's end of a kernel: its process, its sockets, and the news that it is dead.

Plain zmq sockets and one poll instead of jupyter_client's channels: no thread, no polling interval, and messages
that will be dropped anyway are not even decoded. Signatures of what arrives are not checked: the sockets live in
a private folder, and kernel and runner are the same trust domain.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.session import Session

_READY_RETRY_S = 0.1
# Enough to keep both sides busy, and a bound for the runner's memory: the rest waits in the kernel's own process.
_RECEIVE_LIMIT = 64


class KernelDied(Exception):
    """The kernel is gone; the text says how."""


@dataclass(frozen=True)
class Message:
    kind: str
    parent: str | None  # id of the request it answers
    body: bytes

    @cached_property
    def content(self) -> dict[str, Any]:
        """Decoded on demand; empty if the kernel sent something that is not a JSON object."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


@dataclass
class Happened:
    output: bool
    reply: bool
    died: str | None  # in words


def write_connection_file(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Names the sockets of a kernel to be started, and its new key."""
    info = {
        "transport": "ipc",
        "ip": str(folder / "k"),
        "shell_port": 1,
        "iopub_port": 2,
        "stdin_port": 3,
        "control_port": 4,
        "hb_port": 5,
        "key": os.urandom(16).hex(),
        "signature_scheme": "hmac-sha256",
        "kernel_name": "",
    }
    path = folder / "connection.json"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(info, file)
    return path, info


class KernelLink:
    """A started kernel process `pid` (a child of this process) that listens as `info` says."""

    def __init__(self, pid: int, info: dict[str, Any]) -> None:
        self.pid = pid
        self.info_reply: dict[str, Any] = {}
        self._status: int | None = None
        self._disconnected_at: float | None = None
        self._pidfd = os.pidfd_open(pid) if sys.platform == "linux" else -1
        self._session = Session(key=info["key"].encode(), username="codalab_nb")
        self._context = zmq.Context()
        self._shell = self._context.socket(zmq.DEALER)
        self._iopub = self._context.socket(zmq.SUB)
        self._monitor = self._shell.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        for channel, port in ((self._shell, info["shell_port"]), (self._iopub, info["iopub_port"])):
            channel.linger = 0
            channel.rcvhwm = _RECEIVE_LIMIT
            # A kernel with an interpreter of its own makes its sockets later than we connect.
            channel.reconnect_ivl = 20
            channel.connect(f"ipc://{info['ip']}-{port}")
        self._iopub.subscribe(b"")
        self._poller = zmq.Poller()
        for source in (self._shell, self._iopub, self._monitor, *([self._pidfd] if self._pidfd >= 0 else [])):
            self._poller.register(source, zmq.POLLIN)

    def wait_ready(self, timeout_s: float) -> None:
        """Until it answers on both channels. Raises KernelDied, or TimeoutError."""
        deadline = time.monotonic() + timeout_s
        answered = heard = False
        ask_at = 0.0
        while not (answered and heard):
            now = time.monotonic()
            if now > deadline:
                raise TimeoutError(f"the kernel did not answer within {timeout_s:.0f} s")
            if now >= ask_at:
                # Again and again: a kernel without a welcome message is heard only after our subscription arrived.
                self.request("kernel_info_request", {})
                ask_at = now + _READY_RETRY_S
            happened = self.wait(ask_at - now)
            if happened.died:
                raise KernelDied(happened.died)
            while happened.output and self.next_output():
                heard = True
            while happened.reply and (message := self.next_reply()):
                self.info_reply = message.content
                answered = True

    def request(self, kind: str, content: dict[str, Any]) -> str:
        """Sends a request on the shell channel; returns its id."""
        message = self._session.send(self._shell, kind, content)
        return str(message["header"]["msg_id"])

    def execute(self, code: str, *, silent: bool = False) -> str:
        content = {
            "code": code,
            "silent": silent,
            "store_history": not silent,
            "user_expressions": {},
            "allow_stdin": False,  # input() raises at once: nobody could answer
            "stop_on_error": True,
        }
        return self.request("execute_request", content)

    def wait(self, timeout_s: float) -> Happened:
        """Until a message or a death, or the time is over."""
        events = dict(self._poller.poll(max(0, int(timeout_s * 1000))))
        if self._monitor in events:
            while self._monitor.poll(0):
                self._monitor.recv_multipart()
            self._disconnected_at = time.monotonic()
        return Happened(self._iopub in events, self._shell in events, self._death())

    def dies_before(self, source: socket.socket) -> bool:
        """Waits until `source` is readable (False) or the kernel dies (True)."""
        poller = select.poll()
        poller.register(source, select.POLLIN)
        if self._pidfd >= 0:
            poller.register(self._pidfd, select.POLLIN)
        return source.fileno() not in dict(poller.poll())

    def next_output(self) -> Message | None:
        return self._receive(self._iopub)

    def next_reply(self) -> Message | None:
        return self._receive(self._shell)

    def kill(self) -> None:
        """Also when it is stopped or ignores everything. Its status can be told afterwards."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        if self._status is None:
            with contextlib.suppress(ChildProcessError):
                self._status = os.waitpid(self.pid, 0)[1]

    def close(self) -> None:
        self.kill()
        self._shell.disable_monitor()
        self._context.destroy(linger=0)
        if self._pidfd >= 0:
            os.close(self._pidfd)

    def _receive(self, channel: zmq.Socket[bytes]) -> Message | None:
        while True:
            try:
                frames = channel.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return None
            with contextlib.suppress(ValueError, KeyError, IndexError, TypeError, RecursionError):
                start = frames.index(b"<IDS|MSG>") + 1  # then signature, header, parent, metadata, content
                header, parent = json.loads(frames[start + 1]), json.loads(frames[start + 2])
                return Message(str(header["msg_type"]), parent.get("msg_id"), frames[start + 4])

    def _death(self) -> str | None:
        """How the kernel ended, if it did. Reaps it, and whatever else has become a child of this process."""
        self._reap()
        if self._status is not None:
            if os.WIFSIGNALED(self._status):
                number = os.WTERMSIG(self._status)
                name = signal.Signals(number).name if number in set(signal.Signals) else "unknown"
                return f"it was killed by signal {number} ({name})"
            return f"its process ended with exit code {os.waitstatus_to_exitcode(self._status)}"
        # Alive, but its sockets are closed: replaced by another program (exec), or it shut its own loop down.
        if self._disconnected_at is not None and time.monotonic() - self._disconnected_at > 0.2:
            return "its process lives on but has closed its connections"
        return None

    def _reap(self) -> None:
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            _, status = os.waitpid(ended.si_pid, 0)
            if ended.si_pid == self.pid:
                self._status = status
