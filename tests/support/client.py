"""A submitter in a process of its own: `client.py submit NOTEBOOK TASK [MAX_ATTEMPTS]`, `client.py cancel TASK`,
`client.py many NOTEBOOK COUNT`; POOL in the environment names another pool than `local`. Prints each id when, and only
when, the site said "accepted"."""

from __future__ import annotations

import os
import sys

from codalab_nb import Options, Site


def main(verb: str, *arguments: str) -> None:
    with Site.open(serve=bool(os.environ.get("SERVE"))) as site:
        if verb == "submit":
            attempts = int(arguments[2]) if len(arguments) > 2 else None
            options = Options(max_attempts=attempts, pool=os.environ.get("POOL", "local"))
            task = site.run(arguments[0], task=None if arguments[1] == "@" else arguments[1], options=options)
            print(task.id, flush=True)
        elif verb == "cancel":
            print(site.cancel(arguments[0]), flush=True)
        elif verb == "many":
            for _ in range(int(arguments[1])):
                print(site.run(arguments[0]).id, flush=True)


main(*sys.argv[1:])
