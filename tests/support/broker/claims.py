"""Who may do what: authorization rules with their keys, signed tokens, and what a connection was granted.

Signatures are really checked, against the rules of the entity and of the namespace, with the primary and the
secondary key. Entra tokens are checked for audience, expiry and a known object id (their signature is not).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

SEND, LISTEN, MANAGE = "Send", "Listen", "Manage"
ENTRA_AUDIENCES = ("https://servicebus.azure.net", "https://servicebus.azure.net/")


@dataclass
class Rule:
    """A shared access rule: its rights, and the two keys that may sign for it."""

    name: str
    rights: frozenset[str]
    primary: str
    secondary: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(key for key in (self.primary, self.secondary) if key)


@dataclass(frozen=True)
class Grant:
    """What one accepted token allows, on `path` and below, until `expires` (Unix seconds)."""

    path: str
    rights: frozenset[str]
    expires: float

    def allows(self, path: str, right: str, now: float) -> bool:
        covers = self.path == "" or path == self.path or path.startswith(self.path + "/")
        return covers and now < self.expires and (right in self.rights or MANAGE in self.rights)


class BadToken(Exception):
    """Why a token was not accepted, in the words of the service."""

    def __init__(self, text: str, status: int = 401) -> None:
        super().__init__(text)
        self.status = status


@dataclass
class Claims:
    """The rules of a namespace. `identities`: rights of each known Entra object id, namespace-wide."""

    namespace: dict[str, Rule] = field(default_factory=dict)
    entities: dict[str, dict[str, Rule]] = field(default_factory=dict)
    identities: Mapping[str, Iterable[str]] = field(default_factory=dict)

    def check(self, audience: str, token: str, now: float) -> Grant:
        """The grant that `token` gives for `audience`. Raises BadToken."""
        path = path_of(audience)
        if token.startswith("SharedAccessSignature "):
            return self._signed(path, token, now)
        if token.count(".") == 2:
            return self._entra(path, token, now)
        raise BadToken("InvalidToken: unsupported token type")

    def _signed(self, path: str, token: str, now: float) -> Grant:
        try:
            parts = dict(part.split("=", 1) for part in token.split(" ", 1)[1].split("&"))
            resource, signature = parts["sr"], unquote(parts["sig"])
            expires, rule_name = int(parts["se"]), unquote(parts["skn"])
        except (KeyError, ValueError) as error:
            raise BadToken("MalformedToken: the token is not a SharedAccessSignature") from error
        covered = path_of(unquote(resource))
        # What lies below a queue (its dead letters) has the queue's rules.
        rule = self.entities.get(covered.partition("/")[0], {}).get(rule_name) or self.namespace.get(rule_name)
        text = f"{resource}\n{expires}".encode()
        if rule is None or not any(hmac.compare_digest(_sign(key, text), signature) for key in rule.keys):
            raise BadToken("InvalidSignature: The token has an invalid signature.")
        if expires <= now:
            raise BadToken("ExpiredToken: The token is expired.")
        if not (covered == "" or path == covered or path.startswith(covered + "/")):
            raise BadToken(f"InvalidAudience: a token for '{covered}' does not cover '{path}'")
        return Grant(path, rule.rights, expires)

    def _entra(self, path: str, token: str, now: float) -> Grant:
        try:
            payload = token.split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            audience, identity, expires = claims["aud"], claims["oid"], float(claims["exp"])
        except (KeyError, ValueError, binascii.Error) as error:
            raise BadToken("MalformedToken: the token is not a JSON web token") from error
        if audience not in ENTRA_AUDIENCES:
            raise BadToken(f"InvalidAudience: '{audience}'")
        if expires <= now:
            raise BadToken("ExpiredToken: The token is expired.")
        if identity not in self.identities:
            raise BadToken(f"InvalidIdentity: '{identity}' has no role in this namespace")
        return Grant(path, frozenset(self.identities[identity]), expires)


def _sign(key: str, text: bytes) -> str:
    return base64.b64encode(hmac.new(key.encode(), text, hashlib.sha256).digest()).decode()


def path_of(address: str) -> str:
    """The entity's path, lower case, of an address that may be a whole URI."""
    return (urlsplit(address).path.lstrip("/") if "://" in address else address).lower()
