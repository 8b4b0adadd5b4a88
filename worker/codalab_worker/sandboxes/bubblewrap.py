"""The bwrap command of one box, and starting it.

bwrap runs a *holder*: a shell that says "ready" and then waits. It is process 1 of the box's pid namespace, so
nothing inside can kill it, and its death takes every process of the box along. The runner enters later.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from codalab_worker.sandboxes.visible import Visible

TASK = "/task"
# It also ends when its standard input does, that is when the zygote is gone.
_HOLDER = ("/bin/sh", "-c", "echo ready; read -r nothing")
_ALWAYS_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime", "nsswitch.conf")
_NETWORK_ETC = ("ssl", "pki", "ca-certificates", "crypto-policies", "resolv.conf", "hosts", "services", "gai.conf")


class SandboxFailed(Exception):
    """bwrap did not build the box; the text is its own complaint."""


@dataclass(frozen=True)
class Recipe:
    """What a box shall be. Sizes in bytes."""

    folder: str  # host folder that becomes /task
    visible: Visible
    uid: int  # who the task will be inside
    as_root: bool  # we are root: no user namespace, the child changes its user instead
    network: bool = False
    lock_user_namespaces: bool = False
    tmp_bytes: int = 2 << 30
    shm_bytes: int = 1 << 30


@dataclass
class Holder:
    """A standing box seen from outside. `pidfd` and `pid` are its process 1; dead when `pidfd` polls readable."""

    process: subprocess.Popen[bytes]
    pid: int
    pidfd: int
    lifeline: int  # closing it lets the holder end

    def close(self) -> None:
        os.close(self.pidfd)
        os.close(self.lifeline)


def find() -> str | None:
    return shutil.which("bwrap", path="/usr/bin:/bin:/usr/local/bin:/run/current-system/sw/bin")


def can_lock_user_namespaces(bwrap: str) -> bool:
    """--disable-userns came with bubblewrap 0.8."""
    told = subprocess.run([bwrap, "--help"], capture_output=True, text=True, check=False, env={})
    return "--disable-userns" in told.stdout + told.stderr


def _system_folders() -> Iterable[str]:
    for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"):
        path = Path(name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), name)
        elif path.is_dir():
            yield from ("--ro-bind", name, name)


def _etc(network: bool) -> Iterable[str]:
    for name in (*_ALWAYS_ETC, *(_NETWORK_ETC if network else ())):
        # The link is resolved here: its target (for example below /run) is not in the box.
        yield from ("--ro-bind-try", os.path.realpath(f"/etc/{name}"), f"/etc/{name}")


def _binds(paths: tuple[str, ...]) -> Iterable[str]:
    made = {Path("/"), Path("/tmp")}  # noqa: S108 - the box's own
    for path in paths:
        # bwrap would make the folders above as 0700, and the task is another user than root.
        for parent in reversed(Path(path).parents):
            if parent not in made and not any(parent.is_relative_to(other) for other in paths):
                yield from ("--perms", "0755", "--dir", str(parent))
            made.add(parent)
        yield from ("--ro-bind", path, path)


def arguments(recipe: Recipe, *, info_fd: int, passwd_fd: int, group_fd: int) -> list[str]:
    """bwrap's arguments. Order matters: later operations lie on top of earlier ones."""
    if recipe.as_root:
        unshare = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
        unshare += [] if recipe.network else ["--unshare-net"]
    else:
        unshare = ["--unshare-all", "--unshare-user"]
        unshare += ["--share-net"] if recipe.network else []
        unshare += ["--disable-userns"] if recipe.lock_user_namespaces else []
    hidden = [part for path in recipe.visible.hide for part in ("--perms", "0555", "--size", "4096", "--tmpfs", path)]
    return [
        *unshare,
        *("--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL", "--clearenv"),
        *("--hostname", "box", "--info-fd", str(info_fd)),
        *("--ro-bind", "/usr", "/usr"),
        *_system_folders(),
        *("--dir", "/etc"),
        *_etc(recipe.network),
        *("--perms", "0444", "--file", str(passwd_fd), "/etc/passwd"),
        *("--perms", "0444", "--file", str(group_fd), "/etc/group"),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--perms", "1777", "--size", str(recipe.shm_bytes), "--tmpfs", "/dev/shm"),  # noqa: S108
        *("--remount-ro", "/dev"),
        *("--perms", "1777", "--size", str(recipe.tmp_bytes), "--tmpfs", "/tmp"),  # noqa: S108
        *_binds(recipe.visible.bind),
        *hidden,
        *_binds(recipe.visible.bind_again),
        *(part for path in recipe.visible.hide for part in ("--remount-ro", path)),
        *("--bind", recipe.folder, TASK, "--remount-ro", "/", "--chdir", "/"),
        *("--", *_HOLDER),
    ]


def start(bwrap: str, recipe: Recipe, timeout_s: float = 20) -> Holder:
    """Builds the box; returns when its holder runs. Raises SandboxFailed with bwrap's words."""
    passwd = _text_fd(f"task:x:{recipe.uid}:{recipe.uid}:task:/tmp/home:/bin/sh\n")
    group = _text_fd(f"task:x:{recipe.uid}:\n")
    info_read, info_write = os.pipe()
    ready_read, ready_write = os.pipe()
    complaint_read, complaint_write = os.pipe()
    lifeline_read, lifeline = os.pipe()
    try:
        process = subprocess.Popen(
            [bwrap, *arguments(recipe, info_fd=info_write, passwd_fd=passwd, group_fd=group)],
            env={},  # process 1 of the box would show it to everybody inside
            cwd="/",
            stdin=lifeline_read,
            stdout=ready_write,
            stderr=complaint_write,
            pass_fds=(info_write, passwd, group),
        )
    except OSError as error:
        os.close(lifeline)
        raise SandboxFailed(f"{bwrap} cannot be started: {error}") from error
    finally:
        for fd in (passwd, group, info_write, ready_write, complaint_write, lifeline_read):
            os.close(fd)
    try:
        deadline = time.monotonic() + timeout_s
        told = _read_until(info_read, b"}", deadline)
        ready = _read_until(ready_read, b"\n", deadline)
        if b"}" in told and ready == b"ready\n":
            pid = int(json.loads(told)["child-pid"])
            return Holder(process, pid, os.pidfd_open(pid), lifeline)
        process.kill()
        complaint = _read_until(complaint_read, b"", deadline).decode(errors="replace").strip()
        process.wait()
        os.close(lifeline)
        raise SandboxFailed(complaint or "bwrap ended without building the box")
    finally:
        for fd in (info_read, ready_read, complaint_read):
            os.close(fd)


def _text_fd(text: str) -> int:
    """A pipe holding a few bytes, ready to be read."""
    read, write = os.pipe()
    os.write(write, text.encode())
    os.close(write)
    return read


def _read_until(fd: int, end: bytes, deadline: float) -> bytes:
    """What `fd` gives up to and including `end`, or up to its end of file, or what came before `deadline`."""
    data = b""
    while not (end and end in data):
        if not select.select([fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
            break
        chunk = os.read(fd, 4096)
        if not chunk:
            break
        data += chunk
    return data
