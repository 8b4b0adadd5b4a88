"""Where the tests of the queue on Service Bus run: the broker double, or a real namespace that the environment names.

CODALAB_TEST_SERVICEBUS       NAME.servicebus.windows.net
CODALAB_TEST_SERVICEBUS_RULE  name of a rule of the namespace with Manage
CODALAB_TEST_SERVICEBUS_KEY   its key

On a real namespace queues are made and deleted by the administration SDK. Tests that make faults or move the clock are
for the double alone (`bench.broker`, None otherwise).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from azure.servicebus.management import ServiceBusAdministrationClient

from codalab_nb.queues.servicebus import MAX_DELIVERIES, QUEUE_SETTINGS, ServiceBusQueue
from codalab_nb.queues.servicebus_access import Credential, Namespace, RuleKey
from tests.support.broker import LISTEN, MANAGE, SEND, Broker, QueueSettings, Rule

# The SDK forgets to close the socket of a connection that broke; the interpreter does it, and says so whenever it comes
# to it, perhaps between two tests.
SDK_LEAVES_SOCKETS = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning",
    "ignore:unclosed <socket.socket:ResourceWarning",
)

RULE, KEY = "root", "key-of-the-root-rule"


@dataclass
class Bench:
    namespace: Namespace
    credential: RuleKey
    broker: Broker | None = None

    def make_queue(self, name: str, *, lock_s: float = 60.0) -> None:
        if self.broker is not None:
            window = QUEUE_SETTINGS["duplicate_detection_history_time_window"]
            assert isinstance(window, dt.timedelta)
            settings = QueueSettings(name, lock_s, MAX_DELIVERIES, duplicate_window_s=window.total_seconds())
            self.broker.make_queue(settings)
            return
        if lock_s < 5:
            pytest.skip("the service has no lock below five seconds")
        with self._admin() as admin:
            admin.create_queue(name, **QUEUE_SETTINGS | {"lock_duration": dt.timedelta(seconds=lock_s)})

    def delete_queue(self, name: str) -> None:
        if self.broker is not None:
            self.broker.delete_queue(name)
            return
        with self._admin() as admin:
            admin.delete_queue(name)

    def open(self, name: str, credential: Credential | None = None, **options: Any) -> ServiceBusQueue:
        return ServiceBusQueue(self.namespace, name, credential or self.credential, **options)

    def _admin(self) -> ServiceBusAdministrationClient:
        return ServiceBusAdministrationClient.from_connection_string(
            f"Endpoint=sb://{self.namespace.host};SharedAccessKeyName={self.credential.rule};"
            f"SharedAccessKey={self.credential.key}"
        )


@contextlib.contextmanager
def open_bench(*, rules: tuple[Rule, ...] = (), identities: dict[str, list[str]] | None = None) -> Iterator[Bench]:
    """The real namespace where the environment names one, else a broker of one's own."""
    if host := os.environ.get("CODALAB_TEST_SERVICEBUS"):
        rule = RuleKey(os.environ["CODALAB_TEST_SERVICEBUS_RULE"], os.environ["CODALAB_TEST_SERVICEBUS_KEY"])
        yield Bench(Namespace(host), rule)
        return
    with open_double(rules=rules, identities=identities) as bench:
        yield bench


@contextlib.contextmanager
def open_double(*, rules: tuple[Rule, ...] = (), identities: dict[str, list[str]] | None = None) -> Iterator[Bench]:
    root = Rule(RULE, frozenset({SEND, LISTEN, MANAGE}), KEY)
    with Broker(rules=[root, *rules], identities=identities) as broker:
        yield Bench(Namespace(broker.address), RuleKey(RULE, KEY), broker)
