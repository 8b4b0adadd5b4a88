"""A pool in words and in JSON: where it is, who serves it, what waits, what ends soon."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from codalab_nb.errors import CodalabError
from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.text import count, duration, iso, when
from codalab_nb.model.base import utc_now
from codalab_nb.model.pool import AzurePool, LocalPool
from codalab_nb.site import embedded, pools_admin
from codalab_nb.site.pools_workers import SeenWorker
from codalab_nb.site.site import Site

SOON = dt.timedelta(days=7)
_SKEW_S = 120.0  # a sign may have waited for a moment; tokens suffer from more than a few minutes


def summary(site: Site, name: str) -> dict[str, Any]:
    try:
        return dict(pools_admin.as_json(site, name))
    except CodalabError as error:  # one damaged definition does not hide the other pools
        return {"pool": name, "kind": "unknown", "open": len(site.ledger.open_tasks(name)), "errors": error.as_json()}


def kind(found: Mapping[str, Any]) -> str:
    return {"local": "this machine", "azure": str(found.get("namespace"))}.get(str(found["kind"]), "cannot be read")


def workers(found: Mapping[str, Any]) -> str:
    return "" if "workers" not in found else str(found["workers"])


def warnings(site: Site, pool: AzurePool) -> list[str]:
    """What will not work soon, or is odd, in words."""
    said = []
    now = utc_now()
    seen = site.ledger.workers.of(pool.name)
    in_use = {one.sign.invite for one in seen if one.is_there}
    for one in pool.invites:
        if one.revoked_at is None and one.id in in_use and one.expires_at - now < SOON:
            left = duration(max(0.0, (one.expires_at - now).total_seconds()))
            said.append(
                f"The invite {one.id} of a worker that is there ends in {left}: it must join again with another."
            )
    ended = {one.id: one.revoked_at for one in pool.invites if one.revoked_at is not None}
    for worker in seen:
        if worker.is_there and worker.sign.invite in ended and worker.seen_at > ended[worker.sign.invite].timestamp():
            said.append(
                f"The invite of {worker.sign.worker} was revoked; it goes on until it connects anew, and must "
                "then join again."
            )
        if worker.is_there and abs(worker.skew_s) > _SKEW_S:
            ahead = "ahead of" if worker.skew_s > 0 else "behind"
            said.append(f"The clock of {worker.sign.worker} is {duration(abs(worker.skew_s))} {ahead} this machine's.")
        if worker.is_there and worker.sign.note:
            said.append(f"{worker.sign.worker} takes no work: {worker.sign.note}")
    if (nobody := pools_admin.no_worker(site, pool.name)) and not any(one.is_there for one in seen):
        said.append(f"{nobody[0].upper()}{nobody[1:]}")
    return said


def full(
    site: Site, definition: LocalPool | AzurePool, waiting: Mapping[str, int] | None, trouble: CodalabError | None
) -> dict[str, Any]:
    """What `pool show --json` prints."""
    told = {**summary(site, definition.name), "waiting": waiting, "reached": trouble is None}
    if not isinstance(definition, AzurePool):
        return told
    told["workers"] = [_worker_json(one) for one in site.ledger.workers.of(definition.name)]
    told["invites"] = [one.model_dump(mode="json") for one in definition.invites]
    told["warnings"] = warnings(site, definition)
    return {**told, **(trouble.as_json() if trouble else {})}


def _worker_json(one: SeenWorker) -> dict[str, Any]:
    return {**one.sign.model_dump(mode="json", exclude={"version"}), "there": one.is_there, "seen_at": iso(one.seen_at)}


def tell(site: Site, definition: LocalPool | AzurePool, waiting: Mapping[str, int] | None, out: Output) -> None:
    open_ = len(site.ledger.open_tasks(definition.name))
    queued = ", ".join(f"{number:,} {name}" for name, number in (waiting or {}).items())
    if not isinstance(definition, AzurePool):
        holder = embedded.current(site.places)
        served = f"process {holder.pid}, version {holder.version}" if holder else "nobody now; the next task starts it"
        out.data("local: this machine", "bold")
        out.fields([("served by", served), ("open tasks", f"{open_:,}"), ("waiting", queued)], talk=False)
        return
    out.data(f"{definition.name}: {definition.namespace}", "bold")
    good = pools_admin.living(definition)
    ends = f", the first ends {good[0].expires_at:%Y-%m-%d %H:%M} UTC" if good else ""
    out.fields(
        [
            ("queues", ", ".join(definition.queues.all)),
            ("store", f"{definition.account_url}, containers {definition.prefix}-…"),
            ("signs in", "with Microsoft Entra" if definition.account_key is None else "with keys kept here"),
            ("open tasks", f"{open_:,}"),
            ("waiting", queued),
            ("invites", count(len(good), "good invite") + ends if good else "none that is good"),
        ],
        talk=False,
    )
    seen = site.ledger.workers.of(definition.name)
    if seen:
        out.data()
        head = ("worker", "state", "version", "sandbox", "kernels", "busy", "load", "since")
        out.table(head, [_worker_row(one) for one in seen])
    for warning in warnings(site, definition):
        out.warn(warning)


def _worker_row(one: SeenWorker) -> list[str]:
    sign = one.sign
    state = "there" if one.is_there else "left" if sign.leaving else f"last seen {when(one.seen_at)}"
    return [
        sign.worker,
        state,
        sign.program,
        sign.sandbox,
        ", ".join(sign.kernels),
        f"{sign.busy} of {sign.slots}",
        f"{sign.load:.1f}",
        when(sign.since.timestamp()),
    ]
