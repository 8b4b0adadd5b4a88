"""Wake-ups between processes of one user on one machine: nobody polls to learn that something is new.

A *bell* is a folder of Unix datagram sockets, one for each listener. `ring` sends an empty datagram to
each; it carries no information but "look again", so a lost one only costs the listener's slow poll.
Folders live under the runtime folder and not under home: a socket's path may have about 100 bytes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import select
import socket
import tempfile
import uuid
from pathlib import Path
from types import TracebackType

from codalab_nb.errors import UnavailableError


def runtime_folder(home: Path) -> Path:
    """The private folder for sockets that belong to `home`: short, local, mode 0700, ours.

    Raises UnavailableError when somebody else owns the name (another user made it to listen in).
    """
    digest = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]
    # macOS has a temporary folder with a name too long for sockets below it.
    base = tempfile.gettempdir()
    folder = Path(base if len(base) < 40 else "/tmp") / f"codalab-nb-{os.getuid()}-{digest}"  # noqa: S108 (checked below)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    stat = folder.lstat()
    if stat.st_uid != os.getuid() or stat.st_mode & 0o077 or folder.is_symlink():
        raise UnavailableError(
            "runtime_folder",
            f"The folder {folder} exists but does not belong to you alone.",
            "Remove it, or set TMPDIR to a folder of your own.",
        )
    return folder


def _make_private(folder: Path) -> None:
    """mkdir -p where every new folder is ours alone (`parents=True` would leave that to the umask)."""
    if not folder.is_dir():
        _make_private(folder.parent)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)


class Bell:
    """One thing that can be rung and listened to, e.g. "a message came"; `folder` is its identity."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def ring(self) -> None:
        """Wakes every listener. Never blocks, never fails: ringing is a courtesy."""
        try:
            listeners = list(self.folder.iterdir())
        except FileNotFoundError:
            return
        if not listeners:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            for path in listeners:
                try:
                    sender.sendto(b"", str(path))
                except OSError as error:
                    # Nobody listens any more (killed with -9): the socket file is litter.
                    if error.errno == errno.ECONNREFUSED:
                        path.unlink(missing_ok=True)

    def listen(self) -> Listener:
        return Listener(self.folder)


class Listener:
    """A place at a bell. Use it as a context manager; create it before the last look at what is awaited."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / uuid.uuid4().hex[:12]
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        while True:
            _make_private(folder)
            try:
                self._socket.bind(str(self._path))
                return
            except FileNotFoundError:
                continue  # the last listener before us has just removed the folder
            except OSError:
                self._socket.close()
                raise

    def fileno(self) -> int:
        return self._socket.fileno()

    def wait(self, timeout_s: float) -> bool:
        """Waits until the bell rings; True if it did. Rings that came since the last wait count, once."""
        poller = select.poll()  # select() knows no descriptor above 1023, and notebook servers have more
        poller.register(self._socket, select.POLLIN)
        ready = bool(poller.poll(max(0.0, timeout_s) * 1000))
        self.drain()
        return ready

    def drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(16)

    def close(self) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # others listen; else nothing is left of it
            self._path.parent.rmdir()

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
