"""Failpoints themselves: what is armed fires once, where and when it was told to, and leaves a mark."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from codalab_nb import failpoints

ROOT = Path(failpoints.__file__).resolve().parent.parent


def visit(armed: str, log: Path, program: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CODALAB_NB_FAILPOINT": armed, "CODALAB_NB_FAILPOINT_LOG": str(log)}
    return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)


def test_kill_at_the_nth_visit(tmp_path: Path) -> None:
    """`@2` spares the first visit; the process dies by SIGKILL and the log says where."""
    log = tmp_path / "log"
    done = visit(
        "worker.after_claim:kill@2",
        log,
        "from codalab_nb.failpoints import hit\nhit('worker.after_claim')\n"
        "print('once', flush=True)\nhit('worker.after_claim')",
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "once\n")
    assert log.read_text().startswith("worker.after_claim kill ")


def test_a_misspelt_failpoint_is_refused(tmp_path: Path) -> None:
    """A test that arms nothing would pass for the wrong reason."""
    done = visit("worker.after_clam:kill", tmp_path / "log", "import codalab_nb.failpoints")
    assert done.returncode == 1
    assert "cannot read" in done.stderr


def test_every_name_is_visited_by_the_code_and_every_visit_has_a_name() -> None:
    """The list and the code cannot drift apart."""
    visited = set()
    for path in [*ROOT.glob("codalab_nb/**/*.py"), *ROOT.glob("worker/**/*.py")]:
        visited |= set(re.findall(r"failpoints\.hit\(\"([a-z_.]+)\"\)", path.read_text()))
    assert visited == failpoints.NAMES
