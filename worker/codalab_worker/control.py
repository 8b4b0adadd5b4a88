"""JSON lines and file descriptors over a Unix socket: how supervisor and zygote talk."""

from __future__ import annotations

import array
import json
import os
import socket
import time
from collections.abc import Sequence
from typing import Any

_MAX_FDS = 8
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)  # absent on macOS


class Channel:
    """One end of the conversation. Not thread-safe: the owner sends and receives in turns."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._buffer = bytearray()
        self._fds: list[int] = []

    def fileno(self) -> int:
        return self.sock.fileno()

    def send(self, message: dict[str, Any], fds: Sequence[int] = ()) -> None:
        data = json.dumps(message).encode() + b"\n"
        if fds:
            # The descriptors travel with the first byte; the receiver holds them until the line is complete.
            sent = socket.send_fds(self.sock, [data], list(fds))
            data = data[sent:]
        self.sock.sendall(data)

    def receive(self, timeout_s: float | None = None) -> tuple[dict[str, Any], list[int]]:
        """The next message and the descriptors that came with it (the caller owns them).

        Raises EOFError when the other side is gone, TimeoutError after `timeout_s`.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while (end := self._buffer.find(b"\n")) < 0:
            if deadline is not None:
                self.sock.settimeout(max(0.001, deadline - time.monotonic()))
            data, ancillary, _, _ = self.sock.recvmsg(1 << 16, socket.CMSG_SPACE(_MAX_FDS * 4), _CLOSE_ON_EXEC)
            for level, kind, payload in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    received = array.array("i")
                    received.frombytes(payload[: len(payload) - len(payload) % received.itemsize])
                    self._fds += list(received)
            self._buffer += data
            if not data:
                raise EOFError("the other side of the control socket is gone")
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        fds, self._fds = self._fds, []
        message: dict[str, Any] = json.loads(line)
        return message, fds

    def close(self) -> None:
        self.sock.close()
        for fd in self._fds:
            os.close(fd)
        self._fds = []
