"""The invariants of docs/understand/protocol.md for one task that has come to rest; the same for every back end."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any

from codalab_nb import Site
from codalab_nb.model.names import TaskNames
from codalab_nb.model.task import Verdict
from codalab_nb.site.results import damage, read_result
from codalab_nb.stores.ports import NotFound, SiteStore
from tests.support.home import wait_for


def attempts_in(store: SiteStore, task: str) -> list[list[dict[str, Any]]]:
    """The events of each claimed attempt, read through a store; a last line without its end does not count."""
    names, found = TaskNames(task), []
    while store.look(names.claim(len(found) + 1)) is not None:
        try:
            lines = store.read(names.events(len(found) + 1)).split(b"\n")[:-1]
        except NotFound:
            lines = []
        found.append([json.loads(line) for line in lines])
    return found


def starts_in(attempts: list[list[dict[str, Any]]]) -> int:
    """How many attempts really began to run."""
    return sum(any(event["type"] == "started" for event in events) for events in attempts)


def check(
    site: Site,
    task: str,
    verdicts: set[Verdict],
    *,
    attempts: Callable[[], list[list[dict[str, Any]]]],
    most_starts: Callable[[], int],
    messages: Callable[[], Collection[str]],
) -> None:
    """I1-I5, I8, I11, I12, L2. `messages`: keys of all that is still in the pool's queues."""
    names, store = TaskNames(task), site.store_of(task)
    wait_for(lambda: (row := site.ledger.get(task)) is not None and not row.is_open)
    before = store.read(names.result)
    result, row = read_result(store, task), site.ledger.get(task)
    assert result is not None
    assert row is not None
    assert result.verdict in verdicts, result.reason
    assert row.state == result.verdict  # I4
    assert damage(store, result) == []  # I3
    wait_for(lambda: not [key for key in messages() if key.startswith(task)])  # L2
    of_each = attempts()
    starts = starts_in(of_each)
    assert starts <= len(of_each) <= row.max_attempts  # I8
    assert starts <= most_starts()  # I12
    for events in of_each:  # I11
        numbers = [event["seq"] for event in events]
        assert numbers == sorted(set(numbers))
    assert store.read(names.result) == before  # I2
    again = site.ledger.get(task)
    assert again is not None
    assert again.state == row.state  # I5
