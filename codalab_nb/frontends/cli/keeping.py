"""`clean`, `stop`, `uninstall`, `monitor`: keeping house."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

from codalab_nb import places, settings
from codalab_nb.errors import CodalabError, InputError, Problems, UnavailableError
from codalab_nb.frontends.cli import asking
from codalab_nb.frontends.cli.crash import crash_log
from codalab_nb.frontends.cli.exits import label, short
from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.text import count, duration, size
from codalab_nb.model.pool import LOCAL
from codalab_nb.model.task import OPEN, TERMINAL, State
from codalab_nb.site import cleanup, embedded
from codalab_nb.site.monitor import Monitor
from codalab_nb.site.site import Site
from codalab_nb.systematic import journal

_STOP_MARGIN_S = 20.0
_LOCK_WAIT_S = 5.0
_WATCH_S = 3600.0
_NAMED = 10


def clean(args: argparse.Namespace, out: Output) -> int:
    problems = Problems()
    age = asking.age("--older-than", args.older_than, problems)
    problems.raise_if_any()
    with Site.open(serve=False) as site:
        age = site.settings.retention if age is None else age
        before = time.time() - age
        going = [row for row in site.ledger.find(states=TERMINAL) if (row.finished_at or row.submitted_at) < before]
        cleaned = cleanup.clean(site, older_than_s=age, dry_run=args.dry_run)
    if out.json:
        out.object({**cleaned.__dict__, "dry_run": args.dry_run})
    else:
        verb = "Would remove" if args.dry_run else "Removed"
        out.say(
            f"{verb} {count(cleaned.tasks, 'task')} that ended more than {duration(age)} ago, with the results, "
            f"{count(cleaned.blobs, 'file')} that nothing needs, {count(cleaned.temporary, 'half-made file')}: "
            f"{size(cleaned.bytes)}."
        )
        for row in going[:_NAMED]:
            out.say(f"  {short(row.id)}  {label(row)}", "dim")
        for pool in cleaned.left_out:
            out.warn(f"The pool {pool} could not be reached; nothing was removed there.")
        if len(going) > _NAMED:
            out.say(f"  … and {len(going) - _NAMED:,} more", "dim")
    return 0


def stop(_args: argparse.Namespace, out: Output) -> int:
    config = settings.load()
    where = places.prepare(config)
    running = _running(where, config)
    holder = embedded.stop(where, config.grace + _STOP_MARGIN_S)
    if out.json:
        pid = holder.pid if holder else None
        out.object({"stopped": holder is not None, "pid": pid, "running": list(running)})
        return 0
    if holder is None:
        out.say("There is no background process to stop.")
        return 0
    out.say(f"Stopped the background process {holder.pid}.")
    left = _open(where, config)
    for task, told in running.items():
        if task in left:
            out.say(f"  {short(task)}  {told} was running; it runs again as soon as any command is used.")
    return 0


def _running(where: places.Places, config: settings.Settings) -> dict[str, str]:
    return {task: told for task, (state, told) in _open(where, config).items() if state is State.RUNNING}


def _open(where: places.Places, config: settings.Settings) -> dict[str, tuple[State, str]]:
    """Tasks without a verdict: id → state and name. None when the ledger cannot tell: that must not prevent a stop."""
    if not where.ledger.exists():
        return {}
    try:
        with Site(where, config, serve=False) as site:
            told = {row.id: (site.state_of(row), label(row)) for row in site.ledger.open_tasks()}
            return {task: found for task, found in told.items() if found[0] in OPEN}
    except UnavailableError:
        return {}


def uninstall(args: argparse.Namespace, out: Output) -> int:
    """Removes what is ours, by name: a home that holds other things too keeps those."""
    config = settings.load()
    if not config.home.is_dir():
        out.say(f"There is nothing of codalab-nb: {config.home} does not exist.")
        return _uninstalled([], config, out)
    where = places.prepare(config)
    lost = _stored(where, config)
    if not args.yes:
        _ask(config, lost, _ours(where, keep_results=args.keep_results), out, keep_results=args.keep_results)
    embedded.stop(where, config.grace + _STOP_MARGIN_S)
    lock = embedded.take_lock(where.lock, wait_s=_LOCK_WAIT_S)  # nothing may start while it goes
    going = _ours(where, keep_results=args.keep_results)
    for path in going:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if lock is not None:
        os.close(lock)
    for folder in dict.fromkeys((where.home, where.state)):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    if lost and not out.json:
        out.say(f"{'Kept in the store' if args.keep_results else 'Gone'}: {lost}.")
    return _uninstalled(going, config, out)


def _stored(where: places.Places, config: settings.Settings) -> str:
    """`2 data sets, 31 results, 1 task that runs or waits`; empty when there is none, or the ledger cannot tell."""
    if not where.ledger.exists():
        return ""
    try:
        with Site(where, config, serve=False) as site:
            datasets, every = len(site.catalog.datasets()), site.ledger.find()
            going = sum(site.state_of(row) in OPEN for row in every if row.is_open)
    except CodalabError:
        return ""
    parts = [
        (datasets, count(datasets, "data set")),
        (len(every) - going, count(len(every) - going, "result")),
        (going, count(going, "task that runs or waits", "tasks that run or wait")),
    ]
    return ", ".join(told for number, told in parts if number)


def _ours(where: places.Places, *, keep_results: bool) -> list[Path]:
    databases = [where.ledger, where.queue, where.digests]
    files = [Path(f"{path}{ending}") for path in databases for ending in ("", "-wal", "-shm", "-journal")]
    others = [
        where.log,
        where.lock,
        where.scratch,
        where.runtime,
        where.home / "pools",
        where.state / "pools",
        settings.config_file(where.home),
        crash_log(where.home),
    ]
    if keep_results:  # what was learned from results stays with them
        more = [path for path in where.systematic.glob("*") if path.name != journal.FILE]
    else:
        more = [where.store, where.systematic]
    return [path for path in dict.fromkeys((*files, *others, *more)) if path.exists() or path.is_symlink()]


def _ask(config: settings.Settings, lost: str, going: list[Path], out: Output, *, keep_results: bool) -> None:
    what = "ledger, queue, log and settings" if keep_results else "all data sets, tasks, results and settings"
    inside = f" ({lost})" if lost and not keep_results else ""
    if out.json or not sys.stdin.isatty():
        raise InputError(
            "confirm", f"uninstall would remove {what} in {config.home}{inside}.", "Say so: codalab-nb uninstall --yes"
        )
    out.prose(f"This removes {what} in {config.home}{inside}:")
    for path in going:
        out.say(f"  {path}")
    out.stderr.write("Go on? [y/N] ")
    out.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise InputError("confirm", "Nothing was removed.", "Answer y to go on.")


def _uninstalled(gone: list[Path], config: settings.Settings, out: Output) -> int:
    kept = str(config.home / "store") if (config.home / "store").is_dir() else None
    if out.json:
        out.object({"removed": [str(path) for path in gone], "kept": kept})
        return 0
    if gone:
        out.say(f"Removed what codalab-nb had stored in {config.home}.")
    if kept:
        out.say(f"Kept: {kept}. To use it again after a new install: codalab-nb monitor --rebuild --once")
    out.say("The program itself: pip uninstall codalab-nb")
    return 0


def monitor(args: argparse.Namespace, out: Output) -> int:
    with Site.open(serve=False) as site:
        if args.rebuild:
            _rebuild(site, out)
        watch = Monitor(site.ledger, site.pools, site.settings)
        if args.once:
            watch.run_pass()
            out.say(f"One pass is done; {count(len(site.ledger.open_tasks()), 'task')} without a verdict.")
            return 0
        out.say(
            f"Watching over {site.settings.home}, until Ctrl-C. It does not run tasks: the background process does."
        )
        watch.start()
        try:
            while True:
                _wait()
        finally:
            watch.stop()


def _wait() -> None:
    time.sleep(_WATCH_S)


def _rebuild(site: Site, out: Output) -> None:
    from codalab_nb.site.rebuild import rebuild

    for name in site.pools.names():
        rebuilt = rebuild(site.pools.side(name).store, site.ledger, pool=name)
        where = "the store" if name == LOCAL else f"the store of pool {name}"
        out.say(f"Entered {count(rebuilt.tasks, 'task')} from {where} into the ledger; {rebuilt.open:,} of them go on.")
        for task in rebuilt.unconfirmed:
            out.warn(f"Task {task} was stored but perhaps never accepted. Submit it again if you miss it.")
