"""Warm boxes: the supervisor asks for one and gets it in no time, since it was made ahead.

For each interpreter in use there is one zygote (the libraries imported once) and a few ready boxes forked from it.
A background thread per interpreter makes new ones; nobody waits for it but the first.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from codalab_nb.errors import CodalabError, UnavailableError
from codalab_worker.boxes import Box
from codalab_worker.removing import remove_tree
from codalab_worker.sandboxes import probing
from codalab_worker.zygotes import Setup, ZygoteClient, ZygoteGone, no_interpreter

__all__ = ["Box", "Warmth"]

_IDLE_S = 600.0
_RETRY_S = 5.0  # after a failed refill; a `take` tries at once
_BREATH_S = 0.1  # the task that took a box gets the processor first; most are over by then


class Warmth:
    """All zygotes and ready boxes of one worker process. Thread-safe.

    `scratch`: a folder of the worker, where boxes have their folders; may be shared by several workers.
    `mask`: the codalab home, which no box may see. `ready`: boxes kept ahead per interpreter.
    """

    def __init__(
        self,
        scratch: Path,
        *,
        sandbox: Literal["auto", "bubblewrap", "none"],
        ready: int = 2,
        mask: Path | None = None,
        science: bool = True,
        forks: bool | None = None,
    ) -> None:
        """`science`: import numpy, pandas and so on ahead (costs about 150 MB and 2 s once per interpreter).
        `forks`: fork boxes from the zygote; by default where that is safe (Linux).

        Raises UnavailableError (`no_sandbox`) when bubblewrap was asked for and does not work: nothing ever falls
        silently to no sandbox.
        """
        self.why_no_sandbox: str | None = None if sandbox == "none" else probing.why_not()
        if sandbox == "bubblewrap" and self.why_no_sandbox:
            raise UnavailableError("no_sandbox", self.why_no_sandbox, "See `codalab-worker doctor`.")
        if sandbox == "none":
            self.why_no_sandbox = "The settings say sandbox = none."
        self.sandbox: Literal["bubblewrap", "none"] = "none" if self.why_no_sandbox else "bubblewrap"
        scratch = scratch.absolute()
        scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(scratch)
        self._folder, self._claim = _claim_folder(scratch)
        cache = scratch / "cache"
        cache.mkdir(mode=0o700, exist_ok=True)
        masks = tuple(str(path) for path in (mask, scratch) if path is not None)
        forks = sys.platform == "linux" if forks is None else forks
        self._setup = Setup(self.sandbox, masks, cache, forks, science)
        self._ready = ready
        self._lock = threading.Lock()
        self._pools: dict[str, _Pool] = {}
        self._past: list[_Pool] = []  # closed for idleness; a task may still use a box of theirs
        self._numbers = itertools.count(1)
        self._closed = False

    def warm(self, interpreter: str) -> None:
        """Asks for ready boxes of that interpreter; returns at once. Whether it can run shows at `take`."""
        self._pool(interpreter).wake()

    def take(
        self,
        interpreter: str,
        *,
        network: bool = False,
        binds: Sequence[Path] = (),
        leave_ready: bool = False,
        timeout_s: float = 60,
    ) -> Box:
        """A box that nobody had before; the caller must `remove` it.

        `binds`: folders it must see besides the interpreter's own, read-only (another kernel's environment).
        With network or binds the box is made on the spot, and so it is with `leave_ready`: then the ready ones stay
        for those who are in a hurry.

        Raises InputError (`no_interpreter`) when that interpreter cannot run tasks, UnavailableError otherwise.
        """
        return self._pool(interpreter).take(network, tuple(map(str, binds)), leave_ready, timeout_s)

    def environment(self, interpreter: str) -> dict[str, Any]:
        """Versions and packages of that interpreter, as its zygote found them. Raises as `take`."""
        return self._pool(interpreter).zygote().environment

    def close(self) -> None:
        """Ends every zygote and so every box, also those in use; their folders go with the worker's own."""
        with self._lock:
            self._closed = True
            pools = [*self._pools.values(), *self._past]
            self._pools.clear()
        for pool in pools:
            pool.close()
        with contextlib.suppress(OSError):
            remove_tree(self._folder)
        os.close(self._claim)

    def _pool(self, interpreter: str) -> _Pool:
        # Not resolved: a virtual environment's python is a link, and its name is what makes it the environment.
        path = str(Path(interpreter).expanduser().absolute())
        with self._lock:
            if self._closed:
                raise UnavailableError("worker_stopping", "The worker is stopping and takes no new task.")
            pool = self._pools.get(path)
            if pool is None or pool.closed:
                if pool is not None:
                    self._past.append(pool)
                pool = self._pools[path] = _Pool(path, self._setup, self._folder, self._numbers, self._ready)
            return pool


