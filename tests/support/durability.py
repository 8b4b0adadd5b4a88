"""What would survive a power cut, from a trace of system calls.

kill -9 cannot show this: the page cache survives it. So the calls of a real process are traced and replayed in
their order: a file's bytes count as durable once it was synced after its last write, a name once the folder
that holds it was synced after the name was made. A checkpoint then asks whether what had to be durable was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CALLS = "openat,write,pwrite64,ftruncate,fsync,fdatasync,link,linkat,rename,renameat,renameat2,mkdir,mkdirat,unlink"

_LINE = re.compile(r"^(?:\d+\s+)?(\w+)\((.*)\)\s+= (\d+)(?:<(.*)>)?")
_UNFINISHED = re.compile(r"^(\d+)\s+(\w+)\((.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"^(\d+)\s+<\.\.\. (\w+) resumed>(.*)$")
_FD = re.compile(r"^\d+<([^>]*)>")
_NAMES = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass
class Disk:
    """What a replay knows: paths with unsynced bytes, and names whose folder was not synced since they were made."""

    dirty: set[str] = field(default_factory=set)
    loose: set[str] = field(default_factory=set)

    def missing(self, path: str) -> list[str]:
        """Why `path` would not be there whole after a power cut; empty if it would."""
        reasons = [f"bytes of {path} are not synced"] if path in self.dirty else []
        for name in (path, *map(str, Path(path).parents)):
            if name in self.loose:
                reasons.append(f"the name {name} is not synced in its folder")
        return reasons


def replay(trace: Path, cwd: str) -> Iterator[tuple[str, list[str], Disk]]:
    """Each traced call that succeeded: its name, the paths it was about, and the disk after it."""
    disk = Disk()
    for name, arguments in _calls(trace):
        descriptor = _FD.match(arguments)
        names = [str(Path(cwd, text)) for text in _NAMES.findall(arguments)]
        paths = names
        if name in ("write", "pwrite64", "ftruncate") and descriptor:
            paths = [descriptor[1]]
            disk.dirty.add(descriptor[1])
        elif name in ("fsync", "fdatasync") and descriptor:
            paths = [descriptor[1]]
            disk.dirty.discard(descriptor[1])
            disk.loose = {loose for loose in disk.loose if str(Path(loose).parent) != descriptor[1]}
        elif name in ("mkdir", "mkdirat") or (name == "openat" and "O_CREAT" in arguments):
            disk.loose.add(names[-1])
        elif name.startswith(("link", "rename")):
            source, target = names[-2:]
            disk.loose.add(target)
            if source in disk.dirty:
                disk.dirty.add(target)
        yield name, paths, disk


def _calls(trace: Path) -> Iterator[tuple[str, str]]:
    """Calls in the order in which they ended; strace splits those that overlap with other threads'."""
    begun: dict[tuple[str, str], str] = {}
    for line in trace.read_text(errors="replace").splitlines():
        if unfinished := _UNFINISHED.match(line):
            begun[unfinished[1], unfinished[2]] = unfinished[3]
            continue
        if resumed := _RESUMED.match(line):
            line = f"{resumed[1]} {resumed[2]}({begun.pop((resumed[1], resumed[2]), '')}{resumed[3]}"
        if call := _LINE.match(line):
            yield call[1], call[2]
