"""What all our documents share: frozen, strict, and told apart by a version number."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

# JSON as it may travel in task documents, events and reports.
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
JsonObject = dict[str, Any]


# A time that calendars can show in every time zone: strangers write documents, too.
Moment = Annotated[
    AwareDatetime, Field(gt=dt.datetime(1900, 1, 1, tzinfo=dt.UTC), lt=dt.datetime(9000, 1, 1, tzinfo=dt.UTC))
]


class Document(BaseModel):
    """A frozen record; unknown fields are refused, so that a typo or a newer format is noticed at our edge."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", ser_json_inf_nan="constants", json_schema_serialization_defaults_required=True
    )

    def to_bytes(self) -> bytes:
        return self.model_dump_json().encode()


def utc_now() -> dt.datetime:
    """Aware UTC wall-clock time. For people and for deadlines; never to judge liveness."""
    return dt.datetime.now(dt.UTC)


def new_id(now: dt.datetime | None = None) -> str:
    """A UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then random bits; sorts by time of making."""
    millis = int((now or utc_now()).timestamp() * 1000)
    rand = uuid.uuid4().int
    value = (millis & (1 << 48) - 1) << 80 | 0x7 << 76 | (rand >> 64 & 0xFFF) << 64 | 0b10 << 62 | rand & (1 << 62) - 1
    return str(uuid.UUID(int=value))


def is_id(text: str) -> bool:
    """True for a UUID in its canonical spelling: nothing else may become part of a store name."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
