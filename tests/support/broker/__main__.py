"""The broker double as a program of its own, with its administration endpoint.

    python -m tests.support.broker --rule root:Send,Listen,Manage:KEY \
        --queues '[{"name": "tasks", "lock_s": 60, "rules": [{"name": "listen", "rights": ["Listen"], "key": "K"}]}]'

prints one line of JSON once it serves ({"broker": "127.0.0.1:…", "admin": "127.0.0.1:…", "certificate": "/…/….pem"})
and ends with its standard input, or on SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from typing import Any

from tests.support.azure_admin import AdminEndpoint
from tests.support.broker import Broker, QueueSettings, Rule


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.broker", description="A stand-in for Service Bus.")
    parser.add_argument("--port", type=int, default=0, help="AMQP port; 0: any free one")
    parser.add_argument("--admin-port", type=int, default=0, help="port of the administration endpoint")
    parser.add_argument("--rule", action="append", default=[], metavar="NAME:RIGHTS:KEY", help="of the namespace")
    parser.add_argument("--queues", default="[]", metavar="JSON", help="queues, with their rules")
    parser.add_argument("--identities", default="{}", metavar="JSON", help="rights of Entra object ids")
    arguments = parser.parse_args()
    rules = [_rule(*text.split(":", 2)) for text in arguments.rule]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    broker = Broker(port=arguments.port, rules=rules, identities=json.loads(arguments.identities))
    with broker, AdminEndpoint(broker, port=arguments.admin_port) as admin:
        for values in json.loads(arguments.queues):
            broker.make_queue(*_queue(values))
        where = {"broker": broker.address, "admin": admin.address, "certificate": str(admin.certificate)}
        print(json.dumps(where), flush=True)
        sys.stdin.read()


def _rule(name: str, rights: str, key: str) -> Rule:
    return Rule(name, frozenset(rights.split(",")), key)


def _queue(values: dict[str, Any]) -> tuple[QueueSettings, list[Rule]]:
    rules = [_rule(one["name"], ",".join(one["rights"]), one["key"]) for one in values.pop("rules", [])]
    return QueueSettings(**values), rules


if __name__ == "__main__":
    main()
