"""docs/look-up/worker.md from the grammar: `python -m tests.support.worker_page > docs/look-up/worker.md`."""

from __future__ import annotations

import argparse

from codalab_worker.program import _parser

HEAD = """# codalab-worker

Does the tasks of a pool on this machine: [bring your own workers](../do/pools.md). Answers of `status` and `doctor` go
to standard output, everything else to standard error.

| exit code | |
|---|---|
| 0 | done, or stopped in good order (SIGTERM, Ctrl-C, `leave`) |
| 1 | `status`: nobody serves here |
| 2 | wrong usage, or an invite that is refused: missing, damaged, expired, of a newer version |
| 3 | something is not there: invite revoked or ended, queues out of reach, no sandbox; `doctor`: a problem |
| 70 | our fault: please report what it printed |
| 130 | Ctrl-C before it served |

A supervisor (systemd, a container) should start it again after any code but 0, 2 and 3.

| variable | default | |
|---|---|---|
| `CODALAB_NB_HOME` | the platform's user data folder | for invites, fetched inputs, scratch folders |
| `CODALAB_NB_SANDBOX` | auto | `none` is refused: a pool brings other people's notebooks |
| `CODALAB_NB_WARM` | 2 | kernels kept ready, at most one for each slot |
| `CODALAB_NB_GRACE` | 10s | on SIGTERM running tasks may go on for this long, then they run elsewhere |

A second process for the same pool on one machine needs a `CODALAB_NB_HOME` of its own; mostly `--slots` is what one
wants. A second signal ends the grace at once. Limits come with each task, and the pool says how often a running task
gives a sign of life: the other [settings](settings.md) are the site's.

`GET /health` on 127.0.0.1 (`status` tells the port) answers 200 while it takes work and 503 while it does not, with
JSON that says why. `GET /metrics` is for Prometheus: `codalab_worker_up`, `_slots`, `_busy`, `_uptime_seconds`,
`_invite_expires_seconds`, `_attempts_total{outcome}`. Neither names tasks or addresses.
"""


def page() -> str:
    return "\n".join([HEAD, *(_command(name, command) for name, command in _commands().items())])


def _commands() -> dict[str, argparse.ArgumentParser]:
    (commands,) = (one for one in _parser()._actions if isinstance(one, argparse._SubParsersAction))
    return dict(commands.choices)


def _command(name: str, command: argparse.ArgumentParser) -> str:
    lines = [f"## `codalab-worker {name}`\n", f"{command.description}\n", "| | |", "|---|---|"]
    for action in command._actions:
        if action.dest == "help":
            continue
        value = "|".join(action.choices) if action.choices else str(action.metavar or action.dest.upper())
        shown = " ".join([*action.option_strings[-1:], *([value] if action.nargs != 0 else [])])
        lines.append(f"| `{shown}` | {action.help or ''} |".replace("|json", "\\|json"))
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    print(page(), end="")
