"""The runner: inside the box, between supervisor and kernel. Untrusted; speaks JSON lines on one socket.

ready   ->                      the kernel is warm
        <- the job              one line: notebook, parameters, limits
lines   ->                      cell_started, output, clear_output, cell_finished, metric
end     ->                      with the executed notebook
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NoReturn

import nbformat
import papermill
from papermill.engines import papermill_engines
from papermill.parameterize import parameterize_notebook

from codalab_worker import engine, kernel, kernel_link, limits, namespaces, niceness
from codalab_worker.kernel_link import KernelDied, KernelLink
from codalab_worker.outputs import Caps, encode

_START_S = 60.0  # for a kernel to answer; generous, since a loaded machine is no reason to fail
_PARAMETER_LANGUAGES = ("python", "R")  # whose translators quote every text so that none becomes code


class Refused(Exception):
    """The job cannot run here; `code` is a reason of the verdict."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Runner:
    """One warm kernel, one job. `folder` is the working folder, `temporary` a private one."""

    def __init__(self, sock: socket.socket, folder: str, temporary: str, *, private: bool, forks: bool) -> None:
        self.sock = sock
        self.folder = folder
        self.private = private
        # Short, since a Unix socket's path may have about 100 characters.
        self.sockets = Path(tempfile.mkdtemp(prefix=".k", dir=temporary))
        self.link = self._fork_kernel() if forks else self._start_kernel(_OWN_KERNEL)

    def line(self, data: bytes) -> None:
        self.sock.sendall(data + b"\n")

    def serve(self) -> None:
        """Says ready, takes the job, runs it, ends."""
        self.link.wait_ready(_START_S)
        self.line(encode({"type": "ready"}))
        self._run(self._job())

    def _job(self) -> dict[str, Any]:
        data = bytearray()
        while not data.endswith(b"\n"):
            if not data and self.link.dies_before(self.sock):
                os._exit(1)  # killed while idle (memory was short, say): the box is not given out
            chunk = self.sock.recv(1 << 20)
            if not chunk:
                os._exit(0)  # the supervisor has no use for this box any more
            data += chunk
        job: dict[str, Any] = json.loads(data)
        return job

    def _fork_kernel(self) -> KernelLink:
        path, info = kernel_link.write_connection_file(self.sockets)
        ready_read, ready_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            # Only the runner may speak to the supervisor.
            os.close(self.sock.fileno())
            os.close(ready_read)
            kernel.run(str(path), self.folder, lambda words: _tell(ready_write, words))
        os.close(ready_write)
        if self.private:
            namespaces.set_dumpable(False)  # the task, which has the same user, cannot open our memory
        words = _hear(ready_read, _START_S)
        if words != "ready":
            raise KernelDied(f"it did not start: {words or 'no reason given'}")
        return KernelLink(pid, info)

    def _start_kernel(self, argv: list[str]) -> KernelLink:
        path, info = kernel_link.write_connection_file(Path(tempfile.mkdtemp(prefix="s", dir=self.sockets)))
        words = [word.replace("{connection_file}", str(path)).replace("{prefix}", sys.prefix) for word in argv]
        try:
            process = subprocess.Popen(
                words,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise Refused("no_kernel", f"The kernel cannot be started: {shlex.join(words)}: {error}.") from error
        return KernelLink(process.pid, info)

    def _run(self, job: dict[str, Any]) -> None:
        deadline = time.monotonic() + float(job["timeout_s"])
        notebook = job["notebook"]
        run: engine.Run | None = None
        reason: dict[str, Any] | None = None
        try:
            prepared = prepare(notebook, job["parameters"], job["kernel"], forked=job.get("kernel_argv") is None)
            notebook = prepared
            self._make_ready(job, deadline)
            caps = Caps(**job.get("output", {}))
            run = engine.Run(self.link, self.line, caps, deadline, len(encode(prepared)))
            prepared.metadata["language_info"] = self.link.info_reply.get("language_info", {})
            papermill_engines.execute_notebook_with_engine(
                engine.NAME, prepared, kernel_name=job["kernel"], progress_bar=False, run=run
            )
            reason = run.reason
        except Refused as refusal:
            reason = {"code": refusal.code, "message": str(refusal), "cell": None}
        except KernelDied as death:
            message = f"The kernel died before the first cell: {death}."
            reason = {"code": "kernel_died", "message": message, "cell": None}
        except TimeoutError:
            message = "The time limit was reached before the first cell."
            reason = {"code": "timeout", "message": message, "cell": None}
        end = {
            "type": "end",
            "ok": reason is None,
            "reason": reason,
            "notebook": notebook,
            "truncated": bool(run and run.outputs.truncated),
            "stopped_at": run.stopped_at if run else None,
        }
        self.line(encode(end))

    def _make_ready(self, job: dict[str, Any], deadline: float) -> None:
        """The right kernel, with the job's limits and environment. Raises Refused, KernelDied, TimeoutError."""
        environment = {str(name): str(value) for name, value in job.get("env", {}).items()}
        argv = job.get("kernel_argv")
        if argv is not None:
            self.link.close()
            os.environ.update(environment)
            self.link = self._start_kernel(list(argv))
            self.link.wait_ready(min(_START_S, deadline - time.monotonic()))
        elif environment:
            self._tell_environment(environment, deadline)
        own_user = self.private  # elsewhere the processes of the whole user would be counted
        limits.apply(self.link.pid, limits.Limits.from_job(job.get("limits", {})), count_processes=own_user)
        if job.get("background"):
            # Last of all: what came before has time limits, and a busy machine shall not make them end.
            niceness.give_way(self.link.pid)
            niceness.give_way(os.getpid())

    def _tell_environment(self, environment: dict[str, str], deadline: float) -> None:
        """The kernel runs already, so it is told. Leaves no name and no history behind."""
        request = self.link.execute(f"__import__('os').environ.update({environment!r})", silent=True)
        while True:
            happened = self.link.wait(max(0.0, deadline - time.monotonic()))
            while happened.reply and (message := self.link.next_reply()):
                if message.parent == request:
                    return
            if happened.died:
                raise KernelDied(happened.died)
            if time.monotonic() >= deadline:
                raise TimeoutError
            while happened.output and self.link.next_output():
                pass


_OWN_KERNEL = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--HistoryManager.enabled=False"]


def _tell(fd: int, words: str) -> None:
    os.write(fd, words.encode()[:4000])
    os.close(fd)


def _hear(fd: int, timeout_s: float) -> str:
    """What the other process told; empty if it ended or the time is over."""
    try:
        readable, _, _ = select.select([fd], [], [], timeout_s)
        return os.read(fd, 4096).decode(errors="replace") if readable else ""
    finally:
        os.close(fd)


def prepare(notebook: dict[str, Any], parameters: dict[str, Any], kernel_name: str, *, forked: bool) -> Any:
    """The notebook as our engine wants it: current format, parameters injected, cells numbered. Raises Refused."""
    try:
        nb = nbformat.from_dict(notebook)
        if nb.nbformat != 4:
            nb = nbformat.convert(nb, 4)
        nb = nbformat.v4.upgrade(nb) or nb
        for index, cell in enumerate(nb.cells):
            cell.metadata.pop("papermill", None)
            cell.metadata.setdefault("tags", [])  # papermill looks for its `parameters` tag in every cell
            cell.metadata[engine.BoxEngine.INDEX_KEY] = index
        nb.metadata["papermill"] = {
            "default_parameters": {},
            "parameters": {},
            "environment_variables": {},
            "version": papermill.__version__,
        }
    except (ValueError, KeyError, AttributeError, TypeError, nbformat.ValidationError) as error:
        words = f"This is not a notebook that can be run: {type(error).__name__}: {error}."
        raise Refused("nb_shape", words) from error
    if not parameters:
        return nb
    language = _language(nb) or ("python" if forked else None)
    if language not in _PARAMETER_LANGUAGES:
        raise Refused(
            "param_language",
            f"Parameters can be given to notebooks in {' or '.join(_PARAMETER_LANGUAGES)}, not in {language!r}.",
        )
    return parameterize_notebook(nb, parameters, kernel_name=kernel_name, language=language, engine_name=engine.NAME)


def _language(nb: Any) -> str | None:
    for part, key in (("language_info", "name"), ("kernelspec", "language")):
        section = nb.metadata.get(part)
        if isinstance(section, dict) and isinstance(section.get(key), str):
            return str(section[key])
    return None


def main(fd: int, folder: str, temporary: str, *, private: bool, forks: bool) -> NoReturn:
    """Runs one job over the socket `fd`; never returns. `private`: the box has a user and processes of its own."""
    sock = socket.socket(fileno=fd)
    try:
        if sys.platform == "linux":
            namespaces.adopt_orphans()
        os.chdir("/")
        Path(os.environ["HOME"]).mkdir(parents=True, exist_ok=True)
        Runner(sock, folder, temporary, private=private, forks=forks).serve()
    except BrokenPipeError:
        pass  # the supervisor is gone, and this box goes with it
    except BaseException as error:  # noqa: BLE001 - told to the supervisor, then the process ends
        with contextlib.suppress(OSError):
            sock.sendall(encode({"type": "failed", "message": f"{type(error).__name__}: {error}"}) + b"\n")
        os._exit(1)
    os._exit(0)
