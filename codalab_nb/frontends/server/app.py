"""The Jupyter server extension: joins operations, handlers and the stream of events to a running Jupyter server."""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import Any

from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join

from codalab_nb.frontends import labextension

# Importing them registers their operations.
from codalab_nb.frontends.server import (  # noqa: F401
    batches,
    copying,
    datasets,
    datasets_add,
    datasets_preview,
    examples,
    files,
    form,
    live,
    log,
    methods,
    notebooks,
    provenance,
    recommendations,
    report,
    samples,
    status,
    submit,
    systematic,
    tables,
    tasks,
    tasks_act,
    tasks_again,
    uploads,
)
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.events import PATH, EventsHandler
from codalab_nb.frontends.server.feed import Feed
from codalab_nb.frontends.server.handlers import Handler, Pools, UploadHandler, address
from codalab_nb.frontends.server.operations import OPERATIONS, Operation
from codalab_nb.frontends.server.routes import BYTES, PREFIX


class Extension:
    """What one Jupyter server holds for us, from its start to its end."""

    def __init__(self, server: ServerApp) -> None:
        self.context = Context(Path(server.root_dir))
        self.pools = Pools()
        self.feed = Feed(self.context)
        self.context.datasets_changed = self.feed.datasets_changed

    def handlers(self, base_url: str) -> list[tuple[str, Any, dict[str, Any]]]:
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in OPERATIONS.values():
            by_path.setdefault(operation.route.path, {})[operation.route.verb] = operation
        found: list[tuple[str, Any, dict[str, Any]]] = []
        for path, verbs in by_path.items():
            takes_bytes = any(operation.route.request == BYTES for operation in verbs.values())
            shared = {"context": self.context, "pools": self.pools, "verbs": verbs}
            kind = UploadHandler if takes_bytes else Handler
            found.append((url_path_join(base_url, PREFIX) + address(path) + "$", kind, shared))
        page = {"context": self.context, "feed": self.feed}
        found.append((url_path_join(base_url, PREFIX, PATH) + "$", EventsHandler, page))
        # A plain name before one that takes any: /tasks/act is no task.
        return sorted(found, key=lambda one: one[0].count("(?P<"))

    def close(self) -> None:
        self.feed.close()
        self.pools.close()
        self.context.close()


def load(server: ServerApp) -> Extension:
    """Adds our handlers to `server`. They are closed when it stops."""
    extension = Extension(server)
    add_handlers: Any = server.web_app.add_handlers
    add_handlers(".*$", extension.handlers(server.base_url))
    atexit.register(extension.close)  # an extension that is no ExtensionApp is not told when the server stops
    absent = labextension.why_absent()
    if absent is not None:
        server.log.warning("codalab_nb: %s %s", *absent)
    server.log.info("codalab_nb serves %s", url_path_join(server.base_url, PREFIX))
    return extension
