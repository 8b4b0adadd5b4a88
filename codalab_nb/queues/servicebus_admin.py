"""Makes, rekeys and removes the queues of a pool. Needs the right Manage, which nothing else of ours has or keeps."""

from __future__ import annotations

import base64
import contextlib
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.servicebus import parse_connection_string
from azure.servicebus.management import AuthorizationRule, QueueProperties, ServiceBusAdministrationClient

from codalab_nb.errors import CodalabError, InputError, UnavailableError
from codalab_nb.queues.servicebus import QUEUE_SETTINGS
from codalab_nb.redaction import redact

_TIMEOUTS: dict[str, Any] = {"connection_timeout": 10, "read_timeout": 30, "retry_total": 2}


@dataclass(frozen=True)
class QueuePlan:
    """A queue and its authorization rules: name → rights (`Listen`, `Send`), exactly these."""

    name: str
    rules: Mapping[str, Sequence[str]]


class QueueAdministration:
    """`credential`: a connection string of a rule with Manage, or an identity with Azure Service Bus Data Owner."""

    def __init__(self, credential: str | TokenCredential, host: str | None = None) -> None:
        """Raises InputError(connection_string) for text that is none, or that may not manage by its own words."""
        if isinstance(credential, str):
            self.host = _host_of(credential)
            self._client = ServiceBusAdministrationClient.from_connection_string(credential, **_TIMEOUTS)
        else:
            assert host is not None
            self.host = host
            self._client = ServiceBusAdministrationClient(host, credential, **_TIMEOUTS)

    def ensure(self, plan: QueuePlan) -> dict[str, str]:
        """Makes the queue unless it is there, gives it the rules it lacks; the primary key of each rule.

        Raises InputError(queue_differs) for a queue that was made otherwise: it is not changed.
        """
        settings: dict[str, Any] = dict(QUEUE_SETTINGS)
        with self._in_our_words(plan.name):
            with contextlib.suppress(ResourceExistsError):
                self._client.create_queue(
                    plan.name,
                    **settings,
                    authorization_rules=[_rule(name, rights) for name, rights in plan.rules.items()],
                )
            found = self._client.get_queue(plan.name)
            _refuse_other(plan.name, found)
            there = {str(rule.key_name): rule for rule in found.authorization_rules or []}
            missing = {name: rights for name, rights in plan.rules.items() if not _does(there.get(name), rights)}
            if missing:
                kept = [rule for name, rule in there.items() if name not in missing]
                self._put(found, [*kept, *(_rule(name, rights) for name, rights in missing.items())])
                there = {
                    str(rule.key_name): rule for rule in self._client.get_queue(plan.name).authorization_rules or []
                }
            return {name: str(there[name].primary_key) for name in plan.rules}

    def rekey(self, queue: str, rule: str) -> str:
        """Both keys of a rule anew: every token made from the old ones ends. The new primary key."""
        with self._in_our_words(queue):
            found = self._client.get_queue(queue)
            rules = list(found.authorization_rules or [])
            for one in rules:
                if one.key_name == rule:
                    one.primary_key, one.secondary_key = _new_key(), _new_key()
                    key = str(one.primary_key)
                    self._put(found, rules)
                    return key
        raise UnavailableError(
            "queue_rule_gone", f"The queue '{queue}' has no rule '{rule}' any more.", "Create the pool again."
        )

    def remove(self, queue: str) -> bool:
        """False when it was gone already."""
        with self._in_our_words(queue):
            try:
                self._client.delete_queue(queue)
            except ResourceNotFoundError:
                return False
        return True

    def close(self) -> None:
        self._client.close()

    def _put(self, found: QueueProperties, rules: list[AuthorizationRule]) -> None:
        found.authorization_rules = rules
        self._client.update_queue(found)

    @contextlib.contextmanager
    def _in_our_words(self, queue: str) -> Iterator[None]:
        try:
            yield
        except CodalabError:
            raise
        except ClientAuthenticationError as error:
            if error.response is None:  # the service was not asked
                raise UnavailableError(
                    "not_signed_in",
                    f"Nobody is signed in to Azure here, so the queue '{queue}' at {self.host} cannot be managed.",
                    "az login; or give a connection string of a rule with Manage: --servicebus-connection-env VARIABLE",
                ) from error
            raise UnavailableError(
                "manage_refused",
                f"The namespace {self.host} does not let this credential manage the queue '{queue}'.",
                "It needs Manage: a connection string of a rule with Manage (as RootManageSharedAccessKey), or the "
                "role Azure Service Bus Data Owner for who is signed in; a new role takes up to ten minutes to count.",
            ) from error
        except ResourceNotFoundError as error:
            raise UnavailableError(
                "queue_gone", f"There is no queue '{queue}' at {self.host}.", "Create the pool again, or `pool rm` it."
            ) from error
        except ServiceRequestError as error:
            unknown = isinstance(error.inner_exception, socket.gaierror) or "resolve" in str(error)
            what = "cannot be resolved" if unknown else f"cannot be reached: {redact(str(error))[:300]}"
            raise UnavailableError(
                "queue_address", f"The name {self.host} {what}.", "Check the network and the name of the namespace."
            ) from error
        except HttpResponseError as error:
            raise UnavailableError(
                "queue_refused",
                f"{self.host} answered {error.status_code} for the queue '{queue}': {redact(str(error.message))[:300]}",
                "Try again; if it stays, look at the namespace in the Azure portal.",
            ) from error


def _host_of(connection: str) -> str:
    try:
        parsed = parse_connection_string(connection)
    except ValueError as error:
        raise InputError(
            "connection_string",
            f"This is no connection string of Service Bus: {redact(str(error))}",
            "It looks like Endpoint=sb://NAME.servicebus.windows.net/;SharedAccessKeyName=…;SharedAccessKey=…",
        ) from None  # the cause would show it
    if parsed.entity_path:
        raise InputError(
            "connection_string",
            f"This connection string is for one queue only ({parsed.entity_path}); a pool has three.",
            "Take one of the namespace, of a rule with Manage.",
        )
    return parsed.fully_qualified_namespace.strip("/")


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _rule(name: str, rights: Sequence[str]) -> AuthorizationRule:
    return AuthorizationRule(
        type="SharedAccessAuthorizationRule",
        claim_type="SharedAccessKey",
        claim_value="None",
        rights=list(rights),
        key_name=name,
        primary_key=_new_key(),
        secondary_key=_new_key(),
    )


def _does(rule: AuthorizationRule | None, rights: Sequence[str]) -> bool:
    """Exactly these rights: one that may do more is replaced, with fresh keys."""
    return rule is not None and {str(getattr(one, "value", one)) for one in rule.rights or []} == set(rights)


def _refuse_other(name: str, found: QueueProperties) -> None:
    wanted = {
        "sessions": (bool(found.requires_session), False),
        "duplicate detection": (bool(found.requires_duplicate_detection), True),
    }
    wrong = [what for what, (is_, should) in wanted.items() if is_ != should]
    if wrong:
        raise InputError(
            "queue_differs",
            f"The queue '{name}' is there already and was made for something else ({', '.join(wrong)}).",
            "Choose another name for the pool, or delete that queue.",
        )
