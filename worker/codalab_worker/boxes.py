"""A box in the supervisor's hands: one sandbox with a warm kernel, for one task, used once."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from codalab_nb.errors import UnavailableError
from codalab_worker.limits import Limits
from codalab_worker.outputs import encode
from codalab_worker.removing import remove_tree
from codalab_worker.sandboxes import killing, placing
from codalab_worker.sandboxes.users import BoxUser
from codalab_worker.watching import Watch
from codalab_worker.zygotes import ZygoteClient, ZygoteGone

_LINE_CAP = 2 << 20
_END_CAP = 64 << 20
_END_PREFIX = b'{"type":"end"'
_CHUNK = 1 << 20
_DEATH_S = 30.0  # a process that lives on so long after SIGKILL is stuck in the kernel …
_SLOW_DEATH_S = 600.0  # … but one that gets the processor only when nobody else wants it takes its time


class Lines:
    """Cuts what comes from a runner into lines. A line above its cap is dropped and counted."""

    def __init__(self) -> None:
        self.dropped = 0
        self._buffer = bytearray()
        self._searched = 0
        self._dropping = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines completed by `data`, without their newlines."""
        self._buffer += data
        lines = []
        start = 0
        while (end := self._buffer.find(b"\n", max(start, self._searched))) >= 0:
            if self._dropping:
                self._dropping = False
            elif end - start > self._cap(start):
                self.dropped += 1
            elif end > start:
                lines.append(bytes(self._buffer[start:end]))
            start = self._searched = end + 1
        del self._buffer[:start]
        if not self._dropping and len(self._buffer) > self._cap(0):
            self._dropping = True
            self.dropped += 1
        if self._dropping:
            self._buffer.clear()
        self._searched = len(self._buffer)
        return lines

    def _cap(self, start: int) -> int:
        return _END_CAP if self._buffer.startswith(_END_PREFIX, start) else _LINE_CAP


