"""`codalab-nb doctor`: does everything work here, and if not, what to do? It changes nothing."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from codalab_nb import places, settings
from codalab_nb._version import __version__
from codalab_nb.errors import CodalabError
from codalab_nb.frontends import labextension
from codalab_nb.frontends.cli.kernels import installed
from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.text import count, size
from codalab_nb.frontends.sandbox_probe import why_no_sandbox
from codalab_nb.model.pool import LOCAL
from codalab_nb.places import Places
from codalab_nb.settings import Settings
from codalab_nb.site import embedded

Level = Literal["ok", "warning", "problem"]
_STYLES: dict[Level, str] = {"ok": "green", "warning": "yellow", "problem": "red"}
_ANALYSIS = {
    "numpy": "numpy",
    "pandas": "pandas",
    "scipy": "scipy",
    "matplotlib": "matplotlib",
    "sklearn": "scikit-learn",
}
_LITTLE_SPACE, _NO_SPACE = 2 << 30, 100 << 20


@dataclass(frozen=True)
class Check:
    """One line: what was looked at, how it is, in words, and what to do when it is not ok."""

    check: str
    level: Level
    message: str
    fix: str = ""


def doctor(_args: argparse.Namespace, out: Output) -> int:
    """Exit code 3 when something does not work; a warning is not that."""
    found = []
    for check in checks():
        found.append(check)
        if not out.json:
            out.data(f"{check.level:<8} {check.check}: {check.message}", _STYLES[check.level])
            if check.fix:
                out.data(f"         {check.fix}")
    bad = [check for check in found if check.level == "problem"]
    if out.json:
        out.object({"ok": not bad, "version": __version__, "checks": [asdict(check) for check in found]})
    else:
        out.say()
        out.say(f"{count(len(bad), 'problem')} found." if bad else "Everything that is needed works.", "bold")
    return 3 if bad else 0


def checks() -> Iterator[Check]:
    """From the ground up; without a home the rest cannot be looked at."""
    yield _python()
    try:
        config = settings.load()
    except CodalabError as error:
        yield from (Check("settings", "problem", problem.message, problem.fix) for problem in error.problems)
        return
    file = settings.config_file(config.home)
    yield Check(
        "settings", "ok", f"read from {file} and the environment" if file.is_file() else "defaults and the environment"
    )
    try:
        where = places.prepare(config)
    except CodalabError as error:
        yield from (Check("home", "problem", problem.message, problem.fix) for problem in error.problems)
        return
    yield from _home(where)
    aside = f"codalab-nb stop; mv {where.ledger} {where.ledger}.bad; codalab-nb monitor --rebuild --once"
    yield _database("ledger", where.ledger, aside)
    yield _database("queue", where.queue, f"codalab-nb stop; rm {where.queue}*   (nothing is lost: it is filled again)")
    yield _background(where)
    yield _sandbox(config)
    yield from _pools(where, config)
    yield _packages()
    yield _kernels()
    if importlib.util.find_spec("jupyterlab") is not None:
        yield _lab()


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    told = f"Python {version} at {sys.executable}, codalab-nb {__version__}"
    if sys.platform == "win32":
        return Check(
            "python", "problem", f"{told}, on Windows", "Use it inside WSL: https://learn.microsoft.com/windows/wsl"
        )
    return Check("python", "ok", told)


def _home(where: Places) -> Iterator[Check]:
    kind = places.filesystem_of(where.home)
    if where.state != where.home:
        message = f"{where.home} lies on a network file system ({kind}); ledger and queue are in {where.state}"
        yield Check("home", "warning", message, "Better: set CODALAB_NB_HOME to a folder on a local disk.")
    else:
        yield Check("home", "ok", f"{where.home}, writable" + (f", {kind}" if kind else ""))
    free = shutil.disk_usage(where.home).free
    fix = "Free some space: codalab-nb clean --older-than 7d"
    level: Level = "problem" if free < _NO_SPACE else "warning" if free < _LITTLE_SPACE else "ok"
    yield Check("disk", level, f"{size(free)} free", "" if level == "ok" else fix)


def _database(name: str, path: Path, fix: str) -> Check:
    """Reads every page, writes nothing."""
    if not path.exists():
        return Check(name, "ok", "not there yet; the first task makes it")
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            answers = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.Error as error:
        answers = [str(error)]
    if answers == ["ok"]:
        return Check(name, "ok", f"sound, {size(path.stat().st_size)}")
    return Check(name, "problem", f"{path} is damaged: {'; '.join(answers)}", fix)


def _background(where: Places) -> Check:
    holder = embedded.current(where)
    if holder is None:
        return Check("background", "ok", "no process runs; the next task starts one")
    told = f"process {holder.pid}, version {holder.version}"
    if holder.note:
        return Check(
            "background", "problem", f"{told}, takes no work: {holder.note}", "Put that right, then: codalab-nb stop"
        )
    if holder.version != __version__:
        message = f"{told}, while this is {__version__}; it makes room when it has finished its tasks"
        return Check("background", "warning", message, "Sooner: codalab-nb stop")
    return Check("background", "ok", told)


def _pools(where: Places, config: Settings) -> Iterator[Check]:
    from codalab_nb.site import pools_doctor
    from codalab_nb.site.ledger import Ledger
    from codalab_nb.site.pools import Pools

    pools = Pools(where, config)
    if pools.names() == [LOCAL]:
        return
    ledger = None
    try:
        with contextlib.suppress(CodalabError):  # told above
            ledger = Ledger(where.ledger) if where.ledger.exists() else None
        for found in pools_doctor.look(pools, ledger.workers if ledger else None):
            level: Level = "problem" if found.broken else "warning" if found.odd else "ok"
            yield Check(f"pool {found.pool}", level, found.message, found.fix)
    finally:
        pools.close()
        if ledger is not None:
            ledger.close()


def _sandbox(config: Settings) -> Check:
    """Builds a box and throws it away, as a worker would."""
    if config.sandbox == "none":
        fix = "Set sandbox = 'auto' (codalab-nb config show says where it is set)."
        return Check("sandbox", "warning", "switched off: notebooks run with your own rights", fix)
    why = why_no_sandbox()
    if not why:
        return Check("sandbox", "ok", "bubblewrap works: notebooks are walled in, without network unless you allow it")
    if config.sandbox == "bubblewrap":
        return Check("sandbox", "problem", f"it is required by the settings and does not work. {why}", "")
    return Check(
        "sandbox", "warning", f"none: notebooks run with your own rights, and can read and change your files. {why}"
    )


def _packages() -> Check:
    missing = [name for module, name in _ANALYSIS.items() if importlib.util.find_spec(module) is None]
    if missing:
        message = f"{', '.join(missing)} missing: some methods are not offered"
        return Check("packages", "warning", message, f"{sys.executable} -m pip install 'codalab-nb[analysis]'")
    return Check("packages", "ok", f"{', '.join(_ANALYSIS.values())} are installed")


def _lab() -> Check:
    absent = labextension.why_absent()
    if absent is not None:
        return Check("jupyterlab", "warning", *absent)
    return Check("jupyterlab", "ok", f"its CodaLab panel is in {labextension.installed()}")


def _kernels() -> Check:
    found = installed()
    gone = [one["kernel"] for one in found if Path(one["command"]).is_absolute() and not Path(one["command"]).exists()]
    if gone:
        fix = "Remove it: jupyter kernelspec remove NAME"
        return Check("kernels", "warning", f"the program of {', '.join(gone)} does not exist any more", fix)
    return Check("kernels", "ok", ", ".join(one["kernel"] for one in found))
