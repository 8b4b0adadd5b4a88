"""A home for one test: real processes with quick settings, and the looks that the invariants need."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from codalab_nb import Site, places, settings
from codalab_nb.model.names import TaskNames
from codalab_nb.site import embedded

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 90.0

# Short enough that a death is noticed within a second, long enough that a busy machine does not look dead.
QUICK = {
    "CODALAB_NB_HEARTBEAT": "0.5",
    "CODALAB_NB_RECONCILE": "0.5",
    "CODALAB_NB_LOCK": "2",
    "CODALAB_NB_SLOTS": "2",
    "CODALAB_NB_WARM": "1",
    "CODALAB_NB_IDLE": "300",
}


class Home:
    """Use as a context manager: everything started for it is gone at the end, whatever happened."""

    def __init__(self, folder: Path, **extra: str) -> None:
        self.folder = folder
        self.variables = {**QUICK, "CODALAB_NB_HOME": str(folder), **extra}
        self.settings = settings.load(self.variables)
        self.places = places.prepare(self.settings)
        self.fired = folder / "fired.log"
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Home:
        self._before = {name: os.environ.get(name) for name in self.variables}
        os.environ.update(self.variables)  # what this process starts by itself has the same settings
        return self

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        self.kill_everything()

    # --- processes

    def environment(self, failpoint: str = "", **extra: str) -> dict[str, str]:
        base = {name: value for name, value in os.environ.items() if not name.startswith("CODALAB_NB_")}
        armed = {"CODALAB_NB_FAILPOINT": failpoint, "CODALAB_NB_FAILPOINT_LOG": str(self.fired)} if failpoint else {}
        return {**base, **self.variables, **armed, **extra}

    def background(self, failpoint: str = "", *, program: str = sys.executable) -> subprocess.Popen[bytes]:
        """Starts the background process as its own program, armed or not, and waits until it holds the lock."""
        with self.places.log.open("ab") as log:
            process = subprocess.Popen(
                [program, "-m", "codalab_nb.background"],
                env=self.environment(failpoint),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._started.append(process)
        wait_for(
            lambda: (
                ((holder := embedded.current(self.places)) is not None and holder.pid == process.pid)
                or process.poll() is not None
            )
        )
        return process

    def client(self, *arguments: str, failpoint: str = "", serve: bool = False) -> subprocess.CompletedProcess[str]:
        """Runs `tests/support/client.py` to its end: a submitter of its own, armed or not."""
        return subprocess.run(
            [sys.executable, str(ROOT / "tests/support/client.py"), *arguments],
            env=self.environment(failpoint, SERVE="1" if serve else ""),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            cwd=ROOT,
        )

    @contextlib.contextmanager
    def site(self, *, serve: bool = False) -> Iterator[Site]:
        with Site(self.places, self.settings, serve=serve) as site:
            yield site

    def processes(self) -> dict[int, str]:
        """Every live process that belongs to this home: by its environment, or by its command line."""
        found = {}
        needle = os.fsencode(self.folder)
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                if (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                    continue
                command = (entry / "cmdline").read_bytes()
                if needle in command or needle in (entry / "environ").read_bytes():
                    found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")[:200]
        return found

    def kill_everything(self) -> None:
        """kill -9 of all there is, at once, and again until nothing is left."""
        deadline = time.monotonic() + PATIENCE_S
        while alive := self.processes():
            assert time.monotonic() < deadline, alive
            for pid in alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for process in (*self._started, *embedded._started):
                process.poll()
            time.sleep(0.01)
        for process in self._started:
            process.wait(PATIENCE_S)
        shutil.rmtree(self.places.runtime, ignore_errors=True)

    # --- looks

    def fired_failpoints(self) -> list[str]:
        return [line.split()[0] for line in self.fired.read_text().splitlines()] if self.fired.exists() else []

    def messages(self) -> list[str]:
        """Keys of everything that is still in the queue file, locked or not."""
        with contextlib.closing(sqlite3.connect(self.places.queue)) as db:
            return [key for (key,) in db.execute("SELECT key FROM message UNION ALL SELECT key FROM dead")]

    def attempts(self, task: str) -> list[list[dict[str, Any]]]:
        """The events of each attempt of a task, read straight from the files."""
        folder = self.places.store / TaskNames(task).folder / "attempts"
        found = []
        for attempt in sorted(folder.glob("*"), key=lambda path: int(path.name)) if folder.is_dir() else []:
            events = attempt / "events.000.jsonl"
            lines = events.read_bytes().split(b"\n")[:-1] if events.exists() else []
            found.append([json.loads(line) for line in lines])
        return found

    def starts(self, task: str) -> int:
        """How many attempts really began to run."""
        return sum(any(event["type"] == "started" for event in events) for events in self.attempts(task))


def wait_for(condition: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """The first true value of `condition`; fails the test after `patience_s`."""
    deadline = time.monotonic() + patience_s
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return value
