"""The broker double as a program of its own: as workers in other processes and the pool's administration use it."""

from __future__ import annotations

import gc
import json
import ssl
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from azure.servicebus.management import AccessRights, AuthorizationRule, ServiceBusAdministrationClient

from codalab_nb.errors import UnavailableError
from codalab_nb.queues.servicebus import QUEUE_SETTINGS, ServiceBusQueue
from codalab_nb.queues.servicebus_access import Namespace, RuleKey
from tests.support.pools import KEY, broker_program
from tests.support.servicebus import SDK_LEAVES_SOCKETS

pytestmark = SDK_LEAVES_SOCKETS


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, str]]:
    with broker_program() as where:
        yield where
    gc.collect()


@pytest.fixture
def admin(running: dict[str, str]) -> Iterator[ServiceBusAdministrationClient]:
    address = f"Endpoint=sb://{running['admin']};SharedAccessKeyName=root;SharedAccessKey={KEY}"
    with ServiceBusAdministrationClient.from_connection_string(
        address, connection_verify=running["certificate"]
    ) as admin:
        yield admin


def control(running: dict[str, str], **request: Any) -> None:
    trusted = ssl.create_default_context(cafile=running["certificate"])
    body = json.dumps(request).encode()
    with urllib.request.urlopen(f"https://{running['admin']}/control", body, context=trusted, timeout=10):
        pass


def test_queues_rules_and_keys_made_by_the_administration_are_those_of_the_broker(
    running: dict[str, str], admin: ServiceBusAdministrationClient
) -> None:
    """What `pool create`, `pool revoke` and `pool rm` do has its effect on workers that really connect."""
    namespace, key, later_key = Namespace(running["broker"]), "k" * 44, "l" * 44
    rule = AuthorizationRule(
        type="SharedAccessAuthorizationRule",
        claim_type="SharedKey",
        claim_value="None",
        rights=[AccessRights.SEND, AccessRights.LISTEN],
        key_name="both",
        primary_key=key,
    )
    made = admin.create_queue("pool-a", authorization_rules=[rule], **QUEUE_SETTINGS)
    assert made.lock_duration == QUEUE_SETTINGS["lock_duration"]
    queue = ServiceBusQueue(namespace, "pool-a", RuleKey("both", key))
    queue.send("a", b"1", life_s=60)
    message = queue.receive(10)
    assert message is not None
    control(running, advance=61)
    assert not queue.ack(message)

    made.authorization_rules[0].primary_key = later_key
    made.authorization_rules[0].secondary_key = later_key
    admin.update_queue(made)
    late = ServiceBusQueue(namespace, "pool-a", RuleKey("both", key))
    with pytest.raises(UnavailableError) as caught:
        late.waiting()
    assert caught.value.code == "queue_credential"
    joined = ServiceBusQueue(namespace, "pool-a", RuleKey("both", later_key))
    assert joined.waiting() == []  # its life of 60 s is over, too

    assert [one.name for one in admin.list_queues()] == ["pool-a"]
    admin.delete_queue("pool-a")
    with pytest.raises(UnavailableError) as caught:
        joined.receive(1)
    assert caught.value.code == "queue_gone"
    for one in (queue, late, joined):
        one.close()
