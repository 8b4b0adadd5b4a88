"""Whether notebooks can be walled in here: builds a box and throws it away, as a worker would."""

from __future__ import annotations

import subprocess
import sys

_LIMIT_S = 60.0
# In a process of its own: front ends do not load the worker, and the trial needs a process with one thread.
_PROBE = "from codalab_worker.sandboxes import probing; print(probing.why_not() or '')"


def why_no_sandbox() -> str:
    """Empty when bubblewrap works; else why it does not, and what to do. Takes about a second."""
    try:
        probe = subprocess.run(
            [sys.executable, "-P", "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return f"A trial sandbox was not ready after {_LIMIT_S:.0f} s."
    return probe.stdout.strip() if probe.returncode == 0 else probe.stderr.strip()[-500:] or "The trial failed."
