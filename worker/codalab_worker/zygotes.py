"""The supervisor's view of a zygote: start it, ask it, notice its death."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from codalab_nb.errors import InputError, UnavailableError
from codalab_worker import interpreter
from codalab_worker.control import Channel
from codalab_worker.sandboxes import killing

_START_S = 180.0  # imports from a cold disk
_REQUEST_S = 60.0
_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "HOME")


@dataclass(frozen=True)
class Setup:
    """How zygotes of this worker are made."""

    sandbox: str
    masks: tuple[str, ...]  # folders that no box may see
    cache: Path
    forks: bool
    science: bool


class ZygoteGone(Exception):
    """It ended, or does not answer. Its boxes are dead or dying; another one can be started."""


class ZygoteClient:
    """One running zygote. Thread-safe: requests take turns."""

    def __init__(self, path: str, setup: Setup) -> None:
        """Starts it and waits for its hello. Raises InputError (`no_interpreter`), UnavailableError."""
        self.path = path
        self.setup = setup
        self.hello: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._gone = False
        # Once more without numpy and its friends if they started threads: slower for the task, but safe.
        for science in (True, False) if setup.science else (False,):
            self._start(science)
            if self.hello["threads"] == 1 or not setup.forks:
                return
            self.close()
        raise UnavailableError(
            "zygote_threads",
            f"Python at {path} starts threads while it imports ipykernel, so boxes cannot be forked from it safely.",
            "Look in its site-packages for .pth files or a sitecustomize module that start threads.",
        )

    @property
    def proc(self) -> Path:
        """Its /proc folder."""
        return Path(f"/proc/{self._process.pid}")

    @property
    def environment(self) -> dict[str, Any]:
        record: dict[str, Any] = self.hello["environment"]
        return record

    @property
    def alive(self) -> bool:
        if self._gone or self._process.poll() is not None:
            return False
        return sys.platform != "linux" or not killing.ending(self._process.pid)

    def outdated(self) -> bool:
        """Packages were installed or removed since it imported them."""
        known: list[int] = self.hello["fingerprint"]
        return list(interpreter.fingerprint(self.hello["folders"])) != known

    def request(self, do: str, fds: Sequence[int] = (), **values: Any) -> tuple[dict[str, Any], list[int]]:
        """Sends a request and returns its answer with its descriptors.

        Raises ZygoteGone, and UnavailableError if the zygote could not do it.
        """
        with self._lock:
            if self._gone:
                raise ZygoteGone(self.path)
            try:
                self._channel.send({"do": do, **values}, fds)
                answer, received = self._channel.receive(_REQUEST_S)
            except (OSError, EOFError, ValueError) as error:
                self._gone = True  # half an answer may be under way: the conversation cannot go on
                raise ZygoteGone(f"{self.path}: {error}") from error
        if not answer["ok"]:
            for fd in received:
                os.close(fd)
            raise UnavailableError("sandbox_failed", answer.get("message", f"The zygote could not do: {do}."))
        return answer, received

    def close(self) -> None:
        """Ends it, and with it every box made by it. Returns when it is dead."""
        self._gone = True
        with self._lock:
            self._channel.close()
        try:
            # It sees its socket close, kills what has no namespace of its own, and ends.
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr.close()

    def _start(self, science: bool) -> None:
        ours, theirs = socket.socketpair()
        # A file, not a pipe: nobody needs to read it while it lives.
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        try:
            self._process = subprocess.Popen(
                [self.path, "-P", "-m", "codalab_worker.zygote", str(theirs.fileno())],
                cwd="/",  # never a folder that somebody else may write modules into
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=self._stderr,
                stderr=self._stderr,
                pass_fds=(theirs.fileno(),),
            )
        except OSError as error:
            ours.close()
            self._stderr.close()
            raise no_interpreter(self.path, f"it cannot be started: {error.strerror}") from error
        finally:
            theirs.close()
        self._channel = Channel(ours)
        setup = {
            "sandbox": self.setup.sandbox,
            "masks": list(self.setup.masks),
            "cache": str(self.setup.cache),
            "science": science,
            "forks": self.setup.forks,
        }
        try:
            self._channel.send(setup)
            self.hello, _ = self._channel.receive(_START_S)
        except (EOFError, OSError) as error:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
            self._stderr.seek(0)
            words = self._stderr.read()[-2000:].decode(errors="replace").strip()
            self._process.kill()
            self.close()
            raise self._start_failure(words, error) from error

    def _start_failure(self, words: str, error: Exception) -> Exception:
        last = words.splitlines()[-1] if words else f"{type(error).__name__}: {error}"
        if "ModuleNotFoundError" in last or "No module named" in last:
            return no_interpreter(self.path, f"codalab-nb is not installed there ({last})")
        if self._process.returncode is not None and self._process.returncode > 0:
            return no_interpreter(self.path, f"it failed at start ({last})")
        return UnavailableError("zygote_failed", f"Python at {self.path} did not get ready to run tasks: {last}.")


def no_interpreter(path: str, why: str) -> InputError:
    return InputError(
        "no_interpreter",
        f"Python at {path} cannot run tasks: {why}.",
        f"Install codalab-nb there: {path} -m pip install codalab-nb",
    )