class Box:
    """Made by `Warmth.take`; `remove` it when the task has ended, whatever happened.

    `folder` is the host's side of the task's working folder, which the task owns: nothing in it can be trusted.
    One thread reads; `kill`, `remove` and `overstep` may come from others.
    """

    def __init__(
        self,
        zygote: ZygoteClient,
        identifier: int,
        root: Path,
        *,
        network: bool,
        binds: Sequence[str],
        on_removed: Callable[[], None],
    ) -> None:
        self.folder = root / "task"
        self.inputs_by: Literal["mount", "copy"] | None = None
        self.inputs: tuple[str, ...] = ()  # what was placed, relative to `folder`
        self._lines = Lines()
        self._death_s = _DEATH_S
        self._identifier = identifier
        self._zygote = zygote
        self._root = root
        self._on_removed = on_removed
        self._lock = threading.RLock()
        self._killed = self._removed = self._started = False
        self._walled = zygote.setup.sandbox == "bubblewrap"
        self._user: BoxUser | None = BoxUser() if self._walled and os.geteuid() == 0 else None
        self._temporary = _make_folders(root, self.folder, self._user)
        self._pidfd = -1
        self._socket, theirs = socket.socketpair()
        try:
            answer, fds = zygote.request(
                "box",
                [theirs.fileno()],
                id=identifier,
                folder=str(self.folder),
                temporary=str(self._temporary),
                uid=self._user.uid if self._user else os.getuid(),
                network=network,
                binds=list(binds),
            )
        except BaseException:
            self.remove()
            raise
        finally:
            theirs.close()
        self._pid = int(answer["pid"])
        self._pidfd = fds[0] if fds else -1
        inherited = int(zygote.hello["resident_bytes"])
        self._watch = Watch(self.folder, self._pid, self._walled, inherited, zygote=zygote.proc)

    @property
    def dropped(self) -> int:
        """Lines above their cap, thrown away so far."""
        return self._lines.dropped

    def wait_ready(self, timeout_s: float) -> None:
        """Until the kernel inside is warm. Raises UnavailableError."""
        try:
            lines = self.read(timeout_s)
        except EOFError:
            lines = []
        if not lines or b'"ready"' not in lines[0]:
            told = lines[0].decode(errors="replace")[:500] if lines else f"nothing came within {timeout_s:.0f} s"
            raise UnavailableError("sandbox_failed", f"A sandbox did not get ready: {told}.")

    def fresh(self) -> bool:
        """Still as it was when it got ready: nothing died meanwhile."""
        try:
            return self.holder_alive() and self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def place(self, files: Sequence[tuple[Path, str]]) -> None:
        """Shows host files inside, read-only, at paths relative to the working folder. Before `start`.

        By a mount where that works, else by a copy; `inputs_by` tells (`copy` if one of them had to be copied).
        Raises OSError (a missing source, a name taken twice), ValueError after `start`.
        """
        if self._started:
            raise ValueError("inputs are placed before the task starts")
        owner = self._user.uid if self._user else None
        as_root = owner is not None
        by_mount: list[tuple[Path, str]] = []
        for source, relative in files:
            target = placing.prepare(self.folder, relative, owner)
            try:
                if self._zygote.hello["mounts"] and placing.mountable(source, as_root=as_root):
                    by_mount.append((source, relative))
                else:
                    self._copy(source, target)
            finally:
                os.close(target)
        if by_mount:
            try:
                pairs = [(str(source.absolute()), relative) for source, relative in by_mount]
                self._zygote.request("place", id=self._identifier, files=pairs)
            except UnavailableError:
                for source, relative in by_mount:
                    (self.folder / relative).unlink()
                    target = placing.prepare(self.folder, relative, owner)
                    try:
                        self._copy(source, target)
                    finally:
                        os.close(target)
            except ZygoteGone as error:
                raise UnavailableError("sandbox_failed", "The sandbox ended while inputs were placed.") from error
        self._watch.placed_files += len(files)
        self.inputs += tuple(relative for _, relative in files)
        if files and self.inputs_by is None:
            self.inputs_by = "mount"

    def _copy(self, source: Path, target: int) -> None:
        placing.copy(source, target)
        self.inputs_by = "copy"
        self._watch.placed_bytes += os.fstat(target).st_blocks * 512

    def start(self, job: dict[str, Any]) -> None:
        """Hands the job line to the runner. A runner that is gone is noticed by `read`."""
        self._started = True
        self._death_s = _SLOW_DEATH_S if job.get("background") else _DEATH_S
        self._watch.limits = Limits.from_job(job.get("limits", {}))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(encode(job) + b"\n")

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self, timeout_s: float) -> list[bytes]:
        """Complete lines without their newlines, at least one; [] when none came in time.

        Raises EOFError when the runner is gone. Lines above 2 MB (64 MB for `end`) are dropped, see `dropped`.
        """
        deadline = time.monotonic() + timeout_s
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        while True:
            if not poller.poll(max(0, int((deadline - time.monotonic()) * 1000))):
                return []
            try:
                data = self._socket.recv(_CHUNK)
            except ConnectionResetError:
                data = b""
            if not data:
                raise EOFError("the runner is gone")
            if lines := self._lines.feed(data):
                return lines

    def overstep(self) -> str | None:
        """The watchdog's look: `oom`, `disk_limit`, `pids_limit`, or None."""
        if self._killed or not self.holder_alive():
            return None
        return self._watch.overstep()

    def holder_alive(self) -> bool:
        """Does the sandbox itself stand? A task cannot end it, so False means trouble of the infrastructure."""
        if not self._walled:
            return self._zygote.alive
        if self._pidfd < 0 or killing.wait_dead(self._pidfd, 0):
            return False
        # Its processes end before itself: a runner's end may be seen while the sandbox is being torn down.
        return not killing.ending(self._pid)

    def kill(self) -> None:
        """When it returns, every process of the box is dead; the folder is still there.

        Raises UnavailableError if one cannot be killed (stuck in the kernel).
        """
        with self._lock:
            if self._killed:
                return
            dead = True
            if self._walled:
                dead = self._pidfd < 0 or killing.kill_namespace(self._pidfd, self._death_s)
            else:
                try:
                    self._zygote.request("kill", id=self._identifier)
                except UnavailableError:
                    dead = False
                except ZygoteGone:
                    alive = self._pidfd >= 0 and not killing.wait_dead(self._pidfd, 0)
                    dead = not alive or killing.kill_tree(self._pid)
            if not dead:
                raise UnavailableError("sandbox_immortal", f"A process of sandbox {self._identifier} cannot be killed.")
            self._killed = True

    def remove(self) -> None:
        """Kills what lives, deletes the folder (whatever its modes and names), gives everything back."""
        with self._lock:
            if self._removed:
                return
            self.kill()
            self._removed = True
            self._socket.close()
            if self._pidfd >= 0:
                os.close(self._pidfd)
                self._pidfd = -1
            for folder in {self._root, self._temporary}:
                remove_tree(folder)
            if self._user:
                self._user.release()
        self._on_removed()


def _make_folders(root: Path, folder: Path, user: BoxUser | None) -> Path:
    """Makes the box's folders; returns the one for temporary files of a box without a /tmp of its own."""
    root.mkdir(mode=0o700)
    folder.mkdir(mode=0o700)
    if user:
        os.chown(folder, user.uid, user.uid)
    temporary = root / "tmp"
    if len(os.fsencode(temporary)) > 70:  # a Unix socket below it may have 107 bytes
        import tempfile

        return Path(tempfile.mkdtemp(prefix="codalab-"))
    temporary.mkdir(mode=0o700)
    return temporary
