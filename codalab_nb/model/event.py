"""Events: small facts in the past tense, one JSON line each, numbered inside their attempt.

The supervisor stamps `n`, `seq` and `at`; `body` of an output came out of the sandbox and is opaque.
"""

from __future__ import annotations

import datetime as dt
import json
from enum import StrEnum
from typing import Any

from pydantic import Field

from codalab_nb.model.base import Document, JsonObject


class EventType(StrEnum):
    STARTED = "started"
    CELL_STARTED = "cell_started"
    OUTPUT = "output"
    CLEAR_OUTPUT = "clear_output"
    CELL_FINISHED = "cell_finished"
    METRIC = "metric"
    TRUNCATED = "truncated"
    HEARTBEAT = "heartbeat"
    RELEASED = "released"
    FINISHED = "finished"


class Event(Document):
    """One line of `events.NNN.jsonl`."""

    v: int = 1
    n: int  # the attempt
    seq: int  # strictly increasing inside the attempt, from 1
    at: dt.datetime  # aware UTC, the worker's clock: for people, never compared with another machine's
    type: EventType
    body: JsonObject = Field(default_factory=dict)


def line(n: int, seq: int, at: str, kind: str, body: dict[str, Any]) -> bytes:
    """The bytes of one event. Plain json: this runs for every printed line."""
    fields = {"v": 1, "n": n, "seq": seq, "at": at, "type": kind, "body": body}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
