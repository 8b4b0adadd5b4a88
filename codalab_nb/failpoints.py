"""Named places where a test may kill, stop or confuse a process, compiled in for good.

`CODALAB_NB_FAILPOINT=name:action@n[,…]` arms them: at the n-th visit (default the first) the process
is killed with -9 (`kill`), suspended (`stop`), or the caller is told to misbehave (`drop`: the answer of
a call that did its work is lost). `CODALAB_NB_FAILPOINT_LOG` names a file that gets one line for each
failpoint that fired, so that a test can assert that the gap it is named after was really entered.
Without the variable a visit costs one dictionary look-up.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from pathlib import Path

NAMES = frozenset(
    {
        "submit.blob.mid",
        "submit.after_document",
        "submit.after_row",
        "dispatch.before_send",
        "dispatch.after_send",
        "worker.after_receive",
        "worker.after_claim",
        "worker.after_ack",
        "worker.after_look",
        "worker.stage.mid",
        "worker.running",
        "events.mid_append",
        "worker.after_run",
        "worker.file.mid",
        "worker.before_manifest",
        "worker.before_commit",
        "commit.after_link",
        "commit.drop_reply",
        "worker.after_commit",
        "worker.after_hint",
        "monitor.before_row",
        "monitor.after_row",
        "reconciler.before_resend",
        "reconciler.after_resend",
        "reconciler.before_lost",
        "cancel.before_commit",
    }
)


class DroppedReply(Exception):
    """The call did its work, but its answer never came. Raised only at an armed failpoint."""


def _parse(text: str) -> dict[str, tuple[str, int]]:
    armed = {}
    for part in filter(None, text.split(",")):
        match = re.fullmatch(r"([a-z_.]+):(kill|stop|drop)(?:@(\d+))?", part)
        if not match or match[1] not in NAMES:
            raise ValueError(f"CODALAB_NB_FAILPOINT: cannot read {part!r}; the form is name:kill|stop|drop[@n]")
        armed[match[1]] = (match[2], int(match[3] or 1))
    return armed


_armed = _parse(os.environ.get("CODALAB_NB_FAILPOINT", ""))
_visits: dict[str, int] = {}
_lock = threading.Lock()


def hit(name: str) -> None:
    """Visits failpoint `name`; does nothing unless it is armed and this is its n-th visit in this process."""
    armed = _armed.get(name)
    if armed is None:
        return
    action, at = armed
    with _lock:
        _visits[name] = _visits.get(name, 0) + 1
        if _visits[name] != at:
            return
    log = os.environ.get("CODALAB_NB_FAILPOINT_LOG")
    if log:
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{name} {action} {os.getpid()}\n")
    if action == "drop":
        raise DroppedReply(name)
    os.kill(os.getpid(), signal.SIGKILL if action == "kill" else signal.SIGSTOP)
