"""`python -m codalab_nb.systematic`: the planner of a home, started and ended by the home's background process."""

from __future__ import annotations

import logging
import os
import sys
import threading

from codalab_nb.errors import CodalabError
from codalab_nb.redaction import RedactingFormatter
from codalab_nb.site import embedded
from codalab_nb.site.site import Site
from codalab_nb.systematic.hosting import LOCK, NICENESS
from codalab_nb.systematic.service import Service

log = logging.getLogger("codalab_nb.systematic")


def main() -> int:
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    os.nice(NICENESS)
    stop = threading.Event()
    # Whoever started us holds the other end: when they are gone, however, so are we.
    threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    try:
        with Site.open(serve=False) as site:
            lock = embedded.take_lock(site.places.systematic / LOCK, wait_s=5)
            if lock is None:
                return 0
            embedded.write_holder(lock)
            Service(site).run(stop)
    except CodalabError as error:
        log.error("%s: %s", error.code, error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
