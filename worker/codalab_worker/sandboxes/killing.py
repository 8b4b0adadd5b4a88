"""The end of a box: when these functions return, its processes are dead."""

from __future__ import annotations

import contextlib
import select
import signal
import time
from pathlib import Path

import psutil


def kill_namespace(pidfd: int, timeout_s: float = 30) -> bool:
    """Kills process 1 of a pid namespace, and with it, by the kernel, all others. False if one will not die in time.

    The descriptor polls readable only after the kernel has seen off every process of the namespace.
    """
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    return wait_dead(pidfd, timeout_s)


def wait_dead(pidfd: int, timeout_s: float) -> bool:
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    return bool(poller.poll(max(0, int(timeout_s * 1000))))


def ending(pid: int) -> bool:
    """Gone, or on its way: told by the kernel from the first moment of an exit, before its children notice."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return True
    state, flags = fields[0], int(fields[6])
    exiting = 0x4  # PF_EXITING, proc(5)
    return state in "ZX" or bool(flags & exiting)


def kill_tree(pid: int, timeout_s: float = 10) -> bool:
    """Kills a process and all its descendants, for boxes without namespaces. False if some survive `timeout_s`.

    The root is stopped first and killed last: it has adopted its orphans, so as long as it exists none is lost.
    """
    try:
        root = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return True
    deadline = time.monotonic() + timeout_s
    with contextlib.suppress(psutil.Error):
        root.suspend()
    while living := _living_descendants(root):
        for process in living:
            with contextlib.suppress(psutil.Error):
                process.kill()
        if time.monotonic() > deadline:
            return False
        psutil.wait_procs(living, timeout=0.005)  # zombies count as living here; the loop looks again
    with contextlib.suppress(psutil.Error):
        root.kill()
        while root.status() != psutil.STATUS_ZOMBIE:  # its parent reaps it; dead is enough here
            if time.monotonic() > deadline:
                return False
            time.sleep(0.001)
    return True


def _living_descendants(root: psutil.Process) -> list[psutil.Process]:
    living = []
    with contextlib.suppress(psutil.Error):
        for process in root.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE:
                    living.append(process)
    return living
