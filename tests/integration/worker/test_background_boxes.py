"""Boxes of background tasks: all inside steps behind, nothing outside does, and nobody's warm kernel is taken."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from codalab_worker.warm import Box, Warmth
from tests.integration.worker.box_run import execute, follow, start
from tests.support.home import wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="SCHED_IDLE is Linux's")

# Every way to something new: a thread, a process, one with a session of its own; and BLAS threads, which come late.
FAMILY = """\
import subprocess, threading, time
threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
children = [subprocess.Popen(['sleep', '100'], start_new_session=new) for new in (False, True)]
print('in', flush=True)
time.sleep(100)
"""
RAISE = """\
import os
def attempt(change):
    try:
        change()
    except PermissionError:
        return 'refused'
attempts = [attempt(lambda: os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))),
            attempt(lambda: os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))),
            attempt(lambda: os.setpriority(os.PRIO_PROCESS, 0, -1))]
print(attempts, os.sched_getscheduler(0) == os.SCHED_IDLE)
"""


def policies(*processes: psutil.Process) -> set[int]:
    """Of every thread of these processes."""
    return {os.sched_getscheduler(thread.id) for process in processes for thread in process.threads()}


def insiders(box: Box) -> list[psutil.Process]:
    """The processes of a box but the first, which only waits for its end."""
    mine = Path(f"/proc/{box._pid}/ns/pid").stat().st_ino
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != box._pid and Path(f"/proc/{process.pid}/ns/pid").stat().st_ino == mine:
                found.append(process)
        except OSError:  # it ended, or is none of ours
            continue
    return found


def ready(pool: Warmth) -> list[Box]:
    """The boxes kept for whoever comes next."""
    return [box for each in pool._pools.values() for box in each._ready]


@pytest.fixture
def full(walled: Warmth) -> Warmth:
    """A pool whose ready boxes are all there."""
    walled.warm(sys.executable)
    wait_for(lambda: len(ready(walled)) == 2)
    return walled


def test_everything_of_a_background_task_steps_behind(walled: Warmth, take: Callable[..., Box]) -> None:
    """Runner, kernel, what they start: all of it, and none of what the task shares a zygote with."""
    calm, urgent = take(walled, leave_ready=True), take(walled)
    start(calm, FAMILY, background=True)
    start(urgent, FAMILY)
    for box in (calm, urgent):
        follow(box, until="output")
    family, others = insiders(calm), insiders(urgent)
    assert len(family) == len(others) == 4  # runner, kernel, two children
    assert policies(*family) == {os.SCHED_IDLE}
    zygote = psutil.Process(urgent._pid).parent()
    assert zygote is not None
    outside = [psutil.Process(), zygote, *(one for box in ready(walled) for one in insiders(box))]
    assert policies(*others, *outside) == {os.SCHED_OTHER}


def test_the_session_of_a_background_task_counts_little(wall: Box) -> None:
    """Desktops share the processor among sessions first; there the policy alone would change nothing."""
    start(wall, FAMILY, background=True)
    follow(wall, until="output")
    try:
        groups = {Path(f"/proc/{one.pid}/autogroup").read_text() for one in insiders(wall) if "sleep" not in one.name()}
    except FileNotFoundError:
        pytest.skip("this kernel has no groups of sessions")
    assert {group.split()[-1] for group in groups} == {"19"}


def test_a_background_task_cannot_push_itself_forward(wall: Box) -> None:
    """The code of a task may try; the kernel refuses."""
    assert execute(wall, RAISE, background=True).text() == "['refused', 'refused', 'refused'] True\n"


def test_without_a_sandbox_too(unwalled: Warmth, take: Callable[..., Box]) -> None:
    """Being nice needs no namespaces."""
    source = "import os\nprint({os.sched_getscheduler(int(thread)) for thread in os.listdir('/proc/self/task')})"
    assert execute(take(unwalled), source, background=True).text() == f"{{{os.SCHED_IDLE}}}\n"
    assert execute(take(unwalled), source).text() == f"{{{os.SCHED_OTHER}}}\n"


def test_another_kernel_too(wall: Box) -> None:
    """A kernel that is a program of its own is started at full speed, since its start has a time limit."""
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    source = "import os\nprint(os.sched_getscheduler(0) == os.SCHED_IDLE)"
    assert execute(wall, source, background=True, kernel_argv=argv).text() == "True\n"


def test_ready_boxes_stay_for_those_in_a_hurry(full: Warmth, take: Callable[..., Box]) -> None:
    """A click after a burst of background tasks finds the warm kernels that it would have found before."""
    kept = ready(full)
    for _ in range(3):
        assert take(full, leave_ready=True) not in kept
    assert ready(full) == kept
    assert take(full) is kept[0]
