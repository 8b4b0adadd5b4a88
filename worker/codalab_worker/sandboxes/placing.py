"""Inputs into a box: a read-only mount of the host's file, or a copy where that does not work. Never a hard link.

(A hard link would let the task chmod and write the host's file through its second name.)
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from codalab_worker import namespaces
from codalab_worker.sandboxes import bubblewrap, entering

_BATCH = 256  # mounts per forked child: each holds a descriptor until it is attached


def prepare(folder: Path, relative: str, owner: int | None) -> int:
    """Makes the empty file `folder`/`relative` and the folders above it; returns a descriptor for writing.

    Never follows a link and never opens what is already there. `owner`: the uid that new folders shall belong to.
    Raises OSError, also when the file exists.
    """
    *parents, name = relative.split("/")
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        for part in parents:
            try:
                os.mkdir(part, 0o755, dir_fd=here)
                if owner is not None:
                    os.chown(part, owner, owner, dir_fd=here, follow_symlinks=False)
            except FileExistsError:
                pass
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = inner
        return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o444, dir_fd=here)
    finally:
        os.close(here)


def mountable(source: Path, *, as_root: bool) -> bool:
    """A mount keeps owner and mode: a task that runs as another user could not read a private file."""
    mode = source.lstat().st_mode
    return stat.S_ISREG(mode) and (not as_root or bool(mode & stat.S_IROTH))


def copy(source: Path, target: int) -> None:
    """Fills the prepared file from `source` and leaves it read-only. A reflink where the file system has them."""
    reader = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        try:
            while os.copy_file_range(reader, target, 1 << 30):
                pass
        except (OSError, AttributeError):  # other file system, old kernel, macOS
            os.lseek(reader, 0, os.SEEK_SET)
            os.lseek(target, 0, os.SEEK_SET)
            with os.fdopen(os.dup(reader), "rb") as source_file, os.fdopen(os.dup(target), "wb") as target_file:
                shutil.copyfileobj(source_file, target_file, 1 << 20)
        os.fchmod(target, 0o444)
    finally:
        os.close(reader)


def mount_all(pid: int, files: Sequence[tuple[str, str]], *, as_root: bool) -> None:
    """Mounts (host path, path below /task) pairs into the box of process `pid`. Raises OSError for the first failure.

    The targets exist already. Done by forked children, since they end inside the box's namespaces.
    """
    for first in range(0, len(files), _BATCH):
        batch = files[first : first + _BATCH]
        in_child(lambda batch=batch: _mount_batch(pid, batch, as_root=as_root))  # type: ignore[misc]


def _mount_batch(pid: int, files: Sequence[tuple[str, str]], *, as_root: bool) -> None:
    trees = [namespaces.clone_mount_read_only(source) for source, _ in files]
    entering.enter_mounts(pid, as_root=as_root)
    for tree, (_, relative) in zip(trees, files, strict=True):
        target = os.open(f"{bubblewrap.TASK}/{relative}", os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        namespaces.attach_mount(tree, target)
        os.close(target)
        os.close(tree)


def in_child(work: Callable[[], None]) -> None:
    """Runs `work` in a forked child and waits for it. Raises OSError with the child's words if it raised."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - reported, then the child ends
            os.write(write, f"{type(error).__name__}: {error}".encode()[:4000])
            os._exit(1)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        complaint = pipe.read().decode(errors="replace")
    os.waitpid(child, 0)
    if complaint:
        raise OSError(complaint)
