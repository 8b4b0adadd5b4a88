"""Background tasks get the processor and the disk when nobody else wants them.

Linux: the policy SCHED_IDLE (sched(7)). It needs no right; threads and processes started later inherit it; without
CAP_SYS_NICE there is no way back, so the task cannot take it off; and the disk follows: without a priority of their own
such threads count as IOPRIO_CLASS_IDLE. Elsewhere, and where a container forbids the call: the lowest priority.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

_LOWEST = 19
_TRIES = 10


def give_way(pid: int) -> None:
    """The process `pid` of the same user, with all its threads, steps behind everything else on this machine."""
    if sys.platform != "linux":
        os.setpriority(os.PRIO_PROCESS, pid, _LOWEST)
        return
    done: set[int] = set()
    while new := _threads(pid) - done:  # again: one of them may just have started another
        for thread in new:
            with contextlib.suppress(ProcessLookupError):
                _idle(thread)
        done |= new
    # Where the scheduler counts each session as one (sched_autogroup_enabled), sessions compete by this number.
    for _ in range(_TRIES):
        try:
            Path(f"/proc/{pid}/autogroup").write_text(str(_LOWEST))
        except BlockingIOError:  # one in a tenth of a second is allowed, to all of us who are not root together
            time.sleep(0.11)
        except OSError:
            return
        else:
            return


def _threads(pid: int) -> set[int]:
    try:
        return {int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()}
    except (FileNotFoundError, ProcessLookupError):  # it ended
        return set()


def _idle(thread: int) -> None:
    try:
        os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
    except PermissionError:
        os.setpriority(os.PRIO_PROCESS, thread, _LOWEST)
