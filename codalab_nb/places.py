"""Where the embedded mode keeps things on this machine, and whether those places will do."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from codalab_nb.bells import Bell, runtime_folder
from codalab_nb.durable import make_folder
from codalab_nb.errors import UnavailableError
from codalab_nb.settings import Settings

# SQLite's locks and our file lock cannot be trusted on these (sqlite.org/faq.html#q5).
_NETWORK = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "afs",
    "ceph",
    "lustre",
    "gpfs",
    "beegfs",
    "glusterfs",
    "9p",
    "ncpfs",
}


@dataclass(frozen=True)
class Places:
    """`home` holds the store; `state` ledger, queue, lock and log (always on a local disk); `runtime` sockets."""

    home: Path
    state: Path
    runtime: Path

    @property
    def store(self) -> Path:
        return self.home / "store"

    @property
    def systematic(self) -> Path:
        """What belongs to systematic analysis: whether it is on, what it does, its rules."""
        return self.home / "systematic"

    @property
    def systematic_switch(self) -> Path:
        """It is there while a person wants systematic analysis."""
        return self.systematic / "on"

    @property
    def rules(self) -> Path:
        return self.systematic / "rules"

    @property
    def scratch(self) -> Path:
        return self.state / "scratch"

    @property
    def ledger(self) -> Path:
        return self.state / "ledger.db"

    @property
    def ledger_bell(self) -> Bell:
        """Rings when the ledger changed."""
        return Bell(self.runtime / "ledger")

    @property
    def queue(self) -> Path:
        return self.state / "queue.db"

    @property
    def lock(self) -> Path:
        return self.state / "background.lock"

    @property
    def successor(self) -> Path:
        return self.state / "background.next.lock"

    @property
    def log(self) -> Path:
        return self.state / "background.log"

    @property
    def digests(self) -> Path:
        return self.state / "digests.db"


def filesystem_of(path: Path, mounts: str | None = None) -> str:
    """The file system type `path` lies on, from the kernel's mount table; "" where there is none to read."""
    if mounts is None:
        try:
            mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[1])
        if len(point) >= len(best) and path.is_relative_to(point):
            best, kind = point, fields[2]
    return kind


def is_network(kind: str) -> bool:
    return kind in _NETWORK or (
        kind.startswith("fuse.") and kind.removeprefix("fuse.") in {"sshfs", "rclone", "s3fs", "glusterfs"}
    )


def local_state(home: Path, kind: str) -> Path:
    """Where ledger and queue of a home on a network file system go: a private folder on this machine's own disk."""
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    state = Path("/var/tmp") / f"codalab-nb-{os.getuid()}-{digest}"  # noqa: S108 (checked below to be ours alone)
    if is_network(filesystem_of(state)):
        raise UnavailableError(
            "home_on_network",
            f"{home} lies on a network file system ({kind}), and so does {state.parent}.",
            "Set CODALAB_NB_HOME to a folder on a local disk.",
        )
    return state


def prepare(settings: Settings) -> Places:
    """Makes the folders, private to the user. Raises UnavailableError where that does not work, with a way round."""
    home = settings.home
    kind = filesystem_of(home)
    state = local_state(home, kind) if is_network(kind) else home
    for folder in dict.fromkeys((home, state)):
        _make_private(folder)
    return Places(home=home, state=state, runtime=runtime_folder(home))


def _make_private(folder: Path) -> None:
    try:
        make_folder(folder)
        status = folder.stat()
    except OSError as error:
        raise UnavailableError(
            "home_not_writable",
            f"The folder {folder} cannot be made: {error.strerror}.",
            "Set CODALAB_NB_HOME to a folder on a local disk that you may write.",
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UnavailableError(
            "home_not_writable",
            f"The folder {folder} cannot be written.",
            "Set CODALAB_NB_HOME to a folder on a local disk that you may write.",
        )
    if status.st_uid != os.getuid():
        raise UnavailableError(
            "home_not_yours",
            f"The folder {folder} belongs to another user.",
            "Set CODALAB_NB_HOME to a folder of your own.",
        )
