"""Deleting what a task left behind, whatever it left."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path


def remove_tree(top: Path) -> None:
    """Deletes a folder with everything in it; never follows a link. To be called when nothing of the task lives.

    Folders are moved up to `top` before they are emptied, so that neither a depth of 100,000 nor a mode of 000
    stops it: no recursion, no long path, one descriptor. Raises OSError if something cannot be deleted.
    """
    try:
        here = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    except PermissionError:
        top.chmod(0o700)
        here = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fchmod(here, 0o700)
        moved = 0
        while names := [entry.name for entry in os.scandir(here)]:
            for name in names:
                moved = _empty_into(here, name, moved)
    finally:
        os.close(here)
    top.rmdir()


def _empty_into(top: int, name: str, moved: int) -> int:
    """Deletes entry `name` of folder `top`, after moving the folders inside it up into `top`; returns the new count."""
    if not stat.S_ISDIR(os.stat(name, dir_fd=top, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=top)
        return moved
    os.chmod(name, 0o700, dir_fd=top)
    inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    try:
        with os.scandir(inner) as entries:
            children = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for child, is_folder in children:
            if not is_folder:
                os.unlink(child, dir_fd=inner)
                continue
            with contextlib.suppress(OSError):
                os.chmod(child, 0o700, dir_fd=inner)  # moving a folder changes its "..", which needs write permission
            moved = _move_up(inner, child, top, moved)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=top)
    return moved


def _move_up(inner: int, child: str, top: int, moved: int) -> int:
    """Gives the folder `child` a free number as its name in `top`; returns that number."""
    while True:
        moved += 1
        try:
            os.rename(child, f".{moved}", src_dir_fd=inner, dst_dir_fd=top)
        except OSError:
            if not _exists(top, f".{moved}"):
                raise
        else:
            return moved


def _exists(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
