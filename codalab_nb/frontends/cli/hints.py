"""One line more for a failure whose usual cause here is not in its message: a notebook on a worker sees less."""

from __future__ import annotations

import re

from codalab_nb.model.task import Reason

_NO_FILE = re.compile(r"FileNotFoundError|No such file or directory")
_NOT_WRITABLE = re.compile(r"PermissionError|Permission denied|Read-only file system")
_INPUT = re.compile(r"\binputs/")
_NO_NETWORK = re.compile(
    r"gaierror|Temporary failure in name resolution|Name or service not known|Network is unreachable|URLError"
    r"|NameResolutionError|NewConnectionError|ConnectError\b|No matching distribution found"
    r"|['\"]pip['\"], ['\"]install['\"]"
)


def hint(reason: Reason, *, network: bool, sandbox: bool = True) -> str:
    """Empty when nothing usual is seen. Looks at the error itself, not at the lines of source in the traceback."""
    title, _, trace = reason.message.partition("\n")
    last = trace.rstrip().rpartition("\n")[2]
    told = f"{title}\n{last}"
    if not network and sandbox and _NO_NETWORK.search(told):
        return "Notebooks have no network here unless you allow it: run it again with --network."
    if sandbox and _NOT_WRITABLE.search(told) and _INPUT.search(told):
        return "Inputs can only be read: write to another file, which then is one of the results."
    if _NO_FILE.search(told):
        return (
            "Only files that were sent along are there: `run NOTEBOOK --dry-run` lists them; "
            "send more with --include 'GLOB' or -i PARAM=PATH."
        )
    return ""
