"""Which paths of the host a box may see: the interpreter, and nothing that belongs to its owner."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# Already there in every box, or made anew in it; binding the host's would undo the wall.
_COVERED = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_NEVER = frozenset(
    ["/", "/tmp", "/var/tmp", "/dev", "/dev/shm", "/proc", "/sys", "/run", "/etc", "/var", "/home", "/task"]  # noqa: S108
)
_PREFIX_PARTS = ("bin", "lib", "lib64", "include", "share", "etc", "ssl")


@dataclass(frozen=True)
class Visible:
    """`bind` first, then an empty folder over each of `hide`, then `bind_again` (what lies inside a hidden folder)."""

    bind: tuple[str, ...]
    hide: tuple[str, ...]
    bind_again: tuple[str, ...]
    skipped: tuple[str, ...]  # asked for, but it would show too much


def _is_under(path: str, folder: str) -> bool:
    return Path(path).is_relative_to(folder)


def _both_names(paths: Iterable[str]) -> list[str]:
    """Each path as given and with its links resolved, without repeats, order kept."""
    names = (name for path in paths if path for name in (str(Path(path).absolute()), os.path.realpath(path)))
    return list(dict.fromkeys(names))


def choose(prefixes: Iterable[str], others: Iterable[str], *, home: str, masks: Iterable[str]) -> Visible:
    """Decides over interpreter prefixes (needed: a too wide one is narrowed to its parts) and `sys.path` entries.

    Nothing that is or contains `home`, a mask or a system folder is bound. A mask (the codalab home, the scratch
    folder) inside a bound path is hidden.
    """
    hidden = [path for path in _both_names(masks) if Path(path).is_dir()]
    precious = [*_both_names([home]), *hidden]

    def too_wide(path: str) -> bool:
        return path in _NEVER or any(_is_under(private, path) for private in _both_names([home]))

    wanted: list[str] = []
    skipped: list[str] = []
    for path in _both_names(prefixes):
        wanted += [f"{path.rstrip('/')}/{part}" for part in _PREFIX_PARTS] if too_wide(path) else [path]
    for path in _both_names(others):
        if path in _NEVER or any(_is_under(private, path) for private in precious):
            skipped.append(path)
        else:
            wanted.append(path)

    chosen: list[str] = []
    for path in sorted(set(wanted)):  # parents come before what they contain
        covered = any(_is_under(path, root) for root in (*_COVERED, *chosen))
        reopened = any(_is_under(path, mask) for mask in hidden)
        if Path(path).exists() and (not covered or reopened):
            chosen.append(path)
    again = tuple(path for path in chosen if any(_is_under(path, mask) for mask in hidden))
    bind = tuple(path for path in chosen if path not in again)
    hide = tuple(mask for mask in hidden if any(_is_under(mask, path) for path in (*bind, *_COVERED)))
    return Visible(bind, hide, again, tuple(skipped))
