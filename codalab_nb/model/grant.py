"""What one attempt may do in a store that is reached over the network, and for how long.

The document lies at `tasks/<id>/grants/<n>.json`; the message carries one link to it. Its links are secrets:
it is never logged, and no part of it reaches the sandbox.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from codalab_nb.errors import InputError
from codalab_nb.model.base import Document

MARGIN_S = 3600.0  # for staging, publishing, and clocks that differ
LONGEST_DELEGATED_S = 7 * 86400.0  # links signed for an identity live no longer; those signed with a key may


class Grant(Document):
    """Rights of attempt `n`: `create` new names in the task's container and append to them; `read` the names listed."""

    version: Literal[1] = 1
    task: str
    n: Annotated[int, Field(ge=1)]
    expires_at: dt.datetime  # aware UTC, by the site's clock
    container: str  # address of the task's container
    create: str  # the signature (a query string) that allows create and append there
    read: dict[str, str]  # name in the store → link


def life_s(timeout_s: float, message_life_s: float, longest_s: float | None = None) -> float:
    """Seconds that a grant must live: its message may wait, then the task may run for all its time.

    Raises InputError(grant_life) when that is longer than the store can grant (`longest_s`; None: no limit).
    """
    needed = message_life_s + timeout_s + MARGIN_S
    if longest_s is not None and needed > longest_s:
        room = (longest_s - message_life_s - MARGIN_S) / 3600
        raise InputError(
            "grant_life",
            f"A time limit of {timeout_s / 3600:g} h is longer than this pool can grant: its links live at most"
            f" {longest_s / 86400:g} days, and {(message_life_s + MARGIN_S) / 3600:g} h of it are kept for waiting.",
            f"Choose a time limit of at most {max(room, 0):.1f} h (`--timeout`).",
        )
    return needed
