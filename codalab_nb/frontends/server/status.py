"""Operations about the site as a whole: is work done here, where may tasks run."""

from __future__ import annotations

from pathlib import Path

from codalab_nb._version import __version__
from codalab_nb.errors import CodalabError
from codalab_nb.frontends.server import openapi
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import Download, operation
from codalab_nb.frontends.server.wire.common import Busy, Pool, PoolList, Status
from codalab_nb.model.pool import LOCAL
from codalab_nb.site import embedded
from codalab_nb.site.pools_admin import no_worker
from codalab_nb.site.site import Site

_NONE = "Notebooks run without a sandbox: with your own rights, they can read and change all your files."


@operation("openapi")
def document(context: Context) -> Download:  # noqa: ARG001 (every operation has one)
    return Download(openapi.FILE.read_bytes(), "openapi.json", "application/json")


@operation("status")
def status(context: Context) -> Status:
    return now(context)


@operation("warm")
def warm(context: Context) -> Status:
    """The background process warms a kernel when it starts; so all that is needed is that it is there."""
    context.site.keep_serving()
    return now(context)


@operation("pools")
def pools(context: Context) -> PoolList:
    site = context.site
    return PoolList(pools=tuple(_pool(site, name) for name in site.pools.names()))


def _pool(site: Site, name: str) -> Pool:
    """Told from what workers said of themselves; no queue or store far away is asked."""
    try:
        kind = str(site.pools.definition(name).kind)
    except CodalabError as error:
        return Pool(name=name, kind="unknown", note=str(error))
    if name == LOCAL:
        return Pool(name=name, kind=kind, workers=1 if embedded.current(site.places) else 0)
    there = sum(one.is_there for one in site.ledger.workers.of(name))
    why = no_worker(site, name)
    return Pool(name=name, kind=kind, workers=there, note=f"{why[0].upper()}{why[1:]}." if why else "")


def now(context: Context) -> Status:
    site = context.site
    holder = embedded.current(site.places)
    sandbox, warning = _sandbox(context)
    return Status(
        version=__version__,
        home=str(site.places.home),
        sandbox=sandbox,
        sandbox_warning=warning,
        serving=holder is not None or not site.ledger.has_open(),
        stuck=f"No work is taken: {holder.note}." if holder is not None and holder.note else None,
        busy=busy(site),
        seq=site.ledger.changes.head,
        default_pool=LOCAL,
        folder=_known_to_people(context.root),
    )


def busy(site: Site) -> Busy:
    queued, running = site.ledger.pages.busy()
    return Busy(queued=queued, running=running)


def _sandbox(context: Context) -> tuple[str, str | None]:
    """What walls notebooks in here, and why nothing does."""
    asked = context.site.settings.sandbox
    if asked == "none":
        return "none", f"{_NONE} The setting `sandbox` asks for that."
    why = context.why_no_sandbox()
    if not why:  # or it is not known yet: then nothing is said against it
        return "bubblewrap", None
    if asked == "bubblewrap":
        return "bubblewrap", f"Nothing can run: the settings ask for a sandbox, and it does not work. {why}"
    return "none", f"{_NONE} {why}"


def _known_to_people(folder: Path) -> str:
    """With `~` for the home folder."""
    try:
        return str(Path("~") / folder.relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return str(folder)
