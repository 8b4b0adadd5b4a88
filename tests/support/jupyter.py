"""Real JupyterLab, Notebook 7 and Voilà servers, each on a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

Kind = Literal["lab", "notebook", "voila"]
TOKEN = "for-tests-only"


class Server:
    """One Jupyter server on one folder, with configuration, data (trust) and runtime folders of its own.

    `restart()` is "the next day": the server and every kernel are gone, folder and trust are kept, the port is new.
    """

    def __init__(self, kind: Kind, base: Path, environment: dict[str, str]) -> None:
        self.kind = kind
        self.base = base
        self.root = base / "work"
        self._folders = {f"JUPYTER_{name.upper()}_DIR": base / name for name in ("config", "data", "runtime")}
        for folder in (self.root, *self._folders.values(), base / "config/labconfig"):
            folder.mkdir(parents=True, exist_ok=True)
        # The question about Jupyter news would lie over the page.
        off = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
        (base / "config/labconfig/page_config.json").write_text(json.dumps(off))
        self._environment = {
            **environment,
            **{name: str(folder) for name, folder in self._folders.items()},
            "IPYTHONDIR": str(base / "ipython"),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, port: int | None = None) -> None:
        """With the port that it had before, pages that are open find it again."""
        port = port or _free_port()
        self.url = f"http://127.0.0.1:{port}"
        with (self.base / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._arguments(port)],
                cwd=self.root,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self._process.poll() is None, f"the server ended: {self.log()[-2000:]}"
            assert time.monotonic() < deadline, f"the server does not answer: {self.log()[-2000:]}"
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends the server as a person's Ctrl-C does, then whatever kernels are left."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(15)
        self._process = None
        for pid in self._kernels():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def end_kernels(self) -> None:
        """Shuts the kernels of all notebooks down, by the server's own REST interface."""
        for session in self._api("GET", "sessions"):
            self._api("DELETE", f"sessions/{session['id']}")

    def _api(self, verb: str, path: str) -> Any:
        request = urllib.request.Request(
            f"{self.url}/api/{path}", method=verb, headers={"Authorization": f"token {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.loads(reply.read() or b"null")

    def log(self) -> str:
        return (self.base / "server.log").read_text(errors="replace")

    def page(self, name: str) -> str:
        """The address of a notebook file, with the token."""
        where = {"lab": "lab/tree", "notebook": "notebooks", "voila": "voila/render"}[self.kind]
        return f"{self.url}/{where}/{quote(name)}?token={TOKEN}" + ("&reset" if self.kind == "lab" else "")

    def _arguments(self, port: int) -> list[str]:
        if self.kind == "voila":
            return ["-m", "voila", "--no-browser", "--Voila.ip=127.0.0.1", f"--port={port}", f"--token={TOKEN}",
                    "--show_tracebacks=True", str(self.root)]  # fmt: skip
        return [
            "-m",
            "jupyterlab" if self.kind == "lab" else "notebook",
            "--no-browser",
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={TOKEN}",
            f"--ServerApp.root_dir={self.root}",
            "--ServerApp.terminals_enabled=False",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            f"--{'LabApp' if self.kind == 'lab' else 'JupyterNotebookApp'}.expose_app_in_browser=True",
        ]

    def _answers(self) -> bool:
        path = "" if self.kind == "voila" else "api"
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{self.url}/{path}?token={TOKEN}", timeout=10).close()
            return True
        return False

    def _kernels(self) -> Iterator[int]:
        """Kernels of this server: their command lines name a connection file in its runtime folder."""
        import psutil

        needle = str(self._folders["JUPYTER_RUNTIME_DIR"])
        for process in psutil.process_iter(["cmdline"]):
            if any(needle in word for word in process.info["cmdline"] or ()):
                yield process.pid


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def empty(path: Path) -> Path:
    """A notebook without cells' worth of content, as "New notebook" makes it."""
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [
            {"cell_type": "code", "id": "first", "metadata": {}, "execution_count": None, "outputs": [], "source": ""}
        ],
    }
    path.write_text(json.dumps(document))
    return path
