"""A stand-in for Azure Service Bus, for tests: AMQP 1.0 over plain TCP on an engine that is not the SDK's own.

What it does: signed tokens and claims really checked, peek-lock with redelivery, abandon, dead letters, delays, lives,
duplicate detection, peek; faults on purpose; a clock that tests move; counters of operations. What it does not: topics,
sessions, transactions, deferring, TLS. `python -m tests.support.broker --help` runs it as a program of its own.
"""

from tests.support.broker.claims import LISTEN, MANAGE, SEND, Rule
from tests.support.broker.server import Broker
from tests.support.broker.state import QueueSettings

__all__ = ["LISTEN", "MANAGE", "SEND", "Broker", "QueueSettings", "Rule"]
