"""The zygote: one trusted process per interpreter, with the usual libraries imported, that boxes are forked from.

    python -P -m codalab_worker.zygote FD          serves requests on the Unix socket FD until it is closed
    python -P -m codalab_worker.zygote --child FD  a runner in a fresh process, where forking is not safe

It holds no secret (its memory is in every box), has one thread (else neither fork nor setns is safe), and runs no
code of a task. Requests and answers are JSON lines:

    setup    sandbox, science, forks, masks, cache   -> hello: environment, paths, threads, ...
    box      id, folder, temporary, uid, network, binds  +fd  -> ok, pid  +pidfd
    place    id, files                               -> ok
    kill     id                                      -> ok     (boxes without namespaces)

It forgets a box when it reaps the box's first process.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from codalab_worker import interpreter, namespaces
from codalab_worker.control import Channel
from codalab_worker.preload import preload, thread_count
from codalab_worker.sandboxes import bubblewrap, entering, killing, placing, visible


@dataclass
class _Box:
    pid: int  # process 1 of its namespace, or the runner where there is none
    holder: bubblewrap.Holder | None


class Zygote:
    def __init__(self, channel: Channel, setup: dict[str, Any]) -> None:
        self.channel = channel
        self.walled = setup["sandbox"] == "bubblewrap"
        self.forks = bool(setup["forks"])
        self.as_root = os.geteuid() == 0
        self.boxes: dict[int, _Box] = {}
        self.fingerprint = interpreter.fingerprint(interpreter.package_folders())
        self.mounts = self.walled and (self.as_root or _own_mount_namespace())
        if sys.platform == "linux":
            # A box's first process is orphaned on purpose; it must be reaped for its namespace to end.
            namespaces.adopt_orphans()
        science = preload(science=setup["science"], cache=Path(setup["cache"])) if self.forks else []
        self.masks: list[str] = setup["masks"]
        self.visible = self._visible([])
        self.bwrap = bubblewrap.find() if self.walled else None
        self.locks_namespaces = bool(self.bwrap) and bubblewrap.can_lock_user_namespaces(str(self.bwrap))
        self.science = science

    def hello(self) -> dict[str, Any]:
        return {
            "threads": thread_count(),
            "science": self.science,
            "mounts": self.mounts,
            "environment": {**interpreter.environment_record(), "preloaded": self.science},
            "folders": interpreter.package_folders(),
            "fingerprint": self.fingerprint,
            "resident_bytes": _resident_bytes(),
            "not_visible": self.visible.skipped,
        }

    def _visible(self, binds: list[str]) -> visible.Visible:
        prefixes, others = interpreter.binding_paths()
        return visible.choose([*prefixes, *binds], others, home=interpreter.home(), masks=self.masks)

    def serve(self) -> None:
        """Answers until the supervisor is gone. Then every box dies: with us (bubblewrap) or here (none)."""
        wake_read, wake_write = os.pipe()
        for fd in (wake_read, wake_write):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at the terminal is the supervisor's to handle
        while True:
            readable, _, _ = select.select([self.channel.fileno(), wake_read], [], [])
            if wake_read in readable:
                with contextlib.suppress(BlockingIOError):
                    os.read(wake_read, 4096)
            self._reap()
            if self.channel.fileno() in readable:
                try:
                    request, fds = self.channel.receive()
                except (EOFError, ConnectionError):
                    break
                self._answer(request, fds)
        for box in self.boxes.values():
            if box.holder is None:
                killing.kill_tree(box.pid)

    def _answer(self, request: dict[str, Any], fds: list[int]) -> None:
        answer: dict[str, Any] = {"ok": True}
        sent: list[int] = []
        try:
            match request["do"]:
                case "box":
                    pid, sent = self._make_box(request, fds[0])
                    answer["pid"] = pid
                case "place":
                    box = self.boxes.get(request["id"])
                    if box is None:
                        raise ProcessLookupError("this box has ended")
                    placing.mount_all(box.pid, request["files"], as_root=self.as_root)
                case "kill":
                    box = self.boxes.get(request["id"])
                    answer["ok"] = box is None or killing.kill_tree(box.pid)
                    self._kill_strays()
        except Exception as error:  # noqa: BLE001 - told to the supervisor; every other box hangs on this process
            answer = {"ok": False, "message": f"{type(error).__name__}: {error}"}
        for fd in fds:
            os.close(fd)
        self.channel.send(answer, sent)
        if sent and request["do"] == "box" and not self.walled:
            os.close(sent[0])

    def _make_box(self, request: dict[str, Any], sock: int) -> tuple[int, list[int]]:
        if not self.walled:
            pid = self._fork_open(request, sock) if self.forks else self._start_child(request, sock)
            self.boxes[request["id"]] = _Box(pid, None)
            return pid, [os.pidfd_open(pid)] if sys.platform == "linux" else []
        recipe = bubblewrap.Recipe(
            folder=request["folder"],
            visible=self._visible(request["binds"]),
            uid=request["uid"],
            as_root=self.as_root,
            network=request["network"],
            lock_user_namespaces=self.locks_namespaces,
        )
        holder = bubblewrap.start(str(self.bwrap), recipe)
        self.boxes[request["id"]] = _Box(holder.pid, holder)
        if os.fork() == 0:
            _guarded(sock, lambda: self._enter(holder.pid, request, sock))
        return holder.pid, [holder.pidfd]

    def _enter(self, pid: int, request: dict[str, Any], sock: int) -> None:
        """In the forked child: into the box, then one more fork, since a pid namespace holds for children only."""
        entering.enter_namespaces(pid, as_root=self.as_root)
        if os.fork() != 0:
            os._exit(0)  # nothing of the box is left outside
        _guarded(sock, lambda: self._inside(request, sock))

    def _inside(self, request: dict[str, Any], sock: int) -> None:
        sock = entering.keep_only(sock)
        os.setsid()
        entering.set_first_limits()
        if self.as_root:
            entering.become_nobody(request["uid"])
        else:
            namespaces.drop_bounding_set()
        entering.give_up_rights()
        os.umask(0o022)
        _run(sock, bubblewrap.TASK, "/tmp", private=True)  # noqa: S108 - the box's own

    def _fork_open(self, request: dict[str, Any], sock: int) -> int:
        pid = os.fork()
        if pid == 0:
            _guarded(sock, lambda: self._open(request, sock))
        return pid

    def _open(self, request: dict[str, Any], sock: int) -> None:
        """In the forked child of a box without a sandbox."""
        os.setsid()
        namespaces.die_with_parent()
        sock = entering.keep_only(sock)
        entering.set_first_limits()
        _run(sock, request["folder"], request["temporary"], private=False)

    def _start_child(self, request: dict[str, Any], sock: int) -> int:
        """A fresh process: macOS, whose system libraries do not survive a fork."""
        import subprocess

        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "codalab_worker.zygote", "--child", str(sock)],
            env={**entering.environment(sys.prefix, request["temporary"]), "CODALAB_BOX_FOLDER": request["folder"]},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(sock,),
            start_new_session=True,
        )
        return process.pid

    def _kill_strays(self) -> None:
        """Without namespaces, descendants of a runner that was killed become our children: end them."""
        known = {box.pid for box in self.boxes.values()} | {
            box.holder.process.pid for box in self.boxes.values() if box.holder
        }
        for pid in _children():
            if pid not in known:
                killing.kill_tree(pid)
        self._reap()

    def _reap(self) -> None:
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for identifier, box in list(self.boxes.items()):
                if pid == (box.holder.process.pid if box.holder else box.pid):
                    del self.boxes[identifier]
                    if box.holder:
                        box.holder.close()


def _children() -> list[int]:
    import psutil

    return [process.pid for process in psutil.Process().children()]


def _resident_bytes() -> int:
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _own_mount_namespace() -> bool:
    """An ordinary user may mount inputs only from a namespace of their own. Tried in a child: it cannot be undone."""

    def move() -> None:
        uid, gid = os.getuid(), os.getgid()
        namespaces.unshare(namespaces.CLONE_NEWUSER | namespaces.CLONE_NEWNS)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")

    try:
        placing.in_child(move)
        move()
    except OSError:
        return False
    return True


def _guarded(sock: int, work: Any) -> NoReturn:
    """Runs `work` as the rest of a forked child's life; a failure is told on the box's socket."""
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - nobody else would hear of it
        complaint = json.dumps({"type": "failed", "message": f"{type(error).__name__}: {error}"})
        with contextlib.suppress(OSError):
            os.write(sock, complaint.encode() + b"\n")
    os._exit(1)


def _run(sock: int, folder: str, temporary: str, *, private: bool) -> NoReturn:
    """The last step of a forked child: becomes the runner."""
    from codalab_worker import runner  # imported long ago by the preload

    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    base = interpreter.user_base()
    entering.set_environment(entering.environment(sys.prefix, temporary))
    if base:
        os.environ["PYTHONUSERBASE"] = base
    tempfile.tempdir = None
    gc.enable()
    runner.main(sock, folder, temporary, private=private, forks=True)


def _serve(fd: int) -> None:
    channel = Channel(socket.socket(fileno=fd))
    os.set_inheritable(fd, False)
    setup, _ = channel.receive()
    zygote = Zygote(channel, setup)
    gc.collect()
    gc.freeze()  # the collector would touch, and so copy, every shared page in every child
    hello = zygote.hello()
    channel.send(hello)
    if hello["threads"] != 1 and zygote.forks:
        return  # the supervisor starts another one, without the part that made threads
    zygote.serve()


def main(arguments: list[str]) -> None:
    if arguments[0] == "--child":
        from codalab_worker import runner

        folder = os.environ.pop("CODALAB_BOX_FOLDER")
        runner.main(int(arguments[1]), folder, os.environ["TMPDIR"], private=False, forks=False)
    _serve(int(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)