class _Pool:
    """Zygote and ready boxes of one interpreter, and the thread that makes them."""

    def __init__(self, path: str, setup: Setup, folder: Path, numbers: itertools.count[int], ready: int) -> None:
        self.path = path
        self.closed = False
        self._setup = setup
        self._folder = folder
        self._numbers = numbers
        self._target = ready
        self._keep = path == str(Path(sys.executable).absolute())
        self._used_at = time.monotonic()
        self._changed = threading.Condition()
        self._ready: deque[Box] = deque()
        self._starting = threading.Lock()  # held while a zygote starts: one at a time
        self._current: _Counted | None = None
        self._retired: list[_Counted] = []
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Lets the thread look whether boxes are missing; starts it when there is none."""
        with self._changed:
            self._used_at = time.monotonic()
            if self._thread is None and not self.closed and self._target:
                self._thread = threading.Thread(target=self._refill, name=f"warm {self.path}", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def take(self, network: bool, binds: tuple[str, ...], leave_ready: bool, timeout_s: float) -> Box:
        deadline = time.monotonic() + timeout_s
        self.zygote()  # a new one, if this one died or its packages changed; its boxes are dropped then
        while not (network or binds or leave_ready) and (box := self._pop()):
            if box.fresh():
                self.wake()
                return box
            _remove_quietly(box)
        self.wake()
        try:
            return self._build(network, binds, max(1.0, deadline - time.monotonic()))
        except ZygoteGone:  # it died between two steps
            return self._build(network, binds, max(1.0, deadline - time.monotonic()))

    def zygote(self) -> ZygoteClient:
        return self._counted().client

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        with self._starting:
            with self._changed:
                zygotes = [*self._retired, *([self._current] if self._current else [])]
                boxes = list(self._ready)
                self._ready.clear()
                self._retired, self._current = [], None
            for box in boxes:
                _remove_quietly(box)
            for zygote in zygotes:
                zygote.client.close()

    def _pop(self) -> Box | None:
        with self._changed:
            return self._ready.popleft() if self._ready else None

    def _counted(self) -> _Counted:
        """The living, up-to-date zygote; starts one if there is none."""
        with self._starting:
            current = self._current
            if current and current.client.alive and not current.client.outdated():
                return current
            self._retire()
            if self.closed:
                raise UnavailableError("worker_stopping", "The worker is stopping and takes no new task.")
            if not os.access(self.path, os.X_OK):
                raise no_interpreter(self.path, "there is no such program")
            self._current = _Counted(ZygoteClient(self.path, self._setup))
            return self._current

    def _retire(self) -> None:
        """Puts the current zygote aside; it ends with the last box that a task still uses."""
        with self._changed:
            old, self._current = self._current, None
            boxes = list(self._ready)
            self._ready.clear()
            if old:
                old.retired = True
                self._retired.append(old)
        for box in boxes:
            _remove_quietly(box)
        if old:
            self._end_if_unused(old)

    def _end_if_unused(self, zygote: _Counted) -> None:
        with self._changed:
            if not zygote.retired or zygote.boxes or zygote not in self._retired:
                return
            self._retired.remove(zygote)
        zygote.client.close()

    def _build(self, network: bool, binds: tuple[str, ...], timeout_s: float) -> Box:
        zygote = self._counted()
        with self._changed:
            zygote.boxes += 1

        def removed() -> None:
            with self._changed:
                zygote.boxes -= 1
            self._end_if_unused(zygote)

        number = next(self._numbers)
        root = self._folder / f"b{number}"
        box = Box(zygote.client, number, root, network=network, binds=binds, on_removed=removed)
        try:
            box.wait_ready(timeout_s)
        except BaseException:
            box.remove()
            raise
        return box

    def _refill(self) -> None:
        """The thread: keeps `ready` boxes; gives everything up when nobody has asked for long."""
        while self._wait_for_shortage():
            try:
                box = self._build(network=False, binds=(), timeout_s=60)
            except (CodalabError, ZygoteGone, OSError):
                # Told to whoever takes, who tries at once; here only tried again later.
                with self._changed:
                    self.closed = self.closed or self._idle()
                    self._changed.wait_for(lambda: self.closed, _RETRY_S)
                continue
            with self._changed:
                keep = not self.closed
                if keep:
                    self._ready.append(box)
            if not keep:
                _remove_quietly(box)
        if self._idle():
            self._retire()

    def _wait_for_shortage(self) -> bool:
        """Returns when boxes are missing. False when the pool is closed, or closes now: nobody used it for long."""
        with self._changed:
            taken = False
            while not self.closed and len(self._ready) >= self._target:
                taken = self._changed.wait(_IDLE_S / 2)
                self.closed = self.closed or self._idle()
            if taken:
                self._changed.wait_for(lambda: self.closed, _BREATH_S)
            return not self.closed

    def _idle(self) -> bool:
        return not self._keep and time.monotonic() - self._used_at > _IDLE_S


class _Counted:
    """A zygote, and how many boxes of it exist."""

    def __init__(self, client: ZygoteClient) -> None:
        self.client = client
        self.boxes = 0
        self.retired = False


def _remove_quietly(box: Box) -> None:
    """For boxes that no task has seen: a failure to clean up must not fail a task. The next start sweeps."""
    with contextlib.suppress(CodalabError, OSError):
        box.remove()


def _claim_folder(scratch: Path) -> tuple[Path, int]:
    """A new folder for this worker, and the locked descriptor that tells others it is in use."""
    folder = Path(tempfile.mkdtemp(prefix="w-", dir=scratch))
    claim = os.open(folder / "claim", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(claim, fcntl.LOCK_EX)
    return folder, claim


def _sweep(scratch: Path) -> None:
    """Deletes folders of workers that were killed; not one whose claim is locked or just being made."""
    for folder in scratch.glob("w-*"):
        with contextlib.suppress(OSError):
            claim = os.open(folder / "claim", os.O_RDWR)
            try:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_tree(folder)
            finally:
                os.close(claim)
