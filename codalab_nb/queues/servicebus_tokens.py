"""Shared access signatures of Service Bus: who holds one may do what its rule allows, on one queue, until it expires.

Made as Microsoft describes it (learn.microsoft.com/azure/service-bus-messaging/service-bus-sas): HMAC-SHA256 over the
percent-encoded address of the queue and the expiry, with the key of an authorization rule.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
from urllib.parse import quote

_PREFIX = "SharedAccessSignature "


def make_token(namespace: str, queue: str, rule: str, key: str, expires: dt.datetime) -> str:
    """A token for one queue. `namespace`: NAME.servicebus.windows.net; `expires`: aware, the second is cut off."""
    resource = quote(f"sb://{namespace}/{queue}".lower(), safe="")
    until = int(expires.timestamp())
    digest = hmac.new(key.encode(), f"{resource}\n{until}".encode(), hashlib.sha256).digest()
    signature = quote(base64.b64encode(digest).decode(), safe="")
    return f"{_PREFIX}sr={resource}&sig={signature}&se={until}&skn={quote(rule, safe='')}"


def token_expiry(token: str) -> dt.datetime:
    """When `token` ends, aware UTC. Raises ValueError for what is no shared access signature."""
    parts = dict(part.partition("=")[::2] for part in token.removeprefix(_PREFIX).split("&"))
    if not token.startswith(_PREFIX) or not parts.get("se", "").isdigit():
        raise ValueError("not a SharedAccessSignature with an expiry")
    return dt.datetime.fromtimestamp(int(parts["se"]), dt.UTC)
