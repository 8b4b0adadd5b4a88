"""Where a Service Bus namespace is, and with what one enters: three credentials, none of them shown in a repr."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass, field
from typing import Any

from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential, TokenCredential
from azure.servicebus import ServiceBusClient

from codalab_nb.errors import InputError, UnavailableError
from codalab_nb.queues.servicebus_tokens import token_expiry

TRY_S = 10.0


@dataclass(frozen=True)
class SharedToken:
    """A ready token for one queue and one or two verbs: all that a worker has. It is not renewed."""

    token: str = field(repr=False)


@dataclass(frozen=True)
class RuleKey:
    """The name and a key of an authorization rule; tokens of an hour are made from it as needed."""

    rule: str
    key: str = field(repr=False)


Credential = SharedToken | RuleKey | TokenCredential


@dataclass(frozen=True)
class Namespace:
    """`host` is NAME.servicebus.windows.net, or 127.0.0.1:PORT for a stand-in on this machine (without TLS)."""

    host: str

    def __post_init__(self) -> None:
        if not self.host or "/" in self.host or (":" in self.host and not self.is_local):
            raise InputError(
                "namespace_address",
                f"'{self.host}' is not the address of a Service Bus namespace.",
                "Give it as NAME.servicebus.windows.net.",
            )

    @property
    def is_local(self) -> bool:
        """Credentials go over an unencrypted connection only where it does not leave this machine."""
        try:
            return ipaddress.ip_address(self.host.partition(":")[0]).is_loopback
        except ValueError:
            return False

    def client(self, credential: Credential, try_s: float = TRY_S) -> ServiceBusClient:
        """Not connected yet; no try of an operation takes longer than `try_s` seconds.

        Retries are ours: the SDK's sleep where a worker should notice that it is told to stop.
        """
        options: dict[str, Any] = {"use_tls": not self.is_local, "try_timeout": try_s, "retry_total": 0}
        return ServiceBusClient(self.host, _for_sdk(credential), **options)


def _for_sdk(credential: Credential) -> AzureSasCredential | AzureNamedKeyCredential | TokenCredential:
    if isinstance(credential, SharedToken):
        return AzureSasCredential(credential.token)
    if isinstance(credential, RuleKey):
        return AzureNamedKeyCredential(credential.rule, credential.key)
    return credential


def refuse_expired(credential: Credential, queue: str) -> None:
    """Raises UnavailableError for a token that has ended: the service would only say "not authenticated"."""
    if not isinstance(credential, SharedToken):
        return
    try:
        expires = token_expiry(credential.token)
    except ValueError as error:
        raise UnavailableError(
            "queue_token",
            f"The token for the queue '{queue}' is no Service Bus token: {error}.",
            "Join the pool again with a fresh invite.",
        ) from error
    if expires <= dt.datetime.now(dt.UTC):
        raise UnavailableError(
            "queue_token_expired",
            f"The token for the queue '{queue}' expired at {expires:%Y-%m-%d %H:%M} UTC.",
            "Ask the pool's owner for a new invite and join again. If that date lies ahead, set this machine's clock.",
        )
