"""The installed `codalab-worker` in a home of its own: one command to its end, or a process that serves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.home import PATIENCE_S, wait_for

needs_mounts = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root, who may mount in a namespace of its own"
)
PROGRAM = str(Path(sys.executable).with_name("codalab-worker"))


class Machine:
    """One computer that serves pools, as far as a folder can be one. `before`: a command that runs the program."""

    def __init__(self, folder: Path, *before: str, **variables: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._before = before
        others = {name: value for name, value in os.environ.items() if not name.startswith("CODALAB_NB_")}
        self.environment = {**others, "CODALAB_NB_HOME": str(folder), "CODALAB_NB_WARM": "1", **variables}
        self._logs = 0
        self._serving: list[Serving] = []

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """kill -9 of whatever serves here."""
        for one in self._serving:
            one.kill()

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """A command that is not waited for."""
        return subprocess.Popen(
            [*self._before, PROGRAM, *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def command(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        process = self.begin(*words)
        out, said = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == code, (words, process.returncode, out, said)
        return subprocess.CompletedProcess(words, process.returncode, out, said)

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.command(*words, "--json", code=code).stdout)

    def serve(self, *words: str, wait: bool = True, **variables: str) -> Serving:
        """`join INVITE` or `run`, with a log in JSON; waits until it serves (or ended)."""
        self._logs += 1
        log = self.folder / f"serving-{self._logs}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*self._before, PROGRAM, *words, "--log", "json"],
                env={**self.environment, **variables},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        serving = Serving(process, log)
        self._serving.append(serving)
        if wait:
            serving.wait_until_serving()
        return serving


class Serving:
    """A process that serves a pool."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log

    def wait_until_serving(self) -> None:
        wait_for(lambda: b'"message": "serving ' in self.log.read_bytes() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log.read_text()

    def lines(self) -> list[dict[str, Any]]:
        """What it logged; what it says to people before it serves is no JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def ended(self) -> int:
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def ask(port: int, page: str) -> tuple[int, str]:
    """Status and body of the health page."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def all_bytes(folders: Sequence[Path]) -> bytes:
    """Everything that lies below them."""
    files = (file for folder in folders for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    return b"\0".join(file.read_bytes() for file in files)


def mounted(script: str) -> tuple[str, ...]:
    """What runs a command where the mounts of `script` were made, and nobody else sees them."""
    return ("unshare", "--mount", "sh", "-c", f'{script} && exec "$@"', "sh")
