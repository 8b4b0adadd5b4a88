"""Operations about the site as a whole: is work done here, where may tasks run."""

from __future__ import annotations

from codalab_nb.frontends.server import openapi
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import Download, operation


@operation("openapi")
def document(context: Context) -> Download:  # noqa: ARG001 (every operation has one)
    return Download(openapi.FILE.read_bytes(), "openapi.json", "application/json")
