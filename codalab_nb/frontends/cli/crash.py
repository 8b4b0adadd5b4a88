"""An error that nobody foresaw: its traceback goes to a file, one line about it to the user."""

from __future__ import annotations

import traceback
from pathlib import Path

from codalab_nb import settings
from codalab_nb._version import __version__
from codalab_nb.errors import CodalabError, ProtocolError
from codalab_nb.model.base import utc_now
from codalab_nb.redaction import redact


def crash_log(home: Path) -> Path:
    return home / "crash.log"


def told(error: Exception) -> ProtocolError:
    """The traceback is appended to `crash.log` in home; without a home that can be written it is in the message."""
    trace = redact("".join(traceback.format_exception(error)))
    message = f"Something went wrong that should not: {type(error).__name__}: {error}."
    try:
        home = settings.load().home
        path = crash_log(home)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(f"--- {utc_now().isoformat(timespec='seconds')} codalab-nb {__version__}\n{trace}\n")
    except (OSError, CodalabError):
        return ProtocolError("unexpected", f"{message}\n{trace}", "Please report it.")
    return ProtocolError("unexpected", message, f"Please report it with the end of {path}.")
