"""Results in the journal of systematic analysis, written down as the planner does."""

from __future__ import annotations

import time

from codalab_nb import Site
from codalab_nb.systematic import identity
from codalab_nb.systematic.configuration import parse_key
from codalab_nb.systematic.journal import Entry, Journal


def ran(site: Site, dataset: str, configuration: str, score: float, *, stands_for: str | None = None) -> None:
    """`stands_for`: the task of a person that was the very same thing."""
    journal, now = Journal(site.places.systematic), time.time()
    asked = parse_key(configuration)
    key = identity.configuration_key(asked, site.catalog.template(asked.method))
    task = identity.run_id(identity.data_key(site.catalog.dataset(dataset)), key)
    journal.sent(Entry(task, "run", dataset, configuration, "everyday", now, stands_for=stands_for))
    journal.ended(task, state="succeeded", ended_at=now, seconds=3.0, score=score)
