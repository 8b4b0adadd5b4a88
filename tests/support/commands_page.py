"""docs/look-up/commands.md from the grammar: `python -m tests.support.commands_page > docs/look-up/commands.md`."""

from __future__ import annotations

from codalab_nb.frontends.cli import build_parser
from codalab_nb.frontends.cli.grammar import Command

HEAD = """# Commands

Ids go to standard output, everything else to standard error. With `--json` standard output holds one JSON value
(`logs --json`: one event in each line), also for errors: `{"errors": [{"code", "message", "fix"}]}`.

TASK is an id, at least four characters of its end, or `@last` (what was submitted last, with the batch it belongs to).
DATASET is `NAME` (the newest version) or `NAME@2`. DURATION is `90s`, `15m`, `2h`, `7d`; SIZE is `500M`, `2G`.

Exit codes: 0 ok; 1 failed, cancelled or expired; 2 wrong usage or refused input, nothing was queued; 3 lost, or
something needed is unavailable; 130 Ctrl-C, the task goes on.
"""


def page() -> str:
    parts = [HEAD]
    for title, commands in build_parser().sections:
        parts.append(f"## {title}\n")
        parts.extend(_command(command) for command in commands)
    return "\n".join(parts)


def _command(command: Command) -> str:
    lines = [f"### `codalab-nb {' '.join(command.path)}`\n", f"{command.summary[:1].upper()}{command.summary[1:]}.\n"]
    rows = []
    for action in command._actions:
        if action.dest == "help":
            continue
        value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
        named = ", ".join(action.option_strings)
        takes = action.nargs != 0
        name = f"{named} {value}" if named and takes else named or value
        rows.append(f"| `{name.replace('|', chr(92) + '|')}` | {(action.help or '').replace('|', chr(92) + '|')} |")
    if rows:
        lines += ["| | |", "|---|---|", *rows, ""]
    return "\n".join(lines)


if __name__ == "__main__":
    print(page(), end="")
