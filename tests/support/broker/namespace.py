"""One namespace: its queues, its rules, and what each connection was granted."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.support.broker.claims import BadToken, Claims, Grant, Rule, path_of
from tests.support.broker.clock import Clock
from tests.support.broker.errors import not_found
from tests.support.broker.faults import Faults
from tests.support.broker.state import DEAD, BrokerQueue, QueueSettings


class Namespace:
    """Used from the broker's thread only."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.faults = Faults()
        self.claims = Claims()
        self.operations: Counter[str] = Counter()  # what belongs to no queue
        self.queues: dict[str, BrokerQueue] = {}
        self._grants: dict[Any, dict[str, Grant]] = {}

    # --- queues

    def make(self, settings: QueueSettings, rules: list[Rule]) -> None:
        path = settings.name.lower()
        self.queues[path] = BrokerQueue(settings, self.clock)
        self.claims.entities[path] = {rule.name: rule for rule in rules}

    def delete(self, name: str) -> None:
        self.queues.pop(name.lower(), None)
        self.claims.entities.pop(name.lower(), None)

    def find(self, path: str) -> BrokerQueue:
        """The queue or dead-letter queue at `path` (lower case). Raises Refused."""
        queue = self.queues.get(path.removesuffix(DEAD))
        if queue is None:
            raise not_found(path)
        return queue.dead if path.endswith(DEAD) and queue.dead is not None else queue

    def has(self, queue: BrokerQueue) -> bool:
        return any(queue in (one, one.dead) for one in self.queues.values())

    def all_queues(self) -> list[BrokerQueue]:
        return [part for queue in self.queues.values() for part in (queue, queue.dead) if part is not None]

    # --- claims

    def grant(self, connection: Any, audience: str, token: str) -> None:
        """Takes a token for the rest of the connection. Raises BadToken."""
        path = path_of(audience)
        try:
            grant = self.claims.check(audience, token, self.clock.now())
        except BadToken as bad:
            # With a queue its own rules are gone, too: the service says so instead of doubting the signature.
            known = path.split("/")[0] in self.queues
            raise bad if known else BadToken(f"The messaging entity '{path}' could not be found.", 404) from bad
        self._grants.setdefault(connection, {})[path] = grant

    def is_allowed(self, connection: Any, path: str, right: str) -> bool:
        grants = self._grants.get(connection, {}).values()
        return any(grant.allows(path, right, self.clock.now()) for grant in grants)

    def forget(self, connection: Any) -> None:
        self._grants.pop(connection, None)
