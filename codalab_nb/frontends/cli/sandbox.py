"""What is told about the sandbox: that there is none and what to do, or that the setting of this shell is not in force.

The background process keeps the settings it was started with, so `started` (what a worker recorded of a task) and
`setting` (this shell's) may differ.
"""

from __future__ import annotations

import shutil

from codalab_nb.frontends.cli.output import Output

_NONE = "NO SANDBOX: notebooks run with your own rights and can read and change all your files"
_KEEPS = "the background process keeps the settings it was started with"
_ANEW = "`codalab-nb stop`, then any command starts it anew"


def words(started: str | None, setting: str, *, ended: bool = False) -> str:
    """Empty when there is nothing to tell. `ended`: the task is over, and only what was counts."""
    if started == "none":
        if ended:
            return "NO SANDBOX: this notebook ran with your own rights and could read and change all your files."
        if setting == "none":
            return (
                f"{_NONE}, as the setting `sandbox = none` asks. To switch it on: `codalab-nb stop`, then set "
                "CODALAB_NB_SANDBOX=auto (`codalab-nb config show` says where it is set)."
            )
        if setting == "bubblewrap":
            return f"{_NONE}, although `sandbox = bubblewrap` is set here: {_KEEPS}. To change that: {_ANEW}."
        if shutil.which("bwrap") is None:
            return (
                f"{_NONE}. To wall them in, install bubblewrap: sudo apt install bubblewrap "
                "(`codalab-nb doctor` says more)."
            )
        return (
            f"{_NONE}. `codalab-nb doctor` says whether bubblewrap works here; if it does, {_KEEPS}: {_ANEW}, "
            "with a sandbox."
        )
    if started and setting == "none" and not ended:
        return (
            f"This runs in a sandbox ({started}), although `sandbox = none` is set here: {_KEEPS}. "
            f"To change that: {_ANEW}."
        )
    return ""


def warn(out: Output, started: str | None, setting: str, *, ended: bool = False) -> bool:
    """Tells it; whether there was something to tell."""
    told = words(started, setting, ended=ended)
    if told:
        out.prose(f"! {told}", style(told), "  ")
    return bool(told)


def style(told: str) -> str:
    return "red" if told.startswith("NO SANDBOX") else "yellow"
