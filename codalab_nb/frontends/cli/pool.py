"""`codalab-nb pool …`: making pools, inviting workers, looking who is there."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import math
import os
from pathlib import Path

from codalab_nb.errors import CodalabError, InputError, Problems
from codalab_nb.frontends.cli import asking, pool_view
from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.text import count, duration
from codalab_nb.model.base import utc_now
from codalab_nb.model.pool import AzurePool
from codalab_nb.site import pools_admin
from codalab_nb.site.monitor import PoolWatch
from codalab_nb.site.pools_admin import Place
from codalab_nb.site.site import Site

_INVITE_LIFE_S = 30 * 86400.0
_SOON_S = 7 * 86400.0
_PATIENCE_S = 1.5  # for signs of life that lie on the response queue


def create(args: argparse.Namespace, out: Output) -> int:
    problems = Problems()
    place = Place()
    try:
        place = _place(args)
    except InputError as error:
        problems.take(error)
    connection = _secret("--servicebus-connection", args.connection_env, args.connection_file, problems)
    key = _secret("--account-key", args.key_env, args.key_file, problems)
    problems.raise_if_any()
    with Site.open(serve=False) as site:
        pool, warnings = pools_admin.create(site, args.name, place, connection=connection, account_key=key)
    for warning in warnings:
        out.warn(warning)
    if out.json:
        out.object({"pool": pool.name, "queues": pool.queues.all, "warnings": warnings})
        return 0
    out.id(pool.name)
    out.say(f"The pool {pool.name} is ready: queues {', '.join(pool.queues.all)} at {pool.namespace}.")
    if key is not None:
        out.say(f"The account's key is kept in {site.settings.home / 'pools'}, readable by you alone.", "dim")
    out.say(f"Invite a worker: codalab-nb pool invite {pool.name}")
    return 0


def _place(args: argparse.Namespace) -> Place:
    told = Place(account_url=args.account, prefix=args.prefix)
    if args.outputs is None:
        return told
    try:
        data = Path(args.outputs).read_bytes()
    except OSError as error:
        raise InputError(
            "missing_file", f"--from {args.outputs} cannot be read: {error.strerror}.", "Check the path."
        ) from error
    return pools_admin.place_from_outputs(data, args.outputs) | told


def _secret(flag: str, variable: str | None, file: str | None, problems: Problems) -> str | None:
    """From a variable or a file that the flags name: what stands in a command line is read by every process here."""
    if variable is not None and file is not None:
        problems.add("usage", f"{flag}-env and {flag}-file are both given.", "Give one of them.")
    elif variable is not None:
        if os.environ.get(variable, "").strip():
            return os.environ[variable].strip()
        problems.add(
            "env_unset", f"{flag}-env {variable}: this variable is not set here.", "Give the name of one that is."
        )
    elif file is not None:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            problems.add("missing_file", f"{flag}-file {file} cannot be read: {why}.", "Check the path.")
    return None


def show_all(_args: argparse.Namespace, out: Output) -> int:
    with Site.open(serve=False) as site:
        found = [pool_view.summary(site, name) for name in site.pools.names()]
    if out.json:
        out.object(found)
        return 0
    rows = [[str(one["pool"]), pool_view.kind(one), pool_view.workers(one), f"{one['open']:,}"] for one in found]
    out.table(("pool", "where", "workers", "open tasks"), rows)
    return 0


def show(args: argparse.Namespace, out: Output) -> int:
    """Exit code 3 when the pool cannot be reached; what is known here is shown all the same."""
    with Site.open(serve=False) as site:
        definition = site.pools.definition(args.pool)
        trouble = None
        if isinstance(definition, AzurePool):
            try:
                # Signs of life wait on the queue when no monitor is running.
                PoolWatch(site.ledger, site.pools.side(args.pool)).take_responses(_PATIENCE_S)
            except CodalabError as error:
                trouble = error
        waiting = _waiting(site, args.pool) if trouble is None else None
        if out.json:
            out.object(pool_view.full(site, definition, waiting, trouble))
        else:
            pool_view.tell(site, definition, waiting, out)
            if trouble is not None:
                out.problems(trouble.problems)
    return trouble.exit_code if trouble is not None else 0


def _waiting(site: Site, pool: str) -> dict[str, int] | None:
    try:
        return {priority.value: len(queue.waiting()) for priority, queue in site.pools.side(pool).tasks.items()}
    except CodalabError:
        return None


def invite(args: argparse.Namespace, out: Output) -> int:
    problems = Problems()
    life_s = asking.age("--expires", args.expires, problems)
    target = Path(args.to).expanduser() if args.to else None
    if target is not None and target.is_dir():
        problems.add(
            "output_path", f"--to {target} is a folder.", f"Name a file in it: --to {target / args.pool}.invite"
        )
    elif target is not None and target.exists():
        problems.add(
            "output_path", f"--to {target} is there already.", "Name another: each worker gets a file of its own."
        )
    elif target is not None and not target.parent.is_dir():
        problems.add("output_path", f"--to {target}: there is no folder {target.parent}.", "Make it first.")
    problems.raise_if_any()
    with Site.open(serve=False) as site:
        life = dt.timedelta(seconds=_INVITE_LIFE_S if life_s is None else life_s)
        made = pools_admin.invite(site, args.pool, life)
    path = target or Path(f"{made.pool}-{made.id}.invite")
    _write_private(path, made.model_dump_json(indent=1).encode())
    sees = pools_admin.sees(made.pool)
    if out.json:
        out.object(
            {
                "invite": made.id,
                "pool": made.pool,
                "file": str(path.absolute()),
                "expires_at": made.expires_at,
                "sees": sees,
            }
        )
        return 0
    out.id(str(path))
    out.prose(sees)
    until = f"{made.expires_at:%Y-%m-%d %H:%M} UTC"
    out.say(f"On one other machine, within {_rounded_up(made.expires_at - utc_now())} (until {until}):")
    out.say(f"  pip install 'codalab-nb[azure]'; codalab-worker join {path.name}")
    return 0


def _rounded_up(left: dt.timedelta) -> str:
    """To the minute: an invite for 30 days shall not say 29 d 23 h."""
    return duration(math.ceil(left.total_seconds() / 60) * 60)


def _write_private(path: Path, data: bytes) -> None:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
    except OSError as error:
        raise InputError(
            "output_path", f"{path} cannot be written: {error.strerror}.", "Name another file: --to FILE"
        ) from error


def revoke(args: argparse.Namespace, out: Output) -> int:
    problems = Problems()
    connection = _secret("--servicebus-connection", args.connection_env, args.connection_file, problems)
    problems.raise_if_any()
    with Site.open(serve=False) as site:
        pools_admin.azure_pool(site, args.pool)
        with contextlib.suppress(CodalabError):  # who is there may have said so while no monitor was running
            PoolWatch(site.ledger, site.pools.side(args.pool)).take_responses(_PATIENCE_S)
        ended = pools_admin.revoke(site, args.pool, connection=connection)
    if out.json:
        out.object({"pool": args.pool, "invites": ended.invites, "workers": ended.workers})
        return 0
    out.say(f"Every invite of the pool {args.pool} has ended. Tasks that run there go on to their end.")
    out.say("A worker that is connected stays so until it connects anew: minutes, if its program is ours.", "dim")
    if ended.workers:
        out.say(f"{count(len(ended.workers), 'worker')} must join again, each with an invite of its own:")
        for worker in ended.workers:
            out.data(worker)
        out.say(f"  codalab-nb pool invite {args.pool}", "dim")
    return 0


def remove(args: argparse.Namespace, out: Output) -> int:
    problems = Problems()
    connection = _secret("--servicebus-connection", args.connection_env, args.connection_file, problems)
    problems.raise_if_any()
    with Site.open(serve=False) as site:
        pool = pools_admin.azure_pool(site, args.pool)
        pools_admin.refuse_busy(site, args.pool)
        results = len(site.ledger.find(pool=args.pool))
        if results and not args.yes:
            raise InputError(
                "confirm",
                f"{count(results, 'task')} ran in the pool {args.pool}; their results stay in {pool.account_url} and "
                "cannot be read from here any more.",
                f"Copy what you need (codalab-nb results TASK --to DIR), then: codalab-nb pool rm {args.pool} --yes",
            )
        pools_admin.remove(site, args.pool, connection=connection, queues=args.queues)
    if out.json:
        out.object({"pool": args.pool, "queues_deleted": bool(args.queues), "results": results})
        return 0
    kept = "its queues are deleted" if args.queues else f"its queues stay ({', '.join(pool.queues.all)})"
    out.say(f"The pool {args.pool} is not known here any more; {kept}.")
    out.say(f"What lies in the containers {pool.prefix}-… of {pool.account_url} stays.", "dim")
    return 0
