"""The queues of one pool, and who may do what on them: this table is the whole of it.

        urgent, background   responses
site    Send, Listen         Listen          what the home keeps
worker  Listen               Send            what an invite is made from
"""

from __future__ import annotations

from azure.core.credentials import TokenCredential

from codalab_nb.model.pool import SITE_RULE, WORKER_RULE, QueueKeys, Queues
from codalab_nb.queues.servicebus_admin import QueueAdministration, QueuePlan

_TASKS = {SITE_RULE: ("Send", "Listen"), WORKER_RULE: ("Listen",)}
_RESPONSES = {SITE_RULE: ("Listen",), WORKER_RULE: ("Send",)}


class ServiceBusPoolAdmin:
    """See `QueueAdministration` for the credential."""

    def __init__(self, credential: str | TokenCredential, host: str | None = None) -> None:
        self._queues = QueueAdministration(credential, host)
        self.host = self._queues.host

    def make(self, queues: Queues) -> tuple[QueueKeys, QueueKeys]:
        keys = {
            place: self._queues.ensure(QueuePlan(name, rules))
            for place, name, rules in (
                ("urgent", queues.urgent, _TASKS),
                ("background", queues.background, _TASKS),
                ("responses", queues.responses, _RESPONSES),
            )
        }
        site, worker = (QueueKeys(**{place: keys[place][rule] for place in keys}) for rule in (SITE_RULE, WORKER_RULE))
        return site, worker

    def rekey_workers(self, queues: Queues) -> QueueKeys:
        return QueueKeys(
            urgent=self._queues.rekey(queues.urgent, WORKER_RULE),
            background=self._queues.rekey(queues.background, WORKER_RULE),
            responses=self._queues.rekey(queues.responses, WORKER_RULE),
        )

    def remove(self, queues: Queues) -> None:
        for name in queues.all:
            self._queues.remove(name)

    def close(self) -> None:
        self._queues.close()
