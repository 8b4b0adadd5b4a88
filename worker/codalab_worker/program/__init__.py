"""The command `codalab-worker`: this machine does tasks of a pool that somebody else's site sends.

Exit codes: 0 done, or stopped in good order; 1 `status`: nobody serves here; 2 wrong usage, or an invite that is
refused; 3 something it needs is not there (revoked, unreachable for good, no sandbox, already serving); 70 our fault.
"""

from __future__ import annotations

import argparse
import errno
import json
import sys
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from codalab_nb import places as places_
from codalab_nb import settings as settings_
from codalab_nb._version import __version__
from codalab_nb.errors import CodalabError, UnavailableError
from codalab_nb.model.base import utc_now
from codalab_nb.places import Places
from codalab_nb.redaction import redact
from codalab_nb.settings import Settings
from codalab_worker.program import doctor, logs, serving
from codalab_worker.program.joined import Joined, all_joined, folder_of, read_invite, the_pool
from codalab_worker.removing import remove_tree

_INTERRUPTED = 130
_OUR_FAULT = 70
_CLOCK_MARGIN_S = 300.0  # an invite that was made later than now by more than this: a clock is wrong
_STOP_MARGIN_S = 30.0  # beyond the grace time, before `leave` says that the process does not stop


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code. Never raises."""
    args = _parser().parse_args(argv)
    try:
        config = settings_.load()
        return int(args.handler(args, places_.prepare(config), config))
    except CodalabError as error:
        return _refused(error, as_json=args.json)
    except OSError as error:
        return _refused(_of_the_machine(error), as_json=args.json)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception:  # noqa: BLE001 (the last line of defence)
        _say(redact(traceback.format_exc()))
        _say("error: codalab-worker has a fault; please report the lines above.")
        return _OUR_FAULT


def _of_the_machine(error: OSError) -> UnavailableError:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        fix = "Free some space, or set CODALAB_NB_HOME to a folder on another disk."
        return UnavailableError("disk_full", f"The disk is full{where}.", fix)
    said = f"This machine says: {error.strerror or error}{where}."
    return UnavailableError("not_permitted", said, "Look whether this account may use what is named there.")


def _refused(error: CodalabError, *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps(error.as_json()) + "\n")
    for problem in error.problems:
        _say(redact(f"error: {problem.message}"))
        if problem.fix:
            _say(redact(f"       {problem.fix}"))
    return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="codalab-worker", description="Does the tasks of a pool, in a sandbox.")
    parser.add_argument("--version", action="version", version=f"codalab-worker {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    join = _command(commands, "join", _join, "Join a pool with the file that its owner sent, and serve it")
    join.add_argument("invite", type=Path, metavar="INVITE", help="the file made by `codalab-nb pool invite`")
    run = _command(commands, "run", _run, "Serve a pool that was joined before")
    run.add_argument("--pool", help="which one, where several were joined")
    for one in (join, run):
        one.add_argument(
            "--slots", type=_positive, default=1, help="tasks at the same time (default 1); memory is divided"
        )
        one.add_argument(
            "--port", type=int, default=0, help="of /health and /metrics on 127.0.0.1 (default: a free one)"
        )
        one.add_argument("--log", choices=("text", "json"), default="text", help="lines for people, or JSON objects")
    status = _command(commands, "status", _status, "What was joined here, and who serves it")
    leave = _command(commands, "leave", _leave, "Stop serving a pool, forget its invite and what was fetched for it")
    leave.add_argument("--pool", help="which one, where several were joined")
    check = _command(commands, "doctor", _doctor, "Would serving work here, and if not, what to do?")
    for one in (join, run, status, leave, check):
        one.add_argument("--json", action="store_true", help="answers and errors as JSON")
    return parser


def _command(commands: Any, name: str, handler: Any, told: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=told, description=told if told.endswith("?") else f"{told}."
    )
    parser.set_defaults(handler=handler)
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 256")
    return int(text)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _join(args: argparse.Namespace, places: Places, config: Settings) -> int:
    invite = read_invite(args.invite)
    joined = folder_of(places, invite.pool)
    if (now := joined.serving()) is not None:
        raise UnavailableError(
            "already_serving",
            f"The process {now.pid} serves the pool {invite.pool} here already.",
            f"To change its invite: codalab-worker leave --pool {invite.pool}, then join again.",
        )
    serving.check_sandbox(config)
    ahead_s = (invite.made_at - utc_now()).total_seconds()
    if ahead_s > _CLOCK_MARGIN_S:
        _say(f"! By the clock of this machine the invite will be made in {ahead_s / 60:,.0f} minutes: set the clock.")
    _say(f"Trying the queues of {invite.pool} at {invite.namespace} …")
    doctor.try_out(invite, joined)
    joined.keep(invite)
    _say(f"Joined {invite.pool} until {invite.expires_at:%Y-%m-%d}. Next time: codalab-worker run")
    if args.invite.stat().st_mode & 0o077:
        _say(f"! {args.invite} can be read by others and is a credential: delete it, it is kept in {joined.folder}.")
    return _serve(args, joined, config)


def _run(args: argparse.Namespace, places: Places, config: Settings) -> int:
    return _serve(args, the_pool(places, args.pool), config)


def _serve(args: argparse.Namespace, joined: Joined, config: Settings) -> int:
    invite = joined.invite()
    logs.configure(args.log)
    own = config.model_copy(update={"slots": args.slots})
    _say(f"Serving {invite.pool}; Ctrl-C or SIGTERM stops it in good order.")
    return serving.serve(joined, invite, own, port=args.port)


def _status(args: argparse.Namespace, places: Places, _config: Settings) -> int:
    found = [_told(one) for one in all_joined(places)]
    if args.json:
        sys.stdout.write(json.dumps(found) + "\n")
    for one in found:
        who = one["serving"]
        now = (
            f"process {who['pid']} serves it: http://127.0.0.1:{who['port']}/health"
            if who
            else "nobody serves it here now"
        )
        good = one["trouble"] or f"the invite is good until {one['expires_at'][:10]}"
        sys.stdout.write("" if args.json else f"{one['pool']}: {now}; {good}\n")
    if not found:
        _say("No pool was joined here: codalab-worker join INVITE-FILE")
    return 0 if any(one["serving"] for one in found) else 1


def _told(joined: Joined) -> dict[str, Any]:
    now = joined.serving()
    told: dict[str, Any] = {
        "pool": joined.pool,
        "serving": asdict(now) if now else None,
        "trouble": "",
        "expires_at": "",
    }
    try:
        told["expires_at"] = joined.invite().expires_at.isoformat()
    except CodalabError as error:
        told["trouble"] = error.message
    return told


def _leave(args: argparse.Namespace, places: Places, config: Settings) -> int:
    joined = the_pool(places, args.pool)
    stopped = joined.stop(config.grace + _STOP_MARGIN_S)
    joined.forget()
    remove_tree(joined.folder)
    ended = f" The process {stopped.pid} has stopped." if stopped else ""
    _say(f"Left {joined.pool}.{ended} What was fetched is removed.")
    if args.json:
        sys.stdout.write(json.dumps({"left": joined.pool, "at": utc_now().isoformat()}) + "\n")
    return 0


def _doctor(args: argparse.Namespace, places: Places, config: Settings) -> int:
    found = []
    for check in doctor.checks(places, config):
        found.append(check)
        if not args.json:
            sys.stdout.write(f"{check.level:<8} {check.check}: {check.message}\n")
            sys.stdout.write(f"         {check.fix}\n" if check.fix else "")
    bad = any(check.level == "problem" for check in found)
    if args.json:
        sys.stdout.write(
            json.dumps({"ok": not bad, "version": __version__, "checks": [asdict(one) for one in found]}) + "\n"
        )
    return 3 if bad else 0
